from __future__ import annotations

from datetime import date

import pytest

from hybridrag.errors import UsageError
from hybridrag.providers import chat_model, check_url, is_loopback, preset, preset_names, zero_retention
from hybridrag.providers.addresses import endpoint
from hybridrag.types import ChatModel, Price


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


# --- what they keep --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_says_what_it_keeps_and_who_says_so(name: str) -> None:
    facts = preset(name).retention
    check_url(facts.source)
    assert date.fromisoformat(facts.checked) >= date(2026, 11, 21)
    assert facts.said


@pytest.mark.parametrize(
    ("name", "model", "keeps_nothing"),
    [
        ("together", "openai/gpt-oss-120b", False),
        ("fireworks", "accounts/fireworks/models/gpt-oss-120b", True),
        ("Fireworks", "accounts/fireworks/routers/firerouter/opus", False),
        ("fireworks", "firerouter/opus", False),
        ("baseten", "openai/gpt-oss-120b", True),
    ],
)
def test_zero_retention_as_hosted_providers_state_it(name: str, model: str, keeps_nothing: bool) -> None:
    known = preset(name)
    zero, stated = zero_retention(name, known.base_url, model, local=False, own=None)
    assert zero is keeps_nothing
    assert known.retention.source in stated


@pytest.mark.parametrize("name", ["together", "fireworks", "mine"])
@pytest.mark.parametrize("own", [True, False])
def test_the_users_word_on_retention_counts_first(name: str, own: bool) -> None:
    assert zero_retention(name, "https://mine.example/v1", "m", local=False, own=own)[0] is own


@pytest.mark.parametrize("name", ["mine", "custom", "fireworks"])
def test_nothing_is_known_of_other_addresses(name: str) -> None:
    for url in ("https://mine.example/v1", "https://api.fireworks.ai.evil.example/v1", "http://api.fireworks.ai/v1"):
        zero, stated = zero_retention(name, url, "accounts/fireworks/models/gpt-oss-120b", local=False, own=None)
        assert not zero
        assert "zdr = true" in stated


def test_a_local_server_keeps_nothing_unless_it_sends_requests_on() -> None:
    assert zero_retention("custom", "http://127.0.0.1:9/v1", "m", local=True, own=None)[0]
    assert zero_retention("ollama", "http://127.0.0.1:11434/v1", "gpt-oss:20b", local=True, own=None)[0]
    for model in ("gpt-oss:120b-cloud", "gemma4:cloud", "Gemma4:CLOUD"):
        zero, stated = zero_retention("ollama", "http://gpu.lan:11434/v1", model, local=True, own=None)
        assert not zero
        assert model in stated


# --- models and addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", preset_names())
def test_a_first_model_has_a_price_and_a_context(name: str) -> None:
    known = preset(name)
    if known.model is not None:
        facts = known.facts(known.base_url, known.model)
        assert facts is not None and facts.chat_model.price is not None and facts.chat_model.context


def test_prices_hold_at_the_own_address_only_and_the_user_comes_first() -> None:
    there = ("baseten", "https://inference.baseten.co/v1", "openai/gpt-oss-120b")
    dedicated = "https://model-ab12.api.baseten.co/environments/production/sync/v1"
    assert chat_model(*there, local=False, context=None, price=None) == ChatModel(128_000, Price(0.1, 0.5))
    assert chat_model(*there, local=False, context=9, price=Price(1, 2)) == ChatModel(9, Price(1, 2))
    assert chat_model("baseten", dedicated, there[2], local=False, context=None, price=None) == ChatModel()
    assert chat_model("mine", "http://127.0.0.1:1", "m", local=True, context=None, price=None).price == Price(0, 0)


@pytest.mark.parametrize(
    ("url", "owned"),
    [
        ("https://inference.baseten.co/v1", True),
        ("https://model-ab12.api.baseten.co/environments/production/sync/v1", True),
        ("http://model-ab12.api.baseten.co/v1", False),
        ("https://model-ab.12.api.baseten.co/v1", False),
        ("https://model-ab12.api.baseten.co.evil.example/v1", False),
        ("https://evil.example/model-ab12.api.baseten.co", False),
        ("https://model-ab12.api.baseten.co:8443/v1", False),
    ],
)
def test_which_addresses_are_a_providers_own(url: str, owned: bool) -> None:
    assert preset("baseten").owns(url) is owned
