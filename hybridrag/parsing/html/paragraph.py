"""A paragraph as it is written: its words, and the inline Markdown around them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hybridrag.parsing.html.tree import Node
from hybridrag.parsing.markup.writing import address_of, linked, raised


@dataclass(slots=True, eq=False)
class _Mark:
    """Inline markup that is open, and at which of the pieces it began."""

    kind: str
    start: int
    address: str = ""


class Paragraph:
    """The pieces of the paragraph so far, and the marks that are open. It begins anew when it is taken."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._marks: list[_Mark] = []

    def __bool__(self) -> bool:
        return bool(self._pieces)

    def say(self, text: str) -> None:
        """Adds words as they are meant to be read."""
        self._pieces.append(text)

    def read(self, text: str) -> None:
        """Adds text of the page."""
        self._pieces.append(SPACES.sub(" ", text).replace("\xad", ""))

    def taken(self) -> str:
        """The text so far; what is open goes on in the next paragraph."""
        text = "".join(self._pieces)
        self._pieces.clear()
        for mark in self._marks:
            mark.start = 0
        text = _AROUND_LINE_END.sub("\n", _SPACE_RUNS.sub(" ", text)).strip()
        return _NOTE.sub(r"\g<0> ", text)

    @property
    def in_heading(self) -> bool:
        return any(mark.kind == HEADING for mark in self._marks)

    def open(self, kind: str, *, address: str = "") -> Callable[[], None]:
        """Begins a mark. Returns its end. None stands in another of its kind, in code, or bold in a heading."""
        if any(mark.kind in {kind, "`"} for mark in self._marks) or (kind == "**" and self.in_heading):
            return _nothing
        mark = _Mark(kind, len(self._pieces), address)
        self._marks.append(mark)
        return lambda: self._close(mark)

    def open_heading(self) -> Callable[[], str]:
        """Begins a heading. Returns what ends it and gives its title."""
        mark = _Mark(HEADING, 0)
        self._marks.append(mark)

        def end() -> str:
            self._marks.remove(mark)
            return self.line()

        return end

    def line(self) -> str:
        """The text so far on one line, taken."""
        return SPACES.sub(" ", self.taken())

    def _close(self, mark: _Mark) -> None:
        self._marks.remove(mark)
        written = "".join(self._pieces[mark.start :])
        core = written.strip(" \n")
        if not core:
            return
        lead, trail = written[: written.index(core[0])], written[len(written.rstrip(" \n")) :]
        before = self._pieces[mark.start - 1][-1:] if mark.start else ""
        around = {"a": "^", "^": "a"}.get(mark.kind, "")
        outer = next((other for other in self._marks if other.kind == around), None)
        note = outer is not None and (mark.address or outer.address).startswith("#")
        self._pieces[mark.start :] = [lead, _marked(core, mark, before, note=note), trail]

    # --- elements without text inside ---

    def line_break(self, _: Node) -> None:
        self.say(" " if self.in_heading else "\n")

    def image(self, node: Node) -> None:
        words = SPACES.sub(" ", node.get("alt")).strip()
        if any(char.isalnum() for char in words) and not _FILE_NAME.search(words):
            self.say(f"![{words}]({address_of(node.get('src'))})")

    def field(self, node: Node) -> None:
        kind = node.get("type").lower()
        if kind in {"checkbox", "radio"}:
            self.say("[x] " if "checked" in node.attrs else "[ ] ")
        elif kind not in _FIELDS_WITHOUT_TEXT and node.get("value").strip():
            self.say(f" {SPACES.sub(' ', node.get('value'))} ")

    def choices(self, node: Node) -> None:
        options = (SPACES.sub(" ", option.text()).strip() for option in node.outermost("option"))
        self.say(f" {', '.join(option for option in options if option)} ")

    def formula(self, node: Node) -> None:
        source = next((inner for inner in node.elements() if "tex" in inner.get("encoding").lower()), None)
        written = source.text() if source is not None else node.get("alttext")
        written = SPACES.sub(" ", written).strip()
        self.say(f"${written}$" if written else SPACES.sub(" ", node.text()))


def _nothing() -> None:
    """Ends a mark that was not put."""


def _marked(core: str, mark: _Mark, before: str, *, note: bool) -> str:
    """Text with its mark; `note` says that it is the raised number of a footnote, a link within the page."""
    if mark.kind == "a":
        if note:
            return core if core.startswith("[") else f"[{core}]"
        return linked(core, mark.address)
    if mark.kind == "^":
        if note and not core.startswith("["):
            return f"[{core}]"
        return raised(core, before)
    if mark.kind == "`":
        return f"`` {core} ``" if "`" in core else f"`{core}`"
    return core if "\n\n" in core else f"{mark.kind}{core}{mark.kind}"


_FIELDS_WITHOUT_TEXT = frozenset(["hidden", "submit", "button", "reset", "image", "file", "password", "color", "range"])
_FILE_NAME = re.compile(r"^\S+\.(?:png|jpe?g|gif|webp|svg|bmp)$", re.IGNORECASE)
_SPACE_RUNS = re.compile(r" {2,}")
_NOTE = re.compile(r"^\[[\w*]{1,4}\](?=\w)")
"""The number that a note begins with."""
_AROUND_LINE_END = re.compile(r" ?\n ?")
SPACES = re.compile(r"[ \t\n\r\f\v\xa0]+")
HEADING = "heading"
