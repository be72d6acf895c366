"""What of the passages a question needs: whole sentences, items, rows and blocks. Nothing is written anew.

Figures and what was tried: `docs/decisions/0022-reduction.md` and `0034-filling-the-budget.md`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.answering.candidates import Candidate, candidates_of
from hybridrag.answering.parts import chunks_of
from hybridrag.answering.scores import scores_of
from hybridrag.answering.selection import GAP, Room, chosen_of
from hybridrag.types import Label, Passage, Span, StoredChunk

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors


@dataclass(frozen=True, slots=True)
class Reduced:
    """A passage and what is kept of it: ranges of `passage.text`, in order, apart. `()` where nothing is near."""

    passage: Passage
    kept: tuple[tuple[int, int], ...]

    @staticmethod
    def whole(passage: Passage) -> Reduced:
        """The passage as it is."""
        return Reduced(passage, ((0, len(passage.text)),))

    @property
    def text(self) -> str:
        """What is kept, as it stands in the passage; `[…]` shows where something was left out between."""
        return "".join(part for _, part in self._parts())

    @property
    def chunks(self) -> tuple[StoredChunk, ...]:
        """The chunks of the passage of which anything is kept, in reading order."""
        offset = self.passage.chunk.start
        return tuple(
            chunk
            for chunk in chunks_of(self.passage)
            if any(offset + start < chunk.end and chunk.start < offset + end for start, end in self.kept)
        )

    def kept_spans(self, spans: Sequence[Span]) -> tuple[Span, ...]:
        """Spans of `passage.text` as spans of `text`, in order. What is not kept vanishes; what is kept in part, is."""
        places: list[int] = []
        at = 0
        for kept, part in self._parts():
            if kept is not None:
                places.append(at)
            at += len(part)
        ends = [end for _, end in self.kept]
        found = []
        for span in spans:
            for number in range(bisect_right(ends, span.start), len(self.kept)):
                first, last = self.kept[number]
                start, end = max(span.start, first), min(span.end, last)
                if start >= end:
                    break
                offset = places[number] - first
                found.append(Span(start + offset, end + offset, span.type, span.rule))
        return tuple(sorted(found, key=lambda span: (span.start, span.end)))

    def _parts(self) -> list[tuple[tuple[int, int] | None, str]]:
        """The kept ranges with their texts, and the gaps between them."""
        parts: list[tuple[tuple[int, int] | None, str]] = []
        before = 0
        for start, end in self.kept:
            if parts:
                parts.append((None, GAP if "\n" in self.passage.text[before:start] else " […] "))
            parts.append(((start, end), self.passage.text[start:end]))
            before = end
        return parts


def reduced(
    passages: Sequence[Passage],
    question: str,
    *,
    spans: Mapping[int, Sequence[Span]],
    query: Vector,
    embed: Callable[[Sequence[str]], Vectors],
    characters: Mapping[Label, int],
    room: Room | None = None,
) -> tuple[Reduced, ...]:
    """Each passage with the parts of it that the question needs, in the given order, best passage first.

    `spans` are those found in each passage's text, by marker: none is cut. `query` is the question's vector, shape
    `(dimensions,)`, and `embed` gives those of texts, shape `(n, dimensions)`, all of norm 1; it is called once, or not
    at all.

    Of the passages under a label or a stricter one, no more than `characters` of that label are kept; each label that
    occurs must be in it. With `room`, what is kept has no more tokens than that either, before anything in it is
    replaced. Deterministic. Takes time linear in the text, up to sorting.
    """
    candidates = candidates_of(passages, spans)
    if not candidates:
        return tuple(Reduced(passage, ()) for passage in passages)
    scores = scores_of(candidates, question, query, embed)
    chosen = chosen_of(candidates, scores, passages, characters, room)
    ranges = _ranges(candidates, chosen)
    return tuple(Reduced(passage, tuple(ranges.get(place, ()))) for place, passage in enumerate(passages))


def _ranges(candidates: Sequence[Candidate], chosen: set[int]) -> dict[int, list[tuple[int, int]]]:
    """What is kept of each passage, by its place; neighbours are one range."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for number in sorted(chosen):
        candidate = candidates[number]
        kept = ranges.setdefault(candidate.place, [])
        start = kept.pop()[0] if kept and number - 1 in chosen else candidate.unit.start
        kept.append((start, candidate.unit.end))
    return ranges
