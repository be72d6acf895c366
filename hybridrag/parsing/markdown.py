"""Markdown: the text stays as written, front matter taken off; headings are found by a CommonMark parser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.frontmatter import split_front_matter
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode
from hybridrag.types import Heading

if TYPE_CHECKING:
    from markdown_it import MarkdownIt


def parse_markdown(content: bytes) -> Parsed:
    """The document; its title is the front matter's, else the first heading's."""
    written, notes = decode(content)
    metadata, text, trouble = split_front_matter(written)
    headings = find_headings(text)
    title = metadata.pop("title", None)
    return Parsed(
        text=text,
        title=(one_line(title) if isinstance(title, str) else "") or first_title(headings),
        headings=headings,
        metadata=metadata,
        date=read_date(metadata.get("date")),
        notes=notes + trouble,
    )


def find_headings(text: str) -> tuple[Heading, ...]:
    """The headings of a Markdown text, ATX and setext, in order; none from code blocks, lists or quotations.

    A paragraph of several lines above a rule is a setext heading by the letter of CommonMark. It is hardly ever meant
    as one, so it does not count.
    """
    if len(text) > _TOO_LONG_FOR_THE_PARSER:
        return tuple(_scanned(text))
    lines = [0]
    lines.extend(match.end() for match in re.finditer("\n", text))
    tokens = _blocks().parse(text)
    headings = []
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open" and opening.level == 0 and opening.map is not None:
            first, last = opening.map
            if last - first > 2:
                continue
            title = _spoken(inline.content)
            if title:
                headings.append(Heading(lines[first], int(opening.tag[1:]), title))
    return tuple(headings)


def first_title(headings: tuple[Heading, ...]) -> str | None:
    return headings[0].title if headings else None


def _scanned(text: str) -> Iterator[Heading]:
    """The ATX headings outside fenced code, line by line: a text this long costs the parser gigabytes."""
    fence = ""
    for line in _LINES_THAT_MATTER.finditer(text):
        mark = line["fence"]
        if mark and not fence:
            fence = mark
        elif mark and mark.startswith(fence) and not line["rest"].strip():
            fence = ""
        elif line["level"] and not fence:
            title = _spoken(re.sub(r"(?:^|[ \t])#+[ \t]*$", "", line["title"] or "").strip())
            if title:
                yield Heading(line.start(), len(line["level"]), title)


def _spoken(written: str) -> str:
    """A heading's words: `The `id` *field* { #id }` is `The id field`."""
    bare = re.sub(r"\s*\{\s*[#.:][^{}]*\}\s*$", "", written)
    words: list[str] = []
    for token in _inlines().parseInline(bare)[0].children or []:
        if token.type in {"text", "code_inline", "image"}:
            words.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            words.append(" ")
    return one_line("".join(words))


@cache
def _blocks() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    parser.core.ruler.disable("inline")
    return parser


@cache
def _inlines() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark")


_TOO_LONG_FOR_THE_PARSER = 2_000_000
_LINES_THAT_MATTER = re.compile(
    r"^ {0,3}(?:(?P<fence>`{3,}|~{3,})(?P<rest>[^\n]*)|(?P<level>#{1,6})(?:[ \t]+(?P<title>[^\n]*))?$)", re.MULTILINE
)
