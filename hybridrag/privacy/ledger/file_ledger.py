"""The record of what leaves: what is about to be sent is on disk before its first byte is, and so is how it ended."""

from __future__ import annotations

import contextlib
import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from hybridrag.accounts import user_name
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ledger.budgets import Budgets, shares_of
from hybridrag.privacy.ledger.chain import Record
from hybridrag.privacy.ledger.journal import Held, Journal
from hybridrag.privacy.ledger.payloads import Payloads
from hybridrag.privacy.ledger.retention import due, prune
from hybridrag.types import Destination, Limits

_NONE = Limits()
_TURNED_BACK = 300.0
"""Seconds by which the clock may be behind the last entry: time servers set clocks back by less."""


class FileLedger:
    """A ledger in one file, safe for many processes: appends hold a lock and return after fsync.

    With `keep_payload` the redacted requests are kept too, encrypted. Entries older than `retention_days` are pruned
    once a day; 0 keeps them for ever.
    """

    def __init__(
        self,
        path: Path,
        *,
        key: bytes,
        keep_payload: bool = False,
        retention_days: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path = path
        self._journal = Journal(path, key=key, clock=clock)
        self._payloads = Payloads(path, key=key)
        self._budgets = Budgets(path.with_suffix(".tally"), key=key)
        self._keep_payload = keep_payload
        self._retention_days = retention_days

    def intent(self, destination: Destination, body: bytes, facts: dict[str, object], limits: Limits = _NONE) -> str:
        """Records that `body` is about to leave; returns the entry's id.

        `facts["shares"]` are the characters of each document in it, by its hash. Where they would go beyond `limits`
        this raises BudgetSpent, after recording that the request was blocked. Many processes together stay within
        them. Raises BlockedByPolicy if nothing can be recorded.
        """
        record = _intent(destination, body, facts)
        entry = str(record["entry"])
        with self._held() as held:
            self._check_clock(held)
            shares_of(record)
            spent = self._budgets.overdrawn(held, record, limits) if limits.bounded else None
            if spent is not None:
                held.append(record, _outcome(entry, "blocked", {"reason": "budget", "rule": "budget"}))
                raise spent
            try:
                # Raw texts, which go to embedding servers and to local ones, are the documents themselves.
                if self._keep_payload and not facts.get("plain"):
                    record["kept"] = True
                    self._payloads.keep(entry, body)
                held.append(record)
            except BaseException:
                self._payloads.drop(entry)
                raise
        return entry

    def outcome(self, entry: str, outcome: str, facts: dict[str, object]) -> None:
        """Records how `entry` ended. Raises BlockedByPolicy if it cannot be written."""
        with self._held() as held:
            held.append(_outcome(entry, outcome, facts))
            if outcome == "blocked":  # it may hold what was not redacted
                self._payloads.drop(entry)
            old = self._retention_days > 0 and due(held, keep_days=self._retention_days)
        if old:
            with self._translated():
                prune(self._journal, self._payloads, keep_days=self._retention_days)

    def _check_clock(self, held: Held) -> None:
        if held.behind > _TURNED_BACK:
            raise BlockedByPolicy(
                f"The clock of this machine is {_span(held.behind)} behind the last entry of the ledger {self._path}.",
                hint="Set the clock: what may leave in a day goes by it. If the last entry was made while the clock "
                "was wrong, move the ledger and its head record aside to begin a new one.",
            )

    @contextlib.contextmanager
    def _held(self) -> Iterator[Held]:
        with self._translated(), self._journal.hold() as held:
            yield held

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError, TypeError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else type(exc).__name__
            place = (
                f" ({exc.filename})" if isinstance(exc, OSError) and exc.filename not in {None, str(self._path)} else ""
            )
            raise BlockedByPolicy(
                f"The ledger {self._path} cannot be written: {reason}{place}.",
                hint="What is not recorded is not sent. Check the disk and the permissions of its folder.",
            ) from exc


def _intent(destination: Destination, body: bytes, facts: dict[str, object]) -> Record:
    return {
        **facts,
        "kind": "intent",
        "entry": uuid.uuid4().hex,
        "user": user_name(),
        "host": os.uname().nodename,
        "provider": destination.provider,
        "address": _address(destination.url),
        "model": destination.model,
        "local": destination.local,
        "payload_sha256": hashlib.sha256(body).hexdigest(),
        "payload_bytes": len(body),
    }


def _outcome(entry: str, outcome: str, facts: dict[str, object]) -> Record:
    return {**facts, "kind": "outcome", "entry": entry, "outcome": outcome}


def _address(url: str) -> str:
    """The URL without user information, query and fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _span(seconds: float) -> str:
    minutes = int(seconds // 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 2_880 else f"{minutes // 1_440} days"
