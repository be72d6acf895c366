"""AsciiDoc: the text as written, with its headings, tables, listings and lists (docs.asciidoctor.org)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.markup.lines import Lines, with_lists
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode
from hybridrag.parsing.titles import first_title
from hybridrag.types import Block, Heading


def parse_asciidoc(content: bytes) -> Parsed:
    """The document; author, date and version come from the lines below its title. Nothing is included."""
    text, notes = decode(content)
    lines = Lines(text)
    headings, blocks = _structure(lines)
    metadata = _header(lines)
    return Parsed(
        text=text,
        title=first_title(headings),
        headings=headings,
        blocks=with_lists(blocks, lines, _ITEM),
        metadata=metadata,
        date=read_date(metadata.get("date")),
        notes=notes,
    )


def _structure(lines: Lines) -> tuple[tuple[Heading, ...], list[Block]]:
    headings: list[Heading] = []
    blocks: list[Block] = []
    unclosed: set[str] = set()
    number = 0
    while number < len(lines):
        line = lines.lines[number].rstrip()
        heading = _HEADING.fullmatch(line) if len(line) < _LONGEST_TITLE else None
        if heading or _is_underlined(lines, number):
            level = len(heading["level"]) if heading else _UNDERLINES.index(lines.lines[number + 1][0]) + 1
            title = one_line(_NO_WORDS.sub("", heading["title"] if heading else line))
            if title:
                headings.append(Heading(lines.starts[number], level, title))
            number += heading is None
        elif (fence := _FENCE.fullmatch(line)) and fence["mark"] not in unclosed:
            mark = fence["mark"]
            end = next((at for at in range(number + 1, len(lines)) if lines.lines[at].rstrip() == mark), None)
            if end is None:
                unclosed.add(mark)
            else:
                blocks.extend(_block(lines, number, end))
                number = end
        number += 1
    return tuple(headings), blocks


def _is_underlined(lines: Lines, number: int) -> bool:
    """Whether this is a title in two lines, the second as long as the first but for one character."""
    title, under = lines.lines[number].rstrip(), lines.at(number + 1).rstrip()
    return (
        len(under) > 1
        and under[0] in _UNDERLINES
        and abs(len(title) - len(under)) < 2
        and under == under[0] * len(under)
        and _TITLE.match(title) is not None
        and _BEFORE_A_TITLE.match(lines.at(number - 1)) is not None
    )


def _block(lines: Lines, first: int, last: int) -> Iterator[Block]:
    """The block between two fences, with the title and the attributes above it; none for a comment."""
    mark = lines.lines[first].rstrip()
    above = first
    while above and _ATTRIBUTES.match(lines.lines[above - 1]):
        above -= 1
    start, end = lines.starts[above], lines.end(last)
    if mark.endswith("==="):
        row = next((at for at in range(first + 1, last) if lines.lines[at].strip()), last)
        told = any("header" in lines.lines[at] for at in range(above, first))
        headed = told or (row == first + 1 and not lines.at(row + 1).strip())
        yield Block("table", start, end, lines.starts[row + 1] if headed and row < last else start)
    elif not mark.startswith("/"):
        yield Block("code", start, end, start)


def _header(lines: Lines) -> dict[str, str]:
    number = next((at for at, line in enumerate(lines.lines[:50]) if line.startswith(("= ", "=="))), None)
    if number is None or not (lines.lines[number][1] == " " or _is_underlined(lines, number - 1)):
        return {}
    found: dict[str, str] = {}
    for place, line in enumerate(lines.lines[number + 1 : number + 50]):
        attribute = _ATTRIBUTE.fullmatch(line.rstrip())
        if not line.strip():
            break
        if attribute and (name := _KEPT.get(attribute["name"].lower())):
            found.setdefault(name, one_line(attribute["value"]))
        elif place == 0 and not line.startswith((":", "//")):
            found["author"] = ", ".join(one_line(re.sub(r"<[^<>]*>", "", name)) for name in line.split(";"))
        elif place == 1 and "author" in found and (revision := _REVISION.fullmatch(line.strip())):
            found |= {name: value for name, value in revision.groupdict().items() if value}
    return found


_HEADING = re.compile(r"(?P<level>={1,6}|#{1,6})[ \t]+(?P<title>\S.*?)(?:[ \t]+(?P=level))?")
_UNDERLINES = "=-~^+"
"""What titles of each level are underlined with, where they are (the older way of writing them)."""
_TITLE = re.compile(r"(?![.\s/|\[])(?=.*\w)(?!.*[:;]{2}$)")
_BEFORE_A_TITLE = re.compile(r"\s*$|\[.*\]\s*$|//")
_NO_WORDS = re.compile(r"\{[^{}]*\}|\[\[[^\]]*\]\]|[`*]|_(?!\w)|(?<!\w)_")
_FENCE = re.compile(r"(?P<mark>-{4,}|\.{4,}|\+{4,}|/{4,}|`{3,}|[|,:!]={3,})(?:(?<=`)[^`]*)?")
_ATTRIBUTES = re.compile(r"\[[^\]]*\]\s*$|\.[^\s.]")
_ATTRIBUTE = re.compile(r":(?P<name>[\w-]+):[ \t]+(?P<value>.+)")
_REVISION = re.compile(r"(?:v?(?P<version>\d[\w.]*),?\s*)??(?P<date>\d{4}-\d\d-\d\d)?(?:[:;,].*)?")
_ITEM = re.compile(r"\s*(?:\*{1,5}|-|\.{1,5}|\d+\.)\s+\S")
_LONGEST_TITLE = 500
_KEPT = {
    "author": "author",
    "revdate": "date",
    "revnumber": "version",
    "description": "description",
    "keywords": "keywords",
    "lang": "language",
}
