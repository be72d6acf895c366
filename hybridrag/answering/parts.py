"""Which chunk of a passage is meant: a passage may span several, under other headings and on other pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from hybridrag.types import Passage, StoredChunk

_CONTENT = re.compile(r"\d+|[^\W\d_]{3,}")


def chunks_of(passage: Passage) -> tuple[StoredChunk, ...]:
    """The chunks that a passage was made of, in reading order; one where nothing was joined."""
    return passage.chunk.parts or (passage.chunk,)


def chunk_at(passage: Passage, start: int, end: int) -> StoredChunk:
    """The chunk that holds most of `passage.text[start:end]`, or the last one before it where none holds any."""
    offset = passage.chunk.start
    return max(
        chunks_of(passage),
        key=lambda chunk: (
            max(0, min(chunk.end, offset + end) - max(chunk.start, offset + start)),
            chunk.start if chunk.start <= offset + start else -chunk.start,
        ),
    )


def chunk_around(passage: Passage, spans: Iterable[tuple[int, int]]) -> StoredChunk:
    """The chunk of the first of some spans of `passage.text`, made longer where one of them runs over its ends."""
    places = list(spans)
    chunk, offset = chunk_at(passage, *places[0]), passage.chunk.start
    start = min(chunk.start, *(offset + start for start, _ in places))
    end = max(chunk.end, *(offset + end for _, end in places))
    if (start, end) == (chunk.start, chunk.end):
        return chunk
    return replace(chunk, start=start, end=end, text=passage.text[start - offset : end - offset])


def chunk_meant(passage: Passage, statement: str) -> StoredChunk:
    """The chunk that shares most words and numbers with what is said of the passage.

    It is the passage's best chunk where several do, and where none shares any, as in another language.
    """
    said = _content(statement)
    return max(
        chunks_of(passage),
        key=lambda chunk: (len(said & _content(chunk.text)), chunk.id == passage.chunk.id),
    )


def _content(text: str) -> set[str]:
    return set(_CONTENT.findall(text.casefold()))
