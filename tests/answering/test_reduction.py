"""What of the passages is kept for a question: whole units, under a budget, and no span is ever cut."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrag.answering import Reduced, reduced
from hybridrag.answering.citations import Marked, cited
from hybridrag.answering.selection import Room
from hybridrag.types import Label, Passage, Sentence, Span
from tests.answering.hits import chunk, passage_over, passages

WORDS = 512
CHARACTERS = 12_000


def vector(text: str) -> list[float]:
    """A bag of words as a vector: texts with words in common are near."""
    counts = np.zeros(WORDS, dtype=np.float32)
    counts[0] = 0.1  # no text is without a direction
    for word in text.casefold().split():
        counts[1 + zlib.crc32(word.strip(".,?!:").encode("utf-8", "replace")) % (WORDS - 1)] += 1
    return list(counts / np.linalg.norm(counts))


def embed(texts: Sequence[str]) -> np.ndarray:
    return np.array([vector(text) for text in texts], dtype=np.float32).reshape(-1, WORDS)


def reduce(
    given: Sequence[Passage],
    question: str,
    *,
    spans: dict[int, list[Span]] | None = None,
    budget: int = CHARACTERS,
    room: Room | None = None,
) -> tuple[Reduced, ...]:
    characters = dict.fromkeys(Label, budget)
    query = np.array(vector(question), dtype=np.float32)
    return reduced(given, question, spans=spans or {}, query=query, embed=embed, characters=characters, room=room)


def one(text: str, question: str, *, spans: Sequence[Span] = (), budget: int = CHARACTERS) -> Reduced:
    (result,) = reduce(passages(text), question, spans={1: list(spans)}, budget=budget)
    return result


def labelled(text: str, label: Label, marker: int) -> Passage:
    stored = chunk(text)
    return Passage(marker, replace(stored, document=replace(stored.document, label=label)), text)


# --- what is chosen --------------------------------------------------------------------------------------------------

POLICY = """# Travel policy

The allowance for meals is 62 euros a day. Hotels are booked by the office.

# Parking

Bicycles stand downstairs beside an old press. Scooters need a permit from reception.

Cars are left outside. Nobody minds."""


def test_what_is_near_stays_under_its_heading_and_the_rest_goes() -> None:
    result = one(POLICY, "Which allowance for meals?")
    assert (
        result.text == "# Travel policy\n\nThe allowance for meals is 62 euros a day. Hotels are booked by the office."
    )


FAR = (
    "Bicycles stand downstairs beside an old press. Scooters need a permit which reception hands out. "
    "Cars are left outside under some trees. Nobody minds them there."
)


def test_a_gap_shows() -> None:
    text = f"The allowance for meals is 62 euros. {FAR} An allowance for meals is paid monthly."
    result = one(text, "allowance for meals")
    # What stands beside a near sentence stays for its sense.
    assert result.text == (
        "The allowance for meals is 62 euros. Bicycles stand downstairs beside an old press. […] "
        "Nobody minds them there. An allowance for meals is paid monthly."
    )
    assert "\n[…]\n" in one(text.replace(". ", ".\n\n"), "allowance for meals").text


def test_what_is_all_near_is_kept_whole() -> None:
    text = "The allowance for meals is 62 euros. The allowance for hotels is 120 euros."
    result = one(text, "What is the allowance?")
    assert result.kept == ((0, len(text)),)
    assert result.text == text


def test_a_row_brings_the_head_of_its_table() -> None:
    rows = "".join(f"| room {n} | floor {n} | nobody in particular |\n" for n in range(20))
    table = f"| name | place | keeper |\n|---|---|---|\n{rows}| laboratory | cellar | Grete |\n"
    result = one(table, "Who keeps the laboratory in the cellar?")
    assert result.text.startswith("| name | place | keeper |\n|---|---|---|\n")
    assert "| laboratory | cellar | Grete |" in result.text
    assert len(result.text) < len(table) / 2


def test_a_block_of_code_stays_whole_with_the_line_that_leads_to_it() -> None:
    code = "```python\nfor widget in shelf:\n    widget.polish()\n\n    widget.close()\n```"
    text = f"Polish every widget:\n\n{code}\n\nScooters are outside.\n\n{FAR}"
    assert one(text, "polish widget").text == f"Polish every widget:\n\n{code}\n\nScooters are outside."


def test_an_item_brings_the_line_that_leads_to_the_list() -> None:
    others = "".join(f"- Number {n} is something else entirely which nobody ever asks about\n" for n in range(9))
    result = one(f"These are the fees:\n{others}- A passport costs 70 euros\n", "What does a passport cost?")
    assert result.text.startswith("These are the fees:\n[…]\n- Number 8 ")
    assert result.text.endswith("\n- A passport costs 70 euros")


def test_a_passage_far_from_the_question_is_left_out() -> None:
    near, far = reduce(
        passages("The allowance for meals is 62 euros.", "Bicycles stand downstairs."), "allowance for meals"
    )
    assert near.kept
    assert far.kept == () and far.text == "" and far.chunks == ()


def test_a_copy_in_another_passage_is_kept_once() -> None:
    first, second = reduce(passages("The allowance is 62 euros.", "The allowance is 62 euros."), "allowance")
    assert first.kept and not second.kept
    other = Passage(2, chunk("The allowance is 62 euros.", title="Hotels"), "The allowance is 62 euros.")
    assert all(result.kept for result in reduce([*passages("The allowance is 62 euros."), other], "allowance"))


def test_a_sentence_that_is_said_twice_is_kept_once_but_a_row_is_not() -> None:
    said = "The allowance is 62 euros a day."
    assert one(f"{said} {said} {said}", "Which allowance?").text == said
    assert one("| 62 | euros |\n| 62 | euros |", "euros").text == "| 62 | euros |\n| 62 | euros |"
    apart = f"# Meals\n\n{said}\n\n# Hotels\n\n{said}"
    assert one(apart, "Which allowance?").text == apart


LONG = (
    "The allowance for meals on a journey abroad is 62 euros a day and is paid by the office after the traveller has "
    "handed in all receipts"
)


def test_of_two_sentences_that_say_the_same_in_two_files_one_is_kept() -> None:
    first, second = reduce(passages(f"{LONG}.", f"So {LONG}!"), "What is the allowance for meals?")
    assert bool(first.kept) != bool(second.kept)


def test_a_sentence_that_differs_in_a_number_alone_is_kept_too() -> None:
    given = passages(f"{LONG}.", f"{LONG.replace('62', '48')}.")
    assert all(result.kept for result in reduce(given, "What is the allowance for meals?"))


def test_what_adds_something_goes_before_what_was_said() -> None:
    said = "The allowance for meals abroad is 62 euros a day, says the office."
    again = "The allowance for meals abroad is 62 euros a day, writes the office."
    new = "Meals in a canteen take 20 euros off the allowance for that very day."
    text = f"{said} {again} {new}"
    kept = one(text, "What is the allowance for meals abroad?", budget=len(said) + len(new) + 2).text
    assert new in kept and (said in kept) != (again in kept)


def test_a_heading_that_is_all_of_the_question_hides_nothing() -> None:
    text = "# Fees for meals\n\n## Other\n\nScooters are outside."
    assert one(text, "fees for meals").text == text


def test_headings_alone_can_be_kept() -> None:
    assert one("# Fees\n\n# Meals", "What are the fees for meals?").text == "# Fees\n\n# Meals"


# --- spans -----------------------------------------------------------------------------------------------------------


def test_a_border_inside_a_span_is_none() -> None:
    text = "The office is at St. Peter 5. Vienna is far and nobody would ever go there for any reason at all, I hear."
    start = text.index("Peter")
    address = Span(start, text.index(" is far"), "ADDRESS", "t")
    result = one(text, "Where is the office?", spans=[address])
    assert text[address.start : address.end] in result.text


def test_known_spans_move_with_the_text() -> None:
    text = f"Scooters belong to ann@example.org. {FAR} Meals cost 62 euros, says bob@example.org."
    found = [Span(text.index(who), text.index(who) + 15, "EMAIL", "t") for who in ("ann@", "bob@")]
    result = one(text, "What do meals cost?", spans=found)
    assert [result.text[s.start : s.end] for s in result.kept_spans(found)] == ["bob@example.org"]


# --- budgets ---------------------------------------------------------------------------------------------------------


def test_stricter_labels_have_less_and_count_for_the_looser_ones() -> None:
    sentences = [f"Fee number {n} is due on day {n} of the month and is paid to desk {n}." for n in range(60)]
    text = " ".join(sentences)
    given = [
        labelled(text, Label.CONFIDENTIAL, 1),
        labelled(text.replace("desk", "office"), Label.INTERNAL, 2),
    ]
    query = np.array(vector("Which fee is due?"), dtype=np.float32)
    bounds = {Label.INTERNAL: 1_000, Label.CONFIDENTIAL: 400}
    results = reduced(given, "Which fee is due?", spans={}, query=query, embed=embed, characters=bounds)
    sizes = [sum(end - start for start, end in result.kept) for result in results]
    assert 0 < sizes[0] <= 400
    assert 400 < sum(sizes) <= 1_000


def test_a_label_without_a_budget_is_an_error() -> None:
    query = np.array(vector("?"), dtype=np.float32)
    with pytest.raises(KeyError):
        reduced(passages("Anything."), "?", spans={}, query=query, embed=embed, characters={Label.PUBLIC: 1})


def in_bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def around(passage: Passage) -> str:
    return f"--- {passage.marker} ---"


def test_no_room_is_no_passage_and_much_room_changes_nothing() -> None:
    given = passages(POLICY, "The allowance for hotels is 120 euros.")
    assert not any(r.kept for r in reduce(given, "Which allowance?", room=Room(0, in_bytes, around)))
    assert reduce(given, "Which allowance?", room=Room(100_000, in_bytes, around)) == reduce(given, "Which allowance?")


# --- citations -------------------------------------------------------------------------------------------------------


def test_the_chunks_that_leave_are_told_and_citations_stay_exact() -> None:
    passage = passage_over(
        chunk("The allowance for meals is 62 euros.", headings=("Meals",)),
        chunk(FAR, headings=("Parking",)),
        chunk(FAR.replace("Nobody", "No man"), headings=("Trees",)),
    )
    (result,) = reduce([passage], "What is the allowance for meals?")
    assert [part.headings for part in result.chunks] == [("Meals",), ("Parking",)]
    said = Sentence("The allowance is 62 euros.", markers=(1,), supported=True)
    (citation,) = cited({1: result.passage}, [Marked(said, {})])
    assert citation.quote == "The allowance for meals is 62 euros."


# --- any text --------------------------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("aB 1.:!?。\n\t|-#`*•é检ש\u200f\u2028⟦"), max_size=200) | st.text(max_size=100)


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(TEXTS)
    bounds = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(bounds, bounds), max_size=6))
    return text, [Span(a, b, "NAME", "t") for a, b in pairs if a < b]


@given(st.lists(texts_with_spans(), max_size=4), TEXTS, st.integers(0, 300))
@settings(max_examples=300)
def test_for_any_text_ranges_lie_in_it_cut_no_span_and_keep_to_the_budget(
    parts: list[tuple[str, list[Span]]], question: str, budget: int
) -> None:
    given_passages = passages(*(text for text, _ in parts))
    spans = {number: found for number, (_, found) in enumerate(parts, start=1)}
    results = reduce(given_passages, question, spans=spans, budget=budget)
    assert [result.passage for result in results] == given_passages
    assert sum(end - start for result in results for start, end in result.kept) <= budget
    for result in results:
        text = result.passage.text
        before = -1
        for start, end in result.kept:
            assert before < start < end <= len(text)
            before = end
        for span in spans[result.passage.marker]:
            inside = sum(max(0, min(end, span.end) - max(start, span.start)) for start, end in result.kept)
            assert inside in (0, span.end - span.start)
        kept = result.kept_spans(spans[result.passage.marker])
        originals = sorted(
            text[span.start : span.end]
            for span in spans[result.passage.marker]
            if any(start <= span.start < end for start, end in result.kept)
        )
        assert sorted(result.text[span.start : span.end] for span in kept) == originals
    assert results == reduce(given_passages, question, spans=spans, budget=budget)


@given(st.lists(TEXTS, max_size=4), TEXTS, st.integers(0, 300))
def test_for_any_text_what_is_kept_has_room_with_all_that_stands_around(
    parts: list[str], question: str, tokens: int
) -> None:
    kept = [r for r in reduce(passages(*parts), question, room=Room(tokens, in_bytes, around)) if r.kept]
    assert in_bytes("".join(around(r.passage) + r.text for r in kept)) <= tokens


@given(TEXTS, TEXTS)
def test_something_is_kept_of_any_text_that_fits(text: str, question: str) -> None:
    assert bool(one(text, question, budget=10_000).kept) == bool(text.strip())


@pytest.mark.parametrize(
    "text",
    [
        "a" * 1_000_000,
        "\n" * 1_000_000,
        "A. " * 333_333,
        "检索很快" * 250_000,
        "שלום עולם " * 100_000,
        "| a |\n" * 30_000,
        "# a\n" * 50_000,
        "- a:\n" * 40_000,
        "```\n" * 50_000,
        "".join(f"A word {number}. " for number in range(60_000)),
        "".join(f"A word or more, {number % 3}, of the same {'x' * (number % 50)}. " for number in range(20_000)),
    ],
    ids=["no blank", "only newlines", "initials", "CJK", "RTL", "rows", "headings", "items", "fences", "new", "near"],
)
def test_much_of_one_kind_takes_linear_time(text: str) -> None:
    spans = [Span(at, at + 7, "NAME", "t") for at in range(0, len(text) - 7, 50)]
    started = time.process_time()
    result = one(text, "a שלום 检索", spans=spans)
    assert time.process_time() - started < 30  # a second in truth; what is quadratic takes many minutes
    assert sum(end - start for start, end in result.kept) <= CHARACTERS
    assert bool(result.kept) == bool(text.strip())
