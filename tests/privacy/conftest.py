"""What the privacy tests share: a key, a ledger in a fresh folder, a gateway, and a destination."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.gateway import Gateway
from hybridrag.privacy.ledger import FileLedger
from hybridrag.types import Destination

Encode = Callable[..., bytes]


@pytest.fixture
def key() -> bytes:
    return bytes(range(32))


@pytest.fixture
def ledger_path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.jsonl"


@pytest.fixture
def gateway(ledger_path: Path, key: bytes) -> Gateway:
    return Gateway(detectors=builtin_detectors(), ledger=FileLedger(ledger_path, key=key), key=key)


@pytest.fixture
def cloud() -> Destination:
    return Destination(
        provider="together",
        url="https://user:pw@api.together.xyz/v1/chat/completions?key=1",
        model="meta-llama/Llama-3.3-70B-Instruct-Turbo",
        local=False,
    )


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """Messages to the body of a chat request, as the providers encode it."""

    def encoded(*contents: str, model: str = "meta-llama/Llama-3.3-70B-Instruct-Turbo") -> bytes:
        messages = [{"role": "user", "content": content} for content in contents]
        body = {"model": model, "messages": messages, "max_tokens": 800, "temperature": 0.0, "stream": True}
        return json.dumps(body, ensure_ascii=len(contents) % 2 == 0).encode()

    return encoded
