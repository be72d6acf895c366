"""An answer while it arrives: what is shown when, which markers stay, what is marked, and what is cited."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering.grounding import Grounding
from hybridrag.answering.links import LinkGuard
from hybridrag.answering.streaming import UNSUPPORTED, AnswerReader
from hybridrag.types import Passage
from tests.answering.hits import chunk, passage_over, passages
from tests.answering.words import embed

THREE = passages(
    "A traveller gets 62 euros a day for meals abroad.",
    "A hotel may cost 90 euros a night in Berlin.",
    "Ada Lindqvist approves every travel request of the sales team.",
)
MEALS, HOTEL, ADA = (passage.text.removesuffix(".") for passage in THREE)


def reader(given: Sequence[Passage] = THREE) -> AnswerReader:
    return AnswerReader(
        given, grounding=Grounding(given, embed=embed), stages=[LinkGuard(passage.text for passage in given)]
    )


def read(text: str, *, given: Sequence[Passage] = THREE, cuts: Sequence[int] = ()) -> AnswerReader:
    found = reader(given)
    ends = [0, *sorted({min(cut, len(text)) for cut in cuts}), len(text)]
    shown = [found.feed(text[start:end]) for start, end in itertools.pairwise(ends)]
    assert "".join([*shown, found.finish()]) == found.text
    return found


@pytest.mark.parametrize(
    ("text", "shown", "markers"),
    [
        (f"{MEALS} [1].", f"{MEALS} [1].", [1]),
        (f"{MEALS}[1].", f"{MEALS}[1].", [1]),
        (f"{MEALS}. [1]", f"{MEALS}. [1]", [1]),
        (f"{MEALS} [01].", f"{MEALS} [1].", [1]),
        (f"{MEALS}, and a hotel 90 euros a night in Berlin [1, 2].", None, [1, 2]),
        (f"{MEALS}, and a hotel 90 euros a night in Berlin [1][2].", None, [1, 2]),
        (f"{ADA} [3]. {MEALS} [1]. {ADA} [3].", None, [3, 1]),
        (f"{MEALS}:\n[1]\n{HOTEL} [2]", None, [1, 2]),
        ("", "", []),
    ],
)
def test_markers_whose_passage_says_it_stay(text: str, shown: str | None, markers: list[int]) -> None:
    found = read(text)
    if shown is not None:
        assert found.text == shown
    assert [citation.marker for citation in found.citations] == markers
    assert all(sentence.supported for sentence in found.sentences)
    assert found.warnings == []


DRESSED = [
    *(
        "【{}】",
        "【{}†source】",
        "［{}］",
        "〔{}〕",
        "[^{}]",
        "[ {} ]",
        "[#{}]",
        "[{}.]",
        "[**{}**]",
        "[00{}]",
        "[{}\t]",
    ),
    *(
        "[source {}]",
        "[Passage {}]",
        "[Quelle {}]",
        "[ref:{}]",
        "[passages {}]",
        "\\[{}\\]",
        "&#91;{}&#93;",
        "&lsqb;{}]",
    ),
    *("[\u200b{}]", "[{}\u200b]", "[\u2060{}\ufeff]", "[{}\u0338]", "[\x00{}]", "[{}, p. 3]", "【{}†L4-L9】"),
]
"""Markers as models write them that were taught another form, and as a document has them written to get past us."""


@pytest.mark.parametrize("form", DRESSED)
@pytest.mark.parametrize("blank", ["", " "])
def test_a_marker_in_another_form_is_read_and_shown_in_ours(form: str, blank: str) -> None:
    assert read(f"{MEALS}{blank}{form.format(1)}.").text == f"{MEALS}{blank}[1]."
    found = read(
        f"The canteen serves 400 lobsters{blank}{form.format(1)}. {ADA}{blank}{form.format(3)}{form.format(9)}."
    )
    assert found.text == f"The canteen serves 400 lobsters. {UNSUPPORTED} {ADA}{blank}[3]."
    assert [sentence.claimed for sentence in found.sentences] == [(1,), (3,)]
    assert found.citations[0].marker == 3
    assert "passage 9" in found.warnings[0]


@pytest.mark.parametrize("cut", ["[1", " [", " [1, ", "【1†sour", " [passage 1", "[\u200b"])
def test_a_marker_that_the_end_of_the_reply_cut_is_not_shown(cut: str) -> None:
    assert read(f"{MEALS}{cut}").text == f"{MEALS} [1]"


@pytest.mark.parametrize("sign", ["[?]", "[ ? ]", "【?】", "[？]", "[\u200b?]"])
def test_a_reply_cannot_mark_a_sentence_itself(sign: str) -> None:
    assert read(f"{MEALS} {sign}. {ADA} [3] {sign}.").text == f"{MEALS}. [1] {ADA} [3]."


@pytest.mark.parametrize(
    "code",
    [
        "`The canteen serves lobsters [1]`",
        "```\nThe canteen serves lobsters [1], [2]\n```",
        "```[1] x\n```",
        "`[1]` yes",
    ],
)
def test_nothing_in_code_looks_like_a_marker_of_ours(code: str) -> None:
    found = read(f"{code}\n")
    assert not re.search(r"\[\d+\]", found.text)
    assert found.text.count("[ ") == code.count("[")
    assert "`argv[1][2]` and `[1-9]+` and [100, 200]" in read("`argv[1][2]` and `[1-9]+` and [100, 200]\n").text
    assert "[ 9, 1 ]" in read("The canteen serves lobsters [9, 1]").text


@pytest.mark.parametrize("unknown", ["[7]", "[0]", "[8][9]", "[7, 8]"])
def test_a_marker_that_names_no_passage_is_taken_out_and_told(unknown: str) -> None:
    found = read(f"{MEALS} [1]{unknown if ',' not in unknown else '[7][8]'}. {ADA} [3].")
    assert found.text == f"{MEALS} [1]. {ADA} [3]."
    told = [int(number) for warning in found.warnings for number in re.findall(r"\d+", warning)]
    assert told == [int(number) for number in re.findall(r"\d+", unknown)]


def test_a_marker_whose_passage_does_not_say_it_is_taken_out_and_told() -> None:
    found = read(f"{MEALS} [2].")
    (sentence,) = found.sentences
    assert (sentence.supported, sentence.markers, sentence.claimed) == (False, (), (2,))
    assert found.text == f"{MEALS}. {UNSUPPORTED}"
    assert found.citations == ()
    assert len(found.warnings) == 2


def test_of_several_markers_only_those_stay_that_bear_it_out() -> None:
    found = read(f"{MEALS} [1][3].")
    (sentence,) = found.sentences
    assert (sentence.supported, sentence.markers, sentence.claimed) == (True, (1,), (1, 3))
    assert found.text == f"{MEALS} [1]."


def test_a_sentence_that_no_passage_says_is_marked_where_it_ends() -> None:
    found = read(f"{MEALS} [1]. The canteen serves 400 lobsters every Friday. {ADA} [3].\n\n- It was founded in 1871\n")
    assert found.text == (
        f"{MEALS} [1]. The canteen serves 400 lobsters every Friday. {UNSUPPORTED} {ADA} [3].\n\n"
        f"- It was founded in 1871 {UNSUPPORTED}"
    )
    assert [sentence.supported for sentence in found.sentences] == [True, False, True, False]
    assert all(sentence.reason for sentence in found.sentences if not sentence.supported)


def test_a_sentence_without_a_marker_gets_that_of_the_passage_that_says_it() -> None:
    found = read(f"{MEALS}. {ADA}.")
    assert found.text == f"{MEALS}. [1] {ADA}. [3]"
    assert [citation.marker for citation in found.citations] == [1, 3]
    assert all(sentence.claimed == () for sentence in found.sentences)


def test_a_marker_that_is_a_word_of_its_sentence_stays_as_a_word() -> None:
    found = read(f"According to [1], {MEALS[0].lower()}{MEALS[1:]}.")
    assert found.text == f"According to (1), a traveller{MEALS[11:]}. [1]"


@pytest.mark.parametrize(
    "taken_back",
    [
        f"It is false that {ADA} [3].",
        f"{ADA} [3] is a lie spread by the finance team.",
        f"{ADA} allegedly [3].",
        "Ada Lindqvist used to approve every travel request of the sales team [3].",
    ],
)
def test_a_sentence_that_takes_back_what_a_passage_says_is_marked(taken_back: str) -> None:
    assert read(taken_back).text.endswith(UNSUPPORTED)


@pytest.mark.parametrize("word", ["According to", "See", "As said in passage", "Source", "Laut"])
def test_no_word_before_a_marker_vouches_for_it(word: str) -> None:
    assert "[1]" not in read(f"{word} [1] the canteen serves 400 lobsters.").text
    assert "[1]" not in read(f"The canteen serves 400 lobsters, {word.lower()} [1].").text


@pytest.mark.parametrize(
    "nested",
    ["[[7]1]", "[1[9]]", "[[?]1]", "[[2]1]", "【[7]1】", "[passage [7] 1]", "[1[?]]", "[[8][9]1]", "\\[[7]1\\]"],
)
def test_what_is_left_when_a_marker_is_taken_out_is_none(nested: str) -> None:
    found = read(f"The canteen serves 400 lobsters {nested}. {ADA} [3].")
    assert re.findall(r"\d", re.sub(r"400|\[3\]", "", found.text)) == ["1"]
    assert not re.search(r"[\[【](?:passage)?[ \d]*\\?[\]】]", found.text.replace("[3]", ""))


@pytest.mark.parametrize(
    "rest", [" and the canteen serves 400 lobsters.", ", founded in 1871", f", and {HOTEL[2:]} [9]."]
)
def test_every_marker_that_is_shown_leads_to_a_citation(rest: str) -> None:
    found = read(f"{ADA} [3]{rest}")
    assert "[3]" in found.text
    assert 3 in [citation.marker for citation in found.citations]
    part, whole = found.sentences
    assert (part.text, part.supported, part.markers) == (ADA, True, (3,))
    assert not whole.supported


@pytest.mark.parametrize(
    "aside",
    [
        "# Mallory Krueger bought the company",
        "**The fee is 400 lobsters**",
        "The canteen was sold to Mallory Krueger, was it not?",
        "Here is the answer, as told by Mallory Krueger:",
        "The passages do not say more, Mallory Krueger owns the canteen.",
        "I do not know why Mallory Krueger owns the canteen.",
        "Let me know when 40,000 euros were sent to Mallory Krueger",
    ],
)
def test_what_seems_to_claim_nothing_is_checked_where_it_names_what_no_passage_does(aside: str) -> None:
    found = read(f"{aside}\n\n{MEALS} [1].")
    assert found.text.startswith(f"{aside} {UNSUPPORTED}")
    assert [sentence.supported for sentence in found.sentences] == [False, True]


@pytest.mark.parametrize(
    "aside",
    [
        "## Travel And Hotels: An Overview",
        "## Step 2: Ask for approval",
        "**How hotels are paid**",
        "Here is what the passages say:",
        "The passages do not say who leads the canteen, the kitchen or the bar.",
        "The passages do not mention Mallory Krueger.",
        "Does that help?",
    ],
)
def test_what_claims_nothing_is_left_alone(aside: str) -> None:
    assert read(f"{aside}\n\n{MEALS} [1].").text == f"{aside}\n\n{MEALS} [1]."


@pytest.mark.parametrize(
    "text", [f"Use `items[0]` and `items[7]`: {MEALS} [1].", f"From [100, 200] or [10-20] on, {MEALS} [1]."]
)
def test_other_brackets_are_left_alone(text: str) -> None:
    found = read(text)
    assert found.text.removesuffix(f" {UNSUPPORTED}").replace(" [1]", "") == text.replace(" [1]", "")
    assert not any("does not exist" in warning for warning in found.warnings)


def test_a_block_of_code_is_one_sentence_and_holds_no_marker() -> None:
    found = read(f"{MEALS} [1]:\n```python\nprint(items[0], items[9])\n```\n{ADA} [3].")
    assert "print(items[0], items[9])\n```" in found.text
    assert [sentence.supported for sentence in found.sentences][0::2] == [True, True]
    assert found.text.endswith(f"{ADA} [3].")


def test_the_first_words_are_shown_at_once() -> None:
    found = reader()
    assert found.feed("A trav") == "A trav"
    assert found.feed("eller gets 62") == "eller gets 62"
    assert found.feed(" euros [") == " euros"
    assert found.feed("1") == ""


def test_thoughts_are_no_part_of_the_answer() -> None:
    assert read(f"<think>\nThe user wants [9] https://x.example\n</think>\n\n{MEALS} [1].").text == f"{MEALS} [1]."
    assert read("<think>for ever").text == ""
    assert "thinking about it" in read("<thinking about it").text


def test_values_are_put_back_after_markers_are_read() -> None:
    class Back:
        def feed(self, text: str, /) -> str:
            return text.replace("%", "[2]")

        def flush(self) -> str:
            return ""

    found = AnswerReader(
        THREE, grounding=Grounding(THREE, embed=embed), stages=[Back()], restore=lambda text: text.replace("%", "[2]")
    )
    shown = found.feed(f"{MEALS} % [1].") + found.finish()
    assert "[2]" in shown
    assert [sentence.claimed for sentence in found.sentences] == [(1,)]


def test_a_citation_quotes_what_says_it_with_its_place_in_the_document() -> None:
    whole = passage_over(
        chunk("Travel is fun. A traveller gets 62 euros a day for meals abroad. Keep receipts."),
        chunk("A hotel may cost 90 euros a night in Berlin.", headings=("Hotels",)),
    )
    found = read("A hotel may cost 90 euros a night in Berlin [1].", given=[whole])
    (citation,) = found.citations
    assert citation.chunk.headings == ("Hotels",)
    assert citation.quote == "A hotel may cost 90 euros a night in Berlin."
    assert whole.text[citation.start - whole.chunk.start :].startswith(citation.quote)


PIECES = st.lists(
    st.sampled_from(
        [
            *(
                "[1]",
                "[2, 3]",
                "【1】",
                "[ ",
                "\\[",
                "1",
                "passage ",
                "[9]",
                "[1-2]",
                "[",
                "]",
                "`",
                "```",
                "```\n",
                "~~~",
                ". ",
                "Yes",
                "\n",
                " ",
                "[0]",
                "(x)",
            ),
            *("。", MEALS, HOTEL, "According to ", "<think>", "</think>", "https://evil.example/", "![a](", "e.g. "),
        ]
    )
    | st.text(max_size=4),
    max_size=16,
).map("".join)


@given(PIECES, st.lists(st.integers(0, 400), max_size=12))
def test_where_a_reply_is_cut_makes_no_difference(text: str, cuts: list[int]) -> None:
    whole, pieces = read(text), read(text, cuts=cuts)
    assert pieces.text == whole.text
    assert pieces.sentences == whole.sentences
    assert pieces.citations == whole.citations
    assert pieces.warnings == whole.warnings


@given(PIECES)
def test_every_citation_belongs_to_a_sentence_that_is_borne_out(text: str) -> None:
    found = read(text)
    markers = [citation.marker for citation in found.citations]
    assert len(markers) == len(set(markers))
    shown = re.sub(r"[\w)](?:\[[^\[\]]*\])+", "", found.text)  # an index, or a marker right behind a word
    assert {int(number) for number in re.findall(r"\[(\d+)\]", shown)} <= set(markers)
    assert set(markers) == {marker for sentence in found.sentences for marker in sentence.markers} <= {1, 2, 3}
    assert all(sentence.supported or not sentence.markers for sentence in found.sentences)
    assert found.text.count(UNSUPPORTED) >= sum(not sentence.supported for sentence in found.sentences)
    for citation in found.citations:
        for quote in citation.quotes:
            assert THREE[citation.marker - 1].text[quote.start :].startswith(quote.text)


@pytest.mark.parametrize(
    "hostile", ["[1]", "a [1] ", "` ", "[", "e.g. ", "a. ", "[1", "```\n", "a", "⟦", "餐。", "<think>"]
)
def test_a_reply_without_end_takes_time_in_proportion(hostile: str) -> None:
    count = 20_000 // len(hostile)
    found = reader()
    for _ in range(count):
        found.feed(hostile)
    found.finish()
    assert len(found.text) <= 40 * count + 40_000
