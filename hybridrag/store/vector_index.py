"""The index over a generation's vectors, and when there is one.

Few vectors are scanned, which is exact. Many get an HNSW index, built when they are all there: writing into one takes
3 ms a vector, and vacuuming deleted ones out of it far longer than building it anew (`docs/decisions/0012`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.store.queries import on_vectors, vectors_table
from hybridrag.types import Generation

if TYPE_CHECKING:
    from hybridrag.store.connection import Connection

LEAST = 50_000
"""Vectors from which on an index pays: an exact scan of so many takes 10 to 20 ms."""
_MOST_DEAD = 0.05
"""The share of deleted rows above which an index is built anew instead of being vacuumed."""


def drop_orphans(tx: Connection, generation: Generation) -> None:
    """Deletes vectors that no chunk holds. Where they are many, the index goes with them: `keep_up` makes a new one."""
    before = _state(tx, generation)
    query = on_vectors("delete_orphan_vectors", generation.id)
    deleted = tx.execute(query, {"chunk_set": generation.chunk_set}).rowcount
    if before.indexed and before.dead + deleted > _MOST_DEAD * before.rows:
        tx.execute(on_vectors("drop_vector_index", generation.id))


def keep_up(tx: Connection, generation: Generation, notify: Callable[[str], None]) -> None:
    """Makes the index where it is due and missing, and drops it where it is no longer due."""
    state = _state(tx, generation)
    if not state.indexed and state.rows >= LEAST:
        notify(f"indexing {state.rows:,} vectors")
        tx.execute(on_vectors("drop_vector_index", generation.id))  # one that is not valid
        tx.execute(on_vectors("create_vector_index", generation.id))
    elif state.indexed and state.rows < LEAST // 2:
        tx.execute(on_vectors("drop_vector_index", generation.id))


@dataclass(frozen=True, slots=True)
class _State:
    rows: int
    dead: int
    indexed: bool


def _state(tx: Connection, generation: Generation) -> _State:
    table = {"table": vectors_table(generation.id)}
    row = tx.execute(on_vectors("count_vectors", generation.id), table).fetchone()
    assert row is not None  # an aggregate
    return _State(**row)
