"""What a chat server says, as text and a `Completion`: the streamed format of OpenAI, and its plain JSON.

Pure. Reasoning (`reasoning_content`, `reasoning`), tool calls and further choices are left out: only the text of the
first choice is the reply.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from hybridrag.errors import ProviderError, ProviderUnavailable
from hybridrag.providers.sse import Event
from hybridrag.types import Completion


class Reply:
    """One reply while it arrives: `stream` or `whole` gives its text, and then `completion` how it ended.

    `ended` is true once the provider said that the text is complete; what the connection does afterwards is of no
    interest. `provider` is the name that messages use.
    """

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._surrogate = ""
        self._finish_reason: str | None = None
        self._prompt_tokens: int | None = None
        self._completion_tokens: int | None = None
        self._done = False

    @property
    def ended(self) -> bool:
        return self._done or self._finish_reason is not None

    @property
    def completion(self) -> Completion:
        return Completion(self._finish_reason, self._prompt_tokens, self._completion_tokens)

    def stream(self, events: Iterable[Event]) -> Iterator[str]:
        """The pieces of text in these events, none of them empty.

        Raises ProviderUnavailable where the stream stops before its end, ProviderError for an event that makes no sense
        and for an error that the provider reports inside the stream.
        """
        for event in events:
            data = event.data.strip()
            if data == "[DONE]":
                self._done = True
                break
            parsed = _parsed(data)
            if parsed is None and data:
                if not event.whole:
                    break  # the cut went through this event
                raise ProviderError(
                    f"{self._provider} sent an event that is not valid JSON.",
                    hint="Check that the address serves OpenAI's chat format.",
                )
            if parsed is not None:
                text = self._text(parsed, failed=event.name == "error")
                if text:
                    yield text
        if not self.ended:
            raise ProviderUnavailable(
                f"{self._provider} stopped mid-stream: the answer is not complete.", hint="Try again."
            )
        if self._surrogate:
            yield _REPLACEMENT

    def whole(self, body: bytes) -> str:
        """The text of a plain JSON answer. Raises ProviderError where there is none."""
        parsed = _parsed(body)
        if parsed is None:
            raise ProviderError(
                f"{self._provider} sent an answer that is not valid JSON.",
                hint="Check that the address serves OpenAI's chat format.",
            )
        text = self._text(parsed, failed=False)
        if not _choices(parsed):
            raise ProviderError(f"{self._provider} sent an answer without any choice in it.", hint="Try another model.")
        self._done = True
        return text + (_REPLACEMENT if self._surrogate else "")

    def _text(self, parsed: dict[str, Any], *, failed: bool) -> str:
        if failed or parsed.get("error") or parsed.get("object") == "error":
            raise ReportedError(error_message(parsed), status=_status(parsed))
        self._usage(parsed.get("usage"))
        text = ""
        for choice in _choices(parsed):
            if choice.get("index") not in (0, None):
                continue
            if isinstance(choice.get("finish_reason"), str):
                self._finish_reason = choice["finish_reason"]
            part = choice.get("delta") or choice.get("message")
            if isinstance(part, dict):
                text += _content(part.get("content"))
        return self._whole_characters(text)

    def _usage(self, usage: object) -> None:
        if isinstance(usage, dict):
            self._prompt_tokens = _count(usage.get("prompt_tokens"), self._prompt_tokens)
            self._completion_tokens = _count(usage.get("completion_tokens"), self._completion_tokens)

    def _whole_characters(self, text: str) -> str:
        """`text` without lone surrogates. A first half at its end waits for the next piece: servers cut there."""
        text, self._surrogate = self._surrogate + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._surrogate = text[:-1], text[-1]
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class ReportedError(Exception):
    """The provider reported an error in the body of an answer; `message` is theirs, and not yet fit to be shown.

    `status` is the HTTP status that the error names in place of the one that was sent too early, if any.
    """

    def __init__(self, message: str, *, status: int | None) -> None:
        super().__init__("an error inside the answer")
        self.message = message
        self.status = status


def error_message(parsed: object, *, depth: int = 5) -> str:
    """The message in an error object, in any of the shapes that servers use; empty where there is none."""
    if isinstance(parsed, str):
        return parsed
    if depth and isinstance(parsed, list):
        return "; ".join(filter(None, (error_message(item, depth=depth - 1) for item in parsed[:3])))
    if depth and isinstance(parsed, dict):
        for key in ("error", "message", "detail", "msg"):
            message = error_message(parsed.get(key), depth=depth - 1)
            if message:
                return message
    return ""


def _status(parsed: dict[str, Any]) -> int | None:
    error = parsed.get("error")
    for holder in (error if isinstance(error, dict) else {}, parsed):
        for key in ("code", "status"):
            if str(holder.get(key)).isdecimal():
                return int(holder[key])
    return None


def _parsed(data: str | bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


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


def _count(value: object, before: int | None) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else before


_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
