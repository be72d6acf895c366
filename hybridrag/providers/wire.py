"""What a wire format is: how a prompt becomes a request, and what its answer is read with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from hybridrag.providers.reply import Reply
    from hybridrag.providers.secret import Secret
    from hybridrag.types import Prompt

OPTIONAL_FIELDS = ("max_tokens", "stream_options", "temperature")
"""Fields of a request that some servers refuse."""
LENGTH_FIELDS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class Fields:
    """Which fields a server accepts: `omit` are optional ones that it does not, `length` is the one that bounds the
    reply, and `also` are sent besides, as they stand."""

    omit: frozenset[str] = frozenset()
    length: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    also: Mapping[str, bool] = field(default_factory=dict)


class WireFormat(Protocol):
    """One way to ask a chat model over HTTP."""

    def url(self, base_url: str) -> str:
        """Where requests go, for a base address."""

    def headers(self, key: Secret | None) -> dict[str, str]:
        """The headers that carry the key, and those that the format asks for."""

    def encode(self, model: str, prompt: Prompt) -> bytes:
        """The request body: the same prompt gives the same bytes."""

    def reply(self, provider: str) -> Reply:
        """What reads one answer. `provider` is the name that messages use."""


def encoded(body: Mapping[str, Any]) -> bytes:
    """JSON in UTF-8, keys in the order given. A lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
