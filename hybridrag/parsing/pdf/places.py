"""Where the words of a page stand, as PDFium tells it: each line, and its pieces where it has wide gaps.

Asking costs a microsecond a call, as much as reading six letters: so a line is asked for its two ends, and for the gaps
between its words only where it is wider than its letters need, or near such lines (docs/decisions/0054).
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Sequence
from typing import Any

from hybridrag.parsing.pdf.rows import Piece, Placed

Span = tuple[int, int]


def placed_lines(
    raw: Any, text_page: Any, text: str, spans: Sequence[Span], index: Callable[[int], int], width: float
) -> list[Placed | None]:
    """A place for each line, None for one that has none; nothing on a page that holds no table.

    `text_page` is PDFium's own; `index` gives the character for a place in the text; `width` is that of the page.
    """
    box = raw.FS_RECTF()
    found = ctypes.byref(box)
    ask = raw.FPDFText_GetLooseCharBox
    ends: list[tuple[int, float, float, float, float] | None] = []
    wide: list[int] = []
    full: set[int] = set()
    for number, (first, end) in enumerate(spans):
        start = end - len(text[first:end].lstrip())
        if start == end or not ask(text_page, index(start), found):
            ends.append(None)
            continue
        left, top, bottom = box.left, box.top, box.bottom
        height = top - bottom
        letters = (end - start) * height
        if letters * _LEAST_WIDTH > width * _FULL:
            full.add(number)
            right = left + width
        else:
            ask(text_page, index(end - 1), found)
            right = box.right
        if not (math.isfinite(left + right) and 0 < height < math.inf and left <= right):
            ends.append(None)
            continue
        ends.append((start, left, right, (top + bottom) / 2, height))
        if number not in full and right - left > letters * _WIDE and " " in text[start:end]:
            wide.append(number)
    if len(wide) < _LEAST_WIDE:
        return []

    def left_of(at: int) -> float:
        ask(text_page, index(at), found)
        left: float = box.left
        return left

    def right_of(at: int) -> float:
        ask(text_page, index(at), found)
        right: float = box.right
        return right

    asked = {near for number in wide for near in range(number - _AROUND, number + _AROUND + 1)} - full
    lines: list[Placed | None] = []
    for number, ((_, end), place) in enumerate(zip(spans, ends, strict=True)):
        if place is None:
            lines.append(None)
            continue
        start, left, right, middle, height = place
        if number in asked:
            pieces = _pieces(text, (start, end), (left, right), height, left_of, right_of)
        else:
            pieces = (Piece(text[start:end], left, right),)
        lines.append(Placed(pieces, middle, height))
    return lines


def _pieces(
    text: str,
    span: Span,
    edges: tuple[float, float],
    height: float,
    left_of: Callable[[int], float],
    right_of: Callable[[int], float],
) -> tuple[Piece, ...]:
    """The line cut at its wide gaps; between two numbers a smaller one is wide."""
    start, end = span
    left, right = edges
    word, word_left = start, left
    letter, wide, narrow = height * _NARROW, height * _GAP, height * _GAP_OF_NUMBERS
    pieces = []
    while (blank := text.find(" ", word, end)) >= 0:
        after = blank + 1
        while text[after] == " ":
            after += 1
        following = left_of(after)
        # The end of a word is asked for only where the next one begins farther on than its letters may reach.
        most = following - word_left - (blank - word) * letter
        if most > narrow:
            numbers = text[blank - 1] in _ENDS_NUMBER and text[after] in _BEGINS_NUMBER
            gap = narrow if numbers else wide
            if most > gap and following - (edge := right_of(blank - 1)) > gap:
                pieces.append(Piece(text[start:blank].strip(), left, edge))
                start, left = after, following
        word, word_left = after, following
    return (*pieces, Piece(text[start:end].strip(), left, right))


_WIDE = 0.55
"""Heights of its letters that a letter of a line takes, and is wide."""
_LEAST_WIDTH, _NARROW = 0.4, 0.33
_FULL = 0.8
"""A line of so many letters takes this part of the page without any gap."""
_LEAST_WIDE = 2
_GAP, _GAP_OF_NUMBERS = 0.8, 0.4
_ENDS_NUMBER, _BEGINS_NUMBER = frozenset("0123456789)%—"), frozenset("0123456789(—$€£¥")
_AROUND = 3
