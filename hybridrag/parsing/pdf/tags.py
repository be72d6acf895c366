"""The tags of a page (its structure tree, ISO 32000-1, 14.7): which words are a heading, or stand in which cell.

Word, LibreOffice and others write them. A tree may be deep, endless or a lie: it is read up to a size that grows with
the page's text, and counts only where its words stand together in the text.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from hybridrag.parsing.pdf.tables import Table

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TaggedHeading:
    """The lines `first` up to `last`, not included, are a heading of this level."""

    first: int
    last: int
    level: int


@dataclass(slots=True)
class _Cell:
    row: int
    column: int
    header: bool


@dataclass(slots=True)
class _Table:
    rows: list[list[_Cell]] = field(default_factory=list)

    @property
    def headed(self) -> bool:
        """Whether it has a row of nothing but header cells."""
        return any(row and all(cell.header for cell in row) for row in self.rows)


@dataclass(frozen=True, slots=True)
class _Place:
    """What a piece of marked content belongs to."""

    heading: tuple[int, int] | None
    table: _Table | None
    cell: _Cell | None


def tagged(
    raw: Any, page: PdfPage, text_page: Any, text: str, spans: Sequence[Span], index: Callable[[int], int]
) -> tuple[list[TaggedHeading], list[Table]]:
    """Headings and tables in order; none where the page has no tags for them."""
    tree = raw.FPDF_StructTree_GetForPage(page)
    if not tree:
        return [], []
    try:
        places = _Reading(raw, 2 * len(text) + 500).read(tree)
    finally:
        raw.FPDF_StructTree_Close(tree)
    if not any(place.heading or (place.table and place.table.headed) for place in places.values()):
        return [], []
    words = [_words(raw, text_page, text, span, index, places) for span in spans]
    return _headings(text, spans, words), _tables(words)


class _Reading:
    """Reads a tree, `budget` elements of it at most."""

    def __init__(self, raw: Any, budget: int) -> None:
        self._raw = raw
        self._budget = budget
        self._headings = 0
        self._places: dict[int, _Place] = {}
        self._buffer = ctypes.create_string_buffer(64)

    def read(self, tree: Any) -> Mapping[int, _Place]:
        """The place of marked content by its number, for that in headings and tables."""
        raw = self._raw
        for number in range(raw.FPDF_StructTree_CountChildren(tree)):
            if self._budget <= 0:
                break
            self._budget -= 1
            if child := raw.FPDF_StructTree_GetChildAtIndex(tree, number):
                self._walk(child, _Place(None, None, None), 0)
        return self._places

    def _walk(self, element: Any, place: _Place, depth: int) -> None:
        if depth > _DEEPEST:
            return
        raw = self._raw
        kind = self._type(element)
        if place.heading is None and (level := _LEVELS.get(kind)):
            self._headings += 1
            place = _Place((self._headings, level), None, None)
        elif kind == "Table" and place.table is None and place.heading is None:
            place = _Place(None, _Table(), None)
        elif place.table is not None and place.cell is None:
            if kind == "TR":
                place.table.rows.append([])
            elif kind in {"TH", "TD"} and place.table.rows:
                row = place.table.rows[-1]
                cell = _Cell(len(place.table.rows) - 1, row[-1].column + self._wide if row else 0, kind == "TH")
                self._wide = self._columns(element)
                row.append(cell)
                place = _Place(None, place.table, cell)
        for number in range(raw.FPDF_StructElement_CountChildren(element)):
            if self._budget <= 0:
                return
            self._budget -= 1
            if child := raw.FPDF_StructElement_GetChildAtIndex(element, number):
                self._walk(child, place, depth + 1)
            elif place.heading or place.cell:
                content = raw.FPDF_StructElement_GetChildMarkedContentID(element, number)
                if content >= 0:
                    self._places[content] = place

    def _type(self, element: Any) -> str:
        length = self._raw.FPDF_StructElement_GetType(element, self._buffer, 64)
        return self._buffer.raw[: max(0, length - 2)].decode("utf-16-le", "replace") if 2 < length <= 64 else ""

    def _columns(self, element: Any) -> int:
        """How many columns a cell takes."""
        raw = self._raw
        for number in range(min(raw.FPDF_StructElement_GetAttributeCount(element), 8)):
            attributes = raw.FPDF_StructElement_GetAttributeAtIndex(element, number)
            value = attributes and raw.FPDF_StructElement_Attr_GetValue(attributes, b"ColSpan")
            found = ctypes.c_float()
            if value and raw.FPDF_StructElement_Attr_GetNumberValue(value, found) and 1 <= found.value <= _MOST_COLUMNS:
                return int(found.value)
        return 1

    _wide = 1


_Word = tuple[str, "_Place | None"]


def _words(
    raw: Any, text_page: Any, text: str, span: Span, index: Callable[[int], int], places: Mapping[int, _Place]
) -> list[_Word]:
    words: list[_Word] = []
    at, end = span
    for word in text[at:end].split():
        at = text.index(word, at, end)
        thing = raw.FPDFText_GetTextObject(text_page, index(at))
        words.append((word, places.get(raw.FPDFPageObj_GetMarkedContentID(thing)) if thing else None))
        at += len(word)
    return words


def _headings(text: str, spans: Sequence[Span], lines: Sequence[Sequence[_Word]]) -> list[TaggedHeading]:
    """Those that fill their lines."""
    of = [{place.heading if place else None for _, place in words} for words in lines]
    found = []
    for (only, heading), group in groupby(enumerate(of), lambda line: (len(line[1]) == 1, next(iter(line[1]), None))):
        numbers = [number for number, _ in group]
        if only and heading and sum(len(text[slice(*spans[number])]) for number in numbers) <= _LONGEST:
            found.append(TaggedHeading(numbers[0], numbers[-1] + 1, heading[1]))
    return found


def _tables(lines: Sequence[Sequence[_Word]]) -> list[Table]:
    found = []
    of = [next((place.table for _, place in words if place and place.table), None) for words in lines]
    for table, group in groupby(enumerate(of), lambda line: id(line[1]) if line[1] else None):
        numbers = [number for number, _ in group]
        if table is not None and (made := _table(of[numbers[0]], numbers[0], numbers[-1] + 1, lines)):
            found.append(made)
    return found


def _table(table: _Table | None, first: int, last: int, lines: Sequence[Sequence[_Word]]) -> Table | None:
    """The table in these lines; None where words do not stand in the order of its cells, or it has no header."""
    assert table is not None
    columns = max((row[-1].column + 1 for row in table.rows if row), default=0)
    if not 2 <= columns <= _MOST_COLUMNS:
        return None
    rows: dict[int, list[str]] = {}
    before = (-1, -1)
    for words in lines[first:last]:
        for word, place in words:
            cell = place.cell if place and place.table is table else None
            if cell is None or (cell.row, cell.column) < before:
                return None
            before = (cell.row, cell.column)
            texts = rows.setdefault(cell.row, [""] * columns)
            texts[cell.column] = f"{texts[cell.column]} {word}".lstrip()
    head = 0
    for number in rows:
        if not all(cell.header for cell in table.rows[number]):
            break
        head += 1
    if not 0 < head < len(rows):
        return None
    return Table(first, last, head, tuple(tuple(texts) for texts in rows.values()))


_LEVELS = {**{f"H{level}": level for level in range(1, 7)}, "H": 1, "Title": 1}
_DEEPEST = 64
_MOST_COLUMNS = 40
_LONGEST = 200
