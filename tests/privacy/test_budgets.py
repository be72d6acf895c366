"""What may leave in a day is counted from the ledger: exactly, by all processes together, from true copies only."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hybridrag.errors import BlockedByPolicy, BudgetSpent
from hybridrag.privacy.ledger import FileLedger, entries, verify
from hybridrag.privacy.ledger.budgets import Budgets, Tally
from hybridrag.privacy.ledger.journal import Journal
from hybridrag.types import Destination, Limits

KEY = bytes(range(32))
THERE = Destination(provider="p", url="https://p.example/v1", model="m", local=False)
NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
A, B = "a" * 32, "b" * 32


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def send(path: Path, clock: Clock) -> Callable[..., str]:
    """Records a request and, unless it is None, its outcome; returns the entry."""
    ledger = FileLedger(path, key=KEY, clock=clock)

    def sent(body: bytes, shares: dict[str, int], limits: Limits, outcome: str | None = "sent") -> str:
        entry = ledger.intent(THERE, body, {"shares": shares}, limits)
        if outcome is not None:
            ledger.outcome(entry, outcome, {})
        return entry

    return sent


def counted(path: Path, clock: Clock) -> Tally:
    with Journal(path, key=KEY, clock=clock).hold() as held:
        return Budgets(path.with_suffix(".tally"), key=KEY).tally(held)


def recounted(path: Path, day: str) -> dict[str, int]:
    """The same from all lines, by the rule as the documentation tells it."""
    lines = list(entries(path))
    blocked = {line["entry"] for line in lines if line.get("outcome") == "blocked"}
    requests = {
        line["payload_sha256"] + json.dumps(line["shares"], sort_keys=True): line["shares"]
        for line in lines
        if line["kind"] == "intent" and line["entry"] not in blocked and line["at"].startswith(day)
    }
    total: Counter[str] = Counter()
    for shares in requests.values():
        total.update(shares)
    return {document: count for document, count in total.items() if count}


def test_a_day_holds_so_much_and_no_more(path: Path, send: Callable[..., str]) -> None:
    limits = Limits(day=1_000)
    send(b"1", {A: 400, B: 300}, limits)
    send(b"2", {A: 300}, limits)
    with pytest.raises(BudgetSpent) as caught:
        send(b"3", {A: 1}, limits)
    assert caught.value.exit_code == 9
    assert "of 1,000 characters 1,000 have left today, and this request holds 1" in caught.value.message
    assert "2026-03-06 00:00 UTC, in 12 h 0 min" in caught.value.hint
    assert verify(path, key=KEY).ok


def test_a_document_has_a_budget_of_its_own(send: Callable[..., str]) -> None:
    limits = Limits(documents={A: 500, B: None}, names={A: "handbook/travel.md"})
    send(b"1", {A: 500, B: 9_000}, limits)
    send(b"2", {B: 9_000}, limits)
    with pytest.raises(BudgetSpent, match=r"handbook/travel\.md"):
        send(b"3", {A: 1}, limits)


def test_what_was_refused_is_recorded_as_blocked_and_does_not_count(
    path: Path, clock: Clock, send: Callable[..., str]
) -> None:
    for _ in range(3):
        with pytest.raises(BudgetSpent):
            send(b"big", {A: 101}, Limits(day=100))
    *_, intent, outcome = entries(path)
    assert (intent["kind"], outcome["outcome"], outcome["rule"]) == ("intent", "blocked", "budget")
    assert intent["entry"] == outcome["entry"]
    assert counted(path, clock).total == 0
    send(b"small", {A: 100}, Limits(day=100))


@pytest.mark.parametrize(("outcome", "counts"), [("sent", 1), ("failed", 1), ("retried", 1), (None, 1), ("blocked", 0)])
def test_what_may_have_left_counts(
    path: Path, clock: Clock, send: Callable[..., str], outcome: str | None, counts: int
) -> None:
    send(b"1", {A: 70}, Limits(day=100), outcome)
    assert counted(path, clock).documents.get(A, 0) == 70 * counts


def test_the_same_request_again_counts_once(path: Path, clock: Clock, send: Callable[..., str]) -> None:
    limits = Limits(day=100, documents={A: 100})
    for outcome in ("retried", "retried", "sent", None):
        send(b"the same", {A: 100}, limits, outcome)
    assert counted(path, clock).total == 100
    with pytest.raises(BudgetSpent):
        send(b"another", {A: 100}, limits)


def test_an_attempt_that_was_blocked_does_not_hide_the_next(path: Path, clock: Clock, send: Callable[..., str]) -> None:
    send(b"the same", {A: 60}, Limits(day=100), "blocked")
    send(b"the same", {A: 60}, Limits(day=100), "sent")
    assert counted(path, clock).total == 60
    with pytest.raises(BudgetSpent):
        send(b"another", {A: 60}, Limits(day=100))


def test_what_stays_on_this_machine_does_not_count(path: Path, clock: Clock, send: Callable[..., str]) -> None:
    here = Destination("ollama", "http://127.0.0.1:11434/v1", "m", local=True)
    FileLedger(path, key=KEY, clock=clock).intent(here, b"1", {"shares": {A: 90}})
    send(b"2", {A: 100}, Limits(day=100))
    assert counted(path, clock).total == 100


def test_the_next_day_begins_anew_in_utc(clock: Clock, send: Callable[..., str]) -> None:
    limits = Limits(day=100)
    clock.now = datetime(2026, 3, 5, 23, 59, 59, tzinfo=UTC)
    send(b"1", {A: 100}, limits)
    with pytest.raises(BudgetSpent):
        send(b"2", {A: 100}, limits)
    clock.now += timedelta(seconds=1)
    send(b"2", {A: 100}, limits)


def test_a_clock_set_back_a_little_does_not_renew_a_budget(clock: Clock, send: Callable[..., str]) -> None:
    clock.now = datetime(2026, 3, 6, 0, 1, tzinfo=UTC)
    send(b"1", {A: 100}, Limits(day=100))
    clock.now -= timedelta(minutes=2)
    with pytest.raises(BudgetSpent):
        send(b"2", {A: 1}, Limits(day=100))


def test_without_limits_and_without_shares_nothing_is_bounded(send: Callable[..., str]) -> None:
    send(b"1", {A: 10**9}, Limits())
    send(b"2", {}, Limits(day=0, documents={A: 0}))


def test_a_budget_that_was_lowered_lets_pass_what_holds_nothing(send: Callable[..., str]) -> None:
    send(b"1", {A: 90}, Limits(day=100))
    send(b"2", {A: 0}, Limits(day=50, documents={A: 50}))


@pytest.mark.parametrize("shares", [{A: -1}, {A: 1.5}, {A: "1"}, {A: True}, [1], "x"])
def test_shares_that_are_none_block(path: Path, shares: object) -> None:
    with pytest.raises(BlockedByPolicy):
        FileLedger(path, key=KEY).intent(THERE, b"", {"shares": shares}, Limits(day=100))
    assert list(entries(path)) == []


# --- the kept tally --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_the_tally_is_what_the_lines_say(path: Path, clock: Clock, send: Callable[..., str], seed: int) -> None:
    """Also where it was kept in between, and over midnight."""
    rng, limits = random.Random(seed), Limits(day=10**9)
    clock.now = datetime(2026, 3, 5, 23, 50, tzinfo=UTC)
    for number in range(150):
        clock.now += timedelta(seconds=rng.choice([0, 5, 20]))
        shares = {document: rng.randrange(50) for document in (A, B, "c" * 32) if rng.random() < 0.7}
        body = b"%d" % rng.randrange(number // 2 + 1)
        send(body, shares, limits, rng.choice(["sent", "sent", "failed", "retried", "blocked", None]))
        if number % 10 == 0:
            tally = counted(path, clock)
            expected = recounted(path, clock.now.date().isoformat())
            assert {name: count for name, count in tally.documents.items() if count} == expected
            assert tally.total == sum(expected.values())
    assert path.with_suffix(".tally").exists()
    assert clock.now.date().day == 6


@pytest.fixture
def kept(path: Path, clock: Clock, send: Callable[..., str]) -> bytes:
    """A ledger with 70 characters in the kept tally and 80 in all; the tally's content."""
    for number in range(7):
        send(b"%d" % number, {A: 10}, Limits())
    for number in range(60):  # lines enough for it to be kept
        send(b"nothing %d" % number, {}, Limits())
    assert counted(path, clock).total == 70
    send(b"7", {A: 10}, Limits())
    return path.with_suffix(".tally").read_bytes()


def test_a_changed_tally_is_not_used(path: Path, clock: Clock, kept: bytes) -> None:
    for wrong in (kept.replace(b"70", b"10"), b"", b"[]\n", kept[:-1], kept[:50], b"\n" + kept, b"\0" * 500):
        assert wrong != kept
        path.with_suffix(".tally").write_bytes(wrong)
        assert counted(path, clock).total == 80


def test_a_tally_that_is_no_file_blocks(path: Path, send: Callable[..., str]) -> None:
    path.with_suffix(".tally").mkdir()
    with pytest.raises(BlockedByPolicy, match=r"ledger\.tally"):
        send(b"1", {A: 10}, Limits(day=100))
    assert list(entries(path)) == []


def test_a_tally_of_another_chain_is_not_used(path: Path, clock: Clock, kept: bytes, tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    FileLedger(other, key=KEY, clock=clock).intent(THERE, b"", {"shares": {A: 5}})
    other.with_suffix(".tally").write_bytes(kept)
    assert counted(other, clock).total == 5


def test_an_old_tally_is_brought_up_to_date(path: Path, clock: Clock, kept: bytes, send: Callable[..., str]) -> None:
    for number in range(100, 180):
        send(b"%d" % number, {A: 1}, Limits(day=10**9))
    assert path.with_suffix(".tally").read_bytes() != kept
    path.with_suffix(".tally").write_bytes(kept)
    assert counted(path, clock).total == 160


def test_a_changed_line_of_the_day_blocks(path: Path, clock: Clock, kept: bytes, send: Callable[..., str]) -> None:
    path.with_suffix(".tally").unlink()
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0].replace(b":10}", b":01}"), *lines[1:]]))
    with pytest.raises(BlockedByPolicy, match="broken"):
        send(b"8", {A: 10}, Limits(day=100))


# --- together --------------------------------------------------------------------------------------------------------


def test_eight_processes_together_never_spend_more(path: Path) -> None:
    program = """
import sys
from pathlib import Path
from hybridrag.errors import BudgetSpent
from hybridrag.privacy.ledger import FileLedger
from hybridrag.types import Destination, Limits
ledger, spent = FileLedger(Path(sys.argv[1]), key=bytes(range(32))), 0
for number in range(8):
    try:
        body = f"{sys.argv[2]} {number}".encode()
        facts = {"shares": {"a" * 32: 60, "b" * 32: 40}}
        limits = Limits(day=2_050, documents={"a" * 32: 1_100})
        entry = ledger.intent(Destination("p", "https://p.example", "m", False), body, facts, limits)
        ledger.outcome(entry, "sent", {})
        spent += 1
    except BudgetSpent:
        pass
print(spent)
"""
    # The day may change while they run, and with it the budgets; they are counted by day below.
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(path), str(number)], stdout=subprocess.PIPE)
        for number in range(8)
    ]
    sent = [int(process.communicate()[0]) for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    days = {line["at"][:10] for line in entries(path)}
    spent = {day: recounted(path, day) for day in days}
    assert all(of_day[A] <= 1_100 and sum(of_day.values()) <= 2_050 for of_day in spent.values())
    if len(days) == 1:
        assert sum(sent) == 18  # 18 times 60 is 1,080
    assert verify(path, key=KEY).ok
