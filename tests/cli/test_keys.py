"""A provider's key: in the one header that carries it, and nowhere else that anybody can read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Here, Prepared, Result
from tests.servers import chat
from tests.servers.chat import Behaviour, ChatServer

KEY = "kq7-TESTONLY-2f81c09a7d6b4e35a1c8f0"
ENV = {"HYBRIDRAG_PROVIDER_KEY": KEY}
QUESTION = "What does a meal cost?"


@pytest.fixture(scope="module")
def indexed_once(prepared: Prepared) -> Prepared:
    folder = prepared.cli.home / "notes"
    folder.mkdir()
    (folder / "meals.md").write_text("# Meals\n\nA meal in the canteen costs 62 euros.\n")
    assert prepared.cli("ingest", str(folder)).code == 0
    return prepared


@pytest.fixture
def indexed(indexed_once: Prepared, tmp_path: Path, here: Here) -> Iterator[CommandLine]:
    with indexed_once.copy(tmp_path) as cli:
        yield here(cli)


def leaks(*results: Result) -> bool:
    """Whether the key, in full or cut in the middle, stands in what was printed."""
    said = "".join(done.out + done.err for done in results)
    return KEY in said or KEY[:16] in said or KEY[-16:] in said


def files_with_key(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


@pytest.mark.parametrize(
    "behaviour",
    [
        chat.answer(f"A meal costs 62 euros [1]. Your key is {KEY}."),
        chat.status(401, message=f"bad key {KEY}"),
        chat.status(400, message=f"Authorization: Bearer {KEY[:20]}\u200b{KEY[20:].upper()}"),
        chat.status(404, message=KEY),
        chat.html(text=KEY),
        chat.redirect(f"https://elsewhere.example/{KEY}"),
        chat.events(b'data: {"error": {"message": "' + KEY.encode() + b'"}}\n\n'),
        chat.cut("A meal costs", after=200),
        chat.garbage(KEY.encode()),
        chat.hang_up(),
    ],
    ids=["answer", "401", "400", "404", "html", "redirect", "event", "cut", "garbage", "hang-up"],
)
def test_whatever_a_provider_does_with_it_the_key_is_not_told(indexed: CommandLine, behaviour: Behaviour) -> None:
    arguments = ("ask", QUESTION, "--llm", "any", "--debug", "--verbose", "--provider")
    with ChatServer(behaviour) as server:
        done = indexed(*arguments, server.url, env=ENV)
        as_json = indexed(*arguments, server.url, "--json", env=ENV)
        carried = {request.headers.get("authorization") for request in server.requests}
    assert carried == {f"Bearer {KEY}"}
    # A model that echoes a key was told it by its provider: that is in the answer as any other text.
    if done.code:
        assert not leaks(done, as_json)
    assert files_with_key(indexed.home) == []
    assert "Traceback" not in done.out


def test_commands_that_show_settings_and_records_do_not_show_it(indexed: CommandLine) -> None:
    with ChatServer(chat.answer("A meal costs 62 euros [1].")) as server:
        provider = {**ENV, "HYBRIDRAG_PROVIDER": server.url, "HYBRIDRAG_LLM": "any", "TOGETHER_API_KEY": KEY}
        shown = [
            indexed(*command, env=provider)
            for command in (
                ("ask", QUESTION),
                ("ask", QUESTION, "--show-outbound"),
                ("config", "show"),
                ("config", "show", "--json"),
                ("providers", "list"),
                ("providers", "list", "--json"),
                ("providers", "show", "together"),
                ("providers", "show", "together", "--json"),
                ("providers", "test", server.url, "--llm", "any"),
                ("ledger", "list", "--json"),
                ("ledger", "export", "-"),
                ("doctor", "--json"),
                ("policy", "show", "--json"),
            )
        ]
    assert not leaks(*shown)
    assert files_with_key(indexed.home) == []


def test_it_is_in_no_command_line_of_any_process(indexed: CommandLine) -> None:
    seen: list[bytes] = []

    def look(exchange: chat.Exchange) -> None:
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                seen.append(process.read_bytes())
            except OSError:  # it ended meanwhile
                continue
        chat.answer("A meal costs 62 euros [1].")(exchange)

    if not Path("/proc/self/cmdline").exists():
        pytest.skip("this system shows no command lines under /proc")
    command = CommandLine(indexed.home, indexed.environment)
    with ChatServer(look) as server:
        assert command("ask", QUESTION, "--llm", "any", "--provider", server.url, env=ENV).code == 0
    assert any(b"hybridrag" in line for line in seen)
    assert not any(KEY.encode() in line for line in seen)
