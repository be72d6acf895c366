"""Dates as people write them: a shorter one means its whole period."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

FORMS = "a date is 2025, 2025-01, 2025-01-31 or 2025-01-31T10:00+01:00"
_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
)
LAST = datetime.max.replace(tzinfo=UTC)
"""Where a period ends that reaches beyond the calendar."""


def period(text: str) -> tuple[datetime, datetime]:
    """The first moment of an ISO 8601 date or time and the first one after it, in UTC.

    Years, months and days are those of UTC; a time without a zone counts as UTC. A time without seconds is its minute,
    one with seconds that second. Raises ValueError for anything else, and for days that the calendar lacks.
    """
    written = text.strip().upper()
    if date := _DATE.fullmatch(written):
        year, month, day = (int(part) if part else None for part in date.groups())
        assert year is not None
        start = datetime(year, month or 1, day or 1, tzinfo=UTC)
        return start, _next(start, unit="day" if day else "month" if month else "year")
    moment = _MOMENT.fullmatch(written)
    if moment is None:
        raise ValueError(FORMS)
    start = datetime.fromisoformat(written)
    try:
        start = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
    except OverflowError as exc:
        raise ValueError(FORMS) from exc
    return start, _next(start, unit="microsecond" if moment[2] else "second" if moment[1] else "minute")


def is_calendar_date(text: str) -> bool:
    """Whether `text` has the form of a year, a month or a day."""
    return _DATE.fullmatch(text) is not None


def _next(start: datetime, *, unit: str) -> datetime:
    try:
        if unit == "year":
            return start.replace(year=start.year + 1)
        if unit == "month":
            return start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
        return start + timedelta(**{f"{unit}s": 1})
    except (ValueError, OverflowError):
        return LAST
