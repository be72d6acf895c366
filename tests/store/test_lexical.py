"""The lexical index in its tables: exact BM25, whatever was added, removed, merged or compacted before."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import bm25s
import numpy as np
import pytest

from hybridrag.retrieval import bm25, document_terms, question_terms
from hybridrag.store import lexical
from hybridrag.store.snapshot import SearchSnapshot
from tests.store.corpus import Corpus

WORDS = [f"word{number}" for number in range(200)]
QUESTIONS = ["word0", "word3 word7 word90", "word199", "word1 word1 word2", "word5 nowhere", "nowhere"]


@pytest.fixture
def corpus(database_url: str) -> Iterator[Corpus]:
    corpus = Corpus.create(database_url)
    yield corpus
    corpus.store.close()


def text(chance: random.Random) -> str:
    """Words as they are in texts: a few are everywhere, most are rare."""
    return " ".join(WORDS[min(int(chance.paretovariate(0.7)) - 1, 199)] for _ in range(chance.randrange(1, 60)))


def scores(snapshot: SearchSnapshot, question: str) -> dict[str, float]:
    """Our scores by the texts of the chunks, which differ."""
    index = snapshot.lexical_index
    terms = question_terms(question, index.analysers)
    found = bm25(terms, snapshot.postings([form for forms in terms for form in forms]), index).best(10_000)
    return {snapshot.chunks([number])[number].text: score for number, score in found.items()}


def reference(texts: Sequence[str], question: str) -> dict[str, float]:
    """What the library bm25s gives (Lucene's variant, which leaves out the factor k1 + 1)."""
    tokens = [list(document_terms(text, "en").elements()) for text in texts]
    retriever = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    retriever.index(tokens, show_progress=False)
    asked = list(document_terms(question, "en").elements())
    known = {term for document in tokens for term in document}
    given = np.zeros(len(texts))
    for term, times in Counter(term for term in asked if term in known).items():
        given += times * retriever.get_scores([term])
    return {text: float(score) * 2.2 for text, score in zip(texts, given, strict=True) if score > 0}


def assert_exact(corpus: Corpus, held: Mapping[str, Sequence[str]]) -> None:
    texts = [text for document in held.values() for text in document]
    with corpus.store.snapshot("default") as snapshot:
        assert snapshot.lexical_index.chunks == len(texts)
        for question in QUESTIONS:
            assert scores(snapshot, question) == pytest.approx(reference(texts, question), rel=1e-4)


def test_scores_stay_exact_through_additions_changes_and_removals(corpus: Corpus) -> None:
    chance = random.Random(4)
    held: dict[str, list[str]] = {}
    for step in range(60):
        path = f"{chance.randrange(25)}.md"
        if path in held and chance.random() < 0.4:
            corpus.remove(path)
            del held[path]
        else:
            held[path] = [f"{text(chance)} mark{step}x{number}" for number in range(chance.randrange(1, 5))]
            corpus.add(path, *held[path])
        if step % 6 == 5 and held:
            assert_exact(corpus, held)
    assert_exact(corpus, held)


def segments(corpus: Corpus) -> list[int]:
    with corpus.store.snapshot("default") as snapshot:
        key = {"chunk_set": corpus.collection.generation.chunk_set}
        rows = snapshot.tx.execute("select chunks from segment where chunk_set_id = %(chunk_set)s order by first", key)
        return [row["chunks"] for row in rows]


def test_small_segments_become_one(corpus: Corpus) -> None:
    for number in range(7):
        corpus.add(f"{number}.md", f"alpha unique{number}")
    assert len(segments(corpus)) == 7
    corpus.add("7.md", "alpha unique7")
    assert segments(corpus) == [8]
    with corpus.store.snapshot("default") as snapshot:
        assert len(snapshot.postings(["alpha"])["alpha"].numbers) == 8


def test_what_is_removed_leaves_the_tables_in_the_end(corpus: Corpus) -> None:
    for number in range(12):
        corpus.add(f"{number}.md", f"alpha unique{number}")
    corpus.remove(*[f"{number}.md" for number in range(6)])
    with corpus.store.snapshot("default") as snapshot:
        index = snapshot.lexical_index
        assert (index.chunks, len(index.buried)) == (6, 0)
        assert snapshot.postings(["unique2"]) == {}
        assert len(snapshot.postings(["alpha"])["alpha"].numbers) == 6


def test_a_collection_that_loses_all_its_documents_can_be_filled_again(corpus: Corpus) -> None:
    corpus.add("a.md", "alpha")
    corpus.remove("a.md")
    with corpus.store.snapshot("default") as snapshot:
        assert scores(snapshot, "alpha") == {}
    corpus.add("a.md", "alpha")
    with corpus.store.snapshot("default") as snapshot:
        assert list(scores(snapshot, "alpha")) == ["alpha"]


def test_deleting_a_collection_leaves_nothing_of_its_index(corpus: Corpus) -> None:
    corpus.add("a.md", "alpha beta")
    with corpus.store.ingest_run(corpus.collection) as run:
        run._connection.execute("delete from hybridrag.generation")
        run._connection.execute("delete from hybridrag.collection")
        for table in ("segment", "posting", "buried"):
            row = run._connection.execute(f"select count(*) as n from hybridrag.{table}").fetchone()
            assert row == {"n": 0}, table


def test_a_chunk_of_more_terms_than_fit_keeps_its_place(corpus: Corpus) -> None:
    corpus.add("long.md", " ".join(["alpha"] * 40_000))
    corpus.add("short.md", "alpha")
    with corpus.store.snapshot("default") as snapshot:
        assert len(scores(snapshot, "alpha")) == 2


@pytest.mark.parametrize(
    ("sizes", "merged"),
    [
        ([], 0),
        ([256] * 7, 0),
        ([256] * 8, 8),
        ([2048] * 7 + [256] * 7, 0),
        ([2048] * 7 + [256] * 8, 8),
        ([2048] * 8, 8),
        ([100_000, 1, 1, 1, 1, 1, 1, 1], 0),
        ([100_000, 1, 1, 1, 1, 1, 1, 1, 1], 8),
        ([1, 100_000, 1, 1, 1, 1, 1, 1, 1, 1, 1], 9),
    ],
)
def test_which_segments_are_merged(sizes: list[int], merged: int) -> None:
    assert lexical._newest_alike(sizes) == merged
