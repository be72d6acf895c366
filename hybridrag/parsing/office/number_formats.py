"""What a cell of a workbook shows, from the number that it holds and its number format (ECMA-376 part 1, 18.8.30).

Dates come as ISO 8601 whatever their format, because a built-in one looks different on every computer. Fractions and
conditions are not followed; such a number is shown as it is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00",
    14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm", 19: "h:mm:ss", 20: "h:mm", 21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm", 37: "#,##0", 38: "#,##0", 39: "#,##0.00", 40: "#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss",
    47: "mm:ss", 48: "0.0E+0",
}  # fmt: skip
"""The formats that files name by a number only."""


def shown(value: str, written: str, *, since_1904: bool = False) -> str:
    """The text that a cell shows for a number; `value` itself where it is no number or its format says nothing."""
    kind, decimals, grouped, before, after = _understood(written)
    if kind == "general" and len(value) < 15:
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if not abs(number) < 1e300:
        return value
    if kind == "date":
        return _moment(number, written, since_1904)
    sign = "-" if number < 0 else ""
    return f"{sign}{before}{_figure(abs(number), kind, decimals, grouped)}{after}"


def _figure(number: float, kind: str, decimals: int, grouped: bool) -> str:
    if kind == "percent":
        return f"{number * 100:.{decimals}f}%"
    if kind == "scientific":
        return f"{number:.{decimals}E}"
    if kind == "number":
        return f"{number:{',' if grouped else ''}.{decimals}f}"
    return f"{number:.15g}"


@lru_cache(maxsize=1000)
def _understood(written: str) -> tuple[str, int, bool, str, str]:
    """Kind of a format, its decimals, whether thousands are grouped, and what stands before and after the digits."""
    first = written.split(";", maxsplit=1)[0]
    currency = re.sub(r"\[\$([^\]-]*)[^\]]*\]", lambda found: f'"{found[1]}"', first)
    plain = _LITERAL.sub("", currency)
    if _DATE.search(re.sub(r"e[+-]", "", plain.lower()).replace("general", "")) or _ELAPSED.search(first):
        return "date", 0, False, "", ""
    digits = re.search(r"[#0?][#0?,]*(?:\.([0#?]*))?", plain)
    if digits is None or "/" in plain or "@" in plain:
        return "general", 0, False, "", ""
    decimals = min(len(digits[1] or ""), 30)
    if "%" in plain:
        return "percent", decimals, False, "", ""
    if re.search(r"E[+-]", plain, re.IGNORECASE):
        return "scientific", decimals, False, "", ""
    if digits[0].endswith(","):  # shown in thousands or millions: the number itself says more
        return "general", 0, False, "", ""
    place = re.search(r"[#0?]", _LITERAL.sub(lambda found: "\0" * len(found[0]), currency))
    start = place.start() if place else 0
    rest = re.sub(r"^[#0?,.]+", "", currency[start:])
    return "number", decimals, "," in digits[0], _spoken(currency[:start]), _spoken(rest)


def _spoken(literal: str) -> str:
    """The words in a part of a format: `" kg"` and `\\ €` are what they say, `_)` and `* ` are room."""
    bare = re.sub(r"[_*].|\[[^\]]*\]", "", literal)
    return re.sub(r'"([^"]*)"|\\(.)', lambda found: found[1] if found[1] is not None else found[2], bare).strip("()")


def _moment(number: float, written: str, since_1904: bool) -> str:
    """A serial number of days as a date, a time, both, or the hours that passed."""
    if _ELAPSED.search(written):
        seconds = round(abs(number) * 86400)
        text = f"{seconds // 3600}:{seconds // 60 % 60:02}"
        return ("-" if number < 0 else "") + text + (f":{seconds % 60:02}" if seconds % 60 else "")
    if not -657_434 <= number < 2_958_466:  # the years 100 to 9999: LibreOffice counts back, too
        return f"{number:.15g}"
    # Day 60 is the 29th of February 1900, which never was (ECMA-376 part 1, 18.17.4.1).
    epoch = (
        datetime(1904, 1, 1, tzinfo=UTC)
        if since_1904
        else datetime(1899, 12, 31 if 0 <= number < 60 else 30, tzinfo=UTC)
    )
    moment = epoch + timedelta(seconds=round(number * 86400))
    parts = _LITERAL.sub("", written).lower()
    clock = f"{moment:%H:%M:%S}" if moment.second else f"{moment:%H:%M}"
    if 0 <= number < 1 and not re.search(r"[yd]", parts):
        return clock
    return f"{moment:%Y-%m-%d} {clock}" if re.search(r"[hs]", parts) else f"{moment:%Y-%m-%d}"


_LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_DATE = re.compile(r"[ymdhs]")
_ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
