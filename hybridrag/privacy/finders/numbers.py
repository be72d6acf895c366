"""Payment cards, US social security numbers and telephone numbers.

All three are runs of digit groups. A run is found by one pattern; windows of whole groups are then judged by their
grouping, by checksum or numbering plan, and by the words around them. A checksum raises confidence; a value in a
strongly typical form is taken without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import pairwise

from hybridrag.privacy.finders.calls import short_phones
from hybridrag.privacy.finders.patterns import compiled, is_digit, stands_free, view
from hybridrag.privacy.finders.phones import phone_spans
from hybridrag.types import Span

# Groups may be parted by blanks and one or two signs, and by one line break.
_RUN = rb"[0-9](?:[ \t]{0,3}[-./()_]{0,2}[ \t]{0,3}(?:\r?\n[ \t>]{0,8})?[(]?[0-9]){5,}"
_GROUP = re.compile("[0-9]+")
_SMALL_LETTER = re.compile(rb"[a-z]")
_CONTEXT = 48


class Run:
    """Digit groups of `data`, none longer than its neighbours allow: `groups` are spans, `written` their digits, and
    `seps[i]` follows group i. What is asked of a run only at times is worked out when it is."""

    def __init__(self, data: bytes, start: int, end: int) -> None:
        """The run `data[start:end]`."""
        run = data[start:end].decode("latin-1")
        spans = [match.span() for match in _GROUP.finditer(run)]
        self.data = data
        self.groups = [(start + first, start + last) for first, last in spans]
        self.written = [run[first:last] for first, last in spans]
        self.seps = [data[left[1] : right[0]] for left, right in pairwise(self.groups)]
        self._lengths = tuple(map(len, self.written))

    @cached_property
    def before(self) -> bytes:
        """What stands before the run, lower-case, 48 characters at most."""
        start = self.groups[0][0]
        return self.data[max(0, start - _CONTEXT) : start].lower()

    @cached_property
    def worded(self) -> bool:
        """Whether any word stands before the run; in a table of figures none does."""
        return _SMALL_LETTER.search(self.before) is not None

    @property
    def after(self) -> bytes:
        end = self.groups[-1][1]
        return self.data[end : end + 24].lower()

    def sizes(self, first: int, last: int) -> tuple[int, ...]:
        return self._lengths[first : last + 1]

    def digits(self, first: int, last: int) -> str:
        return "".join(self.written[first : last + 1])

    def window(self, first: int, last: int) -> tuple[int, int]:
        return self.groups[first][0], self.groups[last][1]


def numbers(text: str) -> Iterator[Span]:
    """The cards, social security numbers and telephone numbers in `text`; spans may overlap."""
    data = view(text)
    for match in compiled(_RUN).finditer(data):
        run = Run(data, *match.span())
        yield from _cards(run)
        yield from _social_security(run)
        yield from phone_spans(run)
    yield from _short_social_security(data)
    yield from short_phones(data)


# --- cards -----------------------------------------------------------------------------------------------------------

_CARD_WORDS = re.compile(
    rb"(?:\b(?:credit|debit|visa|master ?card|amex|american express|maestro|discover|diners|jcb|cc|pan"
    rb"|carte|tarjeta|cart[ao]|kaart)\b|card\b|karte\b|kartennummer|kreditkarte)[^\n]{0,24}$"
)
_BRANDS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|095|[689]\d)\d{11,16}|6(?:011|4[4-9]\d|5\d{2}|2\d{2}|0\d{2}|[139]\d{2})\d{12,15}|35\d{14}"
    r"|(?:1800|2131)\d{11}|(?:5[0678]\d{2}|6\d{3})\d{8,12}|(?:5018|5020|5038|5893|6304|6759|676[1-3]|6799)\d{13,15}|9792\d{12}|220[0-4]\d{12}|81\d{14}"
)
_BRAND_STARTS = ("1800", "213", "22", "23", "24", "25", "26", "27", "3", "4", "5", "6", "81", "9792")
_STRONG_BRANDS = re.compile(r"4\d{15}|(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)\d+|6(?:011|5\d\d|4[4-9]\d)\d+")


def _cards(run: Run) -> Iterator[Span]:
    count = len(run.groups)
    if sum(run.sizes(0, count)) < 12:
        return
    told = run.worded and _CARD_WORDS.search(run.before) is not None
    first = 0
    while first < count:
        last = _card_at(run, first, told=told)
        if last is None:
            first += 1
            continue
        yield Span(*run.window(first, last), "CARD", "card")
        first = last + 1


def _card_at(run: Run, first: int, *, told: bool) -> int | None:
    """The last group of the longest card that begins with group `first`, or None."""
    told = told and first == 0
    digits = run.digits(first, first + 18)
    if not told and not digits.startswith(_BRAND_STARTS):
        return None
    best = None
    length = 0
    for last, size in enumerate(run.sizes(first, first + 18), first):
        length += size
        if length > 19:
            break
        if length >= 12 and _is_card(run, first, last, digits[:length], told=told):
            best = last
    return best


def _is_card(run: Run, first: int, last: int, digits: str, *, told: bool) -> bool:
    if not _has_card_form(run, first, last, digits, told=told):
        return False
    start, end = run.window(first, last)
    return not _decimal(run.data, start, end) and not _hexadecimal(run.data, start, end)


def _has_card_form(run: Run, first: int, last: int, digits: str, *, told: bool) -> bool:
    sizes = run.sizes(first, last)
    isolated = first == 0 and last == len(run.groups) - 1
    regular = isolated or _regular(sizes)
    if not (regular or told) or len(set(digits)) == 1:
        return False
    if told or (_BRANDS.fullmatch(digits) and _luhn(digits)):
        return True
    seps = run.seps[first:last]
    typical = (
        sizes in {(4, 4, 4, 4), (4, 6, 5)} and len(set(seps)) == 1 and _STRONG_BRANDS.fullmatch(digits) is not None
    )
    return typical and (seps[0] == b"-" or (isolated and seps[0] == b" "))


def _regular(sizes: tuple[int, ...]) -> bool:
    if len(sizes) == 1 or sizes in {(4, 6, 5), (4, 6, 4), (4, 5, 6), (6, 13), (8, 8), (6, 6, 4)}:
        return True
    return len(set(sizes[:-1])) == 1 and sizes[0] in {1, 2, 4, 5} and sizes[-1] <= sizes[0]


@lru_cache(maxsize=4096)
def _luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 check digit; 19 digits at most reach the library."""
    from stdnum import luhn

    return bool(luhn.is_valid(digits))


def _decimal(data: bytes, start: int, end: int) -> bool:
    """Whether the window is a part of a decimal fraction such as 0.4111111111111111."""
    return start > 1 and data[start - 1 : start] in {b".", b","} and is_digit(data, start - 2) and end - start > 4


_WORD_END = re.compile(rb"[A-Za-z0-9]+$")
_WORD_START = re.compile(rb"[A-Za-z0-9]+")
_HEX = frozenset(b"0123456789abcdefABCDEF")


def _hexadecimal(data: bytes, start: int, end: int) -> bool:
    """Whether the window is a part of a hexadecimal word, such as a digest."""
    head = _WORD_END.search(data, max(0, start - _CONTEXT), start)
    tail = _WORD_START.match(data, end, end + _CONTEXT)
    word = (head.group() if head else b"") + data[start:end] + (tail.group() if tail else b"")
    return _HEX.issuperset(word) and any(byte > 57 for byte in word)


# --- social security numbers -----------------------------------------------------------------------------------------

_SSN_WORDS = re.compile(rb"(?:\bssn\b|social[ -]?security|\bitin\b|\btax(?:payer)? id)[^\n]{0,32}$")
_SSN_LABELLED = rb"(?i)(?:\bssn\b|social[ -]?security|\bitin\b|\btax(?:payer)? id)[^\n0-9]{0,32}[0-9]{9}\b"


def _social_security(run: Run) -> Iterator[Span]:
    for first in range(len(run.groups) - 2):
        if run.sizes(first, first + 2) != (3, 2, 4):
            continue
        start, end = run.window(first, first + 2)
        left, right = (sep.replace(b"\r", b"").strip(b" \t\n>") for sep in run.seps[first : first + 2])
        if left != right or len(left) > 1 or not stands_free(run.data, start, end):
            continue
        told = run.worded and _SSN_WORDS.search(run.before) is not None
        if left == b"-":
            joined = first > 0 and run.seps[first - 1] == b"-"
            if not joined or told:
                yield Span(start, end, "SSN", "ssn")
        elif told or (len(run.groups) == 3 and _issued(run.digits(first, first + 2))):
            yield Span(start, end, "SSN", "ssn-spaced")


def _issued(digits: str) -> bool:
    """Whether the areas, groups and serials that were never issued are avoided (SSA, 20 CFR 422.103)."""
    return digits[:3] not in {"000", "666"} and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def _short_social_security(data: bytes) -> Iterator[Span]:
    for match in compiled(_SSN_LABELLED).finditer(data):
        yield Span(match.end() - 9, match.end(), "SSN", "ssn-labelled")
