"""Text and tables of OpenDocument (ISO/IEC 26300), which its texts, sheets and slides share."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element

from hybridrag.parsing.office.package import attribute, local
from hybridrag.parsing.refusals import broken

SKIPPED = {
    "tracked-changes",
    "annotation",
    "annotation-end",
    "table-of-content",
    "note-citation",
    "notes",
    "desc",
    "title",
    "sequence-decls",
    "forms",
    "page-thumbnail",
    "ruby-text",
}
"""What is deleted, said about the text, or says again what stands elsewhere."""
BESIDE = {"text-box", "table", "object"}
"""What floats beside the paragraph that it stands in."""
_BLANKS = {"s": " ", "tab": "\t", "line-break": "\n"}
_MOST_BLANKS = 1000
_WIDEST, _LONGEST = 16_384, 1_048_576
"""Columns and rows that a sheet may have; no program has larger ones."""


def outermost(element: Element, names: set[str]) -> Iterator[Element]:
    """The elements of some names inside another, none from inside one of them, nothing from what is skipped."""
    waiting = list(reversed(element))
    while waiting:
        found = waiting.pop()
        if local(found) in names:
            yield found
        elif local(found) not in SKIPPED:
            waiting.extend(reversed(found))


def words(element: Element, *, verbatim: bool = False) -> str:
    """The text of a paragraph, or of all paragraphs in an element; `verbatim` keeps its blanks and line ends.

    What floats beside a paragraph is left out, a footnote but for its number.
    """
    pieces: list[str] = []
    waiting: list[Element | str] = [element]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            pieces.append(found)
            continue
        name = local(found)
        if name in SKIPPED or (name in BESIDE and local(element) in {"p", "h"}):
            continue
        if name == "note":
            mark = next((part.text or "" for part in found if local(part) == "note-citation"), "")
            pieces.append(f"[^{mark.strip()}]")
            continue
        pieces.append(_BLANKS.get(name, "") * min(_repeated(found, "c"), _MOST_BLANKS))
        inner: list[Element | str] = [found.text or ""]
        for child in found:
            inner += [child, child.tail or ""]
        if name in {"p", "h"} and found is not element:
            inner.append("\n")
        waiting.extend(reversed(inner))
    text = "".join(pieces).replace("\xad", "")
    return text if verbatim else " ".join(text.split())


def _repeated(element: Element, name: str) -> int:
    written = attribute(element, name)
    return int(written) if written.isdigit() and len(written) < 10 else 1


def _rows(table: Element) -> Iterator[Element]:
    """The rows of a table, of its header and its groups too."""
    for child in table:
        if local(child) == "table-row":
            yield child
        elif local(child) in {"table-header-rows", "table-rows", "table-row-group"}:
            yield from _rows(child)


def rows_of(table: Element) -> Iterator[list[str]]:
    """The rows with what each cell shows; one that spans rows is read in each of them."""
    spanned: dict[int, tuple[int, str]] = {}
    for row in _rows(table):
        texts: list[str] = []
        empty = 0
        for cell in row:
            name = local(cell)
            if name not in {"table-cell", "covered-table-cell"}:
                continue
            column, text = len(texts) + empty, _shown(cell)
            left, above = spanned.get(column, (0, ""))
            if name == "covered-table-cell" and left and not text:
                text = above
                spanned[column] = (left - 1, above)
            rows = _repeated(cell, "number-rows-spanned")
            if rows > 1:
                spanned[column] = (rows - 1, text)
            times = _repeated(cell, "number-columns-repeated")
            if not text:  # empty cells repeat to the end of the sheet: they count only before one that holds something
                empty += times
            elif column + times > _WIDEST:
                raise broken()
            else:
                texts += [""] * empty + [text] * times
                empty = 0
        times = _repeated(row, "number-rows-repeated") if texts else 1
        if times > _LONGEST:
            raise broken()
        for _ in range(times):
            yield texts


def _shown(cell: Element) -> str:
    if len(cell) == 1 and not len(cell[0]):  # nearly every cell of a sheet
        return " ".join((cell[0].text or "").split())
    return " ".join(words(part) for part in cell if local(part) in {"p", "list", "h"})
