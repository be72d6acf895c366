"""The write side of an ingest: one run holds the collection, and each batch of documents is one transaction.

A document appears with its chunks and all their vectors at once or not at all, so a run killed at any moment leaves
whole documents, and the next run does what is missing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from hybridrag.errors import CollectionBusy
from hybridrag.store import lexical, vector_index
from hybridrag.store.connection import Connection, connect, transaction
from hybridrag.store.queries import on_vectors, statement
from hybridrag.store.reading import inspection_row
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Chunked, Collection, Document, Embedded, Label, document_id

_MUCH = 0.1
"""The share of new chunks above which PostgreSQL's statistics no longer hold."""
_CHUNK_TYPES = ["uuid", *["int8"] * 2, "uuid", *["int4"] * 4, "text[]", "int4", "text", "bytea", *["int4"] * 2]


@dataclass(frozen=True, slots=True)
class Known:
    """What the index holds of one document of a source.

    `declared_label` is the label it gives itself, as written; `record` says that it is a line of a dataset.
    """

    content_hash: bytes
    processing: str
    label: Label
    declared_label: str | None
    record: bool


class IngestRun:
    """Writes to one collection, held by this run alone."""

    def __init__(self, holder: Connection, connection: Connection, lookup: Connection, collection: Collection) -> None:
        self._holder = holder
        self._connection = connection
        self._lookup = lookup  # its own, so that looking up does not wait for a batch being written
        self.collection = collection
        self._written = 0

    @classmethod
    @contextmanager
    def hold(cls, url: str, collection: Collection) -> Iterator[IngestRun]:
        """Holds the collection for the `with` block. Raises CollectionBusy where another run holds it.

        The lock lives in a transaction of its own that stays open: it ends with this process, however that ends, and a
        pooler in transaction mode keeps it on one server process.
        """
        holder = connect(url)
        try:
            with transaction(holder):
                holder.execute("set local idle_in_transaction_session_timeout = 0")
                row = holder.execute(statement("lock_run"), {"collection": collection.id}).fetchone()
                if not row or not row["held"]:
                    raise CollectionBusy(
                        f"another run holds the collection {collection.name!r}",
                        hint="try again when it has ended; nothing was changed",
                    )
                with closing(connect(url)) as connection, closing(connect(url)) as lookup:
                    yield cls(holder, connection, lookup, collection)
        finally:
            holder.close()

    def manifest(self, source: int) -> dict[str, Known]:
        """What is indexed of a source, by path."""
        with transaction(self._connection, read_only=True) as tx:
            rows = tx.execute(statement("manifest"), {"source": source}).fetchall()
        return {
            row["path"]: Known(
                content_hash=bytes(row["content_hash"]),
                processing=row["processing"],
                label=Label(row["label"]),
                declared_label=row["declared_label"],
                record=row["record"],
            )
            for row in rows
        }

    def known_hashes(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Those of `hashes` whose vector is stored."""
        with transaction(self._lookup, read_only=True) as tx:
            query = on_vectors("known_hashes", self.collection.generation.id)
            return {bytes(row["text_hash"]) for row in tx.execute(query, {"hashes": list(hashes)})}

    def write(self, source: int, batch: Sequence[Chunked], vectors: Sequence[Embedded], *, processing: str) -> int:
        """Stores a batch in one transaction and returns how many older chunks it replaced.

        `vectors` holds those that `known_hashes` lacked, each hash once.
        """
        # If the connection that holds the collection is gone, so is the lock, and this raises.
        self._holder.execute("select 1")
        ids = {"collection": self.collection.id, "ids": [item.document.id for item in batch]}
        with transaction(self._connection) as tx:
            replaced = tx.execute(statement("count_chunks"), ids).fetchone()
            tx.execute(statement("replace_documents"), ids)
            self._copy_vectors(vectors)
            with tx.cursor() as cursor:
                cursor.executemany(
                    statement("insert_document"),
                    [self._document_row(source, item.document, processing) for item in batch],
                )
                cursor.executemany(statement("insert_detection"), [*self._detection_rows(batch)])
            self._write_chunks(tx, batch)
        # What was written can be searched; merging makes that faster, and may take a while.
        with transaction(self._connection) as tx:
            lexical.merge_segments(tx, self.collection.generation.chunk_set)
        self._written += sum(len(item.chunks) for item in batch)
        return int(replaced["chunks"]) if replaced else 0

    def cancel(self) -> None:
        """Breaks off the batch that another thread is writing; nothing of it stays."""
        import psycopg

        with suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=5)

    def relabel(self, source_name: str, labels: Mapping[str, Label]) -> None:
        """Gives documents, by path, another label."""
        with transaction(self._connection) as tx, tx.cursor() as cursor:
            cursor.executemany(
                statement("relabel_document"),
                [
                    {"collection": self.collection.id, "id": document_id(source_name, path), "label": label.value}
                    for path, label in labels.items()
                ],
            )

    def remove(self, source: int, paths: Sequence[str]) -> tuple[int, int]:
        """Removes documents by path; returns how many documents and chunks went."""
        with transaction(self._connection) as tx:
            rows = tx.execute(statement("delete_documents"), {"source": source, "paths": list(paths)}).fetchall()
        return len(rows), sum(int(row["chunks"]) for row in rows)

    def remove_source(self, name: str) -> bool:
        with transaction(self._connection) as tx:
            key = {"collection": self.collection.id, "name": name}
            gone = tx.execute(statement("delete_source"), key).fetchone() is not None
        self.settle(lambda _: None, thorough=True)
        self.keep_sample(b"")
        return gone

    def finish(self, source: int, *, parameters: Mapping[str, Any]) -> None:
        """Marks a source as ingested, and what the documents were now made with."""
        from psycopg.types.json import Jsonb

        with transaction(self._connection) as tx:
            tx.execute(statement("touch_source"), {"source": source})
            tx.execute(
                statement("set_chunk_parameters"),
                {"chunk_set": self.collection.generation.chunk_set, "parameters": Jsonb(dict(parameters))},
            )

    def settle(self, notify: Callable[[str], None], *, thorough: bool = False) -> None:
        """What remains to be done when all is written: nothing of it changes what a search finds, only how fast.

        Vectors that no chunk needs go, also those that a killed run left; the lexical index is compacted, and the
        vectors get an index where they are many. Searches go on meanwhile. `thorough` leaves no term of what is gone.
        """
        generation = self.collection.generation
        vector_index.drop_orphans(self._connection, generation)
        with transaction(self._connection) as tx:
            if thorough or lexical.needs_compaction(tx, generation.chunk_set):
                lexical.compact(tx, generation.chunk_set)
        vector_index.keep_up(self._connection, generation, notify)
        with transaction(self._connection) as tx:
            # The server does it too, but not at once; a plan made for an empty table would be used until then.
            if self._written > _MUCH * lexical.living(tx, generation.chunk_set):
                tx.execute(on_vectors("analyze", generation.id))

    @contextmanager
    def snapshot(self) -> Iterator[SearchSnapshot]:
        """The collection as it is now, this run's work included."""
        with transaction(self._connection, read_only=True) as tx:
            yield SearchSnapshot(tx, self.collection)

    def lacks_sample(self) -> bool:
        """Whether the sample was taken when there were more or fewer chunks, or never."""
        generation = self.collection.generation
        with transaction(self._connection, read_only=True) as tx:
            row = tx.execute(statement("sampled_of"), {"generation": generation.id}).fetchone()
            return row is None or row["sampled_of"] != lexical.living(tx, generation.chunk_set)

    def keep_sample(self, packed: bytes) -> None:
        """Keeps a sample of the vectors with the generation; an empty one takes the place of what there was."""
        generation = self.collection.generation
        with transaction(self._connection) as tx:
            chunks = lexical.living(tx, generation.chunk_set) if packed else None
            tx.execute(
                statement("keep_sample"), {"generation": generation.id, "sample": packed or None, "chunks": chunks}
            )

    def _copy_vectors(self, vectors: Sequence[Embedded]) -> None:
        if not vectors:
            return
        from pgvector import HalfVector

        query = on_vectors("copy_vectors", self.collection.generation.id)
        with self._connection.cursor() as cursor, cursor.copy(query) as copy:
            # A binary COPY takes a field's bytes as they are, so pgvector's own binary form goes in as `bytea`.
            copy.set_types(["bytea", "bytea"])
            for item in vectors:
                copy.write_row((item.text_hash, HalfVector(item.vector).to_binary()))

    def _document_row(self, source: int, document: Document, processing: str) -> dict[str, Any]:
        return {
            "collection": self.collection.id,
            "id": document.id,
            "source": source,
            "path": document.path,
            "external_id": document.external_id,
            "title": storable(document.title),
            "media_type": document.media_type,
            "label": document.label.value,
            "metadata": _json(document.metadata),
            "content_hash": document.content_hash,
            "modified": document.modified,
            "dated": document.date,
            "language": document.language,
            "text": document.text,
            "pages": json.dumps([[page.number, page.start, page.end] for page in document.pages]),
            "processing": processing,
        }

    def _detection_rows(self, batch: Sequence[Chunked]) -> Iterator[dict[str, Any]]:
        for item in batch:
            if item.inspection is not None:
                ids = {"collection": self.collection.id, "document": item.document.id}
                yield {**ids, **inspection_row(item.inspection)}

    def _write_chunks(self, tx: Connection, batch: Sequence[Chunked]) -> None:
        chunk_set = self.collection.generation.chunk_set
        first = lexical.last_number(tx, chunk_set) + 1
        with tx.cursor() as cursor, cursor.copy(statement("copy_chunks")) as copy:
            copy.set_types(_CHUNK_TYPES)
            for number, row in enumerate((row for item in batch for row in self._chunk_rows(item)), start=first):
                copy.write_row((*row, number))
        lexical.write_segment(
            tx,
            chunk_set,
            first=first,
            chunks=[terms for item in batch for terms in item.terms],
            analysers=[item.analyser for item in batch if item.chunks],
        )

    def _chunk_rows(self, item: Chunked) -> Iterator[tuple[Any, ...]]:
        for chunk, terms in zip(item.chunks, item.terms, strict=True):
            yield (
                chunk.id,
                self.collection.generation.chunk_set,
                self.collection.id,
                item.document.id,
                chunk.ordinal,
                chunk.start,
                chunk.end,
                chunk.page,
                [storable(heading) for heading in chunk.headings],
                chunk.tokens,
                chunk.text,
                chunk.text_hash,
                sum(terms.values()),
            )


def storable(text: str) -> str:
    """`text` without what PostgreSQL refuses: NUL characters and lone surrogates."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()


def _json(value: Any) -> str:
    """JSON that PostgreSQL takes; NaN and infinities, which JSON does not have, become null."""
    return json.dumps(_clean(value), ensure_ascii=False, allow_nan=False, default=str)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {storable(str(key)): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
