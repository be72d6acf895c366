"""Documents that say the same are told, whatever their formats; what is only alike is not."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hybridrag.flows import boilerplate
from tests.conftest import CommandLine, Here

TEXT = """The meal allowance for travel is forty days. The manager approves leave for the team, and the finance lead
approves hotel expenses above the limit. Receipts are kept for six years. Whoever travels by train may choose
first class where the journey takes more than four hours; flights inside the country need the approval of the head of
the office."""
OTHER = """Onboarding takes two weeks. On the first day the new colleague receives a laptop, a badge and the keys of the
office. A mentor from another team answers questions, and after a month there is a conversation about the start."""


def html(text: str) -> str:
    return f"<html><head><title>Rules</title></head><body><main><h1>Rules</h1><p>{text}</p></main></body></html>"


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    docs = cli.home / "docs"
    docs.mkdir()
    files = {
        "rules.md": f"# Rules\n\n{TEXT}\n",
        "rules.html": html(TEXT),
        "copy of rules.txt": f"Rules\n\n{TEXT.upper()}",
        "rules-2.md": f"# Rules\n\n{TEXT.replace('forty', 'fifty').replace('six years', 'ten years')}\n",
        "start.md": f"# Start\n\n{OTHER}\n",
        "apart.md": f"# Apart\n\n{TEXT}\n\n{OTHER}\n",  # half of it is the same
    }
    for age, (name, text) in enumerate(files.items()):
        (docs / name).write_text(text)
        os.utime(docs / name, (1_700_000_000 - 100_000 * age,) * 2)
    (cli.home / "more").mkdir()
    (cli.home / "more" / "start.txt").write_text(f"Start\n{OTHER}")
    os.utime(cli.home / "more" / "start.txt", (1_600_000_000,) * 2)
    local = here(cli)
    done = local("ingest", str(docs), str(cli.home / "more"))
    assert done.code == 0, done.err
    return local


def told(cli: CommandLine, *flags: str) -> list[list[str]]:
    """The groups, by their documents' URIs."""
    found = ok(cli, *flags)
    assert found["total"]["groups"] == len(found["groups"])
    return [[document["uri"] for document in group["documents"]] for group in found["groups"]]


def ok(cli: CommandLine, *flags: str) -> dict[str, Any]:
    done = cli("documents", "duplicates", "--json", *flags)
    assert done.code == 0, done.err
    return done.json


def test_the_same_and_nearly_the_same(cli: CommandLine) -> None:
    same = ["docs/rules.md", "docs/rules.html", "docs/copy of rules.txt"]
    start = ["docs/start.md", "more/start.txt"]
    assert told(cli) == [[*same, "docs/rules-2.md"], start]
    assert told(cli, "--exact") == [same, start]
    assert told(cli, "--near") == [[*same, "docs/rules-2.md"]]
    assert told(cli, "--threshold", "0.99") == [same, start]
    assert told(cli, "--source", "more") == []
    assert told(cli, "--source", "docs", "--exact") == [same]
    assert len(ok(cli, "--limit", "1")["groups"]) == 1
    found = ok(cli)
    assert (found["schema"], found["threshold"]) == ("hybridrag.duplicates/1", 0.9)
    assert found["total"]["documents"] == 6
    first, *_, last = found["groups"][0]["documents"]
    assert (found["groups"][0]["kind"], first["similarity"], first["newest"], last["exact"]) == ("near", 1, True, False)
    assert 0.9 <= last["similarity"] < 1
    assert found["groups"][1]["kind"] == "exact"
    shown = cli("documents", "duplicates")
    assert "docs/rules-2.md" in shown.out
    assert "2 groups: 4 documents repeat another" in shown.out


def test_what_an_earlier_version_stored_is_compared_too(cli: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    before = told(cli)
    monkeypatch.setattr(boilerplate, "_DOCUMENTS", 2)  # several pages of them
    with psycopg.connect(cli.environment["HYBRIDRAG_DATABASE_URL"], autocommit=True) as connection:
        connection.execute("delete from hybridrag.likeness")
    assert told(cli) == before


def test_wrong_wishes(cli: CommandLine) -> None:
    for flags, words in (
        (("--threshold", "0.3"), "out of reach"),
        (("--source", "nowhere"), "no source 'nowhere'"),
        (("--limit", "0"), "limit"),
    ):
        done = cli("documents", "duplicates", *flags)
        assert (done.code, words in done.err.lower()) == (2, True), done.err
    (cli.home / "empty").mkdir()
    (cli.home / "empty" / "one.txt").write_text("- - -")
    assert cli("ingest", str(cli.home / "empty"), "-c", "empty").code == 0
    assert json.loads(cli("documents", "duplicates", "-c", "empty", "--json").out)["groups"] == []
    assert cli("documents", "duplicates", "-c", "empty").out == "no two documents say the same\n"


def test_ten_copies_are_one_hit(cli: CommandLine, tmp_path: Path) -> None:
    copies = tmp_path / "copies"
    for number in range(10):
        (copies / str(number)).mkdir(parents=True)
        (copies / str(number) / "rules.md").write_text(f"# Rules\n\n{TEXT}\n")
    assert cli("ingest", str(copies), "-c", "copies").code == 0
    hits = cli("search", "meal allowance for travel", "-c", "copies", "--json").json["hits"]
    texts = [hit["text"] for hit in hits]
    assert len(texts) == len(set(texts))
    assert len(hits[0]["also"]) == 9
    answer = cli("ask", "What is the meal allowance for travel?", "-c", "copies", "--json").json
    quotes = [citation["quote"] for citation in answer["citations"]]
    assert len(quotes) == len(set(quotes))
