"""Text put together part by part, with Markdown's marks: what is where is known, and need not be found again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from hybridrag.parsing.markup.blocks import is_caption
from hybridrag.parsing.markup.writing import fenced, table_cell, table_row, table_rule
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.refusals import too_long
from hybridrag.parsing.text import clean
from hybridrag.types import Block, BlockKind, Heading, Page

MOST_TEXT = 20_000_000
"""Characters of a document that are put together at all: a few kilobytes may stand for more than any memory holds."""
_BETWEEN = "\n\n"
_Row = TypeVar("_Row", bound=Sequence[str])
_Made = TypeVar("_Made")


class Composition:
    """The text so far. Every part stands after a blank line."""

    def __init__(self) -> None:
        self.headings: list[Heading] = []
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._pages: list[int] = []
        self._caption: int | None = None

    def page(self) -> None:
        """The next page begins with the next part."""
        self._pages.append(len(self._parts))

    def heading(self, level: int, title: str) -> None:
        title = one_line(title)
        if title:
            level = min(max(level, 1), 6)
            self.headings.append(Heading(self._add(f"{'#' * level} {title}"), level, title))

    def paragraph(self, text: str, *, caption: bool = False) -> None:
        """`caption`: it belongs to the table that follows, whatever it reads like."""
        text = clean(text)[0].strip()
        if text:
            start = self._add(text)
            self._caption = start if caption or ("\n" not in text and is_caption(text)) else None

    def items(self, items: Sequence[tuple[int, str, str]]) -> None:
        """A list: depth (from 0), mark (`-`, `1.`) and text of each item."""
        lines = []
        for depth, mark, text in items:
            indent = "    " * min(depth, 8)
            body = clean(text)[0].strip().replace("\n", f"\n{indent}  ")
            if body:
                lines.append(f"{indent}{mark} {body}")
        if lines:
            self._block("list", "\n".join(lines))

    def code(self, text: str) -> None:
        text = clean(text)[0].strip("\n")
        if text.strip():
            self._block("code", fenced(text))

    def table(self, rows: Sequence[Sequence[str]], *, caption: str = "") -> None:
        """The first row is the header; empty rows and columns are left out.

        One that says something in its first cell only is a title over rows of more, and becomes the caption.
        """
        table = _filled(list(_each_once(lambda row: [table_cell(text) if text else "" for text in row], rows)))
        if not table:
            return
        above = self._caption
        if not caption and above is None and _begins_with_title(table):
            caption, table = table[0][0], table[1:]
        header, rule = table_row(table[0]), table_rule(len(table[0]))
        head = f"{one_line(caption)}\n{header}\n{rule}" if one_line(caption) else f"{header}\n{rule}"
        start = self._add("\n".join([head, *_each_once(table_row, table[1:])]))
        end = self._length
        head_end = min(start + len(head) + 1, end)
        self._blocks.append(Block("table", start if above is None else above, end, head_end))

    def parsed(self, **fields: Any) -> Parsed:
        """The document; `fields` are the other fields of a `Parsed`."""
        return Parsed(
            text=_BETWEEN.join(self._parts) + ("\n" if self._parts else ""),
            pages=tuple(self._numbered_pages()),
            headings=tuple(self.headings),
            blocks=tuple(self._blocks),
            **fields,
        )

    def _numbered_pages(self) -> list[Page]:
        starts, here = [], 0
        for part in self._parts:
            starts.append(here)
            here += len(part) + len(_BETWEEN)
        starts.append(max(0, here - len(_BETWEEN)))
        firsts = [starts[first] for first in self._pages]
        ends = [max(first, following - len(_BETWEEN)) for first, following in pairwise(firsts)]
        return [
            Page(number, start, end)
            for number, (start, end) in enumerate(zip(firsts, [*ends, self._length], strict=False), 1)
        ]

    def _block(self, kind: BlockKind, text: str) -> None:
        start = self._add(text)
        self._blocks.append(Block(kind, start, self._length, start))

    def _add(self, part: str) -> int:
        start = self._length + (len(_BETWEEN) if self._parts else 0)
        self._parts.append(part)
        self._length = start + len(part)
        if self._length > MOST_TEXT:
            raise too_long(MOST_TEXT)
        self._caption = None
        return start


def _begins_with_title(table: list[list[str]]) -> bool:
    return len(table) > 2 and bool(table[0][0]) and not any(table[0][1:]) and sum(map(bool, table[1])) > 1


def _filled(rows: list[list[str]]) -> list[list[str]]:
    """The rows that hold anything, all as wide as the widest, without columns that are empty in all."""
    rows = [row for row in rows if any(row)]
    used = sorted({number for row in rows for number, text in enumerate(row) if text})
    return list(_each_once(lambda row: [row[number] if number < len(row) else "" for number in used], rows))


def _each_once(make: Callable[[_Row], _Made], rows: Iterable[_Row]) -> Iterator[_Made]:
    """What is made of each row; the same for neighbours that are one and the same, as repeated rows are."""
    before: _Row | None = None
    for row in rows:
        if row is not before:
            made, before = make(row), row
        yield made
