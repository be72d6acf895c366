"""A server on loopback that speaks Anthropic's Messages format. Scripts, records and faults are the chat server's.

with MessagesServer(answer("Two weeks [1].")) as server:
    ask(server.url)
"""

from __future__ import annotations

import json
from typing import Any

from tests.servers.chat import JSON, Behaviour, ChatServer, body, events

USAGE = {"input_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2, "output_tokens": 1}
"""What the prompt took, a part of it from the cache; 11 in all."""


class MessagesServer(ChatServer):
    """A server on 127.0.0.1 for as long as the `with` block runs. `url` is what a client takes as its base address."""

    path = "/v1/messages"


def answer(text: str, *, stop_reason: str = "end_turn") -> Behaviour:
    """Streams a text, a few characters an event."""
    return events(*reply_events(text, stop_reason=stop_reason))


def plain_json(text: str, *, stop_reason: str = "end_turn") -> Behaviour:
    """Ignores `stream` and answers with one JSON object."""
    content = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": text}]
    usage = USAGE | {"output_tokens": 7}
    message = {"type": "message", "role": "assistant", "content": content, "stop_reason": stop_reason, "usage": usage}
    return body(json.dumps(message).encode())


def reply_events(text: str, *, stop_reason: str | None = "end_turn", size: int = 5) -> list[bytes]:
    """The events of a reply: its beginning, some thinking, the text in pieces of `size` characters, its end."""
    start: JSON = {"type": "message", "role": "assistant", "content": [], "stop_reason": None, "usage": USAGE}
    stream = [
        event("message_start", message=start),
        event("content_block_start", index=0, content_block={"type": "thinking", "thinking": ""}),
        event("ping"),
        event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "Let me see."}),
        event("content_block_stop", index=0),
        event("content_block_start", index=1, content_block={"type": "text", "text": ""}),
    ]
    stream += [
        event("content_block_delta", index=1, delta={"type": "text_delta", "text": text[at : at + size]})
        for at in range(0, len(text), size)
    ]
    stream.append(event("content_block_stop", index=1))
    if stop_reason is not None:
        delta = {"stop_reason": stop_reason, "stop_sequence": None}
        stream.append(event("message_delta", delta=delta, usage={"output_tokens": 7}))
        stream.append(event("message_stop"))
    return stream


def error_event(kind: str, message: str) -> bytes:
    return event("error", error={"type": kind, "message": message})


def event(kind: str, **more: Any) -> bytes:
    data = json.dumps({"type": kind, **more}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()
