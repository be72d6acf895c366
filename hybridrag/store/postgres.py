"""The store: one object for a database, with its read side here and its write side in `writing`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hybridrag.store.connection import Connection, connect, transaction, transaction_on
from hybridrag.store.filters import documents_matching
from hybridrag.store.migrations import migrate
from hybridrag.store.missing import GenerationGone, unknown_collection
from hybridrag.store.queries import on_vectors, statement
from hybridrag.store.reading import collection_of, document_ref, inspection_of, inspection_row, source_of
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.store.writing import IngestRun
from hybridrag.types import Collection, Filter, Generation, Inspection, Label, Source

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID


class PostgresStore:
    """Everything the flows ask of PostgreSQL. Connects, and migrates the schema, when first used."""

    def __init__(self, url: str, *, ready: Callable[[], None] = lambda: None) -> None:
        """`ready` is called once before the first connection: it starts the embedded server where that is used."""
        self.url = url
        self._ready = ready

    # --- collections and sources -------------------------------------------------------------------------------------

    def find_collection(self, name: str, *, generation: int | None = None) -> Collection | None:
        """A collection with its active generation, or with another one of it; None where there is none."""
        with transaction(self._connection, read_only=True) as tx:
            row = _found(tx, name, generation)
        return collection_of(row) if row else None

    def serving(self, name: str, question: str) -> Collection | None:
        """A collection with the generation that answers a question: the active one, or the one that a share goes to.

        The same question always goes to the same one, while the share stays as it is and that generation lacks nothing.
        """
        with transaction(self._connection, read_only=True) as tx:
            shared = tx.execute(statement("find_share"), {"name": name}).fetchone()
            chosen = shared["id"] if shared and _hundredth(question) < shared["share"] else None
            row = _found(tx, name, chosen)
        return collection_of(row) if row else None

    def create_collection(
        self,
        name: str,
        *,
        embedder: str,
        fingerprint: str,
        dimensions: int,
        text_search: str,
        parameters: dict[str, Any],
    ) -> Collection:
        """The new collection with an empty active generation; the existing one where another process was faster."""
        from psycopg.types.json import Jsonb

        with transaction(self._connection) as tx:
            row = tx.execute(statement("insert_collection"), {"name": name}).fetchone()
            if row:
                made_with = {
                    "collection": row["id"],
                    "parameters": Jsonb(parameters),
                    "text_search": text_search,
                    "chunk_tokens": None,
                }
                chunk_set = _one(tx.execute(statement("insert_chunk_set"), made_with).fetchone())["id"]
                generation = _one(
                    tx.execute(
                        statement("insert_generation"),
                        {
                            "collection": row["id"],
                            "chunk_set": chunk_set,
                            "model": embedder,
                            "fingerprint": fingerprint,
                            "dimensions": dimensions,
                            "state": "active",
                        },
                    ).fetchone()
                )["id"]
                tx.execute(on_vectors("create_vectors", generation, dimensions=dimensions))
            return collection_of(_one(_found(tx, name)))

    def probes(self, generation: Generation, texts: bytes) -> bytes | None:
        """The vectors that a generation's model gave for the probes whose hash is `texts`; None where none are kept."""
        with transaction(self._connection, read_only=True) as tx:
            key = {"generation": generation.id, "texts": texts}
            row = tx.execute(statement("find_probes"), key).fetchone()
        return bytes(row["vectors"]) if row else None

    def keep_probes(self, generation: Generation, texts: bytes, vectors: bytes) -> bytes:
        """Keeps probe vectors with a generation and returns those that are kept: another process may have been first.

        Uses a connection of its own, so that any thread may call it.
        """
        key = {"generation": generation.id, "texts": texts}
        with transaction_on(self.url) as tx:
            tx.execute(statement("insert_probes"), {**key, "vectors": vectors})
            return bytes(_one(tx.execute(statement("find_probes"), key).fetchone())["vectors"])

    def list_collections(self) -> list[dict[str, Any]]:
        with transaction(self._connection, read_only=True) as tx:
            return tx.execute(statement("list_collections")).fetchall()

    def count_languages(self, collection: Collection) -> dict[str | None, int]:
        """How many documents are in which language, most first; those without one under None."""
        with transaction(self._connection, read_only=True) as tx:
            rows = tx.execute(statement("count_languages"), {"collection": collection.id}).fetchall()
        return {row["language"]: row["documents"] for row in rows}

    def list_sources(self, collection: Collection) -> list[dict[str, Any]]:
        """Rows with `id`, `source` (a Source), `documents` and `ingested_at`."""
        with transaction(self._connection, read_only=True) as tx:
            rows = tx.execute(statement("list_sources"), {"collection": collection.id}).fetchall()
        return [
            {
                "id": row["id"],
                "source": source_of(row),
                "documents": row["documents"],
                "ingested_at": row["ingested_at"],
            }
            for row in rows
        ]

    def save_source(self, collection: Collection, source: Source) -> int:
        with transaction(self._connection) as tx:
            return int(_one(tx.execute(statement("upsert_source"), _source_row(collection, source)).fetchone())["id"])

    # --- reading -----------------------------------------------------------------------------------------------------

    @contextmanager
    def snapshot(self, collection: str, *, generation: int | None = None) -> Iterator[SearchSnapshot]:
        """One consistent view of a collection for a search, with its active generation or another one.

        The generation's tables stay while the view is used. Raises UsageError where there is no such collection, and
        GenerationGone where the generation is there no more.
        """
        with transaction(self._connection, read_only=True) as tx:
            row = _found(tx, collection, generation)
            if not row and generation is not None and _found(tx, collection):
                raise GenerationGone(collection, generation)
            if not row:
                raise unknown_collection(collection)
            found = collection_of(row)
            _hold_vectors(tx, found)
            yield SearchSnapshot(tx, found)

    def list_documents(self, collection: Collection, filter: Filter | None = None) -> list[dict[str, Any]]:
        key = {"collection": collection.id, "chunk_set": collection.generation.chunk_set}
        with transaction(self._connection, read_only=True) as tx:
            rows = tx.execute(statement("list_documents"), key).fetchall()
            if filter is not None:
                query, parameters = documents_matching(filter, collection.id)
                wanted = {row["id"] for row in tx.execute(query, parameters)}
                rows = [row for row in rows if row["id"] in wanted]
        return [{"document": document_ref(row), **row} for row in rows]

    def show_document(self, collection: Collection, source: str, path: str) -> dict[str, Any] | None:
        """The document with its text, pages and chunks, or None."""
        with transaction(self._connection, read_only=True) as tx:
            key = {"collection": collection.id, "source": source, "path": path}
            row = tx.execute(statement("show_document"), key).fetchone()
            if not row:
                return None
            of_document = {"chunk_set": collection.generation.chunk_set, "document": row["id"]}
            chunks = tx.execute(statement("chunks_of_document"), {**key, **of_document}).fetchall()
        return {"document": document_ref(row), **row, "chunks": chunks}

    def inspections(
        self, collection: Collection, pieces: Sequence[tuple[UUID, int, str]]
    ) -> list[tuple[bool, Inspection | None]]:
        """For pieces of documents (id, start, text): whether they still stand there, and what was found in the
        document; None where it was never searched."""
        with transaction(self._connection, read_only=True) as tx:
            key = {
                "collection": collection.id,
                "documents": [document for document, _, _ in pieces],
                "starts": [start for _, start, _ in pieces],
                "texts": [text for _, _, text in pieces],
            }
            rows = tx.execute(statement("find_detections"), key).fetchall()
        return [(row["stands"], inspection_of(row) if row["fingerprint"] else None) for row in rows]

    def text_of(self, collection: Collection, document: UUID) -> tuple[str, datetime] | None:
        """A document's text and when it was stored, or None where it is gone."""
        with transaction(self._connection, read_only=True) as tx:
            key = {"collection": collection.id, "document": document}
            row = tx.execute(statement("text_of_document"), key).fetchone()
        return (row["text"], row["indexed_at"]) if row else None

    # --- writing -----------------------------------------------------------------------------------------------------

    def keep_inspection(
        self, collection: Collection, document: UUID, inspection: Inspection, *, stored: datetime
    ) -> None:
        """Keeps what was found in the text that was stored then; nothing where it was replaced meanwhile."""
        with transaction(self._connection) as tx:
            key = {"collection": collection.id, "document": document, "indexed_at": stored}
            tx.execute(statement("replace_detection"), {**key, **inspection_row(inspection)})

    @contextmanager
    def ingest_run(self, collection: Collection) -> Iterator[IngestRun]:
        """The write side of one ingest, holding the collection. Raises CollectionBusy where another run holds it."""
        with IngestRun.hold(self.url, collection) as run:
            yield run

    def remove_source(self, collection: Collection, name: str) -> bool:
        """Forgets a source with all its documents. False where there is none. Raises CollectionBusy."""
        with IngestRun.hold(self.url, collection) as run:
            return run.remove_source(name)

    # --- the database itself -----------------------------------------------------------------------------------------

    def open(self) -> str:
        """The database's address, once its server runs and its schema is up to date."""
        _ = self._connection
        return self.url

    def migrate(self) -> list[str]:
        """Applies missing migrations and returns their names."""
        self._ready()
        connection = connect(self.url)
        try:
            return migrate(connection)
        finally:
            connection.close()

    def versions(self) -> dict[str, str]:
        """`server` and `pgvector` versions, the latter empty where it is not enabled. Migrates nothing."""
        self._ready()
        with transaction_on(self.url, read_only=True) as tx:
            server = _one(tx.execute("select current_setting('server_version') as it").fetchone())["it"]
            vector = tx.execute("select extversion as it from pg_extension where extname = 'vector'").fetchone()
        return {"server": str(server), "pgvector": str(vector["it"]) if vector else ""}

    def close(self) -> None:
        if "_connection" in self.__dict__:
            self._connection.close()
            del self.__dict__["_connection"]

    @cached_property
    def _connection(self) -> Connection:
        self._ready()
        connection = connect(self.url)
        try:
            migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _found(tx: Connection, name: str, generation: int | None = None) -> dict[str, Any] | None:
    return tx.execute(statement("find_collection"), {"name": name, "generation": generation}).fetchone()


def _hold_vectors(tx: Connection, collection: Collection) -> None:
    """Keeps a generation's tables from being dropped until the transaction ends.

    Raises GenerationGone where that has just happened: the transaction still sees the generation's row.
    """
    import psycopg

    try:
        tx.execute(on_vectors("hold_vectors", collection.generation.id))
    except psycopg.errors.UndefinedTable:
        raise GenerationGone(collection.name, collection.generation.id) from None


def _hundredth(question: str) -> int:
    """0 to 99: the same for the same question, and every number about as often."""
    return int.from_bytes(hashlib.sha256(question.encode("utf-8", "replace")).digest()[:8]) % 100


def _source_row(collection: Collection, source: Source) -> dict[str, Any]:
    return {
        "collection": collection.id,
        "name": source.name,
        "kind": source.kind,
        "root": source.root,
        "only": list(source.only),
        "include": list(source.include),
        "exclude": list(source.exclude),
        "label": source.label.value,
        "label_globs": json.dumps([[glob, Label(label).value] for glob, label in source.label_globs]),
    }


def _one(row: dict[str, Any] | None) -> dict[str, Any]:
    assert row is not None  # the statement always returns a row
    return row
