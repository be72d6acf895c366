"""Telephone numbers inside runs of digits: international, North American, trunk-zero national, and any after a word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hybridrag.privacy.finders.calls import announced, is_book, spoken_of
from hybridrag.privacy.finders.nationalphones import ATTACHED, bracketed, grouped, isolated, local, valid
from hybridrag.privacy.finders.patterns import ends_free, is_digit, stands_free
from hybridrag.types import Span

if TYPE_CHECKING:
    from hybridrag.privacy.finders.numbers import Run

_TAGS_AFTER = re.compile(rb"[ \t]{0,2}[-(,]?[ \t]?(?:fax|mobile|mobil|handy|office|desk)\b")
_DECIMALS = re.compile(rb"\d{1,3}[.]\d{1,2}(?:[ \t]+\d+[.]\d+)*$")
_EXTENSION = re.compile(
    rb"[ ,;]{0,3}(?:x|ext(?:ension|n)?\.?|dw|durchwahl|app\.?|#)[ .:=]{0,2}\d{1,6}\b", re.IGNORECASE
)
_REGIONS = ("DE", "GB", "FR", "AT", "CH", "IT", "NL", "BE", "SE", "FI", "IE", "AU", "ZA", "JP", "TR", "PL", "RO", "IN")
_POWERS = frozenset({"2147483647", "2147483648", "4294967295", "4294967296", "8589934592"})


def phone_spans(run: Run) -> Iterator[Span]:
    """The telephone numbers in one run of digit groups, extensions included."""
    first = taken = 0
    while first < len(run.groups):
        # "2023-10-05-20231005", "s10549-010-0034-3": the middle of an identifier begins no number.
        inside = first > taken and not any(byte in b" \t\n(" for byte in run.seps[first - 1])
        found = None if inside else _phone_at(run, first)
        if found is None:
            first += _date_at(run, first) or 1
            continue
        last, rule = found
        start, end = run.window(first, last)
        yield Span(_opening(run.data, start), _closing(run.data, end), "PHONE", rule)
        first = taken = last + 1


def _phone_at(run: Run, first: int) -> tuple[int, str] | None:
    """The last group of the number that begins with group `first`, and its rule."""
    data, start = run.data, run.groups[first][0]
    head = data[max(0, start - 3) : start]
    if head.rstrip(b" (").endswith(b"+"):
        return None if _glued(data, start) else _international(run, first)
    if start and (data[start - 1 : start].isalnum() or _fraction(data, start)):
        return None
    told = first == 0 and run.worded and announced(run.before)
    # "PF-04449913", "item_0301234567": the number of a thing.
    if not told and head[-1:] in {b"-", b"_", b"#"} and head[-2:-1].isalnum():
        return None
    found = (
        _dialled_abroad(run, first)
        or _north_american(run, first)
        or _national(run, first)
        or bracketed(run, first)
        or grouped(run, first)
        or local(run, first)
        or _plain(run, first)
    )
    if told or (found is None and _reaches_end(run, first) and _beside(run, first)):
        named = _told(run, first)
        return named if found is None or (named is not None and named[0] > found[0]) else found
    return found


def _beside(run: Run, first: int) -> bool:
    """Whether what stands beside a run that is one number says that it is a telephone's."""
    if _TAGS_AFTER.match(run.after) or _beside_mail(run):
        return True
    if first == 0 and len(run.groups) > 1 and _CELL_BEFORE.search(run.before) and _CELL_AFTER.match(run.after):
        return all(sep.strip(b" -/") == b"" for sep in run.seps) and _date_at(run, 0) == 0
    digits = run.digits(first, len(run.groups) - 1)
    end = run.groups[-1][1]
    after = run.data[end : end + 48].lower()
    return first == 0 and run.worded and not _STAMP.fullmatch(digits) and spoken_of(run.before, after, digits)


def _glued(data: bytes, start: int) -> bool:
    """Whether the plus before `start` is arithmetic or an exponent."""
    plus = data.rfind(b"+", 0, start)
    return plus > 0 and (data[plus - 1 : plus].isalnum() or data[plus - 1 : plus] in {b")", b"]"})


def _fraction(data: bytes, start: int) -> bool:
    return data[start - 1 : start] in {b".", b","} and is_digit(data, start - 2)


def _international(run: Run, first: int) -> tuple[int, str] | None:
    last = _longestvalid(run, first, ("+",))
    if last is not None:
        rest = run.sizes(last + 1, len(run.groups) - 1)
        signs = {sep.strip(b" \t") for sep in run.seps[last:]}
        if len(rest) == 1 and rest[0] in {2, 3} and not signs - {b"", b"-"} and len(run.digits(first, last + 1)) <= 13:
            last += 1  # the library knows a shorter one, but the run is in groups of two or three
        return last, "phone-international"
    # Not in any numbering plan, but a plus and eight digits or more are nothing else.
    length, last = 0, first - 1
    for group in range(first, len(run.groups)):
        start, end = run.groups[group]
        if length + end - start > 15 or (group > first and b"\n" in run.seps[group - 1]):
            break
        length += end - start
        last = group
    return (last, "phone-international") if length >= 8 else None


def _dialled_abroad(run: Run, first: int) -> tuple[int, str] | None:
    """`0049 30 ...`, `00 49 ...`, and `011 49 ...` as North America dials it."""
    digits = run.written[first]
    for code in ("011", "00"):
        if digits.startswith(code) and (len(digits) > len(code) or first + 1 < len(run.groups)):
            last = _longestvalid(run, first, ("+",), drop=len(code))
            if last is not None:
                return last, "phone-international"
    return None


def _north_american(run: Run, first: int) -> tuple[int, str] | None:
    """`541-754-3010`, `(541) 754 3010`, `1.541.754.3010`; the grouping 3-3-4 with signs is enough."""
    for lead in (0, 1):
        begin = first + lead
        if lead and run.written[first] not in {"1", "001", "01"}:
            continue
        if begin + 2 >= len(run.groups) or run.sizes(begin, begin + 2) != (3, 3, 4):
            continue
        seps = [b" ".join(sep.split()) for sep in run.seps[begin : begin + 2]]
        signs = [sep for sep in seps if sep.strip(b" ")]
        digits = run.digits(begin, begin + 2)
        end = run.groups[begin + 2][1]
        if not ends_free(run.data, end) and not _EXTENSION.match(run.data, end):
            continue
        if signs or (digits[0] in "23456789" and digits[3] in "23456789" and valid("+1" + digits)):
            return begin + 2, "phone-north-american"
        if len(run.groups) == 3 and first == 0 and digits[0] in "23456789" and digits[3] in "23456789":
            return begin + 2, "phone-north-american"
    return None


def _national(run: Run, first: int) -> tuple[int, str] | None:
    """`030 1234567`, `(0171) 123 45 67`, `089/123456`, `01 23 45 67 89`: a trunk zero, 8 to 12 digits, in some plan."""
    digits = run.written[first]
    pairs = run.sizes(first, first + 4) == (2,) * 5 and len(set(run.seps[first : first + 4])) == 1 and digits[0] == "0"
    after_eight = {(3, 3, 2, 2): 4, (3, 3, 4): 3}.get(run.sizes(first + 1, first + 4)) if digits == "8" else None
    if pairs or after_eight:
        return first + (after_eight or 4), "phone-national"
    if digits == "0" and (any(b"/" in sep for sep in run.seps[:3]) or run.sizes(0, 5)[1:] == (3, 2, 2, 2)):
        return isolated(run, first)
    if digits[0] != "0" or digits.startswith("00") or not 1 < len(digits) <= 12 or _date_at(run, first):
        return None
    last = _longestvalid(run, first, _REGIONS, low=8, high=12)
    if last is not None:
        filler = last == first and (_sequence(digits) or is_book(run.before))
        # The library knows a shorter one, but these digits stand alone: "(02331) 44710 982".
        return None if filler else max((last, "phone-national"), isolated(run, first) or (last, "phone-national"))
    if first + 1 < len(run.groups) and len(digits) >= 3:
        sep = run.seps[first].strip(b" \t")
        size = len(digits) + len(run.written[first + 1])
        if sep in {b"/", b")"} and 8 <= size <= 13:
            whole = isolated(run, first)
            return whole or (first + 1, "phone-national")
    return isolated(run, first) if len(digits) <= 5 else None


def _plain(run: Run, first: int) -> tuple[int, str] | None:
    """Ten digits in a row (eleven with the country's 1) that North America has given out."""
    digits = run.written[first]
    start, end = run.window(first, first)
    if len(digits) == 11 and digits[0] == "1":
        digits = digits[1:]
    if len(digits) != 10 or digits[0] in "01" or digits[3] in "01" or digits in _POWERS or len(set(digits)) < 4:
        return None
    if not stands_free(run.data, start, end) and not _EXTENSION.match(run.data, end):
        return None
    if run.data[max(0, start - 1) : start] in ATTACHED or len(run.groups) > 1 or is_book(run.before):
        return None
    return (first, "phone-plain") if valid("+1" + digits) else None


def _told(run: Run, first: int) -> tuple[int, str] | None:
    """After a word such as "phone": 6 to 15 digits on one line, unless they are a date."""
    if _date_at(run, first):
        return None
    length, last = 0, first - 1
    for group in range(first, len(run.groups)):
        start, end = run.groups[group]
        if length + end - start > 15 or (group > first and b"\n" in run.seps[group - 1] and length >= 6):
            break
        length += end - start
        last = group
    start, end = run.window(first, max(first, last))
    if _DECIMALS.match(run.data[start:end]):
        return None
    return (last, "phone-labelled") if length >= 6 and run.data[end : end + 1] != b"%" else None


def _reaches_end(run: Run, first: int) -> bool:
    """Whether the groups from `first` to the end of the run are one number: on one line, 7 to 15 digits."""
    if len(run.groups) - first > 15:
        return False
    length = len(run.digits(first, len(run.groups) - 1))
    return 7 <= length <= 15 and not any(b"\n" in sep for sep in run.seps[first:])


# Fields of one record, parted by a sign, a tab or the tags of a table's cells.
_FIELD = rb"(?:[ \t]?[,;|/][ \t]?|\t|[\"'>)]{1,2}[,; \t]{1,2}[\"'(<]?|</t[dh]><t[dh]>)"
_MAIL_BEFORE = re.compile(rb"@[a-z0-9.-]{3,40}" + _FIELD + rb"[+(\"']{0,2}$")
_MAIL_AFTER = re.compile(_FIELD + rb"[\"'<]?[a-z0-9._%+-]{1,40}@[a-z0-9]", re.IGNORECASE)
# A field between fields of words, as the columns of a list have them: "Li;Leeds;726 6959".
_CELL_BEFORE = re.compile(rb"[a-z\xe9\"][;\t|]\"?$")
_CELL_AFTER = re.compile(rb"\"?(?:[;\t|\r\n]|$)")
_STAMP = re.compile(r"(?:19|20)\d\d(?:0\d|1[0-2])[0-3]\d(?:\d{4}|\d{6})?|1[4-9]\d{8}(?:\d{3})?")


def _beside_mail(run: Run) -> bool:
    """Whether the run is the field next to an e-mail address in a list, a table or a signature, and no date."""
    last = len(run.groups) - 1
    end = run.groups[last][1]
    if _STAMP.fullmatch(run.digits(0, last)) or not all(sep.strip(b" \t") in _PHONE_SIGNS for sep in run.seps):
        return False
    return _MAIL_BEFORE.search(run.before) is not None or _MAIL_AFTER.match(run.data, end, end + 64) is not None


_PHONE_SIGNS = frozenset({b"", b"-", b".", b"/", b"(", b")", b")-"})


def _longestvalid(
    run: Run, first: int, regions: tuple[str, ...], *, drop: int = 0, low: int = 7, high: int = 15
) -> int | None:
    """The last group of the longest window from `first` that is valid in one of `regions` ("+" means international)."""
    best = None
    digits = ""
    for last in range(first, len(run.groups)):
        digits += run.written[last]
        number = digits[drop:]
        if best is not None and b"\n" in run.seps[last - 1]:
            break
        if len(number) > high + (1 if regions == ("+",) else 0):
            break
        if len(number) < low:
            continue
        if regions == ("+",):
            # "+49 (0)30": the zero in brackets is not dialled from abroad.
            if valid("+" + number) or valid("+" + _without_trunk_zero(run, first, last)[drop:]):
                best = last
        elif any(valid(number, region) for region in regions):
            best = last
    return best


def _without_trunk_zero(run: Run, first: int, last: int) -> str:
    parts = []
    for group in range(first, last + 1):
        part = run.written[group]
        bracketed = group > first and run.seps[group - 1].endswith(b"(")
        parts.append(part[1:] if bracketed and part.startswith("0") else part)
    return "".join(parts)


_DATES = re.compile(
    rb"(?:0?[1-9]|[12]\d|3[01])([./-])(?:0?[1-9]|1[0-2])\1(?:\d{4}|\d{2})$|(?:0[1-9]|1[0-2])([./-])(?:[012]\d|3[01])\2(?:\d{4}|\d{2})$"
)


def _date_at(run: Run, first: int) -> int:
    """How many groups a date that begins with group `first` takes; 0 for none."""
    if first + 2 < len(run.groups):
        start, end = run.window(first, first + 2)
        if end - start <= 10 and _DATES.match(run.data[start:end]):
            return 3
    return 0


def _sequence(digits: str) -> bool:
    """0123456789 and 00000000 are filler."""
    return digits in "01234567890123456789" or len(set(digits)) <= 2


def _opening(data: bytes, start: int) -> int:
    """The start with its bracket and plus."""
    while start and data[start - 1 : start] in {b"(", b"+"} | ({b" "} if data[start - 2 : start] == b"+ " else set()):
        start -= 1
    return start


def _closing(data: bytes, end: int) -> int:
    extension = _EXTENSION.match(data, end)
    return extension.end() if extension else end
