"""XML: the text as written, with its elements as headings.

The tags are scanned, not parsed: no entity is ever expanded, no DTD read, and a file that is broken in one place keeps
its structure everywhere else. Where elements have titles (DocBook, JATS, RSS), those are the headings. A file without
line breaks is laid out, an element a line.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from hybridrag.parsing.data.keys import Keys
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import decode


def parse_xml(content: bytes) -> Parsed:
    """The document; its title is the first `<title>`. A section is known by its title, id or name, else by its tag."""
    declared = _DECLARED.match(content[:200])
    text, notes = decode(content, declared=declared[1].decode() if declared else None)
    if len(text) > _LONGEST:
        return Parsed(text=text, notes=notes)
    if sum(len(line) for line in text.split("\n") if len(line) > _LONGEST_LINE) * 2 > len(text):
        text = _BETWEEN_TAGS.sub(">\n<", text)
    title, elements = _walk(text)
    titled = any(element.titled for element in elements)
    keys = Keys()
    for element in elements:
        if element.titled or not titled:
            keys.add(element.start, element.level, element.name)
    return Parsed(text=text, title=title, headings=keys.headings(), notes=notes)


@dataclass(slots=True)
class _Element:
    tag: str
    start: int
    level: int
    name: str
    content: int
    titled: bool = False
    told: bool = False


def _walk(text: str) -> tuple[str | None, list[_Element]]:
    """The document's title, and every element with elements inside but the root and running text, in order."""
    opened: list[_Element] = []
    sections: list[_Element] = []
    title: str | None = None
    for found in _TAGS.finditer(text):
        tag = found["tag"]
        if tag is None:
            continue
        if found["end"]:
            _close(opened, tag)
            continue
        local = tag.rpartition(":")[2]
        spoken = _title(text, found.end()) if local in _TITLES else ""
        if spoken:
            title = title or spoken
            holder = next((it for it in reversed(opened) if it.tag.rpartition(":")[2] not in _AROUND_TITLES), None)
            if holder is not None and holder.level and not holder.titled:
                holder.name, holder.titled = spoken, True
                _tell(holder, sections)
        elif opened and opened[-1].level and (opened[-1].told or not text[opened[-1].content : found.start()].strip()):
            _tell(opened[-1], sections)
        if found["empty"] is None:
            opened.append(_Element(tag, found.start(), len(opened), _name(local, found["rest"]), found.end()))
    return title, sorted(sections, key=lambda element: element.start)


def _tell(element: _Element, sections: list[_Element]) -> None:
    if not element.told:
        element.told = True
        sections.append(element)


def _title(text: str, start: int) -> str:
    """What a title's element says; empty for the `<head>` of another kind, which holds elements."""
    inner = text[start : start + 1000].partition("</")[0]
    return "" if _ELEMENT.search(inner) else one_line(html.unescape(_ANY_TAG.sub("", inner)), limit=200)


def _close(opened: list[_Element], tag: str) -> None:
    for depth in range(len(opened) - 1, max(-1, len(opened) - 20), -1):
        if opened[depth].tag == tag:
            del opened[depth:]
            return


def _name(tag: str, attributes: str) -> str:
    named = _NAMING.search(attributes)
    return f"{tag} {html.unescape(named['value'])}" if named else tag


_DECLARED = re.compile(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_TAGS = re.compile(
    r"<!--.*?(?:-->|\Z)|<!\[CDATA\[.*?(?:\]\]>|\Z)|<\?.*?(?:\?>|\Z)|<![^<>\[]*+(?:\[.*?(?:\]\s*>|\Z))?"
    r"|<(?P<end>/?)(?P<tag>[^\W\d][\w:.-]*+)(?P<rest>(?:[^<>\"']++|\"[^\"<]*+\"|'[^'<]*+')*+)(?P<empty>(?<=/))?>",
    re.DOTALL,
)
_ANY_TAG = re.compile(r"<[^<>]*>")
_NAMING = re.compile(r"\b(?:name|id|key|title|text)\s*=\s*(?P<quote>[\"'])(?P<value>[^\"'<]{1,100})(?P=quote)")
_ELEMENT = re.compile(r"<(?:\w+:)?(?:title|meta|link)\b")
_TITLES = frozenset({"title", "article-title", "head"})
_AROUND_TITLES = frozenset(
    {"info", "titleInfo", "title-group", "article-meta", "front", "head", "title-info", "caption"}
)
_BETWEEN_TAGS = re.compile(r">\s*<")
_LONGEST = 20_000_000
_LONGEST_LINE = 1000
