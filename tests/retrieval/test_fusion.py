"""Fusion: standardised scores, weighted; each arm alone, both, neither."""

from __future__ import annotations

import math
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.retrieval import fuse
from hybridrag.retrieval.fusion import DENSE_WEIGHT

A, B, C, D = (UUID(int=number) for number in range(1, 5))
_scores = st.dictionaries(st.sampled_from([A, B, C, D]), st.floats(-1, 1), max_size=4)


def test_by_hand() -> None:
    fused = fuse({A: 0.9, B: 0.5, C: 0.4}, {B: 8.0, C: 2.0})
    dense = (np.array([0.9, 0.5, 0.4]) - 0.6) / np.std([0.9, 0.5, 0.4])
    lexical = (np.array([0.0, 8.0, 2.0]) - 10 / 3) / np.std([0.0, 8.0, 2.0])
    expected = 0.7 * dense + 0.3 * lexical
    assert [fused[key] for key in (A, B, C)] == pytest.approx(list(expected))


def test_the_best_of_both_is_first() -> None:
    assert next(iter(fuse({A: 0.9, B: 0.8, C: 0.1}, {B: 9.0, C: 1.0}))) == B


def test_one_arm_alone_keeps_its_order() -> None:
    assert list(fuse({A: 0.1, B: 0.9, C: 0.5}, {})) == [B, C, A]
    assert list(fuse({}, {A: 1.0, B: 9.0, C: 5.0})) == [B, C, A]


def test_what_only_the_lexical_arm_scored_counts_as_the_farthest() -> None:
    fused = fuse({A: 0.9, B: 0.2}, {C: 5.0})
    assert set(fused) == {A, B, C}
    assert fuse({A: 0.9, B: 0.2, C: 0.2}, {C: 5.0}) == fused


def test_scores_that_do_not_differ_say_nothing() -> None:
    assert list(fuse({A: 0.5, B: 0.5, C: 0.5}, {C: 3.0, B: 1.0})) == [C, B, A]
    assert fuse({A: 0.5}, {A: 3.0}) == {A: 0.0}
    assert fuse({B: 0.5, A: 0.5}, {B: 1.0, A: 1.0}) == {A: 0.0, B: 0.0}


def test_nothing_gives_nothing() -> None:
    assert fuse({}, {}) == {}


@given(dense=_scores, lexical=_scores, scale=st.floats(0.01, 100), shift=st.floats(-5, 5))
def test_every_candidate_once_best_first_whatever_the_scale(
    dense: dict[UUID, float], lexical: dict[UUID, float], scale: float, shift: float
) -> None:
    fused = fuse(dense, lexical)
    assert set(fused) == dense.keys() | lexical.keys()
    scores = list(fused.values())
    assert scores == sorted(scores, reverse=True)
    assert all(math.isfinite(score) for score in scores)
    assert list(fuse(dict(reversed(dense.items())), lexical).items()) == list(fused.items())
    if len(set(dense.values())) > 1 and np.std(list(dense.values())) > 1e-6:
        scaled = fuse({key: value * scale + shift for key, value in dense.items()}, lexical)
        assert [scaled[key] for key in fused] == pytest.approx(scores, abs=1e-6)


def test_the_weight_is_the_documented_one() -> None:
    assert DENSE_WEIGHT == 0.7
    dense, lexical = {A: 1.0, B: 0.0}, {B: 1.0}
    assert fuse(dense, lexical) == {A: pytest.approx(0.4), B: pytest.approx(-0.4)}
    assert list(fuse(dense, lexical, dense_weight=0.2)) == [B, A]
