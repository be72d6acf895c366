"""What is broken off, and what must hold then. A new one is an entry in `SCENARIOS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.faults import corpus
from tests.faults.boundaries.world import Spot


def _nothing(spot: Spot) -> None:
    """An empty home and database."""


@dataclass(frozen=True)
class Scenario:
    """A command that is broken off at each of its durable steps, and is run again.

    `prepare` makes what it begins with, once. `command` is run under the fault; `again`, else the same, after it, and
    must end with one of `again_codes`. `question` finds something before the command, during it, and after it, in each
    of `collections`: the collections that readers read. `at_once` says that these see all of it or nothing.
    """

    name: str
    command: tuple[str, ...]
    prepare: Callable[[Spot], None] = _nothing
    again: tuple[str, ...] = ()
    again_codes: frozenset[int] = frozenset({0})
    question: str = ""
    collections: tuple[str, ...] = ("default",)
    at_once: bool = False


QUESTION = "Case 7 is about backup at the hotel, night 7."
_INGEST = ("ingest", "{root}/docs", "{root}/records.jsonl")


def _first_state(spot: Spot) -> None:
    corpus.write_small(spot.root)


def _second_state_over_first(spot: Spot) -> None:
    corpus.write_small(spot.root)
    spot(*_INGEST)
    corpus.change_small(spot.root)


def _first_state_for_an_endpoint(spot: Spot) -> None:
    corpus.write_small(spot.root)
    spot.facts["embedder"] = spot.world.endpoint()


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("ingest", _INGEST, _first_state),
        Scenario("ingest-by-an-endpoint", _INGEST, _first_state_for_an_endpoint),
        Scenario("ingest-changes", _INGEST, _second_state_over_first, question=QUESTION),
    )
}
