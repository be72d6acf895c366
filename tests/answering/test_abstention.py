"""How strong evidence is, and where the threshold lies."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering.abstention import (
    FEWEST,
    UNCALIBRATED,
    Answerability,
    Asked,
    Calibration,
    Evidence,
    answerability,
    asked,
    calibrated,
)

HOLDING = {"the": 900, "who": 200, "approv": 30, "trip": 8, "abroad": 2}
QUESTION = "who approv the trip abroad"


def words(text: str) -> list[tuple[str, ...]]:
    return [(word,) for word in text.split()]


def question(text: str = QUESTION) -> Asked:
    return asked(words(text), HOLDING, chunks=1000)


def judged(*evidence: tuple[float, str], floor: float = 0.0, text: str = QUESTION) -> Answerability:
    found = [Evidence(cosine, words(said)) for cosine, said in evidence]
    return answerability(question(text), found, mean_length=10, calibration=Calibration(floor=floor))


def test_rare_words_weigh_more() -> None:
    weights = question().weights
    assert weights["abroad",] > weights["trip",] > weights["who",] > weights["the",] > 0
    assert asked(words("unheard of"), HOLDING, chunks=1000).weights["unheard",] > weights["abroad",]


def test_the_strongest_chunk_counts() -> None:
    weak, strong = (0.4, "the canteen opens at noon"), (0.4, "a head of office can approv a trip abroad")
    assert judged(weak, strong).score == judged(strong).score > judged(weak).score
    assert judged(strong).signals["words"] > judged(weak).signals["words"]


def test_words_that_stand_together_say_more() -> None:
    together = judged((0.5, "they approv the trip abroad x x x x x"))
    apart = judged((0.5, "approv x x x the x x trip x x abroad"))
    assert together.signals["pairs"] > apart.signals["pairs"]
    turned = judged((0.5, "x abroad trip x"), text="trip abroad")
    assert turned.signals["pairs"] == 1


def test_any_form_of_a_word_counts() -> None:
    both = asked([("haus", "hauser")], {}, chunks=10)
    one = answerability(both, [Evidence(0.5, [("haus",)])], mean_length=1, calibration=Calibration())
    assert one.signals["words"] > 0


def test_nearness_counts_from_what_unrelated_texts_have() -> None:
    assert judged((0.2, "x"), floor=0.2).signals["nearness"] == pytest.approx(0)
    assert judged((1.0, "x"), floor=0.2).signals["nearness"] == pytest.approx(1)
    assert judged((0.6, "x"), floor=1.0).signals["nearness"] == 0


def test_without_evidence_or_words_nothing_is_strong() -> None:
    assert judged().score == 0
    assert judged().weak
    assert judged().hopeless
    assert judged((0.3, "who"), text="").score == pytest.approx(0.3)


def test_hopeless_is_far_below_weak() -> None:
    assert not Answerability(0.6, 0.6).weak
    assert Answerability(0.59, 0.6).weak
    assert not Answerability(0.59, 0.6).hopeless
    assert Answerability(0.1, 0.6).hopeless


@given(
    st.lists(
        st.tuples(st.floats(-1, 1), st.lists(st.sampled_from([*HOLDING, "other"]), max_size=30).map(" ".join)),
        max_size=6,
    ),
    st.floats(-0.5, 0.99),
)
def test_the_score_is_bounded_and_more_evidence_never_weakens_it(
    evidence: list[tuple[float, str]], floor: float
) -> None:
    verdict = judged(*evidence, floor=floor)
    assert all(signal <= 1 + 1e-9 for signal in verdict.signals.values())
    assert verdict.score <= 1 + 1.4 + 0.3
    if evidence:
        assert verdict.score >= max(judged(each, floor=floor).score for each in evidence) - 1e-9
    assert verdict.weak or not verdict.hopeless


@given(st.lists(st.floats(-1, 2.7), max_size=200))
def test_the_threshold_has_bounds(scores: Sequence[float]) -> None:
    found = calibrated(scores, floor=0.1)
    if len(scores) < FEWEST:
        assert (found.threshold, found.sentences) == (UNCALIBRATED, 0)
    else:
        assert 0.45 <= found.threshold <= 1.02
        assert found.sentences == len(scores)
    assert calibrated([*scores][::-1], floor=0.1) == found


def test_most_sentences_fall_below_the_threshold() -> None:
    scores = [0.5 + n / 1000 for n in range(200)]
    threshold = calibrated(scores, floor=0).threshold
    assert sum(score < threshold for score in scores) / len(scores) == pytest.approx(0.875, abs=0.01)
