"""Search: a query to hits, through one or both arms, in one snapshot of the collection."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import UUID

from hybridrag.chunking import headed
from hybridrag.errors import ModelError, UsageError
from hybridrag.flows.arms import FUSED, Arms, Candidates
from hybridrag.flows.clock import Clock
from hybridrag.ports import Embedder, Reranker
from hybridrag.retrieval import by_document, collapsed, diversified, merged_passages
from hybridrag.store import GenerationGone, PostgresStore, unknown_collection
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Arm, Collection, Hit, Label, Query, SearchResult, StoredChunk

if TYPE_CHECKING:
    from hybridrag.types import Vector

_DEEPER = 4
"""So many times as many where those are too few: where many say the same, or stand in one document."""
_DEEPEST = 1_600
RERANKED = 50
"""Candidates that a reranker scores: nearly all that are relevant are among them, and each costs a network's pass."""
_MORE = 3
"""Candidates looked at for each hit that is wanted, since some say the same."""
_PER_PASSAGE = 4
"""Chunks looked for for each passage: together they hold more of the evidence than as many single chunks (0017)."""
_SPREAD = 500
"""Candidates that MMR orders, at most: it compares each with each that was chosen."""
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
    where the query asks for it; `texts_leave` says that it is remote, and may not see what is `local-only`.

    Raises UsageError for an empty query or an unknown collection, and ModelError where the embedder on this machine is
    not the one that made the index.
    """
    if not query.text.strip():
        raise UsageError("the query is empty", hint="ask for something")
    if query.k < 1:
        raise UsageError("-k must be at least 1", hint="for example: -k 10")
    if query.rerank and open_reranker is None:
        raise UsageError("reranking was asked for, but there is no reranker", hint="leave it out")
    clock = Clock()
    reranker = open_reranker() if query.rerank and open_reranker is not None else None
    scorer = _Scorer(reranker, query.text, clock, texts_leave=texts_leave) if reranker else None
    with _opened(store, collection, query, open_embedder, clock) as (snapshot, vector):
        arms = Arms(snapshot, query, vector, clock)
        limit = max(FUSED, query.k)
        while True:
            candidates = arms.candidates(limit)
            distinct = _distinct(snapshot, query, candidates, scorer)
            if len(distinct) >= _wanted(query) or candidates.exhausted or limit >= _DEEPEST:
                break
            limit *= _DEEPER
        hits = _finished(snapshot, query, distinct)
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


@contextmanager
def _opened(
    store: PostgresStore, collection: str, query: Query, open_embedder: Callable[[Collection], Embedder], clock: Clock
) -> Iterator[tuple[SearchSnapshot, Vector | None]]:
    """A snapshot with the question's vector by the same generation's model; no vector where the dense arm has no part.

    The vector takes time, in which another generation may have been promoted, or documents changed that the one which
    was to answer does not follow yet: then the one that serves now answers.
    """
    while True:
        if query.generation is None:
            found = store.serving(collection, query.text)
        else:
            found = store.find_collection(collection, generation=query.generation)
        if found is None and query.generation is not None and store.find_collection(collection):
            raise GenerationGone(collection, query.generation)
        if found is None:
            raise unknown_collection(collection)
        vector = None
        if query.mode != "lexical":
            with clock.step("embed"):
                vector = _checked_embedder(found, open_embedder).embed_query(query.text)
        with ExitStack() as stack:
            try:
                snapshot = stack.enter_context(store.snapshot(collection, generation=found.generation.id))
            except GenerationGone:
                if query.generation is not None:
                    raise
                continue
            if query.generation is not None or snapshot.complete:
                yield snapshot, vector
                return


def _wanted(query: Query) -> int:
    """How many hits to look for. Neighbours become one passage, so more chunks make up for that."""
    return _PER_PASSAGE * query.k if query.unit == "passage" else query.k


def _distinct(snapshot: SearchSnapshot, query: Query, candidates: Candidates, scorer: _Scorer | None) -> Sequence[Hit]:
    """Hits that differ: by what they say, or by document. No more candidates are read than that takes."""
    numbers = list(candidates.fused)
    considered = max(_MORE * query.k, 2 * _wanted(query), RERANKED if scorer else 0)
    while True:
        chunks = snapshot.chunks(numbers[:considered])
        hits = [
            Hit(rank=rank, score=candidates.fused[number], chunk=chunks[number], arms=candidates.arms(number))
            for rank, number in enumerate(numbers[:considered], start=1)
        ]
        if scorer is not None:
            hits = scorer.reranked(hits)
        if query.diverse:
            number_of = {chunk.id: number for number, chunk in chunks.items()}
            hits = [*_spread(hits[:_SPREAD], snapshot.vectors(chunks), number_of), *hits[_SPREAD:]]
        # A copy in another file is another document.
        distinct = by_document(hits) if query.unit == "document" else collapsed(hits)
        if len(distinct) >= _wanted(query) or considered >= len(numbers):
            return distinct
        considered *= _DEEPER


def _finished(snapshot: SearchSnapshot, query: Query, distinct: Sequence[Hit]) -> tuple[Hit, ...]:
    hits = tuple(distinct[: _wanted(query)])
    if query.unit == "passage":
        hits = merged_passages(
            hits, lambda wanted: snapshot.texts([(stretch.document, stretch.start, stretch.end) for stretch in wanted])
        )
    return hits[: query.k]


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
        seen = {hit.chunk.id for hit in considered}
        others = [hit for hit in hits if hit.chunk.id not in seen]
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
    return "\n".join([title, *headings, headed(chunk.head) + chunk.text])


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
