"""The two search arms over one snapshot, and their candidates, each with the scores of both."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.flows.clock import Clock
from hybridrag.retrieval import (
    Background,
    Ranking,
    background,
    bm25,
    fuse,
    query_weight,
    question_terms,
    reciprocal_ranks,
    unmatched_share,
    unpack,
)
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Arm, Query

if TYPE_CHECKING:
    from hybridrag.store.snapshot import Numbers
    from hybridrag.types import Vector

FUSED = 100
"""Of each arm the chunks whose scores are fused; what lies deeper follows them."""

MOST_TERMS = 256
"""Terms of a question that are looked for: of a whole page given as one the rarest, which say nearly all."""

Scores = dict[int, float]
"""By chunk number, best first."""


@dataclass(frozen=True)
class Candidates:
    """Chunk numbers: what each arm ranked, best first; every score an arm gives to any of them; and both as one.

    `exhausted` says that a deeper search would find no more.
    """

    ranked: Mapping[str, Mapping[int, float]]
    scores: Mapping[str, Mapping[int, float]]
    fused: Mapping[int, float]
    weights: Mapping[str, float]
    exhausted: bool

    def arms(self, number: int) -> dict[str, Arm]:
        """Where each arm placed a chunk."""
        return {
            name: Arm(rank=self._ranks[name].get(number), score=scores[number])
            for name, scores in self.scores.items()
            if number in scores
        }

    @cached_property
    def _ranks(self) -> dict[str, dict[int, int]]:
        return {name: {n: rank for rank, n in enumerate(found, start=1)} for name, found in self.ranked.items()}


class Arms:
    """Both arms for one question in one snapshot. What does not depend on how deep they look is worked out once."""

    def __init__(self, snapshot: SearchSnapshot, query: Query, vector: Vector | None, clock: Clock) -> None:
        """`vector` is the question's; None where the dense arm takes no part."""
        self._snapshot = snapshot
        self._query = query
        self._vector = vector
        self._clock = clock

    def candidates(self, limit: int) -> Candidates:
        """The best `limit` chunks of each arm that takes part."""
        if self._query.filter is not None:
            with self._clock.step("filter"):
                _ = self._among
        if self._vector is None:
            with self._clock.step("lexical"):
                lexical = self._lexical.ranking.best(limit, among=self._among)
            return _of_one_arm("lexical", lexical, limit)
        with self._clock.step("dense"):
            dense = self._snapshot.dense(self._vector, limit=limit, among=self._among)
        if self._query.mode == "dense":
            return _of_one_arm("dense", dense, limit)
        with self._clock.step("lexical"):
            lexical = self._lexical.ranking.best(limit, among=self._among)
            lexical_scores = lexical | self._lexical.ranking.of([number for number in dense if number not in lexical])
        with self._clock.step("dense"):
            others = [number for number in lexical if number not in dense]
            dense_scores = dense | self._snapshot.similarities(self._vector, others)
        with self._clock.step("fuse"):
            scores = {"dense": dense_scores, "lexical": lexical_scores}
            if self._query.fusion == "rrf":
                fused, weights = reciprocal_ranks(dense, lexical), {"dense": 0.5, "lexical": 0.5}
            else:
                first = dict.fromkeys([*itertools.islice(dense, FUSED), *itertools.islice(lexical, FUSED)])
                weight = self._dense_weight(_some(dense_scores, first), _some(lexical_scores, first))
                fused, weights = _by_score(scores, first, weight), {"dense": weight, "lexical": 1 - weight}
        return Candidates(
            ranked={"dense": dense, "lexical": lexical},
            scores=scores,
            fused=fused,
            weights=weights,
            exhausted=len(dense) < limit and len(lexical) < limit,
        )

    @cached_property
    def _among(self) -> Numbers | None:
        """The chunks that pass the filter; None without one."""
        return None if self._query.filter is None else self._snapshot.numbers_of(self._query.filter)

    @cached_property
    def _lexical(self) -> _Lexical:
        return _Lexical.asked(self._snapshot, self._query.text)

    def _dense_weight(self, dense: Scores, lexical: Scores) -> float:
        searched = self._snapshot.lexical_index.chunks if self._among is None else len(self._among)
        return query_weight(
            dense, lexical, background=self._background, searched=searched, unmatched=self._lexical.unmatched
        )

    @cached_property
    def _background(self) -> Background | None:
        if self._vector is None or (packed := self._snapshot.sample) is None:
            return None
        dimensions = self._snapshot.collection.generation.dimensions
        return background(self._vector, unpack(packed, dimensions=dimensions))


@dataclass(frozen=True, slots=True)
class _Lexical:
    """What the lexical arm says of a question: its ranking, and the share of the question that stands nowhere."""

    ranking: Ranking
    unmatched: float

    @staticmethod
    def asked(snapshot: SearchSnapshot, text: str) -> _Lexical:
        index = snapshot.lexical_index
        terms = question_terms(text, index.analysers)
        looked_for = terms
        known: Mapping[str, int] = {}
        if len(terms) > MOST_TERMS:
            known = snapshot.frequencies(_forms(terms))
            rarest = sorted((forms for forms in terms if _holding(forms, known)), key=lambda f: (_holding(f, known), f))
            looked_for = {forms: terms[forms] for forms in rarest[:MOST_TERMS]}
        postings = snapshot.postings(_forms(looked_for))
        known = known or {term: len(found.numbers) for term, found in postings.items()}
        asked = ((times, _holding(forms, known)) for forms, times in terms.items())
        return _Lexical(bm25(looked_for, postings, index), unmatched_share(asked, chunks=index.chunks))


def _forms(terms: Iterable[tuple[str, ...]]) -> list[str]:
    return sorted({form for forms in terms for form in forms})


def _holding(forms: Iterable[str], known: Mapping[str, int]) -> int:
    """How many chunks hold a word: those of its most frequent form are near enough."""
    return max(known.get(form, 0) for form in forms)


def _of_one_arm(name: str, found: Scores, limit: int) -> Candidates:
    return Candidates({name: found}, {name: found}, found, {name: 1.0}, exhausted=len(found) < limit)


def _by_score(scores: Mapping[str, Mapping[int, float]], first: Collection[int], weight: float) -> Scores:
    """The first fused, and after them what lies deeper, whose scores are lowered to where those of the first end.

    So what comes first does not depend on how many hits are wanted.
    """
    deeper = [number for number in scores["dense"].keys() | scores["lexical"].keys() if number not in first]
    near, far = (
        fuse(_some(scores["dense"], numbers), _some(scores["lexical"], numbers), dense_weight=weight)
        for numbers in (first, deeper)
    )
    if near and far:
        lowest, highest = min(near.values()), max(far.values())
        if highest > lowest:
            far = {number: lowest - (highest - score) for number, score in far.items()}
    return near | far


def _some(scores: Mapping[int, float], numbers: Iterable[int]) -> Scores:
    return {number: scores[number] for number in numbers if number in scores}
