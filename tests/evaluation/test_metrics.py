"""nDCG against values worked out by hand from its definition, and the reader of BEIR folders."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hybridrag.errors import UsageError
from hybridrag.evaluation import load_beir, mean_ndcg, ndcg


def test_a_perfect_ranking_is_1_and_a_useless_one_0() -> None:
    assert ndcg(["a", "b", "c"], {"a": 1, "b": 1}) == 1.0
    assert ndcg(["c", "d"], {"a": 1, "b": 1}) == 0.0
    assert ndcg(["a"], {}) == 0.0


def test_the_gain_is_the_grade_and_the_discount_its_rank() -> None:
    dcg = 1 / math.log2(2) + 3 / math.log2(4)
    ideal = 3 / math.log2(2) + 1 / math.log2(3)
    assert ndcg(["b", "x", "a"], {"a": 3, "b": 1}) == pytest.approx(dcg / ideal)


def test_what_stands_below_the_depth_counts_nothing() -> None:
    ranking = [f"x{i}" for i in range(10)] + ["a"]
    assert ndcg(ranking, {"a": 1}) == 0.0
    assert ndcg(ranking, {"a": 1}, depth=11) == pytest.approx(1 / math.log2(12))


def test_the_mean_counts_a_query_without_a_ranking_as_0() -> None:
    assert mean_ndcg({"1": ["a"]}, {"1": {"a": 1}, "2": {"b": 1}}) == 0.5


def test_a_folder_is_read_and_unjudged_queries_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "corpus.jsonl").write_text('{"_id": "d1", "title": "T", "text": "x"}\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "one"}\n{"_id": "q2", "text": "two"}\n')
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\n")
    dataset = load_beir(tmp_path)
    assert dataset.queries == {"q1": "one"}
    assert dataset.qrels == {"q1": {"d1": 2}}
    assert list(dataset.documents()) == [("d1", "T", "x")]


def test_a_broken_folder_is_told_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no corpus\.jsonl"):
        load_beir(tmp_path)
    (tmp_path / "corpus.jsonl").write_text("{}\n")
    (tmp_path / "queries.jsonl").write_text('{"_id": "q1", "text": "one"}\nnot json\n')
    (tmp_path / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\n")
    with pytest.raises(UsageError, match=r"queries\.jsonl: line 2"):
        load_beir(tmp_path)
