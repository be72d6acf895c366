"""Spans of a text that hold a budget of tokens at most, cut at the best places there are."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

from hybridrag.chunking.boundaries import Boundaries
from hybridrag.chunking.spans import places, trimmed
from hybridrag.errors import ModelError
from hybridrag.types import Block

LONGEST_TOKEN = 16
"""Characters that one token may stand for; longer ones count once more for each further 16. Bounds a chunk's length."""
HEAD_SHARE = 3
"""The head of a table takes at most one part in this many of a chunk's tokens, or is not repeated."""
_SMALL_SHARE = 3
"""Sections are joined over a heading while together they stay under one part in this many of the budget."""


class Cutter:
    """Spans of one text that hold at most `budget` of its tokens, the head of their table included."""

    def __init__(self, text: str, offsets: Iterable[tuple[int, int]], cuts: Boundaries, budget: int) -> None:
        self._text = text
        self._starts: array[int] = places(_counted(text, offsets))
        self._cuts = cuts
        self._budget = budget

    def cut(self, start: int, end: int) -> list[tuple[int, int]]:
        """Spans that cover `start:end` but for white space at their ends."""
        return [*trimmed(self._text, self._split(start, end, 0, self._budget))]

    def smaller(self, start: int, end: int, *, excess: int) -> list[tuple[int, int]]:
        """`start:end` cut again, with `excess` tokens fewer to a span, and never the same span once more."""
        if end - start < 2:
            raise ModelError(
                "one character of a document takes more tokens than the model's window holds",
                hint="choose a model with a larger window",
            )
        budget = max(1, self._tokens(start, end) - excess - 1)
        spans = [*trimmed(self._text, self._split(start, end, 0, budget))]
        if spans != [(start, end)]:
            return spans
        middle = (start + end) // 2
        return [*trimmed(self._text, [(start, middle), (middle, end)])]

    def head(self, start: int, end: int) -> str:
        """The head of the table that `start:end` goes on with; empty where there is none, or it takes too much."""
        table = self._cuts.table(start, end)
        if table is None or start < table.head or not self._repeated(table):
            return ""
        return self._text[table.start : table.head].strip()

    def _split(self, start: int, end: int, level: int, budget: int) -> list[tuple[int, int]]:
        if self._tokens(start, end) <= budget:
            return [(start, end)]
        first: int | None = None
        cuts: Iterator[int] = iter(())
        while level < self._cuts.levels:
            cuts = iter(self._cuts.within(level, start, end))
            if (first := next(cuts, None)) is not None:
                break
            level += 1
        if first is None:
            return self._by_tokens(start, end, budget)
        pieces = pairwise(chain((start, first), cuts, (end,)))
        if self._cuts.is_heading(level):
            joined = self._joined(pieces, budget // _SMALL_SHARE)
        elif level == self._cuts.parts and (table := self._headed(start, end)):
            joined, budget = self._rows(table, pieces, end, budget)
        else:
            joined = self._joined(pieces, self._even(start, end, budget))
        return [span for piece in joined for span in self._split(*piece, level + 1, budget)]

    def _even(self, start: int, end: int, budget: int) -> int:
        """The budget that shares a span's tokens evenly among as few chunks as it needs, with a tenth of slack."""
        tokens = self._tokens(start, end)
        parts = -(-tokens // budget)
        return min(budget, -(-tokens * 11 // (parts * 10)))

    def _rows(
        self, table: Block, pieces: Iterator[tuple[int, int]], end: int, budget: int
    ) -> tuple[list[tuple[int, int]], int]:
        """A table's rows joined, and the budget of what must be cut further: the head takes a part of each chunk."""
        start, first = next(pieces)
        rest = max(1, budget - self._tokens(table.start, table.head))
        rows = self._joined(chain([(table.head, first)], pieces), self._even(table.head, end, rest))
        return [(start, rows[0][1]), *rows[1:]], rest

    def _headed(self, start: int, end: int) -> Block | None:
        """The table whose head `start:end` begins with, and then some rows."""
        table = self._cuts.table(start, end)
        return table if table is not None and start < table.head and self._repeated(table) else None

    def _repeated(self, table: Block) -> bool:
        return self._tokens(table.start, table.head) <= self._budget // HEAD_SHARE

    def _joined(self, pieces: Iterable[tuple[int, int]], limit: int) -> list[tuple[int, int]]:
        joined: list[tuple[int, int]] = []
        for start, end in pieces:
            if joined and self._tokens(joined[-1][0], end) <= limit:
                joined[-1] = (joined[-1][0], end)
            else:
                joined.append((start, end))
        return joined

    def _by_tokens(self, start: int, end: int, budget: int) -> list[tuple[int, int]]:
        """Cuts inside a word: one without a space that alone is over the budget."""
        first, last = bisect_left(self._starts, start), bisect_left(self._starts, end)
        edges = [start, *sorted({self._starts[i] for i in range(first + budget, last, budget)} - {start}), end]
        return list(pairwise(edges))

    def _tokens(self, start: int, end: int) -> int:
        return bisect_left(self._starts, end) - bisect_left(self._starts, start)


def _counted(text: str, offsets: Iterable[tuple[int, int]]) -> Iterator[int]:
    """The places that count against the budget: where a token starts, and further ones inside a long stretch.

    A tokenizer may make one token of a word of any length (`[UNK]`), or none of characters it does not know. Counted by
    its tokens alone such a text would be a single chunk, however long.
    """
    starts = (start for start, _ in offsets)
    first = next(starts, 0)
    for here, there in pairwise(chain((0,) if first else (), (first,), starts, (len(text),))):
        if there - here <= LONGEST_TOKEN:
            yield here
        else:
            yield from range(here, there, LONGEST_TOKEN)
