"""International bank account numbers (ISO 13616), compact or in groups of any size, in either letter case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from hybridrag.privacy.finders.patterns import compiled, ends_free, view
from hybridrag.types import Span

_CANDIDATE = (
    rb"(?:^|[^A-Za-z0-9])([A-Za-z][ \t]?[A-Za-z][ \t]?[-.]?[0-9][ \t]?[0-9]"
    rb"[ \t]{0,2}[-./_]?(?:[ \t]|\r?\n[ \t>]{0,8})?[A-Za-z0-9]{1,4})"
)
_SEPARATOR = re.compile(rb"[ \t]{0,2}[-./:_]?[ \t]{0,2}(?:\r?\n[ \t>]{0,8})?")
_LABEL = re.compile(rb"iban[^a-z0-9]{0,12}(?:is|ist|lautet|no|nr|number)?[^a-z0-9]{0,8}$")
_LONGEST, _SHORTEST = 34, 15


def ibans(text: str) -> Iterator[Span]:
    """The account numbers in `text`. One is taken if its check digits are right, or if its country's layout is exact
    and it stands compact, in groups of four, or after the word IBAN."""
    data = view(text)
    position = 0
    pattern = compiled(_CANDIDATE)
    while (match := pattern.search(data, position)) is not None:
        start = match.start(1)
        end = _account_end(data, start)
        if end is None:
            position = start + 2
        else:
            yield Span(start, end, "IBAN", "iban")
            position = end


def _account_end(data: bytes, start: int) -> int | None:
    ends, compact = _collect(data, start)
    labelled = _LABEL.search(data[max(0, start - 32) : start].lower()) is not None
    layout = _layout(compact[:2].upper())
    if layout is not None:
        length = 4 + sum(count for count, _ in layout)
        if len(compact) < length:
            # A character is missing, or a maker of test data left it out: right check digits are enough.
            return _unknown_country(data, ends, compact, labelled=labelled)
        number, end = compact[:length], ends[length - 1]
        fits = _fits(number[4:], layout)
        if fits and (ends_free(data, end) or _checks(number)):
            written = data[start:end]
            typical = len(written) == length or _in_fours(written)
            numeric = sum(char.isdigit() for char in number) >= length // 2
            if (
                labelled
                or (_checks(number) and (typical or numeric))
                or (typical and (written[:2].isupper() or len(written) == length))
            ):
                return end
    return _unknown_country(data, ends, compact, labelled=labelled)


def _unknown_country(data: bytes, ends: list[int], compact: str, *, labelled: bool) -> int | None:
    """Countries that joined the registry lately, and numbers with a slip: upper-case, and right or labelled."""
    if not compact[:2].isupper():
        return None
    for length in range(len(compact), _SHORTEST - 1, -1):
        end = ends[length - 1]
        number = compact[:length]
        digits = sum(char.isdigit() for char in number)
        if not ends_free(data, end) or digits < length // 2 or not number.isupper():
            continue
        written = data[ends[0] - 1 : end]
        if not labelled and len(written) != length and not _in_fours(written):
            continue
        if labelled or _checks(number):
            return end
    return None


def _collect(data: bytes, start: int) -> tuple[list[int], str]:
    """Up to 34 letters and digits from `start` on, separators skipped, with the end of each."""
    ends: list[int] = []
    chars: list[str] = []
    position = start
    while position < len(data) and len(chars) < _LONGEST:
        byte = data[position : position + 1]
        if byte.isalnum():
            chars.append(byte.decode("ascii"))
            position += 1
            ends.append(position)
            continue
        gap = _SEPARATOR.match(data, position)
        if gap is None or gap.end() == position:
            break
        position = gap.end()
    return ends, "".join(chars)


def _in_fours(written: bytes) -> bool:
    groups = re.split(rb"[^A-Za-z0-9]+", written)
    return all(len(group) == 4 for group in groups[:-1]) and 1 <= len(groups[-1]) <= 4


@lru_cache(maxsize=512)
def _layout(country: str) -> tuple[tuple[int, str], ...] | None:
    """The country's account layout in the SWIFT registry as (length, class) parts; None where it has none."""
    info = _registry().info(country + "00")
    layout = info[0][1].get("bban") if info else None
    if not layout:
        return None
    return tuple((int(count), kind) for count, kind in re.findall(r"(\d+)!?([nac])", layout))


@lru_cache(maxsize=1)
def _registry() -> Any:
    from stdnum import numdb

    return numdb.get("iban")


def _fits(account: str, layout: tuple[tuple[int, str], ...]) -> bool:
    position = 0
    for count, kind in layout:
        part = account[position : position + count]
        position += count
        if (kind == "n" and not part.isdigit()) or (kind == "a" and not part.isalpha()) or not part.isalnum():
            return False
    return True


def _checks(number: str) -> bool:
    """ISO 7064 MOD 97-10 over at most 34 characters."""
    from stdnum.iso7064 import mod_97_10

    upper = number.upper()
    return bool(mod_97_10.is_valid(upper[4:] + upper[:4]))
