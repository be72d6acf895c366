"""PPTX (ECMA-376, PresentationML): every slide a page with its title as heading, its notes below.

kreuzberg 4.10 leaves the notes out and python-pptx drawings of SmartArt (docs/decisions/0047), so the XML is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from hybridrag.parsing.markup.writing import raised
from hybridrag.parsing.office.composition import Composition
from hybridrag.parsing.office.formulas import linear
from hybridrag.parsing.office.package import Package, attribute, local
from hybridrag.parsing.parsed import counted
from hybridrag.parsing.refusals import broken, nested

_FURNITURE = {"dt", "ftr", "sldNum", "hdr", "sldImg"}
"""Placeholders that say the same on every slide: date, footer, number."""
_TITLES = {"title", "ctrTitle"}
_DEEPEST = 50
_PERCENT = re.compile(r"-?[0-9]{1,8}%?")


def write_presentation(package: Package, into: Composition) -> tuple[str, ...]:
    """Writes all slides in their order, hidden ones too; a note tells how many of those there are."""
    main = package.main_part()
    relations = package.relations(main)
    hidden, seen = 0, set[str]()
    for number, entry in enumerate(_all(package.xml(main), "sldId"), 1):
        kind, part = relations.get(_relation(entry), ("", ""))
        if kind != "slide" or part not in package or part in seen:
            raise broken()
        seen.add(part)
        root = package.xml(part)
        hidden += root.get("show") in {"0", "false"}
        into.page()
        _Slide(package, package.relations(part)).write(root, number, into)
    return (f"{counted(hidden, 'hidden slide')} indexed too",) if hidden else ()


@dataclass
class _Slide:
    package: Package
    relations: dict[str, tuple[str, str]]

    def write(self, root: Element, number: int, into: Composition) -> None:
        shapes = [shape for tree in _all(root, "spTree") for shape in self._shapes(tree, 0)]
        titles = [shape for shape in shapes if _placeholder(shape) in _TITLES]
        into.heading(1, " ".join(line for shape in titles for _, line in _lines(shape)) or f"Slide {number}")
        for shape in shapes:
            if shape not in titles:
                self._write(shape, into)
        for kind, part in self.relations.values():
            if kind == "notesSlide" and part in self.package:
                self._write_notes(part, into)

    def _shapes(self, tree: Element, depth: int) -> Iterator[Element]:
        """Shapes, tables and charts in the order of the file, those of groups in their place."""
        for child in tree:
            name = local(child)
            if name in {"sp", "graphicFrame", "cxnSp"}:
                yield child
            elif name in {"grpSp", "AlternateContent", "Choice"}:
                if depth > _DEEPEST:
                    raise nested()
                yield from self._shapes(child, depth + 1)

    def _write(self, shape: Element, into: Composition) -> None:
        kind = _placeholder(shape)
        if kind in _FURNITURE:
            return
        if local(shape) == "graphicFrame":
            self._write_graphic(shape, into)
            return
        lines = _lines(shape)
        if kind in {"body", "obj", ""} and len(lines) > 1 and _is_placeholder(shape):
            into.items([(level, "-", line) for level, line in lines])
        else:
            into.paragraph("\n".join(line for _, line in lines))

    def _write_graphic(self, frame: Element, into: Composition) -> None:
        for table in _all(frame, "tbl"):
            into.table(_rows(table))
        for drawing in (*_all(frame, "chart"), *_all(frame, "relIds")):
            kind, part = self.relations.get(attribute(drawing, "dm") or attribute(drawing, "id"), ("", ""))
            if part in self.package and kind == "chart":
                chart = self.package.xml(part)
                into.table(_chart(chart), caption=_chart_title(chart))
            elif part in self.package and kind == "diagramData":
                points = [" ".join(line for _, line in _lines(point)) for point in _all(self.package.xml(part), "pt")]
                into.items([(0, "-", point) for point in points])

    def _write_notes(self, part: str, into: Composition) -> None:
        root = self.package.xml(part)
        for shape in (shape for tree in _all(root, "spTree") for shape in self._shapes(tree, 0)):
            if _placeholder(shape) not in _FURNITURE:
                text = "\n".join(line for _, line in _lines(shape))
                into.paragraph(f"Notes: {text}" if text else "")


def _all(root: Element, name: str) -> Iterator[Element]:
    return (element for element in root.iter() if local(element) == name)


def _relation(element: Element) -> str:
    """The id of what an element refers to, `r:id`; a plain `id` beside it is another thing."""
    return next((value for key, value in element.items() if key.endswith("}id")), "")


def _is_placeholder(shape: Element) -> bool:
    return next(_all(shape, "ph"), None) is not None


def _placeholder(shape: Element) -> str:
    """The kind of placeholder that a shape fills; empty for any other shape, and for one that says no kind."""
    mark = next(_all(shape, "ph"), None)
    return "" if mark is None else mark.get("type", "")


def _lines(shape: Element) -> list[tuple[int, str]]:
    """The paragraphs of a shape that say anything, each with its level from 0."""
    lines = []
    for paragraph in _all(shape, "p"):
        properties = next((child for child in paragraph if local(child) == "pPr"), None)
        level = properties.get("lvl", "0") if properties is not None else "0"
        text = _spoken(paragraph)
        if text:
            lines.append((int(level) if level in set("012345678") else 0, text))
    return lines


def _spoken(paragraph: Element) -> str:
    """The words of a paragraph's runs, fields and formulas; a line break is a blank."""
    texts: list[str] = []
    waiting = [paragraph]
    while waiting:
        element = waiting.pop()
        name = local(element)
        if name == "t":
            texts.append(element.text or "")
        elif name in {"br", "tab"}:
            texts.append(" ")
        elif name == "oMath":
            texts.append(linear(element))
        elif name == "r" and _is_raised(element):
            before = texts[-1] if texts else ""
            texts.append(raised("".join(part.text or "" for part in _all(element, "t")), before))
        else:
            waiting.extend(reversed(element))
    return " ".join("".join(texts).replace("\xad", "").split())


def _is_raised(run: Element) -> bool:
    """Whether a run stands above the line, as an exponent or the number of a note does."""
    return any(int(part.get("baseline", "0").strip("%")) > 0 for part in run
               if local(part) == "rPr" and _PERCENT.fullmatch(part.get("baseline", "0")))  # fmt: skip


def _rows(table: Element) -> list[list[str]]:
    """The rows with what each cell says; one merged over rows is read in each of them."""
    rows: list[list[str]] = []
    for row in (part for part in table if local(part) == "tr"):
        texts: list[str] = []
        for number, cell in enumerate(part for part in row if local(part) == "tc"):
            goes_on = rows and number < len(rows[-1]) and cell.get("vMerge") in {"1", "true"}
            texts.append(rows[-1][number] if goes_on else " ".join(line for _, line in _lines(cell)))
        rows.append(texts)
    return rows


def _chart_title(root: Element) -> str:
    """What stands above a chart; the titles of its axes do not."""
    titles = (part for chart in _all(root, "chart") for part in chart if local(part) == "title")
    return " ".join(line for title in titles for _, line in _lines(title))


def _chart(root: Element) -> list[list[str]]:
    """A chart as a table: a row for each category, a column for each series."""
    header: list[str] = [""]
    columns: list[dict[int, str]] = []
    for series in _all(root, "ser"):
        parts = {local(part): part for part in series}
        if not header[0] and not columns:
            columns.append(_points(parts.get("cat", parts.get("xVal"))))
        header.append(" ".join(_points(parts.get("tx")).values()))
        columns.append(_points(parts.get("val", parts.get("yVal"))))
    rows = sorted({number for column in columns for number in column})
    return [header, *([column.get(number, "") for column in columns] for number in rows)] if rows else []


def _points(part: Element | None) -> dict[int, str]:
    """The values that a chart keeps of its cells, by their number."""
    if part is None:
        return {}
    points = [*_all(part, "pt")] or [*_all(part, "v")]
    found = {}
    for number, point in enumerate(points):
        place = point.get("idx", str(number))
        value = next((element.text or "" for element in _all(point, "v")), "")
        found[int(place) if place.isascii() and place.isdigit() and len(place) < 8 else number] = value
    return found
