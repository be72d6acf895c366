"""Source code: the text stays as written; classes, functions and methods become its headings, by syntax tree.

A heading begins where what belongs to it begins, with its decorators and the comment above it, and its title is its
signature: `class Store(Base)`, `def open(self, url: str) -> Store`. The parser goes on after what it cannot read, so
broken code has headings too; code without them is still text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from itertools import accumulate
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from hybridrag.parsing.code.grammars import GRAMMARS
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode, mostly_in_long_lines
from hybridrag.types import Heading

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, Tree


def parse_code(content: bytes, media_type: str) -> Parsed:
    """The code as written, of a type in `GRAMMARS`. Its title is the first line of the module's own documentation."""
    text, notes = decode(content)
    if media_type == "text/x-c" and _CPP_ONLY.search(text):
        media_type = "text/x-c++"  # a header says by its name only that it is one of the two
    if len(text) > _LONGEST or mostly_in_long_lines(text, over=_LONGEST_LINE):
        return Parsed(text=text, notes=(*notes, "too long or minified: taken without its structure"))
    return Parsed(
        text=text, title=_module_title(text, media_type), headings=_definitions(text, media_type), notes=notes
    )


def _definitions(text: str, media_type: str) -> tuple[Heading, ...]:
    content = text.encode()
    offset = (lambda place: place) if len(content) == len(text) else _Offsets(text).__call__
    headings: list[Heading] = []
    open_until: list[int] = []
    begun = -1
    for found in _found(content, media_type):
        while open_until and open_until[-1] <= found.node.start_byte:
            open_until.pop()
        title = _title(found, content)
        if title and len(open_until) < _DEEPEST and found.start > begun:
            open_until.append(found.node.end_byte)
            headings.append(Heading(offset(found.start), len(open_until), title))
            begun = found.start
    return tuple(headings[:_MOST])


@dataclass(frozen=True, slots=True)
class _Definition:
    """A node that defines something; `whole` is it with its wrappers, and at byte `start` begins what belongs to it."""

    node: Node
    whole: Node
    start: int


def _found(content: bytes, media_type: str) -> Iterator[_Definition]:
    """The definitions in order; fewer, or none, where the tree takes too long: that of broken code may.

    A walk, and no query of tree-sitter's: on broken code a query takes a time that is quadratic in its length.
    """
    grammar = GRAMMARS[media_type]
    end = monotonic() + _LONGEST_S
    parser = _parser(media_type)
    # Its types leave out that a parse that is broken off gives None.
    tree: Tree | None = parser.parse(
        lambda start, _: content[start : start + _AT_ONCE], progress_callback=lambda _, __: monotonic() > end
    )
    if tree is None:
        parser.reset()
        return
    cursor = tree.walk()
    above: list[Node] = []  # the nodes around this one
    leads: list[_Lead] = [_NO_LEAD]  # what stands right above it, and right above each of those
    while monotonic() < end:
        node = cursor.node
        assert node is not None
        kind = node.type
        if node.is_named and (kind in grammar.definitions or (kind in grammar.bodied and _body(node) is not None)):
            whole, depth = _with_wrappers(node, above, grammar.wrappers)
            yield _Definition(node, whole, _beginning(whole, leads[depth], content))
        if node.end_byte - node.start_byte >= _SHORTEST and cursor.goto_first_child():
            above.append(node)
            leads.append(_NO_LEAD)
            continue
        leads[-1] = _lead(node, leads[-1], content)
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return
            node = above.pop()
            leads.pop()
            leads[-1] = _lead(node, leads[-1], content)


def _with_wrappers(node: Node, above: list[Node], wrappers: frozenset[str]) -> tuple[Node, int]:
    """The node with what stands around it and belongs to it alone, and how deep that lies."""
    depth = len(above)
    while depth and (around := above[depth - 1]).type in wrappers:
        if around.type not in _WHOLE and around.start_point.row != node.start_point.row:
            break  # one of several types of a group
        if around.type not in _WHOLE and around.named_child_count > 1 and around.named_children[0] != node:
            break  # the second of `var a = function ..., b = function ...`
        node, depth = around, depth - 1
    return node, depth


_Lead: TypeAlias = tuple[int, int]
"""Where the comments and attributes right above a node begin (a byte), and the row where they end."""
_NO_LEAD = (-1, -2)


def _lead(node: Node, before: _Lead, content: bytes) -> _Lead:
    """What stands right above the next node, when this is the last one before it."""
    if "comment" not in node.type and node.type not in _ATTRIBUTES:
        return _NO_LEAD
    line = _line_start(content, node.start_byte)
    if content[line : node.start_byte].strip():
        return _NO_LEAD  # a remark on the line before
    begin, last = before
    row = node.end_point.row - (node.end_point.column == 0)  # some comments count the line end as theirs
    return (begin if node.start_point.row - last <= 1 else line), row


def _beginning(node: Node, lead: _Lead, content: bytes) -> int:
    begin, last = lead
    if begin >= 0 and node.start_point.row - last <= 1:
        return begin
    line = _line_start(content, node.start_byte)
    return node.start_byte if content[line : node.start_byte].strip() else line


def _line_start(content: bytes, position: int) -> int:
    return content.rfind(b"\n", max(0, position - _LONGEST_INDENT), position) + 1


def _title(found: _Definition, content: bytes) -> str:
    """What stands before the body, on one line, without annotations: the signature."""
    node, whole = found.node, found.whole
    body = _body(node)
    start = next((child.start_byte for child in whole.children if child.type not in _NO_SIGNATURE), whole.start_byte)
    end = body.start_byte if body is not None else node.end_byte
    head = content[start : min(end, start + _LONGEST_HEAD)].decode(errors="replace")
    if body is None:
        head = head.lstrip().partition("\n")[0].partition("{")[0]
    head = one_line(_ANNOTATIONS.sub("", _COMMENTS.sub(" ", head)), limit=_LONGEST_TITLE + 1)
    head = _OPENING.sub("", head).strip()
    return head if len(head) <= _LONGEST_TITLE else head[:_LONGEST_TITLE].rsplit(" ", 1)[0] + " …"


def _body(node: Node) -> Node | None:
    """What the signature ends before; None for a node that has no body."""
    body = node.child_by_field_name("body")
    if body is not None:
        return body
    for name in ("value", "right"):
        inner = node.child_by_field_name(name)
        if inner is not None:
            return _body(inner) if inner.type in _FUNCTIONS else None
    for child in node.named_children:
        if child.type in _BODIES:
            return child
        if child.type in _HOLDING_BODIES:
            return _body(child)
    return None


def _module_title(text: str, media_type: str) -> str | None:
    written = _MODULE_TITLES[media_type].match(text) if media_type in _MODULE_TITLES else None
    return (one_line(written["title"]) or None) if written else None


class _Offsets:
    """Places in the encoded text as places in the text."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._starts = [0, *accumulate(len(line) + 1 for line in self._lines)]
        self._bytes = [0, *accumulate(len(line.encode()) + 1 for line in self._lines)]

    def __call__(self, place: int) -> int:
        line = bisect_right(self._bytes, place) - 1
        inside = self._lines[line].encode()[: place - self._bytes[line]]
        return self._starts[line] + len(inside.decode(errors="ignore"))


@cache
def _parser(media_type: str) -> Parser:
    from tree_sitter import Language, Parser

    grammar = GRAMMARS[media_type]
    return Parser(Language(getattr(import_module(grammar.package), grammar.function)()))


_LONGEST = 2_000_000
"""Characters. A tree takes some hundred bytes a character, and nobody writes files of this length by hand."""
_LONGEST_S = 10.0
"""Seconds for the tree and what is looked for in it. Real code takes a third of a second per megabyte."""
_LONGEST_LINE = 500
_AT_ONCE = 1 << 16
_SHORTEST = 8
"""Bytes. No definition is shorter."""
_LONGEST_INDENT = 1000
_DEEPEST = 6
_MOST = 20_000
_LONGEST_HEAD = 2000
_LONGEST_TITLE = 120
_CPP_ONLY = re.compile(r"(?m)^[ \t]*(?:class|namespace|template|using)\b")
_WHOLE = frozenset({"decorated_definition", "template_declaration", "export_statement"})
_ATTRIBUTES = frozenset({"attribute_item", "attribute_list", "decorator", "annotation"})
_NO_SIGNATURE = _ATTRIBUTES | {"comment", "line_comment", "block_comment", "attribute_list", "marker_annotation"}
_FUNCTIONS = frozenset({"arrow_function", "function_expression", "generator_function", "function_definition"})
_HOLDING_BODIES = frozenset({"expression_list", "struct_type", "interface_type"})
_BODIES = frozenset(
    {"class_body", "function_body", "field_declaration_list", "method_spec_list", "accessor_list", "enum_class_body"}
)
_COMMENTS = re.compile(r"/\*.*?\*/|(?m:^\s*(?://|#(?!\[))[^\n]*$)", re.DOTALL)
_ANNOTATIONS = re.compile(r"^\s*(?:@[\w.]++(?:\s*\((?:[^()\"]|\"[^\"\n]*\")*+\))?\s+|#?\[[^\]\n]*\]\s*)+")
_OPENING = re.compile(r"\s*(?:\{|:|=>|=|->|;|;?\s*\bend\b)?\s*$")
_MODULE_TITLES = {
    "text/x-python": re.compile(r"(?:\s|#[^\n]*\n)*+[rRuU]?(?:\"\"\"|'''|\"|')\\?\s*(?P<title>[^\n\"']+)"),
    "text/x-rust": re.compile(r"(?:\s|//(?!!)[^\n]*\n)*+//!\s*(?P<title>[^\n]+)"),
    "text/x-go": re.compile(r"(?:\s|//(?! ?Package\b)[^\n]*\n)*+(?:// ?|/\*\s*)(?P<title>Package[^\n]+)"),
}
