"""Forgetting: purged, no file of a home holds a word of a document; broken off anywhere, the next run completes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from hybridrag.config import Paths
from hybridrag.privacy.conversation import Cited, Conversation, Spoken
from hybridrag.privacy.conversations import Conversations
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.keys import load_key
from hybridrag.privacy.ledger import FileLedger
from hybridrag.types import Label, Quote, Turn, document_id
from tests.conftest import CommandLine, Here, command_line
from tests.faults.boundaries.scenarios import Scenario
from tests.faults.boundaries.sweep import broken_off, undisturbed
from tests.faults.boundaries.world import Spot, a_world
from tests.faults.corpus import write_small

# --- the files of a home ---------------------------------------------------------------------------------------------

CANARIES = ("zqkanarienvögel", "zqformerword", "zqtitleword", "zqheadingword", "zqlongword")
"""In the text, in an earlier version of it, in title, heading and a long text that lies outside its row (TOAST)."""
UNCOMPRESSED = "wal_compression = off\nfull_page_writes = on\nautovacuum = off\n"


@pytest.fixture
def home(tmp_path: Path, tiny_model: Path, here: Here) -> Iterator[CommandLine]:
    """A home with an embedded server of its own, which compresses nothing."""
    cli = command_line(tmp_path / "home", "", tiny_model)
    data = cli.home / "state" / "data" / "postgresql"
    data.mkdir(mode=0o700, parents=True)
    (data / "custom.conf").write_text(UNCOMPRESSED)
    yield here(cli)
    cli("db", "stop")


def held_in(folder: Path, *canaries: bytes) -> dict[str, int]:
    """How often a folder's files hold any of the canaries, in capitals or not; files without are left out."""
    wanted, counts = [canary.lower() for canary in canaries], {}
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            content = file.read_bytes().lower()  # then counted as it is: a tenth of the time of a regular expression
            counts[str(file.relative_to(folder))] = sum(content.count(canary) for canary in wanted)
    return {name: count for name, count in counts.items() if count}


def kinds(found: dict[str, int]) -> set[str]:
    return {kind for name in found for kind in ("/base/", "/pg_wal/") if kind in name}


def write_person(folder: Path, word: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    noise = " ".join(f"{number:x}" for number in np.random.default_rng(1).integers(1 << 40, size=900))
    (folder / "person.md").write_text(
        f"---\ntitle: {CANARIES[2]} and more\n---\n\n# {CANARIES[3]}\n\nThe {word} earns 62 euros.\n\n# Numbers\n\n"
        f"{noise}\n{CANARIES[4]} {noise}\n"
    )


def test_nothing_of_a_purged_document_is_left_in_any_file(home: CommandLine, tmp_path: Path) -> None:
    folder, state = tmp_path / "staff", home.home / "state"
    write_person(folder, CANARIES[1])
    (folder / "rules.md").write_text("# Rules\n\nThe meal allowance is 62 euros.\n")
    assert home("db", "start").code == 0
    url = home("db", "url").out.strip()
    with psycopg.connect(url, autocommit=True) as connection:
        for table in ("document", "chunk"):
            connection.execute(f"alter table hybridrag.{table} alter column text set storage external")
        done = home("ingest", str(folder))
        assert done.code == 0, done.err
        write_person(folder, CANARIES[0])
        assert home("ingest", str(folder)).code == 0
        asked = home("chat", "--name", "talk", stdin=f"What does the {CANARIES[0]} earn?\n".encode())
        assert asked.code == 0 and CANARIES[0] in asked.out, asked.err
        vectors = [
            np.array(row[0].strip("[]").split(","), dtype="<f2").tobytes()
            for row in connection.execute("select embedding::text from hybridrag.vectors_1").fetchall()
        ]
        connection.execute("analyze")
        # A segment that is kept for reuse keeps what was in it.
        connection.execute("select pg_switch_wal()")
        connection.execute("checkpoint")
    words = [canary.encode() for canary in CANARIES]
    assert kinds(held_in(state, *words)) == {"/base/", "/pg_wal/"}
    assert len(held_in(state, *vectors)) >= 2

    done = home("documents", "forget", "staff/person.md", "--json")
    assert done.code == 0, done.err
    assert (done.json["removed"]["documents"], done.json["removed"]["turns"]) == (1, 1)
    assert (done.json["purged"], done.json["left"]) == (None, [])
    assert "/pg_wal/" in kinds(held_in(state, *words)), "without --purge files still hold it, as docs/forget.md says"

    done = home("documents", "forget", "staff/person.md", "--purge", "--json")
    assert done.code == 0, done.err
    assert done.json["purged"]["tables"] > 10
    assert done.json["left"] == []
    with psycopg.connect(url) as connection:
        kept = {bytes(row[0]) for row in connection.execute("select halfvec_send(embedding) from hybridrag.vectors_1")}
        rules = [
            vector for vector in vectors if b"\0\x40\0\0" + np.frombuffer(vector, "<f2").astype(">f2").tobytes() in kept
        ]
    gone = [vector for vector in vectors if vector not in rules]
    assert rules and gone
    assert held_in(state, *words, *gone) == {}
    assert home("db", "stop").code == 0
    assert held_in(state, *words, *gone) == {}
    found = home("search", "meal allowance", "--json").json
    assert [hit["document"]["uri"] for hit in found["hits"]] == ["staff/rules.md"]


# --- broken off ------------------------------------------------------------------------------------------------------

URI = "docs/guides/01.md"


def conversed(spot: Spot) -> None:
    """A conversation about two documents, one of which will be forgotten."""
    data = Paths.from_environment({"HYBRIDRAG_HOME": str(spot.home / "state")}).data
    key = load_key(data / "key")
    gateway = Gateway(detectors=(), ledger=FileLedger(data / "ledger.jsonl", key=key), key=key)
    kept = Conversations(data / "chats", key=lambda: key, gateway=lambda: gateway)
    with kept.new("talk") as file:
        file.save(Conversation("default", 1, tuple(_turn(uri) for uri in ("docs/note-00.txt", URI))))


def _turn(uri: str) -> Spoken:
    cited = Cited(1, document_id(*uri.split("/", 1)), uri, Label.INTERNAL, "T", 1, (), (Quote(0, "said"),))
    return Spoken(Turn("who?", "who", f"said in {uri} [1]", Label.INTERNAL), (cited,), {uri: (Label.INTERNAL, 4)})


def prepare(spot: Spot) -> None:
    write_small(spot.root)
    spot("ingest", "{root}/docs", "{root}/records.jsonl")
    spot("reindex", "start", "--embedder", "{other}", "--chunk-tokens", "40")
    spot("reindex", "work")
    conversed(spot)


FORGET = Scenario(
    "forget", ("documents", "forget", URI), (prepare,), question="Case 7 is about backup at the hotel, night 7."
)


def test_broken_off_it_is_completed_by_the_next() -> None:
    """After the conversation, and after the rows: words of the document are then in the lexical index alone."""
    with a_world() as world:
        normal = undisturbed(world, FORGET)
        moments = [
            next(step.number for step in normal.steps if step.what.endswith("talk.chat")),
            next(step.number for step in normal.steps if step.kind == "commit"),
        ]
        for at in moments:
            outcome = broken_off(world, FORGET, normal, at=at, mode="kill", side="after")
            assert outcome.step is not None
            assert not outcome.failure, outcome
