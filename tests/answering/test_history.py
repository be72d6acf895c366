"""What was said before: within its budget, whole where it is new, and the same to the byte for as long as can be."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering.history import BUDGET, past, without_markers
from hybridrag.types import Label, Turn

WORDS = st.sampled_from(
    ["travel", "meals", "62 euros", "Ann", "Zoltan", "approves", "Reise", "規程", "ann@example.com"]
)
SENTENCES = st.lists(WORDS, min_size=1, max_size=12).map(lambda words: " ".join(words).capitalize() + ".")
TEXTS = st.lists(SENTENCES, min_size=1, max_size=12).map(" ".join)
TURNS = st.lists(st.builds(Turn, TEXTS, TEXTS, TEXTS, st.sampled_from(Label)), min_size=1, max_size=14)


def turn(number: int, *, sentences: int = 1) -> Turn:
    answer = " ".join(f"Answer {number} says thing {place} of the matter." for place in range(sentences))
    return Turn(f"What is {number}?", f"What is {number}?", answer, Label.INTERNAL)


@given(TURNS, TEXTS, st.integers(200, 3_000))
def test_the_past_keeps_to_its_budget_in_order_each_turn_under_its_label(
    turns: list[Turn], question: str, budget: int
) -> None:
    told = past(turns, question, budget=budget)
    assert sum(each.size for each in told) <= budget
    assert [each.number for each in told] == list(range(len(turns)))[len(turns) - len(told) :]
    for each in told:
        assert each.label is turns[each.number].label
        for role, pieces in each.messages:
            assert role in ("user", "assistant")
            assert [piece.label for piece in pieces] == [each.label]
            assert all(piece.text.strip() for piece in pieces)


@given(TURNS, TEXTS)
def test_what_is_kept_are_whole_sentences_of_the_turn(turns: list[Turn], question: str) -> None:
    for each in past(turns, question, budget=700):
        for text, source in ((each.question, turns[each.number].question), (each.answer, turns[each.number].answer)):
            for part in filter(None, (part.strip() for part in text.split("[…]"))):
                assert part in source
                assert part.endswith(".")


def test_nothing_changes_before_the_budget_is_full() -> None:
    turns = [turn(number, sentences=4) for number in range(12)]
    whole = past(turns, "What else?")
    assert [each.answer for each in whole] == [each.answer for each in turns]
    assert not any(each.shortened for each in whole)


def test_between_two_shortenings_the_past_only_grows_at_its_end() -> None:
    turns = [turn(number, sentences=12) for number in range(60)]
    pasts = [past(turns[:count], f"What is {count}?") for count in range(1, 60)]
    changed = sum(now[: len(before)] != before for before, now in pairwise(pasts))
    assert 1 <= changed <= len(pasts) // 5
    assert all(sum(each.size for each in told) <= BUDGET for told in pasts)
    assert past(turns, "Why?") == past(turns, "Why?")


def test_the_newest_turns_stay_whole_and_older_ones_keep_what_is_near_to_the_question() -> None:
    long = (
        "The canteen opens at noon. " + "Nothing of note is said here at all. " * 28 + "Travel is approved by Zoltan."
    )
    turns = [Turn("Tell me all.", "", long, Label.INTERNAL), turn(1, sentences=5), turn(2, sentences=5)]
    first, second, third = past(turns, "Who approves travel, and was it approved?", budget=1_400)
    assert "Travel is approved by Zoltan." in first.answer
    assert "[…]" in first.answer
    assert (second.answer, third.answer) == (turns[1].answer, turns[2].answer)


def test_a_value_is_never_cut_in_two() -> None:
    value = "Lindenweg 4.\nA-1010 Wien"
    filler = "Nothing of note is said in this sentence. " * 20
    turns = [Turn("Where?", "", f"{filler}They live at {value}. {filler}", Label.INTERNAL), turn(1), turn(2)]
    for question in ("Lindenweg?", "Wien 1010?", "What else is there?"):
        told = past(turns, question, budget=900, together=[value])[0].answer
        assert value in told or ("Lindenweg" not in told and "Wien" not in told)


def test_markers_are_left_out_and_code_is_not() -> None:
    assert without_markers("Two weeks [1][2]. Three [?], see `a[0]` and [3](x).") == (
        "Two weeks. Three, see `a[0]` and [3](x)."
    )


def test_a_long_hostile_text_takes_no_longer_than_a_long_friendly_one() -> None:
    for text in ("[1" * 20_000, "`" * 40_000, "[1," * 13_000, " [" * 20_000):
        assert past([Turn(text, "", text, Label.INTERNAL)] * 3, text, budget=2_000) is not None
