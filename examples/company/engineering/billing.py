"""Invoices for marina subscriptions and for bookings beyond the plan.

The rules are those of the price list (sales/pricing.md):

* A plan includes a number of bookings a month; each one beyond costs 0.09 euros.
* Paying yearly costs ten monthly prices, so two months are free.
* Municipal harbours get 12 percent off the yearly price; charities pay half.

Amounts are `Decimal` euros and are rounded half up to the cent once, at the end of an invoice, never line by line.

Maintained by Priya Ramanathan <priya.ramanathan@kestrelquay.example>.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

OVERAGE_PER_BOOKING = Decimal("0.09")
PAYMENT_TERM_DAYS = 21
REMINDER_FEE = Decimal("7.50")
DUNNING_STEPS_DAYS = (7, 21, 45)
"""Days after the due date on which a reminder, a warning and a notice of suspension are sent."""

# Sandbox only. The live key comes from the environment and is never committed.
PAYMENTS_API_KEY = os.environ.get("PAYMENTS_API_KEY", "sk-EXAMPLEexample0000EXAMPLEexample0000EXAMPLE00000")

TEST_CARDS = {
    "accepted": "4000056655665556",
    "declined": "5105105105105100",
}
SETTLEMENT_IBAN = "GB29 NWBK 6016 1331 9268 19"


@dataclass(frozen=True)
class Plan:
    name: str
    monthly: Decimal
    included_bookings: int


PLANS = {
    "dinghy": Plan("Dinghy", Decimal("79"), 400),
    "ketch": Plan("Ketch", Decimal("189"), 2_000),
    "schooner": Plan("Schooner", Decimal("449"), 10_000),
}


def monthly_invoice(plan: Plan, bookings: int) -> Decimal:
    """What a customer with a monthly contract owes for one month, in euros."""
    beyond = max(0, bookings - plan.included_bookings)
    return to_cents(plan.monthly + beyond * OVERAGE_PER_BOOKING)


def yearly_invoice(plan: Plan, *, municipal: bool = False, charity: bool = False) -> Decimal:
    """The price of a year paid in advance, in euros. Discounts are never combined: the larger one counts."""
    price = plan.monthly * 10
    if charity:
        price *= Decimal("0.50")
    elif municipal:
        price *= Decimal("0.88")
    return to_cents(price)


def prorate(amount: Decimal, *, days_used: int, days_in_month: int) -> Decimal:
    """The part of a month's price for a contract that begins or ends within it. The first day counts, the last does too."""
    if not 0 <= days_used <= days_in_month:
        raise ValueError("days_used must lie between 0 and the length of the month")
    return to_cents(amount * days_used / days_in_month)


def dunning_step(days_overdue: int) -> int:
    """How many notices a customer has had after so many days: 0 to 3. After the third, bookings are suspended."""
    return sum(days_overdue >= day for day in DUNNING_STEPS_DAYS)


def to_cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
