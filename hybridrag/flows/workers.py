"""Processes at the same work, as many as wanted: started, watched and ended together.

Each is a command of its own that claims its work from the database. They have a share of the cores each, and none
outlives this process, however that ends: a worker whose stdin ends knows that it is alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import TracebackType
from typing import IO, Any, Self

from hybridrag import errors
from hybridrag.errors import HybridragError, ModelError
from hybridrag.flows.machine import cores

_LOOK = 0.5
"""Seconds between two looks at them."""
_PATIENCE = 15.0
"""Seconds that workers have to end when they are asked to. A batch takes two or three."""
_ALONE = 5.0
"""The same for one whose parent is gone."""
_STOPPED = {130, 143}
"""Exit codes of those that somebody interrupted or terminated."""


def run(number: int, command: Sequence[str], *, watch: Callable[[], None], notify: Callable[[str], None]) -> None:
    """Runs a command in `number` processes until all have ended well; calls `watch` every now and then.

    The command takes no secrets as arguments, calls `end_with_parent`, and tells errors as `--json` does. The first
    error of any ends the others and is raised here. Workers that are killed are told by `notify`; the others go on with
    their work. Raises ModelError where none was left. Whatever leaves here, an interrupt too, no worker is left behind.
    """
    with _Workers(number, command) as workers:
        running, lost = workers.started, 0
        while running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running[0].process.wait(_LOOK)
            for worker in [worker for worker in running if worker.process.poll() is not None]:
                running.remove(worker)
                if worker.lost():
                    lost += 1
                    notify(f"a worker {worker.how()}; {len(running)} go on")
            watch()
    if lost == number:
        raise ModelError(
            "no worker is left: somebody, or the system, ended them all",
            hint="is there memory enough? start fewer with --workers; what they finished is kept",
        )


def end_with_parent() -> None:
    """Has this process end when its stdin does. For the commands that `run` starts."""
    threading.Thread(target=_end_alone, name="hybridrag-parent", daemon=True).start()


def _end_alone() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            continue
    os.kill(os.getpid(), signal.SIGTERM)  # its batch under way may still be stored
    time.sleep(_ALONE)
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # with all that it started
    os.kill(os.getpid(), signal.SIGKILL)


class _Workers:
    """The processes of one command. They end with the block."""

    def __init__(self, number: int, command: Sequence[str]) -> None:
        self._all: list[_Worker] = []
        try:
            for share in shares(number):
                self._all.append(_Worker(command, share))
        except BaseException:
            self._end()
            raise

    @property
    def started(self) -> list[_Worker]:
        return [*self._all]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        try:
            for worker in self._all:
                worker.ask_to_end()
            deadline = time.monotonic() + _PATIENCE
            for worker in self._all:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    worker.process.wait(max(0.0, deadline - time.monotonic()))
        finally:  # a second interrupt comes here too
            for worker in self._all:
                worker.close()


class _Worker:
    """One process, on its share of the cores."""

    def __init__(self, command: Sequence[str], share: frozenset[int]) -> None:
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the worker
        # A session of its own, so that all that it starts ends with it, and an interrupt reaches it through us alone.
        self.process = subprocess.Popen(
            [*command],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=self._errors,
            env={**_threads(len(share)), **os.environ},
            start_new_session=True,
        )
        if hasattr(os, "sched_setaffinity"):
            # Before it counts the cores that it may use: every runtime starts as many threads.
            with contextlib.suppress(OSError):
                os.sched_setaffinity(self.process.pid, share)

    def lost(self) -> bool:
        """Whether somebody ended it. Raises what it failed with, if it failed."""
        code = self.process.returncode
        if code > 0 and code not in _STOPPED:
            raise self._error()
        return bool(code)

    def how(self) -> str:
        code = self.process.returncode
        return f"was ended by signal {-code}" if code < 0 else "was stopped"

    def ask_to_end(self) -> None:
        if self.process.poll() is None:
            # Not an interrupt: a shell that runs this in the background has it ignored.
            self.process.send_signal(signal.SIGTERM)

    def close(self) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self._errors.close()

    def _error(self) -> Exception:
        """What it told of its failure, as the error that it was there."""
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").splitlines()
        for line in reversed(lines):
            told = _object(line)
            kind = getattr(errors, str(told.get("error")), None)
            if isinstance(kind, type) and issubclass(kind, HybridragError):
                return kind(str(told.get("message")), hint=str(told.get("hint", "")))
        return RuntimeError(f"a worker ended with exit {self.process.returncode}: {' / '.join(lines[-3:])[:500]}")


def shares(number: int) -> list[frozenset[int]]:
    """The cores of this process, divided among so many; where they are more than the cores, some share one."""
    mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(cores()))
    if number >= len(mine):
        return [frozenset({mine[place % len(mine)]}) for place in range(number)]
    cuts = [place * len(mine) // number for place in range(number + 1)]
    return [frozenset(mine[start:end]) for start, end in pairwise(cuts)]


def _threads(count: int) -> Mapping[str, str]:
    """For libraries that do not ask which cores are theirs. What the user set holds."""
    return {name: str(count) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")}


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
