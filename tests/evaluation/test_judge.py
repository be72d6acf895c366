"""What the judge of answers makes of words, numbers, names and negations, and what holds for any text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.evaluation.judge import CORRECT, Judge, Judgement, verdict_of
from hybridrag.evaluation.statements import Facts, tokens, trigrams_held

TEXTS = st.lists(st.text(max_size=60), max_size=4)
SPOKEN = st.lists(
    st.lists(
        st.sampled_from(("Leave", "is", "not", "14", "days", "Berlin", "paid", "two", "in", "office", "假", "3.5")),
        min_size=1,
        max_size=9,
    ).map(" ".join),
    min_size=1,
    max_size=4,
)
QUESTION = "How long is the notice for parental leave in Berlin, and who is told?"
EXPECTED = ["Parental leave has to be announced to the manager seven weeks before it begins, in writing."]


def judged(expected: list[str], answer: list[str], question: str = QUESTION) -> Judgement:
    return Judge(None).judge(question, expected, answer)


@given(st.text(max_size=60), TEXTS, TEXTS)
def test_any_texts_get_a_score_from_0_to_1_and_its_verdict(
    question: str, expected: list[str], answer: list[str]
) -> None:
    found = judged(expected, answer, question)
    assert 0 <= found.score <= 1
    assert found.verdict == verdict_of(found.score)


@given(SPOKEN, st.sampled_from(("", "Is leave paid in Berlin?")))
def test_the_expected_answer_itself_is_correct(expected: list[str], question: str) -> None:
    assert judged(expected, expected, question).score == 1


@given(SPOKEN, SPOKEN)
def test_nothing_is_no_answer(expected: list[str], blank: list[str]) -> None:
    assert judged(expected, []).verdict == "wrong"
    assert judged(expected, ["  "] * len(blank)).verdict == "wrong"


@given(SPOKEN, SPOKEN, SPOKEN)
def test_more_words_hold_no_less_of_what_was_expected(expected: list[str], answer: list[str], more: list[str]) -> None:
    judge = Judge(None)
    less, whole = judge.signs(QUESTION, expected, answer), judge.signs(QUESTION, expected, answer + more)
    assert whole.words >= less.words
    assert whole.missing_numbers <= less.missing_numbers
    assert trigrams_held(expected, answer) <= 1


@given(SPOKEN, SPOKEN)
def test_what_lacks_a_number_or_contradicts_is_never_correct(expected: list[str], answer: list[str]) -> None:
    if Judge(None).signs(QUESTION, expected, answer).capped:
        assert judged(expected, answer).score < CORRECT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Parental leave has to be announced to the manager six weeks before it begins, in writing.", "lacks 7"),
        ("Parental leave has not to be announced to the manager seven weeks before it begins, in writing.", "denies"),
        (
            "Parental leave doesn't have to be announced to the manager seven weeks before it begins in writing",
            "denies",
        ),
    ],
)
def test_a_fact_that_was_changed_is_told(answer: str, reason: str) -> None:
    found = judged(EXPECTED, [answer])
    assert found.verdict == "partial"
    assert reason in found.reason


def test_another_name_in_the_same_sentence_is_told() -> None:
    expected = ["Requests for a laptop with more memory are approved by Karin Vogel of the help desk."]
    answer = ["Requests for a laptop with more memory are approved by Peter Lorenz of the help desk."]
    found = judged(expected, answer, "Who approves laptops?")
    assert found.verdict == "partial"
    assert "instead of" in found.reason


def test_a_short_fact_stands_in_the_answer_or_does_not() -> None:
    assert judged(["308"], ["In all, the defence gave away 308 points and not one more."]).score == 1
    assert judged(["$1,577.00"], ["Capital spending was 1577 million."]).score == 1
    assert judged(["308"], ["The defence gave away 309 points."]).verdict == "wrong"
    assert judged(["Denver Broncos"], ["It was won by the Chicago Broncos."]).verdict == "partial"
    assert judged(["The refund is allowed."], ["The refund is not allowed."], "Refund?").verdict != "correct"


def test_words_of_the_question_prove_nothing() -> None:
    echo = ["The notice for parental leave in Berlin is long, and somebody is told."]
    assert judged(EXPECTED, echo).verdict == "wrong"


@pytest.mark.parametrize(
    ("one", "other"),
    [("1,577.00", "1577"), ("1.577", "1,577"), ("0.50", "0.5"), ("007", "7"), ("seven", "7"), ("zwölf", "12")],
)
def test_a_number_is_the_same_however_it_is_written(one: str, other: str) -> None:
    assert tokens(one) == tokens(other)


def test_numbers_that_number_nothing_do_not_count() -> None:
    assert Facts.of(["1) install it, 2) run it; the F1 score of mp3 is 12%"]).numbers == {"12", "f1", "mp3"}


@pytest.mark.parametrize("piece", ["a-", "1,", "A.b", "not ", "'", "假", " ", "(1) "])
def test_time_is_linear(piece: str) -> None:
    def seconds(times: int) -> float:
        best = 9.0
        for _ in range(3):
            started = time.process_time()
            judged([piece * times], [piece * times])
            best = min(best, time.process_time() - started)
        return best

    assert seconds(16_000) < 40 * seconds(2_000) + 0.05
