"""What a document has in common with many others: menus, headers, footers, disclaimers, licences.

Such text stands at a document's edges, in the same words each time. Paragraphs there are told by a hash; the store
counts in how many documents each of them stands, and one of those is chunked with it. Here is which paragraphs are
counted, and what is left out of the chunks of the others (`docs/decisions/0051-boilerplate-and-duplicates.md`).
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise, takewhile

from hybridrag.chunking.spans import BLANK, together, trimmed
from hybridrag.types import Document

VERSION = 3
"""Part of what decides an index: another number means that paragraphs are counted, and documents chunked, again."""
_EDGE = 12
"""Paragraphs from either end that are counted."""
_HEADER = 8
"""So many of them may be repeated. More are no header: it is a text that there are copies of, or versions."""
_LEAST, _MOST = 16, 4_000
"""Letters and digits that a paragraph has at least, and characters that it has at most, to be counted."""
_LINE = 80
"""Characters: one own paragraph no longer than a line (where a page belongs, when it was changed) is passed over."""
_OWN = 10
"""A document keeps all of its text where less than one part in so many of it is its own: it is a copy."""

_SENTENCES = 60
"""Letters and digits of what is said in sentences, at least: fewer are a label, a menu's entry, a copyright."""

_CLAUSE = re.compile(
    r"§+\s*\d|第\s*[\d一二三四五六七八九十百]+\s*条"
    r"|(?:section|article|clause|item|abschnitt|artikel|art\.|artículo|articolo|artigo)\s+(?:\d|[ivxlc]+\b)"
    r"|\(?(?:\d+(?:\.\d+)*|[ivxlc]+|[a-z])[.)]\s|\d+(?:\.\d+)+\s"
)
"""How a clause begins that has a number, in lower case."""
_ENDS = (".", "!", "?", ";", ")", '"', "”", "。", "！", "？", "；")
_BULLETS = ("- ", "* ", "+ ", "• ")
_BLANK_COMMENT = re.compile(r"\n[ \t]*(?:#+|//+|\*|--+|;+|%+)?[ \t]*(?=\n)")
_COMMENT = re.compile(r"[ \t]*(?:#|//|/\*|\*|--|;|%|<!--|<\?)")
_MARK = re.compile(r"/\*|<!--|\*/|-->")
_HEADING = re.compile(r"[^\n]*(?:\n[=-]+[ \t]*(?=\n|$))?")
"""A heading's line, with its underline where it has one."""
_PROSE = {"text/x-rst", "text/x-asciidoc", "text/x-org", "text/x-tex"}
_DATA = {
    *(f"application/{kind}" for kind in ("json", "x-ndjson", "yaml", "toml", "xml")),
    *(f"text/{kind}" for kind in ("css", "javascript", "csv", "tab-separated-values")),
}


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """`hash` is None for what is never left out. `says` tells whether it is more than a mark, a rule or a word, and
    `prose` whether it is said in sentences.
    """

    start: int
    end: int
    hash: int | None
    says: bool
    prose: bool
    heading: bool


def edges(document: Document) -> tuple[int, ...]:
    """Hashes of the paragraphs near the document's beginning and end, 64 bit, signed, in rising order.

    Of source code and data only the comment at the beginning counts; of other texts no tables and no code.
    """
    first, last = _edges(_paragraphs(document, only_edges=True))
    return tuple(sorted({each.hash for each in (*first, *last) if each.hash is not None}))


def left_out(document: Document, repeated: Collection[int]) -> tuple[tuple[int, int], ...]:
    """Spans of the text that need not be chunked, in order: paragraphs with these hashes that lie at its edges.

    What lies at an edge has nothing of the document's own before it, or after it, but a line; in the comment that code
    begins with, all lies there. A heading goes only with all that stands under it. Sentences stay that a heading or a
    number of their own makes a clause, or a part that people ask for; and nothing is left out of what would then have
    hardly anything to say.
    """
    if not repeated:
        return ()
    paragraphs = _paragraphs(document)
    first, last = _edges(paragraphs)
    if _begins_with_comment(document):
        chosen = {each for each in first if each.hash in repeated}
    else:
        chosen = {*_reached(first, repeated), *_reached(last[::-1], repeated)}
        chosen -= {*_under_their_own_heading(paragraphs, chosen)}
    for place in reversed(range(len(paragraphs))):
        each, below = paragraphs[place], paragraphs[place + 1] if place + 1 < len(paragraphs) else None
        if each.heading and below is not None and below not in chosen:
            chosen.discard(each)
    chosen |= {*_with_nothing_left(paragraphs, chosen)}
    own = sum(each.end - each.start for each in paragraphs if each.says and not each.heading and each not in chosen)
    if not own or own * _OWN < sum(each.end - each.start for each in paragraphs):
        return ()
    return _joined(document.text, sorted((each.start, each.end) for each in chosen))


def _under_their_own_heading(paragraphs: Sequence[_Paragraph], chosen: Collection[_Paragraph]) -> Iterator[_Paragraph]:
    """What stands right under a heading that has nothing else under it but lines, where it is said in sentences."""
    heads = [place for place, each in enumerate(paragraphs) if each.heading]
    for place, end in pairwise((*heads, len(paragraphs))):
        below = [each for each in paragraphs[place + 1 : end] if each.says]
        introduced = [*takewhile(lambda each: each in chosen, below)]
        others = below[len(introduced) :]
        if any(each.prose for each in introduced) and all(each.end - each.start <= _LINE for each in others):
            yield from introduced


def _with_nothing_left(paragraphs: Sequence[_Paragraph], chosen: Collection[_Paragraph]) -> Iterator[_Paragraph]:
    """Headings too short to be counted under which everything goes."""
    heads = [place for place, each in enumerate(paragraphs) if each.heading]
    for place, end in pairwise((*heads, len(paragraphs))):
        below = paragraphs[place + 1 : end]
        if not paragraphs[place].says and below and all(each in chosen for each in below):
            yield paragraphs[place]


def kept(document: Document) -> list[tuple[int, int]]:
    """The stretches of a document's text between what is left out: the whole text where that is nothing."""
    edges = [0, *(place for span in document.left_out for place in span), len(document.text)]
    return [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]


def _reached(paragraphs: Sequence[_Paragraph], repeated: Collection[int]) -> Iterator[_Paragraph]:
    """Repeated paragraphs, in the order in which they are met coming from an edge."""
    if sum(each.hash in repeated for each in paragraphs) > _HEADER:
        return
    passed = False
    for each in paragraphs:
        if each.hash is not None and each.hash in repeated:
            yield each
        elif each.says or each.heading:
            if passed or each.end - each.start > _LINE:
                return
            passed = True


def _edges(paragraphs: Sequence[_Paragraph]) -> tuple[Sequence[_Paragraph], Sequence[_Paragraph]]:
    """Those that are near the beginning, and near the end. Of code and data there is only a beginning."""
    return paragraphs[:_EDGE], paragraphs[-_EDGE:]


def _paragraphs(document: Document, *, only_edges: bool = False) -> list[_Paragraph]:
    """Those of the whole text, or those near its ends: a long text may have millions of them."""
    text = document.text
    if _begins_with_comment(document):
        comment = _comment_end(text)
        fixed = {0, comment, len(text)}
        blank = (place for match in _BLANK_COMMENT.finditer(text, 0, comment) for place in match.span())
        heads: dict[int, int] = {}
        apart = [(comment, len(text))]
    else:
        heads = {heading.start: _heading_end(text, heading.start) for heading in document.headings}
        fixed = {0, len(text), *heads, *heads.values()}
        blank = (match.end() for match in BLANK.finditer(text))
        apart = [(block.start, block.end) for block in document.blocks if block.kind != "list"]
    found = []
    trim = trimmed(text, pairwise(together(sorted(fixed), blank)))
    spans = [*islice(trim, _EDGE)]
    spans += deque(trim, maxlen=_EDGE) if only_edges else trim
    for place, (start, end) in enumerate(spans):
        counted = min(place, len(spans) - 1 - place) < _EDGE and end - start <= _MOST
        words = " ".join(text[start:end].split()).casefold() if counted else ""
        says = not counted or _size(words) >= _LEAST
        prose = words.endswith(_ENDS) and not words.startswith(_BULLETS) and _size(words) >= _SENTENCES
        if not says or words.startswith("|") or _touches(apart, start, end) or (prose and _CLAUSE.match(words)):
            counted = False
        found.append(_Paragraph(start, end, _hash(words) if counted else None, says, prose, start in heads))
    return found


def _begins_with_comment(document: Document) -> bool:
    """Whether it is source code or data, with no text at its edges but a comment."""
    kind = document.media_type
    return kind in _DATA or (kind.startswith("text/x-") and kind not in _PROSE)


def _comment_end(text: str) -> int:
    """Where the comment ends that source code begins with; 0 where there is none."""
    end, inside = 0, False
    while end < len(text):
        stop = text.find("\n", end) + 1 or len(text)
        line = text[end:stop]
        if not inside and line.strip() and not _COMMENT.match(line):
            break
        marks = _MARK.findall(line)
        inside = marks[-1] in ("/*", "<!--") if marks else inside
        end = stop
    return 0 if inside else end


def _hash(words: str) -> int:
    digest = hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _size(text: str) -> int:
    """Letters and digits; those of scripts that say a word with one or two count twice."""
    if text.isascii():
        return sum(map(str.isalnum, text))
    return sum(1 + (character >= "\u2e80") for character in text if character.isalnum())


def _heading_end(text: str, start: int) -> int:
    match = _HEADING.match(text, start)
    return match.end() if match else start


def _touches(spans: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether one of the spans, which are in order, has something in common with `start:end`."""
    before = bisect_left(spans, end, key=lambda span: span[0])
    return bisect_right(spans, start, hi=before, key=lambda span: span[1]) < before


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """The spans together with what lies between them, before and after, where that has no letter and no digit."""
    joined: list[tuple[int, int]] = []
    for start, end in ((0, 0), *spans, (len(text), len(text))):
        if joined and not any(map(str.isalnum, text[joined[-1][1] : start])):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return tuple((start, end) for start, end in joined if start < end)
