"""What cannot work is refused before a database, a collection or a process is made for it, and no model is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybridrag.models import AutomaticEmbedder
from hybridrag.parsing import GuardedParser
from tests.conftest import CommandLine, Here, command_line

REFUSED = [
    (("ingest", "ftp://example.com/page"), {}, 2, "ftp: is no way to fetch a page"),
    (("ingest", "no/such/file.md"), {}, 2, "there is no file or folder"),
    (("ingest", ".", "--exclude", "!"), {}, 2, "--exclude holds a pattern that cannot be read"),
    (("ingest", ".", "--source", "a/b"), {}, 2, "cannot be a source's name"),
    (("ingest", "."), {"HYBRIDRAG_EMBEDDER": "no-such-model"}, 5, "neither a model's name nor a folder"),
    (("ingest", "."), {"HYBRIDRAG_TEXT_SEARCH": "klingon"}, 3, "which is no analyser"),
    (("sources", "add", "ftp://example.com/page"), {}, 2, "ftp: is no way to fetch a page"),
    (("sources", "add", "no/such/folder"), {}, 2, "there is no file or folder"),
]


@pytest.fixture
def nothing_yet(tmp_path: Path, tiny_model: Path) -> Iterator[CommandLine]:
    """The command line with an embedded database that is still to be made."""
    made = command_line(tmp_path / "home", "", tiny_model)
    named = {key: value for key, value in made.environment.items() if key != "HYBRIDRAG_DATABASE_URL"}
    cli = replace(made, environment=named)
    yield cli
    if (cli.home / "state").exists():
        cli("db", "stop")


@pytest.mark.parametrize(("arguments", "env", "code", "said"), REFUSED)
def test_no_database_is_made(
    nothing_yet: CommandLine, here: Here, arguments: tuple[str, ...], env: dict[str, str], code: int, said: str
) -> None:
    refused = here(nothing_yet)(*arguments, env=env)
    assert (refused.code, said in refused.err) == (code, True), refused.err
    assert not (nothing_yet.home / "state").exists()


def test_no_collection_is_made_and_nothing_is_loaded(
    cli: CommandLine, here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[object] = []
    start, load = GuardedParser.start, AutomaticEmbedder.load

    def starting(self: GuardedParser) -> None:
        begun.append(self)
        start(self)

    def loading(self: AutomaticEmbedder) -> None:
        begun.append(self)
        load(self)

    monkeypatch.setattr(GuardedParser, "start", starting)
    monkeypatch.setattr(AutomaticEmbedder, "load", loading)
    run = here(cli)
    for arguments, env, code, _ in REFUSED:
        assert run(*arguments, env=env).code == code
    assert begun == []
    assert run("collections", "list", "--json").json["collections"] == []
    (cli.home / "note.md").write_text("# A note\n\nThe pump is oiled each Monday.\n")
    assert run("ingest", "note.md").code == 0
    assert {type(each) for each in begun} == {GuardedParser, AutomaticEmbedder}

    opened: list[object] = []
    make = GuardedParser.__init__

    def opening(self: GuardedParser, **how: Any) -> None:
        opened.append(self)
        make(self, **how)

    monkeypatch.setattr(GuardedParser, "__init__", opening)
    refused = run("sync", "nowhere")
    assert (refused.code, "there is no source 'nowhere'" in refused.err, opened) == (2, True, [])
    assert run("sync").code == 0
    assert len(opened) == 1
