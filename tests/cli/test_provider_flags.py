"""Flags of `ask` and `chat` that speak of a provider: said at once where they cannot be meant so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import CommandLine, Here
from tests.servers.chat import ChatServer, answer


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


@pytest.fixture
def home(cli: CommandLine, tmp_path: Path) -> CommandLine:
    folder = tmp_path / "handbook"
    folder.mkdir()
    (folder / "travel.md").write_text("# Travel\n\nThe meal allowance is 62 euros a day.\n", encoding="utf-8")
    done = cli("ingest", str(folder))
    assert done.code == 0, done.err
    return cli


@pytest.mark.parametrize("verb", [("ask", "What is the meal allowance?"), ("chat",)], ids=lambda verb: verb[0])
@pytest.mark.parametrize("flag", ["--llm", "--fallback"])
def test_what_is_said_of_a_provider_needs_one(cli: CommandLine, verb: tuple[str, ...], flag: str) -> None:
    done = cli(*verb, flag, "ollama", stdin=b"")
    assert done.code == 2
    assert flag in done.err
    assert "--provider" in done.err


def test_a_conversation_can_insist_on_a_provider(cli: CommandLine) -> None:
    done = cli("chat", "--require-provider", stdin=b"")
    assert done.code == 2
    assert "--provider" in done.err


def test_a_fallback_that_nobody_knows_is_told_before_anything_is_sent(home: CommandLine) -> None:
    with ChatServer(answer("62 euros a day [1].")) as server:
        done = home(
            "ask", "--provider", server.url, "--llm", "any", "--fallback", "fierworks", "What is the meal allowance?"
        )
    assert done.code == 2
    assert "fireworks" in done.err
    assert not server.requests


def test_a_conversation_stays_within_the_budget_of_its_flag(home: CommandLine) -> None:
    with ChatServer(answer("62 euros a day [1].")) as server:
        settings = home.home / "priced.toml"
        settings.write_text(
            f'[providers.ours]\nbase_url = "{server.url}"\nmodel = "any"\nprompt_price = 1\ncompletion_price = 1\n',
            encoding="utf-8",
        )
        chosen = ("--config", str(settings), "chat", "--provider", "ours")
        question = b"What is the meal allowance a day?\n"
        done = home(*chosen, "--max-cost-usd", "0.000001", stdin=question)
        assert done.code == 9
        assert not server.requests
        assert home(*chosen, "--max-cost-usd", "1", stdin=question).code == 0


def test_the_age_of_the_index_is_said_once_in_a_conversation(home: CommandLine) -> None:
    done = home("chat", stdin=b"What is the meal allowance a day?\nWhat is the meal allowance?\n")
    assert done.code == 0
    assert done.out.count("[1] handbook/travel.md") == 2
    assert done.err.count("index of ") == 1


def test_a_filter_that_leaves_nothing_is_recalled(home: CommandLine) -> None:
    question = "What is the meal allowance a day?"
    assert "--filter" not in home("ask", question).err
    done = home("ask", question, "--filter", "path:elsewhere/**")
    assert done.code == 0
    assert "--filter" in done.err


def test_doctor_looks_at_those_that_are_asked_next(cli: CommandLine) -> None:
    ours = '[providers.ours]\nbase_url = "http://127.0.0.1:1/v1"\nmodel = "any"\n'
    settings = cli.home / "fallback.toml"
    for next_one, problem in (("together", "TOGETHER_API_KEY"), ("ollama", "no model is chosen"), ("nobody", "nobody")):
        settings.write_text(f'provider = "ours"\nfallback = ["{next_one}"]\n{ours}', encoding="utf-8")
        done = cli("--config", str(settings), "doctor")
        assert done.code == 11
        assert any("provider" in line and problem in line for line in done.out.splitlines()), done.out
