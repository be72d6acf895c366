"""reStructuredText: the text as written, its structure found by the rules of its specification.

No directive is carried out: nothing is included, no raw part passed on, and roles and directives that only Sphinx knows
lose no text (docutils.sourceforge.io/docs/ref/rst/restructuredtext.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from unicodedata import east_asian_width

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.markup.lines import Lines, indent, with_lists
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode
from hybridrag.parsing.titles import first_title
from hybridrag.types import Block, Heading


def parse_rst(content: bytes) -> Parsed:
    """The document; its title is the first heading, its author, date and version come from the fields below that."""
    text, notes = decode(content)
    lines = Lines(text)
    headings = tuple(_headings(lines))
    metadata = _fields(lines, headings)
    return Parsed(
        text=text,
        title=first_title(headings),
        headings=headings,
        blocks=with_lists(_blocks(lines), lines, _ITEM),
        metadata=metadata,
        date=read_date(metadata.get("date")),
        notes=notes,
    )


def _headings(lines: Lines) -> Iterator[Heading]:
    """Section titles; a style's level is the place at which it first appears."""
    styles: list[str] = []
    number = 0
    while number < len(lines):
        style, first = "", number
        mark = _ADORNMENT.fullmatch(lines.lines[number].rstrip())
        title = lines.at(number + 1)
        if mark and title.strip() and lines.at(number + 2).rstrip() == mark[0] and _fits(mark[0], title):
            style, number = mark[0][0] * 2, number + 3
        elif _is_underlined(lines, number):
            title, style, number = lines.lines[number], lines.lines[number + 1][0], number + 2
        else:
            number += 1
            continue
        if style not in styles:
            styles.append(style)
        spoken = _spoken(title)
        if spoken:
            yield Heading(lines.starts[first], styles.index(style) + 1, spoken)


def _is_underlined(lines: Lines, number: int) -> bool:
    title, under = lines.lines[number], lines.at(number + 1).rstrip()
    before = lines.at(number - 1)
    return (
        bool(title.strip())
        and not title[0].isspace()
        and bool(_ADORNMENT.fullmatch(under))
        and not _ADORNMENT.fullmatch(title.rstrip())
        and _fits(under, title)
        and (
            not before.strip()
            or before.startswith(("..", "__", " ", "\t"))
            or bool(_ADORNMENT.fullmatch(before.strip()))
        )
    )


def _fits(adornment: str, title: str) -> bool:
    """An adornment shorter than its title is a mistake that docutils forgives from four characters on."""
    width = sum(2 if east_asian_width(char) in "WF" else 1 for char in title.strip())
    return len(adornment) >= min(width, 4)


def _spoken(written: str) -> str:
    """A title's words: ``The :ref:`id <x>` field`` is `The id field`."""
    bare = _ROLE.sub(r"\1", written[:500])
    bare = _LINK.sub(r"\1", bare)
    bare = re.sub(r"(\*\*|``|\*|`_{0,2}|\|)(?=\S)(.+?)(?<=\S)\1_{0,2}", r"\2", bare)
    return one_line(re.sub(r"\\(.)", r"\1", bare))


def _fields(lines: Lines, headings: tuple[Heading, ...]) -> dict[str, Any]:
    """The bibliographic fields at the beginning or below the first title."""
    found: dict[str, list[str]] = {}
    number = 0
    while number < len(lines) and (not lines.lines[number].strip() or lines.lines[number].startswith("..")):
        number = lines.after_indented(number + 1)
    if headings and headings[0].start == lines.starts[number]:
        number += 2 + bool(_ADORNMENT.fullmatch(lines.lines[number].rstrip()))
        while number < len(lines) and not lines.lines[number].strip():
            number += 1
    while number < len(lines) and (field := _FIELD.match(lines.lines[number])):
        end = lines.after_indented(number + 1)
        value = one_line(" ".join([field["value"], *lines.lines[number + 1 : end]]), limit=2000)
        value = re.sub(r"^\$\w+:\s*(.*?)\s*\$$", r"\1", value)
        name = _KEPT.get(field["name"].lower())
        if name and value:
            found.setdefault(name, []).append(re.sub(r"^[-*]\s+", "", value))
        number = end
    return {name: ", ".join(values) for name, values in found.items()}


def _blocks(lines: Lines) -> Iterator[Block]:
    number = 0
    while number < len(lines):
        line = lines.lines[number]
        end = number
        if _GRID.fullmatch(line.strip()):
            end = number + 1
            while lines.at(end).strip()[:1] in {"+", "|"}:
                end += 1
            head = next((at for at in range(number, end) if _GRID_HEAD.fullmatch(lines.lines[at].strip())), None)
            yield _table(lines, number, end, head)
        elif _SIMPLE.fullmatch(line.strip()) and (borders := _borders(lines, number)):
            end = borders[-1] + 1
            yield _table(lines, number, end, borders[1] if len(borders) > 2 else None)
        elif directive := _DIRECTIVE.match(line):
            name = directive["name"]
            # What is inside a note, or a table with a caption, may hold blocks: it is read line by line.
            if name in _TABLES | _CODE:
                end = lines.after_indented(number + 1, than=indent(line))
            if end > number + 1:
                yield _directive_table(lines, number, end) if name in _TABLES else _span("code", lines, number, end)
        elif line.rstrip().endswith("::") and not line.lstrip().startswith(".. "):
            end = lines.after_indented(number + 1, than=indent(line))
            if end > number + 1 and lines.last_filled(end) > number:
                first = next(at for at in range(number + 1, end) if lines.lines[at].strip())
                yield _span("code", lines, first, end)
        elif line.startswith(">>> "):
            while lines.at(end).strip():
                end += 1
            yield _span("code", lines, number, end)
        number = max(end, number + 1)


def _span(kind: Any, lines: Lines, first: int, end: int) -> Block:
    start = lines.starts[first]
    return Block(kind, start, lines.end(lines.last_filled(end)), start)


def _table(lines: Lines, first: int, end: int, head: int | None) -> Block:
    """A table, from the directive with its caption on, where it has one."""
    above = lines.last_filled(first) if first else 0
    caption = first - above <= 6 and lines.at(above).lstrip().startswith(".. table::")
    start = lines.starts[above if caption else first]
    stop = lines.end(end - 1)
    return Block("table", start, stop, start if head is None and not caption else lines.starts[(head or first - 1) + 1])


def _borders(lines: Lines, first: int) -> list[int]:
    """The border lines of a simple table: two, or three with a header. Empty where it has no end."""
    found = [first]
    for at in range(first + 1, min(len(lines), first + _LONGEST_TABLE)):
        if not _SIMPLE.fullmatch(lines.lines[at].strip()):
            continue
        found.append(at)
        if not lines.at(at + 1).strip():
            return found
        if len(found) == 3:
            break
    return []


def _directive_table(lines: Lines, first: int, end: int) -> Block:
    """`csv-table` and `list-table`: the caption, the options and the header rows are its head."""
    start = lines.starts[first]
    at = first + 1
    rows = 0
    while at < end and (option := _FIELD.match(lines.lines[at].strip())):
        rows = (
            max(rows, int(option["value"])) if option["name"] == "header-rows" and option["value"].isdecimal() else rows
        )
        at += 1
    while at < end and not lines.lines[at].strip():
        at += 1
    margin = indent(lines.at(at))
    while at < end and rows:
        at += 1
        while at < end and lines.lines[at].strip() and indent(lines.lines[at]) > margin:
            at += 1
        rows -= 1
    stop = lines.end(lines.last_filled(end))
    return Block("table", start, stop, min(lines.starts[at], stop))


_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1+")
_ROLE = re.compile(r":[\w:.+-]+:`(?:~|!)?([^`<]+?)\s*(?:<[^`>]*>)?`")
_LINK = re.compile(r"`([^`<]+?)\s*<[^`>]*>`_{0,2}")
_FIELD = re.compile(r":(?P<name>[\w -]+):(?!\S)[ \t]*(?P<value>.*)")
_GRID = re.compile(r"\+(?:-+\+)+")
_GRID_HEAD = re.compile(r"\+(?:=+\+)+")
_SIMPLE = re.compile(r"={2,}(?:[ ]+={2,})+")
_DIRECTIVE = re.compile(r"\s*\.\.\s+(?P<name>[\w:.+-]+?)::")
_ITEM = re.compile(r"\s*(?:[-*+•]|#\.|\(?(?:\d{1,4}|[A-Za-z]|[ivxIVX]{1,5})[.)])\s+\S")
_TABLES = frozenset({"csv-table", "list-table"})
_CODE = frozenset(
    {"code", "code-block", "sourcecode", "parsed-literal", "prompt", "ipython", "doctest", "testcode", "highlight"}
)
_LONGEST_TABLE = 1000
_KEPT = {
    "author": "author",
    "authors": "author",
    "date": "date",
    "version": "version",
    "revision": "version",
    "status": "status",
    "organization": "organization",
    "copyright": "copyright",
    "language": "language",
}
