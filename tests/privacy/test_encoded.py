"""Text in base64 and hexadecimal is seen, however it was wrapped; words and digests are not taken for it."""

from __future__ import annotations

import base64
import gzip
import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.privacy.plaintext.encoded import decoded_blobs

PLAIN = st.text(alphabet=st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=9, max_size=60)


def plains(text: str) -> list[str]:
    return [plain for _, _, plain in decoded_blobs(text)]


@given(PLAIN)
def test_printable_text_is_found_in_every_encoding(plain: str) -> None:
    content = plain.encode()
    once = base64.b64encode(content)
    for encoded in (
        once.decode(),
        once.decode().rstrip("="),
        base64.urlsafe_b64encode(content).decode(),
        base64.b64encode(once).decode(),
        base64.b64encode(base64.b64encode(once)).decode(),
        base64.b64encode(gzip.compress(content)).decode(),
        content.hex(),
        content.hex(":"),
        "\\x" + content.hex(" ").replace(" ", "\\x"),
    ):
        assert plain in plains(f"see {encoded} now"), encoded


@given(PLAIN, st.integers(16, 76))
def test_wrapped_lines_are_one_blob(plain: str, width: int) -> None:
    encoded = base64.b64encode(plain.encode() * 3).decode()
    wrapped = "\n> ".join(encoded[at : at + width] for at in range(0, len(encoded), width))
    assert plain * 3 in plains(f"see:\n> {wrapped}\n> end")


@given(st.text(max_size=200))
def test_spans_lie_in_the_text(text: str) -> None:
    for start, end, plain in decoded_blobs(text):
        assert 0 <= start < end <= len(text)
        assert plain


def test_umlauts_are_seen() -> None:
    assert "Jürgen Größe, Köln" in plains(base64.b64encode("Jürgen Größe, Köln".encode()).decode())


@pytest.mark.parametrize(
    "text",
    [
        "internationalisation of AbstractSingletonProxyFactoryBean and java/util/concurrent/locks",
        "sha256:" + hashlib.sha256(b"a").hexdigest() + " " + hashlib.md5(b"b").hexdigest(),
        "de:ad:be:ef:00:11:22:33, 550e8400-e29b-41d4-a716-446655440000, 4111111111111111",
    ],
)
def test_words_and_digests_are_nothing(text: str) -> None:
    assert plains(text) == []


def test_what_unpacks_to_a_flood_is_bounded() -> None:
    bomb = base64.b64encode(gzip.compress(b"a" * 50_000_000)).decode()
    text = " ".join([bomb] * 3)
    assert sum(map(len, plains(text))) <= 16 * len(text) + (1 << 20)


def test_random_bytes_are_no_text() -> None:
    rng = random.Random(1)
    text = " ".join(base64.b64encode(rng.randbytes(48)).decode() for _ in range(200))
    assert plains(text) == []
