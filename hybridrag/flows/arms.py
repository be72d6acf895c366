"""The two search arms over one snapshot, and their candidates, each with the scores of both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.flows.clock import Clock
from hybridrag.retrieval import bm25, fuse, question_terms
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Arm, Query

if TYPE_CHECKING:
    from hybridrag.types import Vector


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
    dense: dict[int, float] = {}
    lexical: dict[int, float] = {}
    dense_scores: dict[int, float] = {}
    lexical_scores: dict[int, float] = {}
    if vector is not None:
        with clock.step("dense"):
            dense = dense_scores = snapshot.dense(vector, limit=limit, among=among)
    if query.mode != "dense":
        with clock.step("lexical"):
            terms = question_terms(query.text, snapshot.lexical_index.analysers)
            postings = snapshot.postings(sorted({form for forms in terms for form in forms}))
            ranking = bm25(terms, postings, snapshot.lexical_index)
            lexical = ranking.best(limit, among=among)
            lexical_scores = lexical | ranking.of([number for number in dense if number not in lexical])
    if vector is not None and lexical:
        with clock.step("dense"):
            others = [number for number in lexical if number not in dense]
            dense_scores = dense | snapshot.similarities(vector, others)
    with clock.step("fuse"):
        fused, weights = _fused(query, snapshot, dense, lexical, dense_scores, lexical_scores)
    return Candidates(
        ranked={"dense": dense, "lexical": lexical},
        scores={"dense": dense_scores, "lexical": lexical_scores},
        fused=fused,
        weights=weights,
        exhausted=len(dense) < limit and len(lexical) < limit,
    )


def _fused(
    query: Query,
    snapshot: SearchSnapshot,
    dense: Mapping[int, float],
    lexical: Mapping[int, float],
    dense_scores: Mapping[int, float],
    lexical_scores: Mapping[int, float],
) -> tuple[Mapping[int, float], Mapping[str, float]]:
    if query.mode != "hybrid":
        return (dense if query.mode == "dense" else lexical), {query.mode: 1.0}
    return fuse(dense_scores, lexical_scores, dense_weight=0.65), {"dense": 0.65, "lexical": 0.35}
