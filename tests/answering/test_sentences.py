"""Sentences as spans, for scripts with and without spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["One is here.", "Two is there!", "Is three?", "Yes."],
        ["Dr. Lovelace met Mr. Babbage.", "They talked."],
        ["It costs 3.50 euros, e.g. for a meal.", "Ask i.e. the team."],
        ["Ada K. Lovelace wrote it.", "J. Smith read it."],
        ["Version 2.1 is out.", "See example.com/a.html for more."],
        ["Er zahlt z.B. die Miete bzw. Nr. 7.", "Gilt nach Abs. 3 nicht?", "Äpfel sind d.h. frei."],
        ['He said "stop."', "Then he left."],
        ["Ask ⟦PERSON_1·a7f3⟧.", "⟦EMAIL_1·a7f3⟧ is the address."],
        ["Use `make`.", "`make test` runs all."],
        ["No. 5 is alive."],
    ],
)
def test_marks_end_sentences_and_abbreviations_do_not(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


def test_scripts_without_spaces() -> None:
    assert sentences("検索は速い。文書は社内にある。なぜ?") == ["検索は速い。", "文書は社内にある。", "なぜ?"]
    assert sentences("你好！你是谁？") == ["你好！", "你是谁？"]


def test_headings_items_and_rows_stand_alone() -> None:
    items = "- First item\n- Second item\n\n| a | b |\n| c | d |\n1. One\n2. Two"
    assert sentences(f"# Travel policy\nAll trips need approval.\n\n{items}") == [
        "# Travel policy",
        "All trips need approval.",
        "- First item",
        "- Second item",
        "| a | b |",
        "| c | d |",
        "1. One",
        "2. Two",
    ]


@given(st.text(st.sampled_from('aB 1.!?…。？\n\t"”)([`⟦#-|é検'), max_size=80) | st.text(max_size=80))
def test_nothing_but_space_lies_outside_of_sentences(text: str) -> None:
    end = 0
    for start, stop in sentence_spans(text):
        assert start >= end
        assert not text[end:start].strip()
        assert text[start:stop] == text[start:stop].strip() != ""
        end = stop
    assert not text[end:].strip()
