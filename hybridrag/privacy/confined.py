"""A detector in a process of its own: it cannot hang, crash or phone on behalf of the program.

A thread could not do it. An expression that backtracks holds the interpreter's lock while it runs, so that no other
thread, not even the one that keeps the time, goes on; a process can be killed whatever it is doing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import weakref
from pathlib import Path
from typing import Any

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.confined_worker import LENGTH
from hybridrag.privacy.policy import TYPE
from hybridrag.types import Span

_STARTING_S = 180.0
"""Seconds: a large model is read from a slow disk in that time."""
_CHARACTERS = 20_000
"""What the deadline is for; a longer text gets as many of them as it has parts of this size."""
_RULE = re.compile(r"[a-z0-9_.-]{1,60}\Z")


class ConfinedError(Exception):
    """No answer from a confined detector, or none that could be used. Holds no text."""


class Confined:
    """Runs the detector that `target` ("module:function") makes, given `argument` as a Path where there is one.

    The child is started here and answers later: `ready()` waits for it. It has no keys in its environment, no network
    (a namespace without one on Linux where the kernel allows it; connecting by Python raises everywhere), and ends with
    this object and with this process. `seconds` is the time for 20,000 characters. Threads take turns.
    """

    def __init__(self, target: str, *, label: str, argument: Path | None = None, seconds: float = 60.0) -> None:
        self._label = label
        self._seconds = seconds
        self._turn = threading.Lock()
        self._facts: tuple[str, str] | None = None
        settings = {"target": target, "argument": None if argument is None else str(argument), "parent": os.getpid()}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _START, json.dumps(settings), *_import_path()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env=_ENVIRONMENT,
                # Ctrl-C at the terminal is for the parent, which then ends the child.
                start_new_session=True,
            )
        except OSError as exc:
            raise self._blocked("could not be started", "See whether the system can start processes.") from exc
        self._end = weakref.finalize(self, _end, self._process)

    @property
    def name(self) -> str:
        return self.ready()[0]

    @property
    def version(self) -> str:
        return self.ready()[1]

    def ready(self) -> tuple[str, str]:
        """Name and version of the detector, once it is loaded. Raises BlockedByPolicy where it cannot be."""
        with self._turn:
            if self._facts is None:
                self._facts = self._greeted()
            return self._facts

    def detect(self, text: str) -> list[Span]:
        """Spans of `text`. Raises ConfinedError for no answer in time, none at all, or one that is no list of spans."""
        self.ready()
        body = json.dumps(text).encode()
        seconds = self._seconds * (1 + len(text) // _CHARACTERS)
        with self._turn:
            answer = self._exchange(body, seconds, most=(1 << 20) + 200 * len(text))
        if not isinstance(answer, dict) or not isinstance(answer.get("spans"), list):
            fault = answer.get("fault") if isinstance(answer, dict) else None
            raise ConfinedError(f"{self._label} failed ({fault if isinstance(fault, str) else 'no answer'})")
        return [self._span(entry, len(text)) for entry in answer["spans"]]

    def close(self) -> None:
        """Ends the child. After that every text is refused."""
        self._end()

    def _greeted(self) -> tuple[str, str]:
        try:
            answer = self._exchange(None, _STARTING_S, most=1 << 20)
        except ConfinedError as exc:
            raise self._blocked("did not start", "Mend it, or deselect it in the settings.") from exc
        facts = answer if isinstance(answer, dict) else {}
        name, version = facts.get("name"), facts.get("version")
        if isinstance(name, str) and isinstance(version, str):
            return name, version
        self._end()
        message, hint = facts.get("message"), facts.get("hint")
        if isinstance(message, str) and isinstance(hint, str):
            raise BlockedByPolicy(message, hint=hint)
        raise self._blocked(f"could not be loaded ({facts.get('fault')})", "Install or mend it, or deselect it.")

    def _exchange(self, body: bytes | None, seconds: float, *, most: int) -> Any:
        """The answer to `body`, of at most `most` bytes. The child is killed when the time is over."""
        requests, answers = self._process.stdin, self._process.stdout
        assert requests is not None and answers is not None
        watch = threading.Timer(seconds, self._process.kill)
        watch.daemon = True
        watch.start()
        try:
            if body is not None:
                requests.write(LENGTH.pack(len(body)) + body)
                requests.flush()
            (size,) = LENGTH.unpack(_exactly(answers, LENGTH.size))
            if size > most:
                raise EOFError
            return json.loads(_exactly(answers, size))
        except (OSError, EOFError, ValueError, RecursionError):
            # What it says from now on may belong to another text.
            self._process.kill()
            raise ConfinedError(f"{self._label} gave no answer within {seconds:.0f} seconds, or ended") from None
        finally:
            watch.cancel()

    def _span(self, entry: object, length: int) -> Span:
        match entry:
            case [int(start), int(end), str(type), str(rule)] if (
                0 <= start < end <= length and TYPE.match(type) and _RULE.match(rule)
            ):
                return Span(start, end, type, rule)
        raise ConfinedError(f"{self._label} gave a span that is none")

    def _blocked(self, what: str, hint: str) -> BlockedByPolicy:
        return BlockedByPolicy(f"The detector {self._label} {what}; nothing was sent.", hint=hint)


# Isolated (-I, -S): nothing in the environment or the current folder decides what the child imports; the folders that
# the parent imports from are given, so that every way of installing works.
_START = """
import sys
sys.path[:0] = sys.argv[2:]
from hybridrag.privacy.confined_worker import main
main()
"""

_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": str(min(4, os.cpu_count() or 1)),
    "TOKENIZERS_PARALLELISM": "false",
    # Asking a hub would fail for want of a network; this way it is not even tried.
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}


def _import_path() -> list[str]:
    home = str(Path(__file__).resolve().parents[2])
    return [home, *(entry for entry in sys.path if entry and Path(entry).is_absolute())]


def _exactly(pipe: Any, size: int) -> bytes:
    body: bytes = pipe.read(size)
    if len(body) != size:
        raise EOFError
    return body


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    pipes: list[Any] = [process.stdin, process.stdout]
    for pipe in pipes:
        try:
            pipe.close()
        except OSError:  # what was not yet written has no reader any more
            continue
