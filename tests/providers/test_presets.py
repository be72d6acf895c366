from __future__ import annotations

from datetime import date

import pytest

from hybridrag.errors import UsageError
from hybridrag.providers import check_url, is_loopback, preset, preset_names
from hybridrag.providers.addresses import endpoint


@pytest.mark.parametrize(
    ("name", "address", "variable"),
    [
        ("together", "https://api.together.ai/v1/chat/completions", "TOGETHER_API_KEY"),
        ("fireworks", "https://api.fireworks.ai/inference/v1/chat/completions", "FIREWORKS_API_KEY"),
        ("baseten", "https://inference.baseten.co/v1/chat/completions", "BASETEN_API_KEY"),
    ],
)
def test_hosted_providers(name: str, address: str, variable: str) -> None:
    known = preset(name)
    assert (endpoint(known.base_url), known.key_variable) == (address, variable)
    assert known.model


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_can_be_used_and_says_where_it_comes_from(name: str) -> None:
    known = preset(name)
    check_url(known.base_url)
    check_url(known.source)
    assert date.fromisoformat(known.checked) >= date(2026, 11, 20)
    assert known.name == name == name.lower()
    assert (known.key_variable is None) == is_loopback(known.base_url)


def test_letter_case_and_spaces_do_not_matter() -> None:
    assert preset(" Together ") == preset("together")


@pytest.mark.parametrize(
    ("typo", "meant"),
    [("togehter", "together"), ("fireworks-ai", "fireworks"), ("basten", "baseten"), ("olama", "ollama")],
)
def test_a_typo_is_told_what_it_may_mean(typo: str, meant: str) -> None:
    with pytest.raises(UsageError, match=repr(typo)) as caught:
        preset(typo)
    assert f"Did you mean {meant}" in caught.value.hint


def test_an_unknown_name_is_told_all_names() -> None:
    with pytest.raises(UsageError) as caught:
        preset("zzz")
    assert "Did you mean" not in caught.value.hint
    assert all(name in caught.value.hint for name in preset_names())
