"""Questions that lean on the last one are told from those that do not, and get what they lean on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering.followups import leans, standalone
from hybridrag.types import Label, Turn

LAST = "How much is the meal allowance in Austria?"
TURNS = [Turn(LAST, LAST, "62 euros a day. It is approved by Zoltan Kis of Finance.", Label.INTERNAL)]
LEANING = """
and for contractors?|Who approves it?|Who approves?|Why?|in Germany?|What about interns?|What else?|Is that per day?
How do I reach him?|Which documents do I need for it?|Does the same apply to managers?|How many people work there?
Wer genehmigt das?|und für Praktikanten?|Warum?|Wie funktioniert das?|Was muss ich dafür tun?|Wer hat sie genehmigt?
Und wie lange?|Seit wann arbeitet er hier?|Tell me more|Noch etwas?
"""
STANDING = """
What is the parental leave policy?|What is inflation?|Who is Tesla?|How long does it take to get a visa?|travel expenses
Is it allowed to work from home?|How many employees are there in the Berlin office?|What did Ann Lee do with her laptop?
Which rule says that receipts are needed?
Was ist Inflation?|Wie viele Urlaubstage gibt es?|Wie hoch ist das Kilometergeld?
Können Sie mir die Reiseregeln nennen?|Wie alt war Ann Lee, als sie in die Firma eintrat?|Wer bezahlt das Hotel in Wien?
Welche Regel sagt, dass Belege nötig sind?|Et pour les stagiaires de cette entreprise ?
"""


def each(text: str) -> list[str]:
    return [question.strip() for line in text.strip().splitlines() for question in line.split("|")]


@pytest.mark.parametrize("question", each(LEANING))
def test_what_leans_gets_the_terms_of_the_last_turn(question: str) -> None:
    assert leans(question)
    query = standalone(question, TURNS)
    assert query.startswith(question)
    assert "meal" in query and "allowance" in query


@pytest.mark.parametrize("question", each(STANDING))
def test_what_stands_by_itself_is_searched_for_as_it_is(question: str) -> None:
    assert not leans(question)
    assert standalone(question, TURNS) == question


@given(st.text(max_size=200))
def test_the_first_question_is_searched_for_as_it_is(question: str) -> None:
    assert standalone(question, []) == question


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=300))
def test_no_text_breaks_it_and_the_question_is_always_there(question: str, query: str, answer: str) -> None:
    rewritten = standalone(question, [Turn(query, query, answer, Label.INTERNAL)])
    assert rewritten.startswith(question)
    assert len(rewritten) <= len(question) + len(query) + len(answer) + 20


def test_a_name_of_its_own_takes_the_place_of_the_one_before() -> None:
    query = standalone("and in Germany?", TURNS)
    assert "allowance" in query and "Austria" not in query


def test_a_question_about_somebody_gets_the_name_that_was_the_answer() -> None:
    asked = "Who approves the meal allowance?"
    turns = [Turn(asked, asked, "It is approved by Zoltan Kis of Finance. [1]", Label.INTERNAL)]
    assert "Zoltan Kis" in standalone("How do I reach him?", turns)
    assert "Zoltan" not in standalone("Since when?", turns)
    assert "Zoltan" not in standalone("How do I reach him?", TURNS)


def test_the_topic_lasts_over_several_follow_ups_and_does_not_grow_without_bound() -> None:
    turns = list(TURNS)
    for question in ["Who approves it?", "and for interns?", "Why?", "What else?"] * 5:
        query = standalone(question, turns)
        turns.append(Turn(question, query, "Yes.", Label.INTERNAL))
    assert "allowance" in turns[-1].query
    assert len(turns[-1].query.split()) <= 20


def test_a_new_topic_ends_the_old_one() -> None:
    new = "What is the notice period for flats?"
    turns = [*TURNS, Turn(new, standalone(new, TURNS), "Three months.", Label.INTERNAL)]
    query = standalone("Why?", turns)
    assert "notice" in query and "allowance" not in query


def test_a_long_hostile_question_takes_no_longer_than_a_long_friendly_one() -> None:
    for text in ("it " * 7_000, "a-" * 10_000, "it it it take " * 1_500, "," * 20_000, "sie, " * 4_000):
        assert standalone(text, [Turn(text, text, text, Label.INTERNAL)]).startswith(text)
