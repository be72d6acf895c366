"""What is broken off, and what must hold then. A new one is an entry in `SCENARIOS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults import corpus
from tests.faults.boundaries.world import Spot


@dataclass(frozen=True)
class Scenario:
    """A command that is broken off at each of its durable steps, and is run again.

    `prepare` makes what it begins with, once. `command` is run under the fault; `again`, else the same, after it, and
    must end with one of `again_codes`. `question` finds something before the command, during it, and after it, in each
    of `collections`: the collections that readers read. `at_once` says that these see all of it or nothing.
    """

    name: str
    command: tuple[str, ...]
    prepare: Callable[[Spot], None]
    again: tuple[str, ...] = ()
    again_codes: frozenset[int] = frozenset({0})
    question: str = ""
    collections: tuple[str, ...] = ("default",)
    at_once: bool = False


QUESTION = "Case 7 is about backup at the hotel, night 7."
_INGEST = ("ingest", "{root}/docs", "{root}/records.jsonl")
_START = ("reindex", "start", "--embedder", "{other}", "--chunk-tokens", "40")
"""Another model and other chunks: documents are to be chunked, and texts to be embedded."""
_WORK = ("reindex", "work")
_PROMOTE = ("reindex", "promote", "2")
_FORGET = ("documents", "forget", "docs/guides/02.md", "records/r7", "--yes")
_ROLLBACK = ("reindex", "rollback")


def _written(spot: Spot) -> None:
    corpus.write_small(spot.root)


def _written_for_an_endpoint(spot: Spot) -> None:
    _written(spot)
    spot.facts["embedder"] = spot.world.endpoint()


def _changed(spot: Spot) -> None:
    corpus.change_small(spot.root)


def _after(*steps: Callable[[Spot], None] | tuple[str, ...]) -> Callable[[Spot], None]:
    """What comes of steps, each a command or a change of files."""

    def prepare(spot: Spot) -> None:
        for step in steps:
            if callable(step):
                step(spot)
            else:
                spot(*step)

    return prepare


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("ingest", _INGEST, _written),
        Scenario("ingest-by-an-endpoint", ("ingest", "{root}/docs"), _written_for_an_endpoint),
        Scenario("ingest-changes", _INGEST, _after(_written, _INGEST, _changed), question=QUESTION),
        Scenario(
            "ingest-beside-a-generation",
            _INGEST,
            _after(_written, _INGEST, _START, _WORK, _changed),
            question=QUESTION,
        ),
        Scenario("sync", ("sync",), _after(_written, _INGEST, _changed), question=QUESTION),
        Scenario("forget", _FORGET, _after(_written, _INGEST, _START, _WORK), question=QUESTION),
        Scenario("forget-purge", (*_FORGET, "--purge"), _after(_written, _INGEST), question=QUESTION),
        Scenario("reindex-start", _START, _after(_written, _INGEST), question=QUESTION, at_once=True),
        Scenario("reindex-work", _WORK, _after(_written, _INGEST, _START), question=QUESTION, at_once=True),
        Scenario(
            "promote",
            _PROMOTE,
            _after(_written, _INGEST, _START, _WORK, _changed, _INGEST),
            question=QUESTION,
            at_once=True,
        ),
        Scenario(
            "rollback",
            _ROLLBACK,
            _after(_written, _INGEST, _START, _WORK, _PROMOTE, _changed, _INGEST),
            question=QUESTION,
            at_once=True,
        ),
        Scenario(
            "gc",
            ("reindex", "gc", "--grace", "0"),
            _after(_written, _INGEST, _START, _WORK, _PROMOTE),
            question=QUESTION,
            at_once=True,
        ),
    )
}
