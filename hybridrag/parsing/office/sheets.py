"""Workbooks: every sheet a heading, what stands on it as tables with their header row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hybridrag.parsing.office.composition import MOST_TEXT, Composition
from hybridrag.parsing.refusals import too_long

Row = Sequence[str]

_LONGEST_CAPTION = 300


def write_sheet(into: Composition, name: str, rows: Iterable[Row]) -> None:
    """Writes a sheet of cells as they are shown; an empty row is an empty sequence.

    Empty rows part it into areas. The first row of an area is its header. One whose first row holds a number goes on
    with the table above, as a header hardly does. Rows of a single cell above a table are its caption.
    """
    into.heading(1, name)
    table: list[Row] = []
    for area in _areas(rows):
        if table and (_has_number(area[0]) or len(area) == 1) and _width(area) > 1:
            table.extend(area)
            continue
        _write(into, table)
        table = area
    _write(into, table)


def _areas(rows: Iterable[Row]) -> Iterator[list[Row]]:
    area: list[Row] = []
    length = 0
    for row in rows:
        length += sum(map(len, row)) + len(row)
        if length > MOST_TEXT:
            raise too_long(MOST_TEXT)
        if any(text.strip() for text in row):
            area.append(row)
        elif area:
            yield area
            area = []
    if area:
        yield area


def _write(into: Composition, area: list[Row]) -> None:
    first = 0
    if _width(area) > 1:
        while first < len(area) and _cells(area[first]) == 1:
            first += 1
    elif len(area) == 1:
        first = 1
    above = [next(text for text in row if text.strip()) for row in area[:first]]
    caption = " ".join(above)
    if first < len(area) and len(caption) <= _LONGEST_CAPTION:
        into.table(area[first:], caption=caption)
        return
    for text in above:
        into.paragraph(text)
    into.table(area[first:])


def _cells(row: Row) -> int:
    return sum(bool(text.strip()) for text in row)


def _width(area: list[Row]) -> int:
    """The most cells that a row holds."""
    return max((_cells(row) for row in area), default=0)


def _has_number(row: Row) -> bool:
    return any(text[:1].isdigit() or text[:2].strip("+-").isdigit() for text in row if text)
