"""The two search arms over one snapshot, and their candidates, each with the scores of both."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
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
    from hybridrag.types import Vector

FUSED = 100
"""Of each arm the chunks whose scores are fused; what lies deeper follows them."""

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


def find_candidates(
    snapshot: SearchSnapshot, query: Query, vector: Vector | None, *, limit: int, clock: Clock
) -> Candidates:
    """The best `limit` chunks of each arm that takes part; the dense one needs the question's vector."""
    among = None
    if query.filter is not None:
        with clock.step("filter"):
            among = snapshot.numbers_of(query.filter)
    if vector is None:
        with clock.step("lexical"):
            lexical = _Lexical.asked(snapshot, query.text).ranking.best(limit, among=among)
        return _of_one_arm("lexical", lexical, limit)
    with clock.step("dense"):
        dense = snapshot.dense(vector, limit=limit, among=among)
    if query.mode == "dense":
        return _of_one_arm("dense", dense, limit)
    with clock.step("lexical"):
        arm = _Lexical.asked(snapshot, query.text)
        lexical = arm.ranking.best(limit, among=among)
        lexical_scores = lexical | arm.ranking.of([number for number in dense if number not in lexical])
    with clock.step("dense"):
        dense_scores = dense | snapshot.similarities(vector, [number for number in lexical if number not in dense])
    with clock.step("fuse"):
        if query.fusion == "rrf":
            fused, weights = reciprocal_ranks(dense, lexical), {"dense": 0.5, "lexical": 0.5}
        else:
            first = dict.fromkeys([*itertools.islice(dense, FUSED), *itertools.islice(lexical, FUSED)])
            near = (_some(dense_scores, first), _some(lexical_scores, first))
            weight = query_weight(
                *near,
                background=_background(snapshot, vector),
                searched=snapshot.lexical_index.chunks if among is None else len(among),
                unmatched=arm.unmatched,
            )
            deeper = [number for number in dense | lexical if number not in first]
            far = (_some(dense_scores, deeper), _some(lexical_scores, deeper))
            fused = _followed(fuse(*near, dense_weight=weight), fuse(*far, dense_weight=weight))
            weights = {"dense": weight, "lexical": 1 - weight}
    return Candidates(
        ranked={"dense": dense, "lexical": lexical},
        scores={"dense": dense_scores, "lexical": lexical_scores},
        fused=fused,
        weights=weights,
        exhausted=len(dense) < limit and len(lexical) < limit,
    )


@dataclass(frozen=True, slots=True)
class _Lexical:
    """What the lexical arm says of a question: its ranking, and which share of the question stands nowhere."""

    ranking: Ranking
    unmatched: float

    @staticmethod
    def asked(snapshot: SearchSnapshot, text: str) -> _Lexical:
        index = snapshot.lexical_index
        terms = question_terms(text, index.analysers)
        postings = snapshot.postings(sorted({form for forms in terms for form in forms}))
        holding = (
            (asked, max((len(postings[form].numbers) for form in forms if form in postings), default=0))
            for forms, asked in terms.items()
        )
        return _Lexical(bm25(terms, postings, index), unmatched_share(holding, chunks=index.chunks))


def _of_one_arm(name: str, found: Scores, limit: int) -> Candidates:
    return Candidates({name: found}, {name: found}, found, {name: 1.0}, exhausted=len(found) < limit)


def _background(snapshot: SearchSnapshot, vector: Vector) -> Background | None:
    if (packed := snapshot.sample) is None:
        return None
    return background(vector, unpack(packed, dimensions=snapshot.collection.generation.dimensions))


def _some(scores: Mapping[int, float], numbers: Iterable[int]) -> Scores:
    return {number: scores[number] for number in numbers if number in scores}


def _followed(first: Scores, deeper: Scores) -> Scores:
    """The first, then the deeper ones, whose scores are lowered to where the first end.

    So what comes first does not depend on how many hits are wanted.
    """
    if not first or not deeper:
        return first | deeper
    lowest, highest = min(first.values()), max(deeper.values())
    if highest > lowest:
        deeper = {number: lowest - (highest - score) for number, score in deeper.items()}
    return first | deeper
