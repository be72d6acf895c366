"""Anthropic's Messages format: what is sent, and what its answers mean.

https://platform.claude.com/docs/en/api/messages and .../build-with-claude/streaming. Thinking, tool calls and citations
are left out: only text blocks are the reply.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ConfigError, ProviderError
from hybridrag.providers.chat import HttpChat
from hybridrag.providers.reply import Reply, ReportedError, error_message, token_count
from hybridrag.providers.wire import Fields, encoded

if TYPE_CHECKING:
    from hybridrag.providers.secret import Secret
    from hybridrag.types import Message, Prompt

VERSION = "2023-06-01"
_GO_ON = "Go on."
"""What the user says where a conversation would begin with the assistant, which the format does not allow."""


class AnthropicMessages(HttpChat):
    """A `ChatProvider` for Anthropic's Messages format; `more` are options of `HttpChat`."""

    def __init__(self, *, fields: Fields = Fields(), **more: Any) -> None:  # noqa: B008 - frozen
        super().__init__(wire=AnthropicFormat(fields), **more)


class AnthropicFormat:
    """`POST BASE/v1/messages`; a base address may end in `/v1` or not. Raises ConfigError for fields it cannot have."""

    def __init__(self, fields: Fields) -> None:
        if "max_tokens" in fields.omit or fields.length != "max_tokens":
            raise ConfigError(
                "Anthropic's format needs max_tokens in every request.",
                hint="Take it out of omit, and leave max_tokens_field out, in the provider's table.",
            )
        self._fields = fields

    def url(self, base_url: str) -> str:
        return base_url.rstrip("/").removesuffix("/messages").removesuffix("/v1") + "/v1/messages"

    def headers(self, key: Secret | None) -> dict[str, str]:
        return {"anthropic-version": VERSION} | ({} if key is None else {"x-api-key": key.reveal()})

    def encode(self, model: str, prompt: Prompt) -> bytes:
        system = [message.content for message in prompt.messages if message.role == "system"]
        body: dict[str, Any] = {
            "model": model,
            "max_tokens": prompt.max_tokens,
            **({"system": "\n\n".join(system)} if system else {}),
            "messages": _turns(message for message in prompt.messages if message.role != "system"),
            "temperature": prompt.temperature,
            "stream": True,
        }
        return encoded({name: body[name] for name in body if name not in self._fields.omit} | dict(self._fields.also))

    def reply(self, provider: str) -> Reply:
        return AnthropicReply(provider)


class AnthropicReply(Reply):
    """The streamed format and the plain JSON one."""

    format = "Anthropic's Messages format"

    def said(self, parsed: dict[str, Any], *, failed: bool) -> str:
        kind = parsed.get("type")
        if failed or kind == "error":
            error = parsed.get("error")
            named = error.get("type") if isinstance(error, dict) else None
            raise ReportedError(error_message(parsed), status=_STATUSES.get(str(named)))
        if kind == "message_start":
            self._prompt(_table(parsed, "message", "usage"))
        elif kind == "content_block_start":
            return _text(_table(parsed, "content_block"))
        elif kind == "content_block_delta":
            return _text(_table(parsed, "delta"))
        elif kind == "message_delta":
            self._end(_table(parsed, "delta").get("stop_reason"), _table(parsed, "usage"))
        elif kind == "message_stop":
            self.done = True
        return ""

    def said_at_once(self, parsed: dict[str, Any]) -> str:
        content = parsed.get("content")
        if parsed.get("type") == "error" or not isinstance(content, list):
            self.said(parsed, failed="error" in parsed)
            raise ProviderError(f"{self.provider} sent an answer without any content in it.", hint="Try another model.")
        self._prompt(_table(parsed, "usage"))
        self._end(parsed.get("stop_reason"), _table(parsed, "usage"))
        return "".join(_text(block) for block in content if isinstance(block, dict))

    def _prompt(self, usage: dict[str, Any]) -> None:
        """What the prompt took; what the provider's cache knew of it is counted beside the rest."""
        counts = [token_count(usage.get(name), None) for name in _PROMPT_TOKENS]
        if counts[0] is not None:
            self.prompt_tokens = sum(count or 0 for count in counts)

    def _end(self, reason: object, usage: dict[str, Any]) -> None:
        self.completion_tokens = token_count(usage.get("output_tokens"), self.completion_tokens)
        self._finished(reason, _REASONS)


def _turns(messages: Iterable[Message]) -> list[dict[str, str]]:
    """The messages with roles in turn, the user's first, as the format wants them."""
    turns: list[dict[str, str]] = []
    for message in messages:
        if turns and turns[-1]["role"] == message.role:
            turns[-1]["content"] += f"\n\n{message.content}"
        else:
            turns.append({"role": message.role, "content": message.content})
    return turns if turns and turns[0]["role"] == "user" else [{"role": "user", "content": _GO_ON}, *turns]


def _table(parsed: dict[str, Any], *path: str) -> dict[str, Any]:
    """The object at a path; an empty one where there is none."""
    for name in path:
        found = parsed.get(name)
        parsed = found if isinstance(found, dict) else {}
    return parsed


def _text(block: dict[str, Any]) -> str:
    text = block.get("text") if block.get("type") in {"text", "text_delta"} else None
    return text if isinstance(text, str) else ""


_PROMPT_TOKENS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}
"""Stop reasons in OpenAI's words; others, such as refusal, stay."""
_STATUSES = {
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The HTTP status that an error inside a stream stands for, where trying again may help."""
