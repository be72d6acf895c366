"""Vectors move into an index when they are many, and every search finds them, wherever they are."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hybridrag.store import vector_index
from tests.store.corpus import Corpus, vector


@pytest.fixture
def corpus(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Corpus]:
    """A collection for which a hundred vectors are many, and ten that wait are too many."""
    monkeypatch.setattr(vector_index, "LEAST", 100)
    monkeypatch.setattr(vector_index, "_MOST_SCANNED", 10)
    made = Corpus.create(database_url)
    yield made
    made.store.close()


def add(corpus: Corpus, first: int, last: int) -> None:
    corpus.add_all({f"{number}.md": [f"text {number}"] for number in range(first, last)})


def settle(corpus: Corpus) -> list[str]:
    """What a run says that ends now."""
    said: list[str] = []
    with corpus.store.ingest_run(corpus.collection) as run:
        run.settle(said.append)
    return said


def parts(corpus: Corpus) -> tuple[int, int, bool]:
    """Vectors that are scanned, vectors in the index, and whether there is one."""
    with corpus.store.snapshot("default") as snapshot:
        state = vector_index._state(snapshot.tx, corpus.collection.generation)
        return state.scanned, state.indexed, state.has_index


def assert_found(corpus: Corpus, *numbers: int) -> None:
    with corpus.store.snapshot("default") as snapshot:
        for number in numbers:
            best = next(iter(snapshot.dense(vector(f"text {number}"), limit=10, among=None)))
            assert snapshot.chunks([best])[best].text == f"text {number}"


def test_few_vectors_have_no_index(corpus: Corpus) -> None:
    add(corpus, 0, 99)
    assert settle(corpus) == []
    assert parts(corpus) == (99, 0, False)
    assert_found(corpus, 0, 98)


def test_many_vectors_get_an_index_when_the_run_ends(corpus: Corpus) -> None:
    add(corpus, 0, 120)
    assert parts(corpus) == (120, 0, False)
    assert settle(corpus) == ["indexing 120 vectors"]
    assert parts(corpus) == (0, 120, True)
    assert_found(corpus, 0, 60, 119)


def test_new_vectors_are_scanned_until_there_are_too_many(corpus: Corpus) -> None:
    add(corpus, 0, 120)
    settle(corpus)
    add(corpus, 120, 130)
    assert settle(corpus) == []
    assert parts(corpus) == (10, 120, True)
    assert_found(corpus, 5, 125)
    add(corpus, 130, 131)
    assert settle(corpus) == ["indexing 11 vectors"]
    assert parts(corpus) == (0, 131, True)
    assert_found(corpus, 5, 125, 130)


def test_a_collection_that_has_grown_much_is_indexed_anew(corpus: Corpus) -> None:
    add(corpus, 0, 120)
    settle(corpus)
    add(corpus, 120, 200)
    assert settle(corpus) == ["indexing 80 vectors"]
    assert parts(corpus) == (0, 200, True)
    assert_found(corpus, 0, 199)


def test_many_deletions_make_a_new_index(corpus: Corpus) -> None:
    add(corpus, 0, 200)
    settle(corpus)
    corpus.remove(*[f"{number}.md" for number in range(50)])
    assert parts(corpus) == (0, 150, True)
    with corpus.store.snapshot("default") as snapshot:
        nearest = snapshot.dense(vector("text 3"), limit=150, among=None)
    assert len(nearest) == 150
    assert_found(corpus, 50, 199)


def test_a_collection_that_has_become_small_is_scanned_again(corpus: Corpus) -> None:
    add(corpus, 0, 120)
    settle(corpus)
    corpus.remove(*[f"{number}.md" for number in range(80)])
    assert parts(corpus) == (0, 40, False)
    assert_found(corpus, 80, 119)


def test_a_run_killed_before_the_index_was_made_is_completed_by_the_next(corpus: Corpus) -> None:
    add(corpus, 0, 120)
    settle(corpus)
    with corpus.store.ingest_run(corpus.collection) as run:
        run._connection.execute(f"drop index hybridrag.vectors_{corpus.collection.generation.id}_hnsw")
    assert_found(corpus, 0, 119)
    assert settle(corpus) == ["indexing 120 vectors"]
    assert parts(corpus) == (0, 120, True)


@pytest.mark.parametrize("among", [range(1, 121), range(1, 121, 2), range(5, 6)])
def test_a_filter_gives_all_there_is(corpus: Corpus, among: range, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    from hybridrag.store import snapshot as snapshots

    monkeypatch.setattr(snapshots, "_EXACT_AMONG", 20)
    add(corpus, 0, 120)
    settle(corpus)
    numbers = np.array(among, dtype=np.int32)
    with corpus.store.snapshot("default") as snapshot:
        for limit in (1, 10, 200):
            found = snapshot.dense(vector("a question"), limit=limit, among=numbers)
            assert len(found) == min(limit, len(numbers))
            assert set(found) <= set(numbers.tolist())
            assert list(found.values()) == sorted(found.values(), reverse=True)
