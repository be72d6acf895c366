"""A collection's generations: made beside the one that serves, promoted in one transaction, dropped in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hybridrag.errors import DatabaseError, RefusedForSafety, UsageError
from hybridrag.store.connection import Connection, transaction_on
from hybridrag.store.holding import busy
from hybridrag.store.missing import GenerationGone
from hybridrag.store.queries import on_vectors, one, statement
from hybridrag.store.reading import generation_of
from hybridrag.store.runs import holder_of
from hybridrag.types import Collection, Generation, GenerationStatus


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new generation is to be made with. `parameters` decide its chunks, `processing` is their hash."""

    model: str
    fingerprint: str
    dimensions: int
    parameters: Mapping[str, Any]
    processing: str
    text_search: str
    chunk_tokens: int | None


@dataclass(frozen=True, slots=True)
class Lacking:
    """What a generation must have before it may serve, and has not."""

    documents: int
    texts: int

    def __bool__(self) -> bool:
        return bool(self.documents or self.texts)


class AlreadyServing(UsageError):
    """The active generation is made with all that is wanted of a new one."""

    def __init__(self, collection: Collection, generation: int) -> None:
        super().__init__(
            f"the collection {collection.name!r} is embedded so already: generation {generation}",
            hint="name another model with --embedder, or other chunks with --chunk-tokens",
        )


class Generations:
    """The generations of the collections of a database. `wait` is how long, in seconds, a run that holds one is waited
    for; after that CollectionBusy is raised."""

    def __init__(self, url: str, *, wait: float = 0) -> None:
        self._url = url
        self._wait = wait

    def list(self, collection: Collection) -> list[GenerationStatus]:
        """Every generation of a collection, the oldest first."""
        import psycopg

        while True:
            try:
                with transaction_on(self._url, read_only=True) as tx:
                    rows = tx.execute(statement("list_generations"), {"collection": collection.id}).fetchall()
                    return [_status(tx, row) for row in rows]
            except DatabaseError as exc:
                # The snapshot still shows a generation whose table was dropped meanwhile; the next one does not.
                if not isinstance(exc.__cause__, psycopg.errors.UndefinedTable):
                    raise

    def start(self, collection: Collection, wanted: Wanted) -> Generation:
        """A generation that is to be filled, with all that it lacks in its queues; the one there is, where it is begun.

        Raises UsageError where the active one is like that already, or where documents have to be ingested first, and
        CollectionBusy.
        """
        from psycopg.types.json import Jsonb

        with self._held(collection) as tx:
            like = {
                "collection": collection.id,
                "fingerprint": wanted.fingerprint,
                "parameters": Jsonb(dict(wanted.parameters)),
                "processing": wanted.processing,
            }
            for row in tx.execute(statement("generations_alike"), like).fetchall():
                if row["state"] == "active":
                    raise AlreadyServing(collection, row["id"])
                return _generation(tx, collection, row["id"])
            found = tx.execute(statement("chunk_set_alike"), like).fetchone()
            if found:
                # A worker that is about to add chunks to it does not know of the new generation: its chunks come first.
                tx.execute(statement("lock_chunk_set"), {"chunk_set": found["id"]})
            chunk_set = found["id"] if found else self._new_chunk_set(tx, collection, wanted)
            generation = int(
                one(
                    tx,
                    "insert_generation",
                    collection=collection.id,
                    chunk_set=chunk_set,
                    model=wanted.model,
                    fingerprint=wanted.fingerprint,
                    dimensions=wanted.dimensions,
                    state="building",
                )["id"]
            )
            tx.execute(on_vectors("create_vectors", generation, dimensions=wanted.dimensions))
            tx.execute(statement("queue_all_texts"), {"generation": generation, "chunk_set": chunk_set})
            return _generation(tx, collection, generation)

    def _new_chunk_set(self, tx: Connection, collection: Collection, wanted: Wanted) -> int:
        from psycopg.types.json import Jsonb

        unheaded = one(tx, "count_unheaded", collection=collection.id)["documents"]
        if unheaded:
            raise UsageError(
                f"{unheaded} documents were stored by an earlier version, without what chunking them anew takes",
                hint=f"bring them up to date first: hybridrag sync -c {collection.name}",
            )
        made_with = {
            "collection": collection.id,
            "parameters": Jsonb(dict(wanted.parameters)),
            "text_search": wanted.text_search,
            "chunk_tokens": wanted.chunk_tokens,
        }
        chunk_set = int(one(tx, "insert_chunk_set", **made_with)["id"])
        tx.execute(statement("queue_all_documents"), {"collection": collection.id, "chunk_set": chunk_set})
        return chunk_set

    def promote(self, collection: Collection, generation: int, *, back: bool = False) -> Lacking:
        """Has a generation serve from now on: one moment, in which searches see either it or the one before.

        Nothing happens where it lacks anything; what that is is queued, and returned. `back` says that this takes a
        promotion back. Raises UsageError where there is no such generation, and CollectionBusy.
        """
        with self._held(collection) as tx:
            chosen = _generation(tx, collection, generation)
            if chosen.state == "active":
                return Lacking(0, 0)
            lacking = _lacking(tx, collection, chosen)
            if not lacking:
                tx.execute(statement("retire_active"), {"collection": collection.id})
                tx.execute(statement("stop_sharing"), {"collection": collection.id})
                tx.execute(statement("activate"), {"generation": generation, "back": back})
            return lacking

    def share(self, collection: Collection, generation: int, percent: int) -> Lacking:
        """Has a generation answer a share of the questions, 0 for none. Nothing happens where it lacks anything."""
        with self._held(collection) as tx:
            chosen = _generation(tx, collection, generation)
            if chosen.state in ("active", "retired") and percent:
                raise UsageError(
                    f"generation {generation} is {chosen.state}: a share goes to one that is not yet promoted",
                    hint="hybridrag reindex status shows them",
                )
            lacking = _lacking(tx, collection, chosen) if percent else Lacking(0, 0)
            if not lacking:
                tx.execute(statement("stop_sharing"), {"collection": collection.id})
                tx.execute(statement("set_share"), {"generation": generation, "share": percent})
            return lacking

    def drop(self, collection: Collection, generations: Sequence[int]) -> None:
        """Removes generations with all that only they use. Raises RefusedForSafety for the one that serves."""
        with self._held(collection) as tx:
            for number in generations:
                state = _generation(tx, collection, number).state
                if state == "active":
                    raise RefusedForSafety(
                        f"generation {number} serves the collection {collection.name!r}; nothing was removed",
                        hint="promote another one first",
                    )
            tx.execute(statement("release_generations"), {"collection": collection.id})
            for number in sorted(generations):
                tx.execute(statement("lock_generation"), {"generation": number})
                # Searches that still read it are waited for; what waits behind this is nobody's but theirs.
                tx.execute(on_vectors("drop_vectors", number))
                tx.execute(statement("delete_generation"), {"generation": number})
            tx.execute(statement("delete_unused_chunk_sets"), {"collection": collection.id})

    def count_local_only(self, collection: Collection) -> int:
        """How many documents may never leave this machine."""
        with transaction_on(self._url, read_only=True) as tx:
            return int(one(tx, "count_local_only", collection=collection.id)["documents"])

    def make_ready(self, generation: int) -> None:
        with transaction_on(self._url) as tx:
            tx.execute(statement("make_ready"), {"generation": generation})

    def keep_gate(self, generation: int, report: Mapping[str, Any]) -> None:
        """Keeps the report of a gate with the generation that was put to it."""
        from psycopg.types.json import Jsonb

        with transaction_on(self._url) as tx:
            tx.execute(statement("keep_gate"), {"generation": generation, "report": Jsonb(dict(report))})

    @contextmanager
    def _held(self, collection: Collection) -> Iterator[Connection]:
        """A transaction that holds the collection, so that no run writes to it meanwhile."""
        import psycopg

        with transaction_on(self._url) as tx:
            key = {"collection": collection.id}
            if self._wait:
                tx.execute(statement("set_lock_timeout"), {"timeout": f"{self._wait * 1000:.0f}ms"})
                try:
                    tx.execute(statement("lock_run_waiting"), key)
                except psycopg.errors.LockNotAvailable:
                    raise busy(collection) from None
                tx.execute(statement("set_lock_timeout"), {"timeout": "0"})
            elif not one(tx, "lock_run", **key)["held"]:
                raise busy(collection, holder_of(tx, collection))
            tx.execute(statement("lock_generations"), key)
            yield tx


def _generation(tx: Connection, collection: Collection, number: int) -> Generation:
    key = {"name": collection.name, "generation": number}
    row = tx.execute(statement("find_collection"), key).fetchone()
    if row is None:
        raise GenerationGone(collection.name, number)
    return generation_of(row)


def _lacking(tx: Connection, collection: Collection, generation: Generation) -> Lacking:
    """What is missing by the tables themselves, whatever the queues say; it is queued, if it was not."""
    key = {"collection": collection.id, "chunk_set": generation.chunk_set, "generation": generation.id}
    tx.execute(statement("requeue_documents"), key)
    tx.execute(on_vectors("requeue_texts", generation.id), key)
    waiting = one(tx, "count_waiting", **key)
    return Lacking(waiting["documents"], waiting["texts"])


def _status(tx: Connection, row: Mapping[str, Any]) -> GenerationStatus:
    size = tx.execute(on_vectors("count_vectors", row["generation_id"])).fetchone()
    assert size is not None  # an aggregate
    return GenerationStatus(
        generation=generation_of(row),
        created_at=row["created_at"],
        promoted_at=row["promoted_at"],
        retired_at=row["retired_at"],
        documents=row["documents"],
        chunks=row["chunks"],
        vectors=size["vectors"],
        waiting_documents=row["waiting_documents"],
        waiting_texts=row["waiting_texts"],
        bytes=size["bytes"],
        gate=row["gate"],
    )
