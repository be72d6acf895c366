"""Gate files, read strictly, and what a candidate must show."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridrag.errors import ConfigError
from hybridrag.evaluation.gate import ACTIVE, CANDIDATE, Gate, Regression, depth_for, doubts, failures, read_gate
from hybridrag.evaluation.overlap import Overlap
from tests.evaluation.made import run_of_rankings

FIRST, THIRD, NOT = ["good", "x", "y"], ["x", "y", "good"], ["x", "y", "z"]


def gate_file(folder: Path, text: str) -> Path:
    (folder / "questions.jsonl").write_text('{"question": "what?", "sources": ["a.md"]}\n')
    file = folder / "gate.toml"
    file.write_text(text)
    return file


def test_a_gate_file_says_what_is_demanded(tmp_path: Path) -> None:
    file = gate_file(
        tmp_path,
        """
        questions = "questions.jsonl"
        metric = "mrr@10"
        minimum = 0.5
        max_regression = 0
        confidence = 0.9
        minimum_questions = 50
        max_p95_ms = 250
        mode = "dense"
        """,
    )
    assert read_gate(file) == Gate(
        file=file,
        questions=tmp_path / "questions.jsonl",
        metric="mrr@10",
        mode="dense",
        confidence=0.9,
        minimum={"mrr@10": 0.5},
        max_regression={"mrr@10": 0.0},
        minimum_questions=50,
        max_p95_ms=250.0,
    )
    both = 'questions = "questions.jsonl"\nminimum = { "ndcg@10" = 0.6, "recall@100" = 0.9 }\nmax_regression = 0.02'
    gate = read_gate(gate_file(tmp_path, both))
    assert gate.minimum == {"ndcg@10": 0.6, "recall@100": 0.9}
    assert (gate.metrics, gate.depth, depth_for("ndcg@10")) == (("ndcg@10", "recall@100"), 100, 10)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("minimum = 0.5", "names no questions"),
        ('questions = "questions.jsonl"', "demands nothing"),
        ('questions = "questions.jsonl"\nminimum = {}', "demands nothing"),
        ('questions = "questions.jsonl"\nminimum_questions = 5', "demands nothing"),
        ('questions = "other.jsonl"\nminimum = 0.5', "there is nothing"),
        ('questions = ""\nminimum = 0.5', "questions is ''"),
        ("questions = 7\nminimum = 0.5", "questions is 7"),
        ('questions = "questions.jsonl"\nminimun = 0.5', "did you mean minimum?"),
        ('questions = "questions.jsonl"\ncommand = "rm"', "'command' is no key"),
        ('questions = "questions.jsonl"\nminimum = 0', "above 0, up to 1"),
        ('questions = "questions.jsonl"\nminimum = 1.5', "above 0, up to 1"),
        ('questions = "questions.jsonl"\nminimum = nan', "above 0, up to 1"),
        ('questions = "questions.jsonl"\nminimum = true', "minimum is true"),
        ('questions = "questions.jsonl"\nminimum = "much"', "minimum is 'much'"),
        ('questions = "questions.jsonl"\nminimum = { "ndcg@5" = 0.5 }', "names the metric 'ndcg@5'"),
        ('questions = "questions.jsonl"\nminimum.ndcg = 0.5', "names the metric 'ndcg'"),
        ('questions = "questions.jsonl"\nminimum = { "ndcg@10" = 5 }', "minimum.ndcg@10 is 5"),
        ('questions = "questions.jsonl"\nmax_regression = 1', "from 0 to below 1"),
        ('questions = "questions.jsonl"\nmax_regression = -0.1', "from 0 to below 1"),
        ('questions = "questions.jsonl"\nminimum = 0.5\nconfidence = 1', "from 0.5 to 0.999"),
        ('questions = "questions.jsonl"\nminimum = 0.5\nminimum_questions = 0.5', "a whole number"),
        ('questions = "questions.jsonl"\nmax_p95_ms = 0', "milliseconds, above 0"),
        ('questions = "questions.jsonl"\nmetric = "quality"\nminimum = 0.5', "one of ndcg@10"),
        ('questions = "questions.jsonl"\nmode = "hybrid+rerank"\nminimum = 0.5', "one of hybrid, dense, lexical"),
        ('questions = "questions.jsonl\nminimum = 0.5', "line 1"),
        ('questions = "questions.jsonl"\nminimum = 0.5\nminimum = 0.6\nmode = "dense"', "line 3"),
    ],
)
def test_a_gate_file_that_is_not_understood_is_refused(tmp_path: Path, text: str, told: str) -> None:
    file = gate_file(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        read_gate(file)
    assert told in f"{raised.value.message} {raised.value.hint}"
    assert str(file) in raised.value.message


def test_a_gate_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for file, told in (("gone.toml", "there is no gate file"), (".", "no regular file"), ("binary.toml", "UTF-8")):
        with pytest.raises(ConfigError, match=told):
            read_gate(tmp_path / file)


def told(gate: Gate, active: list[list[str]], candidate: list[list[str]]) -> list[str]:
    return list(failures(gate, run_of_rankings({ACTIVE: active, CANDIDATE: candidate})))


def gate(**demands: object) -> Gate:
    return Gate(file=Path("gate.toml"), questions=Path("questions.jsonl"), **demands)  # type: ignore[arg-type]


def test_each_demand_fails_by_itself_and_passes_when_it_is_met() -> None:
    same, worse = [FIRST] * 40, [FIRST] * 20 + [NOT] * 20
    assert told(gate(max_regression={"ndcg@10": 0.0}, minimum={"ndcg@10": 1.0}), same, same) == []
    (lower,) = told(gate(minimum={"ndcg@10": 0.6}), same, worse)
    assert ".500" in lower
    assert "0.6" in lower
    assert told(gate(minimum={"ndcg@10": 0.5}), same, worse) == []
    (lost,) = told(gate(max_regression={"ndcg@10": 0.1}), same, worse)
    assert "1.000 became .500, -.500 [-.6" in lost
    (few,) = told(gate(minimum={"ndcg@10": 0.5}, minimum_questions=41), same, same)
    assert "40 different questions" in few
    (slow,) = told(gate(max_p95_ms=20), same, same)
    assert "38.0 ms" in slow, "questions of run_of_rankings take 1, 2, ... milliseconds"
    assert told(gate(max_p95_ms=39), same, same) == []


def test_a_loss_within_chance_fails_only_where_more_cannot_be_ruled_out() -> None:
    active = [FIRST, THIRD] * 20
    candidate = [THIRD, FIRST] * 20
    wide = Regression.of(run_of_rankings({ACTIVE: active, CANDIDATE: candidate}), "ndcg@10", 0.99)
    narrow = Regression.of(run_of_rankings({ACTIVE: active, CANDIDATE: candidate}), "ndcg@10", 0.5)
    assert wide.mean == pytest.approx(0, abs=1e-9)
    assert wide.low < narrow.low < 0
    allowed = {"ndcg@10": (-wide.low - narrow.low) / 2}
    assert told(gate(max_regression=allowed, confidence=0.5), active, candidate) == []
    assert len(told(gate(max_regression=allowed, confidence=0.99), active, candidate)) == 1


def test_the_same_question_again_and_again_is_one_question() -> None:
    run = run_of_rankings({ACTIVE: [FIRST] * 9, CANDIDATE: [FIRST] * 9}, texts=["what?"] * 9)
    (few,) = failures(gate(minimum={"ndcg@10": 0.5}, minimum_questions=2), run)
    assert "1 different" in few
    assert any("fewer than 30" in one for one in doubts(gate(max_regression={"ndcg@10": 0.1}), run))


def test_overlap_is_of_documents() -> None:
    empty: list[str] = []
    run = run_of_rankings({"a": [FIRST, FIRST, ["p", "q"], empty], "b": [FIRST, THIRD, ["q", "r", "s", "t"], empty]})
    found = Overlap.of(run, "a", "b")
    assert found.at_10 == pytest.approx((1 + 1 + 0.25 + 1) / 4)
    assert found.same_first == 0.5
