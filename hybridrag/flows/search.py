"""Search: a query to hits, through one or both arms, in one snapshot of the collection."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from hybridrag.errors import ModelError, UsageError
from hybridrag.ports import Embedder
from hybridrag.retrieval import fuse
from hybridrag.store import PostgresStore
from hybridrag.types import Arm, Collection, Hit, Query, SearchResult

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
    limit = max(CANDIDATES, query.k)
    vector = None
    if query.mode != "lexical":
        found = store.find_collection(collection)
        with clock.step("embed"):
            vector = _checked_embedder(found, open_embedder).embed_query(query.text) if found else None
    with store.snapshot(collection) as snapshot:
        documents = snapshot.documents_matching(query.filter) if query.filter else None
        dense: dict[UUID, float] = {}
        lexical: dict[UUID, float] = {}
        lexical_also: dict[UUID, float] = {}
        dense_also: dict[UUID, float] = {}
        if vector is not None:
            with clock.step("dense"):
                dense = snapshot.dense(vector, limit=limit, documents=documents)
        if query.mode != "dense":
            with clock.step("lexical"):
                lexical, lexical_also = snapshot.lexical(
                    query.text.replace("\0", " "), limit=limit, documents=documents, also=list(dense)
                )
        if vector is not None and lexical:
            with clock.step("dense"):
                dense_also = snapshot.dense_scores(vector, [chunk for chunk in lexical if chunk not in dense])
        with clock.step("fuse"):
            dense_scores, lexical_scores = dense | dense_also, lexical | lexical_also
            if query.mode == "hybrid":
                scores = fuse(dense_scores, lexical_scores)
            else:
                scores = dense if query.mode == "dense" else lexical
            best = list(scores.items())[: query.k]
        chunks = snapshot.chunks([chunk for chunk, _ in best])
        served_by = snapshot.collection.generation
    ranks = {
        name: {chunk: rank for rank, chunk in enumerate(ranking, start=1)}
        for name, ranking in (("dense", dense), ("lexical", lexical))
    }
    hits = tuple(
        Hit(
            rank=rank,
            score=score,
            chunk=chunks[chunk],
            arms={
                name: Arm(rank=ranks[name].get(chunk), score=arm_scores[chunk])
                for name, arm_scores in (("dense", dense_scores), ("lexical", lexical_scores))
                if chunk in arm_scores
            },
        )
        for rank, (chunk, score) in enumerate(best, start=1)
    )
    return SearchResult(
        query=query, collection=collection, generation=served_by, hits=hits, timings_ms=clock.finished()
    )


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
        self._steps = {"embed": 0.0, "dense": 0.0, "lexical": 0.0, "fuse": 0.0}

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
