"""Org: the text as written, with its headings, tables, source blocks and lists (orgmode.org/worg/org-syntax.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.parsing.dates import read_date
from hybridrag.parsing.markup.lines import Lines, with_lists
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode
from hybridrag.parsing.titles import first_title
from hybridrag.types import Block, Heading


def parse_org(content: bytes) -> Parsed:
    """The document; title, author and date come from its keywords, else the title is the first heading."""
    text, notes = decode(content)
    lines = Lines(text)
    headings = tuple(
        Heading(found.start(), len(found["level"]), title)
        for found in _HEADING.finditer(text)
        if (title := one_line(_LINK.sub(lambda link: link[2] or link[1], found["title"])))
    )
    metadata: dict[str, str] = {}
    for found in _KEYWORD.finditer(text):
        name, value = found["name"].lower(), one_line(found["value"], limit=2000)
        if value:
            metadata[name] = f"{metadata[name]} {value}" if name in metadata else value
    title = metadata.pop("title", "")
    if "date" in metadata:
        metadata["date"] = re.sub(r"^[<\[](\d{4}-\d\d-\d\d).*", r"\1", metadata["date"])
    return Parsed(
        text=text,
        title=title or first_title(headings),
        headings=headings,
        blocks=with_lists(_blocks(lines), lines, _ITEM),
        metadata=metadata,
        date=read_date(metadata.get("date")),
        notes=notes,
    )


def _blocks(lines: Lines) -> Iterator[Block]:
    unclosed: set[str] = set()
    number = 0
    while number < len(lines):
        line = lines.lines[number].strip()
        opening = _OPENING.match(line)
        start, end = lines.starts[number], number + 1
        closing = f"#+end_{opening['name']}".lower() if opening else ""
        if closing and closing not in unclosed:
            last = next((at for at in range(end, len(lines)) if lines.lines[at].strip().lower() == closing), None)
            if last is None:
                unclosed.add(closing)
            else:
                end = last + 1
                yield Block("code", start, lines.end(last), start)
        elif line.startswith("|"):
            while lines.at(end).lstrip().startswith("|"):
                end += 1
            rule = next((at for at in range(number + 1, end) if lines.lines[at].lstrip().startswith("|-")), None)
            caption = number
            while caption and _CAPTION.match(lines.lines[caption - 1]):
                caption -= 1
            head = lines.starts[number if rule is None else rule + 1]
            yield Block("table", lines.starts[caption], lines.end(end - 1), min(head, lines.end(end - 1)))
        number = end


_HEADING = re.compile(
    r"(?m)^(?P<level>\*{1,12})[ \t]+(?:(?:TODO|DONE|NEXT|WAIT|WAITING|CANCELLED)[ \t]+)?(?:\[#\w\][ \t]+)?"
    r"(?P<title>\S[^\n]{0,500}?)(?:[ \t]+:[\w@#%:]+:)?[ \t]*$"
)
_KEYWORD = re.compile(r"(?mi)^#\+(?P<name>title|author|date|description|keywords|language):[ \t]*(?P<value>[^\n]*)$")
_LINK = re.compile(r"\[\[([^\[\]]+)\](?:\[([^\[\]]+)\])?\]")
_OPENING = re.compile(r"#\+begin_(?P<name>src|example|export)\b", re.IGNORECASE)
_CAPTION = re.compile(r"\s*#\+(?:caption|name|attr_\w+)", re.IGNORECASE)
_ITEM = re.compile(r"\s*(?:[-+]|\d+[.)])\s+\S|\s+\*\s+\S")
