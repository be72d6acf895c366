"""Our metrics against trec_eval's own, through ir_measures: graded, unjudged, missing and useless documents."""

from __future__ import annotations

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import AP, RR, R, nDCG

from hybridrag.evaluation import measured

OURS = {"ndcg@10": nDCG @ 10, "recall@10": R @ 10, "recall@100": R @ 100, "mrr@10": RR @ 10, "map@100": AP @ 100}
documents = st.integers(0, 150).map(lambda number: f"d{number}")
grades = st.dictionaries(documents, st.integers(0, 4), min_size=1, max_size=40)
rankings = st.lists(documents, unique=True, max_size=120)


def of_trec_eval(ranking: list[str], judged: dict[str, int]) -> dict[str, float]:
    # Ranks are turned into scores without ties: trec_eval would break them by name.
    run = {"q": {document: float(-rank) for rank, document in enumerate(ranking)}}
    found = {str(one.measure): one.value for one in ir_measures.iter_calc([*OURS.values()], {"q": judged}, run)}
    return {name: found[str(measure)] for name, measure in OURS.items()}


@given(rankings, grades)
def test_every_metric_is_that_of_trec_eval(ranking: list[str], judged: dict[str, int]) -> None:
    assert measured(ranking, judged) == pytest.approx(of_trec_eval(ranking, judged), abs=1e-9)


@given(rankings, grades)
def test_only_metrics_within_the_depth_are_given(ranking: list[str], judged: dict[str, int]) -> None:
    shallow = measured(ranking[:10], judged, depth=10)
    assert shallow.keys() == {"ndcg@10", "recall@10", "mrr@10"}
    whole = measured(ranking, judged)
    assert shallow == {name: whole[name] for name in shallow}


def test_a_question_without_a_relevant_document_counts_0() -> None:
    judged = {"d1": 0, "d2": 0}
    assert measured(["d1", "d2"], judged) == of_trec_eval(["d1", "d2"], judged) == dict.fromkeys(OURS, 0.0)


def test_grades_below_0_count_nothing() -> None:
    assert measured(["d1", "d2"], {"d1": -1, "d2": 1})["ndcg@10"] == pytest.approx(0.6309297535714575)
    assert measured(["d1"], {"d1": -1, "d2": 1}) == dict.fromkeys(OURS, 0.0)
