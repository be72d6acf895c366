"""Fusion: standardised scores, weighted; each arm alone, both, neither; reciprocal ranks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.retrieval.fusion import fuse, reciprocal_ranks

A, B, C, D = range(1, 5)
_scores = st.dictionaries(st.sampled_from([A, B, C, D]), st.floats(-1, 1), max_size=4)
_weights = st.floats(0, 1)


def test_by_hand() -> None:
    fused = fuse({A: 0.9, B: 0.5, C: 0.4}, {B: 8.0, C: 2.0}, dense_weight=0.7)
    dense = (np.array([0.9, 0.5, 0.4]) - 0.6) / np.std([0.9, 0.5, 0.4])
    lexical = (np.array([0.0, 8.0, 2.0]) - 10 / 3) / np.std([0.0, 8.0, 2.0])
    expected = 0.7 * dense + 0.3 * lexical
    assert [fused[key] for key in (A, B, C)] == pytest.approx(list(expected))


def test_the_best_of_both_is_first() -> None:
    assert next(iter(fuse({A: 0.9, B: 0.8, C: 0.1}, {B: 9.0, C: 1.0}, dense_weight=0.5))) == B


@pytest.mark.parametrize("weight", [0.1, 0.5, 0.9])
def test_one_arm_alone_keeps_its_order(weight: float) -> None:
    assert list(fuse({A: 0.1, B: 0.9, C: 0.5}, {}, dense_weight=weight)) == [B, C, A]
    assert list(fuse({}, {A: 1.0, B: 9.0, C: 5.0}, dense_weight=weight)) == [B, C, A]


def test_what_only_the_lexical_arm_scored_counts_as_the_farthest() -> None:
    fused = fuse({A: 0.9, B: 0.2}, {C: 5.0}, dense_weight=0.7)
    assert set(fused) == {A, B, C}
    assert fuse({A: 0.9, B: 0.2, C: 0.2}, {C: 5.0}, dense_weight=0.7) == fused


def test_scores_that_do_not_differ_say_nothing() -> None:
    assert list(fuse({A: 0.5, B: 0.5, C: 0.5}, {C: 3.0, B: 1.0}, dense_weight=0.9)) == [C, B, A]
    assert fuse({A: 0.5}, {A: 3.0}, dense_weight=0.5) == {A: 0.0}
    assert list(fuse({B: 0.5, A: 0.5}, {B: 1.0, A: 1.0}, dense_weight=0.5)) == [A, B]


def test_the_weight_decides_between_arms_that_disagree() -> None:
    dense, lexical = {A: 1.0, B: 0.0}, {B: 1.0}
    assert fuse(dense, lexical, dense_weight=0.7) == {A: pytest.approx(0.4), B: pytest.approx(-0.4)}
    assert list(fuse(dense, lexical, dense_weight=0.2)) == [B, A]
    assert list(fuse(dense, lexical, dense_weight=1.0)) == [A, B]


def test_nothing_gives_nothing() -> None:
    assert fuse({}, {}, dense_weight=0.5) == {}
    assert reciprocal_ranks({}, {}) == {}


@given(dense=_scores, lexical=_scores, weight=_weights, scale=st.floats(0.01, 100), shift=st.floats(-5, 5))
def test_every_candidate_once_best_first_whatever_the_scale(
    dense: dict[int, float], lexical: dict[int, float], weight: float, scale: float, shift: float
) -> None:
    fused = fuse(dense, lexical, dense_weight=weight)
    assert set(fused) == dense.keys() | lexical.keys()
    scores = list(fused.values())
    assert scores == sorted(scores, reverse=True)
    assert all(math.isfinite(score) for score in scores)
    assert list(fuse(dict(reversed(dense.items())), lexical, dense_weight=weight).items()) == list(fused.items())
    if len(set(dense.values())) > 1 and np.std(list(dense.values())) > 1e-6:
        scaled = fuse({key: value * scale + shift for key, value in dense.items()}, lexical, dense_weight=weight)
        assert [scaled[key] for key in fused] == pytest.approx(scores, abs=1e-6)


def test_keys_of_any_kind_that_sorts() -> None:
    assert list(fuse({"b": 1.0, "a": 1.0}, {"c": 1.0}, dense_weight=0.0)) == ["c", "a", "b"]


def test_reciprocal_ranks_by_hand() -> None:
    fused = reciprocal_ranks({A: 0.9, B: 0.8, C: 0.7}, {C: 12.0, D: 3.0})
    assert fused == {C: 1 / 63 + 1 / 61, A: 1 / 61, B: 1 / 62, D: 1 / 62}
    assert list(fused) == [C, A, B, D]


def test_reciprocal_ranks_go_by_order_and_not_by_score() -> None:
    assert reciprocal_ranks({A: 0.1, B: 0.9}, {}) == {A: 1 / 61, B: 1 / 62}


@given(dense=_scores, lexical=_scores)
def test_reciprocal_ranks_hold_every_candidate_once_best_first(
    dense: dict[int, float], lexical: dict[int, float]
) -> None:
    fused = reciprocal_ranks(dense, lexical)
    assert set(fused) == dense.keys() | lexical.keys()
    assert list(fused.values()) == sorted(fused.values(), reverse=True)
    assert math.fsum(fused.values()) == pytest.approx(
        sum(1 / (60 + rank) for ranking in (dense, lexical) for rank in range(1, len(ranking) + 1))
    )
