"""Which candidates go into a request: what adds most to what is there already, as long as there is room.

Figures: `docs/decisions/0034-filling-the-budget.md`.
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hybridrag.answering.candidates import Candidate
from hybridrag.answering.scores import words_of
from hybridrag.types import Label, Passage

GAP = "\n[…]\n"
"""Stands where lines were left out; in a line, a shorter one does."""

_LEAST_SHARE = 0.38
"""A unit stays if it scores at least this share of the best one, its passage and that one's rank included."""
_REPEATED = 0.95
"""A unit goes if another one that stays holds this share of its words."""
_STEEPNESS = 8
"""Words in common take little of a unit's worth before nearly all are: on one subject many are."""
_COST = 0.1
"""Power of a unit's characters that its worth is divided by: of two as good, the shorter one; more favours scraps."""
_SHORT_GAP = 60
"""Characters between kept units that are not worth a mark."""
_WEIGHED = 5
"""Times that a unit is weighed anew, at most, as others are taken."""
_REMEMBERED = 64
"""Kept units that are remembered for one word: a word in more of them tells nothing, and the time stays linear."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a model's window leaves for passages: so many `tokens`.

    `count` is an upper bound of a text's tokens, and of a whole not above the sum of its parts, as for bytes. `around`
    gives the text that stands around a passage in the prompt.
    """

    tokens: int
    count: Callable[[str], int]
    around: Callable[[Passage], str]


def chosen_of(
    candidates: Sequence[Candidate],
    scores: Sequence[float],
    passages: Sequence[Passage],
    characters: Mapping[Label, int],
    room: Room | None = None,
) -> set[int]:
    """The numbers of what is kept: always the one next that adds most for its length, until nothing near fits.

    What a unit needs is kept with it, and paid once. Deterministic.
    """
    least = _LEAST_SHARE * max(scores[candidate.number] for candidate in candidates if candidate.alone)
    budget, said, chosen = _Budget(passages, characters, room), _Said(), set[int]()

    def wanted(candidate: Candidate) -> list[Candidate]:
        return [candidates[n] for n in (*candidate.needs, candidate.number) if n not in chosen]

    def worth(candidate: Candidate, repeated: float) -> float:
        length = max(sum(each.cost for each in wanted(candidate)), 1)
        return scores[candidate.number] * (1 - repeated**_STEEPNESS) / float(length**_COST)

    # Worth only falls as others are taken, so what still is the best when weighed anew is the best of all.
    heap = [(-worth(c, 0), c.number, 0) for c in candidates if c.alone and scores[c.number] >= least]
    heapq.heapify(heap)
    while heap:
        _, number, weighed = heapq.heappop(heap)
        candidate = candidates[number]
        taken = wanted(candidate)
        if number in chosen or not budget.fits(taken) or (repeated := said.share(candidate)) >= _REPEATED:
            continue
        now = -worth(candidate, repeated)
        if heap and now > heap[0][0] and weighed < _WEIGHED:
            heapq.heappush(heap, (now, number, weighed + 1))
            continue
        budget.spend(taken)
        for each in taken:
            chosen.add(each.number)
            said.add(each)
    _fill(candidates, chosen, budget)
    return chosen


def _fill(candidates: Sequence[Candidate], chosen: set[int], budget: _Budget) -> None:
    """Takes in short gaps between what is kept of a passage."""
    for before, after in itertools.pairwise(sorted(chosen)):
        between = candidates[before + 1 : after]
        short = 0 < sum(candidate.cost for candidate in between) <= _SHORT_GAP
        if short and candidates[before].place == candidates[after].place and budget.fits(between):
            budget.spend(between)
            chosen.update(candidate.number for candidate in between)


class _Said:
    """What the kept units say: their words, to know what a further one would only say again."""

    def __init__(self) -> None:
        self._holding: dict[str, list[Candidate]] = {}
        self._words: dict[int, frozenset[str]] = {}

    def add(self, candidate: Candidate) -> None:
        for word in self._words_of(candidate):
            holding = self._holding.setdefault(word, [])
            if len(holding) < _REMEMBERED:
                holding.append(candidate)

    def share(self, candidate: Candidate) -> float:
        """The share of its words, from 0 to 1, that one kept unit holds which it could be a copy of."""
        words = self._words_of(candidate)
        held = Counter(other.number for word in words for other in self._holding.get(word, ()))
        others = {other.number: other for word in words for other in self._holding.get(word, ())}
        most = max((held[n] for n, other in others.items() if _may_repeat(candidate, other)), default=0)
        return most / len(words)

    def _words_of(self, candidate: Candidate) -> frozenset[str]:
        if candidate.number not in self._words:
            self._words[candidate.number] = _telling(candidate)
        return self._words[candidate.number]


def _may_repeat(candidate: Candidate, other: Candidate) -> bool:
    """Whether it adds nothing if the other one holds its words; a short one means the same under its heading only."""
    return candidate.repeats(other) and (not candidate.says[0] or candidate.heading == other.heading)


def _telling(candidate: Candidate) -> frozenset[str]:
    """Its words, and every number: two sentences that differ in a number say different things. None is without any."""
    text = candidate.text.casefold()
    numbers = (word for word in re.findall(r"\w+", text) if any(map(str.isdigit, word)))
    return frozenset(words_of(text).union(numbers) or text.split() or [text])


class _Budget:
    """What may still be kept: characters under each label that occurs, and tokens where the model's window is known.

    One label's bound holds for the stricter ones too.
    """

    def __init__(self, passages: Sequence[Passage], characters: Mapping[Label, int], room: Room | None) -> None:
        self._passages = passages
        self._left = {label: characters[label] for label in sorted({p.chunk.document.label for p in passages})}
        self._room = room
        self._tokens = room.tokens if room else 0
        self._begun: set[int] = set()

    def fits(self, units: Sequence[Candidate]) -> bool:
        """Whether these units of one passage may be kept too."""
        cost = sum(unit.cost for unit in units)
        return (
            all(self._left[label] >= cost for label in self._bounds(units)) and self._tokens_of(units) <= self._tokens
        )

    def spend(self, units: Sequence[Candidate]) -> None:
        self._tokens -= self._tokens_of(units)
        for label in self._bounds(units):
            self._left[label] -= sum(unit.cost for unit in units)
        self._begun.update(unit.place for unit in units)

    def _bounds(self, units: Sequence[Candidate]) -> list[Label]:
        strictness = [self._passages[unit.place].chunk.document.label.strictness for unit in units]
        return [label for label in self._left if label.strictness <= min(strictness)] if strictness else []

    def _tokens_of(self, units: Sequence[Candidate]) -> int:
        """The tokens of units with a gap before each, and of what stands around a passage that had none so far."""
        if self._room is None:
            return 0
        count = self._room.count
        around = sum(
            count(self._room.around(self._passages[place])) for place in {unit.place for unit in units} - self._begun
        )
        return around + sum(count(self._text(unit)) + count(GAP) for unit in units)

    def _text(self, unit: Candidate) -> str:
        return self._passages[unit.place].text[unit.unit.start : unit.unit.start + unit.cost]
