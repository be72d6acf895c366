"""Paired differences: their intervals and the randomisation test, against theory and against every permutation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.evaluation import paired_difference

shares = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)


@given(shares)
def test_the_other_way_round_is_the_same_with_another_sign(pairs: list[tuple[float, float]]) -> None:
    before, after = [a for a, _ in pairs], [b for _, b in pairs]
    there, back = paired_difference(before, after), paired_difference(after, before)
    assert there.mean == pytest.approx(-back.mean, abs=1e-12)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    assert there.p == back.p
    assert 0 < there.p <= 1
    assert there.low - 1e-9 <= there.mean <= there.high + 1e-9 or len(pairs) < 5
    assert paired_difference(before, after) == there, "the same every time"


def test_p_is_that_of_all_permutations() -> None:
    differences = [0.3, 0.1, -0.2, 0.25, 0.4, 0.05, -0.1, 0.2, 0.15, 0.3]
    means = [np.mean([s * d for s, d in zip(signs, differences, strict=True)]) for signs in
             itertools.product((-1, 1), repeat=len(differences))]  # fmt: skip
    exact = np.mean(np.abs(means) >= np.mean(differences) - 1e-12)
    assert paired_difference([0.0] * 10, differences).p == pytest.approx(float(exact), abs=0.01)


def test_few_questions_tell_nothing_however_they_agree() -> None:
    few = paired_difference([0.5] * 3, [0.6] * 3)
    assert few.low > 0
    assert few.p > 0.2
    assert not few.told
    many = paired_difference([0.5] * 30, [0.6] * 30)
    assert many.told
    assert many.p < 0.001


def test_nothing_changed_is_no_difference() -> None:
    same = paired_difference([0.1, 0.9], [0.1, 0.9])
    assert (same.mean, same.low, same.high, same.p, same.told) == (0, 0, 0, 1.0, False)


def test_chance_alone_is_seldom_taken_for_a_difference() -> None:
    random = np.random.default_rng(7)
    told = sum(
        paired_difference(random.random(60).tolist(), random.random(60).tolist()).told for _ in range(100)
    )  # fmt: skip
    assert told <= 12, "5 are expected of 100; more than 12 would happen once in a thousand times"


def test_more_questions_than_are_drawn_at_once() -> None:
    values = (np.arange(3000) % 7 / 7).tolist()
    found = paired_difference(values, [min(value + 0.01, 1) for value in values])
    assert found.told
    assert found.mean == pytest.approx(0.01, abs=1e-3)


def test_questions_must_pair() -> None:
    with pytest.raises(ValueError, match="argument 2"):
        paired_difference([0.1], [0.1, 0.2])
    with pytest.raises(ValueError, match="no values"):
        paired_difference([], [])
