"""Who counts tokens, that a bound is one, and that nothing is ever asked of the network."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.providers.tokens import MOST_TOLD, O200K, Vocabulary, cost, count, most_tokens, usage_of
from hybridrag.types import ChatModel, Completion, Destination, Price

REMOTE = Destination(provider="p", url="https://p.example/v1/chat/completions", model="m", local=False)
LOCAL = Destination(provider="p", url="http://127.0.0.1:1/v1/chat/completions", model="m", local=True)
PRICE = Price(prompt=2.0, completion=8.0)
WORDS = ("the", " the", "hello", " world", " Urlaub", "ing", "日本", "  ", "\n\n", "123")


def written(folder: Path, *, url: str = "https://tokens.example/made.tiktoken") -> Vocabulary:
    """A small vocabulary as tiktoken keeps them: every byte, and merges that lead to some words."""
    tokens = [bytes([byte]) for byte in range(256)]
    for word in WORDS:
        raw = word.encode()
        tokens += [raw[:end] for end in range(2, len(raw) + 1) if raw[:end] not in tokens]
    content = b"\n".join(base64.b64encode(token) + b" %d" % rank for rank, token in enumerate(tokens))
    folder.mkdir(exist_ok=True)
    (folder / hashlib.sha1(url.encode(), usedforsecurity=False).hexdigest()).write_bytes(content)
    return Vocabulary(url=url, sha256=hashlib.sha256(content).hexdigest(), pattern=O200K.pattern)


@pytest.fixture
def vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vocabulary:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "kept"))
    return written(tmp_path / "kept", url=f"https://tokens.example/{tmp_path.name}")


@given(texts=st.lists(st.text(max_size=60), max_size=4), messages=st.lists(st.sampled_from(WORDS), max_size=30))
def test_a_bound_is_one_under_a_vocabulary(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], messages: list[str]
) -> None:
    folder = tmp_path_factory.getbasetemp() / "bound"
    vocabulary = written(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
        prompt = [*texts, "".join(messages)]
        counted = count(prompt, "m", vocabulary=vocabulary)
    assert counted.counted == "tokenizer"
    assert counted.tokens <= count(prompt, "m").tokens <= most_tokens(prompt)


def test_a_vocabulary_on_this_machine_counts(vocabulary: Vocabulary) -> None:
    assert count(["hello world", " the"], "m", vocabulary=vocabulary).tokens == 3
    assert count(["x" * 1000], "m", vocabulary=vocabulary).tokens == 1000
    assert count(["a\ud800b"], "m", vocabulary=vocabulary).tokens >= 3  # what is no text at all


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_a_vocabulary_that_is_not_whole_counts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "kept"))
    vocabulary = written(tmp_path / "kept", url=f"https://tokens.example/{tmp_path.name}{damage!r}")
    (copy,) = (tmp_path / "kept").iterdir()
    copy.write_bytes(copy.read_bytes()[:-1] if damage is None else damage)
    assert count(["hello"], "m", vocabulary=vocabulary) == count(["hello"], "m")
    assert copy.exists()  # it is not ours to remove


def test_the_copy_is_looked_for_where_tiktoken_keeps_it(tmp_path: Path) -> None:
    vocabulary = written(tmp_path / "here")
    assert vocabulary.find({"TIKTOKEN_CACHE_DIR": str(tmp_path / "here")})
    assert vocabulary.find({"DATA_GYM_CACHE_DIR": str(tmp_path / "here")})
    assert not vocabulary.find({"TIKTOKEN_CACHE_DIR": str(tmp_path), "DATA_GYM_CACHE_DIR": str(tmp_path / "here")})
    assert not vocabulary.find({"TIKTOKEN_CACHE_DIR": ""})  # which tells tiktoken to keep nothing
    assert not vocabulary.find({"TIKTOKEN_CACHE_DIR": "/nowhere"})


def test_our_vocabulary_is_the_one_that_tiktoken_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    from tiktoken_ext import openai_public  # type: ignore[import-untyped]

    asked: list[tuple[str, str]] = []

    def load(url: str, *, expected_hash: str) -> dict[bytes, int]:
        asked.append((url, expected_hash))
        return {}

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", load)
    theirs = [openai_public.o200k_base()["pat_str"], openai_public.o200k_harmony()["pat_str"]]
    assert theirs == [O200K.pattern] * 2
    assert asked == [(O200K.url, O200K.sha256)] * 2


@pytest.mark.parametrize(
    "model", ["gpt-oss-120b", "accounts/fireworks/models/gpt-oss-20b", "gpt-oss:20b", "GPT-4o", "m"]
)
def test_counting_opens_no_socket_whatever_is_on_this_machine(tmp_path: Path, model: str) -> None:
    """With an empty folder tiktoken itself would fetch; what watches is Python's own record of sockets."""
    program = """
import json, sys
touched = []
sys.addaudithook(lambda event, arguments: touched.append(event) if event.startswith("socket.") else None)
from hybridrag.providers.tokens import count
found = count(["How many?"], sys.argv[1])
print(json.dumps([found.tokens, found.counted, touched]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, model],
        capture_output=True,
        check=True,
        env={**os.environ, "TIKTOKEN_CACHE_DIR": str(tmp_path)},
    )
    assert json.loads(done.stdout) == [9, "estimate", []]


@pytest.mark.parametrize("unit", ["a", "A", " ", "^", "\u0301", "日", "Aa", " a", "\n ", "'", "1", "é\n"])
def test_long_runs_take_no_more_than_their_length(vocabulary: Vocabulary, unit: str) -> None:
    assert 0 < count([unit * 300_000], "m", vocabulary=vocabulary).tokens <= 300_000 * len(unit.encode())


# --- usage -----------------------------------------------------------------------------------------------------------


def test_what_the_provider_says_counts() -> None:
    usage = usage_of(
        Completion("stop", 1_000, 200), destination=REMOTE, model=ChatModel(price=PRICE), prompt=["q"], reply="a"
    )
    assert (usage.prompt_tokens, usage.completion_tokens, usage.counted) == (1_000, 200, "provider")
    assert usage.cost_usd == pytest.approx(0.0036)


@pytest.mark.parametrize(
    "ended",
    [
        None,
        Completion("stop", None, None),
        Completion("stop", 5, None),
        Completion("stop", 0, 0),
        Completion("stop", 0, 7),
        Completion("stop", 9, 0),
        Completion("stop", MOST_TOLD + 1, 7),
        Completion("stop", 9, 10**400),
    ],
)
def test_what_is_not_told_or_cannot_be_true_is_bounded(ended: Completion | None) -> None:
    usage = usage_of(ended, destination=REMOTE, model=ChatModel(price=PRICE), prompt=["Wer?", "Wo?"], reply="Hier ä")
    assert (usage.prompt_tokens, usage.completion_tokens, usage.counted) == (
        most_tokens(["Wer?", "Wo?"]),
        7,
        "estimate",
    )
    assert usage.cost_usd == pytest.approx((usage.prompt_tokens * 2 + 7 * 8) / 1e6)


def test_a_cost_is_unknown_without_a_price_and_nothing_at_home() -> None:
    assert cost(10, 10, destination=REMOTE, price=None) is None
    assert cost(10, 10, destination=LOCAL, price=None) == 0.0
    assert cost(10**6, 10**6, destination=LOCAL, price=PRICE) == 10.0  # a relay to a cloud may listen there
