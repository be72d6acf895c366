"""Ages and moments as people give them to an option: `30m`, `12h`, `7d`, `2w`, or a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hybridrag import periods
from hybridrag.errors import UsageError

_AGE = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def age(text: str, *, option: str) -> timedelta:
    """How long `7d`, `12h`, `30m` or `2w` is; `0` is none. Raises UsageError, naming the option, for anything else."""
    found = timedelta() if text.strip() == "0" else _age(text)
    if found is None:
        raise UsageError(f"{option} does not take {text!r}", hint="it takes 0, 30m, 12h, 7d, 2w")
    return found


def moment(text: str, *, option: str = "--since", now: datetime | None = None) -> datetime:
    """The moment that an age or a date (of UTC) means: so long before `now`, or its first moment.

    Raises UsageError, naming the option, for anything else.
    """
    ago = _age(text)
    try:
        return periods.period(text)[0] if ago is None else (now or datetime.now(UTC)) - ago
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} does not take {text!r}", hint=f"it takes 30m, 12h, 7d, 2w, or a date; {periods.FORMS}"
        ) from None


def _age(text: str) -> timedelta | None:
    found = _AGE.fullmatch(text.strip().lower())
    return None if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})
