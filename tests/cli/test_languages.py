"""The language of documents, as people and programs are told it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import CommandLine, Here

GERMAN = "# Reisen\n\nDas Tagegeld beträgt 62 Euro, und die Buchhaltung zahlt es mit dem nächsten Gehalt aus.\n"
ENGLISH = "# Travel\n\nThe meal allowance is 62 euros for a day of travel, and the finance team pays it.\n"


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


@pytest.fixture
def ingest(cli: CommandLine, tiny_model: Path) -> Callable[..., None]:
    model = cli.home / "potion-base-2M"  # a folder of that name holds that model, for the program
    model.symlink_to(tiny_model)
    docs = cli.home / "docs"
    docs.mkdir()
    (docs / "reise.md").write_text(GERMAN)
    (docs / "travel.md").write_text(ENGLISH)
    (docs / "prices.csv").write_text("item,price\nhotel,90\n")

    def run(*flags: str, warned: bool) -> None:
        done = cli("ingest", str(docs), *flags, env={"HYBRIDRAG_EMBEDDER": str(model)})
        assert done.code == 0, done.err
        assert ("1 document is in German (de); the model potion-base-2M knows en" in done.err) is warned
        if "--json" in flags:
            assert [line[:28] for line in done.json["warnings"]] == ["1 document is in German (de)"]
        else:
            assert "German" not in done.out

    return run


def test_ingest_warns_on_stderr(ingest: Callable[..., None]) -> None:
    ingest(warned=True)
    ingest(warned=False)


def test_programs_get_the_warning_too(ingest: Callable[..., None]) -> None:
    ingest("--json", warned=True)


def test_quiet_is_quiet(ingest: Callable[..., None]) -> None:
    ingest("--quiet", "--json", warned=False)


def test_documents_and_collections_tell_languages(cli: CommandLine, ingest: Callable[..., None]) -> None:
    ingest(warned=True)
    listed = cli("documents", "list", "--json").json["documents"]
    assert [row["language"] for row in listed] == [None, "de", "en"]
    assert cli("documents", "show", "docs/reise.md", "--json").json["language"] == "de"
    shown = cli("collections", "show", "--json").json
    assert (shown["schema"], shown["name"], shown["documents"]) == ("hybridrag.collection/1", "default", 3)
    assert shown["languages"] == {"de": 1, "en": 1}
    (listed_one,) = cli("collections", "list", "--json").json["collections"]
    assert {**shown, **listed_one} == shown
    assert "languages:   German (de) 1, English (en) 1, not sure 1" in cli("collections", "show", "default").out
    table = cli("documents", "list").out
    assert [line.split()[-2] for line in table.splitlines()[2:]] == ["de", "en"]
    missing = cli("collections", "show", "nowhere")
    assert (missing.code, missing.out) == (2, "")
    assert "there is no collection 'nowhere'" in missing.err
