"""Which sentences make an answer without a model."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering import best_sentences, candidate_sentences
from hybridrag.types import Passage
from tests.answering.hits import chunk, passages


def texts(*shown: str) -> list[str]:
    return [candidate.text for candidate in candidate_sentences(passages(*shown))]


def test_candidates_are_prose_and_come_once() -> None:
    allowance = "The allowance is 62 euros."
    text = f"# Meals\n\n{allowance} {allowance}\n\n```\ncode here is none\n```\n\n| a | b |\n|---|---|\n\nOK."
    assert texts(text, "The allowance\nis 62 euros. Ask the finance team.") == [allowance, "Ask the finance team."]
    for candidate in candidate_sentences(passages(text)):
        assert candidate.passage.text[candidate.start : candidate.end] == candidate.text


@pytest.mark.parametrize(
    "line",
    [
        "{* ../../docs_src/first_steps/tutorial001.py hl[3] *}",
        "{!> ../docs_src/body/main.py!}",
        "{% include 'header.html' %}",
        "/// note | Technical details here",
        "::: warning about something",
        "|---|:---|---|",
        "| --- | --- |",
        "---------------------- more of it",
        "<!-- a comment of the author -->",
        "![A picture of the office](office.png)",
        '<img src="https://example.com/a.png" alt="a picture">',
        "Before Implementing Embeddings Getting Started With Voyage Python Package Pricing And Limits",
        "Overview Setup Install Overview Setup Install Overview Setup Install",
        "get started install the package get started install the package get started",
    ],
)
def test_what_is_no_sentence_is_left_out(line: str) -> None:
    assert texts(f"{line}\n\nThe allowance is 62 euros.") == ["The allowance is 62 euros."]


@pytest.mark.parametrize(
    "line",
    [
        "Der Betriebsrat, die Geschäftsführung und der Vorstand haben der Regelung im März zugestimmt.",
        "- Ask the finance team",
        "| Meals | 62 euros a day |",
        "You can set the temperature to zero, so that answers vary less",
    ],
)
def test_what_says_something_stays(line: str) -> None:
    assert texts(f"{line}\n\nThe allowance is 62 euros.") == [line, "The allowance is 62 euros."]


def test_a_passage_of_code_alone_still_has_candidates() -> None:
    assert texts("```python\ndef load_settings(path):\n    return parse(path)\n```")


def test_an_item_reads_without_its_sign() -> None:
    (found,) = candidate_sentences(passages("1. Ask the finance\n   team first."))
    assert found.readable == "Ask the finance team first."
    assert found.text.startswith("1. ")


def test_a_candidate_is_compared_under_its_heading() -> None:
    under = Passage(1, chunk("It is 62 euros.", headings=("Travel", "Meals")), "It is 62 euros.")
    without = Passage(2, chunk("It is 90 euros.", title="Hotels"), "It is 90 euros.")
    assert [c.context for c in candidate_sentences([under, without])] == [
        "Meals: It is 62 euros.",
        "Hotels: It is 90 euros.",
    ]


def read(text: str, media_type: str = "text/markdown", head: str = "") -> list[str]:
    found = replace(chunk(text), head=head)
    found = replace(found, document=replace(found.document, media_type=media_type))
    return [each.readable for each in candidate_sentences([Passage(1, found, text)])]


def test_a_row_is_read_with_the_names_of_its_columns() -> None:
    below = "| Valve | 85 EUR |\n"
    table = f"| Item | Price |\n|---|---|\n{below}"
    assert read(table) == ["Item: Valve | Price: 85 EUR"]
    assert read(below, head=f"Table 2: prices\n{table.removesuffix(below)}") == ["Item: Valve | Price: 85 EUR"]
    assert read("| Valve \\| B | 85 EUR | 4 |", head=table) == ["Valve | B | 85 EUR | 4"]


def test_a_line_of_a_csv_file_is_read_so_too() -> None:
    assert read("Land;VAT\nItaly;22\nMalta;18\n", "text/csv") == ["Land: Italy | VAT: 22", "Land: Malta | VAT: 18"]
    assert read('"Pear, red";3\n', "text/csv", head="Fruit;Euros") == ["Fruit: Pear, red | Euros: 3"]
    assert read("Italy;22;is one\nMalta;18;is another\n", "text/csv") == ["Italy;22;is one", "Malta;18;is another"]


def test_short_data_is_one_candidate() -> None:
    data = '{\n  "retry": {\n    "limit": 7\n  },\n  "name": "billing"\n}'
    assert read(data, "application/json") == [" ".join(data.split())]


def test_short_sentences_of_other_scripts_count() -> None:
    assert texts("出張の食費は一日六十二ユーロです。はい。") == ["出張の食費は一日六十二ユーロです。"]


def unit(*values: float) -> list[float]:
    return [value / float(np.linalg.norm(values)) for value in values]


QUERY = np.array([1, 0], dtype=np.float32)


def test_the_nearest_come_in_reading_order() -> None:
    candidates = candidate_sentences(passages("First is near enough. Second is the nearest. Third is far away."))
    vectors = np.array([unit(1, 0.3), unit(1, 0), unit(0, 1)], dtype=np.float32)
    chosen = best_sentences(candidates, "?", query=QUERY, vectors=vectors)
    assert [c.text for c in chosen] == ["First is near enough.", "Second is the nearest."]


def test_each_of_the_best_passages_is_cited_before_one_is_cited_twice() -> None:
    candidates = candidate_sentences(passages("Alpha says much. Alpha says more. Alpha goes on.", "Beta says it too."))
    vectors = np.array([unit(1, 0), unit(1, 0.1), unit(1, 0.2), unit(1, 0.6)], dtype=np.float32)
    chosen = best_sentences(candidates, "?", query=QUERY, vectors=vectors)
    assert [c.text for c in chosen] == ["Alpha says much.", "Alpha says more.", "Beta says it too."]


def test_a_passage_far_from_the_question_is_not_cited() -> None:
    candidates = candidate_sentences(passages("Alpha says much.", "Beta is about trees."))
    vectors = np.array([unit(1, 0), unit(0.1, 1)], dtype=np.float32)
    assert [c.text for c in best_sentences(candidates, "?", query=QUERY, vectors=vectors)] == ["Alpha says much."]


def test_words_of_the_question_count_beside_nearness() -> None:
    candidates = candidate_sentences(passages("Nothing of the kind here.", "The hotel allowance is 90."))
    vectors = np.array([unit(1, 0.2), unit(1, 0.5)], dtype=np.float32)
    chosen = best_sentences(candidates, "hotel allowance?", query=QUERY, vectors=vectors)
    assert chosen[0].text == "The hotel allowance is 90."


def test_no_candidates_no_answer() -> None:
    empty = np.empty((0, 2), dtype=np.float32)
    assert best_sentences([], "anything", query=QUERY, vectors=empty) == []


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.floats(-1, 1), st.floats(-1, 1)).filter(lambda v: abs(v[1]) + abs(v[2]) > 0.1),
        max_size=12,
    )
)
def test_at_most_three_and_each_once(rows: list[tuple[int, float, float]]) -> None:
    by_marker = {marker: [n for n, row in enumerate(rows) if row[0] == marker] for marker in range(1, 5)}
    shown = [
        Passage(marker, chunk(text := " ".join(f"This is sentence number {n}." for n in numbers)), text)
        for marker, numbers in by_marker.items()
        if numbers
    ]
    candidates = candidate_sentences(shown)
    ordered = [rows[n] for numbers in by_marker.values() for n in numbers]
    vectors = np.array([unit(*row[1:]) for row in ordered], dtype=np.float32).reshape(-1, 2)
    chosen = best_sentences(candidates, "sentence?", query=QUERY, vectors=vectors)
    assert len(chosen) <= 3
    assert bool(chosen) == bool(rows)
    assert len({id(c) for c in chosen}) == len(chosen)


@pytest.mark.parametrize("hostile", ["{*" * 50_000, "<a" * 50_000, "| " * 50_000, "Aa " * 50_000, "{%" + " " * 100_000])
def test_hostile_text_costs_no_more_than_its_length(hostile: str) -> None:
    started = time.perf_counter()
    candidate_sentences(passages(hostile))
    assert time.perf_counter() - started < 5
