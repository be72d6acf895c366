"""What of the passages a question needs: whole sentences, items, rows and blocks. Nothing is written anew.

Figures and what was tried: `docs/decisions/0022-reduction.md`.
"""

from __future__ import annotations

import itertools
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from hybridrag.answering.candidates import Candidate, candidates_of
from hybridrag.answering.parts import chunks_of
from hybridrag.answering.scores import scores_of
from hybridrag.types import Label, Passage, Span, StoredChunk

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

CHARACTERS: Mapping[Label, int] = MappingProxyType(
    {Label.PUBLIC: 12_000, Label.INTERNAL: 12_000, Label.CONFIDENTIAL: 4_000, Label.LOCAL_ONLY: 4_000}
)
"""Characters of documents in a request, at most, by the label they are under."""

_LEAST_SHARE = 0.4
"""A unit stays if it scores at least this share of the best one, its passage and that one's rank included."""
_SHORT_GAP = 60
"""Characters between kept units that are not worth a mark."""


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
                parts.append((None, "\n[…]\n" if "\n" in self.passage.text[before:start] else " […] "))
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
    characters: Mapping[Label, int] = CHARACTERS,
) -> tuple[Reduced, ...]:
    """Each passage with the parts of it that the question needs, in the given order, best passage first.

    `spans` are those found in each passage's text, by marker: none is cut. `query` is the question's vector, shape
    `(dimensions,)`, and `embed` gives those of texts, shape `(n, dimensions)`, all of norm 1; it is called once, or not
    at all.

    Of the passages under a label or a stricter one, no more than `characters` of that label are kept; each label that
    occurs must be in it. Deterministic. Takes time linear in the text, up to sorting.
    """
    candidates = candidates_of(passages, spans)
    if not candidates:
        return tuple(Reduced(passage, ()) for passage in passages)
    scores = scores_of(candidates, question, query, embed)
    chosen = _chosen(candidates, scores, passages, characters)
    ranges = _ranges(candidates, chosen)
    return tuple(Reduced(passage, tuple(ranges.get(place, ()))) for place, passage in enumerate(passages))


def _chosen(
    candidates: Sequence[Candidate],
    scores: Sequence[float],
    passages: Sequence[Passage],
    characters: Mapping[Label, int],
) -> set[int]:
    """The numbers of what is kept: the best first, as long as the budgets last."""
    budget = _Budget(passages, characters)
    ranked = sorted((c for c in candidates if c.alone), key=lambda c: (-scores[c.number], c.number))
    least = _LEAST_SHARE * scores[ranked[0].number]
    chosen: set[int] = set()
    said: dict[tuple[str, str], int] = {}
    for candidate in ranked:
        if scores[candidate.number] < least:
            break
        if candidate.number in chosen:
            continue
        if (earlier := said.get(candidate.says)) is not None and candidate.repeats(candidates[earlier]):
            continue
        wanted = [candidates[n] for n in (*candidate.needs, candidate.number) if n not in chosen]
        if budget.spend(candidate.place, sum(c.cost for c in wanted)):
            chosen.update(c.number for c in wanted)
            said.setdefault(candidate.says, candidate.number)
    _fill(candidates, chosen, budget)
    return chosen


def _fill(candidates: Sequence[Candidate], chosen: set[int], budget: _Budget) -> None:
    """Takes in short gaps between what is kept of a passage."""
    for before, after in itertools.pairwise(sorted(chosen)):
        between = candidates[before + 1 : after]
        cost = sum(candidate.cost for candidate in between)
        place = candidates[before].place
        if place == candidates[after].place and 0 < cost <= _SHORT_GAP and budget.spend(place, cost):
            chosen.update(candidate.number for candidate in between)


class _Budget:
    """Characters that are left under each label that occurs. One label's bound holds for the stricter ones too."""

    def __init__(self, passages: Sequence[Passage], characters: Mapping[Label, int]) -> None:
        self._labels = [passage.chunk.document.label for passage in passages]
        self._left = {label: characters[label] for label in sorted(set(self._labels))}

    def spend(self, place: int, cost: int) -> bool:
        """Whether that much of the passage at `place` may be kept too; if so, it is."""
        bounds = [label for label in self._left if label.strictness <= self._labels[place].strictness]
        if any(self._left[label] < cost for label in bounds):
            return False
        for label in bounds:
            self._left[label] -= cost
        return True


def _ranges(candidates: Sequence[Candidate], chosen: set[int]) -> dict[int, list[tuple[int, int]]]:
    """What is kept of each passage, by its place; neighbours are one range."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for number in sorted(chosen):
        candidate = candidates[number]
        kept = ranges.setdefault(candidate.place, [])
        start = kept.pop()[0] if kept and number - 1 in chosen else candidate.unit.start
        kept.append((start, candidate.unit.end))
    return ranges
