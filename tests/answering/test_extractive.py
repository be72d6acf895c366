"""Which sentences make an answer without a model."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering import best_sentences, candidate_sentences
from hybridrag.types import Passage
from tests.answering.hits import chunk, passages


def test_candidates_are_prose_and_come_once() -> None:
    allowance = "The allowance is 62 euros."
    text = f"# Meals\n\n{allowance} {allowance}\n\n```\ncode here is none\n```\n\n| a | b |\n|---|---|\n\nOK."
    found = candidate_sentences(passages(text, "The allowance is 62 euros. Ask the finance team."))
    assert [candidate.text for candidate in found] == [
        "The allowance is 62 euros.",
        "code here is none",
        "Ask the finance team.",
    ]
    for candidate in found:
        assert candidate.passage.text[candidate.start : candidate.end] == candidate.text


def test_a_candidate_is_compared_under_its_heading() -> None:
    under = Passage(1, chunk("It is 62 euros.", headings=("Travel", "Meals")), "It is 62 euros.")
    without = Passage(2, chunk("It is 90 euros.", title="Hotels"), "It is 90 euros.")
    assert [c.context for c in candidate_sentences([under, without])] == [
        "Meals: It is 62 euros.",
        "Hotels: It is 90 euros.",
    ]


def test_short_sentences_of_other_scripts_count() -> None:
    assert [c.text for c in candidate_sentences(passages("出張の食費は一日六十二ユーロです。はい。"))] == [
        "出張の食費は一日六十二ユーロです。"
    ]


def unit(*values: float) -> list[float]:
    return [value / float(np.linalg.norm(values)) for value in values]


def test_the_nearest_come_in_reading_order() -> None:
    candidates = candidate_sentences(passages("First is near enough. Second is the nearest. Third is far away."))
    vectors = np.array([unit(1, 0.3), unit(1, 0), unit(0, 1)], dtype=np.float32)
    query = np.array([1, 0], dtype=np.float32)
    chosen = best_sentences(candidates, "?", query=query, vectors=vectors)
    assert [c.text for c in chosen] == ["First is near enough.", "Second is the nearest."]


def test_words_of_the_question_count_beside_nearness() -> None:
    candidates = candidate_sentences(passages("Nothing of the kind here.", "The hotel allowance is 90."))
    vectors = np.array([unit(1, 0.2), unit(1, 0.5)], dtype=np.float32)
    chosen = best_sentences(candidates, "hotel allowance?", query=np.array([1, 0], dtype=np.float32), vectors=vectors)
    assert chosen[0].text == "The hotel allowance is 90."


def test_no_candidates_no_answer() -> None:
    empty = np.empty((0, 2), dtype=np.float32)
    assert best_sentences([], "anything", query=np.array([1, 0], dtype=np.float32), vectors=empty) == []


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(-1, 1)).filter(lambda v: abs(v[0]) + abs(v[1]) > 0.1), max_size=9)
)
def test_at_most_three_and_each_once(rows: list[tuple[float, float]]) -> None:
    candidates = candidate_sentences(passages(*(f"This is sentence number {n}." for n in range(len(rows)))))
    vectors = np.array([unit(*row) for row in rows], dtype=np.float32).reshape(-1, 2)
    chosen = best_sentences(candidates, "sentence?", query=np.array([1, 0], dtype=np.float32), vectors=vectors)
    assert len(chosen) <= 3
    assert len({id(c) for c in chosen}) == len(chosen)
