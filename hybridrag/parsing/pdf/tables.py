"""Tables of a page that nothing but the place of their words tells: rows of cells that stand below each other.

Written cautiously: prose in columns, contents, lists and letterheads are left as lines. No word changes its place: the
cells of a row become one line, with tabs between them (docs/decisions/0054).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hybridrag.parsing.pdf.rows import LONG, NEAR, SHORT, YEAR, Piece, Placed, Row, is_number, rows_of, stacked


@dataclass(frozen=True, slots=True)
class Table:
    """The lines `first` up to `last`, not included, of a page as `rows`; the first `head` of them are its header."""

    first: int
    last: int
    head: int
    rows: tuple[tuple[str, ...], ...]


def find_tables(lines: Sequence[Placed | None]) -> list[Table]:
    """The tables in order. `lines` are those of a page in their order; None is one without words."""
    tables = []
    if not any(line and len(line.pieces) > 1 for line in lines):
        return []
    for run in _blocks(rows_of(lines)):
        for block in _at_headers(run):
            found = _table(block)
            parts = [found] if found else [_table(part) for part in _between_lines(block)]
            tables += [table for table in parts if table]
    return tables


def _blocks(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Runs of rows that may be a table: between those of several cells stand a few of one, and none as wide."""
    block: list[Row] = []
    for row in rows:
        if block and not _may_follow(block, row):
            yield from _ended(block)
            block = []
        if block or len(row.cells) > 1 or _may_head(row):
            block.append(row)
        if len(block) > _MOST_HEAD and not any(len(above.cells) > 1 for above in block):
            block.pop(0)
    yield from _ended(block)


def _ended(block: list[Row]) -> Iterator[list[Row]]:
    while block and len(block[-1].cells) < 2:
        block.pop()
    if sum(len(row.cells) > 1 for row in block) >= _LEAST_ROWS:
        yield block


def _at_headers(block: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The block in parts that begin with a header, where one comes again below rows of numbers."""
    start = body = 0
    for number, row in enumerate(block):
        if row.counts:
            body += 1
        elif body >= 2 and _names(row) and any(below.counts for below in block[number + 1 : number + _MOST_HEAD]):
            first = number
            while first > start + 1 and len(block[first - 1].cells) == 1 and block[first - 1].left > row.cells[0].right:
                first -= 1
            yield from _ended(list(block[start:first]))
            start, body = first, 0
    yield from _ended(list(block[start:]))


def _between_lines(block: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The parts of the block between rows of one cell, where there are several parts."""
    edges = [number for number, row in enumerate(block) if len(row.cells) == 1]
    for start, end in pairwise([-1, *edges, len(block)]) if edges else ():
        part = list(block[start + 1 : end])
        if len(part) >= _LEAST_TEXT_ROWS:
            yield from _ended(part)


def _names(row: Row) -> bool:
    """Whether the cells of a row, in which only the first may be a number, may name columns."""
    first = row.cells[0].text
    if is_number(first) and not YEAR.fullmatch(first):
        return False
    return sum(bool(YEAR.fullmatch(cell.text)) or len(cell.text) > 3 for cell in row.cells[1:]) > 0


def _may_head(row: Row) -> bool:
    return len(row.cells[0].text) <= SHORT


def _may_follow(block: Sequence[Row], row: Row) -> bool:
    last = block[-1]
    between = last.bottom - row.top
    if not 0 < between < 4 * max(row.height, last.height):
        return False
    several = [other for other in block[-_NEIGHBOURS:] if len(other.cells) > 1]
    if len(row.cells) > 1:
        # A new table begins with names at some distance.
        return len(several) < _LEAST_ROWS or row.counts or between < 2.5 * max(row.height, last.height)
    if not any(other.counts for other in several):
        return not several or (_may_head(row) and any(len(other.cells) > 1 for other in block[-_MOST_SINGLE:]))
    left, right = min(other.left for other in several), max(other.right for other in several)
    if row.left > left + 0.25 * (right - left) and any(char.isalpha() for char in row.cells[0].text):
        return False  # a title, or a name over columns: of another table
    return len(row.cells[0].text) <= LONG and row.right - row.left < 0.75 * (right - left) and row.left >= left - 12


def _table(block: Sequence[Row]) -> Table | None:
    several = [row for row in block if len(row.cells) > 1]
    columns = _columns(several)
    if not 2 <= len(columns) <= _MOST_COLUMNS:
        return None
    rows = [_in_columns(row, columns) for row in block]
    placed = [(row, cells) for row, cells in zip(block, rows, strict=True) if cells]
    if len(placed) < len(block):
        return None
    numbers = sum(is_number(cell.text) for row in several for cell in row.cells[1:])
    others = sum(len(row.cells) - 1 for row in several)
    numeric = numbers * 2 >= others
    if len(several) + len(columns) < _LEAST or _crowded(rows) or _contents(rows) or _listed(rows):
        return None
    if not numeric and (not _aligned(rows, columns) or _prose(several, columns) or len(several) < _LEAST_TEXT_ROWS):
        return None
    if not numeric and sum(row[0] is None for row in rows) * 4 > len(rows):
        return None
    head = _head(rows, numeric=numeric)
    start = _begin(block, columns, head)
    texts = tuple(tuple(piece.text if piece else "" for piece in row) for row in rows[start:])
    return Table(block[start].first, block[-1].last, max(0, head - start), texts)


_Cells = tuple[Piece | None, ...]


def _columns(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """Left and right of each column: where cells overlap from row to row, those over several columns aside."""
    most = max(len(row.cells) for row in rows)
    usual = [row for row in rows if len(row.cells) * 10 >= most * 7]
    columns: list[tuple[float, float]] = []
    for cell in sorted((cell for row in usual for cell in row.cells), key=lambda cell: cell.left):
        if columns and cell.left < columns[-1][1]:
            columns[-1] = (columns[-1][0], max(columns[-1][1], cell.right))
        else:
            columns.append((cell.left, cell.right))
    return columns


def _in_columns(row: Row, columns: Sequence[tuple[float, float]]) -> _Cells:
    """The row's cells by column; empty where they change their order."""
    found: list[Piece | None] = [None] * len(columns)
    before = -1
    for cell in row.cells:
        at = _column(cell, columns)
        if at < before:
            return ()
        there = found[at]
        found[at], before = stacked(there, cell) if there else cell, at
    return tuple(found)


def _column(cell: Piece, columns: Sequence[tuple[float, float]]) -> int:
    """The first column that the cell stands in, else the nearest."""
    nearest, distance = 0, math.inf
    for number, (left, right) in enumerate(columns):
        if cell.left < right and cell.right > left:
            return number
        apart = max(left - cell.right, cell.left - right)
        if apart < distance:
            nearest, distance = number, apart
    return nearest


def _aligned(rows: Sequence[_Cells], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether the cells of each column but the first share their left or right edge, or their middle."""
    good = total = 0
    for number in range(1, len(columns)):
        cells = [cell for row in rows if (cell := row[number])]
        if len(cells) < 2:
            continue
        edges = ([cell.left for cell in cells], [cell.right for cell in cells])
        middles = [(cell.left + cell.right) / 2 for cell in cells]
        good += max(_together(found) for found in (*edges, middles))
        total += len(cells)
    return total >= 2 and good >= total * 0.85


def _together(edges: Sequence[float]) -> int:
    """How many of the places lie close to one of them, at most."""
    ordered = sorted(edges)
    best = first = 0
    for last, edge in enumerate(ordered):
        while edge - ordered[first] > 2 * NEAR:
            first += 1
        best = max(best, last - first + 1)
    return best


def _crowded(rows: Sequence[_Cells]) -> bool:
    """Whether cells hold two numbers: columns that stand too close to be told apart."""
    return sum(
        any(cell and " " in cell.text and len(cell.text) <= LONG and _TWO_NUMBERS.search(cell.text) for cell in row)
        for row in rows
    ) * 8 > len(rows)


def _contents(rows: Sequence[_Cells]) -> bool:
    """Whether this lists headings with their pages, which only rise."""
    if any(cell and _LEADERS.search(cell.text) for row in rows for cell in row):
        return True
    if any(cell and is_number(cell.text) for row in rows for cell in row[1:-1]):
        return False
    last = [cell.text for row in rows if (cell := row[-1])]
    pages = [int(text) for text in last if text.isdecimal() and len(text) < 5]
    rising = all(one <= other for one, other in pairwise(pages))
    return len(pages) >= 3 and len(pages) >= len(last) - 1 and rising


def _listed(rows: Sequence[_Cells]) -> bool:
    """Whether the first column holds but the marks of a list, or says the same over and over, as logs do."""
    first = [row[0].text for row in rows if row[0] and any(row[1:])]
    return len(set(first)) * 2 < len(first) or sum(bool(_MARK.fullmatch(text)) for text in first) * 2 > len(first)


def _prose(rows: Sequence[Row], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether the lines of two columns or more are full: text that runs on from line to line."""
    full = 0
    placed: list[list[Piece]] = [[] for _ in columns]
    for row in rows:
        for cell in row.cells:
            placed[_column(cell, columns)].append(cell)
    for (left, right), cells in zip(columns, placed, strict=True):
        long = [cell for cell in cells if cell.right - cell.left >= 0.8 * (right - left) and len(cell.text) > 25]
        full += bool(cells) and len(long) * 2 > len(cells)
    return full >= 2


def _head(rows: Sequence[_Cells], *, numeric: bool) -> int:
    """How many of the rows are the header: those before the first with a number, else the first if it is full."""
    head, first = 0, next((at for at, row in enumerate(rows) if sum(map(bool, row)) > 1), 0)
    if not numeric:
        full = all(cell is None or len(cell.text) <= SHORT for cell in rows[first]) and not _numbered(rows[first])
        return first + 1 if full and sum(map(bool, rows[first])) * 2 > len(rows[first]) else 0
    for at, row in enumerate(rows[first : first + _MOST_HEAD + 1], first):
        if _numbered(row):
            return head
        if any(row[1:]):
            head = at + 1
    return 0


def _numbered(cells: _Cells) -> bool:
    """Whether a cell, the first and years aside, is a number: the names of columns are none."""
    return any(cell and is_number(cell.text) and not YEAR.fullmatch(cell.text) for cell in cells[1:])


def _begin(block: Sequence[Row], columns: Sequence[tuple[float, float]], head: int) -> int:
    """The row that the table begins with: lines before it count where they stand over columns, as titles do not."""
    start = next(at for at, row in enumerate(block) if len(row.cells) > 1)
    left, right = columns[0][0], columns[-1][1]
    while start and head:
        above = block[start - 1]
        centred = abs((above.left + above.right) - (left + right)) < 0.06 * (right - left)
        if centred or above.left < columns[1][0] - 2 * above.height:
            break
        start -= 1
    return start


_TWO_NUMBERS = re.compile(r"(?:^| )\d[\d.,]*\d \(?[$€£¥]? ?\d[\d.,]*\d\)?$")
_LEADERS = re.compile(r"\.{4}|(?:\. ){4}|…")
_MARK = re.compile(r"[^\w$€£¥]|o|\(?[0-9a-zA-Z]{1,4}[.)]")
_LEAST_ROWS, _LEAST_TEXT_ROWS, _LEAST = 2, 3, 5
_MOST_SINGLE, _NEIGHBOURS = 3, 12
_MOST_COLUMNS = 40
_MOST_HEAD = 6
