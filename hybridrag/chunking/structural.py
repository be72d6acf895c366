"""Cut at the best place that fits: the text is tokenised once, and cuts are chosen by structure under a token budget.

A span that fits the budget is a chunk. One that does not is cut at its best kind of boundary (headings by level, then
paragraphs, lines, sentences, words, tokens), and neighbouring pieces that fit together are joined again. Pieces under
different headings are joined only while they are small, so that a section stays a chunk of its own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hybridrag.chunking.boilerplate import kept
from hybridrag.chunking.boundaries import Boundaries
from hybridrag.chunking.cutter import HEAD_SHARE, LONGEST_TOKEN, Cutter
from hybridrag.chunking.given import headed, prefix
from hybridrag.chunking.outline import Outline
from hybridrag.errors import ModelError
from hybridrag.ports import Tokenizer
from hybridrag.types import Chunk, Document, chunk_id

VERSION = 3
_PREFIX_SHARE = 4
"""Title and headings take at most one part in this many of a chunk's tokens."""
_LEAST_WINDOW = 16
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
        """The chunks in order; they do not overlap, and only white space lies between them, and what is left out. None
        goes on over a page.

        Raises ModelError where the model's window leaves no room for text.
        """
        outline = Outline(document)
        prefixes = [prefix(document.title, path, "") for path in outline.paths()]
        overhead, *counts = self.tokenizer.count(["", *prefixes])
        if self.max_tokens < overhead + _LEAST_WINDOW:
            raise ModelError(
                f"a window of {self.max_tokens} tokens leaves no room for text",
                hint="choose a model with a larger window",
            )
        prefix_limit = (self.max_tokens - overhead) // _PREFIX_SHARE
        reserved = max(min(count - overhead, prefix_limit) for count in counts)
        budget = self.max_tokens - overhead - reserved
        cutter = Cutter(document.text, self.tokenizer.offsets(document.text), Boundaries(document, outline), budget)
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
                head=piece.head,
            )
            for ordinal, piece in enumerate(pieces)
        )

    def _fitting(self, document: Document, outline: Outline, cutter: Cutter, prefix_limit: int) -> list[_Piece]:
        """Pieces whose true token count fits; one that grew when tokenised alone is cut again, smaller."""
        fitting: list[_Piece] = []
        pending = [span for start, end in _stretches(document) for span in cutter.cut(start, end)]
        while pending:
            again: list[tuple[int, int]] = []
            for first in range(0, len(pending), _MEASURED_TOGETHER):
                spans = pending[first : first + _MEASURED_TOGETHER]
                for piece in self._measured(document, outline, cutter, spans, prefix_limit):
                    if piece.tokens <= self.max_tokens:
                        fitting.append(piece)
                    else:
                        again.extend(cutter.smaller(piece.start, piece.end, excess=piece.tokens - self.max_tokens))
            pending = again
        return sorted(fitting, key=lambda piece: piece.start)

    def _measured(
        self,
        document: Document,
        outline: Outline,
        cutter: Cutter,
        spans: Sequence[tuple[int, int]],
        prefix_limit: int,
    ) -> list[_Piece]:
        paths = [outline.over(start, end) for start, end in spans]
        texts = [document.text[start:end] for start, end in spans]
        prefixes = self._prefixes(document, paths, texts, prefix_limit)
        found = [cutter.head(start, end) for start, end in spans]
        short = self._short([headed(head) for head in found], self.max_tokens // HEAD_SHARE)
        heads = [head if headed(head) in short else "" for head in found]
        embed_texts = [prefix + headed(head) + text for prefix, head, text in zip(prefixes, heads, texts, strict=True)]
        counts = self.tokenizer.count(embed_texts)
        return [
            _Piece(start, end, path, head, embed_text, tokens)
            for (start, end), path, head, embed_text, tokens in zip(
                spans, paths, heads, embed_texts, counts, strict=True
            )
        ]

    def _prefixes(
        self, document: Document, paths: Sequence[tuple[str, ...]], texts: Sequence[str], limit: int
    ) -> list[str]:
        """A prefix for each text, none where it would take more than `limit` tokens, or the characters of as many."""
        prefixes = [prefix(document.title, path, text) for path, text in zip(paths, texts, strict=True)]
        short = self._short(prefixes, limit)
        return [prefix if prefix in short else "" for prefix in prefixes]

    def _short(self, texts: Sequence[str], limit: int) -> set[str]:
        """Those of the texts that take at most `limit` tokens, and the characters of as many."""
        distinct = list(dict.fromkeys(texts))
        bare, *counts = self.tokenizer.count(["", *distinct])
        return {
            text
            for text, tokens in zip(distinct, counts, strict=True)
            if tokens - bare <= limit and len(text) <= limit * LONGEST_TOKEN
        }


@dataclass(frozen=True, slots=True)
class _Piece:
    """A span that may become a chunk, with what the model would be given for it."""

    start: int
    end: int
    headings: tuple[str, ...]
    head: str
    embed_text: str
    tokens: int


def _stretches(document: Document) -> Iterator[tuple[int, int]]:
    """What is kept of the text, page by page: what went on over a page would be cited with the wrong one."""
    begins = [page.start for page in document.pages]
    for start, end in kept(document):
        yield from pairwise((start, *begins[bisect_right(begins, start) : bisect_left(begins, end)], end))


def _page_of(document: Document, position: int) -> int | None:
    index = bisect_right(document.pages, position, key=lambda page: page.start) - 1
    if index < 0 or position >= document.pages[index].end:
        return None
    return document.pages[index].number
