"""Where a text may be cut, and how well: headings, paragraphs, the parts of blocks, lines, sentences, words."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

from hybridrag.chunking.outline import Outline
from hybridrag.chunking.parts import all_blocks, around, fenced, parts
from hybridrag.chunking.spans import BLANK, LINE, places, together
from hybridrag.types import Block, Document

# A sentence ends at its mark followed by space, or at a mark of a script that writes no spaces.
_SENTENCE = re.compile(r"(?<=[.!?…;:])[\"'”’»)\]]*\s+|(?<=[。！？；])")
_WORD = re.compile(r"\s+")


class Boundaries:
    """Cut positions of a document by level, best first: `levels` of them, at `parts` the rows of tables.

    A block is cut from what stands around it like a paragraph, and itself only where it is too long, between its parts.
    A heading is not cut from what it heads.

    Headings, paragraphs and parts are found at once; lines, sentences and words where they are asked for, as few
    documents are cut at each of them.
    """

    def __init__(self, document: Document, outline: Outline) -> None:
        self._text = document.text
        self._uncut = outline.uncut
        self._nested = outline.nested
        code = fenced(document.text)
        blocks = all_blocks(document, code)
        self._tables = [block for block in blocks if block.kind == "table" and block.head > block.start]
        headings = [*self._headings(document)]
        found = [*headings, self._paragraphs(document, blocks), *parts(document.text, blocks, code)]
        self._found = [places(cut for cut in cuts if cut not in self._uncut) for cuts in found]
        self._headed = len(headings)
        self.parts = self._headed + 1
        self.levels = len(found) + len(_SOUGHT)

    def within(self, level: int, start: int, end: int) -> Iterable[int]:
        """The cuts of one level strictly inside `start:end`, in order."""
        if level < len(self._found):
            cuts = self._found[level]
            return cuts[bisect_right(cuts, start) : bisect_left(cuts, end)]
        sought = _SOUGHT[level - len(self._found)].finditer(self._text, start, end)
        return (cut for match in sought if start < (cut := match.end()) < end and cut not in self._uncut)

    def is_heading(self, level: int) -> bool:
        """Whether cuts of this level are headings, which begin something new."""
        return level < self._headed

    def table(self, start: int, end: int) -> Block | None:
        """The table with a head that `start:end` lies in."""
        index = bisect_right(self._tables, start, key=lambda table: table.start) - 1
        return self._tables[index] if index >= 0 and end <= self._tables[index].end else None

    def _headings(self, document: Document) -> Iterator[list[int]]:
        for depth in sorted({heading.level for heading in document.headings}):
            yield sorted({h.start for h in document.headings if h.level == depth and h.start not in self._nested})

    @staticmethod
    def _paragraphs(document: Document, blocks: Sequence[Block]) -> Iterator[int]:
        blank = (match.end() for match in BLANK.finditer(document.text))
        return together(
            (cut for cut in blank if around(cut, blocks) is None),
            sorted(edge for block in blocks for edge in (block.start, block.end)),
        )


_SOUGHT = (LINE, _SENTENCE, _WORD)
