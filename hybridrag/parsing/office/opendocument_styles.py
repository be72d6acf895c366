"""What the styles of an OpenDocument file say: what a paragraph is meant as, and how its headings and lists count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from xml.etree.ElementTree import Element

from hybridrag.parsing.office.numerals import numeral
from hybridrag.parsing.office.package import Package, attribute, local

OUTLINE = ""
"""The name of the numbering of headings; no list style has it."""
_DEEPEST_STYLE = 10
_LONGEST_AFFIX = 20


class _Level(NamedTuple):
    form: str
    before: str
    after: str
    shown: int
    """How many levels its number tells, itself the last."""
    start: int


class Styles:
    """The styles of a file, its own and those of its text."""

    def __init__(self, package: Package, root: Element) -> None:
        self.raised: set[str] = set()
        """The styles of text that stands above the line."""
        self._parents: dict[str, str] = {}
        self._hidden: set[str] = set()
        self._levels: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, str] = {}
        roots = [package.xml("styles.xml"), root] if "styles.xml" in package else [root]
        for style in (style for part in roots for group in part for style in group):
            name = attribute(style, "name")
            if local(style) == "style":
                self._read(style, name)
            elif local(style) in {"list-style", "outline-style"}:
                self._levels[name if local(style) == "list-style" else OUTLINE] = dict(_levels(style))

    def hidden(self, name: str) -> bool:
        return name in self._hidden

    def meant(self, name: str) -> str:
        """`title`, `code`, `caption`, or nothing of that kind, by the style's name or those it comes from."""
        for _ in range(_DEEPEST_STYLE):
            plain = name.lower().replace("_20_", " ")
            if plain in {"title", "code", "caption"}:
                return plain
            if "preformatted" in plain or "source code" in plain:
                return "code"
            if "caption" in plain or plain == "table":
                return "caption"
            name = self._parents.get(name, "")
        return ""

    def counted_by(self, name: str) -> str | None:
        """The list style that a heading of a style is counted by; None where it is not counted."""
        for _ in range(_DEEPEST_STYLE):
            if name in self._lists:
                return self._lists[name] or None
            name = self._parents.get(name, "")
        return OUTLINE

    def start(self, numbering: str, depth: int) -> int:
        """The first number of a level, from 0 for the outermost."""
        level = self._levels.get(numbering, {}).get(depth)
        return level.start if level else 1

    def mark(self, numbering: str, numbers: Sequence[int]) -> str:
        """What stands before an item, of which the last of `numbers` is the own; empty for one without a number."""
        levels = self._levels.get(numbering, {})
        own = levels.get(len(numbers) - 1)
        if own is None or not own.form:
            return ""
        first = max(0, len(numbers) - own.shown)
        told = [
            numeral(number, levels[depth].form)
            for depth, number in enumerate(numbers[first:], first)
            if depth in levels and levels[depth].form
        ]
        return f"{own.before}{'.'.join(told)}{own.after}".strip()

    def _read(self, style: Element, name: str) -> None:
        self._parents[name] = attribute(style, "parent-style-name")
        listed = next((value for key, value in style.items() if key.endswith("}list-style-name")), None)
        if listed is not None:
            self._lists[name] = OUTLINE if listed == "Outline" else listed
        for inner in style:
            if attribute(inner, "display") == "false" or attribute(inner, "visibility") == "hidden":
                self._hidden.add(name)
            if _is_above(attribute(inner, "text-position")):
                self.raised.add(name)


def _levels(style: Element) -> list[tuple[int, _Level]]:
    found = []
    for level in style:
        depth = _number(attribute(level, "level"), 0) - 1
        if local(level) in {"list-level-style-number", "outline-level-style"} and depth >= 0:
            found.append((
                depth,
                _Level(
                    attribute(level, "num-format"),
                    attribute(level, "num-prefix")[:_LONGEST_AFFIX],
                    attribute(level, "num-suffix")[:_LONGEST_AFFIX],
                    _number(attribute(level, "display-levels"), 1),
                    _number(attribute(level, "start-value"), 1),
                ),
            ))  # fmt: skip
    return found


def _is_above(position: str) -> bool:
    """Whether text stands above the line: `super 58%`, `33% 58%`."""
    raised = position.partition(" ")[0]
    return raised == "super" or (raised.endswith("%") and _number(raised[:-1], 0) > 0)


def _number(written: str, otherwise: int) -> int:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 7 else otherwise
