"""XLSX (ECMA-376, SpreadsheetML), read as a stream of rows: what each cell shows.

No library gives that: openpyxl takes 17 s for 500,000 cells, python-calamine and kreuzberg leave the number formats out
(docs/decisions/0047).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from hybridrag.parsing.office.composition import Composition
from hybridrag.parsing.office.number_formats import BUILT_IN, shown
from hybridrag.parsing.office.package import Package, attribute, local
from hybridrag.parsing.office.sheets import write_sheet
from hybridrag.parsing.parsed import counted
from hybridrag.parsing.refusals import broken
from hybridrag.parsing.text import clean

_WIDEST = 16_384
"""Columns of a sheet, by the format's own limit."""


@dataclass(frozen=True, slots=True)
class _Book:
    strings: list[str]
    formats: list[str]
    since_1904: bool


def write_workbook(package: Package, into: Composition) -> tuple[str, ...]:
    """Writes all sheets, hidden ones too; notes on what is not as its reader would see it."""
    main = package.main_part()
    workbook, relations = package.xml(main), package.relations(main)
    properties = next((item for item in workbook if local(item) == "workbookPr"), None)
    book = _Book(
        strings=[
            text for kind, part in relations.values() if kind == "sharedStrings" for text in _strings(package, part)
        ],
        formats=[text for kind, part in relations.values() if kind == "styles" for text in _formats(package, part)],
        since_1904=properties is not None and properties.get("date1904") in {"1", "true"},
    )
    hidden, waiting, seen = 0, 0, set[str]()
    for sheet in (item for group in workbook if local(group) == "sheets" for item in group):
        kind, part = relations.get(attribute(sheet, "id"), ("", ""))
        if kind != "worksheet":  # a chart sheet or a macro sheet holds no cells
            continue
        if part in seen:
            raise broken()
        seen.add(part)
        hidden += sheet.get("state", "visible") != "visible"
        reader = _Sheet(package, part, book)
        write_sheet(into, sheet.get("name", ""), reader.rows())
        waiting += reader.waiting
    notes = [f"{counted(hidden, 'hidden sheet')} indexed too"] if hidden else []
    if waiting:
        notes.append(f"{waiting} formulas without a value: open it in its program and save it")
    return tuple(notes)


class _Sheet:
    def __init__(self, package: Package, part: str, book: _Book) -> None:
        self.waiting = 0
        """Formulas that no program has worked out yet."""
        self._package, self._part, self._book = package, part, book
        self._merged = _merged_down(package.read(part))
        self._spanning: dict[int, tuple[int, str]] = {}

    def rows(self) -> Iterator[list[str]]:
        """Every row with its cells from column A on. A gap is one empty row, however wide it is."""
        last = 0
        for element in self._package.elements(self._part, "row"):
            number = _number(element.get("r")) or last + 1
            if number > last + 1:
                yield []
            last = number
            yield self._row(element, number)

    def _row(self, element: Element, number: int) -> list[str]:
        row: list[str] = []
        for cell in element:
            if not cell.tag.endswith("}c"):
                continue
            column = _column(cell.get("r", "")) or len(row) + 1
            if column > _WIDEST:
                raise broken()
            if len(row) < column:
                row.extend([""] * (column - len(row)))
            row[column - 1] = self._text(cell)
        self._fill(row, number)
        return row

    def _fill(self, row: list[str], number: int) -> None:
        """Cells merged over several rows are read in each of them."""
        for column, last in self._merged.pop(number, ()):
            if len(row) >= column and row[column - 1]:
                self._spanning[column] = (last, row[column - 1])
        for column, (last, text) in list(self._spanning.items()):
            if number > last:
                del self._spanning[column]
            elif any(row):
                row.extend([""] * (column - len(row)))
                row[column - 1] = row[column - 1] or text

    def _text(self, cell: Element) -> str:
        kind, value, formula = cell.get("t", "n"), "", False
        for part in cell:
            name = part.tag
            if name.endswith("}v"):
                value = part.text or ""
            elif name.endswith("}is"):
                return _string(part)
            elif name.endswith("}f"):
                formula = True
        if formula and not value and kind != "str":
            self.waiting += 1
        if kind == "s":
            place = _number(value)
            return self._book.strings[place] if value.isdigit() and place < len(self._book.strings) else ""
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if kind in {"str", "e", "d"}:
            return _unescaped(value)
        style = _number(cell.get("s"))
        written = self._book.formats[style] if style < len(self._book.formats) else ""
        return shown(value, written, since_1904=self._book.since_1904)


def _merged_down(content: bytes) -> dict[int, list[tuple[int, int]]]:
    """Cells that are merged over several rows: first row to column and last row."""
    merged: dict[int, list[tuple[int, int]]] = {}
    for letters, first, last in _MERGED.findall(content):
        column = _column(letters.decode())
        if int(last) > int(first) and column <= _WIDEST:
            merged.setdefault(int(first), []).append((column, int(last)))
    return merged


def _strings(package: Package, part: str) -> Iterator[str]:
    for item in package.elements(part, "si"):
        yield _string(item)


def _string(item: Element) -> str:
    """The text of a string, all its runs, without the reading aid that Japanese may have (`rPh`)."""
    texts = []
    for part in item:
        name = local(part)
        if name == "t":
            texts.append(part.text or "")
        elif name == "r":
            texts.extend(inner.text or "" for inner in part if local(inner) == "t")
    return _unescaped("".join(texts))


def _formats(package: Package, part: str) -> list[str]:
    """The number format of each cell style."""
    styles = package.xml(part)
    own = {
        _number(item.get("numFmtId")): item.get("formatCode", "")[:_LONGEST_FORMAT]
        for group in styles if local(group) == "numFmts" for item in group
    }  # fmt: skip
    ids = [_number(item.get("numFmtId")) for group in styles if local(group) == "cellXfs" for item in group]
    return [own.get(number, BUILT_IN.get(number, "")) for number in ids]


def _column(reference: str) -> int:
    """The number of a cell's column: `AB12` gives 28, 0 for none."""
    number = 0
    for letter in reference:
        if not "A" <= letter <= "Z":
            break
        number = number * 26 + ord(letter) - 64
    return number


def _number(written: str | None) -> int:
    return int(written) if written is not None and written.isascii() and written.isdigit() and len(written) < 10 else 0


def _unescaped(text: str) -> str:
    """`_x000D_` stands for the character of that number, and may stand for one that cannot be stored."""
    return clean(_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text))[0] if "_x" in text else text


_LONGEST_FORMAT = 255
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s+ref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
