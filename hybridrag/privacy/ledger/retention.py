"""Forgetting old entries: one signed line that says how many there were takes their place; the rest stays as it is."""

from __future__ import annotations

import fcntl
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from hybridrag.drafts import sync_folder
from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.ledger.chain import Record, forward, head_after, line_of, record_of, sealed
from hybridrag.privacy.ledger.journal import Held, Journal
from hybridrag.privacy.ledger.payloads import Payloads
from hybridrag.privacy.ledger.reading import UNFINISHED
from hybridrag.privacy.ledger.verification import examine
from hybridrag.privacy.regular import open_regular


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was removed: requests and lines of the ledger, and files of payloads."""

    requests: int
    lines: int
    payloads: int


@dataclass(frozen=True, slots=True)
class _Line:
    record: Record
    end: int


def due(held: Held, *, keep_days: int) -> bool:
    """Whether a pruning now could remove something, and none was done on this day (UTC) yet."""
    first = [record_of(line) for _, line in zip(range(2), forward(held.descriptor, held.end), strict=False)]
    records = [record for record in first if record is not None]
    if records and records[0]["kind"] == "checkpoint" and records.pop(0)["at"][:10] == held.at.date().isoformat():
        return False
    return bool(records) and records[0]["at"] < _cutoff(held, keep_days)


def prune(journal: Journal, payloads: Payloads, *, keep_days: int, rehearsal: bool = False) -> Pruned:
    """Removes the requests older than `keep_days` (at least 1) with their payloads; a `rehearsal` only counts them.

    The file is replaced whole or not at all. Raises BlockedByPolicy where the chain is not sound: then nothing is
    removed. Raises OSError where the file cannot be written.
    """
    if keep_days < 1:
        raise ValueError("entries of the last day bound what may leave and cannot be pruned")
    if not journal.path.exists():
        return Pruned(0, 0, 0)
    with journal.hold() as held:
        _refuse_broken(journal, held)
        old, intents = _removable(held, cutoff=_cutoff(held, keep_days))
        requests = sum(1 for line in old if line.record["kind"] == "intent")
        if old and not rehearsal:
            # The head record must not lag behind a checkpoint: what it named would be gone.
            journal.heads.write(held.head)
            _replace(journal, held, old)
        kept = intents - {line.record["entry"] for line in old}
        removed = 0 if rehearsal else payloads.drop_all_but(kept)
        return Pruned(requests, sum(line.record["kind"] != "checkpoint" for line in old), removed)


def _refuse_broken(journal: Journal, held: Held) -> None:
    found = examine(forward(held.descriptor, held.end), key=journal.key, recorded=journal.heads.read())
    if not found.ok:
        raise BlockedByPolicy(
            f"The ledger {journal.path} is broken, and nothing was pruned: {found.problems[0]}.",
            hint="`hybridrag ledger verify` tells all of it. What was changed is evidence: keep it.",
        )


def _removable(held: Held, *, cutoff: str) -> tuple[list[_Line], set[str]]:
    """The longest beginning older than `cutoff` that parts no intent from its outcome, and the ids of all intents."""
    lines = list(_lines(held))
    outcome = {line.record["entry"]: number for number, line in enumerate(lines) if line.record["kind"] == "outcome"}
    count = reach = 0
    for number, line in enumerate(lines):
        if line.record["at"] >= cutoff and line.record["kind"] != "checkpoint":
            break
        reach = max(reach, outcome.get(line.record["entry"], 0))
        if reach <= number:
            count = number + 1
    old = lines[:count]
    if all(line.record["kind"] == "checkpoint" for line in old):
        old = []
    return old, {line.record["entry"] for line in lines if line.record["kind"] == "intent"}


def _lines(held: Held) -> Iterator[_Line]:
    end = 0
    for line in forward(held.descriptor, held.end):
        end += len(line) + 1
        record = record_of(line)
        assert record is not None  # the chain was found sound
        yield _Line(record, end)


def _replace(journal: Journal, held: Held, old: list[_Line]) -> None:
    """Puts a file without the `old` lines, and with a checkpoint for them, in the ledger's place."""
    aside = journal.path.with_name(f".{journal.path.name}.new")
    aside.unlink(missing_ok=True)
    descriptor = open_regular(aside, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # whoever opens it under its new name waits
        checkpoint = sealed(_checkpoint(held, [line.record for line in old]), key=journal.key)
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(line_of(checkpoint) + b"\n")
            position = old[-1].end
            while position < held.end:
                block = os.pread(held.descriptor, min(1 << 20, held.end - position), position)
                if not block:
                    raise OSError(0, "it became shorter while it was read", str(journal.path))
                file.write(block)
                position += len(block)
            file.flush()
            os.fsync(descriptor)
        aside.replace(journal.path)
        sync_folder(journal.path.parent)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)


def _checkpoint(held: Held, old: list[Record]) -> Record:
    """The line for all that was ever removed: an earlier checkpoint's figures are taken over."""
    earlier = old[0] if old[0]["kind"] == "checkpoint" else None
    outcomes = Counter(earlier["outcomes"] if earlier else {})
    open_: dict[str, None] = {}
    payload_bytes = earlier["payload_bytes"] if earlier else 0
    for record in old:
        if record["kind"] == "intent":
            open_[record["entry"]] = None
            payload_bytes += record["payload_bytes"]
        elif record["kind"] == "outcome":
            open_.pop(record["entry"], None)
            outcomes[record["outcome"]] += 1
    outcomes[UNFINISHED] += len(open_)
    last = head_after(old[-1])
    return {
        "kind": "checkpoint",
        "entry": "",
        "at": held.at.isoformat(timespec="microseconds"),
        "seq": last.seq,
        "prev": last.mac,
        "first": 1,
        "count": last.seq,
        "since": earlier["since"] if earlier else old[0]["at"],
        "until": old[-1]["at"],
        "outcomes": dict(sorted((+outcomes).items())),
        "payload_bytes": payload_bytes,
    }


def _cutoff(held: Held, keep_days: int) -> str:
    try:
        return (held.at - timedelta(days=keep_days)).isoformat(timespec="microseconds")
    except OverflowError:  # before the calendar began
        return ""
