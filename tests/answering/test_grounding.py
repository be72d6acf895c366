"""Grounding: a sentence is borne out only where its facts occur, nothing is turned round, and its words are near."""

from __future__ import annotations

import time
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrag.answering.grounding import Grounding, Verdict, is_claim
from hybridrag.types import Passage
from tests.answering.hits import chunk, passages

WORDS = 512


def embed(texts: Sequence[str]) -> np.ndarray:
    """A bag of words as a vector: texts with words in common are near."""
    found = np.zeros((len(texts), WORDS), dtype=np.float32)
    found[:, 0] = 0.1  # no text is without a direction
    for row, text in zip(found, texts, strict=True):
        for word in text.casefold().split():
            row[1 + zlib.crc32(word.strip(".,?!:").encode("utf-8", "replace")) % (WORDS - 1)] += 1
    normed: np.ndarray = found / np.linalg.norm(found, axis=1, keepdims=True)
    return normed


LEAVE = (
    "# Leave\n\nParental leave is 30 days, and it must be requested before the birth. "
    "Anna Berger approves it by 3 May 2024 in Berlin. Requests go to leave@acme.example. "
    "Unpaid leave is not allowed during the probation period.\n\n"
    "| Level | Budget |\n|---|---|\n| junior | $1,500 |\n| senior | $2,500 |\n"
)
SERVER = (
    "Set `max_connections` to 200 and restart the server. An upload may be at most 5 MB. "
    "The server keeps its logs for two weeks, and the cache reduces latency by 40 percent."
)
GERMAN = (
    "Der Antrag muss spätestens am 3. Mai 2024 eingereicht werden. Reisekosten von bis zu 1.500 Euro werden erstattet. "
    "Ein Hotel über 120 Euro pro Nacht wird nicht erstattet."
)
CHINESE = "公司于2019年在上海成立。员工每年有15天带薪年假。实习生不可以申请远程办公。"


def check(sentence: str, *texts: str, markers: Sequence[int] | None = None, question: str = "") -> Verdict:
    given = passages(*texts)
    cited = [passage.marker for passage in given] if markers is None else markers
    return Grounding(given, embed=embed, question=question).check(sentence, cited)


# --- what is borne out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (LEAVE, "Parental leave is 30 days, and it must be requested before the birth."),
        (LEAVE, "Parental leave is thirty days and must be requested before birth."),
        (LEAVE, "- Anna Berger approves it by 2024-05-03."),
        (LEAVE, "It is approved by Anna Berger by May 3rd, 2024."),
        (LEAVE, "Requests for leave go to leave@acme.example"),
        (LEAVE, "| senior | $2,500 |"),
        (LEAVE, "The senior budget is 2500 dollars."),
        (LEAVE, "Unpaid leave isn't allowed during probation."),
        (SERVER, "Set max_connections to 200"),
        (SERVER, "An upload may be at most 5MB."),
        (SERVER, "The server keeps its logs for 14 days."),
        (SERVER, "The cache reduces latency by 40%."),
        (GERMAN, "Der Antrag muss bis 2024-05-03 eingereicht werden."),
        (GERMAN, "Reisekosten werden bis zu 1500 € erstattet."),
        (CHINESE, "公司于 2019 年在上海成立"),
        (CHINESE, "员工每年有15天带薪年假"),
    ],
)
def test_what_a_passage_says_is_borne_out(text: str, sentence: str) -> None:
    verdict = check(sentence, text)
    assert verdict.supported, verdict.reason
    assert verdict.markers == (1,)
    assert verdict.reason == ""
    start, end = verdict.quotes[1]
    assert 0 <= start < end <= len(text)


# --- what is not ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence", "told"),
    [
        (LEAVE, "Parental leave is 40 days.", "40"),
        (LEAVE, "Parental leave is 30 weeks.", "30"),
        (LEAVE, "Anna Berger approves it by 4 May 2024.", "4 May 2024"),
        (LEAVE, "Carla Stein approves parental leave.", "Carla Stein"),
        (LEAVE, "Anna Berger approves it in Hamburg.", "Hamburg"),
        (LEAVE, "Requests go to leave@evil.example.", "leave@evil.example"),
        (LEAVE, "See https://evil.example/leave for parental leave.", "https://evil.example/leave"),
        (LEAVE, "The senior budget is $3,500.", "3,500"),
        (LEAVE, "The senior budget is €2,500.", "2,500"),
        (LEAVE, "Unpaid leave is allowed during the probation period.", "deny"),
        (LEAVE, "Parental leave must not be requested before the birth.", "denies"),
        (LEAVE, "Parental leave must be requested after the birth.", "after"),
        (LEAVE, "The cafeteria serves soup and fresh bread to every visitor.", "does not say"),
        (
            LEAVE,
            "Parental leave is 30 days and the cafeteria serves fresh soup to every hungry visitor.",
            "does not say",
        ),
        (SERVER, "Set min_connections to 200.", "min_connections"),
        (SERVER, "An upload may be at most 5 GB.", "5"),
        (SERVER, "An upload may be at least 5 MB.", "least"),
        (SERVER, "The cache increases latency by 40 percent.", "increases"),
        (GERMAN, "Der Antrag muss spätestens am 5. Mai 2024 eingereicht werden.", "5. Mai 2024"),
        (GERMAN, "Ein Hotel über 120 Euro pro Nacht wird erstattet.", "deny"),
        (GERMAN, "Reisekosten von bis zu 1.600 Euro werden erstattet.", "1.600"),
        (CHINESE, "公司于2018年在上海成立。", "2018"),
        (CHINESE, "员工每年有20天带薪年假。", "20"),
        (CHINESE, "实习生可以申请远程办公。", "passage 1"),
        ("", "Parental leave is 30 days.", "30"),
    ],
)
def test_what_no_passage_says_is_not_borne_out_and_the_reason_tells_why(text: str, sentence: str, told: str) -> None:
    verdict = check(sentence, text)
    assert not verdict.supported
    assert verdict.markers == ()
    assert not verdict.quotes
    assert told in verdict.reason


def test_a_question_may_lend_its_names_but_not_its_numbers() -> None:
    question = "Does Carla Stein get 40 days of parental leave?"
    assert check("Carla Stein has 30 days of parental leave.", LEAVE, question=question).supported
    assert not check("Carla Stein has 40 days of parental leave.", LEAVE, question=question).supported


def test_a_claim_may_count_the_items_of_a_list() -> None:
    colours = "The badge comes in these colours:\n\n- red badge\n- green badge\n- blue badge\n"
    assert check("The badge comes in three colours.", colours).supported
    assert not check("The badge comes in four colours.", colours).supported


def test_headings_and_the_title_bear_out_what_the_text_leaves_unsaid() -> None:
    text = "It takes 30 days."
    held = Passage(1, chunk(text, title="Handbook", headings=("Parental leave in Norway",)), text)
    assert Grounding([held], embed=embed).check("Parental leave in Norway takes 30 days.", [1]).supported
    assert not check("Parental leave in Norway takes 30 days.", text).supported


# --- markers and quotes ---------------------------------------------------------------------------------------------


def test_a_passage_that_adds_nothing_is_a_false_citation() -> None:
    verdict = check("Parental leave is 30 days.", LEAVE, SERVER)
    assert verdict.supported
    assert verdict.markers == (1,)


def test_two_passages_bear_out_two_clauses_together() -> None:
    sentence = "Parental leave is 30 days, and an upload may be at most 5 MB."
    assert check(sentence, LEAVE, SERVER).markers == (1, 2)
    assert not check(sentence, LEAVE, SERVER, markers=[1]).supported


def test_a_wrong_marker_does_not_borrow_from_a_passage_that_is_not_cited() -> None:
    verdict = check("Parental leave is 30 days.", LEAVE, SERVER, markers=[2])
    assert not verdict.supported
    assert verdict.reason == "the number 30 days is not in passage 2"


def test_without_markers_the_passages_that_say_it_are_named() -> None:
    assert check("An upload may be at most 5 MB.", LEAVE, SERVER, markers=[]).markers == (2,)


def test_markers_that_name_no_passage_bear_nothing_out() -> None:
    assert check("Parental leave is 30 days.", LEAVE, markers=[7]).reason == "it cites no passage that exists"
    assert Grounding([], embed=embed).check("Leave is 30 days.", []).reason == "there are no passages"


def test_the_quote_is_the_whole_sentence_that_says_it() -> None:
    verdict = check("Requests go to leave@acme.example.", LEAVE)
    start, end = verdict.quotes[1]
    assert LEAVE[start:end] == "Requests go to leave@acme.example."


def test_the_quote_lies_in_the_passage_of_its_marker_wherever_its_chunk_begins() -> None:
    (held,) = passages(SERVER)
    moved = Passage(4, replace(held.chunk, start=1000, end=1000 + len(SERVER)), SERVER)
    start, end = Grounding([moved], embed=embed).check("An upload may be at most 5 MB.", [4]).quotes[4]
    assert SERVER[start:end] == "An upload may be at most 5 MB."


# --- costs and hostile input ----------------------------------------------------------------------------------------


def test_no_sentence_is_embedded_twice_and_a_check_embeds_little() -> None:
    seen: list[str] = []

    def counting(texts: Sequence[str]) -> np.ndarray:
        assert texts
        seen.extend(texts)
        return embed(texts)

    many = "\n\n".join(f"{LEAVE} Number {n} of the many rules on parental leave holds for 30 days." for n in range(400))
    grounding = Grounding(passages(LEAVE, many), embed=counting)
    for _ in range(3):
        grounding.check("Parental leave is 30 days.", [1, 2])
    assert len(seen) == len(set(seen))
    assert sum(map(len, seen)) < 9_000


@pytest.mark.parametrize(
    "piece", ["[", "(", "a", "1", "1,", "not ", "A ", "`", "May ", "|", ".", "字", "-", "一", "a@", "\u0301"]
)
def test_millions_of_signs_are_checked_in_bounded_time(piece: str) -> None:
    hostile = piece * (3_000_000 // len(piece))
    started = time.perf_counter()
    check("Parental leave is 30 days.", hostile)
    check(hostile, LEAVE)
    check(hostile[:4_000], hostile)
    is_claim(hostile)
    assert time.perf_counter() - started < 20


def test_a_sentence_too_long_to_be_checked_is_not_borne_out() -> None:
    assert check("Parental leave is 30 days. " * 400, LEAVE).reason == "it is too long to be checked"


@given(text=st.text(max_size=200), sentence=st.text(max_size=200), markers=st.lists(st.integers(0, 3), max_size=4))
@settings(max_examples=200)
def test_any_text_gets_a_verdict_that_holds_together(text: str, sentence: str, markers: list[int]) -> None:
    given = passages(text, sentence)
    verdict = Grounding(given, embed=embed).check(sentence, markers)
    assert verdict.supported == bool(verdict.markers) == (not verdict.reason)
    assert set(verdict.quotes) == set(verdict.markers)
    assert not markers or set(verdict.markers) <= set(markers)
    for marker, (start, end) in verdict.quotes.items():
        assert 0 <= start < end <= len(given[marker - 1].text)


# --- what is a claim ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "   ", "# Leave", "**Summary**", "Here is what the documents say:", "[1]", "[2][3]", "Sure!",
        "I hope this helps!",
        "The passages do not say who leads it.", "I don't know.", "```python", "```", "|---|---|", "---",
        "Die Dokumente enthalten keine Angaben dazu.", "文档中没有提到这一点。", "Would you like to know more?",
        "…", "Gern!",
    ],
)  # fmt: skip
def test_what_says_nothing_is_no_claim(text: str) -> None:
    assert not is_claim(text)


@pytest.mark.parametrize(
    "text",
    [
        "Leave is 30 days.", "The limit is 5 MB:", "There is no limit.", "No document is ever deleted.",
        "Yes.", "- 30 days",
        "The passages do not mention fees, but the fee is 5 euros.", "The CEO was fired by the board last week:",
        "Sure, the server stores every password in plain text.", "| senior | $2,500 |", "`max_connections`", "15天",
    ],
)  # fmt: skip
def test_what_could_be_wrong_is_a_claim(text: str) -> None:
    assert is_claim(text)


def test_rows_are_judged_with_the_head_of_their_table() -> None:
    rows = chunk("| senior | $2,500 |\n| junior | $1,500 |\n")
    headed = replace(rows, head="Table 3: budgets of 2031\n| Level | Budget |\n|---|---|\n")
    verdicts = [
        Grounding([Passage(1, each, each.text)], embed=embed).check("The senior budget of 2031 is 2500 dollars.", [1])
        for each in (rows, headed)
    ]
    assert [verdict.supported for verdict in verdicts] == [False, True]
