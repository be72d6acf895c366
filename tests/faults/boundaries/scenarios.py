"""What is broken off, and what must hold then. A new one is an entry in `SCENARIOS`."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tests.faults import corpus
from tests.faults.boundaries.world import Spot, Step


@dataclass(frozen=True)
class Scenario:
    """A command that is broken off at each of its durable steps, and is run again.

    `prepare` makes what it begins with. `command` is run under the fault; `again`, else the same, after it, and
    must end with one of `again_codes`. `question` finds something before the command, during it, and after it, in each
    of `collections`: the collections that readers read. `at_once` says that these see all of it or nothing.
    """

    name: str
    command: tuple[str, ...]
    prepare: tuple[Step, ...]
    again: tuple[str, ...] = ()
    again_codes: frozenset[int] = frozenset({0})
    question: str = ""
    collections: tuple[str, ...] = ("default",)
    at_once: bool = False


QUESTION = "Case 7 is about backup at the hotel, night 7."
_INGEST = ("ingest", "{root}/docs", "{root}/records.jsonl")
_OTHERWISE = ("--embedder", "{other}", "--chunk-tokens", "40")
"""Another model and other chunks: documents are to be chunked, and texts to be embedded."""
_START = ("reindex", "start", *_OTHERWISE)
_WORK = ("reindex", "work")
_PROMOTE = ("reindex", "promote", "2")
_FORGET = ("documents", "forget", "docs/guides/02.md", "records/r7", "--yes")
_ROLLBACK = ("reindex", "rollback")


def _written(spot: Spot) -> None:
    corpus.write_small(spot.root)


def _written_for_an_endpoint(spot: Spot) -> None:
    _written(spot)
    spot.facts["embedder"] = spot.world.endpoint()


def _with_a_gate(spot: Spot) -> None:
    """Two questions that any model passes."""
    questions = [{"id": name, "question": QUESTION, "sources": [f"records/{name}"]} for name in ("r7", "r17")]
    (spot.home / "questions.jsonl").write_text("".join(json.dumps(question) + "\n" for question in questions))
    (spot.home / "gate.toml").write_text('questions = "questions.jsonl"\nminimum = { "recall@100" = 0.01 }\n')


def _changed(spot: Spot) -> None:
    corpus.change_small(spot.root)


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("ingest", _INGEST, (_written,)),
        Scenario("ingest-by-an-endpoint", ("ingest", "{root}/docs"), (_written_for_an_endpoint,)),
        Scenario("ingest-changes", _INGEST, (_written, _INGEST, _changed), question=QUESTION),
        Scenario(
            "ingest-beside-a-generation",
            _INGEST,
            (_written, _INGEST, _START, _WORK, _changed),
            question=QUESTION,
        ),
        Scenario("sync", ("sync",), (_written, _INGEST, _changed), question=QUESTION),
        Scenario("forget", _FORGET, (_written, _INGEST, _START, _WORK), question=QUESTION),
        Scenario("forget-purge", (*_FORGET, "--purge"), (_written, _INGEST), question=QUESTION),
        Scenario("reindex-start", _START, (_written, _INGEST), question=QUESTION, at_once=True),
        Scenario("reindex-work", _WORK, (_written, _INGEST, _START), question=QUESTION, at_once=True),
        Scenario(
            "promote",
            _PROMOTE,
            (_written, _INGEST, _START, _WORK, _changed, _INGEST),
            question=QUESTION,
            at_once=True,
        ),
        Scenario(
            "rollback",
            _ROLLBACK,
            (_written, _INGEST, _START, _WORK, _PROMOTE, _changed, _INGEST),
            question=QUESTION,
            at_once=True,
        ),
        Scenario(
            "gc",
            ("reindex", "gc", "--grace", "0"),
            (_written, _INGEST, _START, _WORK, _PROMOTE),
            question=QUESTION,
            at_once=True,
        ),
        Scenario(
            "reindex-run",
            ("reindex", "run", *_OTHERWISE, "--gate", "gate.toml"),
            (_written, _INGEST, _with_a_gate),
            question=QUESTION,
            at_once=True,
        ),
        Scenario(
            "reindex-import",
            ("reindex", "import", "vectors.parquet"),
            (
                _written,
                _INGEST,
                (*_INGEST, "-c", "elsewhere", "--embedder", "{other}"),
                ("reindex", "export", "vectors.parquet", "-c", "elsewhere"),
                ("reindex", "start", "--embedder", "{other}"),
            ),
            question=QUESTION,
            collections=("default", "elsewhere"),
            at_once=True,
        ),
        Scenario(
            "db-restore",
            ("db", "restore", "--replace", "index.dump"),
            (_written, _INGEST, ("db", "backup", "index.dump"), _changed, _INGEST),
            question=QUESTION,
            at_once=True,
        ),
    )
}
