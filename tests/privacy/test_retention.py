"""Old entries go, and what stays can still be held against every head that was ever noted."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy, BudgetSpent
from hybridrag.privacy.ledger import FileLedger, entries, verify
from hybridrag.privacy.ledger.chain import Head
from hybridrag.privacy.ledger.journal import Journal
from hybridrag.privacy.ledger.payloads import Payloads
from hybridrag.privacy.ledger.retention import Pruned, prune
from hybridrag.types import Destination, Limits

KEY = bytes(range(32))
THERE = Destination(provider="p", url="https://p.example/v1", model="m", local=False)
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Days:
    """A ledger whose clock is moved by days. `heads` are those after each request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.now = START
        self.heads: list[Head] = []

    def ledger(self, *, retention_days: int = 0) -> FileLedger:
        return FileLedger(self.path, key=KEY, keep_payload=True, retention_days=retention_days, clock=lambda: self.now)

    def send(self, outcome: str | None = "sent") -> str:
        entry = self.ledger().intent(THERE, b"body", {})
        if outcome is not None:
            self.ledger().outcome(entry, outcome, {})
        self.heads.append(self.verified())
        return entry

    def verified(self) -> Head:
        found = verify(self.path, key=KEY)
        assert found.ok, found.problems
        return found.head

    def prune(self, keep_days: int, *, rehearsal: bool = False) -> Pruned:
        journal = Journal(self.path, key=KEY, clock=lambda: self.now)
        return prune(journal, Payloads(self.path, key=KEY), keep_days=keep_days, rehearsal=rehearsal)

    def payloads(self) -> set[str]:
        return {file.stem for file in self.path.with_name("payloads").glob("*.bin")}


@pytest.fixture
def days(tmp_path: Path) -> Days:
    """Ten requests, one a day; it is an hour after the last."""
    days = Days(tmp_path / "ledger.jsonl")
    for number in range(10):
        days.now = START + timedelta(days=number)
        days.send({3: "failed", 4: "blocked", 5: None}.get(number, "sent"))
    days.now += timedelta(hours=1)
    return days


def test_old_requests_give_way_to_a_checkpoint(days: Days) -> None:
    before = list(entries(days.path))
    assert days.prune(4) == Pruned(requests=6, lines=11, payloads=5)  # that of the blocked one was not kept
    checkpoint, *rest = entries(days.path)
    assert rest == before[11:]
    assert checkpoint["kind"] == "checkpoint"
    assert (checkpoint["first"], checkpoint["count"], checkpoint["seq"]) == (1, 11, 11)
    assert checkpoint["outcomes"] == {"blocked": 1, "failed": 1, "sent": 3, "unfinished": 1}
    assert checkpoint["payload_bytes"] == 24
    assert (checkpoint["since"], checkpoint["until"]) == (before[0]["at"], before[10]["at"])
    assert days.verified() == days.heads[-1]
    assert days.payloads() == {record["entry"] for record in rest}


def test_anchors_hold_from_the_checkpoint_on_and_older_ones_are_told(days: Days) -> None:
    days.prune(4)
    found = verify(days.path, key=KEY, anchors=days.heads)
    assert found.ok
    assert found.before == tuple(days.heads[:5])
    wrong = Head(days.heads[5].seq, "0" * 64)
    assert not verify(days.path, key=KEY, anchors=[wrong]).ok


def test_the_chain_goes_on_and_is_pruned_again(days: Days) -> None:
    days.prune(4)
    days.now += timedelta(days=5)
    days.send()
    assert days.prune(3).requests == 4
    checkpoint, *rest = entries(days.path)
    assert len(rest) == 2
    assert (checkpoint["count"], checkpoint["seq"], checkpoint["since"]) == (19, 19, "2026-03-01T12:00:00.000000+00:00")
    assert sum(checkpoint["outcomes"].values()) == 10
    assert verify(days.path, key=KEY, anchors=days.heads[9:]).ok


def test_everything_may_go(days: Days) -> None:
    days.now += timedelta(days=30)
    assert days.prune(1).requests == 10
    assert len(list(entries(days.path))) == 1
    assert days.verified() == days.heads[-1]
    assert days.payloads() == set()
    assert days.prune(1) == Pruned(0, 0, 0)
    days.send()
    assert days.heads[-1].seq == days.heads[-2].seq + 2


def test_the_checkpoint_is_sealed_and_can_stand_nowhere_else(days: Days) -> None:
    days.prune(4)
    lines = days.path.read_bytes().splitlines(keepends=True)
    checkpoint = json.loads(lines[0])
    for name, value in (("count", 9), ("seq", 10), ("prev", "0" * 64), ("outcomes", {})):
        forged = json.dumps({**checkpoint, name: value}, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        days.path.write_bytes(b"".join([forged, *lines[1:]]))
        assert not verify(days.path, key=KEY).ok, name
    for wrong in (lines[1:], [lines[0], *lines[2:]], [lines[1], lines[0], *lines[2:]], [lines[0], *lines], [lines[0]]):
        days.path.write_bytes(b"".join(wrong))
        assert not verify(days.path, key=KEY).ok


def test_a_request_is_not_parted_from_its_outcome(days: Days) -> None:
    slow = days.send(outcome=None)
    days.now += timedelta(days=2)
    quick = days.send()
    days.ledger().outcome(slow, "sent", {})
    days.now += timedelta(days=1, hours=1)
    days.prune(2)
    assert [record["entry"] for record in entries(days.path)][1:] == [slow, quick, quick, slow]
    days.verified()


def test_a_rehearsal_changes_nothing(days: Days) -> None:
    before = days.path.read_bytes(), days.payloads()
    assert days.prune(4, rehearsal=True).requests == 6
    assert (days.path.read_bytes(), days.payloads()) == before


def test_a_broken_ledger_is_not_pruned(days: Days) -> None:
    content = days.path.read_bytes().replace(b'"failed"', b'"passed"')
    days.path.write_bytes(content)
    with pytest.raises(BlockedByPolicy, match="nothing was pruned"):
        days.prune(4)
    assert days.path.read_bytes() == content


def test_the_last_day_cannot_be_pruned(days: Days) -> None:
    with pytest.raises(ValueError, match="last day"):
        days.prune(0)


def test_what_a_crash_left_aside_does_not_matter(days: Days) -> None:
    for aside in (".ledger.jsonl.new", ".ledger.head.new"):
        (days.path.parent / aside).write_bytes(b"left over")
    (days.path.parent / "payloads" / ("0" * 32 + ".bin")).write_bytes(b"of no entry")
    days.prune(4)
    days.send()
    assert [file.name for file in days.path.parent.glob(".*")] == []
    assert "0" * 32 not in days.payloads()


def test_retention_prunes_by_itself_once_a_day(days: Days) -> None:
    def requests() -> int:
        return sum(record["kind"] == "intent" for record in entries(days.path))

    ledger = days.ledger(retention_days=4)
    ledger.outcome(ledger.intent(THERE, b"", {}), "sent", {})
    assert requests() == 5
    days.now += timedelta(hours=2)
    ledger.outcome(ledger.intent(THERE, b"", {}), "sent", {})
    assert requests() == 6
    days.now += timedelta(days=1)
    ledger.outcome(ledger.intent(THERE, b"", {}), "sent", {})
    assert requests() == 6
    days.verified()


def test_more_days_than_the_calendar_has_keep_everything(days: Days) -> None:
    assert days.prune(10**9 - 1) == Pruned(0, 0, 0)


def test_without_retention_everything_stays(days: Days) -> None:
    days.now += timedelta(days=10_000)
    days.send()
    assert sum(record["kind"] == "intent" for record in entries(days.path)) == 11


def test_budgets_go_on_over_a_pruning(days: Days) -> None:
    def spend(body: bytes) -> None:
        days.ledger().intent(THERE, body, {"shares": {"a": 60}}, Limits(day=100))

    spend(b"1")
    days.prune(1)
    with pytest.raises(BudgetSpent):
        spend(b"2")
