"""Street lines of the world: a number, a name, and a word or an ending that means street.

A clear word is enough; a vague one (Way, Place, -weg, Via) must also stand where an address stands: behind a break or a
preposition, and before a break.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hybridrag.privacy.finders.gates import occurs
from hybridrag.privacy.finders.patterns import compiled
from hybridrag.privacy.finders.street_shapes import GROUPS
from hybridrag.privacy.finders.street_words import EVERYDAY, NEVER


@dataclass(frozen=True, slots=True)
class Street:
    """A street line `data[start:end]`."""

    start: int
    end: int


def streets(text: str, data: bytes) -> Iterator[Street]:
    """The street lines in `data`, the byte view of `text`, pattern by pattern; they may overlap."""
    for group in GROUPS:
        if not occurs(tuple(pattern for pattern, _, _ in group), data):
            continue
        for pattern, head, vague in group:
            for match in compiled(pattern).finditer(data):
                start, end = match.span(1)
                if head:
                    start = reach_back(data, start, head)
                elif not _free(data, start) and (again := _second_number(data, start, end, pattern)) is not None:
                    # "B-12, 77 Park Avenue": the number that belongs to the street is the second one.
                    start, end = again.span(1)
                if start >= 0 and _is_street(text, data, start, end) and (not vague or _placed(data, start, end)):
                    yield Street(start, end)


def _second_number(data: bytes, start: int, end: int, pattern: bytes) -> Any:
    first = compiled(rb"[0-9]+[^0-9]{0,3}").match(data, start, end)
    return None if first is None else compiled(pattern).search(data, first.end(), end)


def _is_street(text: str, data: bytes, start: int, end: int) -> bool:
    return capitalised(text, data, start, end) and _free(data, start) and not unlikely(data, start, end)


def reach_back(data: bytes, end: int, pattern: bytes) -> int:
    """Where the longest stretch that `pattern` matches, and that ends at `end`, begins within 64 bytes; -1 for none.

    Searching backwards from a rare ending is cheap; the same words in front of it in one pattern would be followed from
    capital of the text.
    """
    low = max(0, end - 64)
    window = data[low:end] if low else b"\n" + data[:end]
    found = compiled(rb"[^A-Za-z0-9\xe9](" + pattern + rb")$").search(window)
    return -1 if found is None else int(found.start(1)) + (low if low else -1)


def capitalised(text: str, data: bytes, start: int, end: int) -> bool:
    """Whether some word of `data[start:end]` begins with a capital: the view knows no case of accented letters."""
    return any(
        text[position].isupper()
        for position in (match.start() for match in _WORD_START.finditer(data, start, min(end, start + 64)))
    )


_WORD_START = re.compile(rb"(?<![A-Za-z\xe9'])[A-Z\xe9]")
_UNLIKELY = rb"(?i)(?:^|[^A-Za-z\xe9])(?:(?:" + NEVER + rb")(?:[^A-Za-z\xe9]|$)|(?:" + EVERYDAY + rb")[ .,]{0,3}[0-9])"
_BREAK_BEFORE = (
    rb"(?:^|[\n\r\t,;:|(\"'>?#\xa4]|\b(?:at|on|in|is|to|from|of|near|by|an|am|bei|nach|von|zu|aus|ist|visit|address"
    rb"|live|lives|"
    rb"adresse|anschrift|en|em|na|w|v|u|i|p\xe9|vid|til|ved|til|via|chez|presso|location|rue|called|und|and|or"
    rb"|the|der|dem|den|left|entered|leaving)\b)[ ]{0,12}$"
)
_BREAK_AFTER = (
    rb"[ ]{0,3}(?:$|[\n\r\t,;.|)\"'<?!-]|(?:[A-Z][a-z]{0,8}\.?[ ])?#?[0-9]|in\b|and\b|und\b|[A-Z]{2}\b"
    rb"|Apt|Suite|Unit|Flat|[A-Z\xe9][a-z\xe9]{2})"
)


def _placed(data: bytes, start: int, end: int) -> bool:
    """Whether `data[start:end]` stands behind a break or a preposition and before a break."""
    before = compiled(rb"(?i)" + _BREAK_BEFORE).search(data[max(0, start - 24) : start])
    return (
        before is not None and compiled(rb"(?i)" + _BREAK_AFTER).match(data, end, min(len(data), end + 24)) is not None
    )


_GLUE = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\xe9$/\xa4_=@.+-")


def _free(data: bytes, start: int) -> bool:
    """Whether no word, number, price or path runs into the street."""
    return start == 0 or data[start - 1] not in _GLUE


def unlikely(data: bytes, start: int, end: int) -> bool:
    """Months, figures and chapters, sports and releases, and everyday compounds such as "Arbeitsplatz 2"."""
    return compiled(_UNLIKELY).search(data[start:end]) is not None
