"""What becomes of the candidates: units, copies, variety, reranking, and enough of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from hybridrag.errors import ModelError
from hybridrag.flows.search import RERANKED, search
from hybridrag.retrieval import parse_filter
from hybridrag.types import Fusion, Label, Mode, Query, SearchResult, Unit
from tests.store.corpus import Corpus, vector
from tests.store.test_searching import _Embedder

LONG = "The travel policy holds for everyone who books a hotel or a train for the company, in every office and season."


@pytest.fixture
def corpus(database_url: str) -> Iterator[Corpus]:
    made = Corpus.create(database_url)
    yield made
    made.store.close()


class Shortest:
    """A reranker that prefers short texts, and keeps what it was given."""

    name = "shortest"

    def __init__(self) -> None:
        self.given: list[str] = []

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        self.given += texts
        return [-float(len(text)) for text in texts]

    def cancel(self) -> None: ...


def found(
    corpus: Corpus,
    text: str,
    *,
    k: int = 10,
    mode: Mode = "hybrid",
    unit: Unit = "chunk",
    fusion: Fusion = "score",
    diverse: bool = False,
    filter: str = "",
    reranker: Shortest | None = None,
    texts_leave: bool = False,
) -> SearchResult:
    query = Query(
        text,
        k=k,
        mode=mode,
        unit=unit,
        fusion=fusion,
        diverse=diverse,
        filter=parse_filter(filter),
        rerank=reranker is not None,
    )
    return search(
        corpus.store,
        corpus.collection.name,
        query,
        open_embedder=lambda _: _Embedder(),
        open_reranker=(lambda: reranker) if reranker else None,
        texts_leave=texts_leave,
    )


def paths(result: SearchResult) -> list[str]:
    return [hit.chunk.document.path for hit in result.hits]


# --- units -----------------------------------------------------------------------------------------------------------


def test_a_document_is_one_hit_with_its_other_chunks_under_it(corpus: Corpus) -> None:
    corpus.add("a.md", "travel policy", "travel travel", "something else")
    corpus.add("b.md", "travel by train")
    result = found(corpus, "travel policy", unit="document", mode="lexical")
    assert paths(result) == ["a.md", "b.md"]
    assert [hit.rank for hit in result.hits] == [1, 2]
    assert [chunk.text for chunk in result.hits[0].also] == ["travel travel"]


def test_neighbours_become_one_passage_of_the_document(corpus: Corpus) -> None:
    corpus.add("a.md", "travel policy one", "travel policy two", "nothing of it")
    corpus.add("b.md", "travel")
    best = found(corpus, "travel policy", unit="passage", mode="lexical").hits[0].chunk
    assert best.text == "travel policy one\ntravel policy two"
    assert (best.start, best.end) == (0, len(best.text))
    assert [part.text for part in best.parts] == ["travel policy one", "travel policy two"]


def test_a_passage_takes_in_neighbours_that_alone_would_come_too_late(corpus: Corpus) -> None:
    corpus.add("a.md", "travel policy travel", "of policy and other matters", "nothing")
    corpus.add_all({f"{number}.md": [f"travel policy {number}"] for number in range(6)})
    best = found(corpus, "travel policy", k=2, unit="passage", mode="lexical").hits[0].chunk
    assert best.text == "travel policy travel\nof policy and other matters"


def test_copies_are_listed_under_the_best(corpus: Corpus) -> None:
    corpus.add("a.md", LONG)
    corpus.add("b.md", LONG)
    corpus.add("c.md", "travel by train")
    chunks = found(corpus, "travel policy")
    assert sorted(paths(chunks)) == ["a.md", "c.md"]
    assert [chunk.document.path for chunk in chunks.hits[0].also] == ["b.md"]
    assert set(paths(found(corpus, "travel policy", unit="document"))) == {"a.md", "b.md", "c.md"}


@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_copies_beyond_number_do_not_crowd_out_the_rest(corpus: Corpus, mode: Mode) -> None:
    corpus.add_all({f"copy{number}.md": [LONG] for number in range(450)})
    corpus.add_all({f"other{number}.md": [f"a note on travel, number {number}"] for number in range(5)})
    result = found(corpus, LONG, k=6, mode=mode)
    assert len(result.hits) == 6
    assert {path.rstrip("0123456789.md") for path in paths(result)[1:]} == {"other"}


def test_one_document_with_few_neighbours_is_all_there_is(corpus: Corpus) -> None:
    corpus.add_all({"book.md": [f"travel policy part {part}" for part in range(300)]})
    assert len(found(corpus, "travel policy", unit="document").hits) == 1
    passages = found(corpus, "travel policy", unit="passage").hits
    assert 1 <= len(passages) <= 10
    assert sum(len(hit.chunk.parts) or 1 for hit in passages) <= 40


def test_a_copy_that_may_be_sent_does_not_hide_behind_one_that_may_not(corpus: Corpus) -> None:
    corpus.add("a.md", LONG, label=Label.LOCAL_ONLY)
    corpus.add("b.md", LONG)
    result = found(corpus, LONG)
    shown = {hit.chunk.document.label for hit in result.hits}
    assert Label.INTERNAL in shown


def test_copies_in_documents_that_pass_a_filter_are_found_wherever_they_stand(corpus: Corpus) -> None:
    corpus.add_all({f"v1/{number}.md": [LONG] for number in range(40)})
    corpus.add_all({"v2/it.md": [LONG], "v2/other.md": ["travel"]})
    for mode in ("dense", "lexical", "hybrid"):
        result = found(corpus, LONG, mode=mode, filter="path:v2/**")
        assert paths(result) == ["v2/it.md", "v2/other.md"]


def test_a_whole_page_can_be_asked(corpus: Corpus) -> None:
    corpus.add("a.md", "needle in the hay")
    for path in ("b.md", "c.md"):
        corpus.add(path, f"{path} " + " ".join(f"hay{number}" for number in range(400)))
    words = " ".join(
        [*(f"hay{number}" for number in range(400)), *(f"none{number}" for number in range(2000)), "needle"]
    )
    assert set(paths(found(corpus, words, mode="lexical"))) == {"a.md", "b.md", "c.md"}


# --- order -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", ["chunk", "document"])
@pytest.mark.parametrize("mode", ["hybrid", "dense", "lexical"])
def test_what_comes_first_does_not_depend_on_how_many_are_wanted(corpus: Corpus, mode: Mode, unit: Unit) -> None:
    texts = {n: [f"word{n % 7} word{part} unique{n}x{part}" for part in range(3)] for n in range(120)}
    corpus.add_all({f"{number}.md": parts for number, parts in texts.items()})
    many = found(corpus, "word1 word2", k=300, mode=mode, unit=unit).hits
    few = found(corpus, "word1 word2", k=7, mode=mode, unit=unit).hits
    assert [hit.chunk.id for hit in few] == [hit.chunk.id for hit in many[:7]]
    assert [hit.score for hit in many] == sorted((hit.score for hit in many), reverse=True)


def test_ranks_can_be_fused_instead_of_scores(corpus: Corpus) -> None:
    corpus.add("a.md", "travel policy")
    corpus.add("b.md", "travel by train")
    result = found(corpus, "travel policy", fusion="rrf")
    first = result.hits[0]
    assert first.score == pytest.approx(sum(1 / (60 + arm.rank) for arm in first.arms.values() if arm.rank))


def test_variety_puts_the_different_before_more_of_the_same(corpus: Corpus) -> None:
    corpus.add("a.md", "travel policy for hotels")
    corpus.add("twin.md", "travel policy for hotels and")
    corpus.add("z.md", "travel")
    plain = found(corpus, "travel policy for hotels", mode="lexical")
    assert paths(plain) == ["a.md", "twin.md", "z.md"]
    spread = found(corpus, "travel policy for hotels", mode="lexical", diverse=True)
    assert sorted(paths(spread)) == sorted(paths(plain))
    assert paths(spread)[0] == "a.md"
    cosines = {path: float(vector(text) @ vector("travel policy for hotels")) for path, text in
               (("twin.md", "travel policy for hotels and"), ("z.md", "travel"))}  # fmt: skip
    gains = {"twin.md": 0.7 * 0.5 - 0.3 * max(cosines["twin.md"], 0), "z.md": -0.3 * max(cosines["z.md"], 0)}
    assert paths(spread)[1] == max(gains, key=lambda path: gains[path])


# --- reranking -------------------------------------------------------------------------------------------------------


def test_a_reranker_orders_the_best_anew_and_says_so(corpus: Corpus) -> None:
    corpus.add("long.md", "travel policy and many more words that the reranker here does not like")
    corpus.add("short.md", "travel policy")
    result = found(corpus, "travel policy", reranker=Shortest())
    assert paths(result) == ["short.md", "long.md"]
    assert result.reranker == "shortest"
    assert [hit.score for hit in result.hits] == [hit.arms["rerank"].score for hit in result.hits]
    assert [hit.arms["rerank"].rank for hit in result.hits] == [1, 2]
    assert {"dense", "lexical"} <= set(result.hits[0].arms)


def test_each_candidate_is_scored_once_and_no_more_than_that(corpus: Corpus) -> None:
    corpus.add_all({f"{number}.md": [f"travel note {number}"] for number in range(80)})
    reranker = Shortest()
    result = found(corpus, "travel note", k=70, reranker=reranker)
    assert len(result.hits) == 70
    assert len(reranker.given) == len(set(reranker.given)) == RERANKED


def test_what_may_not_leave_is_not_given_to_a_remote_reranker(corpus: Corpus) -> None:
    corpus.add("open.md", "travel policy in the open")
    corpus.add("secret.md", "travel policy secret", label=Label.LOCAL_ONLY)
    remote, local = Shortest(), Shortest()
    result = found(corpus, "travel policy", reranker=remote, texts_leave=True)
    assert paths(result) == ["open.md", "secret.md"]
    assert not any("secret" in text for text in remote.given)
    assert "rerank" not in result.hits[1].arms
    found(corpus, "travel policy", reranker=local)
    assert any("secret" in text for text in local.given)


def test_an_error_of_the_reranker_is_the_searchs(corpus: Corpus) -> None:
    class Broken(Shortest):
        def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
            raise ModelError("no score")

    corpus.add("a.md", "travel")
    with pytest.raises(ModelError, match="no score"):
        found(corpus, "travel", reranker=Broken())
