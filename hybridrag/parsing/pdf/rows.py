"""The rows of a page: lines side by side, as cells, those of several lines put together."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

# Named tuples: a page has thousands of these, and a frozen dataclass takes twice as long to make.


class Piece(NamedTuple):
    """Words of a line that stand close together: `text`, and where it lies on the page, in points from the left."""

    text: str
    left: float
    right: float


class Placed(NamedTuple):
    """A line of the page: its pieces from left to right, the height of its middle, and its own height, in points."""

    pieces: tuple[Piece, ...]
    middle: float
    height: float

    @property
    def left(self) -> float:
        return self.pieces[0].left

    @property
    def right(self) -> float:
        return self.pieces[-1].right


class Row(NamedTuple):
    """Lines that stand side by side, as cells: `top` and `bottom` are the middles of its highest and lowest line.

    `counts` says that a cell, the first and years aside, is a number.
    """

    first: int
    last: int
    cells: tuple[Piece, ...]
    top: float
    bottom: float
    height: float
    left: float
    right: float
    counts: bool


def rows_of(lines: Sequence[Placed | None]) -> list[Row]:
    rows: list[Row] = []
    raised = _raised(lines)
    number = 0
    while number < len(lines):
        last = _beside(lines, number, raised)
        found = [line for line in lines[number:last] if line]
        if found:
            row = _row(found, number, last)
            joined = _goes_on(rows[-1], row) if rows else None
            rows[-1:] = [joined] if joined else [*rows[-1:], row]
        number = last
    return rows


def _raised(lines: Sequence[Placed | None]) -> list[int]:
    """The lines that do not stand below the one before them."""
    return [
        number
        for number, (above, line) in enumerate(pairwise(lines), 1)
        if above and line and line.middle > above.middle - 0.35 * line.height
    ]


def _beside(lines: Sequence[Placed | None], first: int, raised: Sequence[int]) -> int:
    """The end of the lines that stand beside line `first` and each other, in cells that hold several lines each.

    Words stand in a file cell by cell: one that goes on at the height of a line before, and to its right, is the next
    cell of its row.
    """
    start, end = lines[first], first + 1
    ahead = bisect_right(raised, first)
    if not start or ahead == len(raised) or raised[ahead] > first + _MOST_LINES:
        return end
    right, lowest = start.right, start.middle
    for number in range(first + 1, min(len(lines), first + _MOST_LINES)):
        line = lines[number]
        if line is None or line.left < start.left - NEAR or abs(line.middle - start.middle) > 12 * start.height:
            break
        if abs(line.middle - start.middle) <= 0.35 * start.height:
            if line.left <= right:
                break
            end, right = number + 1, line.right
        elif line.middle < lowest - 3 * start.height:
            break
        lowest = min(lowest, line.middle)
    depth = min((line.middle for line in lines[first:end] if line), default=0.0)
    last = lines[end - 1]
    while end - first > 1 and last and end < len(lines) and (line := lines[end]):
        if not (
            line.left < last.right
            and line.right > last.left
            and depth - 0.35 * line.height <= line.middle < last.middle
        ):
            break
        last, end = line, end + 1
    return end


def _row(lines: Sequence[Placed], first: int, last: int) -> Row:
    if len(lines) == 1:
        pieces, middle, height = lines[0]
        return _of_cells(first, last, _with_signs(pieces), middle, middle, height)
    cells: list[Piece] = []
    for line in lines:
        for piece in line.pieces:
            above = cells[-1] if cells else None
            if above and line is not lines[0] and piece.left < above.right and piece.right > above.left:
                cells[-1] = stacked(above, piece)
            else:
                cells.append(piece)
    middles = [line.middle for line in lines]
    return _of_cells(first, last, _with_signs(cells), max(middles), min(middles), max(line.height for line in lines))


def _of_cells(first: int, last: int, cells: tuple[Piece, ...], top: float, bottom: float, height: float) -> Row:
    if len(cells) == 1:
        _, left, right = cells[0]
        return Row(first, last, cells, top, bottom, height, left, right, counts=False)
    left, right = min([cell.left for cell in cells]), max([cell.right for cell in cells])
    counts = any(is_number(cell.text) and not YEAR.fullmatch(cell.text) for cell in cells[1:])
    return Row(first, last, cells, top, bottom, height, left, right, counts)


def stacked(above: Piece, below: Piece) -> Piece:
    return Piece(f"{above.text} {below.text}", min(above.left, below.left), max(above.right, below.right))


def _with_signs(cells: Sequence[Piece]) -> tuple[Piece, ...]:
    """A sign of money goes with the number after it, a closing bracket or percent sign with the one before."""
    joined = list(cells[:1])
    for found in cells[1:]:
        cell, before = found, joined[-1]
        signs = before.text[-1:] in _SIGNS
        if signs and cell.text[:1].isdigit() and (sign := _SIGN_AFTER.fullmatch(before.text)):
            joined[-1] = before._replace(text=sign[1])
            cell = cell._replace(text=f"{sign[2]} {cell.text}")
        if len(before.text) <= LONG and ((signs and _BEFORE.fullmatch(before.text)) or _AFTER.fullmatch(cell.text)):
            joined[-1] = Piece(f"{before.text} {cell.text}", before.left, cell.right)
        else:
            joined.append(cell)
    return tuple(joined)


def _goes_on(above: Row, row: Row) -> Row | None:
    """Both as one where `row` is a further line of the last cell of `above`."""
    if len(above.cells) < 2 or len(row.cells) > 1 or not 0 < above.bottom - row.top < 1.8 * row.height:
        return None
    last, more = above.cells[-1], row.cells[0]
    if (
        len(last.text) > _MOST_TEXT
        or abs(last.left - more.left) > NEAR
        or not any(char.isalpha() for char in more.text)
    ):
        return None
    cells = (*above.cells[:-1], stacked(last, more))
    return _of_cells(above.first, row.last, cells, above.top, row.bottom, above.height)


def is_number(text: str) -> bool:
    return len(text) <= SHORT and _NUMBER.fullmatch(text) is not None


_NUMBER = re.compile(r"[-–—−(+$€£¥~<> ]*(?:(?:US|C|A)\$|EUR |USD )? *(?:\d[\d.,']*|[-–—])[-–—)%°xX*†MBKpts. ]*")
YEAR = re.compile(r"(?:FY ?)?(?:19|20)\d\d(?:[-–/]\d+)?[*†A-Z]?(?: ?\(\w\))?")
_BEFORE = re.compile(r"[-–(]? *(?:US|C|A)?[$€£¥] *\(?|\(")
_SIGN_AFTER = re.compile(r"(.*\S) ([$€£¥])")
_AFTER = re.compile(r"\)? *[%)]|bps|pts?\.?")
_SIGNS = frozenset("$€£¥(")
"""What the two that come before a number end with."""
_MOST_LINES = 40
SHORT = 60
"""Letters of a number, or of a name of columns, at most."""
LONG = 140
"""Letters of a cell that may still be a label."""
_MOST_TEXT = 1000
NEAR = 2.5
"""Points apart, and still at the same place."""
