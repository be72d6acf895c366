"""What tests need to know of a wire format to hold its client to the same promises as any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hybridrag.providers import AnthropicMessages, Fields, HttpChat, OpenAICompatible, WireFormat
from hybridrag.providers.anthropic_messages import AnthropicFormat
from hybridrag.providers.openai_compatible import OpenAIFormat
from tests.servers import chat, messages
from tests.servers.chat import Behaviour, ChatServer


@dataclass(frozen=True)
class Speech:
    """One wire format: its client, its server, and its replies as events."""

    name: str
    client: Callable[..., HttpChat]
    format: WireFormat
    server: type[ChatServer]
    events: Callable[[str], list[bytes]]
    before: int
    """Events before the first piece of text, which has five characters."""
    plain_json: Callable[[str], Behaviour]
    too_long: Callable[[str], Behaviour]
    """A reply that is cut by the bound of its length."""
    error: Callable[[str], bytes]
    """An event that reports an error which trying again would not help."""
    overload: bytes
    """One that says to come back later."""
    empty: list[bytes]
    """A whole reply without any text."""

    def answer(self, text: str) -> Behaviour:
        return chat.events(*self.events(text))

    def beginning(self, text: str, pieces: int = 2) -> list[bytes]:
        """The events of a reply up to so many pieces of its text."""
        return self.events(text)[: self.before + pieces]


OPENAI = Speech(
    name="openai",
    client=OpenAICompatible,
    format=OpenAIFormat(Fields()),
    server=ChatServer,
    events=chat.reply_events,
    before=1,
    plain_json=chat.plain_json,
    too_long=lambda text: chat.answer(text, finish_reason="length"),
    error=lambda message: chat.event({"error": {"message": message, "code": 400}}),
    overload=chat.event({"error": {"message": "overloaded", "code": 503}}),
    empty=[chat.event({"choices": [], "usage": chat.USAGE}), b"data: [DONE]\n\n"],
)
ANTHROPIC = Speech(
    name="anthropic",
    client=AnthropicMessages,
    format=AnthropicFormat(Fields()),
    server=messages.MessagesServer,
    events=messages.reply_events,
    before=6,
    plain_json=messages.plain_json,
    too_long=lambda text: messages.answer(text, stop_reason="max_tokens"),
    error=lambda message: messages.error_event("invalid_request_error", message),
    overload=messages.error_event("overloaded_error", "overloaded"),
    empty=messages.reply_events(""),
)
SPEECHES = (OPENAI, ANTHROPIC)
