"""The offset map: whatever normalising did, a span leads back to the characters it came from."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.privacy.finders.patterns import view
from hybridrag.privacy.plaintext.normalise import BARRIER, normalise, shield

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


@given(st.lists(st.text(alphabet="abcxyz019,;!?'\"$#^|+/", min_size=2, max_size=8), max_size=20).map(" ".join))
def test_plain_ascii_is_left_as_it_is(text: str) -> None:
    normal = normalise(text)
    assert normal.text == text
    assert not normal.rewritten


def test_ordinary_german_and_typographic_text_needs_no_map() -> None:
    text = "Müller – „Größe“ … naïve café, 5\u00a0€"
    normal = normalise(text.replace("…", ""))
    assert normal.text == text.replace("…", "").replace("–", "-").replace("\u00a0", " ")
    assert not normal.rewritten


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
        ("jоhn@exаmple.com", "john@example.com"),
        ("Привет, сору", "Привет, сору"),
        ("ⅣⅠⅠⅠ", "4111"),
        ("Kapitel Ⅳ", "Kapitel IV"),
        ("①②❸ ⑴", "123 1"),
        ("🅙🅞", "JO"),
        ("j\u0336o\u0332", "jo"),
        ("j\U000e0061o", "jo"),
        ("".join(chr(0xE0000 + ord(char)) for char in "a@bc.de"), "a@bc.de"),
        ("＆＃６４；", "@"),
        ("%26%2364%3B", "@"),
        ("\\ud835\\udfd2", "4"),
        ("\\U00000034\\u{34}\\064", "444"),
        ("=34=31=31", "411"),
        ("john=40example.com", "john@example.com"),
        ("4111=\n1111", "41111111"),
        (
            "x =\n  5, YWxsIGVsc2UgaXMgbm8=\nfoo, a == b, ===\n===",
            "x =\n  5, YWxsIGVsc2UgaXMgbm8=\nfoo, a == b, ===\n===",
        ),
        ("4**11**1`1`", "41111`"),
        ("exam-\n> ple", "example"),
        ("j o h n @ e x . d e", "john@ex.de"),
        ("1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 8"),
        ("four one one one, five double two", "4111522"),
        ("vier eins fünf null zwo drei", "415023"),
        ("j dot doe at example dot com", "j.doe@example.com"),
        ("one for all and two for tea", "one for all and two for tea"),
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


@given(TRICKY)
def test_outside_the_rewritten_parts_nothing_but_single_characters_changed(text: str) -> None:
    normal = normalise(text)
    parts = normal.rewritten_parts(len(text), around=0)
    assert all(0 <= start <= end <= len(text) for start, end in parts)
    assert all(end < later for (_, end), (later, _) in pairwise(parts))
    touched = {at for start, end in parts for at in range(start, end)}
    came_from = {normal.original(at, at + 1) for at in range(len(normal.text))}
    assert all((at, at + 1) in came_from for at in range(len(text)) if at not in touched)
