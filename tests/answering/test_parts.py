"""A citation names the chunk that is meant, not the whole passage that it was joined into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering import Reduced, build_prompt, candidate_sentences, chunk_around, chunk_at, chunks_of
from hybridrag.answering.abstention import Answerability
from hybridrag.answering.citations import Marked, cited
from hybridrag.flows.extract import extract
from hybridrag.types import Arm, Citation, Generation, Hit, Passage, Query, SearchResult, Sentence
from tests.answering.hits import chunk, passage_over, passages

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

MEALS = chunk("A full day of meals costs 62 euros.", headings=("Travel", "Meals"), page=3)
HOTELS = chunk("A hotel night costs at most 210 euros in London.", headings=("Travel", "Hotels"), page=4)
BOTH = passage_over(MEALS, HOTELS, between=" Guests are asked first. ", best=1)


def test_a_passage_of_one_chunk_is_that_chunk() -> None:
    (one,) = passages("Meals cost 62 euros.")
    assert chunks_of(one) == (one.chunk,)
    assert chunk_at(one, 3, 9) == chunk_around(one, [(0, 5), (6, 9)]) == one.chunk


def test_a_sentence_stands_in_its_chunk() -> None:
    at = BOTH.text.index("210")
    assert chunk_at(BOTH, at, at + 3).page == 4
    assert chunk_at(BOTH, 0, 5).page == 3


def test_what_stands_between_chunks_belongs_to_the_one_before() -> None:
    three = passage_over(MEALS, HOTELS, chunk("Ask Ada.", page=5), between=" Between. ")
    at = three.text.rindex("Between")
    assert chunk_at(three, at, at + 7).id == HOTELS.id


def test_a_chunk_grows_over_a_sentence_that_runs_out_of_it() -> None:
    at = BOTH.text.index("Guests")
    around = chunk_around(BOTH, [(2, 6), (at, at + 6)])
    assert (around.id, around.page, around.start) == (MEALS.id, 3, 100)
    assert around.text == MEALS.text + " Guests" == BOTH.text[: around.end - 100]


def cited_by(sentence: str, passage: Passage) -> tuple[Citation, ...]:
    """The citations of an answer of one sentence of which no words can be quoted."""
    said = Sentence(sentence, markers=(passage.marker,), supported=True)
    return cited({passage.marker: passage}, [Marked(said, {})])


def test_an_answer_cites_the_chunk_that_it_says_again() -> None:
    citations = cited_by("A night in London is 210 euros at most", BOTH)
    assert [(c.chunk.page, c.chunk.headings[-1], c.quote) for c in citations] == [(4, "Hotels", HOTELS.text)]
    citations = cited_by("Meals are 62 euros a day", BOTH)
    assert [(c.chunk.page, c.quote) for c in citations] == [(3, MEALS.text)]


def test_where_no_word_tells_the_best_chunk_is_cited() -> None:
    citations = cited_by("一泊の上限です。", BOTH)
    assert citations[0].chunk.id == HOTELS.id


def test_a_prompt_tells_all_pages_of_a_passage() -> None:
    content = build_prompt("?", [Reduced.whole(BOTH)], boundary="edge").texts[1]
    assert "from: handbook/travel.md, pages 3-4 (Travel > Hotels)\n" in content
    alone = build_prompt("?", [Reduced.whole(passage_over(MEALS, MEALS))], boundary="edge").texts[1]
    assert "from: handbook/travel.md, page 3 (Travel > Meals)\n" in alone


def test_a_sentence_is_compared_under_its_own_heading() -> None:
    assert [candidate.context.split(":")[0] for candidate in candidate_sentences([BOTH])] == [
        "Meals",
        "Meals",
        "Hotels",
    ]


class _Words:
    """An embedder of which a text is the words it holds of a few."""

    name = fingerprint = "words"
    dimensions = 3
    _known = ("meals", "hotel", "guests")

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        counts = np.array([[word in text.lower() for word in self._known] for text in texts], dtype=np.float32) + 1e-6
        found: Vectors = counts / np.linalg.norm(counts, axis=1, keepdims=True)
        return found

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self.embed_documents([text])[0]
        return vector

    def cancel(self) -> None: ...


def test_an_extractive_answer_cites_each_chunk_by_itself() -> None:
    found = SearchResult(
        query=Query("What do meals and a hotel cost?", unit="passage"),
        collection="default",
        generation=Generation(1, "words", "words", 3, 1),
        hits=(Hit(1, 1.0, passage_over(MEALS, HOTELS).chunk, {"dense": Arm(1, 0.9)}),),
        timings_ms={"total": 1.0},
    )
    answer = extract("What do meals and a hotel cost?", found, judged=Answerability(1.0, 0.5), open_embedder=_Words)
    assert [(c.marker, c.chunk.page, c.quote) for c in answer.citations] == [(1, 3, MEALS.text), (2, 4, HOTELS.text)]
    assert [(s.text, s.markers) for s in answer.sentences] == [(MEALS.text, (1,)), (HOTELS.text, (2,))]
    for citation in answer.citations:
        assert citation.quote in citation.chunk.text


@given(
    st.lists(st.text(st.sampled_from("ab .é"), min_size=1, max_size=9), min_size=1, max_size=5),
    st.text(st.sampled_from(" x\n"), max_size=4),
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=3),
)
def test_what_is_cited_lies_in_the_chunk_and_stands_there_in_the_document(
    texts: list[str], between: str, places: list[tuple[int, int]]
) -> None:
    passage = passage_over(*(chunk(text) for text in texts), between=between)
    spans = [(start % len(passage.text), min(len(passage.text), start % len(passage.text) + n)) for start, n in places]
    around = chunk_around(passage, spans)
    assert around.text == passage.text[around.start - 100 : around.end - 100]
    assert all(around.start <= 100 + start <= 100 + end <= around.end for start, end in spans)
