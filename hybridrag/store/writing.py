"""The write side of an ingest: one run holds the collection, and each batch of documents is one transaction.

A document appears with its chunks and all their vectors at once or not at all, so a run killed at any moment leaves
whole documents, and the next run does what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hybridrag.errors import HybridragError
from hybridrag.store import lexical, runs, vector_index
from hybridrag.store.chunks import copy_vectors, write_chunks
from hybridrag.store.connection import Connection, connect, transaction
from hybridrag.store.containers import Container, change_containers, containers_of
from hybridrag.store.documents import write_documents
from hybridrag.store.holding import check_generation, held
from hybridrag.store.problems import Problem, change_problems, problems_of
from hybridrag.store.queries import on_vectors, statement
from hybridrag.store.repeated import Repeated, write_likenesses
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Chunked, Collection, Embedded, Label, document_id

_MUCH = 0.1
"""The share of new chunks above which PostgreSQL's statistics no longer hold."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the index holds of one document of a source.

    `processing` tells what made its text, `chunked` what made its chunks; None where it has none. `declared_label` is
    the label it gives itself, as written; `record` says that it is a line of a dataset. `stamp` is what its file looked
    like when that was read; None where that cannot be relied on. `container` is the path of the file it lies in, where
    that is not its own.
    """

    content_hash: bytes
    media_type: str
    processing: str
    chunked: str | None
    label: Label
    declared_label: str | None
    record: bool
    stamp: str | None
    container: str | None


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the index holds of a source: documents, open problems and files of other files, each by path.

    `stamp` tells what a file of many documents was, and what was made of it, when all of it was indexed; `device` is
    the number of the device that the root was on. Both are None where that is not known.
    """

    documents: dict[str, Known] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)
    stamp: str | None = None
    device: str | None = None


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
        """Holds the collection for the `with` block. Raises CollectionBusy where another run holds it, Superseded where
        the generation served and does no more, and GenerationGone where it was dropped.
        """
        with held(url, collection) as holder, closing(connect(url)) as connection, closing(connect(url)) as lookup:
            # Not in the lock's transaction: that keeps every table it has read from being rewritten by a purge.
            if collection.id:  # 0 is one that a dry run imagines
                with transaction(connection, read_only=True) as tx:
                    check_generation(tx, collection)
            yield cls(holder, connection, lookup, collection)

    def manifest(self, source: int) -> Remembered:
        """What is indexed of a source, and what is known of it otherwise."""
        with transaction(self._connection, read_only=True) as tx:
            key = {"source": source, "chunk_set": self.collection.generation.chunk_set}
            rows = tx.execute(statement("manifest"), key).fetchall()
            problems, containers = problems_of(tx, source), containers_of(tx, source)
            state = tx.execute(statement("find_source_state"), key).fetchone() or {"stamp": None, "root_device": None}
        documents = {
            row["path"]: Known(
                content_hash=bytes(row["content_hash"]),
                media_type=row["media_type"],
                processing=row["processing"],
                chunked=row["chunked"],
                label=Label(row["label"]),
                declared_label=row["declared_label"],
                record=row["record"],
                stamp=row["stamp"],
                container=row["container"],
            )
            for row in rows
        }
        return Remembered(documents, problems, containers, state["stamp"], state["root_device"])

    def known_hashes(self, hashes: Sequence[bytes]) -> set[bytes]:
        """Those of `hashes` whose vector is stored."""
        with transaction(self._lookup, read_only=True) as tx:
            query = on_vectors("known_hashes", self.collection.generation.id)
            return {bytes(row["text_hash"]) for row in tx.execute(query, {"hashes": list(hashes)})}

    def write(
        self,
        source: int,
        batch: Sequence[Chunked],
        vectors: Sequence[Embedded],
        *,
        chunking: str,
        stamps: Mapping[str, str] = MappingProxyType({}),
        containers: Mapping[str, str] = MappingProxyType({}),
    ) -> int:
        """Stores a batch in one transaction and returns how many older chunks it replaced.

        `vectors` holds those that `known_hashes` lacked, each hash once. `chunking` tells what made the chunks.
        `stamps` are those of the documents' files, by path, as far as they can be relied on, and `containers` the files
        that hold those which have none to themselves. What other generations of the collection lack then is queued for
        their workers.
        """
        # If the connection that holds the collection is gone, so is the lock, and this raises.
        self._holder.execute("select 1")
        generation, documents = self.collection.generation, [item.document.id for item in batch]
        ids = {"collection": self.collection.id, "chunk_set": generation.chunk_set, "ids": documents}
        with transaction(self._connection) as tx:
            tx.execute(statement("forget_repeated_state"), ids)
            replaced = tx.execute(statement("count_chunks"), ids).fetchone()
            tx.execute(statement("replace_documents"), ids)
            copy_vectors(tx, generation.id, vectors)
            write_documents(tx, self.collection.id, source, batch, stamps=stamps, containers=containers)
            likenesses = {item.document.id: item.likeness for item in batch if item.likeness is not None}
            write_likenesses(tx, self.collection, likenesses)
            write_chunks(tx, self.collection.id, generation.chunk_set, batch, processing=chunking)
            self._queue(tx, batch)
        # What was written can be searched; merging makes that faster, and may take a while.
        with transaction(self._connection) as tx:
            lexical.merge_segments(tx, generation.chunk_set)
        self._written += sum(len(item.chunks) for item in batch)
        return int(replaced["chunks"]) if replaced else 0

    @contextmanager
    def recorded(self, verb: str, run_id: str, counts: Callable[[], Mapping[str, int]]) -> Iterator[None]:
        """Has the `with` block in the collection's history: who runs it, how it ended, and its counts in the end."""
        with transaction(self._connection) as tx:
            runs.begin(tx, self.collection, run_id, verb)
        try:
            yield
        except BaseException as exc:
            # What went wrong matters more than that it cannot be noted.
            with suppress(HybridragError), transaction(self._connection) as tx:
                runs.end(tx, run_id, counts(), exc)
            raise
        with transaction(self._connection) as tx:
            runs.end(tx, run_id, counts(), None)

    def cancel(self) -> None:
        """Breaks off the batch that another thread is writing; nothing of it stays."""
        import psycopg

        with suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=5)

    def relabel(self, source_name: str, labels: Mapping[str, Label]) -> None:
        """Gives documents, by path, another label."""
        with transaction(self._connection) as tx, tx.cursor() as cursor:
            cursor.execute(statement("forget_repeated_state"), {"collection": self.collection.id})
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
            key = {"source": source, "paths": list(paths), "chunk_set": self.collection.generation.chunk_set}
            tx.execute(statement("forget_repeated_state"), {"collection": self.collection.id})
            rows = tx.execute(statement("delete_documents"), key).fetchall()
        return len(rows), sum(int(row["chunks"]) for row in rows)

    def remove_source(self, name: str) -> bool:
        with transaction(self._connection) as tx:
            key = {"collection": self.collection.id, "name": name}
            tx.execute(statement("forget_repeated_state"), key)
            gone = tx.execute(statement("delete_source"), key).fetchone() is not None
        self.settle(lambda _: None, thorough=True)
        self.keep_sample(b"")
        return gone

    def restamp(self, source: int, stamps: Mapping[str, str]) -> None:
        """Keeps what files of unchanged documents, by path, look like now."""
        with transaction(self._connection) as tx:
            tx.execute(
                statement("keep_stamps"), {"source": source, "paths": list(stamps), "stamps": list(stamps.values())}
            )

    def finish(
        self,
        source: int,
        *,
        up_to_date: bool,
        parameters: Mapping[str, Any],
        stamp: str | None,
        device: str | None,
        solved: Iterable[str],
        found: Mapping[str, Problem],
        opened: Iterable[str] = (),
        packed: Mapping[str, Container] = MappingProxyType({}),
    ) -> None:
        """Marks what the documents of a source were now made with, and, where all of it was looked at, that it is
        `up_to_date`.

        `stamp` and `device` are as in `Remembered`; problems that are `solved` are forgotten, and those that were
        `found` kept, by path. Of files that hold others, those that were `opened` and are not whole, or gone, are
        forgotten, and those that are `packed` kept.
        """
        from psycopg.types.json import Jsonb

        with transaction(self._connection) as tx:
            if up_to_date:
                tx.execute(statement("touch_source"), {"source": source})
            tx.execute(statement("keep_source_state"), {"source": source, "stamp": stamp, "device": device})
            change_problems(tx, source, solved=solved, found=found)
            change_containers(tx, source, gone=opened, found=packed)
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
                tx.execute(statement("lock_chunk_set"), {"chunk_set": generation.chunk_set})  # from workers
                lexical.compact(tx, generation.chunk_set)
        vector_index.keep_up(self._connection, generation, notify)
        with transaction(self._connection) as tx:
            # The server does it too, but not at once; a plan made for an empty table would be used until then.
            if self._written > _MUCH * lexical.living(tx, generation.chunk_set):
                tx.execute(on_vectors("analyze", generation.id))

    @property
    def repeated(self) -> Repeated:
        """What the collection's documents repeat of each other."""
        return Repeated(self._connection, self.collection, lambda: self._holder.execute("select 1"))

    def drop_orphans(self) -> None:
        """Deletes vectors of the generation that no chunk holds."""
        vector_index.drop_orphans(self._connection, self.collection.generation)

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

    def _queue(self, tx: Connection, batch: Sequence[Chunked]) -> None:
        """Notes what other generations lack now: of the same chunk set vectors, of others chunks."""
        active = self.collection.generation
        key = {"collection": self.collection.id, "generation": active.id, "chunk_set": active.chunk_set}
        others = tx.execute(statement("other_generations"), key).fetchall()
        if any(row["chunk_set_id"] != active.chunk_set for row in others):
            tx.execute(statement("queue_documents"), {**key, "documents": [item.document.id for item in batch]})
        hashes = [chunk.text_hash for item in batch for chunk in item.chunks]
        for row in others:
            if row["chunk_set_id"] == active.chunk_set:
                tx.execute(on_vectors("queue_texts", row["id"]), {"generation": row["id"], "hashes": hashes})
