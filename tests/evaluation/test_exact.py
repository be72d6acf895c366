"""Dense search in memory against a search written out, and the interval of a mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hybridrag.evaluation import dense_ndcg, mean_interval, ndcg
from hybridrag.evaluation.exact import rankings


def unit(random: np.random.Generator, rows: int) -> NDArray[np.float32]:
    found = random.normal(size=(rows, 8))
    lengths: NDArray[np.float64] = np.linalg.norm(found, axis=1, keepdims=True)
    return np.asarray(found / lengths, dtype=np.float32)


@given(st.integers(1, 40), st.integers(1, 6), st.integers(0, 1000), st.integers(1, 12))
def test_documents_rank_by_their_nearest_chunk(chunks: int, queries: int, seed: int, depth: int) -> None:
    random = np.random.default_rng(seed)
    vectors, asked = unit(random, chunks), unit(random, queries)
    owners = [f"d{number}" for number in random.integers(0, 10, chunks)]
    for query, found in zip(asked, rankings(vectors, owners, asked, depth=depth), strict=True):
        best = {
            owner: max(float(v @ query) for v, o in zip(vectors, owners, strict=True) if o == owner) for owner in owners
        }
        assert len(found) == min(depth, len(best))
        assert [best[name] for name in found] == pytest.approx(sorted(best.values(), reverse=True)[:depth], abs=1e-6)


def test_more_queries_than_are_scored_at_once() -> None:
    vectors = unit(np.random.default_rng(1), 600)
    owners = [str(number) for number in range(600)]
    assert [found[0] for found in rankings(vectors, owners, vectors)] == owners


def test_quality_is_that_of_each_ranking() -> None:
    vectors = np.eye(3, dtype=np.float32)
    grades = [{"a": 1}, {"c": 1}, {"nowhere": 1}]
    found = dense_ndcg(vectors, ["a", "b", "c"], vectors, grades)
    assert found == [1.0, 0.5, 0.0], "c is the third for b's query: of equal scores the earlier wins"
    assert dense_ndcg(vectors, ["a", "b", "c"], vectors[:1], [{"b": 1}]) == [ndcg(["a", "b", "c"], {"b": 1})]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_an_interval_holds_the_mean_and_is_the_same_every_time(values: list[float]) -> None:
    low, high = mean_interval(values)
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    assert low - 1e-9 <= float(np.mean(values)) <= high + 1e-9 or len(values) < 5
    assert mean_interval(values) == (low, high)


def test_an_interval_is_as_wide_as_theory_says() -> None:
    values = [0.0, 1.0] * 200
    low, high = mean_interval(values)
    assert high - low == pytest.approx(2 * 1.96 * 0.5 / 400**0.5, rel=0.1)
    with pytest.raises(ValueError, match="no values"):
        mean_interval([])
