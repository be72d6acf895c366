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
from hybridrag.parsing.html.charset import decode_declared, encoding_of_markup
from hybridrag.parsing.parsed import Parsed, one_line
from hybridrag.parsing.text import mostly_in_long_lines


def parse_xml(content: bytes) -> Parsed:
    """The document; its title is the first `<title>`. A section is known by its title, id or name, else by its tag."""
    text, notes = decode_declared(content, encoding_of_markup(content))
    if len(text) > _LONGEST:
        return Parsed(text=text, notes=notes)
    if mostly_in_long_lines(text, over=_LONGEST_LINE):
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
    holds: bool = False
    """Whether an element inside it has been seen: text before the first makes it running text."""
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
            near = reversed(opened[-_NEAR:])
            holder = next((it for it in near if it.tag.rpartition(":")[2] not in _AROUND_TITLES), None)
            if holder is not None and holder.level and not holder.titled:
                holder.name, holder.titled = spoken, True
                _tell(holder, sections)
        elif (
            opened and opened[-1].level and not opened[-1].holds and _is_blank(text, opened[-1].content, found.start())
        ):
            _tell(opened[-1], sections)
        if opened:
            opened[-1].holds = True
        if found["empty"] is None:
            opened.append(_Element(tag, found.start(), len(opened), _name(local, found["rest"]), found.end()))
    return title, sorted(sections, key=lambda element: element.start)


def _tell(element: _Element, sections: list[_Element]) -> None:
    if not element.told:
        element.told = True
        sections.append(element)


def _is_blank(text: str, start: int, end: int) -> bool:
    return not text[start:end].strip()


def _title(text: str, start: int) -> str:
    """What a title's element says; empty for the `<head>` of another kind, which holds elements."""
    inner = text[start : start + 1000].partition("</")[0]
    return "" if _ELEMENT.search(inner) else one_line(html.unescape(_ANY_TAG.sub("", inner)), limit=200)


def _close(opened: list[_Element], tag: str) -> None:
    for depth in range(len(opened) - 1, max(-1, len(opened) - _NEAR), -1):
        if opened[depth].tag == tag:
            del opened[depth:]
            return


def _name(tag: str, attributes: str) -> str:
    named = _NAMING.search(attributes)
    return f"{tag} {html.unescape(named['value'])}" if named else tag


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
_NEAR = 20
"""Elements around a tag among which it is looked for what it belongs to. All of them would take for ever."""
