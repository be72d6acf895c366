"""A page as lines of text, its tables one row a line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hybridrag.parsing.pdf.tables import Table
from hybridrag.parsing.pdf.tags import TaggedHeading


@dataclass(frozen=True, slots=True)
class Line:
    """How a line is set: its font size in points and its height on the page, 0 where they were not measured.

    A line has no size where it begins in a larger one than it goes on in.
    """

    size: float
    top: float


@dataclass(frozen=True, slots=True)
class Rows:
    """The lines `first` up to `last`, not included, are a table, those before `head` its caption and header."""

    first: int
    head: int
    last: int


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of a page, its lines if they were measured, and whether anything is drawn on it.

    `tables` and `headings`, those that are tagged, count its lines from 0.
    """

    text: str
    lines: tuple[Line, ...]
    drawn: bool
    tables: tuple[Rows, ...] = ()
    headings: tuple[TaggedHeading, ...] = ()


def laid_out(
    said: Sequence[str], lines: tuple[Line, ...], tables: Sequence[Table], headings: Sequence[TaggedHeading]
) -> PageText:
    """The page with these lines of text, in which the lines of each table become its rows."""
    texts: list[str] = []
    kept: list[Line] = []
    rows: list[Rows] = []
    at: list[int] = []
    number = 0
    for table in sorted(tables, key=lambda table: table.first):
        at.extend(range(len(texts), len(texts) + table.first - number))
        texts.extend(said[number : table.first])
        kept.extend(lines[number : table.first])
        first = len(texts)
        caption = bool(texts) and _CAPTION.match(texts[-1]) is not None
        texts.extend(row_text(row) for row in table.rows)
        kept.extend(lines[table.first : table.first + 1] * len(table.rows))
        rows.append(Rows(first - caption, first + table.head, len(texts)))
        at.extend([first] * (table.last - table.first))
        number = table.last
    at.extend(range(len(texts), len(texts) + len(said) - number))
    texts.extend(said[number:])
    kept.extend(lines[number:])
    inside = {line for table in tables for line in range(table.first, table.last)}
    moved = tuple(
        TaggedHeading(at[head.first], at[head.last - 1] + 1, head.level)
        for head in headings
        if inside.isdisjoint(range(head.first, head.last))
    )
    return PageText("\n".join(texts), tuple(kept), drawn=True, tables=tuple(rows), headings=moved)


def row_text(cells: Sequence[str]) -> str:
    """A row on one line, a tab between cells and none after its last word; a bar for a first cell that is empty."""
    first, *others = (" ".join(cell.split()) for cell in cells)
    return "\t".join((first or "|", *others)).rstrip()


_CAPTION = re.compile(r"(?:Table|Tabelle|Tableau|Tabla|Tabella|Exhibit|Schedule) (?:\d|[IVXA-Z]\b).{0,180}$")
