"""Search: a query to hits, through one or both arms, in one snapshot of the collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.errors import ModelError, UsageError
from hybridrag.ports import Embedder
from hybridrag.retrieval import bm25, fuse, question_terms
from hybridrag.retrieval.fusion import DENSE_WEIGHT
from hybridrag.store import PostgresStore
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Arm, Collection, Hit, Query, SearchResult

if TYPE_CHECKING:
    from hybridrag.types import Vector

CANDIDATES = 100
"""Chunks each arm offers to the fusion, at least; more where more hits are wanted."""


def search(
    store: PostgresStore, collection: str, query: Query, *, open_embedder: Callable[[Collection], Embedder]
) -> SearchResult:
    """The best `query.k` chunks. Finding none is an empty result.

    `open_embedder` is called only where the dense arm takes part. Raises UsageError for an empty query or an unknown
    collection, and ModelError where the embedder on this machine is not the one that made the index.
    """
    if not query.text.strip():
        raise UsageError("the query is empty", hint="ask for something")
    if query.k < 1:
        raise UsageError("-k must be at least 1", hint="for example: -k 10")
    clock = _Clock()
    vector = None
    if query.mode != "lexical":
        found = store.find_collection(collection)
        with clock.step("embed"):
            vector = _checked_embedder(found, open_embedder).embed_query(query.text) if found else None
    with store.snapshot(collection) as snapshot:
        candidates = _candidates(snapshot, query, vector, clock)
        best = list(candidates.fused.items())[: query.k]
        chunks = snapshot.chunks([number for number, _ in best])
        served_by = snapshot.collection.generation
    hits = tuple(
        Hit(rank=rank, score=score, chunk=chunks[number], arms=candidates.arms(number))
        for rank, (number, score) in enumerate(best, start=1)
    )
    return SearchResult(
        query=query,
        collection=collection,
        generation=served_by,
        hits=hits,
        timings_ms=clock.finished(),
        weights=candidates.weights,
    )


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Chunk numbers with their scores: what each arm found, best first, what else it says of the other's, and both."""

    dense: dict[int, float]
    lexical: dict[int, float]
    scores: Mapping[str, Mapping[int, float]]
    fused: dict[int, float]
    weights: Mapping[str, float]

    def arms(self, number: int) -> dict[str, Arm]:
        ranks = {"dense": list(self.dense), "lexical": list(self.lexical)}
        return {
            name: Arm(rank=ranks[name].index(number) + 1 if number in ranks[name] else None, score=scores[number])
            for name, scores in self.scores.items()
            if number in scores
        }


def _candidates(snapshot: SearchSnapshot, query: Query, vector: Vector | None, clock: _Clock) -> _Candidates:
    limit = max(CANDIDATES, query.k)
    among = None
    if query.filter is not None:
        with clock.step("filter"):
            among = snapshot.numbers_of(query.filter)
    dense: dict[int, float] = {}
    dense_scores: dict[int, float] = {}
    lexical: dict[int, float] = {}
    lexical_scores: dict[int, float] = {}
    if vector is not None:
        with clock.step("dense"):
            dense = dense_scores = snapshot.dense(vector, limit=limit, among=among)
    if query.mode != "dense":
        with clock.step("lexical"):
            index = snapshot.lexical_index
            terms = question_terms(query.text, index.analysers)
            ranking = bm25(terms, snapshot.postings([form for forms in terms for form in forms]), index)
            lexical = ranking.best(limit, among=among)
            lexical_scores = lexical | ranking.of([number for number in dense if number not in lexical])
    if vector is not None and lexical:
        with clock.step("dense"):
            others = [number for number in lexical if number not in dense]
            dense_scores = dense | snapshot.similarities(vector, others)
    with clock.step("fuse"):
        if query.mode == "hybrid":
            fused = fuse(dense_scores, lexical_scores)
            weights = {"dense": DENSE_WEIGHT, "lexical": 1 - DENSE_WEIGHT}
        else:
            fused, weights = (dense if query.mode == "dense" else lexical), {query.mode: 1.0}
    arms = {name: scores for name, scores in (("dense", dense_scores), ("lexical", lexical_scores)) if scores}
    return _Candidates(dense, lexical, arms, fused, weights)


def _checked_embedder(collection: Collection, open_embedder: Callable[[Collection], Embedder]) -> Embedder:
    embedder = open_embedder(collection)
    if embedder.fingerprint != collection.generation.fingerprint:
        raise ModelError(
            f"the model {embedder.name} on this machine is not the one that made the collection {collection.name!r}",
            hint="its weights, tokenizer or prompts differ; fetch the same revision, or ingest into a new collection",
        )
    return embedder


class _Clock:
    """Milliseconds by step."""

    def __init__(self) -> None:
        self._started = time.perf_counter()
        self._steps = {"embed": 0.0, "filter": 0.0, "dense": 0.0, "lexical": 0.0, "fuse": 0.0}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self._steps[name] += (time.perf_counter() - started) * 1000

    def finished(self) -> dict[str, float]:
        steps = {name: round(value, 2) for name, value in self._steps.items()}
        return steps | {"rerank": 0.0, "total": round((time.perf_counter() - self._started) * 1000, 2)}
