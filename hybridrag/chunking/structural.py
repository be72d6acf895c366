"""Cut at the best place that fits: the text is tokenised once, and cuts are chosen by structure under a token budget.

A span that fits the budget is a chunk. One that does not is cut at its best kind of boundary (headings by level, then
paragraphs, lines, sentences, words, tokens), and neighbouring pieces that fit together are joined again. Pieces under
different headings are joined only while they are small, so that a section stays a chunk of its own.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hybridrag.chunking.boilerplate import kept
from hybridrag.chunking.boundaries import Boundaries, boundaries
from hybridrag.chunking.outline import Outline
from hybridrag.errors import ModelError
from hybridrag.ports import Tokenizer
from hybridrag.types import Chunk, Document, chunk_id

VERSION = 1
_PREFIX_SHARE = 4
"""Title and headings take at most one part in this many of a chunk's tokens."""
_SMALL_SHARE = 3
"""Sections are joined over a heading while together they stay under one part in this many of the budget."""
_LEAST_WINDOW = 16
_LONGEST_TOKEN = 16
"""Characters that one token may stand for; longer ones count once more for each further 16. Bounds a chunk's length."""
_MEASURED_TOGETHER = 256


@dataclass(frozen=True, slots=True)
class StructuralChunker:
    """A `Chunker`. `max_tokens` bounds what the model is given: special tokens, prompt, headings and text together."""

    tokenizer: Tokenizer
    max_tokens: int

    @property
    def parameters(self) -> dict[str, str | int]:
        return {
            "chunker": f"structural/{VERSION}",
            "tokenizer": self.tokenizer.identity,
            "max_tokens": self.max_tokens,
        }

    def chunk(self, document: Document) -> tuple[Chunk, ...]:
        """The chunks in order; they do not overlap, and only white space lies between them, and what is left out.

        Raises ModelError where the model's window leaves no room for text.
        """
        overhead = self.tokenizer.count([""])[0]
        if self.max_tokens < overhead + _LEAST_WINDOW:
            raise ModelError(
                f"a window of {self.max_tokens} tokens leaves no room for text",
                hint="choose a model with a larger window",
            )
        prefix_limit = (self.max_tokens - overhead) // _PREFIX_SHARE
        outline = Outline(document)
        prefixes = [prefix(document.title, path, "") for path in outline.paths()]
        reserved = max(min(count - overhead, prefix_limit) for count in self.tokenizer.count(prefixes))
        budget = self.max_tokens - overhead - reserved
        cutter = _Cutter(document.text, self.tokenizer.offsets(document.text), boundaries(document, outline), budget)
        pieces = self._fitting(document, outline, cutter, prefix_limit)
        return tuple(
            Chunk(
                id=chunk_id(document.id, piece.start, piece.end, document.text[piece.start : piece.end]),
                ordinal=ordinal,
                start=piece.start,
                end=piece.end,
                text=document.text[piece.start : piece.end],
                embed_text=piece.embed_text,
                tokens=piece.tokens,
                headings=piece.headings,
                page=_page_of(document, piece.start),
            )
            for ordinal, piece in enumerate(pieces)
        )

    def _fitting(self, document: Document, outline: Outline, cutter: _Cutter, prefix_limit: int) -> list[_Piece]:
        """Pieces whose true token count fits; one that grew when tokenised alone is cut again, smaller."""
        fitting: list[_Piece] = []
        pending = [span for start, end in kept(document) for span in cutter.cut(start, end)]
        while pending:
            again: list[tuple[int, int]] = []
            for first in range(0, len(pending), _MEASURED_TOGETHER):
                spans = pending[first : first + _MEASURED_TOGETHER]
                for piece in self._measured(document, outline, spans, prefix_limit):
                    if piece.tokens <= self.max_tokens:
                        fitting.append(piece)
                    else:
                        again.extend(cutter.smaller(piece.start, piece.end, excess=piece.tokens - self.max_tokens))
            pending = again
        return sorted(fitting, key=lambda piece: piece.start)

    def _measured(
        self, document: Document, outline: Outline, spans: Sequence[tuple[int, int]], prefix_limit: int
    ) -> list[_Piece]:
        paths = [outline.over(start, end) for start, end in spans]
        texts = [document.text[start:end] for start, end in spans]
        prefixes = self._prefixes(document, paths, texts, prefix_limit)
        embed_texts = [prefix + text for prefix, text in zip(prefixes, texts, strict=True)]
        counts = self.tokenizer.count(embed_texts)
        return [
            _Piece(start, end, path, embed_text, tokens)
            for (start, end), path, embed_text, tokens in zip(spans, paths, embed_texts, counts, strict=True)
        ]

    def _prefixes(
        self, document: Document, paths: Sequence[tuple[str, ...]], texts: Sequence[str], limit: int
    ) -> list[str]:
        """A prefix for each text, none where it would take more than `limit` tokens, or the characters of as many."""
        prefixes = [prefix(document.title, path, text) for path, text in zip(paths, texts, strict=True)]
        bare = self.tokenizer.count([""])[0]
        return [
            prefix if tokens - bare <= limit and len(prefix) <= limit * _LONGEST_TOKEN else ""
            for prefix, tokens in zip(prefixes, self.tokenizer.count(prefixes), strict=True)
        ]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A span that may become a chunk, with what the model would be given for it."""

    start: int
    end: int
    headings: tuple[str, ...]
    embed_text: str
    tokens: int


class _Cutter:
    """Spans of one text that hold at most `budget` of its tokens."""

    def __init__(self, text: str, offsets: Sequence[tuple[int, int]], cuts: Boundaries, budget: int) -> None:
        self._text = text
        self._starts = _counted(text, offsets)
        self._cuts = cuts
        self._budget = budget

    def cut(self, start: int, end: int) -> list[tuple[int, int]]:
        """Spans that cover `start:end` but for white space at their ends."""
        return self._trimmed(self._split(start, end, 0, self._budget))

    def smaller(self, start: int, end: int, *, excess: int) -> list[tuple[int, int]]:
        """`start:end` cut again, with `excess` tokens fewer to a span, and never the same span once more."""
        if end - start < 2:
            raise ModelError(
                "one character of a document takes more tokens than the model's window holds",
                hint="choose a model with a larger window",
            )
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


def _counted(text: str, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """The places that count against the budget: where a token starts, and further ones inside a long stretch.

    A tokenizer may make one token of a word of any length (`[UNK]`), or none of characters it does not know. Counted by
    its tokens alone such a text would be a single chunk, however long.
    """
    starts = [start for start, _ in offsets]
    if not starts or starts[0] > 0:
        starts.insert(0, 0)
    counted: list[int] = []
    for here, there in pairwise([*starts, len(text)]):
        counted.extend((here,) if there - here <= _LONGEST_TOKEN else range(here, there, _LONGEST_TOKEN))
    return counted


def prefix(title: str, headings: tuple[str, ...], text: str) -> str:
    """Title and headings as one line, but for those that stand at the beginning of `text` itself."""
    opening = text[:300]
    parts = [part for part in dict.fromkeys((title, *headings)) if part not in opening]
    return " > ".join(parts) + "\n" if parts else ""


def embed_text(title: str, headings: tuple[str, ...], text: str, text_hash: bytes) -> str | None:
    """What the model was given for a chunk, told by its hash: text with prefix, or alone where that was too long.

    None where neither has that hash: a chunk that another version made.
    """
    candidates = (prefix(title, headings, text) + text, text)
    return next((it for it in candidates if hashlib.sha256(it.encode()).digest() == text_hash), None)


def _page_of(document: Document, position: int) -> int | None:
    index = bisect_right(document.pages, position, key=lambda page: page.start) - 1
    if index < 0 or position >= document.pages[index].end:
        return None
    return document.pages[index].number
