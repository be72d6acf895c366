"""Texts that say nearly the same are found among many, and no others."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.retrieval import NearTexts, sketch, stacked
from hybridrag.retrieval.sketches import likeness

THRESHOLD = 0.9


def written(draw: random.Random, words: int) -> list[str]:
    """Words as often as texts have them (Zipf): a few very often, most seldom."""
    return [f"w{int(5_000 ** draw.random())}" for _ in range(words)]


def changed(draw: random.Random, words: Sequence[str]) -> list[str]:
    """The same with up to a tenth of the words replaced, dropped or added, or with a sentence more."""
    found, edits = list(words), max(1, round(len(words) * draw.uniform(0, 0.1)))
    if draw.random() < 0.3:
        at = draw.randrange(len(found))
        return found[:at] + written(draw, edits) + found[at:]
    for _ in range(edits):
        at = draw.randrange(len(found))
        found[at : at + draw.choice((0, 1, 1))] = [] if draw.random() < 0.3 else written(draw, 1)
    return found


@pytest.fixture(scope="module")
def texts() -> list[str]:
    draw = random.Random(8)
    found = [" ".join(written(draw, draw.choice((20, 40, 120, 400)))) for _ in range(100)]
    found += [" ".join(changed(draw, draw.choice(found[:60]).split())) for _ in range(150)]
    return found


@pytest.fixture(scope="module")
def alike(texts: list[str]) -> Mapping[tuple[int, int], float]:
    """Every pair that has something in common, each compared with each."""
    return {
        (one, other): likeness(texts[one], texts[other])
        for one in range(len(texts))
        for other in range(one + 1, len(texts))
        if abs(len(texts[one]) - len(texts[other])) < 0.5 * len(texts[one])
    }


def near(texts: Sequence[str], threshold: float = THRESHOLD) -> NearTexts:
    def texts_of(places: Sequence[int]) -> Mapping[int, str]:
        return {place: texts[place] for place in places}

    return NearTexts(stacked([sketch(text).hashes for text in texts]), threshold, texts_of)


@pytest.mark.parametrize("threshold", [0.8, 0.9, 0.95])
def test_pairs_are_those_of_brute_force(
    texts: list[str], alike: Mapping[tuple[int, int], float], threshold: float
) -> None:
    brute = {pair for pair, share in alike.items() if share >= threshold}
    found = {(one, other) for one, other, _ in near(texts, threshold).pairs()}
    assert len(brute) > 50
    assert found <= brute  # each was compared itself
    assert len(found) >= 0.98 * len(brute)


def test_groups_stand_round_their_first(texts: list[str]) -> None:
    groups = near(texts).groups()
    grouped = [place for group in groups for place in group]
    assert len(grouped) == len(set(grouped)) > 100
    for group in groups:
        first = next(iter(group))
        assert group[first] == 1.0
        for place, share in group.items():
            assert share >= THRESHOLD
            assert place == first or share == likeness(texts[first], texts[place])


def test_very_many_that_are_near_are_one_group() -> None:
    draw = random.Random(3)
    form = written(draw, 200)
    texts = [" ".join([*form[:100], f"number{number}", *form[101:]]) for number in range(300)]
    groups = near(texts).groups()
    assert [len(group) for group in groups] == [300]


def test_no_two_of_a_template_are_near() -> None:
    """Half of each is the same."""
    draw = random.Random(4)
    form = written(draw, 150)
    texts = [" ".join([*form, *written(draw, 150)]) for _ in range(200)]
    assert near(texts).groups() == []


def test_the_same_words_have_the_same_digest() -> None:
    text = "# Travel\n\nThe **meal allowance** is “40” days: see [here](x)."
    same = "travel the meal\nallowance IS 40 days, see here (x)"
    other = "travel the meal allowance is 41 days, see here x"
    assert sketch(text) == sketch(same)
    assert sketch(text).digest != sketch(other).digest
    assert sketch("...\n---") == sketch("")
    assert near([text, other]).groups() == [{0: 1.0, 1: likeness(text, other)}] or likeness(text, other) < THRESHOLD


def test_scripts_without_spaces_go_by_characters() -> None:
    text = "这项规定适用于所有员工的差旅费用,包括餐费和住宿费,自二零二四年一月起施行。各部门负责人应当严格执行。"
    changed = text.replace("餐费", "车费")
    assert sketch(text).words == 47
    assert likeness(text, changed) == pytest.approx(1 - 2 / 46)
    assert near([text, changed]).groups() == [{0: 1.0, 1: likeness(text, changed)}]


@given(st.text(), st.text())
def test_likeness_has_its_bounds(one: str, other: str) -> None:
    assert 0 <= likeness(one, other) <= 1
    assert likeness(one, other) == likeness(other, one)
    assert likeness(one, one) == (1.0 if sketch(one).words else 0.0)
