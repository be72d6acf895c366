"""Hits joined: neighbouring chunks to one passage, and the chunks of a document to one hit."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hybridrag.types import Hit, StoredChunk

GAP = 200
"""Characters that may lie between neighbours: a heading or a short paragraph, not a chunk of its own."""
LONGEST = 4000
"""Characters of a passage: some eight chunks of 176 tokens."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """`text[start:end]` of a document."""

    document: uuid.UUID
    start: int
    end: int


def merged_passages(
    hits: Sequence[Hit],
    read: Callable[[Sequence[Stretch]], Sequence[str]],
    *,
    gap: int = GAP,
    longest: int = LONGEST,
) -> tuple[Hit, ...]:
    """Hits of one document at most `gap` characters apart as one hit of the best rank; ranks are counted anew.

    The best hit takes in its neighbours, the better one first, as long as the passage stays within `longest`
    characters; then the next best that is left does. A chunk alone may be longer. What a passage says besides its span,
    text, tokens and parts is its best chunk's; `also` holds the copies of its chunks that stand elsewhere.

    `read` gives the texts of stretches, in order. It is called once with all that are needed, or not at all.
    """
    groups = _groups(hits, gap=gap, longest=longest)
    wanted = [_hull(group) for group in groups if len(group) > 1]
    texts = iter(read(wanted) if wanted else ())
    return tuple(
        replace(_passage(group, next(texts)) if len(group) > 1 else group[0], rank=rank)
        for rank, group in enumerate(groups, start=1)
    )


def by_document(hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """The best hit of each document, ranks counted anew, with the document's further chunks in `also`, best first."""
    documents: dict[uuid.UUID, list[Hit]] = {}
    for hit in hits:
        documents.setdefault(hit.chunk.document.id, []).append(hit)
    return tuple(
        replace(best, rank=rank, also=_others(best.chunk, [best, *further]))
        for rank, (best, *further) in enumerate(documents.values(), start=1)
    )


def _groups(hits: Sequence[Hit], *, gap: int, longest: int) -> list[list[Hit]]:
    """Hits that become one passage, the best of each group first, groups by their best."""
    documents: dict[uuid.UUID, list[Hit]] = {}
    for hit in hits:
        documents.setdefault(hit.chunk.document.id, []).append(hit)
    group_of: dict[uuid.UUID, list[Hit]] = {}
    for found in documents.values():
        for group in _neighbours(found, gap=gap, longest=longest):
            group_of[group[0].chunk.id] = group
    return [group_of[hit.chunk.id] for hit in hits if hit.chunk.id in group_of]


def _neighbours(hits: Sequence[Hit], *, gap: int, longest: int) -> list[list[Hit]]:
    """The groups of one document, whose hits come best first."""
    placed = sorted(hits, key=lambda hit: (hit.chunk.start, hit.chunk.end))
    place_of = {hit.chunk.id: place for place, hit in enumerate(placed)}
    taken: set[uuid.UUID] = set()
    groups = []
    for best in hits:
        if best.chunk.id in taken:
            continue
        group = [best]
        taken.add(best.chunk.id)
        first = last = place_of[best.chunk.id]
        while True:
            beside = [placed[place] for place in (first - 1, last + 1) if 0 <= place < len(placed)]
            fitting = [hit for hit in beside if hit.chunk.id not in taken and _fits(group, hit, gap, longest)]
            if not fitting:
                break
            taken_in = min(fitting, key=lambda hit: hit.rank)
            group.append(taken_in)
            taken.add(taken_in.chunk.id)
            first, last = min(first, place_of[taken_in.chunk.id]), max(last, place_of[taken_in.chunk.id])
        groups.append(group)
    return groups


def _fits(group: Sequence[Hit], hit: Hit, gap: int, longest: int) -> bool:
    span, chunk = _hull(group), hit.chunk
    apart = max(chunk.start - span.end, span.start - chunk.end)
    return apart <= gap and max(span.end, chunk.end) - min(span.start, chunk.start) <= longest


def _hull(group: Sequence[Hit]) -> Stretch:
    return Stretch(
        group[0].chunk.document.id, min(hit.chunk.start for hit in group), max(hit.chunk.end for hit in group)
    )


def _passage(group: Sequence[Hit], text: str) -> Hit:
    best, span = group[0], _hull(group)
    # What lies between was never counted, and what overlaps was counted twice: both by the chunks' own rate.
    tokens = sum(hit.chunk.tokens for hit in group) * len(text) / sum(len(hit.chunk.text) for hit in group)
    parts = tuple(sorted((hit.chunk for hit in group), key=lambda part: (part.start, part.end)))
    chunk = replace(best.chunk, start=span.start, end=span.end, text=text, tokens=round(tokens), parts=parts)
    within = {hit.chunk.id for hit in group}
    also = {
        other.id: other for hit in group for other in hit.also if other.id not in within and not _lies_in(other, span)
    }
    return replace(best, chunk=chunk, also=tuple(also.values()))


def _lies_in(chunk: StoredChunk, span: Stretch) -> bool:
    return chunk.document.id == span.document and span.start <= chunk.start and chunk.end <= span.end


def _others(best: StoredChunk, hits: Sequence[Hit]) -> tuple[StoredChunk, ...]:
    found = {
        chunk.id: chunk
        for hit in hits
        for chunk in (hit.chunk, *hit.also)
        if chunk.id != best.id and chunk.document.id == best.document.id
    }
    return tuple(found.values())
