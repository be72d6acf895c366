"""Chunks and vectors into their tables: by COPY, in the transaction of whoever brings them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from hybridrag.store import lexical
from hybridrag.store.queries import on_vectors, statement
from hybridrag.types import Chunked, Embedded

if TYPE_CHECKING:
    from hybridrag.store.connection import Connection

_CHUNK_TYPES = ["uuid", *["int8"] * 2, "uuid", *["int4"] * 4, "text[]", "text", "int4", "text", "bytea", *["int4"] * 2]


def write_chunks(tx: Connection, collection: int, chunk_set: int, batch: Sequence[Chunked], *, processing: str) -> None:
    """Stores the chunks, with their terms, of documents that have none in a chunk set. `processing` tells what made
    them.

    Until the end of the transaction no other process adds to the set.
    """
    tx.execute(statement("lock_chunk_set"), {"chunk_set": chunk_set})
    first = lexical.last_number(tx, chunk_set) + 1
    with tx.cursor() as cursor, cursor.copy(statement("copy_chunks")) as copy:
        copy.set_types(_CHUNK_TYPES)
        rows = (row for item in batch for row in _rows(item, collection, chunk_set))
        for number, row in enumerate(rows, start=first):
            copy.write_row((*row, number))
    lexical.write_segment(
        tx,
        chunk_set,
        first=first,
        chunks=[terms for item in batch for terms in item.terms],
        analysers=[item.analyser for item in batch if item.chunks],
    )
    documents = [item.document.id for item in batch]
    left_out = ["{" + ",".join(map(str, item.left_out)) + "}" for item in batch]
    key = {"chunk_set": chunk_set, "collection": collection, "documents": documents, "processing": processing}
    abridged = [bool(item.document.left_out) for item in batch]
    tx.execute(statement("insert_chunking"), {**key, "left_out": left_out, "abridged": abridged})


def copy_vectors(tx: Connection, generation: int, vectors: Sequence[Embedded]) -> None:
    """Stores vectors that a generation does not have, each text hash once."""
    if not vectors:
        return
    from pgvector import HalfVector

    with tx.cursor() as cursor, cursor.copy(on_vectors("copy_vectors", generation)) as copy:
        # A binary COPY takes a field's bytes as they are, so pgvector's own binary form goes in as `bytea`.
        copy.set_types(["bytea", "bytea"])
        for item in vectors:
            copy.write_row((item.text_hash, HalfVector(item.vector).to_binary()))


def storable(text: str) -> str:
    """`text` without what PostgreSQL refuses: NUL characters and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _rows(item: Chunked, collection: int, chunk_set: int) -> Iterator[tuple[Any, ...]]:
    for chunk, terms in zip(item.chunks, item.terms, strict=True):
        yield (
            chunk.id,
            chunk_set,
            collection,
            item.document.id,
            chunk.ordinal,
            chunk.start,
            chunk.end,
            chunk.page,
            [storable(heading) for heading in chunk.headings],
            storable(chunk.head),
            chunk.tokens,
            chunk.text,
            chunk.text_hash,
            sum(terms.values()),
        )
