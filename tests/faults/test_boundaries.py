"""A sample of `make faults`: commands broken off at a few of their durable steps, and run again."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.faults.boundaries.scenarios import SCENARIOS
from tests.faults.boundaries.steps import Mode
from tests.faults.boundaries.sweep import broken_off, one_of, places, undisturbed
from tests.faults.boundaries.world import World, a_world
from tests.faults.digest import assert_same_contents, contents

_SAMPLE: dict[str, Mode] = {
    "ingest": "postgres",
    "sync": "kill",
    "reindex-work": "exception",
    "promote": "kill",
    "rollback": "exception",
    "gc": "postgres",
    "forget": "kill",
}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with a_world() as made:
        yield made


@pytest.mark.parametrize("name", _SAMPLE)
def test_broken_off_and_run_again(world: World, name: str) -> None:
    """One fault for each command, where its name decides. All of them are for `make faults`."""
    scenario, mode = SCENARIOS[name], _SAMPLE[name]
    normal = undisturbed(world, scenario)
    assert any(step.kind == "commit" for step in normal.steps)
    at, side = one_of(places(normal.steps, mode), seed=len(name))
    outcome = broken_off(world, scenario, normal, at=at, mode=mode, side=side)
    assert outcome.step is not None
    assert not outcome.failure, outcome


def test_a_run_that_is_over_before_the_fault(world: World) -> None:
    scenario = SCENARIOS["ingest-changes"]
    normal = undisturbed(world, scenario)
    outcome = broken_off(world, scenario, normal, at=len(normal.steps) + 9, mode="kill", side="after")
    assert (outcome.step, outcome.code, outcome.failure) == (None, 0, "")


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("delete from chunk where number = 2", "chunk: 1 rows lost"),
        (
            "update document set text = text || '.' where path = 'note-02.txt'",
            "document: 1 rows lost, 1 too many: text",
        ),
        ("delete from chunking", "chunking: 98 rows lost"),
        ("insert into to_embed select id, '' from generation", "to_embed: 0 rows lost, 1 too many"),
        ("create table vectors_99 (text_hash bytea, embedding halfvec(2))", "of no generation"),
        ("update vectors_1 set embedding = (select embedding from vectors_1 limit 1)", "point elsewhere"),
        ("delete from vectors_1 where text_hash = (select min(text_hash) from vectors_1)", ": 1 lost, 0 too many"),
    ],
)
def test_what_is_lost_or_doubled_is_seen(world: World, damage: str, named: str) -> None:
    scenario = SCENARIOS["ingest-changes"]
    with world.copy(world.prepared(scenario.name, scenario.prepare)) as spot:
        before = contents(spot.url)
        assert_same_contents(contents(spot.url), before)
        with psycopg.connect(spot.url, autocommit=True) as connection:
            connection.execute("set search_path = hybridrag, public")
            connection.execute(damage.encode())
        with pytest.raises(AssertionError, match=named):
            assert_same_contents(contents(spot.url), before)
