"""OpenAI's chat format, which most servers speak: what is sent, and what its answers mean.

Reasoning (`reasoning_content`, `reasoning`), tool calls and further choices are left out: only the text of the first
choice is the reply.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ProviderError
from hybridrag.providers.addresses import endpoint
from hybridrag.providers.chat import HttpChat
from hybridrag.providers.posting import bearer
from hybridrag.providers.reply import Reply, ReportedError, error_message, token_count
from hybridrag.providers.wire import Fields, encoded

if TYPE_CHECKING:
    from hybridrag.providers.secret import Secret
    from hybridrag.types import Prompt


class OpenAICompatible(HttpChat):
    """A `ChatProvider` for OpenAI's chat format; `more` are options of `HttpChat`."""

    def __init__(self, *, fields: Fields = Fields(), **more: Any) -> None:  # noqa: B008 - frozen
        super().__init__(wire=OpenAIFormat(fields), **more)


class OpenAIFormat:
    """`POST BASE/chat/completions`."""

    def __init__(self, fields: Fields) -> None:
        self._fields = fields

    def url(self, base_url: str) -> str:
        return endpoint(base_url)

    def headers(self, key: Secret | None) -> dict[str, str]:
        return bearer(key)

    def encode(self, model: str, prompt: Prompt) -> bytes:
        body: dict[str, Any] = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in prompt.messages],
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        kept = {
            self._fields.length if name == "max_tokens" else name: value
            for name, value in body.items()
            if name not in self._fields.omit
        }
        return encoded(kept | dict(self._fields.also))

    def reply(self, provider: str) -> Reply:
        return OpenAIReply(provider)


class OpenAIReply(Reply):
    """The streamed format and the plain JSON one."""

    format = "OpenAI's chat format"

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._refused = False

    def said(self, parsed: dict[str, Any], *, failed: bool) -> str:
        if failed or parsed.get("error") or parsed.get("object") == "error":
            raise ReportedError(error_message(parsed), status=_status(parsed))
        usage = parsed.get("usage")
        if isinstance(usage, dict):
            self.prompt_tokens = token_count(usage.get("prompt_tokens"), self.prompt_tokens)
            self.completion_tokens = token_count(usage.get("completion_tokens"), self.completion_tokens)
        text = ""
        for choice in _choices(parsed):
            if choice.get("index") not in (0, None):
                continue
            self._finished(choice.get("finish_reason"), _STOPPED)
            if self.finish_reason == "error":  # as OpenRouter and Mistral end what failed
                raise ReportedError("", status=None)
            part = choice.get("delta") or choice.get("message")
            if isinstance(part, dict):
                self._refused = self._refused or bool(_content(part.get("refusal")))
                text += _content(part.get("content"))
        if self._refused and self.finish_reason is not None:
            self.finish_reason = "refusal"
        return text

    def said_at_once(self, parsed: dict[str, Any]) -> str:
        text = self.said(parsed, failed=False)
        if not _choices(parsed):
            raise ProviderError(f"{self.provider} sent an answer without any choice in it.", hint="Try another model.")
        return text


def _status(parsed: dict[str, Any]) -> int | None:
    error = parsed.get("error")
    for holder in (error if isinstance(error, dict) else {}, parsed):
        for key in ("code", "status"):
            if re.fullmatch("[1-5][0-9]{2}", str(holder.get(key)), re.ASCII):
                return int(holder[key])
    return None


def _choices(parsed: dict[str, Any]) -> list[dict[str, Any]]:
    choices = parsed.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def _content(content: object) -> str:
    """The text of a content field: a string, a list of parts, or nothing."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_content(part.get("text")) for part in content if isinstance(part, dict))
    return ""


_STOPPED = {"eos": "stop"}
"""What Together calls the end of an answer: https://github.com/togethercomputer/openapi (FinishReason)."""
