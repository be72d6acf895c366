"""OpenDocument (ISO/IEC 26300): texts, sheets and slides, which share one vocabulary.

kreuzberg 4.10 loses the words of links, text boxes and all but the first paragraph of a cell, and reads no slides
(docs/decisions/0047), so the XML is read here.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from hybridrag.parsing.office.composition import Composition
from hybridrag.parsing.office.opendocument_text import BESIDE, SKIPPED, outermost, rows_of, words
from hybridrag.parsing.office.package import Package, attribute, local, resolved
from hybridrag.parsing.office.sheets import write_sheet
from hybridrag.parsing.refusals import broken, locked, nested

_CONTENT = "content.xml"
_DEEPEST = 50
_FURNITURE = {"page-number", "date-time", "footer", "header"}


def write_opendocument(package: Package, into: Composition) -> tuple[str, ...]:
    """Writes a text, all sheets of a workbook, or all slides, hidden ones too; notes tell how many those are."""
    if "META-INF/manifest.xml" in package and b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise locked()
    root = package.xml(_CONTENT)
    body = next((part for part in root if local(part) == "body"), None)
    if body is None:
        raise broken()
    walk = _Walk(package, root, into)
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
    notes = [f"{number} hidden {kind}{'s' * (number > 1)} indexed too" for kind, number in hidden.items() if number]
    if any(local(element) == "annotation" for element in body.iter()):
        notes.append("its comments were not indexed")
    return tuple(notes)


class _Styles:
    """The styles of a file, which tell what a paragraph or a list is meant as."""

    def __init__(self, package: Package, root: Element) -> None:
        self._parents: dict[str, str] = {}
        self._hidden: set[str] = set()
        self._numbered: dict[str, set[int]] = {}
        roots = [root, package.xml("styles.xml")] if "styles.xml" in package else [root]
        for style in (style for part in roots for group in part for style in group):
            name = attribute(style, "name")
            if local(style) == "style":
                self._parents[name] = attribute(style, "parent-style-name")
                if any(attribute(inner, "display") == "false" or attribute(inner, "visibility") == "hidden"
                       for inner in style):  # fmt: skip
                    self._hidden.add(name)
            elif local(style) == "list-style":
                self._numbered[name] = {
                    int(level) for inner in style if local(inner) == "list-level-style-number"
                    and (level := attribute(inner, "level")).isdigit() and len(level) < 3
                }  # fmt: skip

    def hidden(self, name: str) -> bool:
        return name in self._hidden

    def numbered(self, name: str, depth: int) -> bool:
        return depth + 1 in self._numbered.get(name, ())

    def meant(self, name: str) -> str:
        """`title`, `code`, `caption`, or nothing of that kind, by the style's name or those it comes from."""
        for _ in range(10):
            plain = name.lower().replace("_20_", " ")
            if plain in {"title", "code", "caption"}:
                return plain
            if "preformatted" in plain or "source code" in plain:
                return "code"
            if "caption" in plain or plain == "table":
                return "caption"
            name = self._parents.get(name, "")
        return ""


class _Walk:
    def __init__(self, package: Package, root: Element, into: Composition) -> None:
        self.styles = _Styles(package, root)
        self._package = package
        self._into = into
        self._code: list[str] = []
        self._items: list[tuple[int, str, str]] = []
        self._numbers: dict[str, int] = {}

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
            level = attribute(element, "outline-level")
            self._into.heading(int(level) if level.isdigit() and len(level) < 3 else 1, words(element))
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
        headings = self._collect(element, style, 0, items, self._numbers.get(style, 0) if goes_on else 0)
        if not goes_on and items and not items[0][0]:
            self._end_list()
        self._items += items
        for heading in headings:  # numbered headings are items of a list, in some programs
            self._block(heading, depth + 1)

    def _collect(
        self, element: Element, style: str, depth: int, items: list[tuple[int, str, str]], number: int = 0
    ) -> list[Element]:
        """Adds the items of a list and of those inside it; the headings that stand in it are returned."""
        if depth > _DEEPEST:
            raise nested()
        headings: list[Element] = []
        for item in (part for part in element if local(part) in {"list-item", "list-header"}):
            start, said = attribute(item, "start-value"), []
            own = any(local(part) == "p" for part in item)
            number = int(start) if start.isdigit() and len(start) < 9 else number + own
            for part in item:
                if local(part) == "p":
                    said.append(words(part))
                elif local(part) == "h":
                    headings.append(part)
            if any(said):
                items.append((depth, f"{number}." if self.styles.numbered(style, depth) else "-", "\n".join(said)))
            for part in item:
                if local(part) == "list":
                    headings += self._collect(part, attribute(part, "style-name") or style, depth + 1, items)
        if not depth:
            self._numbers[style] = number
        return headings

    def _object(self, element: Element) -> None:
        """A formula or a chart, which is a file in the file."""
        part = f"{resolved('', attribute(element, 'href'))}/content.xml"
        if part not in self._package:
            return
        root = self._package.xml(part)
        for table in (inner for inner in root.iter() if local(inner) == "table"):
            self._into.table(list(rows_of(table)))
        if local(root) == "math":
            spoken = next((inner.text for inner in root.iter() if local(inner) == "annotation"), None)
            self._into.paragraph(spoken or " ".join("".join(root.itertext()).split()))

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
