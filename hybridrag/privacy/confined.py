"""A detector in a process of its own: it cannot hang, crash or phone on behalf of the program.

A thread could not do it. An expression that backtracks holds the interpreter's lock while it runs, so that no other
thread, not even the one that keeps the time, goes on; a process can be killed whatever it is doing.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from typing import Any

from hybridrag.errors import BlockedByPolicy
from hybridrag.isolated.bounds import Bounds
from hybridrag.isolated.frames import Largest
from hybridrag.isolated.process import EndedError, Patience, Process, TimedOutError
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

    The process is started here and answers later: `ready()` waits for it. It is isolated, with memory and files as the
    system has them: a model takes what it takes. It ends with this object and with this process. `seconds` is the time
    for 20,000 characters. Threads take turns.
    """

    def __init__(self, target: str, *, label: str, argument: Path | None = None, seconds: float = 60.0) -> None:
        self._label = label
        self._seconds = seconds
        self._turn = threading.Lock()
        self._facts: tuple[str, str] | None = None
        settings = {"target": target, "argument": None if argument is None else str(argument)}
        try:
            self._process = Process("hybridrag.privacy.confined_worker", settings, Bounds(), environment=_ENVIRONMENT)
        except OSError as exc:
            raise self._blocked("could not be started", "See whether the system can start processes.") from exc

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
        seconds = self._seconds * (1 + len(text) // _CHARACTERS)
        with self._turn:
            answer = self._exchange({"text": text}, seconds, most=(1 << 20) + 200 * len(text))
        if not isinstance(answer.get("spans"), list):
            fault = answer.get("fault")
            raise ConfinedError(f"{self._label} failed ({fault if isinstance(fault, str) else 'no answer'})")
        return [self._span(entry, len(text)) for entry in answer["spans"]]

    def close(self) -> None:
        """Ends the process. After that every text is refused."""
        self._process.end()

    def _greeted(self) -> tuple[str, str]:
        try:
            facts = self._exchange(None, _STARTING_S, most=1 << 20)
        except ConfinedError as exc:
            raise self._blocked("did not start", "Mend it, or deselect it in the settings.") from exc
        name, version = facts.get("name"), facts.get("version")
        if isinstance(name, str) and isinstance(version, str):
            return name, version
        self._process.end()
        message, hint = facts.get("message"), facts.get("hint")
        if isinstance(message, str) and isinstance(hint, str):
            raise BlockedByPolicy(message, hint=hint)
        raise self._blocked(f"could not be loaded ({facts.get('fault')})", "Install or mend it, or deselect it.")

    def _exchange(self, request: dict[str, str] | None, seconds: float, *, most: int) -> dict[str, Any]:
        """The answer to a request, or what is told without one, of at most `most` bytes."""
        try:
            return self._process.ask(request, patience=Patience(seconds), largest=Largest(most))[0]
        except (EndedError, TimedOutError):
            raise ConfinedError(f"{self._label} gave no answer within {seconds:.0f} seconds, or ended") from None

    def _span(self, entry: object, length: int) -> Span:
        match entry:
            case [int(start), int(end), str(type), str(rule)] if (
                0 <= start < end <= length and TYPE.match(type) and _RULE.match(rule)
            ):
                return Span(start, end, type, rule)
        raise ConfinedError(f"{self._label} gave a span that is none")

    def _blocked(self, what: str, hint: str) -> BlockedByPolicy:
        return BlockedByPolicy(f"The detector {self._label} {what}; nothing was sent.", hint=hint)


_ENVIRONMENT = {
    "PYTHONHASHSEED": "0",
    "OMP_NUM_THREADS": str(min(4, os.cpu_count() or 1)),
    "TOKENIZERS_PARALLELISM": "false",
    # Asking a hub would fail for want of a network; this way it is not even tried.
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
