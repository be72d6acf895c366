"""RTF: headings, lists, tables, code, footnotes and text boxes, as LibreOffice, Word and pandoc write them.

kreuzberg 4.10 puts headings at other paragraphs where a table stands above them, joins the words of cells, drops
footnotes and leaves the characters of a title encoded (docs/decisions/0047).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.markup.writing import raised
from hybridrag.parsing.office.composition import Composition
from hybridrag.parsing.office.rtf_tokens import Tokens, Word
from hybridrag.parsing.titles import given_title


def write_rtf(content: bytes, into: Composition) -> dict[str, Any]:
    """Writes the document, and returns the fields `title`, `metadata` and `date` of a `Parsed`."""
    document = _Document(content, into)
    document.read()
    kept = {name: " ".join(_joined([text]).split()) for name, text in document.fields.items()}
    title = given_title(kept.pop("title", None))
    kept = {name: text for name, text in kept.items() if text}
    return {"title": title, "metadata": kept, "date": read_date(kept.get("created"))}


@dataclass(frozen=True, slots=True)
class _State:
    """What holds inside a group, and goes with it."""

    into: str = ""
    """What its text is: of the document where this is empty."""
    unseen: bool = False
    font: int = 0
    style: int = 0
    outline: int = -1
    indent: int = 0
    first: int = 0
    level: int = 0
    in_table: bool = False
    raised: bool = False


@dataclass
class _Story:
    """Text that goes on by itself: the document, a footnote, a text box."""

    pieces: list[str] = field(default_factory=list)
    typed: bool = True
    """Whether all of the paragraph is in a font of a typewriter."""
    mark: str = ""
    cells: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    going_on: list[bool] = field(default_factory=list)


class _Document:
    def __init__(self, content: bytes, into: Composition) -> None:
        self.fields: dict[str, str] = {}
        self._tokens = Tokens(content)
        self._into = into
        self._state = _State()
        self._outer: list[tuple[_State, _Story]] = []
        self._story = _Story()
        self._main = self._story
        self._beside: list[str] = []
        self._notes = 0
        self._styles: dict[int, str] = {}
        self._typewriters: set[int] = set()
        self._time: dict[str, int] = {}
        self._items: list[tuple[int, str, str]] = []
        self._last_mark = ""
        """Of an item that stands in no other one."""
        self._code: list[str] = []
        self._fresh = self._starred = self._merging = False

    def read(self) -> None:
        for word in self._tokens:
            if word.name == "{":
                self._outer.append((self._state, self._story))
                self._fresh = True
                continue
            if word.name == "}":
                self._close()
            elif word.name == "*":
                self._starred = True
                continue
            elif not word.name:
                self._say(word.text)
            elif not (self._fresh and self._begins(word)):
                self._control(word)
            self._fresh = self._starred = False
        self._paragraph()
        self._end_table()
        self._end()

    # --- groups ---

    def _begins(self, word: Word) -> bool:
        """Whether the first word of a group says what it is for, and no more."""
        name = word.name
        again = _PROPERTIES.get(name) in self.fields  # LibreOffice writes who changed a file as a second author
        if name in _SKIPPED or again or (self._starred and name not in _KEPT):
            self._tokens.skip()
        elif name in {"fonttbl", "stylesheet", "info", "listtext", "pntext", *_PROPERTIES, *_TIMES}:
            self._state = replace(self._state, into=name)
            self._time.clear()
        elif name in {"footnote", "shptxt"}:
            self._notes += name == "footnote"
            self._story = _Story([f"[^{self._notes}]: "] if name == "footnote" else [])
            self._state = _State()
        else:
            return False
        return True

    def _close(self) -> None:
        if not self._outer:
            return
        state, story = self._outer.pop()
        if story is not self._story:
            self._paragraph()
            self._end_table()
        ended = self._state.into
        if ended in _TIMES and "yr" in self._time:
            self.fields[_TIMES[ended]] = _iso(self._time)
        self._state, self._story = state, story

    # --- text ---

    def _say(self, text: str) -> None:
        into = self._state.into
        if not into or into in {"listtext", "pntext"}:
            if self._state.unseen:
                return
            if into:
                self._story.mark += text
            else:
                pieces = self._story.pieces
                pieces.append(raised(text, pieces[-1]) if self._state.raised and pieces else text)
                if text.strip() and self._state.font not in self._typewriters:
                    self._story.typed = False
        elif into == "stylesheet":
            self._styles[self._state.style] = (self._styles.get(self._state.style, "") + text).rstrip(";").lower()
        elif into == "fonttbl":
            if re.search(r"courier|mono|consolas", text, re.IGNORECASE):
                self._typewriters.add(self._state.font)
        elif into in _PROPERTIES:
            self.fields[_PROPERTIES[into]] = self.fields.get(_PROPERTIES[into], "") + text

    def _control(self, word: Word) -> None:
        name, number, state = word.name, word.number, self._state
        if name in _ENDS:
            getattr(self, _ENDS[name])()
        elif name in _NUMBERED:
            changed: dict[str, Any] = {_NUMBERED[name]: number or 0}
            self._state = replace(state, **changed)
        elif name in {"v", "deleted"}:
            self._state = replace(state, unseen=number != 0)
        elif name == "plain":
            self._state = replace(state, unseen=False, font=0, raised=False)
        elif name == "pard":
            self._state = _State(state.into, state.unseen, state.font)
        elif name in _SWITCHES:
            switched: dict[str, Any] = {_SWITCHES[name][0]: _SWITCHES[name][1] and number != 0}
            self._state = replace(state, **switched)
        elif name == "fmodern":
            self._typewriters.add(state.font)
        elif name == "trowd":
            self._story.going_on = []
        elif name in {"clvmgf", "clvmrg"}:
            self._merging = name == "clvmrg"
        elif name == "cellx":
            self._story.going_on.append(self._merging)
            self._merging = False
        elif name == "chftn":
            self._note_mark()
        elif name in _TIME:
            self._time[name] = number or 0

    def _note_mark(self) -> None:
        if self._story is self._main:
            self._story.pieces.append(f"[^{self._notes + 1}]")

    # --- paragraphs and tables ---

    def _paragraph(self) -> None:
        """Ends the paragraph."""
        story, state = self._story, self._state
        text, mark, typed = _joined(story.pieces), story.mark, story.typed
        if state.in_table and not state.into and story is self._main:
            story.pieces.append("\n")
            return
        story.pieces, story.mark, story.typed = [], "", True
        if story is not self._main:
            if text.strip():
                self._beside.append(" ".join(text.split()))
            return
        self._end_table()
        self._write(text, mark, typed)
        self._write_beside()

    def _write_beside(self) -> None:
        for text in self._beside:
            self._end()
            self._into.paragraph(text)
        self._beside.clear()

    def _write(self, text: str, mark: str, typed: bool) -> None:
        state, style = self._state, self._styles.get(self._state.style, "")
        heading = re.fullmatch(r".*?(?:heading|überschrift) ?([1-9])", style)
        titled = heading is not None or 0 <= state.outline < 9 or style == "title"
        verbatim = re.search("preformatted|source code|plain text", style)
        if verbatim or (typed and text.strip() and not mark and not titled):
            self._end_items()
            self._code.append(text.rstrip())
            return
        self._end_code()
        if not text.strip():
            return
        spaced = " ".join(text.split(" ")).strip()
        own = _MARK.match(text) if not mark and state.first < 0 else None
        if titled:
            self._end()
            level = int(heading[1]) if heading else max(state.outline, 0) + 1
            self._into.heading(level, f"{mark.strip()} {spaced}" if _COUNTED.fullmatch(mark.strip()) else spaced)
        elif mark.strip() or own:
            depth = state.level if mark else max(0, state.indent // _TWIPS_A_LEVEL - 1)
            if mark.strip():
                number = mark.strip() if _COUNTED.fullmatch(mark.strip()) else "-"
            else:
                number = f"{own[2]}." if own and own[2] else "-"
            if not depth and self._items and (number == "-") != (self._last_mark == "-"):
                self._end_items()
            self._last_mark = number if not depth else self._last_mark
            self._items.append((depth, number, (text[own.end() :] if own else spaced).strip()))
        else:
            self._end_items()
            self._into.paragraph(_lines(text), caption=style in {"caption", "table", "table caption"})

    def _cell(self) -> None:
        story = self._story
        story.cells.append(" ".join(_joined(story.pieces).split()))
        story.pieces, story.mark, story.typed = [], "", True

    def _inner_cell(self) -> None:
        self._story.pieces.append(" ")

    def _row(self) -> None:
        story = self._story
        for number, going_on in enumerate(story.going_on[: len(story.cells)]):
            above = story.rows[-1] if story.rows else []
            if going_on and number < len(above):
                story.cells[number] = story.cells[number] or above[number]
        if story.cells:
            story.rows.append(story.cells)
        story.cells = []

    def _end_table(self) -> None:
        story = self._story
        if story.cells:
            story.rows.append(story.cells)
        rows, story.cells, story.rows = story.rows, [], []
        if not rows:
            return
        if story is self._main:
            self._end()
            self._into.table(rows)
            self._write_beside()
        else:
            self._beside += [" ".join(cell for cell in row if cell) for row in rows]

    def _end(self) -> None:
        self._end_code()
        self._end_items()

    def _end_code(self) -> None:
        if self._code:
            code, self._code = "\n".join(self._code), []
            self._into.code(code)

    def _end_items(self) -> None:
        if self._items:
            items, self._items = self._items, []
            self._into.items(items)


def _joined(pieces: list[str]) -> str:
    """The text, in which characters beyond U+FFFF came as two halves."""
    return "".join(pieces).replace("\xad", "").encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _lines(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()


def _iso(time: dict[str, int]) -> str:
    """A time in UTC, as the file has none of its own; empty for one that was never set."""
    try:
        year, month, day, hour, minute, second = (time.get(name, usual) for name, usual in _TIME.items())
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return ""
    return moment.isoformat().replace("+00:00", "Z") if moment.year > 1900 else ""


_PROPERTIES = {
    "title": "title",
    "author": "author",
    "subject": "subject",
    "keywords": "keywords",
    "doccomm": "description",
}
_TIMES = {"creatim": "created", "revtim": "modified"}
_SKIPPED = frozenset({
    "aftnsep", "aftnsepc", "annotation", "atnauthor", "atnid", "bkmkend", "bkmkstart", "colortbl", "filetbl",
    "fldinst", "footer", "footerf", "footerl", "footerr", "ftnsep", "ftnsepc", "generator", "header", "headerf",
    "headerl", "headerr", "listoverridetable", "listtable", "mmathPict", "mmathPr", "nonesttables", "nonshppict",
    "objdata", "object", "pgdsctbl", "pict", "revtbl", "rsidtbl", "rxe", "shprslt", "sp", "tc", "xe",
})  # fmt: skip
_KEPT = frozenset({"footnote", "moMath", "pntext", "shpinst", "shptxt"})
"""Of the groups that a reader may pass over, those that hold text."""
_MARK = re.compile(r"(?:(•|◦|▪|[-–·])|((?:\d{1,4}\.){0,8}\d{1,4}|[a-zA-Z]|[ivxlc]{2,6})[.)])\t\s*")
_COUNTED = re.compile(r"(?=.*[0-9.)])\(?[^\W_]{1,9}(?:\.[^\W_]{1,4}){0,8}[.)]{0,2}")
"""The number of a list; a bullet may be a letter of another font."""
_TWIPS_A_LEVEL = 360
_TIME = {"yr": 0, "mo": 1, "dy": 1, "hr": 0, "min": 0, "sec": 0}
_NUMBERED = {"f": "font", "s": "style", "outlinelevel": "outline", "li": "indent", "fi": "first", "ilvl": "level"}
_SWITCHES = {
    "intbl": ("in_table", True), "super": ("raised", True), "up": ("raised", True), "sub": ("raised", False),
    "nosupersub": ("raised", False),
}  # fmt: skip
_ENDS = {"par": "_paragraph", "sect": "_paragraph", "cell": "_cell", "nestcell": "_inner_cell", "row": "_row"}
