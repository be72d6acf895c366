"""Where the words of a page stand, as PDFium tells it: each line, and its pieces where it has wide gaps.

Asking costs a microsecond a call, as much as reading six letters: so a line is asked for its two ends, and for the gaps
between its words only where it is wider than its letters need, or near such lines (docs/decisions/0054).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hybridrag.parsing.pdf.rows import Piece, Placed

if TYPE_CHECKING:
    from pypdfium2 import PdfTextPage

Span = tuple[int, int]


def placed_lines(
    raw: Any, text_page: PdfTextPage, text: str, spans: Sequence[Span], index: Callable[[int], int], width: float
) -> list[Placed | None]:
    """A place for each line, None for one that has none; nothing on a page that holds no table.

    `index` gives the character for a place in the text; `width` is that of the page.
    """
    box = raw.FS_RECTF()
    ask = raw.FPDFText_GetLooseCharBox
    ends: list[tuple[float, float, float, float] | None] = []
    wide: list[int] = []
    full: set[int] = set()
    for number, (first, end) in enumerate(spans):
        start = end - len(text[first:end].lstrip())
        if start == end or not ask(text_page, index(start), box):
            ends.append(None)
            continue
        left, top, bottom = box.left, box.top, box.bottom
        height = top - bottom
        if (end - start) * height * _LEAST_WIDTH > width * _FULL:
            full.add(number)
            right = left + width
        else:
            ask(text_page, index(end - 1), box)
            right = box.right
        if not (math.isfinite(left + right) and 0 < height < math.inf and left <= right):
            ends.append(None)
            continue
        ends.append((left, right, (top + bottom) / 2, height))
        if number not in full and right - left > (end - start) * height * _WIDE and " " in text[start:end]:
            wide.append(number)
    if len(wide) < _LEAST_WIDE:
        return []
    asked = {near for number in wide for near in range(number - _AROUND, number + _AROUND + 1)} - full
    lines: list[Placed | None] = []
    for number, (span, found) in enumerate(zip(spans, ends, strict=True)):
        if found is None:
            lines.append(None)
            continue
        left, right, middle, height = found
        pieces = [Piece(text[slice(*span)].strip(), left, right)]
        if number in asked:
            pieces = _pieces(raw, text_page, text, span, pieces[0], height, index)
        lines.append(Placed(tuple(pieces), middle, height))
    return lines


def _pieces(
    raw: Any,
    text_page: PdfTextPage,
    text: str,
    span: Span,
    line: Piece,
    height: float,
    index: Callable[[int], int],
) -> list[Piece]:
    """The line cut at its wide gaps; between two numbers a smaller one is wide."""
    box = raw.FS_RECTF()
    ask = raw.FPDFText_GetLooseCharBox
    start, end = span
    start, left, word_left = end - len(text[start:end].lstrip()), line.left, line.left
    pieces = []
    word = start
    while (blank := text.find(" ", word, end)) >= 0:
        after = blank + 1
        while after < end and text[after] == " ":
            after += 1
        if after >= end:
            break
        ask(text_page, index(after), box)
        following = box.left
        numbers = text[blank - 1] in _ENDS_NUMBER and text[after] in _BEGINS_NUMBER
        gap = height * (_GAP_OF_NUMBERS if numbers else _GAP)
        # The end of a word is asked for only where the next one begins farther on than its letters may reach.
        if following - word_left - (blank - word) * height * _NARROW > gap:
            ask(text_page, index(blank - 1), box)
            if following - box.right > gap:
                pieces.append(Piece(text[start:blank].strip(), left, box.right))
                start, left = after, following
        word, word_left = after, following
    pieces.append(Piece(text[start:end].strip(), left, line.right))
    return pieces


_WIDE = 0.55
"""Heights of its letters that a letter of a line takes, and is wide."""
_LEAST_WIDTH, _NARROW = 0.4, 0.33
_FULL = 0.8
"""A line of so many letters takes this part of the page without any gap."""
_LEAST_WIDE = 2
_GAP, _GAP_OF_NUMBERS = 0.8, 0.4
_ENDS_NUMBER, _BEGINS_NUMBER = frozenset("0123456789)%—"), frozenset("0123456789(—$€£¥")
_AROUND = 3
