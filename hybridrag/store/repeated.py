"""Text that many documents repeat: which paragraphs, who is chunked with them, and whose chunks have to follow.

What is repeated follows from the stored likenesses alone, so neither the order of ingests nor a killed run matters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hybridrag.store.chunks import copy_vectors, write_chunks
from hybridrag.store.connection import transaction, transaction_on
from hybridrag.store.queries import on_vectors, one, statement
from hybridrag.store.reading import document_of

if TYPE_CHECKING:
    from hybridrag.store.connection import Connection
    from hybridrag.types import Chunked, Collection, Document, Embedded, Likeness

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Kept:
    """A paragraph by its hash, and the URI of the document that is chunked with it; None where that has just gone."""

    hash: int
    uri: str | None


class Repeated:
    """What the documents of a collection repeat. A run of the caller holds it; `check` raises where it does no more."""

    def __init__(self, connection: Connection, collection: Collection, check: Callable[[], object]) -> None:
        self._connection = connection
        self._collection = collection
        self._check = check

    def keepers(self) -> dict[int, UUID]:
        """Repeated paragraphs by their hash, with the documents that are chunked with them."""
        with transaction(self._connection, read_only=True) as tx:
            return {row["hash"]: row["document_id"] for row in tx.execute(statement("boilerplate_of"), self._key())}

    def compared_with(self) -> int:
        """How many documents there are to compare with."""
        with transaction(self._connection, read_only=True) as tx:
            return int(one(tx, "count_likenesses", **self._key())["documents"])

    def to_compare(self, most: int, version: int, *, after: UUID | None = None) -> list[Document]:
        """Up to `most` documents whose likeness this version has not told yet, by their ids, those behind `after`."""
        with transaction(self._connection, read_only=True) as tx:
            key = self._key(most=most, version=version, after=after or _FIRST)
            return [document_of(row) for row in tx.execute(statement("documents_to_compare"), key)]

    def compared(self, likenesses: Mapping[UUID, Likeness]) -> None:
        """Keeps what documents are compared by."""
        with transaction(self._connection) as tx:
            write_likenesses(tx, self._collection, likenesses)

    def settled(self, state: str) -> bool:
        """Whether all chunks follow what is repeated, told by `state`, and no document has changed since."""
        with transaction(self._connection, read_only=True) as tx:
            return bool(one(tx, "repeated_state", **self._key())["repeated"] == state)

    def settle(self, state: str) -> None:
        """Keeps that they do."""
        self._check()
        with transaction(self._connection) as tx:
            tx.execute(statement("keep_repeated_state"), self._key(state=state))

    def renew(self, *, wanted: bool) -> list[UUID]:
        """Tells anew what is repeated, nothing where that is not `wanted`, and returns the documents whose chunks do
        not follow it; those of other chunk sets are queued for their workers."""
        key = self._key(wanted=wanted)
        self._check()
        with transaction(self._connection) as tx:
            tx.execute(statement("renew_boilerplate"), key)
            tx.execute(statement("queue_otherwise"), key)
            return [row["document_id"] for row in tx.execute(statement("chunked_otherwise"), key)]

    def to_chunk(self, documents: Sequence[UUID]) -> list[tuple[Document, tuple[int, ...]]]:
        """Documents, each with the hashes of the paragraphs that its chunks are to leave out."""
        with transaction(self._connection, read_only=True) as tx:
            rows = tx.execute(statement("documents_to_chunk"), self._key(documents=list(documents))).fetchall()
        return [(document_of(row), tuple(row["left_out"])) for row in rows]

    def rechunk(self, batch: Sequence[Chunked], vectors: Sequence[Embedded], *, processing: str) -> int:
        """Puts other chunks in the place of those that documents have, in one transaction; how many those were.

        `vectors` holds those that the generation lacked, each hash once. `processing` tells what made the chunks.
        """
        generation, collection = self._collection.generation, self._collection.id
        key = self._key(documents=[item.document.id for item in batch])
        self._check()
        with transaction(self._connection) as tx:
            gone = tx.execute(statement("forget_chunks"), key).rowcount
            copy_vectors(tx, generation.id, vectors)
            write_chunks(tx, collection, generation.chunk_set, batch, processing=processing)
            hashes = [chunk.text_hash for item in batch for chunk in item.chunks]
            for row in tx.execute(statement("generations_of_set"), key).fetchall():
                if row["id"] != generation.id:
                    tx.execute(on_vectors("queue_texts", row["id"]), {"generation": row["id"], "hashes": hashes})
        return gone

    def count(self) -> tuple[int, int]:
        """How many paragraphs are repeated, and how many documents are chunked without some of them."""
        with transaction(self._connection, read_only=True) as tx:
            row = one(tx, "count_left_out", **self._key())
        return row["paragraphs"], row["documents"]

    def _key(self, **values: Any) -> dict[str, Any]:
        return {"collection": self._collection.id, "chunk_set": self._collection.generation.chunk_set, **values}


def write_likenesses(tx: Connection, collection: Collection, likenesses: Mapping[UUID, Likeness]) -> None:
    """Keeps what documents are compared by, in place of what there was."""
    with tx.cursor() as cursor:
        cursor.executemany(
            statement("insert_likeness"),
            [
                {
                    "collection": collection.id,
                    "document": document,
                    "version": likeness.version,
                    "edges": list(likeness.edges),
                    "words": likeness.words,
                    "digest": likeness.digest,
                    "sketch": likeness.sketch,
                }
                for document, likeness in likenesses.items()
            ],
        )


def kept_elsewhere(url: str, collection: Collection, document: UUID) -> list[Kept]:
    """What a document is chunked without."""
    key = {"chunk_set": collection.generation.chunk_set, "document": document}
    with transaction_on(url, read_only=True) as tx:
        return [Kept(row["hash"], row["uri"]) for row in tx.execute(statement("left_out_of_document"), key)]
