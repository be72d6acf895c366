"""Both arms against the same computed here: BM25 from the chunks' texts, cosine with numpy."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hybridrag.errors import UsageError
from hybridrag.flows.search import search
from hybridrag.retrieval import document_terms, parse_filter
from hybridrag.types import Clause, Label, Mode, Query, SearchResult
from tests.store.corpus import Corpus, vector

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

WORDS = [
    "travel",
    "hotel",
    "meal",
    "allowance",
    "policy",
    "finance",
    "approve",
    "manager",
    "invoice",
    "backup",
    "server",
    "error",
    "code",
    "key",
]
QUERIES = ["travel policy", "hotel hotel hotel", "the error", "backup-server code", "nothing of this", "invoice"]


@pytest.fixture(scope="module")
def corpus(module_database_url: str) -> Corpus:
    """Sixty documents of a few chunks, some with labels and metadata, in two sources."""
    made = Corpus.create(module_database_url)
    rng = random.Random(7)
    for number in range(60):
        texts = [" ".join(rng.choices(WORDS, k=rng.randint(3, 40))) for _ in range(rng.randint(1, 3))]
        made.add(
            f"{['hr', 'eng/api', 'eng'][number % 3]}/doc {number}.{['md', 'txt'][number % 2]}",
            *texts,
            source=["handbook", "wiki"][number % 5 == 0],
            label=[Label.INTERNAL, Label.CONFIDENTIAL][number % 4 == 0],
            metadata={
                "author": ["Ada", "Grace Hopper", 'O"Neil'][number % 3],
                "year": 2000 + number,
                "tags": [f"tag {number}", "all"],
            },
            media_type=["text/markdown", "text/plain"][number % 2],
        )
    made.add("names/Ümläut [1] (x).md", "travel with brackets")
    made.add("names/मेरी यात्रा.md", "travel in hindi")
    made.add("names/back\\slash.md", "travel with a backslash")
    return made


def reference_bm25(corpus: Corpus, query: str) -> dict[UUID, float]:
    """BM25 with k1 1.2 and b .75, and Lucene's idf, over the terms of the chunks' texts."""
    frequencies = {key: document_terms(text, "en") for key, text in all_chunks(corpus).items()}
    lengths = {key: sum(counts.values()) for key, counts in frequencies.items()}
    mean = sum(lengths.values()) / len(lengths)
    scores: dict[UUID, float] = {}
    for term, asked in document_terms(query, "en").items():
        holding = [key for key, counts in frequencies.items() if counts[term]]
        idf = math.log(1 + (len(lengths) - len(holding) + 0.5) / (len(holding) + 0.5))
        for key in holding:
            tf = frequencies[key][term]
            score = asked * idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * lengths[key] / mean))
            scores[key] = scores.get(key, 0) + score
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def all_chunks(corpus: Corpus) -> dict[UUID, str]:
    with corpus.store.snapshot(corpus.collection.name) as snapshot:
        key = (corpus.collection.generation.chunk_set,)
        rows = snapshot.tx.execute("select id, text from chunk where chunk_set_id = %s", key)
        return {row["id"]: row["text"] for row in rows}


def searched(corpus: Corpus, text: str, *, k: int = 1000, mode: Mode = "lexical", filter: str = "") -> SearchResult:
    query = Query(text, k=k, mode=mode, filter=parse_filter(filter))
    return search(corpus.store, corpus.collection.name, query, open_embedder=lambda _: _Embedder())


def scores_of(result: SearchResult) -> dict[UUID, float]:
    return {hit.chunk.id: hit.score for hit in result.hits}


@pytest.mark.parametrize("query", QUERIES)
def test_lexical_scores_are_bm25(corpus: Corpus, query: str) -> None:
    expected = reference_bm25(corpus, query)
    found = searched(corpus, query)
    assert scores_of(found) == {key: pytest.approx(score, rel=1e-5) for key, score in expected.items()}
    assert [hit.score for hit in found.hits] == sorted(scores_of(found).values(), reverse=True)


@pytest.mark.parametrize("query", ["travel policy", "backup"])
def test_each_candidate_has_the_scores_of_both_arms(corpus: Corpus, query: str) -> None:
    bm25, texts = reference_bm25(corpus, query), all_chunks(corpus)
    for hit in searched(corpus, query, k=20, mode="hybrid").hits:
        dense, lexical = hit.arms["dense"], hit.arms.get("lexical")
        assert dense.score == pytest.approx(float(vector(texts[hit.chunk.id]) @ vector(query)), abs=2e-3)
        assert (lexical.score if lexical else 0) == pytest.approx(bm25.get(hit.chunk.id, 0), rel=1e-5)


@pytest.mark.parametrize("query", ["...", "🙂", "\0"])
def test_a_query_without_terms_finds_nothing_by_words(corpus: Corpus, query: str) -> None:
    assert searched(corpus, query).hits == ()


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_dense_search_is_exact(corpus: Corpus, limit: int) -> None:
    query = vector("a question")
    cosines = {key: float(vector(text) @ query) for key, text in all_chunks(corpus).items()}
    expected = sorted(cosines.values(), reverse=True)[:limit]
    with corpus.store.snapshot("default") as snapshot:
        found = snapshot.dense(query, limit=limit, among=None)
        assert list(found.values()) == pytest.approx(expected, abs=2e-3)  # halfvec holds eleven bits
        chunks = snapshot.chunks(list(found))
        assert all(score == pytest.approx(cosines[chunks[n].id], abs=2e-3) for n, score in found.items())
        some = list(found)[:9]
        assert snapshot.similarities(query, some) == {n: pytest.approx(found[n], abs=1e-6) for n in some}
        for number, stored in snapshot.vectors(some).items():
            assert stored == pytest.approx(vector(chunks[number].text), abs=2e-3)


def test_texts_are_read_by_their_places(corpus: Corpus) -> None:
    with corpus.store.snapshot("default") as snapshot:
        chunks = list(snapshot.chunks([5, 3, 1]).values())
        spans = [(chunk.document.id, chunk.start, chunk.end) for chunk in chunks]
        assert snapshot.texts(spans) == [chunk.text for chunk in chunks]


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
@pytest.mark.parametrize("expression", ["path:hr/**", "label:confidential source:wiki", "meta.year=2030"])
def test_a_filter_leaves_as_many_hits_as_there_are(corpus: Corpus, expression: str, mode: Mode) -> None:
    wanted = parse_filter(expression)
    assert wanted is not None
    with corpus.store.snapshot("default") as snapshot:
        chunks = snapshot.chunks(snapshot.numbers_of(wanted).tolist()).values()
    there = {chunk.id for chunk in chunks}
    if mode == "lexical":
        there &= set(reference_bm25(corpus, "travel policy"))
    result = searched(corpus, "travel policy", mode=mode, filter=expression)
    assert {hit.chunk.id for hit in result.hits} == there
    assert [hit.rank for hit in result.hits] == list(range(1, len(there) + 1))
    some = searched(corpus, "travel policy", k=3, mode=mode, filter=expression)
    assert [hit.chunk.id for hit in some.hits] == [hit.chunk.id for hit in result.hits][:3]


def test_a_filter_changes_which_chunks_are_found_and_not_their_scores(corpus: Corpus) -> None:
    everything = reference_bm25(corpus, "travel policy")
    for hit in searched(corpus, "travel policy", filter="path:hr/**").hits:
        assert hit.score == pytest.approx(everything[hit.chunk.id], rel=1e-5)


class _Embedder:
    """Gives each text the vector that the corpus gave it."""

    name = "none"
    fingerprint = "f" * 64
    dimensions = 16

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        raise AssertionError

    def embed_query(self, text: str) -> Vector:
        return vector(text)

    def cancel(self) -> None: ...


# --- whatever is typed -----------------------------------------------------------------------------------------------

_odd = st.text(max_size=40) | st.lists(
    st.sampled_from(["'", '"', "\\", "%", "(", ")", "&", "|", "!", ":*", "<->", "[", "]", "{", "$1", "a", " ", "::"]),
    max_size=12,
).map("".join)
_once = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@_once
@given(text=_odd)
@example(text="x" * 10_000)
@example(text="\0")
@example(text="\ud800 travel")
@example(text="the of and")
@example(text="a")
@example(text="travel & !policy | (hotel:*)")
@example(text=" ".join(f"word{number}" for number in range(10_000)))
@example(text="a'b \\' \\\\ 'travel'")
@example(text="foo-bar/baz.qux@example.com http://x.example/a?b=c&d")
def test_any_query_is_answered(corpus: Corpus, text: str) -> None:
    if not text.strip():
        with pytest.raises(UsageError, match="empty"):
            searched(corpus, text, mode="hybrid")
        return
    assert all(math.isfinite(hit.score) for hit in searched(corpus, text, k=10, mode="hybrid").hits)


def test_an_unknown_collection_is_a_usage_error(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="no collection 'other'"), corpus.store.snapshot("other"):
        pass


# --- vectors by content ----------------------------------------------------------------------------------------------


def test_the_same_text_has_one_vector(database_url: str) -> None:
    corpus = Corpus.create(database_url)
    first = corpus.add("a.md", "the same text", "only in a")
    second = corpus.add("b.md", "the same text", "only in b")
    assert corpus.vectors() == 3
    with corpus.store.snapshot("default") as snapshot:
        found = snapshot.chunks(list(snapshot.dense(vector("the same text"), limit=2, among=None)))
        assert {chunk.id for chunk in found.values()} == {first[0].id, second[0].id}
        only = snapshot.numbers_of(Clause("path", ":", "b.md"))
        nearest = next(iter(snapshot.dense(vector("the same text"), limit=5, among=only)))
        assert snapshot.chunks([nearest])[nearest].id == second[0].id


def test_a_vector_goes_with_the_last_chunk_that_needs_it(database_url: str) -> None:
    corpus = Corpus.create(database_url)
    corpus.add("a.md", "the same text", "only in a")
    corpus.add("b.md", "the same text", "only in b")
    assert corpus.remove("a.md") == (1, 2)
    assert corpus.vectors() == 2
    assert corpus.remove("b.md", "none.md") == (1, 2)
    assert corpus.vectors() == 0
    corpus.add("a.md", "the same text")
    assert corpus.vectors() == 1


def test_a_document_written_again_replaces_its_chunks(database_url: str) -> None:
    corpus = Corpus.create(database_url)
    corpus.add("a.md", "one", "two")
    corpus.add("a.md", "two", "three")
    assert sorted(all_chunks(corpus).values()) == ["three", "two"]


def test_collections_share_nothing(database_url: str) -> None:
    one = Corpus.create(database_url)
    two = Corpus.create(database_url, name="two")
    one.add("a.md", "travel policy")
    two.add("a.md", "travel policy", "hotel")
    assert (one.vectors(), two.vectors()) == (1, 2)
    one.remove("a.md")
    assert len(searched(two, "travel hotel").hits) == 2
    scores = [hit.score for hit in searched(two, "hotel", mode="dense").hits]
    assert scores[0] == pytest.approx(1, abs=2e-3)
    assert np.all(np.diff(scores) <= 0)
