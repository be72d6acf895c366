"""A tree of HTML as Markdown: headings, lists, tables with one header row, code with its language, captions, notes.

Text is read on, so the Markdown is plain: nothing is escaped but what would be taken for a heading, a rule or a fence,
and cells are not padded. Links keep their address where it leads somewhere by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import takewhile

from hybridrag.parsing.html.code import code_text, language_of
from hybridrag.parsing.html.paragraph import SPACES, Paragraph
from hybridrag.parsing.html.tables import as_table
from hybridrag.parsing.html.tree import HEADINGS, Node
from hybridrag.parsing.markup.writing import fenced, table_cell


def write_markdown(node: Node) -> str:
    """The text below an element as Markdown, empty or with a line end."""
    text = "\n".join(_Writer(outlines=_outlines(node)).write(node).lines).strip("\n")
    return f"{text}\n" if text else ""


@dataclass(slots=True, eq=False)
class _Container:
    """A list item, a quotation or a definition: how its first line begins, and the others."""

    first: str
    rest: str
    tight: bool = False
    begun: bool = False


@dataclass(slots=True, eq=False)
class _List:
    number: int | None
    nested: bool
    outline: bool = False
    begun: bool = False


class _Writer:
    def __init__(self, *, flat: bool = False, outlines: frozenset[int] = frozenset()) -> None:
        self.lines: list[str] = []
        self._flat = flat
        self._outlines = outlines
        self._paragraph = Paragraph()
        self._containers: list[_Container] = []
        self._lists: list[_List] = []
        self._language = ""
        self._after_term = False

    def write(self, top: Node) -> _Writer:
        waiting: list[Node | str | Callable[[], None]] = [*reversed(top.children)]
        while waiting:
            item = waiting.pop()
            if isinstance(item, str):
                self._paragraph.read(item)
            elif isinstance(item, Node):
                closing = self._open(item)
                if closing is not None:
                    waiting.append(closing)
                    waiting.extend(reversed(_in_reading_order(item)))
            else:
                item()
        self._flush()
        return self

    def _open(self, node: Node) -> Callable[[], None] | None:
        """Begins an element. Returns what ends it, None where it has been written as a whole."""
        tag = node.tag
        end: Callable[[], None] | None = _nothing
        if tag in _CODE:
            self._code(node)
            end = None
        elif tag in _WORDS:
            _WORDS[tag](self._paragraph, node)
            end = None
        elif tag in _MARKS:
            end = self._paragraph.open(_MARKS[tag])
        elif tag == "a" and not self._paragraph.in_heading and (role := _role_in_notes(node)):
            if role == "noteref":
                number = SPACES.sub(" ", node.text()).strip()
                self._paragraph.say(number if number.startswith("[") else f"[{number}]")
            elif role == "mark":
                self._paragraph.say(f"[{SPACES.sub(' ', node.text()).strip()}]")
            end = None
        elif tag == "a":
            end = self._paragraph.open("a", address=node.get("href"))
        elif (tag in HEADINGS or node.get("role") == "heading") and not self._paragraph.in_heading:
            self._flush()
            end = self._heading_end(int(tag[1]) if tag in HEADINGS else _level(node))
        elif tag in _STRUCTURE:
            self._flush()
            end = _STRUCTURE[tag](self, node)
        elif tag in _SPOKEN:
            before, after = _SPOKEN[tag]
            self._paragraph.say(before)
            end = partial(self._paragraph.say, after)
        elif tag in _BLOCKS or "-" in tag or _SHOWN_AS_BLOCK.search(node.get("style")):
            end = self._open_block(node)
        return end

    # --- paragraphs ---

    def _flush(self) -> None:
        """Ends the paragraph."""
        if not self._paragraph:
            return
        for paragraph in _BLANK_LINES.split(self._paragraph.taken()):
            if paragraph:
                self._emit(self._plain(paragraph))

    def _emit(self, block: str, *, tight: bool = False) -> None:
        """Writes a block, with what the list items and quotations around it begin their lines with."""
        if self._flat:
            self.lines.append(block.replace("\n", " "))
            return
        # The containers that have not begun are the innermost; those too deep begin no line, and cost nothing here.
        fresh = [*takewhile(lambda container: not container.begun, reversed(self._containers))]
        outer = self._containers[:_DEEPEST]
        tight = tight or self._after_term or any(container.tight for container in fresh)
        if self.lines and not tight:
            self.lines.append("".join(c.rest for c in outer if c.begun).rstrip())
        self._after_term = False
        first = "".join(container.rest if container.begun else container.first for container in outer)
        rest = "".join(container.rest for container in outer)
        for container in fresh:
            container.begun = True
        for number, line in enumerate(block.split("\n")):
            self.lines.append(((rest if number else first) + line).rstrip())

    def _plain(self, text: str) -> str:
        """Text that no reader of Markdown takes for a heading, a rule or a fence."""
        return text if self._flat else _LOOKS_LIKE_STRUCTURE.sub(r"\\\g<0>", text)

    def _open_block(self, node: Node) -> Callable[[], None]:
        self._flush()
        outer = self._language
        self._language = language_of(node) or outer

        def end() -> None:
            self._flush()
            self._language = outer

        return end

    def _heading_end(self, level: int) -> Callable[[], None]:
        taken = self._paragraph.open_heading()

        def end() -> None:
            title = taken()
            if title:
                self._emit(title if self._flat else f"{'#' * level} {title}")

        return end

    def _caption(self, _: Node) -> Callable[[], None]:
        return self._emphasised("*")

    def _summary(self, _: Node) -> Callable[[], None]:
        return self._emphasised("**")

    def _emphasised(self, mark: str) -> Callable[[], None]:
        """Ends a paragraph that is emphasised as a whole."""

        def end() -> None:
            text = self._paragraph.line()
            if text:
                self._emit(text if "*" in text else f"{mark}{text}{mark}")

        return end

    # --- lists, definitions, quotations ---

    def _list(self, node: Node) -> Callable[[], None]:
        number = _integer(node.get("start"), 1) if node.tag == "ol" else None
        nested = any(c.tight or c.first.strip() != ">" for c in self._containers)
        self._lists.append(_List(number, nested, outline=id(node) in self._outlines))

        def end() -> None:
            self._flush()
            self._lists.pop()

        return end

    def _item(self, node: Node) -> Callable[[], None]:
        if not self._lists:
            self._lists.append(_List(None, nested=False))
        inside = self._lists[-1]
        if inside.outline:
            return self._open_block(node)
        marker = "- "
        if inside.number is not None and node.get("type").lower() not in _BULLETS:
            inside.number = _integer(node.get("value"), inside.number)
            marker = f"{inside.number}. "
            inside.number += 1
        container = _Container(marker, " " * len(marker), tight=inside.nested or inside.begun)
        end = self._contain(container)

        def end_item() -> None:
            end()
            inside.begun = inside.begun or container.begun

        return end_item

    def _quotation(self, _: Node) -> Callable[[], None]:
        return self._contain(_Container("> ", "> "))

    def _term(self, _: Node) -> Callable[[], None]:
        def end() -> None:
            term = self._paragraph.line()
            if term:
                self._emit(self._plain(term))
                self._after_term = True

        return end

    def _definition(self, _: Node) -> Callable[[], None]:
        return self._contain(_Container(": ", "", tight=self._after_term))

    def _contain(self, container: _Container) -> Callable[[], None]:
        # Deeper than people nest lists, the lines would be nothing but their beginnings.
        if len(self._containers) >= _DEEPEST:
            container.first = container.rest = ""
        self._containers.append(container)

        def end() -> None:
            self._flush()
            self._containers.pop()

        return end

    # --- code and tables ---

    def _code(self, node: Node) -> None:
        self._flush()
        code = code_text(node)
        if not code.strip():
            return
        if self._flat:
            self._emit(f"`{SPACES.sub(' ', code).strip()}`")
            return
        language = language_of(node) or next(
            (found for inner in node.elements() if inner.tag == "code" and (found := language_of(inner))),
            self._language,
        )
        self._emit(fenced(code, language))

    def _table(self, node: Node) -> Callable[[], None] | None:
        table = None if self._flat else as_table(node, _one_cell)
        if table is None:
            return self._open_block(node)
        if table.caption:
            self._emit(table.caption if "*" in table.caption else f"*{table.caption}*")
        if table.lines:
            self._emit("\n".join(table.lines))
        return None


def _outlines(top: Node) -> frozenset[int]:
    """The lists without numbers whose items hold headings, by identity: sections or cards, which a list would hide."""
    found: set[int] = set()
    titled: set[int] = set()
    for node in reversed([*top.elements()]):
        if node.tag in HEADINGS or any(id(child) in titled for child in node.children):
            titled.add(id(node))
            if node.tag == "ul":
                found.add(id(node))
    return frozenset(found)


def _one_cell(node: Node) -> str:
    """The text below an element on one line, as it may stand in a table."""
    return table_cell(" ".join(_Writer(flat=True).write(node).lines))


def _nothing() -> None:
    """Ends an element that was only passed through."""


def _in_reading_order(node: Node) -> list[Node | str]:
    """What an element holds; the caption of a table comes before it, as the rows are read with it."""
    if node.tag == "figure" and any(isinstance(child, Node) and child.tag == "table" for child in node.children):
        return sorted(node.children, key=lambda child: not (isinstance(child, Node) and child.tag == "figcaption"))
    return node.children


def _role_in_notes(link: Node) -> str:
    """`noteref` for a link to a footnote, `backlink` for the way back from one, as books mark them; else nothing.

    `mark` for LibreOffice's way back, which is the number that the note begins with.
    """
    if _NOTE_MARK.fullmatch(link.get("class")):
        return "mark"
    said = f"{link.get('role')} {link.get('epub:type')}".replace("doc-", "").split()
    return next((role for role in said if role in {"noteref", "backlink"}), "")


def _level(node: Node) -> int:
    return min(6, max(1, _integer(node.get("aria-level"), 2)))


def _integer(written: str, otherwise: int) -> int:
    return int(written) if re.fullmatch(r"[0-9]{1,8}", written.strip()) else otherwise


_MARKS = {
    "b": "**", "strong": "**", "i": "*", "em": "*", "cite": "*", "dfn": "*", "del": "~~", "s": "~~", "strike": "~~",
    "code": "`", "kbd": "`", "samp": "`", "tt": "`", "sup": "^",
}  # fmt: skip
_WORDS: dict[str, Callable[[Paragraph, Node], None]] = {
    "br": Paragraph.line_break,
    "img": Paragraph.image,
    "input": Paragraph.field,
    "select": Paragraph.choices,
    "math": Paragraph.formula,
}
_CODE = frozenset({"pre", "listing", "xmp"})
_STRUCTURE: dict[str, Callable[[_Writer, Node], Callable[[], None] | None]] = {
    "ul": _Writer._list,
    "ol": _Writer._list,
    "menu": _Writer._list,
    "dir": _Writer._list,
    "li": _Writer._item,
    "dt": _Writer._term,
    "dd": _Writer._definition,
    "blockquote": _Writer._quotation,
    "table": _Writer._table,
    "figcaption": _Writer._caption,
    "caption": _Writer._caption,
    "summary": _Writer._summary,
}
_SPOKEN = {"rt": ("(", ")"), "q": ('"', '"')}
_BLOCKS = frozenset([
    "address", "article", "aside", "body", "center", "details", "dialog", "div", "dl", "fieldset", "figure", "footer",
    "form", "frameset", "head", "header", "hgroup", "hr", "html", "legend", "main", "nav", "optgroup", "option", "p",
    "section", "tbody", "td", "textarea", "tfoot", "th", "thead", "title", "tr",
])  # fmt: skip
_SHOWN_AS_BLOCK = re.compile(r"display\s*:\s*(?:block|flex|grid|table|list-item)", re.IGNORECASE)
_NOTE_MARK = re.compile("sd(?:foot|end)notesym")
_BLANK_LINES = re.compile(r"\n{2,}")
_LOOKS_LIKE_STRUCTURE = re.compile(r"^(?:#{1,6}(?=\s|$)|```|~~~|(?=[-=:|])[-=:| ]+$)", re.MULTILINE)
_BULLETS = frozenset({"disc", "circle", "square", "none"})
"""What `type` says of an item that shows no number."""
_DEEPEST = 12
