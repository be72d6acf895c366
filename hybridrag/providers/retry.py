"""When a request may be tried again, and how long to wait before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({408, 429, 500, 502, 503, 504, 529})
"""529 is how Anthropic says that it is overloaded."""
LONGEST_WAIT = 60.0
"""Seconds. A provider that asks for more patience than this is not waited for: the error says how long it asked for."""


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt that failed and will be repeated: `attempt` counts from 1, `wait` is in seconds."""

    attempt: int
    reason: str
    wait: float


def backoff(attempt: int, chance: float) -> float:
    """Seconds to wait after failed attempt `attempt` (from 1): exponential with full jitter, at most 20.

    `chance` is a random number in [0, 1). Full jitter: Brooker, "Exponential Backoff and Jitter", AWS Architecture
    Blog, 2015.
    """
    return chance * min(20.0, 2.0 ** (attempt - 1))


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for, never negative; None where it is missing or makes no sense.

    Both forms of RFC 9110, section 10.2.3: a number of seconds or a date. Fractions of a second are accepted.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    # A date without a zone is in GMT, the only zone that HTTP dates have.
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
