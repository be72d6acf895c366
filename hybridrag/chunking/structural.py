"""Cut at the best place that fits: the text is tokenised once, and cuts are chosen by structure under a token budget.

A span that fits the budget is a chunk. One that does not is cut at its best kind of boundary (headings by level, then
paragraphs, lines, sentences, words, tokens), and neighbouring pieces that fit together are joined again. Pieces under
different headings are joined only while they are small, so that a section stays a chunk of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hybridrag.chunking.boundaries import Boundaries, boundaries
from hybridrag.errors import ModelError
from hybridrag.ports import Tokenizer
from hybridrag.types import Chunk, Document, chunk_id

VERSION = 1
_PREFIX_SHARE = 4
"""Title and headings take at most one part in this many of a chunk's tokens."""
_SMALL_SHARE = 3
"""Sections are joined over a heading while together they stay under one part in this many of the budget."""
_LEAST_WINDOW = 16


@dataclass(frozen=True, slots=True)
class StructuralChunker:
    """A `Chunker`. `max_tokens` bounds what the model is given: special tokens, prompt, headings and text together."""

    tokenizer: Tokenizer
    max_tokens: int

    @property
    def parameters(self) -> dict[str, str | int]:
        return {"chunker": f"structural/{VERSION}", "max_tokens": self.max_tokens}

    def chunk(self, document: Document) -> tuple[Chunk, ...]:
        """The chunks in order; they do not overlap, and only white space lies between them.

        Raises ModelError where the model's window leaves no room for text.
        """
        overhead = self.tokenizer.count([""])[0]
        if self.max_tokens < overhead + _LEAST_WINDOW:
            raise ModelError(
                f"a window of {self.max_tokens} tokens leaves no room for text",
                hint="choose a model with a larger window",
            )
        prefix_limit = (self.max_tokens - overhead) // _PREFIX_SHARE
        paths = {_headings_of(document, h.start, h.start + 1) for h in document.headings} | {()}
        prefixes = [_prefix(document.title, path, "") for path in sorted(paths)]
        reserved = max(min(count - overhead, prefix_limit) for count in self.tokenizer.count(prefixes))
        budget = self.max_tokens - overhead - reserved
        cutter = _Cutter(document.text, self.tokenizer.offsets(document.text), boundaries(document), budget)
        return self._verified(document, cutter, prefix_limit)

    def _verified(self, document: Document, cutter: _Cutter, prefix_limit: int) -> tuple[Chunk, ...]:
        """Chunks whose true token count fits; a span that grew when tokenised alone is cut again, smaller."""
        pending = list(reversed(cutter.cut(0, len(document.text))))
        chunks: list[Chunk] = []
        while pending:
            batch = [pending.pop() for _ in range(min(len(pending), 256))]
            paths = [_headings_of(document, start, end) for start, end in batch]
            texts = [document.text[start:end] for start, end in batch]
            prefixes = self._prefixes(document, paths, texts, prefix_limit)
            embed_texts = [prefix + text for prefix, text in zip(prefixes, texts, strict=True)]
            counts = self.tokenizer.count(embed_texts)
            for index, (span, tokens) in enumerate(zip(batch, counts, strict=True)):
                if tokens > self.max_tokens:
                    start, end = span
                    again = cutter.smaller(start, end, excess=tokens - self.max_tokens)
                    pending.extend(reversed(batch[index + 1 :]))
                    pending.extend(reversed(again))
                    break
                chunks.append(
                    Chunk(
                        id=chunk_id(document.id, span[0], span[1], texts[index]),
                        ordinal=len(chunks),
                        start=span[0],
                        end=span[1],
                        text=texts[index],
                        embed_text=embed_texts[index],
                        tokens=tokens,
                        headings=paths[index],
                        page=_page_of(document, span[0]),
                    )
                )
        return tuple(chunks)

    def _prefixes(
        self, document: Document, paths: Sequence[tuple[str, ...]], texts: Sequence[str], limit: int
    ) -> list[str]:
        """A prefix for each text, none where it would take more than `limit` tokens."""
        prefixes = [_prefix(document.title, path, text) for path, text in zip(paths, texts, strict=True)]
        bare = self.tokenizer.count([""])[0]
        return [
            prefix if tokens - bare <= limit else ""
            for prefix, tokens in zip(prefixes, self.tokenizer.count(prefixes), strict=True)
        ]


class _Cutter:
    """Spans of one text that hold at most `budget` of its tokens."""

    def __init__(self, text: str, offsets: Sequence[tuple[int, int]], cuts: Boundaries, budget: int) -> None:
        self._text = text
        self._starts = [start for start, _ in offsets]
        self._cuts = cuts
        self._budget = budget

    def cut(self, start: int, end: int) -> list[tuple[int, int]]:
        """Spans that cover `start:end` but for white space at their ends."""
        return self._trimmed(self._split(start, end, 0, self._budget))

    def smaller(self, start: int, end: int, *, excess: int) -> list[tuple[int, int]]:
        """`start:end` cut again, with `excess` tokens fewer to a span, and never the same span once more."""
        budget = max(1, self._tokens(start, end) - excess - 1)
        spans = self._trimmed(self._split(start, end, 0, budget))
        if spans != [(start, end)]:
            return spans
        middle = (start + end) // 2
        return self._trimmed([(start, middle), (middle, end)])

    def _split(self, start: int, end: int, level: int, budget: int) -> list[tuple[int, int]]:
        if self._tokens(start, end) <= budget:
            return [(start, end)]
        while level < len(self._cuts.levels) and not self._cuts.within(level, start, end):
            level += 1
        if level == len(self._cuts.levels):
            return self._by_tokens(start, end, budget)
        edges = [start, *self._cuts.within(level, start, end), end]
        pieces = pairwise(edges)
        limit = budget // _SMALL_SHARE if self._cuts.is_heading(level) else self._even(start, end, budget)
        spans: list[tuple[int, int]] = []
        for piece_start, piece_end in self._joined(pieces, limit):
            spans.extend(self._split(piece_start, piece_end, level + 1, budget))
        return spans

    def _even(self, start: int, end: int, budget: int) -> int:
        """The budget that shares a span's tokens evenly among as few chunks as it needs, with a tenth of slack."""
        tokens = self._tokens(start, end)
        parts = -(-tokens // budget)
        return min(budget, -(-tokens * 11 // (parts * 10)))

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

    def _trimmed(self, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
        trimmed = []
        for start, end in spans:
            text = self._text[start:end]
            begin = start + len(text) - len(text.lstrip())
            stop = start + len(text.rstrip())
            if begin < stop:
                trimmed.append((begin, stop))
        return trimmed


def _prefix(title: str, headings: tuple[str, ...], text: str) -> str:
    """Title and headings as one line, but for those that stand at the beginning of `text` itself."""
    opening = text[:300]
    parts = [part for part in dict.fromkeys((title, *headings)) if part not in opening]
    return " > ".join(parts) + "\n" if parts else ""


def _headings_of(document: Document, start: int, end: int) -> tuple[str, ...]:
    """The headings that hold for all of `start:end`: the path at its start, up to where a heading inside differs."""
    path: list[tuple[int, str]] = []
    starts = [heading.start for heading in document.headings]
    for heading in document.headings[: bisect_right(starts, start)]:
        path = [entry for entry in path if entry[0] < heading.level]
        path.append((heading.level, heading.title))
    for heading in document.headings[bisect_right(starts, start) : bisect_left(starts, end)]:
        path = [entry for entry in path if entry[0] < heading.level]
    return tuple(title for _, title in path)


def _page_of(document: Document, position: int) -> int | None:
    for page in document.pages:
        if page.start <= position < page.end:
            return page.number
    return None
