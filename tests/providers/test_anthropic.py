"""What Anthropic's format has of its own: the request, the roles, the stop reasons, the errors in a stream."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.errors import ConfigError, ProviderError, ProviderUnavailable
from hybridrag.providers import AnthropicMessages, Fields
from hybridrag.providers.anthropic_messages import AnthropicFormat, AnthropicReply
from hybridrag.providers.sse import Event, parse
from hybridrag.types import Completion, Message, Prompt
from tests.providers.asking import KEY, PROMPT, client
from tests.servers import chat, messages
from tests.servers.messages import MessagesServer, answer, event, reply_events

TEXT = "Zwölf Wochen [1]. 😀"


def test_the_request() -> None:
    with MessagesServer(answer(TEXT)) as server:
        asking = client(server.url, AnthropicMessages, fields=Fields(omit=frozenset({"temperature"})))
        assert asking.ask() == (TEXT, Completion("stop", 11, 7))
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["x-api-key"] == KEY
    assert request.headers["anthropic-version"] == "2023-06-01"
    assert "authorization" not in request.headers
    assert request.json() == {
        "model": "test-model",
        "max_tokens": 2000,
        "system": "Answer from the passages.",
        "messages": [{"role": "user", "content": "How long is parental leave?"}],
        "stream": True,
    }


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "/v1/messages", "/messages"])
def test_the_address_may_be_given_in_any_form(suffix: str) -> None:
    assert AnthropicFormat(Fields()).url(f"https://a.example/x{suffix}") == "https://a.example/x/v1/messages"


def encoded(*said: tuple[str, str]) -> dict[str, Any]:
    prompt = Prompt(tuple(Message(role, content) for role, content in said))  # type: ignore[arg-type]
    body: dict[str, Any] = json.loads(AnthropicFormat(Fields()).encode("m", prompt))
    return body


def test_messages_are_made_valid() -> None:
    body = encoded(("system", "A"), ("assistant", "B"), ("user", "C"), ("user", "D"), ("system", "E"))
    assert body["system"] == "A\n\nE"
    assert body["messages"] == [
        {"role": "user", "content": "Go on."},
        {"role": "assistant", "content": "B"},
        {"role": "user", "content": "C\n\nD"},
    ]
    assert "system" not in encoded(("user", "C"))
    assert body["temperature"] == 0.0


@given(st.lists(st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text(max_size=5)), max_size=8))
def test_roles_take_turns_and_nothing_is_lost(said: list[tuple[str, str]]) -> None:
    body = encoded(*said)
    roles = [message["role"] for message in body["messages"]]
    assert roles[0] == "user"
    assert all(one != other for one, other in pairwise(roles))
    held = [body.get("system", ""), *(message["content"] for message in body["messages"])]
    for role in ("system", "user", "assistant"):
        contents = [content.encode("utf-8", "replace").decode() for who, content in said if who == role]
        texts = held[:1] if role == "system" else [m["content"] for m in body["messages"] if m["role"] == role]
        assert "".join(contents).replace("\n", "") in "".join(texts).replace("\n", "")


@pytest.mark.parametrize("fields", [Fields(omit=frozenset({"max_tokens"})), Fields(length="max_completion_tokens")])
def test_the_bound_of_a_reply_cannot_be_left_out(fields: Fields) -> None:
    with pytest.raises(ConfigError, match="needs max_tokens"):
        client("https://a.example", AnthropicMessages, fields=fields)


@given(st.text(max_size=40), st.integers(1, 7))
def test_a_reply_comes_through_whatever_its_pieces(text: str, size: int) -> None:
    reply = AnthropicReply("acme")
    assert "".join(reply.stream(parse(reply_events(text, size=size)))) == text
    assert reply.completion == Completion("stop", 11, 7)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "refusal"),
        ("tool_use", "tool_use"),
    ],
)
def test_stop_reasons(reason: str, told: str) -> None:
    for behaviour in (answer("a", stop_reason=reason), messages.plain_json("a", stop_reason=reason)):
        with MessagesServer(behaviour) as server:
            assert client(server.url, AnthropicMessages).ask()[1] == Completion(told, 11, 7)


@pytest.mark.parametrize(
    ("kind", "raised"),
    [
        ("overloaded_error", ProviderUnavailable),
        ("rate_limit_error", ProviderUnavailable),
        ("api_error", ProviderUnavailable),
        ("timeout_error", ProviderUnavailable),
        ("invalid_request_error", ProviderError),
        ("authentication_error", ProviderError),
        ("something_new", ProviderError),
    ],
)
def test_errors_in_a_stream_are_passing_or_not(kind: str, raised: type[ProviderError]) -> None:
    with MessagesServer(chat.events(messages.error_event(kind, f"no {KEY}"))) as server:
        asking = client(server.url, AnthropicMessages)
        with pytest.raises(ProviderError) as caught:
            asking.ask()
    assert type(caught.value) is raised
    assert "It says: no ***" in caught.value.message
    assert len(server.requests) == (3 if raised is ProviderUnavailable else 1)


@pytest.mark.parametrize(
    "odd",
    [
        event("message_start", message=None),
        event("content_block_start", content_block="text"),
        event("content_block_delta", delta=[1]),
        event("content_block_delta", delta={"type": "text_delta", "text": None}),
        event("content_block_delta", delta={"type": "input_json_delta", "partial_json": "{"}),
        event("message_delta", delta={"stop_reason": None}, usage={"output_tokens": "many"}),
        event("new_kind", text="not the answer"),
        b"data: {}\n\n",
    ],
)
def test_events_that_say_nothing_are_passed_over(odd: bytes) -> None:
    reply = AnthropicReply("acme")
    *start, end = reply_events("ab")
    assert list(reply.stream(parse([*start[:-1], odd, start[-1], end]))) == ["ab"]
    assert reply.completion == Completion("stop", 11, 7)


def test_nothing_is_read_beyond_the_end() -> None:
    reply = AnthropicReply("acme")
    events = iter([Event("", '{"type":"message_stop"}'), Event("", "nonsense")])
    assert list(reply.stream(events)) == []
    assert next(events).data == "nonsense"


def test_encoding_is_pure() -> None:
    one = client("https://a.example", AnthropicMessages).provider
    assert one.encode(PROMPT) == client("https://a.example", AnthropicMessages).provider.encode(PROMPT)
