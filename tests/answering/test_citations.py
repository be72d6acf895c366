"""Markers in an answer: what counts as one, and what becomes of those that name nothing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering import resolve
from tests.answering.hits import passages

THREE = passages("Meals cost 62 euros.", "Hotels cost 90 euros.", "Ask Ada.")


@pytest.mark.parametrize(
    ("text", "cleaned", "markers"),
    [
        ("62 euros [1].", "62 euros [1].", [1]),
        ("62 euros[1].", "62 euros[1].", [1]),
        ("62 and 90 [1, 2].", "62 and 90 [1][2].", [1, 2]),
        ("62 and 90 [1][2].", "62 and 90 [1][2].", [1, 2]),
        ("62 and 90 [1; 2].", "62 and 90 [1][2].", [1, 2]),
        ("All of it [1-3].", "All of it [1][2][3].", [1, 2, 3]),
        ("All of it [1–3].", "All of it [1][2][3].", [1, 2, 3]),
        ("All of it [1, 2-3].", "All of it [1][2][3].", [1, 2, 3]),
        ("Ask first [3]. 62 euros [1]. Ask [3].", "Ask first [3]. 62 euros [1]. Ask [3].", [3, 1]),
        ("62 euros [01].", "62 euros [1].", [1]),
        ("Nothing is cited.", "Nothing is cited.", []),
        ("", "", []),
    ],
)
def test_markers_that_name_a_passage(text: str, cleaned: str, markers: list[int]) -> None:
    found, _, citations, warnings = resolve(text, THREE)
    assert found == cleaned
    assert [citation.marker for citation in citations] == markers
    assert [citation.quote for citation in citations] == [THREE[number - 1].text for number in markers]
    assert warnings == []


@pytest.mark.parametrize(
    ("text", "cleaned", "unknown"),
    [
        ("62 euros [7].", "62 euros.", [7]),
        ("62 euros [0].", "62 euros.", [0]),
        ("62 euros [1, 9].", "62 euros [1].", [9]),
        ("62 euros [1][9] and [9].", "62 euros [1] and.", [9]),
        ("All of it [2-5].", "All of it [2][3].", [4, 5]),
        ("Backwards [3-1].", "Backwards [3][1].", []),
        ("Far [1-900].", "Far [1].", [900]),
    ],
)
def test_markers_that_name_nothing_are_taken_out_and_told(text: str, cleaned: str, unknown: list[int]) -> None:
    found, _, _, warnings = resolve(text, THREE)
    assert found == cleaned
    assert [int(number) for warning in warnings for number in re.findall(r"\d+", warning)] == unknown


@pytest.mark.parametrize(
    "text",
    [
        "Use `items[0]` and `items[7]` [1].",
        "Like this [1]:\n```python\nprint(items[0], items[9])\n```",
        "Between [10-20] and [100, 200] people [2].",
        "In [2024] or [a1] or [] or [x] [1].",
        "A [link](https://example.com/1) [3].",
    ],
)
def test_other_brackets_are_left_alone(text: str) -> None:
    found, _, citations, warnings = resolve(text, THREE)
    assert found == text
    assert len(citations) == 1
    assert warnings == []


def test_each_sentence_has_its_markers() -> None:
    text = "Meals are 62 euros [1]. Hotels are 90 euros. [2] Nobody knows why.\n- Ask Ada [3][1]\n- Or not [8]"
    _, found, _, _ = resolve(text, THREE)
    assert [(s.text, s.markers, s.supported) for s in found] == [
        ("Meals are 62 euros.", (1,), True),
        ("Hotels are 90 euros.", (2,), True),
        ("Nobody knows why.", (), False),
        ("- Ask Ada", (3, 1), True),
        ("- Or not", (), False),
    ]


@given(
    st.lists(
        st.sampled_from(["[1]", "[2, 3]", "[9]", "[1-2]", "[", "]", "`", "```", ". ", "Yes", "\n", " ", "[0]", "[5-7]"])
        | st.text(max_size=4),
        max_size=20,
    ).map("".join)
)
def test_any_answer_resolves_to_known_passages(text: str) -> None:
    cleaned, sentences, citations, _ = resolve(text, THREE)
    markers = [citation.marker for citation in citations]
    assert set(markers) <= {1, 2, 3}
    assert len(markers) == len(set(markers))
    again, _, citations_again, warnings = resolve(cleaned, THREE)
    assert (again, warnings) == (cleaned, [])
    assert citations_again == citations
    assert all(sentence.text or sentence.markers for sentence in sentences)
