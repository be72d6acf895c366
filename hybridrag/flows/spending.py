"""What requests cost, and a budget for a UTC day: set aside before a request leaves, settled after its reply."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import cached_property

from hybridrag.accounts import user_name
from hybridrag.errors import BudgetSpent, ConfigError, DatabaseError, HybridragError
from hybridrag.money import dollars
from hybridrag.providers.tokens import cost, most_tokens
from hybridrag.store import PostgresStore
from hybridrag.store.spending import Spender, SpendingRecords, Spent
from hybridrag.types import ChatModel, Destination, Usage


class Spending:
    """Counts what requests cost in the database, for everybody who uses it. `limit` is in US dollars a UTC day.

    Without a limit nothing is set aside, and a database that may not be written stops no request. Servers that are
    local cost nothing and are not counted, unless a price is set for them. `clock` tells the time with its zone, and
    `notify` shows a line where what a request cost could not be counted.
    """

    def __init__(
        self,
        store: PostgresStore,
        *,
        limit: float | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.limit = limit
        self._notify = notify
        self._store = store
        self._clock = clock

    def reserve(
        self, destination: Destination, *, model: ChatModel, prompt: Sequence[str], max_tokens: int
    ) -> Reservation:
        """Sets aside the most that a request may cost. `prompt` holds its messages as they will be sent.

        Raises BudgetSpent where that would exceed the limit together with what this day has spent, ConfigError where no
        price is known, and DatabaseError where it cannot be counted. Then nothing may be sent.
        """
        most = cost(most_tokens(prompt), max_tokens, destination=destination, price=model.price)
        now = self._clock()
        spender = Spender(now, user_name(), os.uname().nodename, destination.provider, destination.model)
        if destination.local and not most:
            return Reservation(None, spender, most=0.0)
        if self.limit is None:
            return Reservation(self._opened, spender, most=most, notify=self._notify)
        if most is None:
            raise _no_price(destination, self.limit)
        start, end = _day(now)
        try:
            kept = self._records.reserve(spender, most, limit=self.limit, start=start)
        except DatabaseError as exc:
            raise type(exc)(
                f"the budget cannot be kept: {exc.message}; nothing was sent",
                hint="max_cost_usd is counted in the database, which must be there and may be written by its role",
            ) from exc
        if isinstance(kept, Spent):
            raise _spent(kept, most, limit=self.limit, now=now, end=end)
        return Reservation(self._opened, spender, most=most, number=kept, notify=self._notify)

    def today(self) -> Spent:
        """What this UTC day has spent so far. Raises DatabaseError where that cannot be read."""
        return self._records.since(_day(self._clock())[0])

    def _opened(self) -> SpendingRecords:
        return self._records

    @cached_property
    def _records(self) -> SpendingRecords:
        return SpendingRecords(self._store.open())


class Reservation:
    """What is set aside for one request with all its attempts. It ends once: what comes after that changes nothing.

    No failure to record an end is raised, since the request was made: it is told, and what was set aside stays counted.
    """

    def __init__(
        self,
        opened: Callable[[], SpendingRecords] | None,
        spender: Spender,
        *,
        most: float | None,
        number: int | None = None,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._notify = notify
        self.most = most
        """US dollars; None where no price is known."""
        self._opened = opened
        self._spender = spender
        self._number = number

    def settle(self, usage: Usage | None) -> None:
        """Counts what a request cost: what its provider told, else the most that it may have."""
        told = usage is not None and usage.counted == "provider"
        self._end(usage, usage.cost_usd if usage is not None and told else self.most)

    def release(self) -> None:
        """Gives back what was set aside: the request cost nothing."""
        if self._number is None:
            self._opened = None
        self._end(None, 0.0)

    def failed(self, error: BaseException, *, replied: bool) -> None:
        """Ends it for a request that failed. `replied` says that some text came.

        A request that was refused, or met no answer, is not billed. One that was interrupted may be, and the rest of a
        reply that broke off too: they count with the most that they may have cost.
        """
        if isinstance(error, HybridragError) and not replied:
            self.release()
        else:
            self.settle(None)

    def _end(self, usage: Usage | None, money: float | None) -> None:
        opened, self._opened = self._opened, None
        if opened is None:
            return
        try:
            if self._number is None:
                opened().add(self._spender, usage, cost=money)
            else:
                assert money is not None  # nothing is set aside without a price
                opened().settle(self._number, usage, cost=money)
        except DatabaseError as exc:
            if self._number is not None:
                self._notify(
                    f"what this request cost could not be recorded ({exc.message}): all set aside stays counted"
                )


def _day(now: datetime) -> tuple[datetime, datetime]:
    """The UTC day of a moment: its beginning, and the next one's."""
    start = datetime.combine(now.astimezone(UTC).date(), time.min, UTC)
    return start, start + timedelta(days=1)


def _spent(spent: Spent, most: float, *, limit: float, now: datetime, end: datetime) -> BudgetSpent:
    aside = f", {dollars(spent.reserved)} of it set aside for requests without an end yet" if spent.reserved else ""
    minutes = math.ceil((end - now).total_seconds() / 60)
    return BudgetSpent(
        f"the budget of {dollars(limit)} a day (max_cost_usd) would be exceeded: {dollars(spent.total)} is spent"
        f"{aside}, and this request may cost up to {dollars(most)}; nothing was sent",
        hint=f"a new day begins at 00:00 UTC, in {minutes // 60} h {minutes % 60} min; or raise max_cost_usd in your "
        "own settings, or choose a cheaper model, a local server, or no provider",
    )


def _no_price(destination: Destination, limit: float) -> ConfigError:
    return ConfigError(
        f"a budget is set (max_cost_usd {limit:g}), and no price is known for {destination.model} at "
        f"{destination.provider}; nothing was sent",
        hint="set it in your own file (`hybridrag config path`), in US dollars for a million tokens: prompt_price and "
        f"completion_price under [providers.{destination.provider}]; or choose a model whose price is known "
        "(`hybridrag providers list`)",
    )
