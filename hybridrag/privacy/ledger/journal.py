"""The ledger's file: one writer at a time, whole lines on disk, and an end that is checked before it is continued."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from hybridrag.drafts import sync_folder
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ledger.chain import (
    START,
    Head,
    Record,
    backward,
    chain_key,
    genuine,
    head_after,
    line_of,
    record_of,
    sealed,
    whole,
)
from hybridrag.privacy.ledger.heads import HeadRecord
from hybridrag.privacy.regular import open_regular

_BROKEN = (
    "Nothing is added to a broken chain. Run `hybridrag ledger verify`, then move the ledger and its head record aside "
    "to begin a new one."
)


class Journal:
    """A chain in the file `path`, with its head record beside it. `clock` gives the time, in UTC."""

    def __init__(self, path: Path, *, key: bytes, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = path
        self.key = chain_key(key)
        self.heads = HeadRecord(path.with_suffix(".head"), key=key)
        self._clock = clock

    @contextlib.contextmanager
    def hold(self) -> Iterator[Held]:
        """The file, made if need be, for this process alone.

        Raises BlockedByPolicy where the end of the chain is not as it was written, OSError where the file cannot be
        used.
        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = self._locked()
        try:
            held = Held(self, descriptor, now=self._clock())
            held.check()
            yield held
        finally:
            os.close(descriptor)

    def _locked(self) -> int:
        while True:
            descriptor = open_regular(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Whoever held the lock may have put another file in this place: pruning does.
                with contextlib.suppress(FileNotFoundError):
                    if os.path.samestat(os.fstat(descriptor), self.path.stat(follow_symlinks=False)):
                        return descriptor
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)


class Held:
    """The file while it is held. `last` is its last record, `head` the end of the chain, `end` where its lines end.

    `at` is the time of what is appended now. It never runs backwards: it is that of the last line where the clock is
    behind it, by `behind` seconds.
    """

    def __init__(self, journal: Journal, descriptor: int, *, now: datetime) -> None:
        self._journal = journal
        self.descriptor = descriptor
        self.end = whole(descriptor)
        line = next(backward(descriptor, self.end), None)
        self.last = None if line is None else genuine(line, key=journal.key)
        if line is not None and self.last is None:
            raise BlockedByPolicy(
                f"The last entry of the ledger {journal.path} was changed, or made with another key.", hint=_BROKEN
            )
        self.at = now
        self.behind = 0.0
        if self.last is not None:
            written = datetime.fromisoformat(self.last["at"])
            self.at, self.behind = max(now, written), max(0.0, (written - now).total_seconds())

    @property
    def head(self) -> Head:
        return head_after(self.last)

    def check(self) -> None:
        """Raises BlockedByPolicy where the chain ends before the head that was recorded, or does not lead to it."""
        recorded = self._journal.heads.read()
        if recorded == self.head or (recorded is None and self.last is None):
            return
        path = self._journal.path
        if recorded is None:
            raise BlockedByPolicy(f"The head record {self._journal.heads.path} is missing.", hint=_BROKEN)
        if recorded.seq > self.head.seq:
            raise BlockedByPolicy(
                f"The ledger {path} ends at entry {self.head.seq}, but {recorded.seq} were written: its end was cut "
                "off, or an old copy was put back.",
                hint=_BROKEN,
            )
        if recorded != START and all(head_after(record) != recorded for record in self.backward()):
            raise BlockedByPolicy(f"The ledger {path} does not lead from its head record to its end.", hint=_BROKEN)

    def backward(self) -> Iterator[Record]:
        """The records from the last on. Raises BlockedByPolicy at one that was changed or is not linked to the next."""
        after: Record | None = None
        for line in backward(self.descriptor, self.end):
            record = genuine(line, key=self._journal.key)
            if record is None or (after is not None and (after["seq"] - 1, after["prev"]) != _place(record)):
                raise BlockedByPolicy(f"The ledger {self._journal.path} is broken near its end.", hint=_BROKEN)
            yield record
            after = record

    def append(self, *records: Record) -> None:
        """Seals `records` and adds them to the chain, on disk when this returns; all or, where it raises, none.

        Raises OSError, and TypeError or ValueError for a record that JSON cannot hold.
        """
        lines, last = b"", self.last
        for record in records:
            head = head_after(last)
            at = self.at.isoformat(timespec="microseconds")
            last = sealed({**record, "at": at, "seq": head.seq + 1, "prev": head.mac}, key=self._journal.key)
            line = line_of(last)
            if record_of(line) is None:  # keys that are no strings may come back in another order
                raise ValueError("a record that is not read back as it was written")
            lines += line + b"\n"
        heads = self._journal.heads
        if self.last is None:
            # From the first line on there is a head record: one that is missing was removed.
            heads.write(self.head)
        heads.prepare(head_after(last))
        self._write(lines)
        heads.publish()
        if self.last is None:
            sync_folder(self._journal.path.parent)
        self.end += len(lines)
        self.last = last

    def _write(self, lines: bytes) -> None:
        """Appends and waits for the disk. A line that a crash left unfinished goes; what fails leaves no trace."""
        if os.fstat(self.descriptor).st_size > self.end:
            os.ftruncate(self.descriptor, self.end)
        try:
            if os.write(self.descriptor, lines) != len(lines):
                raise OSError(0, "the disk is full")
            os.fsync(self.descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self.descriptor, self.end)
            raise


def _place(record: Record) -> tuple[int, str]:
    head = head_after(record)
    return head.seq, head.mac
