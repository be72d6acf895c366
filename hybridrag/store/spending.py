"""What requests cost, a row each, and a budget that all processes together keep."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hybridrag.store.connection import transaction_on
from hybridrag.store.queries import statement
from hybridrag.types import Usage

if TYPE_CHECKING:
    from hybridrag.store.connection import Connection

_DIGITS = 12
"""Decimals of a dollar: below them a sum differs from its parts by how floating-point numbers are kept."""


@dataclass(frozen=True, slots=True)
class Spent:
    """US dollars of a span of time. `reserved` is the part of `total` that is only set aside, for requests under way
    and for those whose process was killed; `unpriced` requests have no known price and are not in it."""

    total: float
    reserved: float
    requests: int
    unpriced: int


@dataclass(frozen=True, slots=True)
class Spender:
    """Who sends a request, when, and to whom."""

    at: datetime
    os_user: str
    host: str
    provider: str
    model: str


class SpendingRecords:
    """Each call has a connection of its own, so that any thread may make it.

    The database is one that a store has opened before, and so brought up to date.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def reserve(self, spender: Spender, cost: float, *, limit: float, start: datetime) -> int | Spent:
        """Sets `cost` US dollars aside and returns the row's number; where that would exceed `limit` since `start`,
        what is spent since then, with nothing set aside."""
        with transaction_on(self._url) as tx:
            tx.execute(statement("lock_spending"))
            spent = _spent(tx, start)
            if round(spent.total + cost, _DIGITS) > limit:
                return spent
            return _inserted(tx, spender, None, reserved=cost, cost=None)

    def settle(self, number: int, usage: Usage | None, *, cost: float) -> None:
        """What a request cost in the end; `usage` is None where its tokens are not known."""
        with transaction_on(self._url) as tx:
            tx.execute(statement("settle_spending"), {"id": number, **_tokens(usage), "cost_usd": cost})

    def add(self, spender: Spender, usage: Usage | None, *, cost: float | None) -> None:
        """A request for which nothing was set aside. `cost` is None where no price is known."""
        with transaction_on(self._url) as tx:
            _inserted(tx, spender, usage, reserved=None, cost=cost)

    def since(self, start: datetime) -> Spent:
        """What everybody who uses this database spent from `start` on."""
        with transaction_on(self._url, read_only=True) as tx:
            return _spent(tx, start)


def _spent(tx: Connection, start: datetime) -> Spent:
    row = tx.execute(statement("sum_spending"), {"start": start}).fetchone()
    assert row is not None  # a sum always is one row
    return Spent(float(row["total"]), float(row["reserved"]), int(row["requests"]), int(row["unpriced"]))


def _inserted(
    tx: Connection, spender: Spender, usage: Usage | None, *, reserved: float | None, cost: float | None
) -> int:
    values = {**asdict(spender), **_tokens(usage), "reserved_usd": reserved, "cost_usd": cost}
    row = tx.execute(statement("insert_spending"), values).fetchone()
    assert row is not None  # the statement always returns one
    return int(row["id"])


def _tokens(usage: Usage | None) -> dict[str, Any]:
    return {
        "prompt_tokens": usage.prompt_tokens if usage else None,
        "completion_tokens": usage.completion_tokens if usage else None,
        "counted": usage.counted if usage else None,
    }
