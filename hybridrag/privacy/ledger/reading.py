"""The ledger as people read it: each request with its outcome, the latest first. Reading makes nothing."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hybridrag.privacy.ledger.chain import Record, backward, chain_key, forward, genuine, record_of, whole
from hybridrag.privacy.regular import open_regular

UNFINISHED = "unfinished"
OUTCOMES = ("sent", "failed", "retried", "blocked", UNFINISHED)


@dataclass(frozen=True, slots=True)
class Entry:
    """One attempt to send something. `outcome` is `unfinished` where none was recorded: it runs, or was killed."""

    intent: Record
    result: Record | None

    @property
    def id(self) -> str:
        return str(self.intent["entry"])

    @property
    def at(self) -> datetime:
        return datetime.fromisoformat(self.intent["at"])

    @property
    def outcome(self) -> str:
        return UNFINISHED if self.result is None else str(self.result.get("outcome"))

    def facts(self) -> dict[str, Any]:
        """Everything that was recorded of it, without what chains the lines."""
        chained = {"kind", "prev", "mac", "seq", "entry"}
        told = {"id": self.id, "outcome": self.outcome, "at": self.intent["at"]}
        told |= {name: value for name, value in self.intent.items() if name not in chained}
        if self.result is not None:
            told["ended"] = self.result["at"]
            told |= {name: value for name, value in self.result.items() if name not in chained | {"at"}}
        told["kept"] = self.kept
        return told

    @property
    def kept(self) -> bool:
        """Whether the redacted request was kept. That of a blocked one is not."""
        return self.intent.get("kept") is True and self.outcome != "blocked"


class Reading:
    """A ledger as it stands now. `faults` counts the lines met that were changed or made with another key."""

    def __init__(self, path: Path, *, key: bytes) -> None:
        self._path = path
        self._key = chain_key(key)
        self.faults = 0

    def latest(self, *, since: datetime | None = None, beginning: str = "") -> Iterator[Entry]:
        """The entries from the last on, back to `since`, with ids that begin so. Raises OSError."""
        mark = f'"entry":"{beginning}'.encode()
        results: dict[str, Record] = {}
        with snapshot(self._path) as (descriptor, end, _):
            for line in backward(descriptor, end):
                if mark not in line:
                    continue
                record = genuine(line, key=self._key)
                if record is None:
                    self.faults += 1
                elif record["kind"] == "outcome":
                    results[record["entry"]] = record
                elif record["kind"] == "intent":
                    if since is not None and datetime.fromisoformat(record["at"]) < since:
                        return
                    yield Entry(record, results.pop(record["entry"], None))

    def lines(self, *, since: datetime | None = None) -> Iterator[bytes]:
        """The lines as they stand, the oldest first, each with its break; what is no entry too. Raises OSError."""
        first = "" if since is None else since.astimezone(UTC).isoformat(timespec="microseconds")
        with snapshot(self._path) as (descriptor, end, _):
            for line in forward(descriptor, end):
                record = record_of(line) if first else None
                if record is None or record["at"] >= first:
                    yield line + b"\n"


def entries(path: Path) -> Iterator[Record]:
    """The records as they stand, the oldest first, unverified; a line that is none is left out. Raises OSError."""
    with snapshot(path) as (descriptor, end, _):
        for line in forward(descriptor, end):
            record = record_of(line)
            if record is not None:
                yield record


@contextlib.contextmanager
def snapshot(path: Path) -> Iterator[tuple[int, int, int]]:
    """A descriptor, where its whole lines end now, and how many bytes of an unfinished line follow.

    Later appends do not change what is before that end. An absent file has no lines. Raises OSError.
    """
    try:
        descriptor = open_regular(path, os.O_RDONLY)
    except FileNotFoundError:
        descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor, 0, 0
        finally:
            os.close(descriptor)
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)  # while someone writes, a line may be half there
        end = whole(descriptor)
        torn = os.fstat(descriptor).st_size - end
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        yield descriptor, end, torn
    finally:
        os.close(descriptor)
