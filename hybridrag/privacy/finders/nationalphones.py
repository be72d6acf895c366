"""Telephone numbers without country code and trunk zero, which only their form tells from other numbers.

Each function looks at one run of digit groups and returns the last group of the number and its rule, or None.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from hybridrag.privacy.finders.calls import is_book
from hybridrag.privacy.finders.patterns import ends_free, stands_free

if TYPE_CHECKING:
    from hybridrag.privacy.finders.numbers import Run

# Groupings that a country writes without a trunk zero, and hardly anyone else: "612 34 56 78", "98765 43210".
_GROUPINGS: dict[tuple[int, ...], tuple[str, ...]] = {
    (3, 2, 2, 2): ("ES", "AD", "PT", "GR", "SE", "AZ", "GE", "PY"),
    (2, 2, 2, 2): ("DK", "NO", "LU", "FO", "CI", "ML", "BF", "TG", "BJ", "NE", "PF", "GL"),
    (2, 3, 2, 2): ("CH", "PT", "HU", "UZ", "SN", "MA", "RO", "RS"),
    (3, 3, 2, 2): ("RU", "TR", "KZ", "UA"),
    (5, 5): ("IN",),
    (2, 5, 4): ("BR",),
    (2, 4, 4): ("BR", "MX", "AR", "ZA"),
    (1, 4, 4): ("CL", "AU", "VN"),
    (2, 3, 4): ("IL", "ZA", "KE", "TH", "AE"),
}
# Notes, issues and years in brackets: "(1)", "(1342)", "(1998)", "(2004)".
_FOOTNOTES = re.compile(r"1|1\d{3}|20\d\d")
ATTACHED = frozenset({b"$", b"#", b"=", b"_", b"/", b"-", b".", b"\xa4"})


def isolated(run: Run, first: int) -> tuple[int, str] | None:
    """`01 234 56 789`: a trunk zero of some plan not looked up, where the whole run is one number of 9 to 13 digits."""
    last = len(run.groups) - 1
    if first or not 1 <= last <= 5 or not 9 <= sum(run.sizes(0, last)) <= 13:
        return None
    if {sep.strip(b" \t") for sep in run.seps} - {b"", b"-", b"/", b")"}:
        return None
    return (last, "phone-national") if ends_free(run.data, run.groups[last][1]) else None


def bracketed(run: Run, first: int) -> tuple[int, str] | None:
    """`(71) 4233-6306`, `(0-612) 34567`: an area code in brackets, which no word touches, and 8 to 12 digits in all."""
    data, start = run.data, run.groups[first][0]
    if data[start - 1 : start] != b"(" or data[max(0, start - 2) : start - 1].isalnum() or start == 0:
        return None
    last = len(run.groups) - 1
    if last - first > 5:
        return None
    closing = next((i for i in range(first, last) if run.seps[i].startswith(b")")), None)
    if closing is None or closing > first + 1 or not 1 <= sum(run.sizes(first, closing)) <= 5:
        return None
    signs = {sep.strip(b" \t") for sep in run.seps[closing + 1 :]} | {run.seps[closing].strip(b" \t)(")}
    if signs - {b"", b"-"} or not 8 <= sum(run.sizes(first, last)) <= 12:
        return None
    return None if _FOOTNOTES.fullmatch(run.digits(first, first)) else (last, "phone-national")


def local(run: Run, first: int) -> tuple[int, str] | None:
    """`771-2345`, `9123-4143`: alone, and no range of pages or years, which rises by little."""
    if first or run.sizes(0, len(run.groups) - 1) not in {(3, 4), (4, 4)} or run.seps[0] != b"-":
        return None
    start, end = run.window(0, 1)
    low, high = int(run.digits(0, 0)), int(run.digits(1, 1))
    if not stands_free(run.data, start, end) or run.data[max(0, start - 1) : start] in ATTACHED or low < 200:
        return None
    rise = 5000 if low % 100 == high % 100 == 0 else 1000
    if 0 <= high - low < rise or is_book(run.before) or run.data[end : end + 1] in {b"-", b"_", b"/", b"%"}:
        return None
    return 1, "phone-local"


def grouped(run: Run, first: int) -> tuple[int, str] | None:
    """A whole run in the grouping of a country that dials no trunk zero, and valid there."""
    last = len(run.groups) - 1
    regions = _GROUPINGS.get(run.sizes(0, last)) if first == 0 and last < 4 else None
    if regions is None or any(b"\n" in sep or sep.strip(b" \t") not in {b"", b"-"} for sep in run.seps):
        return None
    if not ends_free(run.data, run.groups[last][1]) or run.data[run.groups[0][0] - 1 : run.groups[0][0]] == b"-":
        return None
    if len(run.groups) == 2 and run.seps[0].strip(b" \t"):
        return None
    number = run.digits(0, last)
    return (last, "phone-grouped") if any(valid(number, region) for region in regions) else None


@lru_cache(maxsize=4096)
def valid(number: str, region: str | None = None) -> bool:
    """Whether the numbering plan knows the number; at most 20 characters reach the library."""
    library = _library()
    try:
        return bool(library.is_valid_number(library.parse(number[:20], region)))
    except library.NumberParseException:
        return False


@lru_cache(maxsize=1)
def _library() -> Any:
    import phonenumbers

    return phonenumbers
