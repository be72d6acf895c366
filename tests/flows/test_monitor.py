"""What comes of a run that is held against an earlier one, and which run later ones are held against."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from hybridrag.evaluation import Run
from hybridrag.evaluation.answers import Answered, Answers
from hybridrag.flows.monitor import ACCEPT, Outcome, hold_answers, hold_modes
from hybridrag.store.evaluations import Baseline
from tests.evaluation.made import run_of_rankings

GOOD, BAD = ["good"], ["bad"]


def measured(found: int, *, of: int = 40, mode: str = "hybrid", **others: Any) -> Run:
    """A run in which so many of the questions were answered, each with a metric of 1, the others with 0."""
    return run_of_rankings({mode: [GOOD] * found + [BAD] * (of - found)}, **others)


def against(run: Run, *earlier: Run, same: bool = True, metric: str = "ndcg@10") -> tuple[Outcome, Sequence[str]]:
    runs = dict(enumerate(earlier))
    held, notes = hold_modes(
        run,
        named=None,
        baselines=lambda _: [Baseline(number, same) for number in runs],
        load=runs.__getitem__,
        metric=metric,
    )
    return Outcome(run, held), notes


@pytest.mark.parametrize(
    ("before", "after", "max_drop", "verdict", "guards"),
    [
        (40, 40, 0.01, "same", True),
        (20, 40, 0.01, "better", True),
        (40, 20, 0.01, "dropped", False),
        (40, 20, 0.6, "same", False),
        (40, 20, ACCEPT, "accepted", True),
        (38, 39, 0.01, "same", True),
        (39, 38, 0.01, "same", False),
        (39, 38, ACCEPT, "same", True),
    ],
)
def test_a_baseline_moves_only_where_nothing_came_out_lower(
    before: int, after: int, max_drop: float, verdict: str, *, guards: bool
) -> None:
    found, _ = against(measured(after), measured(before, id=7))
    outcome = replace(found, max_drop=max_drop)
    assert (outcome.verdict, outcome.guards, outcome.new) == (verdict, guards, False)
    (row,) = outcome.rows()
    assert (row["mode"], row["run"], row["verdict"]) == ("hybrid", 7, verdict)
    assert row["difference"] == pytest.approx((after - before) / 40)


def test_small_falls_add_up_until_they_are_told() -> None:
    """Each night one more of 40 questions is lost. The baseline does not follow, so the sixth loss is beyond chance."""
    baseline, verdicts = measured(40, id=1), []
    for night in range(1, 8):
        outcome, _ = against(measured(40 - night, id=1 + night), baseline)
        verdicts.append(outcome.verdict)
        if outcome.guards:
            baseline = outcome.run
    assert verdicts == ["same"] * 5 + ["dropped"] * 2


def test_other_questions_are_held_against_what_both_share() -> None:
    earlier = measured(40, id=3)
    changed = replace(measured(20, texts=[f"question {n}" for n in range(39)] + ["a new one"]), asked="other")
    outcome, notes = against(changed, earlier, same=False)
    assert outcome.verdict == "dropped"
    assert outcome.held[0].comparison.main.questions == 39
    assert any("1 questions of run 3" in note for note in notes)

    others = measured(40, texts=[f"something else {n}" for n in range(40)])
    outcome, notes = against(changed, others, same=False)
    assert (outcome.verdict, outcome.new, outcome.guards) == (None, True, True)
    assert "hybrid has nothing to be held against yet" in notes
    outcome, _ = against(changed, others, earlier, same=False)
    assert outcome.verdict == "dropped", "the next one that shares some"


def test_another_generation_of_the_same_model_is_told() -> None:
    earlier = measured(40, id=3, configuration={"fingerprint": "f", "generation": 1})
    _, notes = against(measured(40, configuration={"fingerprint": "f", "generation": 2}), earlier)
    assert any("run 3" in note and "was measured on generation 1, this run on 2" in note for note in notes)
    _, notes = against(measured(40, configuration={"fingerprint": "g", "generation": 2}), earlier)
    assert any("was made otherwise: fingerprint" in note for note in notes)
    assert not any("generation" in note for note in notes)


def test_answers_are_held_against_the_first_baseline_that_shares_a_question() -> None:
    def answered(declined: int, key: str = "q") -> Run:
        rows = {f"{key}{n}": Answered(question=f"{key}{n}?", sources=(), declined=n < declined) for n in range(20)}
        answers = Answers(mode="extractive", provider=None, model=None, judge="words", asked="a", by_question=rows)
        return replace(run_of_rankings({"hybrid": [GOOD]}), modes={}, answers=answers)

    runs = {1: answered(20, "other"), 2: replace(answered(20), id=2)}

    def held(run: Run) -> Outcome:
        found, _ = hold_answers(
            run, named=None, baselines=lambda: [Baseline(n, same=False) for n in runs], load=runs.__getitem__
        )
        return Outcome(run, answers=found)

    fallen = held(answered(5))
    assert (fallen.verdict, fallen.guards) == ("dropped", False)
    assert [(row["mode"], row["metric"], row["run"]) for row in fallen.rows()] == [("answers", "declined", 2)]
    assert held(answered(19)).guards, "what a provider says varies: little is no sign"
    assert (held(answered(20, "new")).answers, held(answered(20, "new")).new) == (None, True)
