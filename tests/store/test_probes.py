"""Probe vectors in the database: one set a generation, whoever writes it first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hybridrag.errors import DatabaseError
from hybridrag.store import PostgresStore
from hybridrag.types import Generation

TEXTS = b"t" * 32
VECTORS = bytes(range(256)) * 16


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    store = PostgresStore(database_url)
    yield store
    store.close()


def generation(store: PostgresStore, name: str = "default") -> Generation:
    return store.create_collection(
        name, embedder="m", fingerprint="f", dimensions=64, text_search="english", parameters={}
    ).generation


def test_there_are_none_until_they_are_kept(store: PostgresStore) -> None:
    first, second = generation(store), generation(store, "other")
    assert store.probes(first, TEXTS) is None
    assert store.keep_probes(first, TEXTS, VECTORS) == VECTORS
    assert store.probes(first, TEXTS) == VECTORS
    assert store.probes(second, TEXTS) is None
    assert store.probes(first, b"u" * 32) is None, "of other texts"


def test_the_first_ones_stay(store: PostgresStore) -> None:
    made = generation(store)
    store.keep_probes(made, TEXTS, VECTORS)
    assert store.keep_probes(made, TEXTS, VECTORS[::-1]) == VECTORS
    assert store.probes(made, TEXTS) == VECTORS
    assert store.keep_probes(made, b"u" * 32, VECTORS[::-1]) == VECTORS[::-1]


def test_everybody_who_writes_at_once_gets_the_same(store: PostgresStore) -> None:
    made = generation(store)
    together = threading.Barrier(8, timeout=60)
    found: list[bytes] = []

    def write(number: int) -> None:
        together.wait()
        found.append(store.keep_probes(made, TEXTS, bytes([number]) * 4096))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert len(found) == 8
    assert set(found) == {store.probes(made, TEXTS)}


def test_they_go_with_their_generation(store: PostgresStore, database_url: str) -> None:
    import psycopg

    made = generation(store)
    store.keep_probes(made, TEXTS, VECTORS)
    with psycopg.connect(database_url) as connection:
        connection.execute("delete from hybridrag.generation")
        count = connection.execute("select count(*) from hybridrag.probe").fetchone()
    assert count == (0,)


def test_a_generation_that_is_gone_keeps_nothing(store: PostgresStore) -> None:
    gone = replace(generation(store), id=999)
    with pytest.raises(DatabaseError):
        store.keep_probes(gone, TEXTS, VECTORS)
    assert store.probes(gone, TEXTS) is None
