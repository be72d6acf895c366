"""Runs: their summaries, the form they are kept in, and what two of them differ in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from hybridrag.errors import UsageError
from hybridrag.evaluation import compare_runs, load_run, mean_interval, run_json
from tests.evaluation.made import run_of_rankings

FIRST = ["good", "a", "b"]
SECOND = ["a", "good", "b"]
NONE = ["a", "b"]


def test_a_summary_is_the_mean_with_its_interval_and_the_latency() -> None:
    run = run_of_rankings({"hybrid": [FIRST, SECOND, NONE, FIRST]})
    summary = run.summaries["hybrid"]
    assert summary.means["mrr@10"] == pytest.approx((1 + 0.5 + 0 + 1) / 4)
    assert summary.intervals["mrr@10"] == mean_interval([1, 0.5, 0, 1])
    assert summary.p50_ms == 2.5
    assert 3 < summary.p95_ms <= 4


def test_hybrid_is_held_against_the_better_arm() -> None:
    run = run_of_rankings({"hybrid": [FIRST, FIRST], "dense": [FIRST, SECOND], "lexical": [SECOND, NONE]})
    (found,) = run_json(run)["differences"]
    assert (found["before"], found["after"]) == ("dense", "hybrid")
    assert found["mrr@10"]["difference"] == 0.25
    assert run_of_rankings({"hybrid": [FIRST], "dense": [FIRST]}).better_arm() is None
    both = run_of_rankings({"hybrid": [SECOND], "hybrid+rerank": [FIRST], "dense": [NONE]})
    (reranked,) = run_json(both)["differences"]
    assert (reranked["before"], reranked["after"]) == ("hybrid", "hybrid+rerank")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    run = run_of_rankings({"hybrid": [FIRST, SECOND, NONE], "dense": [NONE, NONE, FIRST]}, id=7, notes=("a note",))
    file = tmp_path / "run.json"
    file.write_text(json.dumps(run_json(run)))
    assert load_run(file) == run


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "hybridrag.search/1"},
        {"questions": []},
        {"modes": {}},
        {"modes": {"lexical": {}}},
        {"questions": [{"id": "0", "question": 1, "relevant": {}, "modes": {}}]},
        {"documents": "many"},
        {"documents": math.inf},
        {"documents": 10**400},
        {"documents": -1},
        {"id": 0},
        {"at": "yesterday"},
        {"at": "0001-01-01T00:00:00+14:00"},
    ],
)
def test_another_object_is_no_run(tmp_path: Path, change: dict[str, Any]) -> None:
    file = tmp_path / "run.json"
    file.write_text(json.dumps(run_json(run_of_rankings({"hybrid": [FIRST]})) | change))
    with pytest.raises(UsageError, match=r"run\.json is no hybridrag\.eval/1"):
        load_run(file)


@pytest.mark.parametrize(
    "change", [{"ranks": {"good": 0}}, {"ranks": {"good": 1.5}}, {"ms": math.nan}, {"ms": -1}, {"ndcg@10": math.nan}]
)
def test_an_outcome_that_cannot_be_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    value = run_json(run_of_rankings({"hybrid": [FIRST]}))
    value["questions"][0]["modes"]["hybrid"] |= change
    file = tmp_path / "run.json"
    file.write_text(json.dumps(value))
    with pytest.raises(UsageError, match=r"run\.json is no hybridrag\.eval/1"):
        load_run(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", '"text"', "[" * 100_000, '{"schema": "hybridrag.eval/1"}', "null"])
def test_what_is_no_run_at_all_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "run.json"
    file.write_text(text)
    with pytest.raises(UsageError, match=r"run\.json"):
        load_run(file)
    with pytest.raises(UsageError, match="cannot be read"):
        load_run(tmp_path / "nowhere.json")


def test_questions_that_got_worse_come_with_their_ranks_and_what_stands_there_now() -> None:
    run = run_of_rankings({"a": [FIRST, SECOND, NONE, FIRST], "b": [FIRST, FIRST, NONE, ["x", "y", "good"]]})
    found = compare_runs(run, "a", run, "b", metric="mrr@10")
    assert found.means["mrr@10"] == pytest.approx((0.625, 7 / 12))
    (worse,), (better,) = found.worse, found.better
    assert (worse.question, worse.ranks, worse.instead) == ("3", {"good": (1, 3)}, "x")
    assert (better.question, better.ranks, better.instead) == ("1", {"good": (2, 1)}, "a")
    assert "no difference in mrr@10 can be told between a and b with 4 questions" in found.sentence


def test_the_most_come_first_and_a_difference_is_told_in_a_sentence() -> None:
    run = run_of_rankings({"a": [FIRST] * 12, "b": [SECOND] * 11 + [NONE]})
    found = compare_runs(run, "a", run, "b")
    assert found.worse[0].question == "11"
    assert found.worse[0].ranks == {"good": (1, None)}
    assert found.sentence.startswith("b is worse than a by .")
    assert found.falls(0.1)
    assert not found.falls(0.9)
    assert found.may_fall(0.3)
    back = compare_runs(run, "b", run, "a")
    assert back.sentence.startswith("a is better than b by .")
    assert not back.falls(0)
    assert not back.may_fall(0)


def test_runs_of_other_questions_share_what_they_share() -> None:
    first = run_of_rankings({"a": [FIRST] * 3}, texts=["one", "two", "three"], id=1)
    second = run_of_rankings({"a": [NONE] * 3}, texts=["one", "two", "four"], id=2)
    found = compare_runs(first, "a", second, "a")
    assert found.main.questions == 2
    assert len(found.notes) == 2
    assert "1 questions of run 1" in found.notes[0]
    with pytest.raises(UsageError, match="share no question"):
        compare_runs(first, "a", run_of_rankings({"a": [NONE]}, texts=["five"]), "a")
    with pytest.raises(UsageError, match="has no mode b"):
        compare_runs(first, "b", second, "a")
    with pytest.raises(UsageError, match="no metric ndcg@5"):
        compare_runs(first, "a", second, "a", metric="ndcg@5")
    judged = run_of_rankings({"a": [NONE] * 3}, texts=["one", "two", "four"], relevant="other")
    assert any("judged by different documents" in note for note in compare_runs(first, "a", judged, "a").notes)
