"""The child process, from the parent: starts it, asks it, ends it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
import weakref
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from hybridrag.parsing.folder import Folder
from hybridrag.parsing.pictures import ocr
from hybridrag.parsing.plugins import Chosen
from hybridrag.parsing.wire import Incoming, framed


@dataclass(frozen=True, slots=True)
class Means:
    """What a child has: bytes of address space, characters of text that it may find in one document, and bytes of one
    file, and of all, that it may unpack of another; what it reads pictures with, and the parsers of other packages.
    """

    memory: int
    max_text: int
    largest_member: int
    most_unpacked: int
    pictures: ocr.Ocr = field(default_factory=ocr.Ocr)
    parsers: tuple[Chosen, ...] = ()


_LARGEST_HEADER = 32 * 1024**2
_BYTES_A_CHARACTER = 4
"""Of UTF-8, at most."""
_UNPACKING_S = 30.0
"""Given to a picture before the program reads it."""


class ChildTimeoutError(Exception):
    """No answer in time."""


class ChildDiedError(Exception):
    """The child ended, or answered with something that is no answer. `signal` is what killed it, if anything did."""

    def __init__(self, number: int = 0) -> None:
        super().__init__("the child ended")
        self.signal = number


class Child:
    """One worker process. It ends with `end()`, with this object, and with this process, however that ends."""

    def __init__(self, means: Means) -> None:
        """Starts it: no environment but PATH, locale and temporary folder, an empty folder to stand in, no terminal.

        Raises OSError if the system cannot start a process.
        """
        self.answered = 0
        self._largest_body = max(_BYTES_A_CHARACTER * means.max_text, means.largest_member)
        folder = Folder()
        settings = json.dumps({**asdict(means), "parent": os.getpid()})
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _START, settings, *_import_path()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd=folder.path,
                env=_environment(folder.path),
                # Ctrl-C at the terminal is for the parent, which then ends the child.
                start_new_session=True,
            )
        except OSError:
            folder.remove()
            raise
        self._end = weakref.finalize(self, _end, self._process, folder)
        self._write, self._read = (_unblocked(pipe) for pipe in (self._process.stdin, self._process.stdout))

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
        self, header: dict[str, Any], content: bytes, *, timeout_s: float, pictures: bool
    ) -> tuple[dict[str, Any], bytes]:
        """The answer to one request, and the bytes that came with it. Where there may be `pictures` to read, signs of
        life are waited for.

        Raises ChildTimeoutError, or ChildDiedError if there is none.
        """
        try:
            head, body = self._exchange(framed(header, content), timeout_s, pictures)
            answer = json.loads(head)
        except (OSError, EOFError, ValueError, RecursionError):
            _kill(self._process)
            raise ChildDiedError(max(0, -self._process.wait())) from None
        if not isinstance(answer, dict):
            raise ChildDiedError
        self.answered += 1
        return answer, body

    def _exchange(self, request: list[bytes], timeout_s: float, pictures: bool) -> tuple[bytes, bytes]:
        """Writes while the child reads, then reads the answer. Raises EOFError, BrokenPipeError, ChildTimeoutError."""
        deadline = time.monotonic() + timeout_s
        latest = deadline + (ocr.DOCUMENT_S if pictures else 0.0)
        write, read = self._write, self._read
        waiting = [memoryview(part) for part in request if part]
        answer = Incoming(header=_LARGEST_HEADER, body=self._largest_body)
        with selectors.DefaultSelector() as ready:
            ready.register(write, selectors.EVENT_WRITE)
            ready.register(read, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ChildTimeoutError
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
                        deadline = min(latest, time.monotonic() + max(timeout_s, ocr.PAGE_S + _UNPACKING_S))


# Isolated (-I, -S): nothing in the environment or the current folder decides what the child imports; the folders that
# the parent imports from are given, so that every way of installing works.
_START = """
import sys
sys.path[:0] = sys.argv[2:]
from hybridrag.parsing.worker import main
main()
"""


def _unblocked(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise OSError("the child has no pipe")
    os.set_blocking(pipe.fileno(), False)
    return pipe.fileno()


def _import_path() -> list[str]:
    home = str(Path(__file__).resolve().parents[2])
    return [home, *(entry for entry in sys.path if entry and Path(entry).is_absolute())]


def _environment(folder: str) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": folder,
        # Threads reserve address space, which the memory limit counts.
        "MALLOC_ARENA_MAX": "2",
        "RAYON_NUM_THREADS": "1",
        "TOKIO_WORKER_THREADS": "1",
    }


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
