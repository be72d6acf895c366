"""How much of documents may leave in a day, counted from the ledger itself while it is held.

A request counts with the characters of each document that went into it (`shares`, before redaction), on the UTC day of
its intent. It counts whether it was sent, failed or never finished: it may have left. It does not count when it was
blocked, or went to a server that counts as local. The same request sent again on that day, with the same payload and
shares, counts once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hybridrag.errors import BudgetSpent
from hybridrag.privacy.keys import derived
from hybridrag.privacy.ledger.chain import Head, Record, head_after, line_of
from hybridrag.privacy.ledger.journal import Held
from hybridrag.privacy.regular import read_small, write_new
from hybridrag.types import Limits

_KEEP_AFTER = 64
"""Lines that are read back before the tally is kept anew: some milliseconds."""
_MOST = 1 << 28
_ID = 16


class Tally:
    """What has left on one day, by document, up to one place of the chain."""

    def __init__(self, day: str) -> None:
        self.day = day
        self.upto = Head(0, "")
        self.total = 0
        self.documents: dict[str, int] = {}
        self._attempts = _Attempts("")
        self._open: dict[str, tuple[str, dict[str, int]]] = {}
        """Attempts without an outcome: the request's id and its shares."""

    def add(self, record: Record) -> None:
        """Counts the next record of the chain."""
        self.upto = head_after(record)
        if record["kind"] == "intent" and record["at"][:10] == self.day and _counts(record):
            shares = shares_of(record)
            request = _request(record)
            if request not in self._attempts:
                self._count(shares, sign=1)
            self._attempts.add(request)
            self._open[record["entry"]] = request, shares
        elif record["kind"] == "outcome":
            request, shares = self._open.pop(record["entry"], ("", {}))
            if request and record.get("outcome") == "blocked":
                self._attempts.remove(request)
                if request not in self._attempts:
                    self._count(shares, sign=-1)

    def added_by(self, record: Record) -> dict[str, int]:
        """What an intent would add, by document."""
        return {} if _request(record) in self._attempts else shares_of(record)

    def _count(self, shares: Mapping[str, int], *, sign: int) -> None:
        for document, characters in shares.items():
            self.documents[document] = self.documents.get(document, 0) + sign * characters
            self.total += sign * characters

    def dump(self) -> bytes:
        state = [self.day, str(self.upto), self.total, self.documents, self._attempts.dump(), self._open]
        return json.dumps(state, separators=(",", ":")).encode("ascii")

    @staticmethod
    def load(text: bytes) -> Tally:
        state: list[Any] = json.loads(text)
        tally = Tally(state[0])
        tally.upto = Head.parse(state[1])
        tally.total, tally.documents = state[2:4]
        tally._attempts = _Attempts(state[4])
        tally._open = {entry: (request, shares) for entry, (request, shares) in state[5].items()}
        return tally


class _Attempts:
    """The ids of requests counted, one for each attempt. Those read from a file stay in one sorted string, which is
    searched as it is: a set of many thousands would take longer to make than the request itself takes."""

    def __init__(self, old: str) -> None:
        self._old = old
        self._new: Counter[str] = Counter()

    def __contains__(self, request: str) -> bool:
        return self._new[request] > 0 or self._at(self._place(request)) == request

    def add(self, request: str) -> None:
        self._new[request] += 1

    def remove(self, request: str) -> None:
        """Removes one attempt of a request that was counted."""
        if self._new[request] > 0:
            self._new[request] -= 1
        else:
            place = self._place(request)
            self._old = self._old[: place * _ID] + self._old[(place + 1) * _ID :]

    def dump(self) -> str:
        old = [self._at(place) for place in range(len(self._old) // _ID)]
        return "".join(sorted([*old, *self._new.elements()]))

    def _place(self, request: str) -> int:
        return bisect_left(range(len(self._old) // _ID), request, key=self._at)

    def _at(self, place: int) -> str:
        return self._old[place * _ID : (place + 1) * _ID]


class Budgets:
    """The day's tally, read back from the chain. A copy is kept in the file `path`, to read back less the next time.

    The copy is sealed and names the line it goes up to. One that does not fit the chain is not used.
    """

    def __init__(self, path: Path, *, key: bytes) -> None:
        self._path = path
        self._key = derived(key, "ledger tally")

    def overdrawn(self, held: Held, intent: Record, limits: Limits) -> BudgetSpent | None:
        """The error for an intent that would leave more than `limits` allow; None where there is room.

        Raises BlockedByPolicy where the day's part of the chain is broken, and ValueError for shares that are none.
        """
        tally = self.tally(held)
        added = tally.added_by(intent)
        whole = sum(added.values())
        if limits.day is not None and whole and tally.total + whole > limits.day:
            return _spent("the day", tally.total, whole, limits.day, now=held.at)
        for document, characters in added.items():
            allowed, used = limits.documents.get(document), tally.documents.get(document, 0)
            if allowed is not None and characters and used + characters > allowed:
                name = limits.names.get(document, f"the document {document[:8]}")
                return _spent(name, used, characters, allowed, now=held.at)
        return None

    def tally(self, held: Held) -> Tally:
        """What has left on the day of `held.at`."""
        day = held.at.date().isoformat()
        kept = self._kept(day)
        missing: list[Record] = []
        for record in held.backward():
            if kept is not None and head_after(record) == kept.upto:
                break
            if record["at"][:10] < day or record["kind"] == "checkpoint":
                kept = None
                break
            missing.append(record)
        else:
            kept = None
        tally = kept or Tally(day)
        for record in reversed(missing):
            tally.add(record)
        if len(missing) > _KEEP_AFTER:
            self._keep(tally)
        return tally

    def _kept(self, day: str) -> Tally | None:
        try:
            text, _, seal = read_small(self._path, most=_MOST).rpartition(b"\n")
        except (FileNotFoundError, ValueError):
            return None
        if not hmac.compare_digest(seal, self._seal(text)):
            return None
        tally = Tally.load(text)
        return tally if tally.day == day else None

    def _keep(self, tally: Tally) -> None:
        text = tally.dump()
        aside = self._path.with_name(f".{self._path.name}.new")
        write_new(aside, text + b"\n" + self._seal(text), wait=False)  # what a crash spoils is counted again
        aside.replace(self._path)

    def _seal(self, text: bytes) -> bytes:
        return hmac.new(self._key, text, hashlib.sha256).hexdigest().encode()


def shares_of(intent: Record) -> dict[str, int]:
    """Characters by document of an intent. Raises ValueError for what are none."""
    shares = intent.get("shares") or {}
    if not isinstance(shares, dict) or any(type(count) is not int or count < 0 for count in shares.values()):
        raise ValueError("shares are numbers of characters by document")
    return shares


def _counts(intent: Record) -> bool:
    return bool(intent.get("shares")) and not intent["local"]


def _request(intent: Record) -> str:
    """An id of 64 bits for payload and shares."""
    told = f"{intent['payload_sha256']} ".encode() + line_of(shares_of(intent))
    return hashlib.sha256(told).hexdigest()[:_ID]


def _spent(whose: str, used: int, added: int, allowed: int, *, now: datetime) -> BudgetSpent:
    reset = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    minutes = -(-(reset - now) // timedelta(minutes=1))
    return BudgetSpent(
        f"The budget of {whose} is spent: of {allowed:,} characters {used:,} have left today, and this request holds "
        f"{added:,}; nothing was sent.",
        hint=f"It is renewed at {reset:%Y-%m-%d %H:%M} UTC, in {minutes // 60} h {minutes % 60} min. Ask for fewer "
        "passages (-k), leave documents out with --filter, or raise the budget in your own policy.",
    )
