"""Another model, or other chunks, beside the ones that serve: built, promoted, shared, taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hybridrag.config import load
from hybridrag.flows.progress import Silent
from hybridrag.types import Query
from hybridrag.wiring import Wiring
from hybridrag.wiring.reindexing import Reindexing
from tests.conftest import CommandLine, Here, Prepared
from tests.faults.digest import assert_same, digest
from tests.models.tiny import write_static_model

GUIDE = "# Travel\n\nThe meal allowance for travel is 40 days.\n\n# Leave\n\nThe manager approves leave for the team.\n"
OTHERS = {f"note-{number}.md": f"# Note {number}\n\nThe hotel expenses of team {number}.\n" for number in range(8)}


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model with the tokenizer of the first: the chunks stay."""
    return write_static_model(tmp_path_factory.mktemp("other"), dimensions=32, seed=2)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a tokenizer of its own: other chunks are made for it."""
    folder = write_static_model(tmp_path_factory.mktemp("stranger"), dimensions=48, seed=3)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["normalizer"]["lowercase"] = False
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return folder


@pytest.fixture(scope="module")
def indexed(prepared: Prepared) -> Prepared:
    docs = prepared.cli.home / "docs"
    docs.mkdir()
    (docs / "guide.md").write_text(GUIDE)
    for name, text in OTHERS.items():
        (docs / name).write_text(text)
    done = prepared.cli("ingest", str(docs))
    assert done.code == 0, done.err
    return prepared


@pytest.fixture
def cli(indexed: Prepared, tmp_path: Path, here: Here) -> Iterator[CommandLine]:
    """An index of nine documents by the tiny model, as generation 1. The model is the collection's, not a setting."""
    with indexed.copy(tmp_path) as copied:
        with psycopg.connect(url(copied), autocommit=True) as connection:
            connection.execute("update hybridrag.source set root = %s", (str(copied.home / "docs"),))
        environment = {name: it for name, it in copied.environment.items() if name != "HYBRIDRAG_EMBEDDER"}
        yield here(CommandLine(copied.home, environment))


def ok(cli: CommandLine, *arguments: str) -> dict[str, Any]:
    done = cli(*arguments, "--json")
    assert done.code == 0, done.err
    return done.json


def generations(cli: CommandLine) -> dict[int, dict[str, Any]]:
    return {one["id"]: one for one in ok(cli, "reindex", "status")["generations"]}


def states(cli: CommandLine) -> dict[int, str]:
    return {number: one["state"] for number, one in generations(cli).items()}


def served_by(cli: CommandLine, question: str = "meal allowance", *flags: str) -> int:
    """The generation that answered, and that it found the guide, in which all the words stand."""
    found = ok(cli, "search", question, *flags)
    assert "docs/guide.md" in [hit["document"]["uri"] for hit in found["hits"]]
    return int(found["generation"]["id"])


def docs(cli: CommandLine) -> Path:
    """The folder that was ingested, which belongs to the home that was copied."""
    return Path(ok(cli, "sources", "list")["sources"][0]["root"])


def url(cli: CommandLine) -> str:
    return cli.environment["HYBRIDRAG_DATABASE_URL"]


def built(cli: CommandLine, *flags: str) -> int:
    begun = ok(cli, "reindex", "start", *flags)["generations"][0]
    assert begun["state"] == "building"
    done = ok(cli, "reindex", "work")["generations"][0]
    assert (done["state"], done["waiting"]) == ("ready", {"documents": 0, "texts": 0})
    return int(done["id"])


def test_a_model_with_the_same_tokenizer_shares_the_chunks(cli: CommandLine, other_model: Path) -> None:
    number = built(cli, "--embedder", str(other_model))
    found = generations(cli)
    assert found[number]["chunk_set"] == found[1]["chunk_set"]
    assert (found[number]["vectors"], found[number]["dimensions"]) == (found[1]["vectors"], 32)
    assert (served_by(cli), served_by(cli, "meal allowance", "--generation", str(number))) == (1, number)
    ok(cli, "reindex", "promote")
    assert (served_by(cli), states(cli)) == (number, {1: "retired", number: "active"})
    ok(cli, "reindex", "rollback")
    assert (served_by(cli), states(cli)) == (1, {1: "active", number: "retired"})


@pytest.mark.parametrize("flags", [("--chunk-tokens", "32"), ("--text-search", "plain"), ("--embedder", "STRANGER")])
def test_other_chunks(cli: CommandLine, stranger: Path, flags: tuple[str, str]) -> None:
    """What was built beside is what an ingest into nothing makes."""
    given = [str(stranger) if flag == "STRANGER" else flag for flag in flags]
    number = built(cli, *given)
    found = generations(cli)
    assert found[number]["chunk_set"] != found[1]["chunk_set"]
    before = ok(cli, "documents", "list")["documents"]
    ok(cli, "reindex", "promote")
    assert served_by(cli) == number
    after = ok(cli, "documents", "list")["documents"]
    assert [row["uri"] for row in before] == [row["uri"] for row in after]
    again = ok(cli, "ingest", str(docs(cli)))
    assert (again["documents"]["unchanged"], again["chunks"]["embedded"]) == (9, 0)
    if "STRANGER" in flags:
        ok(cli, "ingest", str(docs(cli)), "-c", "afresh", "--embedder", str(stranger))
        assert_same(digest(url(cli)), digest(url(cli), "afresh"))


def test_what_changes_is_brought_in_before_it_serves(cli: CommandLine, stranger: Path, other_model: Path) -> None:
    first, second = built(cli, "--embedder", str(other_model)), built(cli, "--embedder", str(stranger))
    (docs(cli) / "guide.md").write_text(GUIDE.replace("meal", "hotel"))
    (docs(cli) / "new.md").write_text("# New\n\nThe finance lead.\n")
    (docs(cli) / "note-3.md").unlink()
    ok(cli, "ingest", str(docs(cli)))
    waiting = {number: one["waiting"] for number, one in generations(cli).items()}
    assert waiting[1] == {"documents": 0, "texts": 0}
    assert waiting[first]["texts"] > 0
    assert waiting[second]["documents"] == 2
    for number in (first, second):
        ok(cli, "reindex", "promote", str(number))
        assert served_by(cli, "finance lead new", "--filter", "path:guide.md") == number
        listed = ok(cli, "documents", "list")["documents"]
        assert len(listed) == 9
        assert all(row["chunks"] for row in listed)
    # Both retired ones follow what is written from now on.
    (docs(cli) / "note-4.md").write_text("# Four\n\nThe manager approves meal expenses.\n")
    ok(cli, "ingest", str(docs(cli)))
    ok(cli, "reindex", "rollback")
    assert states(cli)[first] == "active"
    assert ok(cli, "search", "manager approves meal expenses four")["hits"][0]["document"]["uri"] == "docs/note-4.md"
    ok(cli, "reindex", "rollback")  # its end may have been missed: it is not taken back in its turn
    assert states(cli)[first] == "active"
    ok(cli, "reindex", "promote", "1")
    ok(cli, "reindex", "rollback")
    assert states(cli) == {1: "retired", first: "active", second: "retired"}


def test_no_text_is_embedded_that_is_there(cli: CommandLine, other_model: Path) -> None:
    """By the same model, other chunks keep the vectors of all texts that stay as they are."""
    number = built(cli, "--chunk-tokens", "200")
    done = cli("reindex", "start", "--embedder", str(other_model))
    assert done.code == 0
    told = cli("reindex", "work").err
    assert " 0 reused" in told
    assert generations(cli)[number]["chunks"] == generations(cli)[1]["chunks"]
    begun = ok(cli, "reindex", "start", "--chunk-tokens", "220")["generations"][0]
    told = cli("reindex", "work", str(begun["id"])).err
    assert " 0 texts embedded" in told


def test_a_share_goes_to_the_new_one_while_it_lacks_nothing(cli: CommandLine, other_model: Path) -> None:
    number = built(cli, "--embedder", str(other_model))
    wiring = Wiring(
        load(environ=dict(cli.environment), cwd=cli.home), notify=lambda _: None, environ=dict(cli.environment)
    )
    reindexing, questions = Reindexing(wiring), [f"meal allowance {word}" for word in "abcdefghijklmnopqrst"]

    def share(percent: int) -> None:
        reindexing.promote(reindexing.candidate(number), progress=Silent(), share=percent)

    def served() -> list[int]:
        return [wiring.search(Query(question, mode="lexical")).generation.id for question in questions]

    share(50)
    halves = served()
    assert (set(halves), served()) == ({1, number}, halves)
    with psycopg.connect(url(cli), autocommit=True) as connection:
        connection.execute("insert into hybridrag.to_embed values (%s, 'x')", (number,))
    assert set(served()) == {1}
    reindexing.work(reindexing.candidate(number), progress=Silent())
    assert served() == halves
    share(0)
    assert set(served()) == {1}
    share(100)
    assert set(served()) == {number}
    wiring.store.close()


def test_beginning_twice_is_beginning_once(cli: CommandLine, other_model: Path) -> None:
    for _ in range(2):
        begun = ok(cli, "reindex", "start", "--embedder", str(other_model))["generations"][0]
        assert begun["id"] == 2
    ok(cli, "reindex", "work")
    ok(cli, "reindex", "promote")
    refused = cli("reindex", "start", "--embedder", str(other_model))
    assert (refused.code, "embedded so already" in refused.err) == (2, True)


def test_nothing_is_begun_with_an_analyser_that_does_not_exist(cli: CommandLine) -> None:
    refused = cli("reindex", "start", "--text-search", "klingon")
    assert (refused.code, "--text-search is 'klingon'" in refused.err) == (2, True)
    assert states(cli) == {1: "active"}


def test_what_may_not_be_promoted(cli: CommandLine, other_model: Path) -> None:
    assert cli("reindex", "promote").code == 2
    assert cli("reindex", "rollback").code == 2
    ok(cli, "reindex", "start", "--embedder", str(other_model))
    early = cli("reindex", "promote")
    assert (early.code, "not yet complete" in early.err) == (2, True)
    ok(cli, "reindex", "work")
    with psycopg.connect(url(cli), autocommit=True) as connection:
        connection.execute("""update hybridrag.generation set gate = '{"passed": false, "reasons": ["it is worse"]}'""")
    failed = cli("reindex", "promote")
    assert (failed.code, "it is worse" in failed.err) == (10, True)
    assert states(cli) == {1: "active", 2: "ready"}
    assert cli("reindex", "promote", "--force").code == 0
    assert cli("reindex", "promote", "77").code == 2
    assert cli("search", "meal", "--generation", "77").code == 2


def test_a_vector_that_is_missing_is_found_by_looking(cli: CommandLine, other_model: Path) -> None:
    """Whatever the queues say: a generation that lacks a vector is not promoted without it."""
    number = built(cli, "--embedder", str(other_model))
    with psycopg.connect(url(cli), autocommit=True) as connection:
        table = f"hybridrag.vectors_{number}"
        connection.execute(f"delete from {table} where text_hash = (select min(text_hash) from {table})")
    ok(cli, "reindex", "promote")
    found = generations(cli)
    assert found[number]["vectors"] == found[1]["vectors"]


def test_old_ones_go_when_their_time_is_up(cli: CommandLine, stranger: Path) -> None:
    number = built(cli, "--embedder", str(stranger))
    assert cli("reindex", "gc", "1").code == 2
    assert cli("reindex", "gc", "--grace", "soon").code == 2
    ok(cli, "reindex", "promote")
    kept = ok(cli, "reindex", "gc")
    assert ([one["id"] for one in kept["kept"]], kept["dropped"]) == ([1], [])
    assert [one["id"] for one in ok(cli, "reindex", "gc", "--grace", "0", "--dry-run")["dropped"]] == [1]
    assert [one["id"] for one in ok(cli, "reindex", "gc", "--grace", "0")["dropped"]] == [1]
    assert served_by(cli) == number
    assert cli("reindex", "rollback").code == 2
    with psycopg.connect(url(cli), autocommit=True) as connection:
        rest = connection.execute(
            "select to_regclass('hybridrag.vectors_1'), (select count(*) from hybridrag.chunk_set),"
            " (select count(distinct chunk_set_id) from hybridrag.posting)"
        ).fetchone()
    assert rest == (None, 1, 1)
    again = ok(cli, "ingest", str(docs(cli)))
    assert again["documents"]["unchanged"] == 9
