"""What a chat server says, as text and a `Completion`: all that the wire formats share.

Pure. A format tells what one JSON object of a reply means; here are the stream, its end, and what is no JSON.
"""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar

from hybridrag.errors import ProviderError, ProviderUnavailable
from hybridrag.providers.sse import Event
from hybridrag.types import Completion


class Reply(ABC):
    """One reply while it arrives: `stream` or `whole` gives its text, and then `completion` how it ended.

    `ended` is true once the provider said that the text is complete; what the connection does afterwards is of no
    interest. `provider` is the name that messages use.
    """

    format: ClassVar[str]
    """The format's name, for people."""

    def __init__(self, provider: str) -> None:
        self.provider = provider
        self.finish_reason: str | None = None
        self.prompt_tokens: int | None = None
        self.completion_tokens: int | None = None
        self.done = False
        self._surrogate = ""

    @abstractmethod
    def said(self, parsed: dict[str, Any], *, failed: bool) -> str:
        """The text in one event's object, after noting what else it tells. `failed` is for an event named error.

        Raises ReportedError for an error that the provider reports.
        """

    @abstractmethod
    def said_at_once(self, parsed: dict[str, Any]) -> str:
        """The text of a plain JSON answer, likewise. Raises ProviderError where it holds no reply."""

    @property
    def ended(self) -> bool:
        return self.done or self.finish_reason is not None

    @property
    def completion(self) -> Completion:
        return Completion(self.finish_reason, self.prompt_tokens, self.completion_tokens)

    def stream(self, events: Iterable[Event]) -> Iterator[str]:
        """The pieces of text in these events, none of them empty.

        Raises ProviderUnavailable where the stream stops before its end, ProviderError for an event that makes no sense
        and for an error that the provider reports inside the stream.
        """
        begun = False
        for event in events:
            data = event.data.strip()
            if data == "[DONE]":
                self.done = True
            begun = begun or bool(data)
            parsed = None if self.done else _parsed(data)
            if parsed is None and data and not self.done:
                if not event.whole:
                    break  # the cut went through this event
                raise self._nonsense("an event that is not valid JSON")
            if parsed is not None:
                text = self._whole_characters(self.said(parsed, failed=event.name == "error"))
                if text:
                    yield text
            if self.done:
                break
        if not self.ended:
            when = "mid-stream" if begun else "before the first word"
            raise ProviderUnavailable(f"{self.provider} stopped {when}: the answer is not complete.", hint="Try again.")
        if self._surrogate:
            yield _REPLACEMENT

    def whole(self, body: bytes) -> str:
        """The text of a plain JSON answer. Raises ProviderError where there is none."""
        parsed = _parsed(body)
        if parsed is None:
            raise self._nonsense("an answer that is not valid JSON")
        text = self._whole_characters(self.said_at_once(parsed))
        self.done = True
        return text + (_REPLACEMENT if self._surrogate else "")

    def _finished(self, reason: object, words: Mapping[str, str]) -> None:
        """Notes why the reply ended, if this says so, in the `words` that all formats share.

        What does not look like a reason is not repeated: it is shown, and could be anything.
        """
        if isinstance(reason, str) and reason:  # some servers send an empty one until the end
            self.finish_reason = words.get(reason, reason) if _REASON.fullmatch(reason) else "another reason"

    def _nonsense(self, what: str) -> ProviderError:
        return ProviderError(
            f"{self.provider} sent {what}.",
            hint=f"Check that the address serves {self.format}, and the setting format.",
        )

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


def token_count(value: object, before: int | None) -> int | None:
    """A number of tokens as a provider tells it; `before` where that is none."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else before


def _parsed(data: str | bytes) -> dict[str, Any] | None:
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


_REASON = re.compile("[A-Za-z_]{1,40}")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
