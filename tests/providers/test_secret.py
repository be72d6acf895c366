from __future__ import annotations

import copy
import logging
import pickle

import pytest

from hybridrag.errors import ConfigError
from hybridrag.providers import Secret, key_from_environment

VALUE = "tgp_v1_s3cr3tV4lue-_.~+/="


def test_only_reveal_shows_the_key() -> None:
    secret = Secret(VALUE, origin="TOGETHER_API_KEY")
    shown = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret!s:>40}",
        repr([secret]),
        repr({1: secret}),
    ]
    assert not [text for text in shown if VALUE in text]
    assert "TOGETHER_API_KEY" in repr(secret)
    assert secret.reveal() == VALUE
    assert logging.LogRecord("n", 10, "p", 1, "key %s", (secret,), None).getMessage().count(VALUE) == 0


def test_a_key_is_not_copied_or_pickled() -> None:
    secret = Secret(VALUE, origin="X")
    for copying in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            copying(secret)
    assert not hasattr(secret, "__dict__")


def test_every_occurrence_is_masked() -> None:
    secret = Secret("abc123", origin="X")
    assert secret.mask("abc123, not abc124: 'abc123ABC123'") == "***, not abc124: '******'"
    assert Secret(r"a+.\1(", origin="X").mask(r"a+.\1( aa.\1(") == r"*** aa.\1("


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("", "empty"),
        ("  \n", "empty"),
        ("hunter2\n", "line break"),
        ("hun\r\nX-Evil: ter2", "line break"),
        (" hunter2", "space"),
        ("hunter2\u00a0", "space"),
        ("hunter2…", "ASCII"),
        ("hünter2", "ASCII"),
        ("hun\x00ter2", "control"),
        ("hunter2\x7f", "control"),
        ("hunter2\x1b[0m", "control"),
    ],
)
def test_what_no_header_can_carry_is_refused_without_showing_it(value: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        Secret(value, origin="TOGETHER_API_KEY")
    shown = str(caught.value) + caught.value.hint + repr(caught.value)
    assert "TOGETHER_API_KEY" in caught.value.message
    assert "ter2" not in shown


def test_a_key_from_the_environment() -> None:
    key = key_from_environment("TOGETHER_API_KEY", {"TOGETHER_API_KEY": VALUE})
    assert (key.reveal(), key.origin) == (VALUE, "TOGETHER_API_KEY")


@pytest.mark.parametrize(
    ("environ", "words"),
    [({}, "is not set"), ({"TOGETHER_API_KEY": ""}, "is empty"), ({"TOGETHER_API_KEY": " \t"}, "is empty")],
)
def test_a_missing_key_is_named(environ: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError, match=f"TOGETHER_API_KEY {words}") as caught:
        key_from_environment("TOGETHER_API_KEY", environ)
    assert "export TOGETHER_API_KEY=" in caught.value.hint
