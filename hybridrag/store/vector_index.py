"""A generation's vectors in two parts: those that are scanned, which is exact, and those in an HNSW index.

New vectors are scanned: writing one into an index takes 13 ms where there are 200,000, and a collection with few
vectors needs none. When there are many, they move, at the end of a run that made them many. Searches see both parts as
one table. Deleted vectors slow an index down, and vacuuming them out of it takes far longer than building it anew
(`docs/decisions/0018-vector-index.md`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.store.connection import transaction, translating
from hybridrag.store.queries import on_vectors, statement
from hybridrag.types import Generation

if TYPE_CHECKING:
    from hybridrag.store.connection import Connection

LEAST = 50_000
"""Vectors from which on an index pays: an exact scan of so many takes 10 to 20 ms."""
_MOST_SCANNED = 10_000
"""Beside an index: a scan of so many takes 2 to 3 ms."""
_GROWN = 0.2
"""The share of new vectors above which the index is built anew instead of taking them in one by one."""
_MOST_DEAD = 0.05
"""The same for deleted ones."""


def drop_orphans(connection: Connection, generation: Generation) -> None:
    """Deletes vectors that no chunk holds. Where they are many, the index goes with them: `keep_up` makes a new one."""
    with transaction(connection) as tx:
        # Whoever adds chunks meanwhile may add one of the very texts that look unneeded.
        tx.execute(statement("lock_chunk_set"), {"chunk_set": generation.chunk_set})
        before = _state(tx, generation)
        query = on_vectors("delete_orphan_vectors", generation.id)
        deleted = tx.execute(query, {"chunk_set": generation.chunk_set}).rowcount
        if before.has_index and before.dead + deleted > _MOST_DEAD * before.indexed:
            tx.execute(on_vectors("drop_vector_index", generation.id))


def keep_up(connection: Connection, generation: Generation, notify: Callable[[str], None]) -> None:
    """Makes the index where it is due, moves vectors into it, and drops it where it is no longer due.

    Searches go on meanwhile: what is not yet in an index is scanned. The next run completes one that ends in between.
    """
    with transaction(connection) as tx:
        state = _state(tx, generation)
        total = state.scanned + state.indexed
        if total < LEAST:
            if total < LEAST // 2:
                tx.execute(on_vectors("drop_vector_index", generation.id))
            return
        if state.has_index and state.scanned <= _MOST_SCANNED:
            return
        notify(f"indexing {total if not state.has_index else state.scanned:,} vectors")
        anew = not state.has_index or state.scanned > _GROWN * state.indexed
        if anew:
            tx.execute(on_vectors("drop_vector_index", generation.id))
    # Each step by itself: dropping locks searches out, so nothing else may happen before it is committed.
    with transaction(connection) as tx:
        tx.execute(on_vectors("move_to_index", generation.id))
    with transaction(connection) as tx:
        if anew:
            # A worker and an ingest may be at it at once, where a generation was promoted meanwhile.
            tx.execute(statement("lock_new_index"), {"generation": generation.id})
            if not _state(tx, generation).has_index:
                tx.execute(on_vectors("create_vector_index", generation.id))
    with translating():  # no vacuum inside a transaction; a search would read over the rows that moved away
        connection.execute(on_vectors("vacuum_scanned", generation.id))


@dataclass(frozen=True, slots=True)
class _State:
    """Vectors in either part, deleted ones that are still in the index's table, and whether that has its index."""

    scanned: int
    indexed: int
    dead: int
    has_index: bool


def _state(tx: Connection, generation: Generation) -> _State:
    row = tx.execute(on_vectors("vector_state", generation.id)).fetchone()
    assert row is not None  # aggregates
    return _State(**row)
