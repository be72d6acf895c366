"""The structure of a Markdown text, in one pass of a CommonMark parser: headings, tables, code, lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.titles import first_title
from hybridrag.types import Block, BlockKind, Heading

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.token import Token


@dataclass(frozen=True, slots=True)
class Structure:
    """Headings and blocks, both in the order of the text."""

    headings: tuple[Heading, ...]
    blocks: tuple[Block, ...]


def find_structure(text: str) -> Structure:
    """What stands where in a Markdown text with `\\n` at line ends.

    Headings are ATX and setext, none from code, lists or quotations. A paragraph of several lines above a rule is a
    setext heading by the letter of CommonMark. It is hardly ever meant as one, so it does not count.

    Blocks are tables (GFM), fenced and indented code, and outermost lists; a list that holds a table gives way to it.
    """
    if len(text) > _TOO_LONG_FOR_THE_PARSER:
        return _scanned(text)
    lines = [0]
    lines.extend(match.end() for match in re.finditer("\n", text))
    lines.append(len(text))
    tokens = _parser().parse(text)
    return Structure(tuple(_headings(tokens, lines)), tuple(_blocks(tokens, lines, text)))


def parsed_markdown(text: str, *, title: str | None = None, **fields: Any) -> Parsed:
    """The document in a Markdown text; where it is given no `title`, that is its first heading."""
    found = find_structure(text)
    title = title or first_title(found.headings)
    return Parsed(text=text, title=title, headings=found.headings, blocks=found.blocks, **fields)


def _headings(tokens: Sequence[Token], lines: list[int]) -> Iterator[Heading]:
    for number, opening in enumerate(tokens):
        if opening.type == "heading_open" and opening.level == 0 and opening.map is not None:
            first, last = opening.map
            title = _spoken(tokens[number + 1].content) if last - first <= 2 else ""
            if title:
                yield Heading(lines[first], int(opening.tag[1:]), title)


def _blocks(tokens: Sequence[Token], lines: list[int], text: str) -> Iterator[Block]:
    number = 0
    while number < len(tokens):
        token = tokens[number]
        number += 1
        if token.map is None:
            continue
        first, last = token.map
        if token.type in _LISTS:
            after = _closing(tokens, number - 1) + 1
            if all(inner.type != "table" for inner in tokens[number:after]):
                yield from _block("list", lines[first], lines[last], text)
                number = after
        elif token.type in {"fence", "code_block"}:
            yield from _block("code", lines[first], lines[last], text)
        elif token.type == "table":
            start = lines[_caption(tokens, number - 1, first)]
            yield from _block("table", start, lines[last], text, head=lines[first + 2])


def _closing(tokens: Sequence[Token], opening: int) -> int:
    """Where the list ends that `tokens[opening]` begins."""
    number = opening + 1
    while tokens[number].nesting != -1 or tokens[number].level != tokens[opening].level:
        number += 1
    return number


def _block(kind: BlockKind, start: int, end: int, text: str, *, head: int | None = None) -> Iterator[Block]:
    """The block without the blank lines after it; none where nothing else is in it."""
    end = start + len(text[start:end].rstrip())
    if end > start:
        yield Block(kind, start, end, start if head is None else min(head, end))


def _caption(tokens: Sequence[Token], table: int, first: int) -> int:
    """The line of a table's caption, a paragraph of one line right above it, else the table's own."""
    if table < 2 or tokens[table - 1].type != "paragraph_close":
        return first
    line = tokens[table - 2]
    if line.map is None or line.map[1] - line.map[0] != 1 or first - line.map[1] > 1:
        return first
    return line.map[0] if is_caption(line.content) else first


def is_caption(line: str) -> bool:
    """Whether a line reads as the caption of a table: `Table 3: fees`, or all of it bold or italic."""
    return len(line) <= _LONGEST_CAPTION and _CAPTION.match(line.strip()) is not None


def _scanned(text: str) -> Structure:
    """ATX headings, fenced code and tables, line by line: a text this long costs the parser gigabytes."""
    headings: list[Heading] = []
    blocks: list[Block] = []
    fence, opened, end = "", 0, 0
    for line in _LINES_THAT_MATTER.finditer(text):
        mark = line["fence"]
        if mark and not fence:
            fence, opened = mark, line.start()
        elif mark and mark.startswith(fence) and not line["rest"].strip():
            fence = ""
            blocks.append(Block("code", opened, line.end(), opened))
        elif line["level"] and not fence:
            title = _spoken(re.sub(r"(?:^|[ \t])#+[ \t]*$", "", line["title"] or "").strip())
            if title:
                headings.append(Heading(line.start(), len(line["level"]), title))
        elif line["rule"] and "|" in line["rule"] and not fence and line.start() > end:
            header = text.rfind("\n", 0, line.start() - 1) + 1
            if "|" in text[header : line.start()]:
                rows = _ROWS.match(text, line.end())
                end = rows.end() if rows else line.end()
                start = _line_before(text, header)
                blocks.append(Block("table", start, end, min(line.end() + 1, end)))
    return Structure(tuple(headings), tuple(blocks))


def _line_before(text: str, header: int) -> int:
    """Where a table begins: at the caption above its header row, over a blank line or none, else at that row."""
    above = text[max(0, header - _LONGEST_CAPTION - 2) : header].rstrip("\n")
    caption = above[above.rfind("\n") + 1 :]
    start = text.rfind(caption, 0, header) if caption else header
    return start if caption and header - start - len(caption) <= 2 and is_caption(caption) else header


def _spoken(written: str) -> str:
    """A heading's words: `The `id` *field* { #id }` is `The id field`."""
    bare = _ATTRIBUTES.sub("", written[:_LONGEST_HEADING].rstrip())
    words: list[str] = []
    for token in _inlines().parseInline(bare)[0].children or []:
        if token.type in {"text", "code_inline", "image"} or (
            token.type == "html_inline" and not _TAG.match(token.content)
        ):
            words.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            words.append(" ")
    return one_line("".join(words))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    parser.core.ruler.disable("inline")
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.enable("table")
    return parser


def _table(state: StateBlock, first: int, end: int, silent: bool) -> bool:
    """The library's rule for tables, with one token for a table.

    Its own makes five tokens for a cell, so that a long table takes ten times as long, and gigabytes.
    """
    from markdown_it.rules_block import table

    if not table(state, first, end, True):
        return False
    if silent:
        return True
    ends = state.md.block.ruler.getRules("blockquote")
    line = first + 2
    while (
        line < end
        and state.sCount[line] >= state.blkIndent
        and not state.isEmpty(line)
        and not state.is_code_block(line)
        and not any(rule(state, line, end, True) for rule in ends)
    ):
        line += 1
    state.push("table", "table", 0).map = [first, line]
    state.line = line
    return True


@cache
def _inlines() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


_TAG = re.compile(
    r"<(?:[!?]|/?(?:a|abbr|b|bdi|bdo|big|br|cite|code|del|dfn|div|em|font|h[1-6]|hr|i|img|ins|kbd|mark|p|picture|q|rp|rt"
    r"|ruby|s|samp|small|source|span|strike|strong|sub|sup|svg|tt|u|var|wbr|[a-z]\w*-[\w-]*)(?:[\s/>]|$)"
    r"|[^>]*=)"
)
"""What is markup in a heading: a tag of HTML, or whatever has attributes. `<T>` in `Vec<T>` is a word."""
_LISTS = ("bullet_list_open", "ordered_list_open")
_TOO_LONG_FOR_THE_PARSER = 2_000_000
_LONGEST_CAPTION, _LONGEST_HEADING = 400, 2000
_ATTRIBUTES = re.compile(r"(?<!\s)\s*\{\s*[#.:][^{}]*\}$")
_CAPTION = re.compile(
    r"(?P<mark>\*{1,3}|_{1,3})(?=\S)[^\n]*\S(?P=mark)$"
    r"|[*_]{0,3}(?:table|tab\.|tabelle|tableau|tabla|tabella|tabela|tabel|taulukko|таблица|表)"
    r"\s{0,3}(?:[A-Z]?[\d.\-]*\d[a-z]?|[IVXLC]{1,6})?[*_]{0,3}\s?(?:[:.–—：]|- )",
    re.IGNORECASE,
)
_LINES_THAT_MATTER = re.compile(
    r"^ {0,3}(?:(?P<fence>`{3,}|~{3,})(?P<rest>[^\n]*)|(?P<level>#{1,6})(?:[ \t]+(?P<title>[^\n]*))?$"
    r"|(?P<rule>\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*(?:\|[ \t]*)?)$)",
    re.MULTILINE,
)
_ROWS = re.compile(r"(?:\n {0,3}[^\s>#`~][^\n]*)+")
