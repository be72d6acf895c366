"""Pseudonyms hold over a request, and restoring puts back exactly what was taken, or nothing."""

from __future__ import annotations

import random
import re

import pytest

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.pseudonyms import LONGEST_MARK, MARK, derive_nonce
from hybridrag.privacy.session import Session
from hybridrag.types import Span

MARKS = re.compile(r"⟦([A-Z]+)_(\d+[a-z]*)·([0-9a-f]+)⟧")


def test_one_value_is_one_mark_in_all_texts_and_each_spelling_its_own(gateway: Gateway) -> None:
    texts = [
        "ann@example.com, +49 30 1234567",
        "Ann@Example.com or ann@example.com",
        "tel 0049 301234567, bob@example.com",
    ]
    session = gateway.open(texts)
    first, second, third = (session.redact(text).text for text in texts)
    nonce = MARKS.findall(first)[0][2]
    assert first == f"⟦EMAIL_1·{nonce}⟧, ⟦PHONE_1·{nonce}⟧"
    assert second == f"⟦EMAIL_1b·{nonce}⟧ or ⟦EMAIL_1·{nonce}⟧"
    assert third == f"tel ⟦PHONE_2·{nonce}⟧, ⟦EMAIL_2·{nonce}⟧"
    assert [session.restore(text) for text in (first, second, third)] == texts
    assert session.counts == {"EMAIL": 4, "PHONE": 2}


def test_what_one_text_gives_away_is_masked_in_all(gateway: Gateway) -> None:
    texts = ["Order 467-33957 is open.", "phone: 467 33957", "key x81hZZq0 in use", "token: x81hZZq0"]
    session = gateway.open(texts)
    redacted = [session.redact(text).text for text in texts]
    assert "33957" not in redacted[0]
    assert "x81hZZq0" not in redacted[2]


def test_a_plain_word_used_as_password_is_not_masked_everywhere(gateway: Gateway) -> None:
    texts = ["password = swordfish\n", "The swordfish is a fish."]
    session = gateway.open(texts)
    assert "swordfish" not in session.redact(texts[0]).text
    assert session.redact(texts[1]).text == texts[1]


def test_the_same_request_gives_the_same_bytes_and_another_key_another_nonce(gateway: Gateway, key: bytes) -> None:
    texts = ["ann@example.com", "q"]
    assert gateway.open(texts).redact(texts[0]) == gateway.open(texts).redact(texts[0])
    assert derive_nonce(texts, key) != derive_nonce(texts, key[::-1])
    assert derive_nonce(["ab", "c"], key) != derive_nonce(["a", "bc"], key)


def test_secrets_do_not_come_back(gateway: Gateway) -> None:
    text = "password = hunter2 for ann@example.com"
    session = gateway.open([text])
    redacted = session.redact(text).text
    answer = session.restorer()
    restored = answer.feed(redacted) + answer.flush()
    assert "hunter2" not in restored
    assert "ann@example.com" in restored
    assert answer.unknown == ()


def test_marks_in_a_document_never_become_someone(gateway: Gateway) -> None:
    """A document that tries every short nonce makes the nonce longer, and its marks stay what they are."""
    fake = " ".join(f"⟦EMAIL_1·{letter}{number:03x}⟧" for letter in "abcdef" for number in range(16**3))
    text = "write to ann@example.com"
    session = gateway.open([text, fake])
    mark = session.redact(text).text.removeprefix("write to ")
    assert mark not in fake
    assert len(mark) <= LONGEST_MARK
    assert session.restore(mark) == "ann@example.com"
    sample = fake[:2000]
    assert session.restore(session.redact(sample).text) == sample
    restorer = session.restorer()
    assert restorer.feed("⟦EMAIL_1·a001⟧ said") + restorer.flush() == "⟦EMAIL_1·a001⟧ said"
    assert restorer.unknown == ("⟦EMAIL_1·a001⟧",)


def test_only_exact_ids_are_restored_and_the_type_in_any_case(gateway: Gateway) -> None:
    values = [f"user{number}@example.com" for number in range(1, 12)]
    session = gateway.open([" ".join(values)])
    redacted = session.redact(" ".join(values)).text
    nonce = MARKS.findall(redacted)[0][2]
    assert session.restore(f"⟦email_11·{nonce}⟧") == values[10]
    for other in (
        f"⟦EMAIL_12·{nonce}⟧",
        f"⟦EMAIL_1b·{nonce}⟧",
        f"EMAIL_1·{nonce}",
        f"⟦EMAIL_01·{nonce}⟧",
        f"⟦PHONE_1·{nonce}⟧",
        f"⟦ EMAIL_1·{nonce}⟧",
        f"⟦EMAIL_1·{nonce[:-1]}⟧",
        f"⟦EMAIL_1·{nonce.upper()}X⟧",
    ):
        assert session.restore(other) == other


def test_a_restored_value_is_not_looked_at_again(gateway: Gateway) -> None:
    text = "ann@example.com"
    session = gateway.open([text])
    mark = session.redact(text).text
    restorer = session.restorer()
    assert restorer.feed("⟦" + mark + "⟧") + restorer.flush() == "⟦ann@example.com⟧"


def test_text_is_held_back_only_from_an_opening_that_may_become_a_mark(gateway: Gateway) -> None:
    session = gateway.open(["ann@example.com"])
    mark = session.redact("ann@example.com").text
    restorer = session.restorer()
    assert restorer.feed("Write to " + mark[:5]) == "Write to "
    assert restorer.feed(mark[5:-1]) == ""
    assert restorer.feed(mark[-1] + " now ⟦not") == "ann@example.com now "
    assert restorer.feed(" a mark") == "⟦not a mark"
    assert restorer.feed("⟦" * 100) == "⟦" * 99
    assert restorer.feed("A" * 40) == "⟦" + "A" * 40
    assert restorer.feed("⟦EMAIL_1") == ""
    assert restorer.flush() == "⟦EMAIL_1"
    assert restorer.flush() == ""


def test_fuzzed_streams_are_restored_like_one_exact_pass(gateway: Gateway) -> None:
    """100,000 streams of true, altered, cut and nested marks, split at random: no wrong value, no lost sign."""
    rng = random.Random(20)
    values = ["ann@example.com", "Ann@Example.com", *(f"user{n}@example.com" for n in range(12)), "+49 30 1234567"]
    session = gateway.open(["; ".join(values)])
    marks = [match.group() for match in MARK.finditer(session.redact("; ".join(values)).text)]
    back = dict(zip(marks, values, strict=True))
    exact = re.compile("|".join(map(re.escape, sorted(back, key=len, reverse=True))))
    for _ in range(100_000):
        stream = "".join(_fragment(rng, marks) for _ in range(rng.randint(1, 8)))
        restorer = session.restorer()
        out, position = "", 0
        while position < len(stream):
            step = rng.randint(1, 24)
            out += restorer.feed(stream[position : position + step])
            position += step
            assert len(restorer.held) < LONGEST_MARK
            assert stream[:position].endswith(restorer.held)
        assert out + restorer.flush() == exact.sub(lambda match: back[match.group()], stream)


def _fragment(rng: random.Random, marks: list[str]) -> str:
    mark = rng.choice(marks)
    cut = rng.randrange(len(mark))
    return rng.choice(
        [
            mark,
            mark,
            mark[:cut],
            mark[cut:],
            mark[:cut] + rng.choice("⟦⟧x1·_ ") + mark[cut:],
            "⟦",
            "⟧",
            " and ",
            "é\n",
            mark.replace("_1", "_10"),
            mark.replace("·", ""),
        ]
    )


def test_a_plain_session_changes_nothing(gateway: Gateway) -> None:
    session = gateway.open(["ann@example.com"], plain=True)
    assert session.redact("ann@example.com").text == "ann@example.com"
    assert session.restore("⟦EMAIL_1·a7f3⟧") == "⟦EMAIL_1·a7f3⟧"
    assert session.counts == {}


class _Broken:
    name, version = "broken", "1"

    def __init__(self, *spans: Span) -> None:
        self.spans = spans

    def detect(self, text: str) -> tuple[Span, ...]:
        if not self.spans:
            raise RuntimeError("the model is gone: " + text)
        return self.spans


@pytest.mark.parametrize("spans", [(), (Span(0, 99, "X", "r"),), (Span(3, 3, "X", "r"),), (Span(-1, 2, "X", "r"),)])
def test_a_detector_that_fails_blocks_and_tells_no_text(spans: tuple[Span, ...], key: bytes) -> None:
    with pytest.raises(BlockedByPolicy) as caught:
        Session(["a secret story"], detectors=[_Broken(*spans)], key=key, plain=False)
    assert "broken" in caught.value.message
    assert "story" not in caught.value.message + caught.value.hint


class _Names:
    """A detector as a plug-in would bring it."""

    name, version = "names", "1"

    def detect(self, text: str) -> list[Span]:
        return [Span(m.start(), m.end(), "person-name!", "list") for m in re.finditer(r"Ann(?: Smith)?", text)]


def test_a_plugged_in_detector_joins_in(key: bytes) -> None:
    text = "Ann Smith met a friend and Ann"
    session = Session([text], detectors=[_Names()], key=key, plain=False)
    redacted = session.redact(text).text
    assert "Ann" not in redacted
    assert re.search(r"⟦PERSONNAME_1·[0-9a-f]+⟧ met a friend and ⟦PERSONNAME_2·", redacted)
    assert session.restore(redacted) == text


class _Restless:
    """Finds something in every text, whatever was done to it."""

    name, version = "restless", "1"

    def detect(self, text: str) -> list[Span]:
        return [Span(m.start(), m.end(), "X", "r") for m in re.finditer("[a-z]", text)][:1]


def test_text_that_does_not_come_to_rest_is_blocked(key: bytes) -> None:
    text = "some words that go on for a good while and then some more of them"
    with pytest.raises(BlockedByPolicy):
        Session([text], detectors=[_Restless()], key=key, plain=False).redact(text)
