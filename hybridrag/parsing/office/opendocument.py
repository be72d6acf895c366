"""OpenDocument (ISO/IEC 26300): texts, sheets and slides, which share one vocabulary.

kreuzberg 4.10 loses the words of links, text boxes and all but the first paragraph of a cell, and reads no slides
(docs/decisions/0047), so the XML is read here.
"""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

from hybridrag.parsing.markup.writing import linked, raised
from hybridrag.parsing.office.composition import Composition
from hybridrag.parsing.office.formulas import linear
from hybridrag.parsing.office.opendocument_styles import Styles
from hybridrag.parsing.office.opendocument_text import BESIDE, SKIPPED, outermost, rows_of, words
from hybridrag.parsing.office.package import Package, attribute, local, resolved
from hybridrag.parsing.office.sheets import write_sheet
from hybridrag.parsing.parsed import counted
from hybridrag.parsing.refusals import broken, locked, nested

_CONTENT = "content.xml"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_DEEPEST = 50
_MOST_BEFORE_ROOT = 2000
_MOST_LEVELS = 10
_NUMBER = re.compile(r"[0-9]{1,8}")
_FURNITURE = {"page-number", "date-time", "footer", "header"}


def write_opendocument(package: Package, into: Composition) -> tuple[str, ...]:
    """Writes a text, all sheets of a workbook, or all slides, hidden ones too; notes tell how many those are."""
    if "META-INF/manifest.xml" in package and b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise locked()
    root = package.xml(_CONTENT)
    body = next((part for part in root if local(part) == "body"), None)
    if body is None:
        raise broken()
    _formulas_in_place(package, body)
    walk = _Walk(package, root, into)
    _write_marks(body, walk.styles)
    hidden = {"sheet": 0, "slide": 0}
    for part in body:
        if local(part) == "spreadsheet":
            for sheet in (child for child in part if local(child) == "table"):
                hidden["sheet"] += walk.styles.hidden(attribute(sheet, "style-name"))
                write_sheet(into, attribute(sheet, "name"), rows_of(sheet))
        elif local(part) == "presentation":
            pages = (child for child in part if local(child) == "page")
            for number, page in enumerate(pages, 1):
                hidden["slide"] += walk.styles.hidden(attribute(page, "style-name"))
                into.page()
                walk.slide(page, number)
        else:
            walk.blocks(part)
    notes = [f"{counted(number, f'hidden {kind}')} indexed too" for kind, number in hidden.items() if number]
    if any(local(element) == "annotation" for element in body.iter()):
        notes.append("its comments were not indexed")
    return tuple(notes)


def _formulas_in_place(package: Package, body: Element) -> None:
    """Puts the text of each formula, which is a file in the file, where the formula stands."""
    for element in [found for found in body.iter() if local(found) == "object"]:
        part = f"{resolved('', attribute(element, 'href'))}/content.xml"
        formula = next((inner for inner in element if local(inner) == "math"), None)
        if formula is None and part in package and b"math" in package.read(part)[:_MOST_BEFORE_ROOT]:
            formula = package.xml(part)
        if formula is not None and local(formula) == "math":
            spoken = next((inner.text for inner in formula.iter() if local(inner) == "annotation"), None)
            tail = element.tail
            element.clear()
            element.tag, element.text, element.tail = "formula", spoken or linear(formula), tail


def _write_marks(body: Element, styles: Styles) -> None:
    """Writes out what only the look of the text says: raised numbers, and where links lead."""
    if styles.raised:
        for paragraph in (*body.iter(f"{_TEXT}p"), *body.iter(f"{_TEXT}h")):
            before = paragraph.text or ""
            for part in paragraph:
                if part.tag == f"{_TEXT}span" and not len(part) and attribute(part, "style-name") in styles.raised:
                    part.text = raised(part.text or "", before)
                before = part.tail or "".join(part.itertext())
    titles = {id(link) for heading in body.iter(f"{_TEXT}h") for link in heading.iter(f"{_TEXT}a")}
    for link in body.iter(f"{_TEXT}a"):
        said = "".join(link.itertext())
        written = linked(said, attribute(link, "href"))
        if said.strip() and written != said and id(link) not in titles:
            link.text = f"[{link.text or ''}"
            link.tail = f"{written[len(said) + 1 :]}{link.tail or ''}"


class _Walk:
    def __init__(self, package: Package, root: Element, into: Composition) -> None:
        self.styles = Styles(package, root)
        self._package = package
        self._into = into
        self._code: list[str] = []
        self._items: list[tuple[int, str, str]] = []
        self._numbers: dict[str, int] = {}
        self._counted: dict[str, list[int]] = {}

    def slide(self, page: Element, number: int) -> None:
        """The title, what else stands on it, its notes."""
        titles = [frame for frame in page if attribute(frame, "class") == "title"]
        into = self._into
        into.heading(1, " ".join(words(frame) for frame in titles) or f"Slide {number}")
        for child in page:
            if attribute(child, "class") not in {"title", *_FURNITURE}:
                self._block(child, 0)
        self._end()
        for notes in (child for child in page if local(child) == "notes"):
            frames = (frame for frame in notes if attribute(frame, "class") not in _FURNITURE)
            text = " ".join(words(frame) for frame in frames).strip()
            into.paragraph(f"Notes: {text}" if text else "")

    def blocks(self, parent: Element, depth: int = 0) -> None:
        """What stands in a body, a section, a frame."""
        for child in parent:
            self._block(child, depth)
        if not depth:
            self._end()

    def _block(self, element: Element, depth: int) -> None:
        name = local(element)
        if name in SKIPPED:
            return
        if depth > _DEEPEST:
            raise nested()
        meant = self.styles.meant(attribute(element, "style-name")) if name == "p" else ""
        if meant == "code":
            self._end_list()
            self._code.append(words(element, verbatim=True))
            return
        self._end_code()
        if name != "list":
            self._end_list()
        if name == "h":
            self._heading(element)
        elif name == "p" and meant == "title":
            self._into.heading(1, words(element))
        elif name == "p":
            self._into.paragraph(words(element), caption=meant == "caption")
        elif name == "list":
            self._list(element, depth)
        elif name == "table":
            self._into.table(list(rows_of(element)))
        elif name in {"object", "object-ole"}:
            self._object(element)
        else:
            self.blocks(element, depth + 1)
        if name in {"h", "p", "list", "table"}:
            self._floating(element, depth)

    def _heading(self, element: Element) -> None:
        """A heading with its number, which stands nowhere in its words."""
        written = attribute(element, "outline-level")
        level = min(max(int(written), 1), _MOST_LEVELS) if _NUMBER.fullmatch(written) else 1
        said = words(element)
        numbering = self.styles.counted_by(attribute(element, "style-name"))
        if said and numbering is not None and attribute(element, "is-list-header") != "true":
            numbers = self._counted.setdefault(numbering, [])
            for depth in range(len(numbers), level):
                numbers.append(self.styles.start(numbering, depth) - (depth == level - 1))
            del numbers[level:]
            start = attribute(element, "start-value")
            numbers[-1] = int(start) if _NUMBER.fullmatch(start) else numbers[-1] + 1
            said = f"{self.styles.mark(numbering, numbers)} {said}".strip()
        self._into.heading(level, said)

    def _floating(self, element: Element, depth: int) -> None:
        """What is anchored in a paragraph and stands beside it: footnotes, text boxes, tables in cells, objects."""
        for inner in outermost(element, {"note", *BESIDE}):
            if local(inner) == "note":
                mark = next((part.text or "" for part in inner if local(part) == "note-citation"), "")
                note = " ".join(words(part) for part in inner if local(part) == "note-body")
                self._into.paragraph(f"[^{mark.strip()}]: {note}")
            elif local(inner) != "table" or local(element) == "table":
                self._block(inner, depth + 1)

    def _list(self, element: Element, depth: int) -> None:
        style = attribute(element, "style-name")
        told = attribute(element, "continue-list") or attribute(element, "continue-numbering") == "true"
        goes_on = told and style in self._numbers
        items: list[tuple[int, str, str]] = []
        before = self._numbers.get(style) if goes_on else None
        headings = self._collect(element, style, (), items, before)
        if not goes_on and items and not items[0][0]:
            self._end_list()
        self._items += items
        for heading in headings:  # numbered headings are items of a list, in some programs
            self._block(heading, depth + 1)

    def _collect(
        self,
        element: Element,
        style: str,
        outer: tuple[int, ...],
        items: list[tuple[int, str, str]],
        before: int | None = None,
    ) -> list[Element]:
        """Adds the items of a list and of those inside it; the headings that stand in it are returned.

        `outer` are the numbers of the items that it stands in, `before` the last number where it goes on.
        """
        depth = len(outer)
        if depth > _DEEPEST:
            raise nested()
        number = self.styles.start(style, depth) - 1 if before is None else before
        headings: list[Element] = []
        for item in (part for part in element if local(part) in {"list-item", "list-header"}):
            start, said = attribute(item, "start-value"), []
            own = any(local(part) == "p" for part in item)
            number = int(start) if _NUMBER.fullmatch(start) else number + own
            for part in item:
                if local(part) == "p":
                    said.append(words(part))
                elif local(part) == "h":
                    headings.append(part)
            if any(said):
                items.append((depth, self.styles.mark(style, (*outer, number)) or "-", "\n".join(said)))
            for part in item:
                if local(part) == "list":
                    headings += self._collect(part, attribute(part, "style-name") or style, (*outer, number), items)
        if not depth:
            self._numbers[style] = number
        return headings

    def _object(self, element: Element) -> None:
        """A chart, which is a file in the file."""
        part = f"{resolved('', attribute(element, 'href'))}/content.xml"
        if part not in self._package:
            return
        root = self._package.xml(part)
        for table in (inner for inner in root.iter() if local(inner) == "table"):
            self._into.table(list(rows_of(table)))

    def _end(self) -> None:
        self._end_code()
        self._end_list()

    def _end_list(self) -> None:
        if self._items:
            self._into.items(self._items)
            self._items = []

    def _end_code(self) -> None:
        if self._code:
            self._into.code("\n".join(self._code))
            self._code = []
