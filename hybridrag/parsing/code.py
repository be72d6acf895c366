"""Source code: the text stays as written; classes, functions and methods become its headings, by syntax tree.

A heading begins where what belongs to it begins, with its decorators and the comment above it, and its title is its
signature: `class Store(Base)`, `def open(self, url: str) -> Store`. The parser goes on after what it cannot read, so
broken code has headings too; code without them is still text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from importlib import import_module
from itertools import accumulate
from time import monotonic
from typing import TYPE_CHECKING

from hybridrag.parsing.grammars import GRAMMARS
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.sql import find_statements
from hybridrag.parsing.text import decode
from hybridrag.types import Heading

if TYPE_CHECKING:
    from tree_sitter import Node, Parser, QueryCursor


def parse_code(content: bytes, media_type: str) -> Parsed:
    """The code as written. Its title is the first line of the module's own documentation, else None."""
    text, notes = decode(content)
    if media_type == "text/x-sql":
        return Parsed(text=text, headings=find_statements(text), notes=notes)
    if media_type == "text/x-c" and _CPP_ONLY.search(text):
        media_type = "text/x-c++"  # a header says by its name only that it is one of the two
    if media_type not in GRAMMARS:
        return Parsed(text=text, notes=notes)
    if len(text) > _LONGEST or _is_minified(text):
        return Parsed(text=text, notes=(*notes, "too long or minified: taken without its structure"))
    return Parsed(
        text=text, title=_module_title(text, media_type), headings=_definitions(text, media_type), notes=notes
    )


def _is_minified(text: str) -> bool:
    """Whether its lines are longer than people write them: 500 characters and more for most of the text."""
    return sum(len(line) for line in text.split("\n") if len(line) > 500) * 2 > len(text)


def _definitions(text: str, media_type: str) -> tuple[Heading, ...]:
    content = text.encode()
    found = _found(content, media_type)
    wrappers = GRAMMARS[media_type].wrappers
    offset = (lambda place: place) if len(content) == len(text) else _Offsets(text).__call__
    headings: list[Heading] = []
    open_until: list[int] = []
    begun = -1
    for node in found:
        while open_until and open_until[-1] <= node.start_byte:
            open_until.pop()
        whole = _with_wrappers(node, wrappers)
        start, title = offset(_beginning(whole, content)), _title(node, whole, content)
        if title and len(open_until) < _DEEPEST and start > begun:
            open_until.append(node.end_byte)
            headings.append(Heading(start, len(open_until), title))
            begun = start
    return tuple(headings[:_MOST])


def _found(content: bytes, media_type: str) -> list[Node]:
    """The nodes that define something, in order; fewer, or none, where that would take too long: broken code may."""
    parser, cursor = _machinery(media_type)
    end = monotonic() + _LONGEST_S
    tree = parser.parse(
        lambda start, _: content[start : start + _AT_ONCE], progress_callback=lambda _, __: monotonic() > end
    )
    if tree is None:
        parser.reset()
        return []
    found = cursor.captures(tree.root_node, progress_callback=lambda _: monotonic() > end).get("it", [])
    return sorted(found, key=lambda node: (node.start_byte, -node.end_byte))


def _with_wrappers(node: Node, wrappers: frozenset[str]) -> Node:
    """The node with what stands around it and belongs to it alone: `export`, decorators, `template <...>`."""
    while (parent := node.parent) is not None and parent.type in wrappers:
        if parent.named_child_count > 1 and _first_code(parent) != node and parent.type not in _WHOLE:
            break  # the second of `var a = function ..., b = function ...`, or one type of a group
        if parent.type == "type_declaration" and parent.start_point.row != node.start_point.row:
            break
        node = parent
    return node


def _first_code(node: Node) -> Node | None:
    return next((child for child in node.named_children if "comment" not in child.type), None)


def _beginning(node: Node, content: bytes) -> int:
    """The byte where it begins, the comments and attributes right above it included."""
    first = node
    above = node.prev_sibling
    while (
        above is not None
        and (above.type in _ATTRIBUTES or "comment" in above.type)
        and first.start_point.row - _last_row(above) <= 1
        and not content[_line_start(content, above.start_byte) : above.start_byte].strip()
    ):
        first, above = above, above.prev_sibling
    line = _line_start(content, first.start_byte)
    return first.start_byte if content[line : first.start_byte].strip() else line


def _last_row(node: Node) -> int:
    """The row of its last character; some comments count the line end as theirs."""
    return node.end_point.row - (node.end_point.column == 0)


def _line_start(content: bytes, position: int) -> int:
    return content.rfind(b"\n", 0, position) + 1


def _title(node: Node, whole: Node, content: bytes) -> str:
    """What stands before the body, on one line, without annotations: the signature."""
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
    """The node with what is defined, which the signature ends before."""
    for name in ("value", "right", "type"):
        inner = node.child_by_field_name(name)
        if inner is not None and inner.type in _FUNCTIONS_AND_TYPES:
            return _body(inner)
    body = node.child_by_field_name("body")
    if body is not None:
        return body
    return next((child for child in node.named_children if child.type in _BODIES), None)


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
def _machinery(media_type: str) -> tuple[Parser, QueryCursor]:
    from tree_sitter import Language, Parser, Query, QueryCursor

    grammar = GRAMMARS[media_type]
    language = Language(getattr(import_module(grammar.package), grammar.function)())
    query = "\n".join(it if it.startswith("(") else f"({it}) @it" for it in grammar.definitions)
    return Parser(language), QueryCursor(Query(language, query))


_LONGEST = 2_000_000
"""Characters. A tree takes some hundred bytes a character, and nobody writes files of this length by hand."""
_LONGEST_S = 10.0
"""Seconds for the tree and what is looked for in it. Real code takes a third of a second per megabyte."""
_AT_ONCE = 1 << 16
_DEEPEST = 6
_MOST = 20_000
_LONGEST_HEAD = 2000
_LONGEST_TITLE = 120
_CPP_ONLY = re.compile(r"(?m)^[ \t]*(?:class|namespace|template|using)\b")
_WHOLE = frozenset({"decorated_definition", "template_declaration", "export_statement"})
_ATTRIBUTES = frozenset({"attribute_item", "attribute_list", "decorator", "annotation"})
_NO_SIGNATURE = _ATTRIBUTES | {"comment", "line_comment", "block_comment", "attribute_list", "marker_annotation"}
_FUNCTIONS_AND_TYPES = frozenset(
    {"arrow_function", "function_expression", "generator_function", "struct_type", "interface_type"}
)
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
