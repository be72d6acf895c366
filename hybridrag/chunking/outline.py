"""The headings of a document as paths: which of them hold at a place, and where what stands under them begins."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import pairwise

from hybridrag.types import Document, Heading

_LINE = re.compile(r"([^\n]*\n?)([=-]+[ \t]*(?=\n|$))?\s*")
"""A heading's line, its underline where it has one, and the space after it."""


class Outline:
    """Heading paths, worked out once, so that asking for a span's costs no walk through the document.

    `uncut` are places between a heading and what it heads, where nothing should be cut, since a heading alone says
    little. `nested` are the headings that stand directly below the one they belong to.
    """

    def __init__(self, document: Document) -> None:
        self._headings = sorted(document.headings, key=lambda heading: heading.start)
        self._starts = [heading.start for heading in self._headings]
        self._paths: list[tuple[Heading, ...]] = []
        path: tuple[Heading, ...] = ()
        for heading in self._headings:
            path = (*(above for above in path if above.level < heading.level), heading)
            self._paths.append(path)
        lines = {heading.start: _LINE.match(document.text, heading.start) for heading in self._headings}
        ends = {start: line.end() if line else start for start, line in lines.items()}
        underlines = {line.end(1) for line in lines.values() if line and line[2]}
        self.uncut = frozenset({*ends.values(), *underlines})
        self.nested = frozenset(
            below.start
            for above, below in pairwise(self._headings)
            if below.start == ends[above.start] and below.level > above.level
        )

    def paths(self) -> set[tuple[str, ...]]:
        """Every path of the document, the empty one too."""
        return {(), *(tuple(heading.title for heading in path) for path in self._paths)}

    def over(self, start: int, end: int) -> tuple[str, ...]:
        """The headings that hold for all of `start:end`: the path at its start, but for what a heading inside ends."""
        index = bisect_right(self._starts, start)
        last = bisect_left(self._starts, end)
        while index < last and self._starts[index] in self.nested and self._starts[index - 1] >= start:
            index += 1  # a span that begins with several headings begins under the last of them
        path = self._paths[index - 1] if index else ()
        highest = min((heading.level for heading in self._headings[index:last]), default=None)
        return tuple(heading.title for heading in path if highest is None or heading.level < highest)
