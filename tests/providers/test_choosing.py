"""Settings to a provider: the preset with what the user set, the key and where it may go, the order of a fallback."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridrag.config import load
from hybridrag.errors import ConfigError
from hybridrag.types import ChatModel, Message, Price, Prompt
from hybridrag.wiring.provider import ChosenProvider, no_retry

KEYS = {"ANTHROPIC_API_KEY": "sk-a", "BASETEN_API_KEY": "sk-b", "OPENAI_API_KEY": "sk-o"}
PROMPT = Prompt((Message("user", "Well?"),))


def chosen(folder: Path, text: str, **environ: str) -> ChosenProvider:
    path = folder / "config.toml"
    path.write_text(text)
    settings = load(config_file=path, environ={"HOME": str(folder), **environ}, cwd=folder)
    return ChosenProvider(settings, environ=KEYS)


def test_anthropic_by_name(tmp_path: Path) -> None:
    provider = chosen(tmp_path, 'provider = "Anthropic"').open(no_retry)
    assert provider.destination.url == "https://api.anthropic.com/v1/messages"
    assert provider.chat_model.price == Price(2, 10)
    assert b"temperature" not in provider.encode(PROMPT)
    assert not provider.destination.zero_retention


def test_openai_is_asked_to_keep_nothing(tmp_path: Path) -> None:
    body = chosen(tmp_path, 'provider = "openai"').open(no_retry).encode(PROMPT)
    assert b'"max_completion_tokens":2000' in body and b'"store":false' in body
    assert b"max_tokens" not in body and b"temperature" not in body


def test_everything_can_be_set_anew(tmp_path: Path) -> None:
    provider = chosen(
        tmp_path,
        """
        provider = "gateway"
        [providers.gateway]
        base_url = "https://gateway.example"
        model = "m"
        format = "anthropic"
        context = 1000
        prompt_price = 1
        completion_price = 2.5
        zdr = true
        omit = ["temperature"]
        """,
    ).open(no_retry)
    assert provider.destination.url == "https://gateway.example/v1/messages"
    assert provider.chat_model == ChatModel(1000, Price(1, 2.5))
    assert provider.destination.zero_retention
    assert b"temperature" not in provider.encode(PROMPT)


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        ("https://model-ab12.api.baseten.co/environments/production/sync/v1", "BASETEN_API_KEY"),
        ("https://elsewhere.example/v1", ""),
    ],
)
def test_a_key_goes_to_its_own_provider_only(tmp_path: Path, url: str, variable: str) -> None:
    text = f'provider = "baseten"\n[providers.baseten]\nbase_url = "{url}"'
    assert chosen(tmp_path, text).settings()[1].key_variable == variable


def test_the_order_of_a_fallback(tmp_path: Path) -> None:
    text = 'provider = "anthropic"\nllm = "claude-haiku-5-5"\nfallback = ["OpenAI", "ANTHROPIC", "openai"]'
    first = chosen(tmp_path, text)
    assert first.order() == ("anthropic", "OpenAI")
    assert first.named("anthropic").open(no_retry).destination.model == "claude-haiku-5-5"
    assert first.named("OpenAI").open(no_retry).destination.model == "gpt-6-luna"
    assert chosen(tmp_path, 'fallback = ["openai"]').order() == ()
    named = chosen(tmp_path, 'provider = "baseten"', HYBRIDRAG_FALLBACK="together, fireworks")
    assert named.order() == ("baseten", "together", "fireworks")


def test_a_project_chooses_no_fallback(tmp_path: Path) -> None:
    (tmp_path / "hybridrag.toml").write_text('fallback = ["openai"]')
    with pytest.raises(ConfigError, match="may not set fallback"):
        load(environ={"HOME": str(tmp_path)}, cwd=tmp_path)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("prompt_price = 1", "both prices"),
        ("prompt_price = -1\ncompletion_price = 1", "0 or above"),
        ("completion_price = nan\nprompt_price = 1", "0 or above"),
        ("context = 1", "number of tokens"),
        ('omit = ["model"]', "none of max_tokens"),
        ('max_tokens_field = "tokens"', "none of max_tokens"),
    ],
)
def test_what_makes_no_sense_is_told(tmp_path: Path, line: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        chosen(tmp_path, f"[providers.x]\n{line}")
