"""Search: a query to hits, through one or both arms, in one snapshot of the collection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from hybridrag.errors import ModelError, UsageError
from hybridrag.flows.arms import FUSED, Candidates, find_candidates
from hybridrag.flows.clock import Clock
from hybridrag.ports import Embedder, Reranker
from hybridrag.retrieval import by_document, collapsed, diversified, merged_passages
from hybridrag.store import PostgresStore
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Arm, Collection, Hit, Label, Query, SearchResult, StoredChunk

if TYPE_CHECKING:
    from hybridrag.types import Vector

_DEEPER = 4
"""So many times as many where those are too few: where many say the same, or stand in one document."""
_DEEPEST = 6_400
RERANKED = 50
"""Candidates that a reranker scores: nearly all that are relevant are among them, and each costs a network's pass."""
_TRADE_OFF = 0.7
"""For MMR, between relevance and difference (`docs/decisions/0017-diversity.md`)."""


def search(
    store: PostgresStore,
    collection: str,
    query: Query,
    *,
    open_embedder: Callable[[Collection], Embedder],
    open_reranker: Callable[[], Reranker] | None = None,
    texts_leave: bool = False,
) -> SearchResult:
    """The best `query.k` hits. Finding none is an empty result.

    `open_embedder` is called only where the dense arm takes part, and `open_reranker`, which is needed there, only
    where the query asks for it. Raises UsageError for an empty query or an unknown collection, and ModelError where the
    embedder on this machine is not the one that made the index.
    """
    if not query.text.strip():
        raise UsageError("the query is empty", hint="ask for something")
    if query.k < 1:
        raise UsageError("-k must be at least 1", hint="for example: -k 10")
    clock = Clock()
    vector = None
    if query.mode != "lexical":
        found = store.find_collection(collection)
        with clock.step("embed"):
            vector = _checked_embedder(found, open_embedder).embed_query(query.text) if found else None
    reranker = open_reranker() if query.rerank and open_reranker is not None else None
    scorer = _Scorer(reranker, query.text, clock, texts_leave=texts_leave) if reranker else None
    with store.snapshot(collection) as snapshot:
        limit = max(FUSED, query.k)
        while True:
            candidates = find_candidates(snapshot, query, vector, limit=limit, clock=clock)
            hits = _chosen(snapshot, query, candidates, scorer)
            if len(hits) >= query.k or candidates.exhausted or limit >= _DEEPEST:
                break
            limit *= _DEEPER
        served_by = snapshot.collection.generation
    return SearchResult(
        query=query,
        collection=collection,
        generation=served_by,
        hits=hits,
        timings_ms=clock.finished(),
        weights=candidates.weights,
        reranker=reranker.name if reranker else None,
    )


def _chosen(snapshot: SearchSnapshot, query: Query, candidates: Candidates, scorer: _Scorer | None) -> tuple[Hit, ...]:
    """At most `query.k` hits of the unit that is wanted, made of no more candidates than that takes."""
    numbers = list(candidates.fused)
    considered = 2 * query.k
    if scorer is not None:
        considered = max(considered, RERANKED)
    while True:
        chunks = snapshot.chunks(numbers[:considered])
        hits = [
            Hit(rank=rank, score=candidates.fused[number], chunk=chunks[number], arms=candidates.arms(number))
            for rank, number in enumerate(numbers[:considered], start=1)
        ]
        if scorer is not None:
            hits = scorer.reranked(hits)
        if query.diverse:
            hits = _spread(hits, snapshot.vectors(chunks), {chunk.id: number for number, chunk in chunks.items()})
        joined = _joined(snapshot, query, hits)
        if len(joined) >= query.k or considered >= len(numbers):
            return joined[: query.k]
        considered *= _DEEPER


def _joined(snapshot: SearchSnapshot, query: Query, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    if query.unit == "document":
        return by_document(hits)  # a copy in another file is another document
    distinct = collapsed(hits)
    if query.unit == "chunk":
        return distinct
    return merged_passages(
        distinct[: 2 * query.k],
        lambda wanted: snapshot.texts([(stretch.document, stretch.start, stretch.end) for stretch in wanted]),
    )


class _Scorer:
    """A reranker at work on one question. Each chunk is scored once, however often more candidates are considered."""

    def __init__(self, reranker: Reranker, question: str, clock: Clock, *, texts_leave: bool) -> None:
        self._reranker = reranker
        self._question = question
        self._clock = clock
        self._texts_leave = texts_leave
        self._scores: dict[UUID, float] = {}

    def reranked(self, hits: Sequence[Hit]) -> list[Hit]:
        """The first of the hits in the reranker's order, with its scores, and then the others as they were.

        Among the others is what is labelled `local-only`, where the reranker is remote.
        """
        considered = [hit for hit in hits[:RERANKED] if self._may_see(hit)]
        with self._clock.step("rerank"):
            new = [hit for hit in considered if hit.chunk.id not in self._scores]
            if new:
                given = self._reranker.rerank(self._question, [_context(hit.chunk) for hit in new])
                self._scores.update(zip((hit.chunk.id for hit in new), given, strict=True))
        best = sorted(considered, key=lambda hit: (-self._scores[hit.chunk.id], hit.rank))
        scored = [self._scored(hit, place) for place, hit in enumerate(best, start=1)]
        others = [hit for hit in hits if hit.chunk.id not in self._scores]
        return [replace(hit, rank=rank) for rank, hit in enumerate([*scored, *others], start=1)]

    def _may_see(self, hit: Hit) -> bool:
        return not (self._texts_leave and hit.chunk.document.label is Label.LOCAL_ONLY)

    def _scored(self, hit: Hit, place: int) -> Hit:
        score = self._scores[hit.chunk.id]
        return replace(hit, score=score, arms={**hit.arms, "rerank": Arm(rank=place, score=score)})


def _context(chunk: StoredChunk) -> str:
    """A chunk as a reranker reads it: what it stands under belongs to it."""
    title = chunk.document.title
    headings = chunk.headings[1:] if chunk.headings[:1] == (title,) else chunk.headings
    return "\n".join([title, *headings, chunk.text])


def _spread(hits: Sequence[Hit], vectors: Mapping[int, Vector], number_of: Mapping[UUID, int]) -> list[Hit]:
    """The hits in the order of MMR: each next one good, and unlike those before."""
    import numpy as np

    if not hits:
        return []
    rows = np.stack([vectors[number_of[hit.chunk.id]] for hit in hits])
    # By places, not scores: those of a reranker and those of the arms have different scales.
    order = diversified([-place for place in range(len(hits))], rows, len(hits), _TRADE_OFF)
    return [replace(hits[place], rank=rank) for rank, place in enumerate(order, start=1)]


def _checked_embedder(collection: Collection, open_embedder: Callable[[Collection], Embedder]) -> Embedder:
    embedder = open_embedder(collection)
    if embedder.fingerprint != collection.generation.fingerprint:
        raise ModelError(
            f"the model {embedder.name} on this machine is not the one that made the collection {collection.name!r}",
            hint="its weights, tokenizer or prompts differ; fetch the same revision, or ingest into a new collection",
        )
    return embedder
