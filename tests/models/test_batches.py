"""Batches: every text once, little padding, a bound on the size."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hybridrag.models.batches import batches


@given(lengths=st.lists(st.integers(1, 300), max_size=60), budget=st.integers(1, 2000))
def test_every_text_once_within_the_budget(lengths: list[int], budget: int) -> None:
    made = list(batches(lengths, budget))
    assert sorted(index for batch in made for index in batch) == list(range(len(lengths)))
    for batch in made:
        assert batch
        assert len(batch) == 1 or len(batch) * max(lengths[index] for index in batch) <= budget
        assert lengths[batch[0]] == max(lengths[index] for index in batch)
