"""Where a text may be cut, and how well: headings, paragraphs, the parts of blocks, lines, sentences, words."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hybridrag.chunking.outline import Outline
from hybridrag.types import Block, Document

_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_LINE = re.compile(r"\n+")
_FENCE = re.compile(r"(?m)^[ \t]*(`{3,}|~{3,})([^\n]*)$")
_ITEM = re.compile(r"(?m)^([ \t]*)(?:[-*+•]|\(?[0-9a-zA-Z]{1,9}[.)])(?=[ \t\n])")
# A sentence ends at its mark followed by space, or at a mark of a script that writes no spaces.
_SENTENCE = re.compile(r"(?<=[.!?…;:])[\"'”’»)\]]*\s+|(?<=[。！？；])")
_WORD = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Cut positions of a text by level, best first; each level is a sorted list of offsets where a piece may begin."""

    levels: tuple[Sequence[int], ...]
    headings: int
    tables: tuple[Block, ...]

    def within(self, level: int, start: int, end: int) -> Sequence[int]:
        """The cuts of one level strictly inside `start:end`."""
        cuts = self.levels[level]
        return cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]

    def is_heading(self, level: int) -> bool:
        """Whether cuts of this level are headings (or pages), which begin something new."""
        return level < self.headings

    def table(self, start: int, end: int) -> Block | None:
        """The table with a head that `start:end` lies in."""
        index = bisect_right(self.tables, start, key=lambda table: table.start) - 1
        return self.tables[index] if index >= 0 and end <= self.tables[index].end else None


def boundaries(document: Document, outline: Outline) -> Boundaries:
    """All cuts of a document. Pages cut like paragraphs, since a text runs on over a page's end.

    A block is cut from what stands around it like a paragraph, and itself only between its parts while these fit: a
    table between rows, code at blank lines, a list between items, outer ones first. A heading is not cut from what it
    heads.
    """
    text = document.text
    depths = sorted({heading.level for heading in document.headings})
    headings = [
        sorted(h.start for h in document.headings if h.level == depth and h.start not in outline.nested)
        for depth in depths
    ]
    blocks = _with_fences(text, document.blocks)
    outer, inner = _parts(text, blocks)
    blank = (match.end() for match in _PARAGRAPH.finditer(text))
    paragraphs = {
        *(cut for cut in blank if _around(cut, blocks) is None),
        *(edge for block in blocks for edge in (block.start, block.end)),
        *(page.start for page in document.pages),
    }
    lines = [match.end() for match in _LINE.finditer(text)]
    sentences = [match.end() for match in _SENTENCE.finditer(text)]
    return Boundaries(
        levels=(
            *headings,
            *([cut for cut in cuts if cut not in outline.uncut] for cuts in (sorted(paragraphs), outer, inner)),
            *([cut for cut in cuts if cut not in outline.uncut] for cuts in (lines, sentences)),
            [match.end() for match in _WORD.finditer(text)],
        ),
        headings=len(headings),
        tables=tuple(block for block in blocks if block.kind == "table" and block.head > block.start),
    )


def _with_fences(text: str, blocks: Sequence[Block]) -> list[Block]:
    """The blocks with the fenced code that is in none of them, as in text that no format's parser has read."""
    found = (Block("code", start, end, start) for start, end in _fenced(text))
    fences = [fence for fence in found if _around(fence.start, blocks) is None]
    return sorted((*blocks, *fences), key=lambda block: block.start)


def _fenced(text: str) -> list[tuple[int, int]]:
    """Spans of fenced code blocks (CommonMark 4.5, indented at will), an unclosed one up to the end."""
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


def _around(position: int, blocks: Sequence[Block]) -> Block | None:
    """The block that `position` is inside of, its start aside."""
    index = bisect_right(blocks, position, key=lambda block: block.start) - 1
    return blocks[index] if index >= 0 and blocks[index].start < position < blocks[index].end else None
