"""Dates and times of day in a text, in any usual spelling, so that two spellings of one date can be told to be one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_NAMES = (
    "january january jan januar jänner janvier enero gennaio januari janeiro",
    "february february feb februar février febrero febbraio februari fevereiro",
    "march march mar märz mär mars marzo maart março",
    "april april apr avril abril aprile",
    "may may mai mayo maggio mei maio",
    "june june jun juni juin junio giugno junho",
    "july july jul juli juillet julio luglio julho",
    "august august aug août agosto augustus",
    "september september sep sept septembre septiembre settembre setembro",
    "october october oct oktober okt octobre octubre ottobre outubro",
    "november november nov novembre noviembre novembro",
    "december december dec dezember dez décembre diciembre dicembre dezembro",
)
_MONTHS = {name: number for number, names in enumerate(_NAMES, start=1) for name in names.split()}
_WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mondays montag montags 星期一 周一",
            "tuesday tuesdays dienstag dienstags 星期二 周二",
            "wednesday wednesdays mittwoch mittwochs 星期三 周三",
            "thursday thursdays donnerstag donnerstags 星期四 周四",
            "friday fridays freitag freitags 星期五 周五",
            "saturday saturdays samstag samstags sonnabend 星期六 周六",
            "sunday sundays sonntag sonntags 星期日 周日",
        ),
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAY = r"(?P<{}>\d{{1,2}})(?:\.|st|nd|rd|th|er)?"
_YEAR = r"(?P<{}>\d{{4}}|['’]\d{{2}})"
_WRITTEN = re.compile(
    "|".join(
        (
            r"(?<![A-Za-z0-9_.])(?P<y1>\d{4})(?P<s1>[-/.])(?P<m1>\d{1,2})(?P=s1)(?P<d1>\d{1,2})(?![\d])",
            r"(?<![A-Za-z0-9_.])(?P<a2>\d{1,2})(?P<s2>[-/.])(?P<b2>\d{1,2})(?P=s2)(?P<y2>\d{4}|\d{2})(?![\w]|\.\d)",
            rf"(?<![\w.]){_DAY.format('d3')}\s(?:of\s|"
            rf"de\s)?(?P<m3>{_MONTH})\b\.?(?:,?\s(?:de\s)?{_YEAR.format('y3')}(?!\w))?",
            rf"\b(?P<m4>{_MONTH})\b\.?\s{_DAY.format('d4')}(?!\w)(?:,?\s{_YEAR.format('y4')}(?!\w))?",
            rf"\b(?P<m5>{_MONTH})\b\.?,?\s(?:of\s|de\s)?{_YEAR.format('y5')}(?!\w)",
            r"(?<!\d)(?:(?P<y6>\d{4})\s?年\s?)?(?P<m6>\d{1,2})\s?月(?:\s?(?P<d6>\d{1,2})\s?[日号])?",
            r"(?<!\d)(?P<y7>\d{4})\s?年",
            r"(?:(?<=\b(?:am|ab) )|(?<=\b(?:dem|den|der|vom|zum|bis|und) )|(?<=\.[-–]))"
            r"(?P<d8>\d{1,2})\.(?P<m8>\d{1,2})\.(?!\d)",
        )
    ),
    re.IGNORECASE,
)
_UNMISTAKABLE = "|".join(name.title() for name in _MONTHS if len(name) > 5 or name in {"april", "june", "july"})
_LONE_MONTH = re.compile(
    rf"\b(?:{_UNMISTAKABLE}|(?<=\b(?:in|im|by|of|ab) )(?:May|March|Mai|März|Juni|Juli)|"
    r"(?<=\b(?:since|until) )(?:May|March|Mai|März))\b"
)
_WEEKDAY = re.compile(rf"\b(?:{'|'.join(_WEEKDAYS)})\b|(?:星期|周)[一二三四五六日]", re.IGNORECASE)
_TIME = re.compile(
    r"(?<![\w:.])(?:(?P<h1>\d{1,2}):(?P<m1>[0-5]\d)(?::[0-5]\d)?(?:\s?(?P<p1>[ap])\.?m\b\.?|\sUhr\b)?(?![\d:])|"
    r"(?P<h2>\d{1,2})\s?(?:(?P<p2>[ap])\.?m\b\.?|Uhr(?:\s(?P<m2>[0-5]\d))?\b))",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Date:
    """A date or part of one: `readings` are the (year, month, day) it may mean, None for what is not said.

    A weekday is (None, None, None) with `weekday` 0 to 6, Monday first; a time of day has its `minute`, 0 to 1439.
    """

    start: int
    end: int
    readings: frozenset[tuple[int | None, int | None, int | None]] = frozenset()
    weekday: int | None = None
    minute: int | None = None

    def agrees(self, other: Date, years: frozenset[int]) -> bool:
        """Whether `other` says all that this one does; `years` stand near it, for where it leaves out its own."""
        if self.weekday is not None or self.minute is not None:
            return (self.weekday, self.minute) == (other.weekday, other.minute)
        return any(_within(mine, theirs, years) for mine in self.readings for theirs in other.readings)


def dates_of(text: str) -> list[Date]:
    """The dates, times and weekdays of a text, in order, none over another. A year by itself is a number."""
    found = [*_written(text), *_times(text)]
    found += [
        Date(m.start(), m.end(), frozenset({(None, _MONTHS[m[0].casefold()], None)}))
        for m in _LONE_MONTH.finditer(text)
    ]
    found += [Date(m.start(), m.end(), weekday=_weekday(m[0])) for m in _WEEKDAY.finditer(text)]
    kept: list[Date] = []
    for date in sorted(found, key=lambda date: (date.start, -date.end)):
        if not kept or date.start >= kept[-1].end:
            kept.append(date)
    return kept


def _written(text: str) -> Iterator[Date]:
    for match in _WRITTEN.finditer(text):
        part = {name[0] + ("2" if name[1] == "2" else ""): value for name, value in match.groupdict().items() if value}
        if "a2" in part:
            first, second = int(part["a2"]), int(part["b2"])
            orders = {(second, first)} if part["s2"] == "." else {(first, second), (second, first)}
            years = _years(part["y2"])
            readings: set[tuple[int | None, int | None, int | None]] = {(y, m, d) for y in years for m, d in orders}
        else:
            month = part.get("m", "")
            number = int(month) if month.isdigit() else _MONTHS.get(month.casefold())
            day = int(part["d"]) if "d" in part else None
            readings = {(year, number, day) for year in (_years(part["y"]) if "y" in part else (None,))}
        valid = frozenset(
            (y, m, d) for y, m, d in readings if (m is None or 1 <= m <= 12) and (d is None or 1 <= d <= 31)
        )
        if valid:
            yield Date(match.start(), match.end(), valid)


def _times(text: str) -> Iterator[Date]:
    for match in _TIME.finditer(text):
        hour, minute = int(match["h1"] or match["h2"]), int(match["m1"] or match["m2"] or 0)
        half = (match["p1"] or match["p2"] or "").casefold()
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        if hour < 24:
            yield Date(match.start(), match.end(), minute=60 * hour + minute)


def _weekday(text: str) -> int:
    return _WEEKDAYS[text.casefold()]


def _years(text: str) -> tuple[int, ...]:
    """The years meant; two digits stand for either century."""
    digits = text.lstrip("'’")
    return (int(digits),) if len(digits) == 4 else (1900 + int(digits), 2000 + int(digits))


def _within(
    mine: tuple[int | None, int | None, int | None],
    theirs: tuple[int | None, int | None, int | None],
    years: frozenset[int],
) -> bool:
    year, *rest = mine
    if year is not None and year != theirs[0] and not (theirs[0] is None and year in years):
        return False
    return all(part is None or part == other for part, other in zip(rest, theirs[1:], strict=True))
