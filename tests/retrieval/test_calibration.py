"""The weight of the dense arm: what it rises and falls with, by hand, and that nothing breaks it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.retrieval.calibration import (
    DEFAULT_WEIGHT,
    SAMPLE,
    Background,
    background,
    pack,
    query_weight,
    sampled,
    unmatched_share,
    unpack,
)

BACKGROUND = Background(mean=0.1, deviation=0.1)


def _weight(
    dense: dict[int, float],
    lexical: dict[int, float],
    *,
    background: Background | None = BACKGROUND,
    searched: int = 1000,
    unmatched: float = 0.0,
) -> float:
    return query_weight(dense, lexical, background=background, searched=searched, unmatched=unmatched)


def _falling(best: float, number: int = 100) -> dict[int, float]:
    """Cosines from `best` down to the background's mean."""
    return {i: best - (best - 0.1) * i / number for i in range(number)}


FLAT = {i: 10.0 + i % 3 for i in range(100)}
PEAKED = {0: 30.0} | {i: 3.0 + i % 3 for i in range(1, 100)}


def test_by_hand() -> None:
    # Blom's quantiles of the two best of 20 draws: 1 - .5/20 and 1 - 1.5/20.
    chance = (1.959964 + 1.439531) / 2
    above = (0.45 - 0.1) / 0.1 - chance
    outstanding = 0.0  # of two candidates the mean of both is 0, whatever they are
    expected = 1 / (1 + math.exp(-(0.25 + 0.75 * above - 0.4 * outstanding + 1.5 * 0.2)))
    assert _weight({1: 0.5, 2: 0.4}, {1: 3.0}, searched=20, unmatched=0.2) == pytest.approx(expected, abs=1e-6)


def test_by_hand_where_the_lexical_arm_stands_out() -> None:
    dense = {i: 0.5 - 0.01 * i for i in range(10)}
    lexical = dict.fromkeys(range(5), 8.0)  # five at one deviation above the mean, five at one below
    chance = (1.644854 + 1.036433 + 0.674490 + 0.385320 + 0.125661) / 5
    expected = 1 / (1 + math.exp(-(0.25 + 0.75 * ((0.48 - 0.1) / 0.1 - chance) - 0.4 * 1.0)))
    assert _weight(dense, lexical, searched=10) == pytest.approx(expected, abs=1e-6)


def test_cosines_that_stand_out_raise_it() -> None:
    assert _weight(_falling(0.7), FLAT) > _weight(_falling(0.5), FLAT) > _weight(_falling(0.4), FLAT)


def test_cosines_that_chance_explains_leave_the_lexical_arm_its_say() -> None:
    random = np.random.default_rng(0)
    noise = sorted(random.normal(0.1, 0.1, 1000).tolist(), reverse=True)[:100]
    assert _weight(dict(enumerate(noise)), PEAKED) < 0.5 < _weight(_falling(0.7), PEAKED)


def test_the_same_best_cosine_is_worth_less_among_more_chunks() -> None:
    weights = [_weight(_falling(0.5), FLAT, searched=searched) for searched in (100, 1000, 100_000)]
    assert weights == sorted(weights, reverse=True)
    assert weights[0] > weights[2] + 0.1


def test_lexical_scores_that_stand_out_lower_it() -> None:
    several = {i: 30.0 - i for i in range(5)} | {i: 3.0 + i % 3 for i in range(5, 100)}
    assert _weight(_falling(0.5), several) < _weight(_falling(0.5), PEAKED) < _weight(_falling(0.5), FLAT)


def test_what_no_chunk_holds_raises_it() -> None:
    weights = [_weight(_falling(0.5), PEAKED, unmatched=share) for share in (0.0, 0.3, 1.0)]
    assert weights == sorted(weights)
    assert weights[2] > weights[0] + 0.1


def test_the_scale_of_either_score_does_not_matter() -> None:
    weight = _weight(_falling(0.5), PEAKED)
    moved = {key: 0.8 + 0.2 * value for key, value in _falling(0.5).items()}
    narrow = Background(mean=0.82, deviation=0.02)
    assert _weight(moved, PEAKED, background=narrow) == pytest.approx(weight)
    assert _weight(_falling(0.5), {key: 7 * value for key, value in PEAKED.items()}) == pytest.approx(weight)


def test_without_a_background_or_cosines_it_is_the_default() -> None:
    assert _weight(_falling(0.9), PEAKED, background=None) == DEFAULT_WEIGHT
    assert _weight({}, PEAKED) == DEFAULT_WEIGHT


@given(
    dense=st.dictionaries(st.integers(0, 300), st.floats(-1, 1), min_size=1, max_size=60),
    lexical=st.dictionaries(st.integers(0, 300), st.floats(0, 1e4), max_size=60),
    mean=st.floats(-1, 1),
    deviation=st.floats(1e-6, 1),
    searched=st.integers(0, 10**9),
    unmatched=st.floats(0, 1),
)
def test_it_lies_between_the_arms_whatever_they_say(
    dense: dict[int, float],
    lexical: dict[int, float],
    mean: float,
    deviation: float,
    searched: int,
    unmatched: float,
) -> None:
    weight = _weight(dense, lexical, background=Background(mean, deviation), searched=searched, unmatched=unmatched)
    assert 0 < weight < 1


# --- what the question asks for in vain ------------------------------------------------------------------------------


def test_unmatched_by_hand() -> None:
    weights = [math.log(1 + (100 - held + 0.5) / (held + 0.5)) for held in (0, 10, 80)]
    share = weights[0] / (weights[0] + 2 * weights[1] + weights[2])
    assert unmatched_share([(1, 0), (2, 10), (1, 80)], chunks=100) == pytest.approx(share)


def test_unmatched_goes_from_nothing_to_all() -> None:
    assert unmatched_share([(1, 3), (1, 9)], chunks=10) == 0
    assert unmatched_share([(2, 0)], chunks=10) == 1
    assert unmatched_share([], chunks=10) == 1


@given(terms=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 1000)), max_size=20), chunks=st.integers(0, 500))
def test_unmatched_is_a_share(terms: list[tuple[int, int]], chunks: int) -> None:
    """Also where counts are a little old, and more chunks hold a term than there are."""
    assert 0 <= unmatched_share(terms, chunks=chunks) <= 1


# --- the sample ------------------------------------------------------------------------------------------------------


def test_a_small_collection_is_its_own_sample() -> None:
    assert sampled(0) == []
    assert sampled(1) == [0]
    assert sampled(SAMPLE) == list(range(SAMPLE))


@given(chunks=st.integers(0, 10**7))
def test_a_sample_is_spread_evenly(chunks: int) -> None:
    positions = sampled(chunks)
    assert len(positions) == len(set(positions)) == min(chunks, SAMPLE)
    assert positions == sorted(positions)
    assert all(0 <= position < chunks for position in positions)
    gaps = np.diff([-1, *positions, chunks])
    assert len(positions) < 2 or max(gaps[1:-1]) - min(gaps[1:-1]) <= 1


def test_a_background_is_of_the_cosines() -> None:
    sample = np.eye(8, dtype=np.float32)
    question = np.array([0.6, 0.8, 0, 0, 0, 0, 0, 0], dtype=np.float32)
    found = background(question, sample)
    assert found is not None
    assert found.mean == pytest.approx(1.4 / 8)
    assert found.deviation == pytest.approx(np.std([0.6, 0.8, 0, 0, 0, 0, 0, 0]))


def test_too_little_gives_no_background() -> None:
    question = np.full(4, 0.5, dtype=np.float32)
    assert background(question, np.eye(4, dtype=np.float32)[:3]) is None
    assert background(question, np.eye(4, dtype=np.float32)) is None  # all as far
    assert background(question, np.empty((0, 4), dtype=np.float32)) is None


def test_a_sample_comes_back_as_it_was_kept() -> None:
    vectors = np.random.default_rng(0).normal(size=(20, 7)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    packed = pack(vectors)
    assert len(packed) == 20 * 7 * 2
    back = unpack(packed, dimensions=7)
    assert back.dtype == np.float32
    assert np.abs(back - vectors).max() < 1e-3
    assert unpack(b"", dimensions=7).shape == (0, 7)


@pytest.mark.parametrize(("packed", "dimensions"), [(b"123", 1), (b"1234", 4), (b"1234", 0)])
def test_bytes_that_are_no_vectors_are_refused(packed: bytes, dimensions: int) -> None:
    with pytest.raises(ValueError, match="hold no vectors"):
        unpack(packed, dimensions=dimensions)
