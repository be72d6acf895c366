"""Where a text may be cut, and how well: headings, paragraphs, lines, sentences, words."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from hybridrag.chunking.outline import Outline
from hybridrag.types import Document

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_LINE = re.compile(r"\n+")
_FENCE = re.compile(r"(?m)^ {0,3}(`{3,}|~{3,})([^\n]*)$")
# A sentence ends at its mark followed by space, or at a mark of a script that writes no spaces.
_SENTENCE = re.compile(r"(?<=[.!?…;:])[\"'”’»)\]]*\s+|(?<=[。！？；])")
_WORD = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Cut positions of a text by level, best first; each level is a sorted list of offsets where a piece may begin."""

    levels: tuple[tuple[int, ...], ...]
    headings: int

    def within(self, level: int, start: int, end: int) -> Sequence[int]:
        """The cuts of one level strictly inside `start:end`."""
        cuts = self.levels[level]
        return cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]

    def is_heading(self, level: int) -> bool:
        """Whether cuts of this level are headings (or pages), which begin something new."""
        return level < self.headings


def boundaries(document: Document, outline: Outline) -> Boundaries:
    """All cuts of a document. Pages cut like paragraphs, since a text runs on over a page's end.

    Blank lines inside a fenced code block are lines, not paragraphs, and a heading is not cut from what it heads.
    """
    text = document.text
    depths = sorted({heading.level for heading in document.headings})
    headings = [
        sorted(h.start for h in document.headings if h.level == depth and h.start not in outline.nested)
        for depth in depths
    ]
    fences = _fenced(text)
    blank = [match.end() for match in _PARAGRAPH.finditer(text)]
    paragraphs = {cut for cut in blank if not _inside(cut, fences)} | {page.start for page in document.pages}
    lines = [match.end() for match in _LINE.finditer(text)]
    sentences = [match.end() for match in _SENTENCE.finditer(text)]
    levels = (
        *(tuple(cuts) for cuts in headings),
        *(tuple(cut for cut in cuts if cut not in outline.uncut) for cuts in (sorted(paragraphs), lines, sentences)),
        tuple(match.end() for match in _WORD.finditer(text)),
    )
    return Boundaries(levels=levels, headings=len(headings))


def _fenced(text: str) -> list[tuple[int, int]]:
    """Spans of fenced code blocks (CommonMark 4.5), an unclosed one up to the end."""
    spans = []
    opened: tuple[int, str] | None = None
    for match in _FENCE.finditer(text):
        mark, rest = match.groups()
        if opened is None:
            if mark[0] == "~" or "`" not in rest:  # otherwise it is code within a line
                opened = (match.start(), mark)
        elif mark[0] == opened[1][0] and len(mark) >= len(opened[1]) and not rest.strip():
            spans.append((opened[0], match.end()))
            opened = None
    if opened is not None:
        spans.append((opened[0], len(text)))
    return spans


def _inside(position: int, spans: list[tuple[int, int]]) -> bool:
    index = bisect_right(spans, position, key=lambda span: span[0]) - 1
    return index >= 0 and spans[index][0] < position < spans[index][1]
