"""A document's own date."""

from __future__ import annotations

from datetime import UTC, datetime


def read_date(written: object) -> datetime | None:
    """An ISO 8601 date or time as a time in UTC; without a zone it counts as UTC. None for anything else."""
    if not isinstance(written, str):
        return None
    try:
        return in_utc(datetime.fromisoformat(written.strip()))
    except (ValueError, OverflowError):
        return None


def in_utc(moment: datetime) -> datetime:
    """Raises OverflowError for a time that is none in UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
