"""A sample is spread over documents, the same for the same seed, another for another, and reads only what it needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from hybridrag.store.sampling import SampledChunk, sample_chunks
from hybridrag.types import Clause, Filter
from tests.store.corpus import Corpus


@pytest.fixture(scope="module")
def corpus(module_database_url: str) -> Iterator[Corpus]:
    """Thirty short documents, and one with as many chunks as all of these."""
    corpus = Corpus.create(module_database_url)
    for number in range(30):
        corpus.add(f"short/{number}.md", f"the first of document {number}", f"the second of document {number}")
    corpus.add("long/book.md", *(f"page {page} of the book" for page in range(60)), language="de")
    other = Corpus(corpus.store, Corpus.create(module_database_url, name="other").collection)
    other.add("alien.md", "a chunk of another collection")
    yield corpus
    corpus.store.close()


def sample(corpus: Corpus, most: int, *, seed: int = 0, wanted: Filter | None = None) -> list[SampledChunk]:
    with corpus.store.snapshot(corpus.collection.name) as snapshot:
        return sample_chunks(snapshot, most=most, seed=seed, wanted=wanted)


def paths(found: list[SampledChunk]) -> list[str]:
    return [row.chunk.document.path for row in found]


def test_every_document_comes_before_any_comes_twice(corpus: Corpus) -> None:
    assert len(set(paths(sample(corpus, 31)))) == 31
    assert len(set(paths(sample(corpus, 10)))) == 10
    assert set(Counter(paths(sample(corpus, 62))).values()) == {2}


def test_long_documents_make_up_for_short_ones(corpus: Corpus) -> None:
    counts = Counter(paths(sample(corpus, 100)))
    assert sum(counts.values()) == 100
    assert counts["long/book.md"] == 40


def test_everything_comes_once_where_it_is_not_more(corpus: Corpus) -> None:
    found = sample(corpus, 10_000)
    assert len({row.chunk.id for row in found}) == len(found) == 120


def test_the_seed_decides(corpus: Corpus) -> None:
    first = [row.chunk.id for row in sample(corpus, 20, seed=1)]
    assert [row.chunk.id for row in sample(corpus, 20, seed=1)] == first
    assert {row.chunk.id for row in sample(corpus, 20, seed=2)} != set(first)


def test_a_filter_limits_whose_chunks_are_drawn(corpus: Corpus) -> None:
    assert set(paths(sample(corpus, 100, wanted=Clause("path", ":", "long/**")))) == {"long/book.md"}
    assert sample(corpus, 100, wanted=Clause("path", ":", "nowhere/**")) == []


def test_a_chunk_comes_with_its_document_and_language(corpus: Corpus) -> None:
    (row,) = sample(corpus, 1, wanted=Clause("path", ":", "long/**"))
    assert row.language == "de"
    assert row.chunk.document.uri == "handbook/long/book.md"
    assert row.chunk.document.title == "book.md"
    assert row.chunk.text.startswith("page ")
    assert row.sources == ("handbook/long/book.md",)


def test_the_same_chunk_in_two_documents_names_both_its_own_first(database_url: str) -> None:
    corpus = Corpus.create(database_url)
    for path in ("b.md", "a.md", "c.md"):
        corpus.add(path, "the very same words", f"and some of {path}")
    found = {(row.chunk.document.path, row.chunk.text): row.sources for row in sample(corpus, 100)}
    assert found["b.md", "the very same words"] == ("handbook/b.md", "handbook/a.md", "handbook/c.md")
    assert found["b.md", "and some of b.md"] == ("handbook/b.md",)
    corpus.store.close()


def test_an_empty_collection_gives_nothing(database_url: str) -> None:
    corpus = Corpus.create(database_url)
    assert sample(corpus, 100) == []
    corpus.store.close()
