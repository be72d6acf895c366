"""The offset map: whatever normalising did, a span leads back to the characters it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.privacy.normalise import BARRIER, normalise, shield
from hybridrag.privacy.patterns import view

TRICKY = st.lists(
    st.one_of(
        st.characters(),
        st.sampled_from("a1@.-& ;#%\\[]()<>"),
        st.sampled_from("\u200b\u00ad\u0301\ufb01\u2026\u00a0\uff21\u0664\u2014\ufdd0\ufffe\uffff\x00\u1100\u1161"),
        st.sampled_from(["&#64;", "[at]", "(dot)", "%40", "\\u0040", "<b>"]),
    ),
    max_size=40,
).map("".join)


@given(TRICKY)
def test_every_character_maps_into_the_original_in_order(text: str) -> None:
    normal = normalise(text)
    last = 0
    for position in range(len(normal.text)):
        start, end = normal.original(position, position + 1)
        assert 0 <= start < end <= len(text)
        assert start >= last or end > last
        last = max(last, start)
    if normal.text:
        start, end = normal.original(0, len(normal.text))
        assert normalise(text[start:end]).text == normal.text


@given(TRICKY)
def test_the_byte_view_has_one_byte_a_character(text: str) -> None:
    plain = normalise(shield(text)).text
    assert len(view(plain)) == len(plain)
    assert b"\0" not in view(plain)


@given(
    st.text(
        alphabet=st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters="&%\\[({<"), max_size=50
    )
)
def test_plain_ascii_is_left_as_it_is(text: str) -> None:
    assert normalise(text).text == text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("ｊｏｈｎ＠ｅｘａｍｐｌｅ．ｃｏｍ", "john@example.com"),
        ("john [at] example (dot) com", "john@example.com"),
        ("j\u200bo\u00adhn", "john"),
        ("&#x34;&#49;&amp;#49;1", "4111"),
        ("%34%31%25311", "4111"),
        ("\\u0034\\x311\\-1", "411-1"),
        ("٤١११", "4111"),
        ("a\u00a0b–c", "a b-c"),
        ("e\u0301", "é"),
        ("4<b>1</b>1<!-- x -->1", "4111"),
        ("4\x001\x1b1", "411"),
    ],
)
def test_disguises_come_off(text: str, plain: str) -> None:
    assert normalise(text).text == plain


def test_a_span_covers_exactly_what_it_came_from() -> None:
    text = "see jo\u200bhn&#64;example(dot)com… now"
    normal = normalise(text)
    start = normal.text.index("john@example.com")
    start, end = normal.original(start, start + len("john@example.com"))
    assert text[start:end] == "jo\u200bhn&#64;example(dot)com"


def test_a_barrier_that_the_text_brings_along_parts_nothing() -> None:
    assert normalise(shield(f"41{BARRIER}11")).text == "4111"
