"""What a new generation takes on disk, by the page layouts of PostgreSQL and pgvector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridrag.store.sizes import ChunkFigures


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes that a new generation takes; `free` is what the data folder's disk has, None for a server elsewhere."""

    vectors: int
    vector_index: int
    chunks: int
    postings: int
    free: int | None

    @property
    def total(self) -> int:
        return self.vectors + self.vector_index + self.chunks + self.postings

    @property
    def peak(self) -> int:
        """While an index is made, vectors are there twice."""
        return self.total + (self.vectors if self.vector_index else 0)


def disk_for(
    chunks: int, texts: int, active: ChunkFigures, dimensions: int, *, own_chunks: bool, free: int | None
) -> Disk:
    """What a generation of so many chunks, and texts that differ, takes; `active` tells how large chunks are here."""
    from hybridrag.store.vector_index import LEAST

    indexed = texts >= LEAST
    chunk_bytes = postings = 0
    if own_chunks and active.chunks:
        beside = (active.row_bytes - active.text_bytes) / active.chunks + _CHUNK_INDEXES
        chunk_bytes = round(active.text_bytes + chunks * beside)
        postings = active.posting_bytes + active.postings * _POSTING_INDEX
    return Disk(
        vectors=texts * _vector_bytes(dimensions),
        vector_index=texts * _indexed_bytes(dimensions) if indexed else 0,
        chunks=chunk_bytes,
        postings=postings,
        free=free,
    )


_CHUNK_INDEXES = 230
"""Bytes a chunk in the four indexes of its table, and of its row's header."""
_POSTING_INDEX = 60
_HASH_INDEX = 86
"""Bytes a vector in the index of text hashes, whose pages are about two thirds full."""


def _vector_bytes(dimensions: int) -> int:
    """Bytes on disk of one vector with its text's hash: a row, and of a long vector also the parts it points to."""
    data = _HALFVEC + 2 * dimensions
    row = _ROW + data
    if row <= _LONGEST_ROW:
        return _HASH_INDEX + _paged(row)
    parts, rest = divmod(data, _PART)
    return _HASH_INDEX + _paged(_ROW) + _paged(parts * (_PART + _PART_HEADER) + rest + _PART_HEADER)


def _indexed_bytes(dimensions: int) -> int:
    """Bytes of one vector in an HNSW index with m = 24."""
    return _paged(_ELEMENT + _HALFVEC + 2 * dimensions + _NEIGHBOURS)


def _paged(size: int) -> int:
    """What something takes of the page it shares with as many as fit."""
    return _PAGE // max(1, _USABLE // size)


_PAGE, _USABLE = 8192, 8160
_HALFVEC = 8
_ROW = 68
"""Header, hash, flag and line pointer of a row of vectors."""
_LONGEST_ROW = 2032
_PART, _PART_HEADER = 1996, 40
"""PostgreSQL keeps what is longer than a row in parts of so many bytes (TOAST)."""
_ELEMENT, _NEIGHBOURS = 76, 310
"""An element of pgvector's HNSW index without its vector, and its list of 48 neighbours; one in 24 has more."""
