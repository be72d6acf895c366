"""A sample of `make faults`: commands broken off at a few of their durable steps, and run again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE

import psycopg
import pytest

from tests.faults.boundaries.launcher import server_of
from tests.faults.boundaries.scenarios import SCENARIOS
from tests.faults.boundaries.steps import Mode
from tests.faults.boundaries.sweep import broken_off, one_of, places, undisturbed
from tests.faults.boundaries.world import World, a_world
from tests.faults.digest import assert_same_contents, contents

_SAMPLE: dict[str, Mode] = {
    "sync": "postgres",
    "reindex-work": "exception",
    "promote": "kill",
    "rollback": "exception",
    "forget": "kill",
    "gc": "postgres",
}
"""What they begin with is mostly the same, and made once: see `World.prepared`."""


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


def test_nothing_is_left_of_a_world_whose_process_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", _A_WORLD], stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        server = server_of(folder)
        assert server.status().running
        process.kill()
        process.communicate()  # its launcher has the same stderr, and ends last
    assert not folder.exists()
    assert not server.status().running


_A_WORLD = """
from tests.faults.boundaries.world import a_world
with a_world() as world:
    print(world.folder, flush=True)
    input()
"""


def test_a_run_that_is_over_before_the_fault(world: World) -> None:
    scenario = SCENARIOS["gc"]
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
    with world.copy(world.prepared(scenario.prepare)) as spot:
        before = contents(spot.url)
        assert_same_contents(contents(spot.url), before)
        with psycopg.connect(spot.url, autocommit=True) as connection:
            connection.execute("set search_path = hybridrag, public")
            connection.execute(damage.encode())
        with pytest.raises(AssertionError, match=named):
            assert_same_contents(contents(spot.url), before)
