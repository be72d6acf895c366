"""A fair sample of a collection's chunks: spread over its documents, the same for the same seed, and read by index."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hybridrag.store.filters import documents_matching
from hybridrag.store.queries import statement
from hybridrag.store.reading import stored_chunk
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Filter, StoredChunk

MOST_TWINS = 20
"""Places looked at where the same chunk stands more than once: as many are boilerplate anyway."""


@dataclass(frozen=True, slots=True)
class SampledChunk:
    """A chunk, its document's language (ISO 639-1) where it is known, and the URIs of all documents that hold it."""

    chunk: StoredChunk
    language: str | None
    sources: tuple[str, ...]


def sample_chunks(
    snapshot: SearchSnapshot, *, most: int, seed: int, wanted: Filter | None = None
) -> list[SampledChunk]:
    """At most so many chunks of the documents that pass a filter: one of every document before a second of any.

    The same collection, `most`, `wanted` and `seed` give the same chunks in the same order.
    """
    place = UUID(int=random.Random(seed).getrandbits(128))  # noqa: S311  # nothing secret hangs on it
    if wanted is None:
        documents = _documents_from(snapshot, place, most)
    else:
        query, parameters = documents_matching(wanted, snapshot.collection.id)
        passing = sorted(row["id"] for row in snapshot.tx.execute(query, parameters))
        middle = bisect_left(passing, place)
        documents = [*passing[middle:], *passing[:middle]][:most]
    ids = _chunks_of(snapshot, documents, most=most, seed=seed)
    rows = snapshot.tx.execute(
        statement("sampled"),
        {"chunk_set": snapshot.collection.generation.chunk_set, "ids": ids, "twins": MOST_TWINS},
    )
    return [_sampled(row) for row in rows]


def _documents_from(snapshot: SearchSnapshot, place: UUID, most: int) -> list[UUID]:
    """Documents in the order of their ids from `place` on, and from the beginning where these are not enough."""
    parameters = {"collection": snapshot.collection.id, "start": place, "most": most}
    found = [row["id"] for row in snapshot.tx.execute(statement("sample_documents_from"), parameters)]
    if len(found) < most:
        parameters["most"] = most - len(found)
        found += [row["id"] for row in snapshot.tx.execute(statement("sample_documents_before"), parameters)]
    return found


def _chunks_of(snapshot: SearchSnapshot, documents: Sequence[UUID], *, most: int, seed: int) -> list[UUID]:
    """Ids of at most so many chunks. Long documents make up for short ones: more of each are taken until it is
    enough.
    """
    ids: list[UUID] = []
    each = -(-most // max(len(documents), 1))
    while documents:
        parameters = {
            "collection": snapshot.collection.id,
            "chunk_set": snapshot.collection.generation.chunk_set,
            "documents": list(documents),
            "each": each,
            "most": most,
            "seed": str(seed),
        }
        before, ids = len(ids), [row["id"] for row in snapshot.tx.execute(statement("sample_chunks"), parameters)]
        # A document with as many chunks as were taken of each may have more of them.
        if len(ids) >= most or len(ids) == before:
            break
        each *= 4
    return ids


def _sampled(row: Mapping[str, Any]) -> SampledChunk:
    chunk = stored_chunk(row)
    return SampledChunk(chunk, row["language"], tuple(dict.fromkeys((chunk.document.uri, *row["sources"]))))
