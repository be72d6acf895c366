"""`providers list|show|test`: what is told of each, never a key, and a real request to a real server on loopback."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import psycopg
import pytest

from hybridrag.providers import preset_names
from tests.cli.terminals import on_a_terminal, without_colours
from tests.conftest import CommandLine, Here
from tests.decoded import texts
from tests.servers.chat import ChatServer, answer, cut, html, refused_address, status

KEY = "sk-test-3f9a1c77d2e84b60"
OWN = """
[providers.gateway]
base_url = "{url}"
model = "test-model"
key_variable = "GATEWAY_KEY"
context = 8192
prompt_price = 2
completion_price = 8
"""


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


def own_file(cli: CommandLine, text: str) -> None:
    folder = cli.home / "state"
    folder.mkdir(exist_ok=True)
    (folder / "config.toml").write_text(text, encoding="utf-8")


def rows(cli: CommandLine) -> list[tuple[object, ...]]:
    """Who was asked, the tokens, and what it cost, of each request that is counted."""
    with psycopg.connect(cli.environment["HYBRIDRAG_DATABASE_URL"]) as connection:
        found = connection.execute(
            "select provider, model, prompt_tokens, completion_tokens, counted, cost_usd::float8"
            " from hybridrag.spending order by id"
        )
        return found.fetchall()


def ledger(cli: CommandLine) -> list[str]:
    """How each request ended, the latest first."""
    return [entry["outcome"] for entry in cli("ledger", "list", "--json").json["entries"]]


# --- list and show ---------------------------------------------------------------------------------------------------


def test_list_tells_all_of_every_provider_and_no_key(cli: CommandLine) -> None:
    own_file(cli, OWN.format(url="https://llm.corp.example/v1") + "[providers.together]\nzdr = true\n")
    done = cli("providers", "list", "--json", env={"TOGETHER_API_KEY": KEY})
    assert done.code == 0, done.err
    found = {each["name"]: each for each in done.json["providers"]}
    assert done.json["schema"] == "hybridrag.providers/1"
    assert set(preset_names()) | {"gateway"} == set(found)
    assert found["together"]["key_variable"] == "TOGETHER_API_KEY"
    assert [name for name, each in found.items() if each["key_set"]] == ["together"]
    assert found["together"]["keeps_nothing"] and "your settings say zdr = true" in found["together"]["retention"]
    assert found["ollama"]["local"] and not found["gateway"]["local"]
    gateway = found["gateway"]
    assert (gateway["base_url"], gateway["model"], gateway["key_set"]) == (
        "https://llm.corp.example/v1",
        "test-model",
        False,
    )
    assert gateway["price_usd_per_million_tokens"] == {"prompt": 2.0, "completion": 8.0}
    assert gateway["context"] == 8192
    assert done.json["today"] == {
        "limit_usd": None,
        "spent_usd": 0.0,
        "reserved_usd": 0.0,
        "requests": 0,
        "unpriced": 0,
    }
    for form in ((), ("--json",), ("--debug",)):
        shown = cli("providers", "list", *form, env={"TOGETHER_API_KEY": KEY})
        assert KEY not in shown.out + shown.err


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_the_list_fits_the_terminal_and_cuts_nothing(cli: CommandLine, columns: int) -> None:
    own_file(cli, OWN.format(url="https://llm.corp.example/v1"))
    code, shown = on_a_terminal(cli, "providers", "list", columns=columns)
    assert code == 0
    lines = without_colours(shown).replace("\r", "").split("\n")
    # A cell that is folded goes on in the next line, at most one word longer than the terminal's own wrap.
    assert max(map(len, lines)) <= columns
    squeezed = "".join("".join(lines).split())
    for name in preset_names():
        assert name in squeezed
    assert "…" not in squeezed
    assert "GATEWAY_KEY,notset" in squeezed if columns < 140 else "GATEWAY_KEY" in squeezed


def test_list_needs_no_database(cli: CommandLine) -> None:
    with refused_address() as nowhere:
        url = nowhere.removeprefix("http://").removesuffix("/v1")
        done = cli("providers", "list", env={"HYBRIDRAG_DATABASE_URL": f"postgresql://x@{url}/none"})
    assert done.code == 0
    assert "together" in done.out
    assert "what today has cost is not known" in done.err


def test_list_makes_no_database_of_its_own(tmp_path: Path, cli: CommandLine) -> None:
    done = cli(
        "providers", "list", "--json", env={"HYBRIDRAG_DATABASE_URL": "", "HYBRIDRAG_HOME": str(tmp_path / "new")}
    )
    assert done.code == 0
    assert done.json["today"]["spent_usd"] is None
    assert not (tmp_path / "new").exists()


def test_show_tells_where_each_fact_is_from(cli: CommandLine) -> None:
    own_file(cli, '[providers.together]\nmodel = "mine/own-model"\n')
    told = cli("providers", "show", "together", "--json").json
    assert told["schema"] == "hybridrag.provider/1"
    assert told["model"] == "mine/own-model"
    assert told["origins"]["model"] == str(cli.home / "state" / "config.toml")
    assert told["origins"]["base_url"] == "preset"
    assert told["source"].startswith("https://") and told["checked"] >= "2026"
    shown = cli("providers", "show", "together").out
    assert "TOGETHER_API_KEY, not set" in shown and told["retention"] in shown
    flag = cli("providers", "show", "together", "--llm", "another", "--json").json
    assert (flag["model"], flag["origins"]["model"]) == ("another", "--llm")


def test_show_takes_an_address(cli: CommandLine) -> None:
    told = cli("providers", "show", "https://llm.corp.example/v1", "--json").json
    assert (told["key_variable"], told["key_set"], told["model"]) == ("HYBRIDRAG_PROVIDER_KEY", False, None)
    assert "nothing is known of this address" in told["retention"]


@pytest.mark.parametrize("verb", ["show", "test"])
def test_a_name_that_is_nearly_one_is_told(cli: CommandLine, verb: str) -> None:
    done = cli("providers", verb, "togehter")
    assert done.code == 2
    assert "There is no provider named 'togehter'" in done.err and "Did you mean together?" in done.err


def test_no_command_but_test_opens_a_socket_to_a_provider(cli: CommandLine) -> None:
    with ChatServer() as server:
        own_file(cli, OWN.format(url=server.url))
        assert cli("providers", "list").code == cli("providers", "show", "gateway").code == 0
        assert server.requests == []


# --- test ------------------------------------------------------------------------------------------------------------


def test_a_test_really_asks_and_is_in_the_ledger_and_under_the_budget(cli: CommandLine) -> None:
    usage = {"prompt_tokens": 30, "completion_tokens": 500}
    with ChatServer(answer("one two three", usage=usage)) as server:
        own_file(cli, "max_cost_usd = 1.0\n" + OWN.format(url=server.url))
        done = cli("providers", "test", "gateway", "--json", env={"GATEWAY_KEY": KEY})
        shown = cli("providers", "test", "gateway", env={"GATEWAY_KEY": KEY})
    assert done.code == shown.code == 0, done.err + shown.err
    told = done.json
    assert told["schema"] == "hybridrag.provider_test/1"
    assert (told["provider"], told["model"], told["reply"]) == ("gateway", "test-model", "one two three")
    assert told["usage"] == {"prompt_tokens": 30, "completion_tokens": 500, "counted": "provider", "cost_usd": 0.00406}
    assert 0 < told["timings_ms"]["first_token"] <= told["timings_ms"]["total"]
    assert told["tokens_per_second"] > 0
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert any("one to twenty" in text for text in texts(json.loads(server.bodies[0])))
    assert cli("ledger", "show", told["ledger_id"], "--json").json["outcome"] == "sent"
    assert rows(cli) == [("gateway", "test-model", 30, 500, "provider", 0.00406)] * 2
    assert "30 in, 500 out (counted by the provider)" in shown.out and "$0.0041" in shown.out
    for text in (done.out, done.err, shown.out, shown.err):
        assert KEY not in text
    today = cli("providers", "list").err
    assert "today (UTC): $0.0081 of $1.00 spent, 2 requests" in today


def test_a_spent_budget_stops_a_test_before_anything_leaves(cli: CommandLine) -> None:
    with ChatServer(answer("one")) as server:
        own_file(cli, "max_cost_usd = 0.001\n" + OWN.format(url=server.url))
        done = cli("providers", "test", "gateway", env={"GATEWAY_KEY": KEY})
        assert server.bodies == []
    assert done.code == 9
    assert "the budget of $0.0010 a day (max_cost_usd) would be exceeded" in done.err and "00:00 UTC" in done.err
    assert rows(cli) == [] and ledger(cli) == []


def test_a_local_server_without_a_price_needs_no_budget_and_no_database(cli: CommandLine) -> None:
    with ChatServer(answer("one", usage=None)) as server, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        env = {
            "HYBRIDRAG_MAX_COST_USD": "0.000001",
            "HYBRIDRAG_DATABASE_URL": f"postgresql://x@127.0.0.1:{nobody.getsockname()[1]}/none",
        }
        done = cli("providers", "test", server.url, "--llm", "any", "--json", "--offline", env=env)
    assert done.code == 0, done.err
    assert (done.json["usage"]["counted"], done.json["usage"]["cost_usd"]) == ("estimate", 0.0)
    assert done.json["tokens_per_second"] is None


@pytest.mark.parametrize(
    ("behaviour", "said", "charged"),
    [
        (status(401, message="bad key"), "refused the key", 0.0),
        (status(500), "fails to answer", 0.0),
        (html(), "text/html", 0.0),
        (answer(""), "with no text in it (stop)", None),
        (cut("one two three four five", after=900), "stopped mid-stream", None),
    ],
)
def test_a_failure_is_told_counted_and_in_the_ledger(
    cli: CommandLine, behaviour: object, said: str, charged: float | None
) -> None:
    with ChatServer(behaviour) as server:  # type: ignore[arg-type]
        own_file(cli, "max_cost_usd = 1.0\n" + OWN.format(url=server.url))
        done = cli("providers", "test", "gateway", env={"GATEWAY_KEY": KEY})
    assert done.code == 5
    assert said in done.err
    assert KEY not in done.out + done.err
    (row,) = rows(cli)
    assert row[-1] == charged if charged is not None else row[-1] > 0  # type: ignore[operator]
    assert set(ledger(cli)) <= {"failed", "retried", "sent"}


def test_a_remote_provider_is_not_tested_offline_or_without_its_key(cli: CommandLine) -> None:
    offline = cli("providers", "test", "together", "--offline", env={"TOGETHER_API_KEY": KEY})
    assert (offline.code, "--offline forbids the provider together" in offline.err) == (2, True)
    keyless = cli("providers", "test", "together")
    assert (keyless.code, "TOGETHER_API_KEY is not set" in keyless.err) == (3, True)
