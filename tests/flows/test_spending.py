"""A budget that no number of processes exceeds, counted in a real PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from hybridrag.errors import BudgetSpent, ConfigError, DatabaseError, ProviderError, ProviderUnavailable
from hybridrag.flows.spending import Reservation, Spending
from hybridrag.money import dollars
from hybridrag.providers.tokens import most_tokens
from hybridrag.store import PostgresStore
from hybridrag.types import ChatModel, Destination, Price, Usage

REMOTE = Destination(provider="p", url="https://p.example/v1/chat/completions", model="m", local=False)
LOCAL = Destination(provider="own", url="http://127.0.0.1:1/v1/chat/completions", model="m", local=True)
PRICED = ChatModel(price=Price(prompt=0.0, completion=100.0))
"""A thousand tokens of a reply cost ten cents, and the prompt nothing."""
TOLD = Usage(10, 500, counted="provider", cost_usd=0.05)
COUNTED = Usage(10, 500, counted="tokenizer", cost_usd=0.05)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 3, 5, 23, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    store = PostgresStore(database_url)
    yield store
    store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def spending(store: PostgresStore, clock: Clock) -> Callable[[float | None], Spending]:
    return lambda limit: Spending(store, limit=limit, clock=clock)


def dime(spending: Spending, destination: Destination = REMOTE, model: ChatModel = PRICED) -> Reservation:
    """A request that may cost ten cents."""
    return spending.reserve(destination, model=model, prompt=["q"], max_tokens=1_000)


def test_what_is_set_aside_is_the_most_that_a_request_may_cost(spending: Callable[[float | None], Spending]) -> None:
    prompt, model = ["Who?", "né"], ChatModel(price=Price(prompt=3.0, completion=15.0))
    set_aside = spending(1.0).reserve(REMOTE, model=model, prompt=prompt, max_tokens=2_000)
    most = (most_tokens(prompt) * 3 + 2_000 * 15) / 1_000_000
    assert set_aside.most == pytest.approx(most)
    today = spending(1.0).today()
    assert today.total == today.reserved == pytest.approx(most)
    assert (today.requests, today.unpriced) == (1, 0)


def test_a_budget_holds_exactly(spending: Callable[[float | None], Spending]) -> None:
    for _ in range(3):
        dime(spending(0.3)).settle(Usage(1, 1_000, counted="provider", cost_usd=0.1))
    with pytest.raises(BudgetSpent) as refused:
        dime(spending(0.3))
    assert refused.value.exit_code == 9
    assert refused.value.message == (
        "the budget of $0.30 a day (max_cost_usd) would be exceeded: $0.30 is spent, and this request may cost up to "
        "$0.10; nothing was sent"
    )
    assert refused.value.hint.startswith("a new day begins at 00:00 UTC, in 0 h 30 min; or raise max_cost_usd")
    assert spending(0.3).today().requests == 3  # a refusal is no request


def test_what_is_set_aside_counts_until_it_is_settled(spending: Callable[[float | None], Spending]) -> None:
    under_way = dime(spending(0.15))
    with pytest.raises(BudgetSpent, match=r"\$0\.10 is spent, \$0\.10 of it set aside for requests without an end yet"):
        dime(spending(0.15))
    under_way.settle(TOLD)
    assert spending(0.15).today().total == pytest.approx(0.05)
    dime(spending(0.15))


def test_only_what_the_provider_tells_costs_less_than_was_set_aside(
    spending: Callable[[float | None], Spending],
) -> None:
    """A reply that we counted may have had reasoning before it that nobody saw, and that is billed."""
    for usage, cost in ((TOLD, 0.05), (COUNTED, 0.1), (None, 0.1)):
        before = spending(9.0).today().total
        dime(spending(9.0)).settle(usage)
        assert spending(9.0).today().total == pytest.approx(before + cost)


def test_a_reservation_ends_once(spending: Callable[[float | None], Spending]) -> None:
    reservation = dime(spending(1.0))
    reservation.settle(TOLD)
    reservation.release()
    reservation.failed(ProviderError("late"), replied=True)
    assert spending(1.0).today().total == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("error", "replied", "cost"),
    [
        (ProviderUnavailable("HTTP 503"), False, 0.0),
        (ProviderUnavailable("stopped mid-stream"), True, 0.1),
        (ProviderError("an error in the answer"), True, 0.1),
        (KeyboardInterrupt(), False, 0.1),
        (KeyboardInterrupt(), True, 0.1),
        (BrokenPipeError(), True, 0.1),
    ],
)
@pytest.mark.parametrize("limit", [1.0, None])
def test_a_failure_costs_nothing_only_where_no_answer_came(
    spending: Callable[[float | None], Spending],
    error: BaseException,
    replied: bool,
    cost: float,
    limit: float | None,
) -> None:
    dime(spending(limit)).failed(error, replied=replied)
    assert spending(limit).today().total == pytest.approx(cost)


def test_a_new_day_begins_at_midnight_utc_wherever_the_user_is(
    spending: Callable[[float | None], Spending], clock: Clock
) -> None:
    dime(spending(0.1)).settle(None)
    with pytest.raises(BudgetSpent):
        dime(spending(0.1))
    clock.now += timedelta(minutes=29, seconds=59)
    with pytest.raises(BudgetSpent, match="exceeded") as refused:
        dime(spending(0.1))
    assert "in 0 h 1 min" in refused.value.hint
    clock.now += timedelta(seconds=1)
    assert spending(0.1).today().total == 0
    dime(spending(0.1))


def test_a_clock_set_back_brings_no_second_budget(spending: Callable[[float | None], Spending], clock: Clock) -> None:
    for _ in range(3):
        dime(spending(0.3)).settle(COUNTED)
    clock.now -= timedelta(days=1)
    assert spending(0.3).today().requests == 3
    with pytest.raises(BudgetSpent):
        dime(spending(0.3))


def test_a_local_server_costs_nothing_and_needs_no_database() -> None:
    spending = Spending(PostgresStore("postgresql://nobody@127.0.0.1:1/none"), limit=0.01)
    reservation = spending.reserve(LOCAL, model=ChatModel(), prompt=["q" * 10_000], max_tokens=100_000)
    assert reservation.most == 0.0
    reservation.settle(None)


def test_a_local_server_with_a_price_is_under_the_budget(spending: Callable[[float | None], Spending]) -> None:
    dime(spending(0.15), LOCAL)
    with pytest.raises(BudgetSpent):
        dime(spending(0.15), LOCAL)


def test_a_budget_needs_a_price(spending: Callable[[float | None], Spending]) -> None:
    with pytest.raises(ConfigError, match="no price is known for m at p; nothing was sent"):
        dime(spending(1.0), model=ChatModel(context=1_000))
    reservation = dime(spending(None), model=ChatModel())
    assert reservation.most is None
    reservation.settle(Usage(1, 2, counted="provider", cost_usd=None))
    today = spending(None).today()
    assert (today.total, today.requests, today.unpriced) == (0.0, 1, 1)


def test_a_row_holds_no_text(store: PostgresStore, spending: Callable[[float | None], Spending]) -> None:
    spending(1.0).reserve(REMOTE, model=PRICED, prompt=["what is SECRET?"], max_tokens=9).settle(TOLD)
    with psycopg.connect(store.url) as connection:
        (row,) = connection.execute("select * from hybridrag.spending").fetchall()
    assert "SECRET" not in str(row)
    assert row[4:9] == ("p", "m", 10, 500, "provider")


# --- many at once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("isolation", ["read committed", "repeatable read", "serializable"])
def test_many_at_once_never_exceed_the_budget(store: PostgresStore, isolation: str) -> None:
    """Eight at once ask for forty dimes of a dollar; the database's own default isolation does not matter."""
    name = urlsplit(store.url).path[1:]
    with psycopg.connect(store.url, autocommit=True) as connection:
        statement = sql.SQL("alter database {} set default_transaction_isolation = {}")
        connection.execute(statement.format(sql.Identifier(name), sql.Literal(isolation)))

    def asked(_: int) -> bool:
        try:
            dime(Spending(store, limit=1.0))
        except BudgetSpent:
            return False
        return True

    store.open()
    with ThreadPoolExecutor(8) as pool:
        granted = sum(pool.map(asked, range(40)))
    assert granted == 10
    assert Spending(store, limit=1.0).today().total == pytest.approx(1.0)


_PROCESS = """
import sys, time
from hybridrag.errors import BudgetSpent
from hybridrag.flows.spending import Spending
from hybridrag.store import PostgresStore
from hybridrag.types import ChatModel, Destination, Price
where = Destination(provider="p", url="https://p.example/v1", model="m", local=False)
spending = Spending(PostgresStore(sys.argv[1]), limit=1.0)
try:
    for _ in range(11):  # one more than there is: whoever is fast is refused too
        spending.reserve(where, model=ChatModel(price=Price(0.0, 100.0)), prompt=["q"], max_tokens=1_000)
        print("granted", flush=True)
except BudgetSpent:
    print("refused", flush=True)
sys.stdin.read()
"""


def test_processes_share_a_budget_and_what_a_killed_one_set_aside_stays_counted(database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, database_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = []
    for process in processes:
        assert process.stdout is not None
        while (line := process.stdout.readline()) == "granted\n":
            said.append(line)
        assert line == "refused\n"
    for process in processes:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert len(said) == 10
    store = PostgresStore(database_url)
    with pytest.raises(BudgetSpent):
        dime(Spending(store, limit=1.0))
    store.close()


# --- a database that may not be written ------------------------------------------------------------------------------


@pytest.fixture
def reader(store: PostgresStore, tmp_path: Path) -> Iterator[PostgresStore]:
    """A store whose role may read everything and write nothing."""
    role = f"reader_{tmp_path.name}_{os.getpid()}"[:60].lower().replace("-", "_")
    store.open()
    with psycopg.connect(store.url, autocommit=True) as admin:
        name = sql.Identifier(role)
        admin.execute(sql.SQL("create role {} login password 'r'").format(name))
        admin.execute(sql.SQL("grant usage on schema hybridrag to {}").format(name))
        admin.execute(sql.SQL("grant select on all tables in schema hybridrag to {}").format(name))
        parts = urlsplit(store.url)
        host = parts.netloc.rpartition("@")[2]
        limited = PostgresStore(urlunsplit(parts._replace(netloc=f"{role}:r@{host}")))
        yield limited
        limited.close()
        admin.execute(sql.SQL("drop owned by {}").format(name))
        admin.execute(sql.SQL("drop role {}").format(name))


def test_a_role_that_may_not_write_can_ask_without_a_budget_only(reader: PostgresStore, clock: Clock) -> None:
    dime(Spending(reader, limit=None, clock=clock)).settle(TOLD)
    assert Spending(reader, limit=None, clock=clock).today().requests == 0
    with pytest.raises(DatabaseError, match=r"the budget cannot be kept: .*; nothing was sent") as refused:
        dime(Spending(reader, limit=1.0, clock=clock))
    assert refused.value.exit_code == 4


def test_a_database_that_is_gone_refuses_before_and_is_borne_after(store: PostgresStore, clock: Clock) -> None:
    gone = Spending(PostgresStore("postgresql://nobody@127.0.0.1:1/none"), limit=1.0, clock=clock)
    with pytest.raises(DatabaseError, match="nothing was sent") as refused:
        dime(gone)
    assert refused.value.retryable
    reservation = dime(Spending(store, limit=1.0, clock=clock))
    with psycopg.connect(store.url, autocommit=True) as admin:
        admin.execute("drop table hybridrag.spending")
    reservation.settle(TOLD)  # the answer is there, and is shown


@pytest.mark.parametrize(
    ("amount", "text"), [(0, "$0"), (0.0031, "$0.0031"), (0.123, "$0.12"), (1, "$1.00"), (1234.5, "$1,234.50")]
)
def test_dollars_for_people(amount: float, text: str) -> None:
    assert dollars(amount) == text
