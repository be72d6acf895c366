"""Where tables, code and lists are cut that do not fit: between rows, statements, items."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice

from hybridrag.chunking.spans import BLANK, LINE, places, together
from hybridrag.types import Block, Document

_MOST_FENCES = 200_000
_FENCE = re.compile(r"(?m)^[ \t]*(`{3,}|~{3,})([^\n]*)$")
_ITEM = re.compile(r"(?m)^[ \t]*(?=(?:[-*+•]|\(?[0-9a-zA-Z]{1,9}[.)])(?:[ \t]|$))")


def all_blocks(document: Document, code: Sequence[Block]) -> list[Block]:
    """The document's blocks, and the fenced code outside of them: a text may be Markdown that nobody said is."""
    blocks = list(document.blocks)
    for fence in code:
        index = bisect_right(document.blocks, fence.start, key=lambda block: block.start)
        before = document.blocks[index - 1].end if index else 0
        after = document.blocks[index].start if index < len(document.blocks) else fence.end
        if before <= fence.start and fence.end <= after:
            blocks.append(fence)
    return sorted(blocks, key=lambda block: block.start)


def parts(text: str, blocks: Sequence[Block], code: Sequence[Block]) -> tuple[array[int], array[int]]:
    """Where the parts of blocks begin, and the parts of these; the blocks are in order.

    Rows of a table; statements of code after blank lines, those that are indented least, then the others; items of a
    list, then those of lists in it and its paragraphs. No list is cut within the fenced `code` that it holds.
    """
    outer, inner = places(()), places(())
    for block in blocks:
        if block.kind == "table":
            outer.extend(match.end() for match in LINE.finditer(text, block.head, block.end))
            continue
        cuts = places(match.end() for match in BLANK.finditer(text, block.start, block.end))
        graded = cuts
        if block.kind == "list":
            cuts = places(cut for cut in cuts if around(cut, code) is None)
            items = (match.end() for match in _ITEM.finditer(text, block.start, block.end))
            graded = places(item for item in items if around(item, code) is None)
        least = min((_indented(text, cut) for cut in graded), default=0)
        best = places(cut for cut in graded if _indented(text, cut) == least)
        outer.extend(best)
        inner.extend(cut for cut in together(cuts, graded) if not _holds(best, cut))
    return outer, inner


def fenced(text: str) -> list[Block]:
    """Fenced code blocks (CommonMark 4.5, but indented at will), an unclosed one up to the end.

    Not more of them than a parsed document may have headings and blocks: a text of nothing but fences is no code.
    """
    return [Block("code", start, end, start) for start, end in islice(_fences(text), _MOST_FENCES)]


def _fences(text: str) -> Iterator[tuple[int, int]]:
    opened: tuple[int, str] | None = None
    for match in _FENCE.finditer(text):
        mark, rest = match.groups()
        if opened is None:
            if mark[0] == "~" or "`" not in rest:  # otherwise it is code within a line
                opened = (match.start(), mark)
        elif mark[0] == opened[1][0] and len(mark) >= len(opened[1]) and not rest.strip():
            yield opened[0], match.end()
            opened = None
    if opened is not None:
        yield opened[0], len(text)


def around(position: int, blocks: Sequence[Block]) -> Block | None:
    """The block that `position` is inside of, its edges aside."""
    index = bisect_right(blocks, position, key=lambda block: block.start) - 1
    return blocks[index] if index >= 0 and blocks[index].start < position < blocks[index].end else None


def _holds(found: Sequence[int], place: int) -> bool:
    index = bisect_left(found, place)
    return index < len(found) and found[index] == place


def _indented(text: str, position: int) -> int:
    return position - text.rfind("\n", 0, position) - 1
