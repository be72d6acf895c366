"""Runs a scenario with a fault at one of its steps, looks at what is left, runs it again and compares the end."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.boundaries.launcher import Ended, Step
from tests.faults.boundaries.scenarios import Scenario
from tests.faults.boundaries.steps import Mode, Side
from tests.faults.boundaries.world import Prepared, Spot, World
from tests.faults.digest import Contents, Digest, assert_same, assert_same_contents, assert_whole, contents, digest

_NEVER = {1, 70}
"""Exit codes that are a crash of the interpreter, and a bug of ours."""


@dataclass(frozen=True)
class Undisturbed:
    """What a scenario begins with and leads to where nothing disturbs it: steps, index by collection, files."""

    prepared: Prepared
    steps: tuple[Step, ...]
    before: dict[str, Digest]
    after: dict[str, Digest]
    contents: Contents
    files: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """What came of a fault. `step` is None where the run was over before; `failure` is empty where all was right."""

    scenario: str
    mode: Mode
    side: Side
    at: int
    step: str | None
    code: int
    failure: str = ""


def undisturbed(world: World, scenario: Scenario) -> Undisturbed:
    """Runs a scenario to its end."""
    prepared = world.prepared(scenario.prepare)
    with world.copy(prepared) as spot:
        before = _digests(spot, scenario)
        done = spot(*scenario.command)
        assert done.steps, f"{scenario.name} has no durable step"
        return Undisturbed(
            prepared, done.steps, before, _digests(spot, scenario), contents(spot.url), frozenset(_files(spot.home))
        )


def broken_off(world: World, scenario: Scenario, normal: Undisturbed, *, at: int, mode: Mode, side: Side) -> Outcome:
    """Breaks a scenario off at a step, and says what was wrong then or after the next run."""
    with world.copy(normal.prepared) as spot:
        ended = spot.run(scenario.command, spot.fault(at, mode, side))
        step = ended.failed_at
        shown = f"{step.kind} {step.what.removeprefix(str(spot.home))} {step.caller}".strip() if step else None
        failure = ""
        try:
            if step is None:
                _check_done(spot, ended, scenario.again_codes, normal)
            else:
                _check_end(ended, mode)
                _check_between(spot, scenario, normal)
                again = spot.run(scenario.again or scenario.command)
                _check_done(spot, again, scenario.again_codes, normal)
                _check_questions(spot, scenario)
                _check_ledger(spot)
        except AssertionError as exc:
            failure = _first_lines(f"{exc}\n{ended.err}")
        return Outcome(scenario.name, mode, side, at, shown, ended.code, failure)


def _check_end(ended: Ended, mode: Mode) -> None:
    """The command died where it was killed; else it said what happened."""
    if mode == "kill":
        assert ended.code == -9, f"not killed, but ended with {ended.code}"
        return
    assert ended.code >= 0, f"died of signal {-ended.code}"
    assert ended.code not in _NEVER, f"ended with {ended.code}"
    assert "Traceback" not in ended.err, "a traceback"
    assert ended.code == 0 or re.search(r"^error: ", ended.err, re.M), "failed without a word"


def _check_between(spot: Spot, scenario: Scenario, normal: Undisturbed) -> None:
    """What readers see is whole: documents as before or as after, each with its chunks and vectors."""
    for collection, found in _digests(spot, scenario).items():
        before, after = normal.before[collection], normal.after[collection]
        assert_whole(found, before, after)
        if scenario.at_once:
            assert_same(found, after if found.documents == after.documents else before)
    _check_questions(spot, scenario)


def _check_questions(spot: Spot, scenario: Scenario) -> None:
    """A search works, and finds only what is in the index."""
    for collection in scenario.collections if scenario.question else ():
        found = spot("search", scenario.question, "--json", "-c", collection).json
        there = {chunk["id"] for row in digest(spot.url, collection).documents.values() for chunk in row["chunks"]}
        assert found["hits"], "a search finds nothing"
        assert {hit["chunk_id"] for hit in found["hits"]} <= {str(chunk) for chunk in there}, "a hit that is not there"


def _check_ledger(spot: Spot) -> None:
    """The chain of the ledger holds."""
    if list(spot.home.rglob("ledger.jsonl")):
        spot("ledger", "verify")


def _check_done(spot: Spot, done: Ended, codes: frozenset[int], normal: Undisturbed) -> None:
    """All is as an undisturbed run leaves it."""
    assert done.code in codes, f"the run after it ended with {done.code}: {done.err}"
    assert_same_contents(contents(spot.url), normal.contents)
    left = _files(spot.home) - normal.files
    assert not left, f"files are left: {sorted(left)[:5]}"


def _digests(spot: Spot, scenario: Scenario) -> dict[str, Digest]:
    return {collection: digest(spot.url, collection) for collection in scenario.collections}


def _files(home: Path) -> set[str]:
    return {str(file.relative_to(home)) for file in home.rglob("*") if not file.is_dir()}


def _first_lines(text: str) -> str:
    return "\n".join(line[:600] for line in text.strip().splitlines()[:12])


def places(steps: Sequence[Step], mode: Mode) -> list[tuple[int, Side]]:
    """Every step with the sides of it that differ in this mode, and the first number at which nothing fails.

    Killed before a step is killed after the one before, but for a write that is torn. A file operation that fails has
    not happened. A server that is gone before a step that does not need it is gone after it as well.
    """
    found: list[tuple[int, Side]] = []
    for step in steps:
        by_server = step.kind in {"commit", "statement"} or step.what == "http"
        if mode != "kill" or step.number == 1 or step.what.startswith("write"):
            found.append((step.number, "before"))
        if mode == "kill" or by_server:
            found.append((step.number, "after"))
    return [*found, (len(steps) + 1, "before")]


def one_of(places: Sequence[tuple[int, Side]], *, seed: int) -> tuple[int, Side]:
    """One of the places at which something fails; the same one for a seed."""
    *failing, _ = places
    return random.Random(seed).choice(failing)
