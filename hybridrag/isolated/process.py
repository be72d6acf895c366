"""An isolated process, from the parent: starts it, asks it, ends it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import weakref
from _thread import start_new_thread
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from hybridrag.isolated.bounds import Bounds
from hybridrag.isolated.folder import Folder
from hybridrag.isolated.frames import Incoming, Largest, framed


class TimedOutError(Exception):
    """No answer in time."""


class EndedError(Exception):
    """The process ended, or answered with something that is no answer. `signal` is what killed it, if anything did."""

    def __init__(self, number: int = 0) -> None:
        super().__init__("the process ended")
        self.signal = number


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds an answer is waited for: at first, after each sign of life, and in all where there are any."""

    first: float
    after_sign: float = 0.0
    in_all: float = 0.0


class Process:
    """It ends with `end()`, with this object, and with this process, however that ends.

    What it says after a request that was not answered may belong to that one: it is killed then.
    """

    def __init__(
        self,
        module: str,
        settings: Mapping[str, Any],
        bounds: Bounds,
        *,
        environment: Mapping[str, str],
        files: Sequence[int] = (),
    ) -> None:
        """Starts one that runs `serve` of a module, given an `inside.Parent` and the settings, which JSON can hold.

        It has PATH, locale, temporary folder and what is given as its environment, `files` (descriptors, by the same
        numbers) and no others, an empty folder to stand in, and no terminal. Raises OSError if the system cannot start
        a process.
        """
        folder = Folder()
        told = {"module": module, "settings": settings, "bounds": asdict(bounds), "parent": os.getpid()}

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _START, json.dumps(told), *_import_path()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # it may quote a text
                bufsize=0,
                cwd=folder.path,
                env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TMPDIR": folder.path, **environment},
                pass_fds=files,
                # Ctrl-C at the terminal is for the parent, which then ends the child.
                start_new_session=True,
            )

        try:
            self._process = _started(start)
        except OSError:
            folder.remove()
            raise
        self._end = weakref.finalize(self, _end, self._process, folder)
        self._requests, self._answers = (_unblocked(pipe) for pipe in (self._process.stdin, self._process.stdout))

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """Ends the process only, so that a thread which waits for its answer learns that there is none."""
        _kill(self._process)

    def end(self) -> None:
        self._end()

    def ask(
        self, header: Mapping[str, Any] | None, content: bytes = b"", *, patience: Patience, largest: Largest
    ) -> tuple[dict[str, Any], bytes]:
        """The answer to one request, or to None what it tells unasked; and the bytes that came with it.

        Raises TimedOutError, or EndedError where there is none, or one that is larger.
        """
        request = [] if header is None else framed(header, content)
        try:
            head, body = self._exchange(request, patience, Incoming(largest))
            answer = json.loads(head)
            if not isinstance(answer, dict):
                raise EOFError
        except (OSError, EOFError, ValueError, RecursionError):
            self.kill()
            raise EndedError(max(0, -self._process.wait())) from None
        except BaseException:
            self.kill()
            raise
        return answer, body

    def _exchange(self, request: Sequence[bytes], patience: Patience, answer: Incoming) -> tuple[bytes, bytes]:
        """Writes while it reads, then reads the answer. Raises OSError, EOFError, ValueError, TimedOutError."""
        begun = time.monotonic()
        deadline, latest = begun + patience.first, begun + max(patience.first, patience.in_all)
        write, read = self._requests.fileno(), self._answers.fileno()  # ValueError after `end()`
        waiting = [memoryview(part) for part in request if part]
        with selectors.DefaultSelector() as ready:
            if waiting:
                ready.register(write, selectors.EVENT_WRITE)
            ready.register(read, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimedOutError
                for key, _ in ready.select(left):
                    if key.fd == write:
                        waiting[0] = waiting[0][os.write(write, waiting[0][: 1 << 20]) :]
                        if not waiting[0]:
                            del waiting[0]
                        if not waiting:
                            ready.unregister(write)
                        continue
                    piece = os.read(read, 1 << 20)
                    if not piece:
                        raise EOFError
                    signs = answer.signs
                    if answer.complete(piece):
                        return answer.parts
                    if answer.signs > signs:
                        deadline = min(latest, max(deadline, time.monotonic() + patience.after_sign))


def _started(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """The process, started by a thread that lasts: Linux kills one that dies with its parent (`sandbox`) as soon as the
    thread that started it ends. Raises what `start` raises."""
    if threading.current_thread() is threading.main_thread():
        return start()
    started: Future[subprocess.Popen[bytes]] = Future()
    _starter(os.getpid()).put((start, started))
    return started.result()


@cache
def _starter(_process: int) -> SimpleQueue[tuple[Callable[[], Any], Future[Any]]]:
    """What a thread of this process takes processes to be started from, as long as this one lives."""
    asked: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()

    def serve() -> None:
        while True:
            start, started = asked.get()
            try:
                started.set_result(start())
            except BaseException as exc:  # carried over to whoever asked
                started.set_exception(exc)
            del start, started

    start_new_thread(serve, ())  # not one of `threading`, whose threads are told apart from those that work
    return asked


# Isolated (-I, -S): nothing in the environment or the current folder decides what the child imports; the folders that
# the parent imports from are given, so that every way of installing works.
_START = """
import sys
sys.path[:0] = sys.argv[2:]
from hybridrag.isolated.inside import main
main()
"""


def _import_path() -> list[str]:
    home = str(Path(__file__).resolve().parents[2])
    return [home, *(entry for entry in sys.path if entry and Path(entry).is_absolute())]


def _unblocked(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise OSError("the process has no pipe")
    os.set_blocking(pipe.fileno(), False)
    return pipe


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kills the process and what it runs, a program that reads pictures say: they are a group."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes], folder: Folder) -> None:
    _kill(process)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    folder.remove()
