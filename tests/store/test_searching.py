"""Search in SQL against the same computed here: BM25 from the tsvectors, cosine with numpy, filters by hand."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hybridrag.errors import UsageError
from hybridrag.flows.search import search
from hybridrag.globs import glob_to_regex, matches
from hybridrag.retrieval import parse_filter
from hybridrag.types import Clause, Label, Query
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
    """BM25 with k1 1.2 and b .75, and Lucene's idf, over the tsvectors that PostgreSQL made."""
    with corpus.store.snapshot("default") as snapshot:
        terms = snapshot.tx.execute("select tsvector_to_array(to_tsvector('english', %s)) as it", (query,)).fetchone()
        rows = snapshot.tx.execute(
            "select c.id, u.lexeme, cardinality(u.positions) as n from chunk c left join unnest(c.lexemes) u on true"
        ).fetchall()
    assert terms is not None
    frequencies: dict[UUID, Counter[str]] = {}
    for row in rows:
        frequencies.setdefault(row["id"], Counter())[row["lexeme"]] = row["n"]
    lengths = {key: sum(counts.values()) for key, counts in frequencies.items()}
    mean = sum(lengths.values()) / len(lengths)
    scores: dict[UUID, float] = {}
    for term in terms["it"]:
        holding = [key for key, counts in frequencies.items() if counts[term]]
        idf = math.log(1 + (len(lengths) - len(holding) + 0.5) / (len(holding) + 0.5))
        for key in holding:
            tf = frequencies[key][term]
            scores[key] = scores.get(key, 0) + idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * lengths[key] / mean))
    return dict(sorted(scores.items(), key=lambda item: (-item[1], item[0])))


@pytest.mark.parametrize("query", QUERIES)
def test_lexical_scores_are_bm25(corpus: Corpus, query: str) -> None:
    expected = reference_bm25(corpus, query)
    with corpus.store.snapshot("default") as snapshot:
        found, also = snapshot.lexical(query, limit=1000, documents=None)
    assert also == {}
    assert list(found) == list(expected)
    assert list(found.values()) == pytest.approx(list(expected.values()), rel=1e-9)


def test_the_lexical_arm_scores_what_the_other_found(corpus: Corpus) -> None:
    expected = reference_bm25(corpus, "travel policy")
    last, without = list(expected)[-1], UUID(int=0)
    with corpus.store.snapshot("default") as snapshot:
        wanted = [last, without, *list(expected)[:2]]
        found, also = snapshot.lexical("travel policy", limit=5, documents=None, also=wanted)
    assert list(found) == list(expected)[:5]
    assert also == {last: pytest.approx(expected[last])}


@pytest.mark.parametrize("query", ["", "the of and", "  ", "🙂"])
def test_a_query_without_terms_finds_nothing(corpus: Corpus, query: str) -> None:
    with corpus.store.snapshot("default") as snapshot:
        assert snapshot.lexical(query, limit=10, documents=None) == ({}, {})


def all_chunks(corpus: Corpus) -> dict[UUID, str]:
    with corpus.store.snapshot("default") as snapshot:
        return {row["id"]: row["text"] for row in snapshot.tx.execute("select id, text from chunk")}


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_dense_search_is_exact(corpus: Corpus, limit: int) -> None:
    query = vector("a question")
    cosines = {key: float(vector(text) @ query) for key, text in all_chunks(corpus).items()}
    expected = sorted(cosines.values(), reverse=True)[:limit]
    with corpus.store.snapshot("default") as snapshot:
        found = snapshot.dense(query, limit=limit, documents=None)
        assert list(found.values()) == pytest.approx(expected, abs=2e-3)  # halfvec holds eleven bits
        assert all(score == pytest.approx(cosines[key], abs=2e-3) for key, score in found.items())
        some = list(cosines)[:9]
        again = snapshot.dense_scores(query, some)
    assert again == {key: pytest.approx(cosines[key], abs=2e-3) for key in some}


# --- filters ---------------------------------------------------------------------------------------------------------

FILTERS = [
    ("path:hr/**", lambda d: d["path"].startswith("hr/")),
    ("path:eng/*", lambda d: d["path"].startswith("eng/doc")),
    ("path:eng/**/*.md", lambda d: d["path"].startswith("eng/") and d["path"].endswith(".md")),
    ("path:*.txt", lambda d: d["path"].endswith(".txt")),
    ('path:"doc 7.txt"', lambda d: d["path"].endswith("/doc 7.txt")),
    ('path:"**/doc ?.md"', lambda d: len(d["path"].split("/")[-1]) == 8),
    ("path:wiki/**", lambda d: d["source"] == "wiki"),
    ("type:md", lambda d: d["path"].endswith(".md")),
    ("type:.MD", lambda d: d["path"].endswith(".md")),
    ("type:text/plain", lambda d: d["media_type"] == "text/plain"),
    ("label:confidential", lambda d: d["label"] == "confidential"),
    ("source:w*", lambda d: d["source"] == "wiki"),
    ("meta.author=Ada", lambda d: d["metadata"].get("author") == "Ada"),
    ('meta.author="Grace *"', lambda d: d["metadata"].get("author") == "Grace Hopper"),
    ('meta.author="O\\"Neil"', lambda d: d["metadata"].get("author") == 'O"Neil'),
    ("meta.year=200?", lambda d: 2000 <= d["metadata"].get("year", 0) < 2010),
    ("meta.tags=all", lambda d: "tags" in d["metadata"]),
    ('meta.tags="tag 1?"', lambda d: 10 <= d["metadata"].get("year", 0) - 2000 < 20),
    ("meta.none=x", lambda d: False),
    ("type:md label:internal source:handbook path:hr/**", lambda d: d["path"].startswith("hr/") and
     (d["path"].endswith(".md"), d["label"], d["source"]) == (True, "internal", "handbook")),
    ('path:"names/Ümläut [1] (x).md"', lambda d: "Ümläut" in d["path"]),
    ('path:"names/मेरी *"', lambda d: "मेरी" in d["path"]),
    ('path:"names/back\\\\slash.md"', lambda d: "\\" in d["path"]),
    ("path:.*", lambda d: False),
    ("path:^hr", lambda d: False),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "holds"), FILTERS, ids=[expression for expression, _ in FILTERS])
def test_filters_choose_documents(corpus: Corpus, expression: str, holds: object) -> None:
    assert callable(holds)
    with corpus.store.snapshot("default") as snapshot:
        found = set(snapshot.documents_matching(parse_filter(expression)))
        rows = snapshot.tx.execute(
            "select d.id, s.name as source, d.path, d.label, d.media_type, d.metadata"
            " from document d join source s on s.id = d.source_id"
        ).fetchall()
    assert found == {row["id"] for row in rows if holds(row)}
    listed = corpus.store.list_documents(corpus.collection, parse_filter(expression))
    assert {row["id"] for row in listed} == found


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
@pytest.mark.parametrize("expression", ["path:hr/**", "label:confidential source:wiki", "meta.year=2030"])
def test_a_filter_leaves_as_many_hits_as_there_are(corpus: Corpus, expression: str, mode: str) -> None:
    with corpus.store.snapshot("default") as snapshot:
        wanted = set(snapshot.documents_matching(parse_filter(expression)))
        rows = snapshot.tx.execute("select id, document_id from chunk").fetchall()
    there = {row["id"] for row in rows if row["document_id"] in wanted}
    if mode == "lexical":
        there &= set(reference_bm25(corpus, "travel policy"))
    query = Query("travel policy", k=1000, mode=mode, filter=parse_filter(expression))  # type: ignore[arg-type]
    result = search(corpus.store, "default", query, open_embedder=lambda _: _Embedder())
    assert {hit.chunk.id for hit in result.hits} == there
    assert all(hit.chunk.document.id in wanted for hit in result.hits)
    assert [hit.rank for hit in result.hits] == list(range(1, len(there) + 1))
    some = search(corpus.store, "default", Query("travel policy", k=3, mode=mode, filter=query.filter),  # type: ignore[arg-type]
                  open_embedder=lambda _: _Embedder())  # fmt: skip
    assert [hit.chunk.id for hit in some.hits] == [hit.chunk.id for hit in result.hits][:3]


def test_a_filter_changes_which_chunks_are_found_and_not_their_scores(corpus: Corpus) -> None:
    everything = reference_bm25(corpus, "travel policy")
    query = Query("travel policy", k=1000, mode="lexical", filter=parse_filter("path:hr/**"))
    result = search(corpus.store, "default", query, open_embedder=lambda _: _Embedder())
    for hit in result.hits:
        assert hit.score == pytest.approx(everything[hit.chunk.id])


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
@example(text="travel & !policy | (hotel:*)")
@example(text=" ".join(f"word{number}" for number in range(5_000))[:20_000])
@example(text="a'b \\' \\\\ 'travel'")
@example(text="foo-bar/baz.qux@example.com http://x.example/a?b=c&d")
def test_any_query_is_answered(corpus: Corpus, text: str) -> None:
    text = text.replace("\0", "")
    with corpus.store.snapshot("default") as snapshot:
        found, _ = snapshot.lexical(text, limit=10, documents=None)
    assert all(math.isfinite(score) for score in found.values())


@_once
@given(field=st.sampled_from(["path", "type", "source", "meta.author", "meta.' or 1=1", 'meta."']), value=_odd)
@example(field="path", value="***:.*")
@example(field="path", value="(?i)HR/**")
@example(field="path", value="\\")
@example(field="path", value="[" * 500)
@example(field="path", value="*a" * 60)
@example(field="path", value="\u0301ा्")
@example(field="source", value="\\A\\1")
def test_any_filter_value_is_taken_as_it_is(corpus: Corpus, field: str, value: str) -> None:
    value = value.replace("\0", "") or "x"
    with corpus.store.snapshot("default") as snapshot:
        snapshot.documents_matching([Clause(field, value)])


@_once
@given(
    path=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20).filter(lambda p: "/" not in p)
)
@example(path="a*b?c[d]e{f}(g)h|i^j$k.l\\m+n")
@example(path="यात्रा")
def test_a_path_matches_itself_as_a_filter(corpus: Corpus, path: str) -> None:
    """PostgreSQL and Python read the regular expression of a glob alike."""
    assert matches(path, path)
    with corpus.store.snapshot("default") as snapshot:
        row = snapshot.tx.execute(
            "select %s::text ~ %s::text as same, 'x' || %s::text ~ %s::text as other",
            (path, glob_to_regex(path), path, glob_to_regex(path)),
        ).fetchone()
    assert row is not None
    assert row["same"]
    assert row["other"] == matches(path, "x" + path)


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
        found = snapshot.dense(vector("the same text"), limit=2, documents=None)
        assert set(found) == {first[0].id, second[0].id}
        only = snapshot.documents_matching([Clause("path", "b.md")])
        assert next(iter(snapshot.dense(vector("the same text"), limit=5, documents=only))) == second[0].id


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
    with two.store.snapshot("two") as snapshot:
        assert len(snapshot.lexical("travel hotel", limit=9, documents=None)[0]) == 2
        scores = list(snapshot.dense(vector("hotel"), limit=9, documents=None).values())
    assert scores[0] == pytest.approx(1, abs=2e-3)
    assert np.all(np.diff(scores) <= 0)
