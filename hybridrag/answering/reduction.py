"""What of the passages a question needs: whole sentences, items, rows and blocks. Nothing is written anew.

Figures and what was tried: `docs/decisions/0022-reduction.md`.
"""

from __future__ import annotations

import itertools
import math
import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from hybridrag.answering.parts import chunk_at, chunks_of
from hybridrag.answering.units import Unit, units_of
from hybridrag.types import Label, Passage, Span, StoredChunk

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

CHARACTERS: Mapping[Label, int] = MappingProxyType(
    {Label.PUBLIC: 12_000, Label.INTERNAL: 12_000, Label.CONFIDENTIAL: 4_000, Label.LOCAL_ONLY: 4_000}
)
"""Characters of documents in a request, at most, by the label they are under."""

_LEAST_SHARE = 0.4
"""A unit stays if it scores at least this share of the best one, its passage and that one's rank included."""
_FAR_SHARE = 0.3
"""A unit goes if neither it nor the one before or after it is at least this share as near as the nearest one."""
_RANK_SHARE = 0.25
"""Weight of a passage's place in the ranking, as for the extractive answer."""
_NEIGHBOUR = 0.9
"""A neighbour scores at least this share of a unit: a sentence often needs the one before it."""
_EMBEDDED = 8_000
"""UTF-8 bytes that are embedded for one question: some 1,900 tokens, 70 ms with MiniLM on two cores."""
_CONTEXT = 1_000
"""Characters of a unit that are compared: MiniLM reads 256 tokens."""
_SHORT_GAP = 60
"""Characters between kept units that are not worth a mark."""
_OWN_SENSE = 20
"""Words from which on a copy means the same under any heading (0017)."""


@dataclass(frozen=True, slots=True)
class Reduced:
    """A passage and what is kept of it: ranges of `passage.text`, in order, apart. None where nothing is near."""

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
    candidates = _candidates(passages, spans)
    if not candidates:
        return tuple(Reduced(passage, ()) for passage in passages)
    scores = _scores(candidates, question, query, embed)
    chosen = _chosen(candidates, scores, passages, characters)
    ranges = _ranges(candidates, chosen)
    return tuple(Reduced(passage, tuple(ranges.get(place, ()))) for place, passage in enumerate(passages))


# --- candidates ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A unit of the passage at `place`, number `number` of all. `needs` are others that it makes no sense without."""

    number: int
    place: int
    unit: Unit
    text: str
    heading: str
    needs: tuple[int, ...]
    cost: int
    alone: bool
    """Whether it may be chosen for itself; a heading comes with what stands under it."""

    @property
    def context(self) -> str:
        """What it is compared by, as for the extractive answer."""
        return f"{self.heading}: {self.text}"[:_CONTEXT]

    @property
    def says(self) -> tuple[str, str]:
        """The same for copies."""
        words = self.text.split()
        return "" if len(words) >= _OWN_SENSE else self.heading, " ".join(words)

    def repeats(self, other: _Candidate) -> bool:
        """Whether a copy adds nothing. In one passage, a row or a line of code may be meant twice."""
        return self.place != other.place or (self.unit.kind in {"sentence", "item"} and self.needs == other.needs)


def _candidates(passages: Sequence[Passage], spans: Mapping[int, Sequence[Span]]) -> list[_Candidate]:
    found: list[_Candidate] = []
    for place, passage in enumerate(passages):
        units = units_of(passage.text, spans.get(passage.marker, ()))
        first = len(found)
        over = _Over()
        for index, unit in enumerate(units):
            after = units[index + 1] if index + 1 < len(units) else None
            text = passage.text[unit.start : unit.end]
            headings = chunk_at(passage, unit.start, unit.end).headings
            found.append(
                _Candidate(
                    number=len(found),
                    place=place,
                    unit=unit,
                    text=text,
                    heading=headings[-1] if headings else passage.chunk.document.title,
                    needs=tuple(first + needed for needed in over.needed(index, unit, text)),
                    # With the white space after it, so that what is kept is never more than its costs.
                    cost=(after.start if after else unit.end) - unit.start,
                    alone=unit.level == 0 or after is None or 0 < after.level <= unit.level,
                )
            )
    return found


class _Over:
    """What stands over each next unit of a text: headings, a table's header, the line that leads to a list."""

    def __init__(self) -> None:
        self._headings: list[tuple[int, int]] = []
        self._header: tuple[int, int] | None = None
        self._leading: tuple[int, int] | None = None
        self._before: tuple[int, Unit, str] | None = None

    def needed(self, index: int, unit: Unit, text: str) -> tuple[int, ...]:
        """The numbers of the units that this one, the next, needs."""
        if unit.level:
            while self._headings and self._headings[-1][1] >= unit.level:
                self._headings.pop()
        needed = [number for number, _ in self._headings]
        if unit.level:
            self._headings.append((index, unit.level))
        if unit.kind == "header":
            self._header = (index, unit.block)
        elif self._header is not None and self._header[1] == unit.block:
            needed.append(self._header[0])
        if self._before is not None:
            number, before, said = self._before
            if before.block != unit.block and before.kind == "sentence" and said.endswith((":", "：")):
                self._leading = (number, unit.block)
        if self._leading is not None and self._leading[1] == unit.block and unit.kind != "sentence":
            needed.append(self._leading[0])
        self._before = (index, unit, text)
        return tuple(needed)


# --- scores ----------------------------------------------------------------------------------------------------------


def _scores(
    candidates: Sequence[_Candidate], question: str, query: Vector, embed: Callable[[Sequence[str]], Vectors]
) -> list[float]:
    """How much the question needs each: nearness of itself and of its passage's nearest, and its passage's rank.

    What is far from the question, as are the units before and after it, has 0.
    """
    shared = _shared(candidates, question)
    cosines = _cosines(candidates, _with_passage(candidates, shared), query, embed)
    own = [cosine + share for cosine, share in zip(cosines, shared, strict=True)]
    near, around = list(own), list(own)
    for one, other in itertools.pairwise(candidates):
        if one.place != other.place:
            continue
        for this, beside in ((one.number, other.number), (other.number, one.number)):
            around[this] = max(around[this], own[beside])
            if one.unit.block == other.unit.block or one.number in other.needs:
                near[this] = max(near[this], _NEIGHBOUR * own[beside])
    far = _FAR_SHARE * max(around[candidate.number] for candidate in candidates if candidate.alone)
    return [
        score if nearest >= far else 0.0 for score, nearest in zip(_with_passage(candidates, near), around, strict=True)
    ]


def _with_passage(candidates: Sequence[_Candidate], nearness: Sequence[float]) -> list[float]:
    best: dict[int, float] = {}
    for candidate, near in zip(candidates, nearness, strict=True):
        best[candidate.place] = max(near, best.get(candidate.place, 0.0))
    return [
        near + best[candidate.place] + _RANK_SHARE / (1 + candidate.place)
        for candidate, near in zip(candidates, nearness, strict=True)
    ]


def _shared(candidates: Sequence[_Candidate], question: str) -> list[float]:
    """The share of the question's words that each holds, rare words counting more, from 0 to 1.

    Words that no candidate holds do not count. The weight is the BM25 family's, log(1 + n / (df + 0.5)).
    """
    asked = _words(question)
    held = [asked & _words(candidate.context) for candidate in candidates]
    holding = Counter(word for words in held for word in words)
    # Sorted, since the order of a set of words changes from run to run, and with it the last bit of a sum.
    weights = {word: math.log1p(len(candidates) / (holding[word] + 0.5)) for word in sorted(holding)}
    total = sum(weights.values())
    return [sum(weights[word] for word in sorted(words)) / total if total else 0.0 for words in held]


def _cosines(
    candidates: Sequence[_Candidate],
    prior: Sequence[float],
    query: Vector,
    embed: Callable[[Sequence[str]], Vectors],
) -> list[float]:
    """Cosines to the question, none below 0. Of much text only the best by `prior` is embedded.

    The rest is given the mean of what was embedded of its passage, or 0.
    """
    contexts: dict[str, int] = {}
    left = _EMBEDDED
    for candidate in sorted(candidates, key=lambda c: (-prior[c.number], c.number)):
        size = len(candidate.context.encode("utf-8", "replace"))
        if candidate.context not in contexts and size <= left:
            left -= size
            contexts[candidate.context] = len(contexts)
    # Rounded, since the last bits may depend on the threads, and the same request is to be the same bytes.
    near = [max(round(float(cosine), 4), 0.0) for cosine in embed(list(contexts)) @ query] if contexts else []
    known = {c.number: near[contexts[c.context]] for c in candidates if c.context in contexts}
    sums: dict[int, tuple[float, int]] = {}
    for candidate in candidates:
        if candidate.number in known:
            total, count = sums.get(candidate.place, (0.0, 0))
            sums[candidate.place] = (total + known[candidate.number], count + 1)
    means = {place: total / count for place, (total, count) in sums.items()}
    return [known.get(c.number, means.get(c.place, 0.0)) for c in candidates]


def _words(text: str) -> set[str]:
    """Words of three letters or more, and pairs of characters where words are written without blanks."""
    words = re.findall(r"\w+", text.casefold())
    found = {word for word in words if len(word) > 2 and not _UNSPACED.search(word)}
    return found.union(*({word[i : i + 2] for i in range(len(word) - 1)} for word in words if _UNSPACED.search(word)))


_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese: the blocks of Unicode whose words have no blanks between them."""


# --- choice ----------------------------------------------------------------------------------------------------------


def _chosen(
    candidates: Sequence[_Candidate],
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


def _fill(candidates: Sequence[_Candidate], chosen: set[int], budget: _Budget) -> None:
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


def _ranges(candidates: Sequence[_Candidate], chosen: set[int]) -> dict[int, list[tuple[int, int]]]:
    """What is kept of each passage, by its place; neighbours are one range."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for number in sorted(chosen):
        candidate = candidates[number]
        kept = ranges.setdefault(candidate.place, [])
        start = kept.pop()[0] if kept and number - 1 in chosen else candidate.unit.start
        kept.append((start, candidate.unit.end))
    return ranges
