from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.errors import ProviderError, ProviderUnavailable
from hybridrag.providers import Secret
from hybridrag.providers.refusal import quoted, refusal
from hybridrag.types import Destination

HERE = Destination("fireworks", "https://api.example.com/v1/chat/completions", "llama-9", local=False)
KEY = Secret("fw_0123456789", origin="FIREWORKS_API_KEY")


def refused(status: int, body: bytes = b"", key: Secret | None = KEY, location: str | None = None) -> ProviderError:
    return refusal(status, body, destination=HERE, key=key, location=location)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "refused the request"),
        (401, "fireworks refused the key in FIREWORKS_API_KEY"),
        (402, "wants payment"),
        (403, "fireworks refused the key in FIREWORKS_API_KEY"),
        (404, "knows no model 'llama-9' at https://api.example.com/v1/chat/completions"),
        (413, "refused the request"),
        (418, "refused the request"),
        (422, "refused the request"),
    ],
)
def test_what_trying_again_cannot_help(status: int, words: str) -> None:
    error = refused(status, b'{"error": {"message": "because"}}')
    assert type(error) is ProviderError
    assert words in error.message
    assert f"HTTP {status}" in error.message
    assert error.message.endswith("It says: because")
    assert error.hint


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 529])
def test_what_may_pass(status: int) -> None:
    error = refused(status)
    assert type(error) is ProviderUnavailable
    assert f"HTTP {status}" in error.message


def test_without_a_key_the_message_says_that_one_is_wanted() -> None:
    assert "wants a key, and none was given" in refused(401, key=None).message


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://www.example.com/v1/chat/completions?token=hunter2", ""),
        ("https://www.example.com/login", " to https://www.example.com"),
        ("https://me:hunter2@www.example.com/", ""),
        ("/elsewhere", ""),
        ("javascript:alert(1)", ""),
        (f"https://{KEY.reveal()}.example.com/", ""),
        (None, ""),
    ],
)
def test_a_redirect_shows_at_most_where_to(location: str | None, shown: str) -> None:
    message = refused(302, location=location).message
    assert f"redirect (HTTP 302){shown}. It is not followed" in message
    assert "hunter2" not in message and KEY.reveal() not in message


@pytest.mark.parametrize(
    "body", [b"", b"<html>boom</html>", b"boom", b"\xff", b'"', b"[" * 50_000, b'{"boom": 1}', b"7"]
)
def test_only_a_json_error_message_is_quoted(body: bytes) -> None:
    assert refused(400, body).message == "fireworks refused the request (HTTP 400)."


def test_an_echoed_key_is_masked() -> None:
    body = json.dumps({"error": {"message": "Incorrect API key provided: fw_0123456789."}}).encode()
    assert refused(401, body).message.endswith("It says: Incorrect API key provided: ***.")


def test_a_key_cannot_hide_between_invisible_characters_or_at_the_cut() -> None:
    assert "***" in quoted("fw_01\u200b23\x0045\u202e6789", KEY)
    long = quoted("x" * 290 + KEY.reveal() * 3, KEY)
    assert "fw_" not in long


def test_a_message_is_one_line_of_at_most_300_characters() -> None:
    assert quoted("a\n\n b\tc\r\nd", None) == " It says: a b c d"
    assert quoted("é" * 301, None) == " It says: " + "é" * 299 + "…"
    assert quoted("é" * 300, None) == " It says: " + "é" * 300
    assert quoted("\x1b[31mred\x1b[0m \u202eevil", None) == " It says: [31mred[0m evil"
    assert quoted(" \x00 \n", None) == ""


@given(st.text())
def test_any_message_is_fit_to_be_shown(message: str) -> None:
    shown = quoted(message, KEY)
    assert shown.isprintable() and KEY.reveal() not in shown
    assert len(shown) <= 310
