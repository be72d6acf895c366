"""Markdown: headings, front matter, titles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.parsing.markup.blocks import find_structure
from hybridrag.parsing.markup.markdown import parse_markdown
from hybridrag.parsing.parsed import Parsed


def markdown(text: str) -> Parsed:
    return parse_markdown(text.encode())


def headings(text: str) -> list[tuple[int, str, str]]:
    return [
        (heading.level, heading.title, text[heading.start :].split("\n", maxsplit=1)[0])
        for heading in find_structure(text).headings
    ]


def test_atx_and_setext_headings_with_their_places() -> None:
    text = "# One\n\ntext\n\nTwo\n===\n\nThree ü\n---\n\n  ### Four ###\n#Not\n####### Not\n"
    assert headings(text) == [
        (1, "One", "# One"),
        (1, "Two", "Two"),
        (2, "Three ü", "Three ü"),
        (3, "Four", "  ### Four ###"),
    ]


def test_code_lists_and_quotations_hold_no_headings() -> None:
    code = "```sh\n# comment\n```\n\n    # code\n\n~~~~\n~~~\n# x\n~~~~\n\n"
    text = code + "> # quoted\n\n- # item\n\n<!--\n# hidden\n-->\n\n# Real\n"
    assert headings(text) == [(1, "Real", "# Real")]


def test_a_paragraph_above_a_rule_is_no_heading() -> None:
    assert headings("A long paragraph\nof two lines\n---\n\nnext") == []


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("# The `id` *field* of **[users](http://x)** { #users }", "The id field of users"),
        ("# C# and &amp; \\# ![logo](x.png) <b>bold</b>", "C# and & # logo bold"),
        ("# a {not an attribute}", "a {not an attribute}"),
    ],
)
def test_titles_are_read_as_words(written: str, title: str) -> None:
    assert [heading.title for heading in find_structure(written).headings] == [title]


def test_huge_texts_are_scanned_with_the_same_result() -> None:
    part = "# One #\n\ntext\n\n```\n# code\n````\n\n## Two\n\n~~~ py\n# code\n```\n~~~\n\n###\n"
    few = [(heading.level, heading.title) for heading in find_structure(part).headings]
    many = find_structure(part * 30_000).headings
    assert few == [(1, "One"), (2, "Two")]
    assert [(heading.level, heading.title) for heading in many] == few * 30_000
    assert many[2].start == len(part)


def test_front_matter_is_metadata_and_no_text() -> None:
    block = "title: 'Travel: rules'\nlabel: Confidential\ndate: 2026-03-01\ntags: [a, b]\nn: 1.10\nno: no\n"
    found = markdown(f"---\r\n{block}---\n\n# Body\n")
    assert found.text == "# Body\n"
    assert found.title == "Travel: rules"
    assert found.metadata == {
        "label": "Confidential",
        "date": "2026-03-01",
        "tags": ["a", "b"],
        "n": "1.10",
        "no": "no",
    }
    assert found.date is not None
    assert found.date.isoformat() == "2026-03-01T00:00:00+00:00"
    assert [heading.start for heading in found.headings] == [0]


def test_toml_front_matter() -> None:
    found = markdown('+++\ntitle = "T"\ndraft = true\nday = 2026-01-02\n+++\nBody')
    assert (found.text, found.title, found.metadata) == ("Body", "T", {"draft": "true", "day": "2026-01-02"})


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA text between rules.\n\n---\n\nMore.",
        "---\n- a\n- list\n---\n",
        "text\n---\na: b\n---\n",
        "---\na: b\n",
    ],
)
def test_what_is_no_front_matter_stays_text(text: str) -> None:
    found = markdown(text)
    assert (found.text, found.metadata, found.notes) == (text, {}, ())


@pytest.mark.parametrize(
    "block",
    [
        "title: a: b: c\nlabel: secret",
        "label: secret\n\tx: [",
        "Label: 'secret'\nx: {",
        "a: &a [x]\nb: *a\nlabel: secret # really",
        '"label": "secret",\n[',
    ],
)
def test_a_slip_in_front_matter_does_not_lose_the_label(block: str) -> None:
    text = f"---\n{block}\n---\nBody"
    found = markdown(text)
    assert found.metadata == {"label": "secret"}
    assert found.text == text
    assert len(found.notes) == 1


def test_the_label_is_found_in_any_letters() -> None:
    assert markdown("---\nLABEL: secret\n---\nx").metadata == {"label": "secret"}
    assert markdown("---\nlabel: [public, secret]\n---\nx").metadata["label"] not in ("public", "secret")


def test_the_title_is_the_first_heading_without_front_matter() -> None:
    assert markdown("intro\n\n## Second level\n\n# First").title == "Second level"
    assert markdown("---\ntitle: ''\n---\n# Heading").title == "Heading"
    assert markdown("no heading").title is None


@given(st.text(alphabet=st.sampled_from("#=-`~> \n\tab*[](){}\\<!é\u2028\x0b\x0c"), max_size=200))
def test_headings_are_in_order_and_at_line_starts(text: str) -> None:
    found = find_structure(text).headings
    starts = [heading.start for heading in found]
    assert starts == sorted(set(starts))
    for heading in found:
        assert heading.start == 0 or text[heading.start - 1] == "\n"
        assert heading.title.strip() == heading.title != ""
        assert 1 <= heading.level <= 6
