"""Workers are real processes: they share the cores, tell their errors, and none outlives who started it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridrag.errors import DatabaseUnavailable, ModelError
from hybridrag.flows import workers

# Takes a number, holds a lock on a file of that number, and then does what it is told; `GO` is what it waits for.
_WORKER = """
import fcntl, json, os, signal, sys, time
from pathlib import Path
from hybridrag.flows.workers import end_with_parent
folder, does = Path(sys.argv[1]), sys.argv[2]
def terminated(*_):
    Path(f"{mine}.asked").touch()
    sys.exit(143)
signal.signal(signal.SIGTERM, terminated)
end_with_parent()
for number in range(9):
    mine = folder / str(number)
    try:
        lock = open(mine, "x")
        break
    except FileExistsError:
        continue
fcntl.flock(lock, fcntl.LOCK_EX)
cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
(folder / f"{number}.facts").write_text(json.dumps({"pid": os.getpid(), "cores": cores}))
(folder / f"{number}.facts").rename(folder / f"{number}.told")
while does == "wait" and not (folder / "GO").exists():
    time.sleep(0.01)
if does == "fail" and number == 0:
    print("a notice", file=sys.stderr)
    error = {"error": "DatabaseUnavailable", "message": "the database is gone", "hint": "later"}
    print(json.dumps({"schema": "hybridrag.error/1", **error}), file=sys.stderr)
    sys.exit(4)
if does == "break" and number == 0:
    raise ZeroDivisionError("so it is")
while does in ("fail", "break"):
    time.sleep(0.01)
"""
_PARENT = """
import sys
from hybridrag.flows import workers
workers.run(2, sys.argv[1:], watch=lambda: None, notify=print)
"""


def command(folder: Path, does: str) -> list[str]:
    return [sys.executable, "-c", _WORKER, str(folder), does]


def told(folder: Path) -> dict[str, dict[str, object]]:
    return {file.stem: json.loads(file.read_text()) for file in folder.glob("*.told")}


def run(folder: Path, does: str, number: int, watch: Callable[[], None] = lambda: None) -> list[str]:
    """Runs workers to their end, and returns what was noticed."""
    notices: list[str] = []
    workers.run(number, command(folder, does), watch=watch, notify=notices.append)
    return notices


def assert_ended(folder: Path, number: int) -> None:
    """Waits until no process holds a worker's lock any more."""
    for place in range(number):
        with (folder / str(place)).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX)


def test_all_of_them_work_each_on_cores_of_its_own(tmp_path: Path) -> None:
    looks: list[int] = []
    assert run(tmp_path, "work", 3, lambda: looks.append(1)) == []
    found = told(tmp_path)
    assert len({facts["pid"] for facts in found.values()}) == 3
    assert looks
    if hasattr(os, "sched_getaffinity"):
        assert {tuple(facts["cores"]) for facts in found.values()} == {  # type: ignore[arg-type]
            tuple(sorted(share)) for share in workers.shares(3)
        }


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system tells nobody which cores are theirs")
def test_cores_are_divided_with_none_left_over() -> None:
    mine = os.sched_getaffinity(0)
    for number in range(1, 2 * len(mine) + 2):
        found = workers.shares(number)
        assert len(found) == number
        assert all(found)
        assert frozenset().union(*found) == mine
        if number <= len(mine):
            assert sum(map(len, found)) == len(mine)


def test_the_first_error_ends_all_and_is_told_as_it_was(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable, match="the database is gone") as caught:
        run(tmp_path, "fail", 2)
    assert caught.value.hint == "later"
    assert_ended(tmp_path, 1)


def test_a_bug_in_a_worker_stays_a_bug(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"exit 1.*so it is"):
        run(tmp_path, "break", 1)


def test_the_others_go_on_where_one_is_killed(tmp_path: Path) -> None:
    def watch() -> None:
        found = told(tmp_path)
        if len(found) == 3 and not (tmp_path / "GO").exists():
            os.kill(int(str(found["1"]["pid"])), signal.SIGKILL)
            (tmp_path / "GO").touch()

    (notice,) = run(tmp_path, "wait", 3, watch)
    assert notice.startswith("a worker was ended by signal 9; ")


def test_it_is_an_error_where_none_is_left(tmp_path: Path) -> None:
    def watch() -> None:
        with contextlib.suppress(ProcessLookupError, KeyError):  # not yet there, or not any more
            facts = told(tmp_path)["0"]
            os.kill(int(str(facts["pid"])), signal.SIGKILL)

    with pytest.raises(ModelError, match="no worker is left"):
        run(tmp_path, "wait", 1, watch)


def test_an_interrupt_asks_all_of_them_to_end(tmp_path: Path) -> None:
    def watch() -> None:
        if len(told(tmp_path)) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, "wait", 2, watch)
    assert {file.name for file in tmp_path.glob("*.asked")} == {"0.asked", "1.asked"}
    assert_ended(tmp_path, 2)


def test_none_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, *command(tmp_path, "wait")])
    while len(told(tmp_path)) < 2:
        with pytest.raises(subprocess.TimeoutExpired):
            parent.wait(0.02)
    parent.kill()
    parent.wait()
    assert_ended(tmp_path, 2)
    assert {file.name for file in tmp_path.glob("*.asked")} == {"0.asked", "1.asked"}
