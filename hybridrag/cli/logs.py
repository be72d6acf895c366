"""`--log-format json`: everything on stderr as one JSON object a line, for journald, cron and collectors of logs.

What the program tells becomes a `hybridrag.log/1` object with time, level and event. Whatever else is written to
stderr, by a library say, becomes one too, so that a reader never meets a line that is none.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TextIO

from hybridrag.cli.console import json_text

VARIABLE = "HYBRIDRAG_LOG_FORMAT"
_LONGEST = 16_000
"""Characters of a text in a record: journald breaks lines of more than 48 KiB."""


class JsonLog(io.TextIOBase):
    """A stderr whose lines are JSON objects. No terminal, so nobody colours or draws bars."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._begun = ""
        self._everywhere: dict[str, Any] = {}

    def know(self, **fields: Any) -> None:
        """Fields that every record has from now on; one that is None goes."""
        known = self._everywhere | fields
        self._everywhere = {name: value for name, value in known.items() if value is not None}

    def record(self, message: str, *, level: str, event: str, fields: dict[str, Any] | None = None) -> None:
        """Writes one object in one piece: other threads and processes may write to the same file."""
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        first = {"schema": "hybridrag.log/1", "at": at, "level": level, "event": event, "message": message}
        value = {**first, "pid": os.getpid(), **self._everywhere, **(fields or {})}
        cut = {name: _cut(each) if isinstance(each, str) else each for name, each in value.items()}
        line = json_text(cut, self._stream).encode("utf-8", "backslashreplace").decode() + "\n"
        with self._lock:
            self._stream.write(line)
            self._stream.flush()

    def write(self, text: str) -> int:
        """Lines that somebody writes to stderr; what has no end yet waits for it."""
        with self._lock:
            *lines, self._begun = (self._begun + text).split("\n")
            for line in lines:
                self._line(line)
        return len(text)

    def flush(self) -> None:
        """Whoever flushes wants to be read: what was begun is a line now."""
        with self._lock:
            line, self._begun = self._begun, ""
            self._line(line)
            self._stream.flush()

    def _line(self, line: str) -> None:
        if line.strip():
            self.record(line.rstrip(), level="info", event="output")

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding


@contextmanager
def stderr_kept() -> Iterator[None]:
    """Gives stderr back as it was, whatever `log_in` made of it meanwhile."""
    before = sys.stderr
    try:
        yield
    finally:
        current, sys.stderr = sys.stderr, before
        if isinstance(current, JsonLog):
            current.flush()


def log_in(log_format: str) -> None:
    """Makes stderr a log of JSON objects, or leaves it as it is; a second time changes nothing."""
    if log_format == "json" and not isinstance(sys.stderr, JsonLog):
        sys.stderr = JsonLog(sys.stderr)


def log() -> JsonLog | None:
    """The log that stderr is, or None where people read it."""
    return sys.stderr if isinstance(sys.stderr, JsonLog) else None


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text):,} characters)"
