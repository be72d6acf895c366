"""The numbers of a Word file's headings and clauses (ECMA-376 part 1, 17.9), which stand nowhere in its text.

mammoth 1.13 leaves them off headings, and begins every list anew with 1, whatever the file shows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, SubElement

from hybridrag.parsing.office.numerals import numeral
from hybridrag.parsing.office.package import Package, attribute, local
from hybridrag.parsing.office.word_marks import marked

_FORMS = {"upperLetter": "A", "lowerLetter": "a", "upperRoman": "I", "lowerRoman": "i", "none": ""}
"""What is none of these is read as a decimal number."""
_MOST_LEVELS = 9
_LONGEST_MARK = 40
_DEEPEST_STYLE = 12
_PLACE = re.compile(r"%([1-9])")


@dataclass(slots=True)
class _Level:
    form: str = "1"
    text: str = ""
    start: int = 1
    restarts: bool = True
    legal: bool = False
    bullet: bool = False
    style: str = ""


@dataclass(slots=True)
class _Scheme:
    """The levels of a numbering, and how far each has counted; several lists of a file may share it."""

    levels: dict[int, _Level] = field(default_factory=dict)
    counted: dict[int, int] = field(default_factory=dict)


class Numbering:
    """The numberings of a file. `write_marks` puts the number of each paragraph before its words."""

    def __init__(self, package: Package, main: str) -> None:
        parts = {kind: part for kind, part in package.relations(main).values() if part in package}
        self._schemes: dict[str, _Scheme] = {}
        self._overrides: dict[str, dict[int, int]] = {}
        self._by_style: dict[str, tuple[str, int]] = {}
        self._parents: dict[str, str] = {}
        if "numbering" in parts:
            self._read_numberings(package.xml(parts["numbering"]))
            if self and "styles" in parts:
                self._read_styles(package.xml(parts["styles"]))

    def __bool__(self) -> bool:
        """Whether any list of the file counts at all."""
        return any(not level.bullet for scheme in self._schemes.values() for level in scheme.levels.values())

    def write_marks(self, root: Element) -> None:
        for paragraph in _paragraphs(root):
            mark = self._mark(paragraph)
            if mark is not None and any((part.text or "").strip() for part in paragraph.iter() if local(part) == "t"):
                _begin_with(paragraph, marked(mark))

    def _mark(self, paragraph: Element) -> str | None:
        """The number of a paragraph, empty for one that shows none; None where it is no item, or has a bullet."""
        said = _named(_child(paragraph, "pPr"), "numPr", "pStyle")
        given = _child(said.get("numPr"), "numId")
        style = _value(said.get("pStyle"))
        name, level = self._of_style(style)
        if given is not None:
            name, level = _value(given), _number(_value(_child(said["numPr"], "ilvl")), 0)
        elif "numPr" in said:
            level = _number(_value(_child(said["numPr"], "ilvl")), level)
        scheme = self._schemes.get(name)
        here = scheme.levels.get(level) if scheme else None
        if scheme is None or here is None:
            return None
        for place, start in self._overrides.pop(name, {}).items():
            scheme.levels[place].start = start
            scheme.counted.pop(place, None)
        scheme.counted[level] = scheme.counted.get(level, here.start - 1) + 1
        for deeper, other in scheme.levels.items():
            if deeper > level and other.restarts:
                scheme.counted.pop(deeper, None)
        return None if here.bullet else _PLACE.sub(lambda at: _shown(scheme, int(at[1]) - 1, here), here.text).strip()

    def _of_style(self, style: str) -> tuple[str, int]:
        for _ in range(_DEEPEST_STYLE):
            if style in self._by_style:
                return self._by_style[style]
            style = self._parents.get(style, "")
        return "", 0

    def _read_numberings(self, root: Element) -> None:
        abstract = {
            attribute(part, "abstractNumId"): _Scheme(
                {
                    number: _level(level)
                    for level in part
                    if local(level) == "lvl" and (number := _number(attribute(level, "ilvl"), 0)) < _MOST_LEVELS
                }
            )
            for part in root
            if local(part) == "abstractNum"
        }
        for part in (part for part in root if local(part) == "num"):
            name = attribute(part, "numId")
            scheme = abstract.get(_value(_child(part, "abstractNumId")))
            if scheme is None:
                continue
            self._schemes[name] = scheme
            starts = {
                _number(attribute(change, "ilvl"), 0): _number(_value(_child(change, "startOverride")), 1)
                for change in part
                if local(change) == "lvlOverride" and _child(change, "startOverride") is not None
            }
            self._overrides[name] = {level: start for level, start in starts.items() if level in scheme.levels}

    def _read_styles(self, root: Element) -> None:
        for style in (part for part in root if local(part) == "style"):
            name = attribute(style, "styleId")
            self._parents[name] = _value(_child(style, "basedOn"))
            numbered = _child(_child(style, "pPr"), "numPr")
            given = _value(_child(numbered, "numId"))
            if given:
                levels = self._schemes[given].levels if given in self._schemes else {}
                own = next((number for number, level in levels.items() if level.style == name), 0)
                self._by_style[name] = given, _number(_value(_child(numbered, "ilvl")), own)


def _level(element: Element) -> _Level:
    said = _named(element, "numFmt", "lvlText", "start", "lvlRestart", "isLgl", "pStyle")
    form = _value(said.get("numFmt"))
    return _Level(
        form=_FORMS.get(form, "1"),
        text=_value(said.get("lvlText"))[:_LONGEST_MARK],
        start=_number(_value(said.get("start")), 1),
        restarts=_value(said.get("lvlRestart")) != "0",
        legal="isLgl" in said,
        bullet=form == "bullet",
        style=_value(said.get("pStyle")),
    )


def _shown(scheme: _Scheme, place: int, here: _Level) -> str:
    level = scheme.levels.get(place)
    if level is None or level.bullet:
        return ""
    return numeral(scheme.counted.get(place, level.start), "1" if here.legal else level.form)


def _paragraphs(root: Element) -> Iterator[Element]:
    """The paragraphs in their order, but for those that stand twice, for old programs and new ones."""
    waiting = [root]
    while waiting:
        element = waiting.pop()
        if local(element) == "p":
            yield element
        if local(element) != "AlternateContent":
            waiting.extend(reversed(element))


def _begin_with(paragraph: Element, text: str) -> None:
    """Puts a run of text before all others; the properties of a paragraph stay first."""
    space = paragraph.tag.partition("}")[0] + "}"
    run = Element(f"{space}r")
    SubElement(run, f"{space}t").text = text
    paragraph.insert(int(len(paragraph) > 0 and local(paragraph[0]) == "pPr"), run)


def _named(element: Element | None, *names: str) -> dict[str, Element]:
    return {local(part): part for part in element if local(part) in names} if element is not None else {}


def _child(element: Element | None, name: str) -> Element | None:
    return _named(element, name).get(name)


def _value(element: Element | None) -> str:
    return attribute(element, "val") if element is not None else ""


def _number(written: str, otherwise: int) -> int:
    return int(written) if re.fullmatch(r"[0-9]{1,6}", written) else otherwise
