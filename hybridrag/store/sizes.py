"""What a reindex would have to do, read from the tables: texts, tokens and bytes, and documents to measure with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from hybridrag.store.connection import Connection, transaction_on
from hybridrag.store.generations import Wanted
from hybridrag.store.queries import on_vectors, one, statement
from hybridrag.store.reading import document_of
from hybridrag.types import Collection, Document


@dataclass(frozen=True, slots=True)
class TextFigures:
    """A collection's documents and the UTF-8 bytes of their texts. `unheaded` were stored by a version that kept no
    headings, and `local_only` may be embedded on this machine only."""

    documents: int
    bytes: int
    unheaded: int
    local_only: int


@dataclass(frozen=True, slots=True)
class ChunkFigures:
    """A chunk set: its chunks with their tokens, and the `texts` that differ. Bytes are those of stored rows without
    their indexes, `text_bytes` the part of the chunks' own text."""

    chunks: int
    texts: int
    tokens: int
    text_bytes: int
    row_bytes: int
    postings: int
    posting_bytes: int


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a chunk set, each once, and how many of them have a vector already."""

    texts: int
    tokens: int
    known: int
    known_tokens: int


class Sizes:
    """One collection at one moment. Valid inside the `with` block that gave it."""

    def __init__(self, tx: Connection, collection: Collection) -> None:
        self._tx = tx
        self._collection = collection

    @classmethod
    @contextmanager
    def open(cls, url: str, collection: Collection) -> Iterator[Sizes]:
        with transaction_on(url, read_only=True) as tx:
            yield cls(tx, collection)

    def text_figures(self) -> TextFigures:
        return TextFigures(**one(self._tx, "text_figures", collection=self._collection.id))

    def document_lengths(self) -> list[tuple[UUID, int]]:
        """Every document's id and the bytes of its text, in the order of the ids, which means nothing."""
        rows = self._tx.execute(statement("document_lengths"), {"collection": self._collection.id})
        return [(row["id"], int(row["bytes"])) for row in rows]

    def documents(self, ids: Sequence[UUID], *, characters: int) -> Iterator[tuple[UUID, Document]]:
        """Documents with at most so many characters of their texts, and without pages."""
        key = {"collection": self._collection.id, "documents": list(ids), "characters": characters}
        for row in self._tx.execute(statement("documents_to_measure"), key):
            length = len(row["text"])
            headings = [heading for heading in row["headings"] if heading[0] < length]
            blocks = [block for block in row["blocks"] if block[2] <= length]
            yield row["id"], document_of({**row, "headings": headings, "blocks": blocks})

    def chunk_set_alike(self, wanted: Wanted) -> int | None:
        """The chunk set that a new generation would share, None where it gets one of its own."""
        row = self._tx.execute(statement("chunk_set_alike"), self._like(wanted)).fetchone()
        return int(row["id"]) if row else None

    def serves(self, wanted: Wanted) -> bool:
        """Whether the active generation is like that already."""
        row = self._tx.execute(statement("generations_alike"), self._like(wanted)).fetchone()
        return row is not None and row["state"] == "active"

    def generations_of_model(self, fingerprint: str) -> list[int]:
        """The generations of the collection whose vectors are of such a model."""
        key = {"collection": self._collection.id, "fingerprint": fingerprint, "generation": 0}
        return [int(row["id"]) for row in self._tx.execute(statement("generations_of_model"), key)]

    def waiting_documents(self, chunk_set: int) -> int:
        """Documents whose chunks are not in a set yet, though they are to be."""
        return int(one(self._tx, "waiting_documents", chunk_set=chunk_set)["documents"])

    def chunk_figures(self, chunk_set: int) -> ChunkFigures:
        chunks = one(self._tx, "chunk_figures", chunk_set=chunk_set)
        postings = one(self._tx, "posting_figures", chunk_set=chunk_set)
        return ChunkFigures(**chunks, postings=postings["rows"], posting_bytes=postings["row_bytes"])

    def texts(self, chunk_set: int, *, generations: Sequence[int]) -> Texts:
        """The texts of a chunk set, and those of which one of the generations has the vector."""
        from psycopg import sql

        tables: list[sql.Composable] = [on_vectors("vector_hashes", number) for number in generations]
        hashes = sql.SQL(" union all ").join(tables) if tables else sql.SQL("select null::bytea where false")
        query = sql.SQL(statement("texts_known")).format(hashes=hashes)
        row = self._tx.execute(query, {"chunk_set": chunk_set}).fetchone()
        assert row is not None  # an aggregate
        return Texts(**row)

    def known(self, hashes: Sequence[bytes], *, generations: Sequence[int]) -> set[bytes]:
        """Those of the hashes of which one of the generations has the vector."""
        found: set[bytes] = set()
        for number in generations:
            rows = self._tx.execute(on_vectors("vector_hashes_among", number), {"hashes": list(hashes)})
            found |= {bytes(row["text_hash"]) for row in rows}
        return found

    def _like(self, wanted: Wanted) -> Mapping[str, Any]:
        from psycopg.types.json import Jsonb

        return {
            "collection": self._collection.id,
            "fingerprint": wanted.fingerprint,
            "parameters": Jsonb(dict(wanted.parameters)),
            "processing": wanted.processing,
        }
