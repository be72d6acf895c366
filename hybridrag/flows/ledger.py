"""Looking into the ledger, and pruning it. No database is needed, and looking makes neither key nor ledger."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cached_property
from itertools import islice
from pathlib import Path

from hybridrag.errors import BlockedByPolicy, UsageError
from hybridrag.privacy.keys import document_hash, existing_key
from hybridrag.privacy.ledger.chain import Head
from hybridrag.privacy.ledger.forgetting import forget_payloads
from hybridrag.privacy.ledger.journal import Journal
from hybridrag.privacy.ledger.payloads import Payloads
from hybridrag.privacy.ledger.reading import Entry, Reading
from hybridrag.privacy.ledger.retention import Pruned, prune
from hybridrag.privacy.ledger.verification import Verification, verify

_ID = re.compile(r"[0-9a-f]{1,32}")


class Book:
    """The ledger of a data folder. Methods raise BlockedByPolicy where it cannot be read or its key is missing."""

    def __init__(self, data: Path) -> None:
        self.path = data / "ledger.jsonl"
        self._key_path = data / "key"
        self.faults = 0
        """Lines that `entries` and `find` met and left out: they were changed, or made with another key."""

    @property
    def begun(self) -> bool:
        """Whether anything was ever recorded here."""
        return os.path.lexists(self.path) or os.path.lexists(self.path.with_suffix(".head"))

    def entries(
        self, *, count: int, since: datetime | None = None, outcome: str = "", provider: str = ""
    ) -> list[Entry]:
        """The latest `count` entries, the last one first."""
        if not self.begun:
            return []
        reading = self._reading()
        with _told(self.path):
            wanted = (
                entry
                for entry in reading.latest(since=since)
                if outcome in {"", entry.outcome} and provider in {"", entry.intent["provider"]}
            )
            found = list(islice(wanted, count))
        self.faults = reading.faults
        return found

    def find(self, beginning: str) -> Entry:
        """The entry whose id begins so. Raises UsageError where none does, or several do."""
        if not _ID.fullmatch(beginning):
            raise UsageError(f"{beginning!r} is not the beginning of an entry's id", hint="see `hybridrag ledger list`")
        found: list[Entry] = []
        if self.begun:
            reading = self._reading()
            with _told(self.path):
                found = list(reading.latest(beginning=beginning))
            self.faults = reading.faults
        if not found:
            raise UsageError(f"the ledger has no entry {beginning}", hint="see `hybridrag ledger list`")
        if len(found) > 1:
            some = ", ".join(entry.id[: len(beginning) + 4] for entry in found[:4])
            raise UsageError(f"{len(found)} entries begin with {beginning}", hint=f"give more of it: {some}")
        return found[0]

    def payload(self, entry: Entry) -> bytes:
        """What was sent for `entry`, checked against the hash in it. Raises UsageError where it was not kept."""
        if not entry.kept:
            raise UsageError(
                f"no payload was kept for {entry.id}",
                hint="with ledger_keep_payload = true in your own settings they are, encrypted, from then on",
            )
        with _told(self.path):
            return Payloads(self.path, key=self._key).read(entry.id, sha256=entry.intent["payload_sha256"])

    def verify(self, anchors: Sequence[Head] = ()) -> Verification:
        """What is wrong with the ledger, if anything."""
        if not self.begun and not os.path.lexists(self._key_path):
            return verify(self.path, key=b"", anchors=anchors)  # no line, so no key is needed
        with _told(self.path):
            return verify(self.path, key=self._key, anchors=anchors)

    def lines(self, *, since: datetime | None = None) -> Iterator[bytes]:
        """The lines as they stand, the oldest first."""
        if self.begun:
            with _told(self.path):
                yield from self._reading().lines(since=since)

    def prune(self, *, keep_days: int, rehearsal: bool) -> Pruned:
        """Removes what is older; a rehearsal only counts it."""
        if not self.begun:
            return Pruned(0, 0, 0)
        with _told(self.path):
            return prune(
                Journal(self.path, key=self._key),
                Payloads(self.path, key=self._key),
                keep_days=keep_days,
                rehearsal=rehearsal,
            )

    def forget(self, uris: Sequence[str], *, rehearsal: bool) -> int:
        """Removes the kept requests that held anything of documents; returns how many. A rehearsal only counts them."""
        if not Payloads(self.path, key=b"").kept():
            return 0
        if not self.begun:
            raise BlockedByPolicy(
                f"There are kept requests, and the ledger {self.path} that tells what they held is missing.",
                hint="Put it back, or remove the folder payloads beside it.",
            )
        key = self._key
        with _told(self.path):
            return forget_payloads(
                Journal(self.path, key=key),
                Payloads(self.path, key=key),
                {document_hash(key, uri) for uri in uris},
                rehearsal=rehearsal,
            )

    def _reading(self) -> Reading:
        if not os.path.lexists(self.path):
            raise BlockedByPolicy(
                f"The ledger {self.path} is missing, but its head record is there: it was moved or removed.",
                hint="Put it back. If it is meant to begin anew, move ledger.head aside too.",
            )
        return Reading(self.path, key=self._key)

    @cached_property
    def _key(self) -> bytes:
        key = existing_key(self._key_path)
        if key is None:
            raise BlockedByPolicy(
                f"The ledger {self.path} is there, and the key {self._key_path} that it was made with is not.",
                hint="Restore the key from a backup. Without it nothing can be verified, and nothing is sent.",
            )
        return key


def anchors(text: str) -> list[Head]:
    """The heads that `text` gives: one as `ledger head` prints it, or the name of a file with one on each line.

    Raises UsageError where there is none.
    """
    with contextlib.suppress(ValueError):
        return [Head.parse(text)]
    try:
        lines = Path(text).expanduser().read_text(encoding="utf-8").splitlines()
        heads = [Head.parse(line) for line in lines if line.strip()]
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise UsageError(
            f"--anchor {text}: {reason}",
            hint="it takes SEQ:MAC as `hybridrag ledger head` prints it, or a file of them",
        ) from None
    if not heads:
        raise UsageError(f"--anchor {text}: the file is empty", hint="write to it what `hybridrag ledger head` prints")
    return heads


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    """Errors of the file system as messages."""
    try:
        yield
    except OSError as exc:
        place = exc.filename or path
        raise BlockedByPolicy(
            f"The ledger cannot be used: {place}: {exc.strerror or type(exc).__name__}.",
            hint="Nothing is sent while it cannot. Check the permissions of its folder.",
        ) from exc
