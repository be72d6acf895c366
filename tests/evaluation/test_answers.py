"""What answers make together, and the form they are kept in."""

from __future__ import annotations

import json

import pytest

from hybridrag.evaluation.answer_report import answers_section
from hybridrag.evaluation.answers import Answered, Answers, Spent, answers_json, answers_of, changes
from hybridrag.evaluation.judge import Judgement


def answers(*rows: Answered, stopped: str = "") -> Answers:
    return Answers("provider", "p", "m", "words", "hash", {str(n): row for n, row in enumerate(rows)}, stopped)


def answered(score: float, *, sources: tuple[str, ...] = ("a",), cited: tuple[str, ...] = ("a",)) -> Answered:
    verdict = "correct" if score >= 0.5 else "wrong"
    judgement = Judgement(score, verdict, "why")  # type: ignore[arg-type]  # mypy takes the words for any text
    return Answered("q", sources, "x", "text <b>", cited=cited, supported=True, judgement=judgement, ms=10.0)


def test_each_metric_counts_the_questions_that_it_is_about() -> None:
    found = answers(
        answered(1.0, sources=("a", "b"), cited=("a", "c", "c", "b")),
        answered(0.0, cited=("c", "c", "c", "a")),
        Answered("declined in vain", ("a",), "x", declined=True, judgement=Judgement(0.0, "wrong", "")),
        Answered("declined", (), declined=True),
        Answered("made up", (), answer="text", cited=("c",)),
        Answered("broken", ("a",), "x", failure="no answer came"),
    )
    assert found.means == pytest.approx(
        {
            "correctness": 1 / 3,
            "citation_precision": (2 / 4 + 1 / 4) / 2,
            "citation_recall": 2 / 3,
            "source@3": 1 / 3,
            "grounded": 2 / 3,
            "declined": 1 / 2,
            "declined_in_vain": 1 / 3,
        }
    )
    assert found.counts == {
        "correctness": 3,
        "citation_precision": 2,
        "citation_recall": 3,
        "source@3": 3,
        "grounded": 3,
        "declined": 2,
        "declined_in_vain": 3,
    }
    assert found.verdicts == {"correct": 1, "partial": 0, "wrong": 1, "declined": 1}
    assert found.failed == {"5": "no answer came"}
    for name, (low, high) in found.intervals.items():
        assert low <= found.means[name] <= high


def test_a_sum_of_dollars_is_known_only_where_every_price_is() -> None:
    priced = Answered("q", (), spent=Spent(10, 5, 0.25))
    assert answers(priced, priced).spent == Spent(20, 10, 0.5)
    assert answers(priced, Answered("q", (), spent=Spent(1, 1, None))).spent == Spent(21 - 10, 6, None)
    assert answers(Answered("q", ())).spent is None


def test_what_is_kept_reads_back_and_holds_no_word_of_an_answer() -> None:
    found = answers(
        answered(0.75), Answered("u", (), declined=True, spent=Spent(1, 2, 0.5), first_token_ms=3.0), stopped="budget"
    )
    whole = json.loads(json.dumps(answers_json(found)))
    assert answers_of(whole) == found
    kept = json.loads(json.dumps(answers_json(found, texts=False)))
    assert "text <b>" not in json.dumps(kept) and "why" not in json.dumps(kept)
    again = answers_of(kept)
    assert (again.means, again.verdicts, again.latency) == (found.means, found.verdicts, found.latency)


@pytest.mark.parametrize(
    ("key", "value"), [("mode", "other"), ("questions", [{}]), ("questions", None), ("notes", 3), ("stopped", ...)]
)
def test_an_object_of_another_form_is_refused(key: str, value: object) -> None:
    written = answers_json(answers(answered(0.5)))
    written[key] = value
    if value is ...:
        del written[key]
    with pytest.raises((KeyError, TypeError, ValueError)):
        answers_of(written)


def test_a_fall_is_told_only_beyond_chance_and_in_the_direction_that_is_worse() -> None:
    good = answers(*[answered(0.9) for _ in range(12)], *[Answered("u", (), declined=True) for _ in range(12)])
    bad = answers(
        *[Answered("q", ("a",), "x", declined=True, judgement=Judgement(0.0, "wrong", "")) for _ in range(12)],
        *[Answered("u", (), answer="text") for _ in range(12)],
    )
    assert {change.metric: change.falls(0.01) for change in changes(good, bad)} == {
        "correctness": True,
        "declined": True,
        "declined_in_vain": True,
    }
    assert not any(change.falls(0.01) for change in changes(bad, good))
    assert not any(change.falls(0.01) for change in changes(good, good))
    assert changes(good, answers(Answered("another", ("a",)))) == []


def test_the_page_shows_answers_as_text() -> None:
    page = "".join(answers_section(answers(answered(0.2), Answered("<script>", (), failure="<i>"))))
    assert "<script>" not in page and "<i>" not in page
    assert "text &lt;b&gt;" in page
