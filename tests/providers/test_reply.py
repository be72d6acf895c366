from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.errors import ProviderError, ProviderUnavailable
from hybridrag.providers.openai_compatible import OpenAIReply as Reply
from hybridrag.providers.reply import ReportedError, error_message
from hybridrag.providers.sse import Event, parse
from hybridrag.types import Completion
from tests.servers.chat import reply_events


def read(*data: object, name: str = "") -> tuple[list[str], Completion]:
    """The texts and the end of a stream of these events; what is not a string is written as JSON."""
    reply = Reply("acme")
    events = [Event(name, item if isinstance(item, str) else json.dumps(item)) for item in data]
    return list(reply.stream(events)), reply.completion


def delta(content: object, finish_reason: str | None = None, index: int | None = 0) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": {"content": content}, "finish_reason": finish_reason}]}


@given(st.text(max_size=60), st.integers(1, 7))
def test_a_reply_comes_through_whatever_its_pieces(text: str, size: int) -> None:
    reply = Reply("acme")
    assert "".join(reply.stream(parse(reply_events(text, size=size)))) == text
    assert reply.completion == Completion("stop", 11, 7)


def test_no_piece_is_empty_and_reasoning_is_left_out() -> None:
    reasoning = {"choices": [{"index": 0, "delta": {"reasoning_content": "hm", "reasoning": "hm", "content": None}}]}
    assert read(delta(""), reasoning, delta("a"), delta(""), "[DONE]")[0] == ["a"]


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_the_finish_reason_is_passed_on(reason: str) -> None:
    assert read(delta("a"), delta(None, reason), "[DONE]")[1] == Completion(reason, None, None)


@pytest.mark.parametrize("reason", ["sk-test-4b1f8a77c0ffee", "\x1b[31m", "stop it", "x" * 41, "größe"])
def test_what_is_no_finish_reason_is_not_repeated(reason: str) -> None:
    assert read(delta("a"), delta(None, reason))[1] == Completion("another reason", None, None)


@pytest.mark.parametrize("part", [{"refusal": "No."}, {"refusal": [{"text": "No."}]}])
def test_a_refusal_ends_a_reply_early(part: dict[str, Any]) -> None:
    refusal = {"choices": [{"index": 0, "delta": part, "finish_reason": None}]}
    assert read(refusal, delta(None, "stop"), "[DONE]") == ([], Completion("refusal", None, None))
    assert (
        read({"choices": [{"delta": {"refusal": None, "content": "a"}}]}, delta("", "stop"))[1].finish_reason == "stop"
    )


def test_an_end_for_an_error_is_one() -> None:
    with pytest.raises(ReportedError):
        read(delta("a"), delta("", "error"), "[DONE]")


def test_an_empty_finish_reason_is_no_end_and_eos_is_a_stop() -> None:
    with pytest.raises(ProviderUnavailable, match="stopped mid-stream"):
        read(delta("a", ""))
    assert read(delta("a", ""), delta("", "eos")) == (["a"], Completion("stop", None, None))


def test_an_end_needs_a_finish_reason_or_done_but_not_both() -> None:
    assert read(delta("a", "stop")) == (["a"], Completion("stop", None, None))
    assert read(delta("a"), "[DONE]") == (["a"], Completion(None, None, None))
    assert read(delta("a"), "  [DONE] ", "what follows is not read")[0] == ["a"]


def test_a_stream_without_an_end_is_broken_off_after_its_text() -> None:
    texts = Reply("acme").stream([Event("", json.dumps(delta("half an ans")))])
    assert next(texts) == "half an ans"
    with pytest.raises(ProviderUnavailable, match="acme stopped mid-stream"):
        next(texts)


def test_a_cut_through_an_event_is_a_stop_and_not_bad_json() -> None:
    with pytest.raises(ProviderUnavailable, match="stopped mid-stream"):
        list(Reply("acme").stream([Event("", '{"choices": [{"del', whole=False)]))


@pytest.mark.parametrize("data", ["{", "[1]", "null", "3", '"text"', "<html>", "{'a': 1}", "[" * 100_000])
def test_an_event_that_is_no_json_object_is_an_error(data: str) -> None:
    with pytest.raises(ProviderError, match="not valid JSON") as caught:
        read(data)
    assert type(caught.value) is ProviderError
    assert "html" not in caught.value.message


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": "x"},
        {"choices": [None, 3, "x"]},
        {"choices": [{}]},
        {"choices": [{"index": 0, "delta": None}]},
        {"choices": [{"index": 0, "delta": "x"}]},
        {"choices": [{"index": 0, "delta": {"content": 7}}]},
        {"choices": [{"index": 0, "delta": {"content": {"text": "x"}}}]},
        {"choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"arguments": "{}"}}]}}]},
        {"choices": [{"index": 1, "delta": {"content": "another choice"}, "finish_reason": "length"}]},
        {"usage": None},
        {"usage": []},
        {"usage": {"prompt_tokens": -1, "completion_tokens": "many"}},
        {"usage": {"prompt_tokens": True, "completion_tokens": 1.5}},
        {"error": None, "choices": []},
    ],
)
def test_odd_events_are_survived(odd: dict[str, Any]) -> None:
    assert read(delta("a"), odd, delta("b", "stop"), "[DONE]") == (["a", "b"], Completion("stop", None, None))


def test_a_choice_without_an_index_is_the_first() -> None:
    assert read({"choices": [{"delta": {"content": "a"}}]}, delta("b", None, None), "[DONE]")[0] == ["a", "b"]


def test_content_in_parts() -> None:
    assert read(delta([{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}, "c"]), "[DONE]")[0] == ["ab"]


def test_usage_may_come_with_the_last_text_or_after_it() -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    assert read(delta("a", "stop") | {"usage": usage}, "[DONE]")[1] == Completion("stop", 3, 4)
    assert read(delta("a", "stop"), {"choices": [], "usage": usage}, {"usage": None})[1] == Completion("stop", 3, 4)


def test_a_character_cut_in_two_is_put_together() -> None:
    texts, _ = read(
        r'{"choices":[{"delta":{"content":"a\ud83d"}}]}', r'{"choices":[{"delta":{"content":"\ude00b"}}]}', "[DONE]"
    )
    assert "".join(texts) == "a😀b"


@pytest.mark.parametrize("half", [r"\ud83d", r"\ude00"])
def test_half_a_character_becomes_a_replacement_character(half: str) -> None:
    alone = read(f'{{"choices":[{{"delta":{{"content":"a{half}"}}}}]}}', "[DONE]")
    followed = read(f'{{"choices":[{{"delta":{{"content":"a{half}"}}}}]}}', delta("b"), "[DONE]")
    assert ("".join(alone[0]), "".join(followed[0])) == ("a�", "a�b")


@pytest.mark.parametrize(
    ("data", "message", "status"),
    [
        ({"error": {"message": "over capacity", "code": 503}}, "over capacity", 503),
        ({"error": {"message": "over capacity", "code": "503"}}, "over capacity", 503),
        ({"error": {"message": "bad", "code": "invalid_value"}}, "bad", None),
        ({"error": "bad"}, "bad", None),
        ({"error": {"code": None}}, "", None),
        ({"object": "error", "message": "too long", "code": 400}, "too long", 400),
        ({"error": True}, "", None),
        ({"error": {"message": "bad", "code": "9" * 5000}}, "bad", None),
    ],
)
def test_an_error_inside_the_stream(data: dict[str, Any], message: str, status: int | None) -> None:
    with pytest.raises(ReportedError) as caught:
        read(delta("a"), data)
    assert (caught.value.message, caught.value.status) == (message, status)


def test_an_event_named_error_is_one() -> None:
    with pytest.raises(ReportedError) as caught:
        read({"message": "bad"}, name="error")
    assert caught.value.message == "bad"


def whole(body: object) -> tuple[str, Completion]:
    reply = Reply("acme")
    return reply.whole(json.dumps(body).encode()), reply.completion


def test_a_plain_json_answer() -> None:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Zwölf. 😀"}, "finish_reason": "stop"}
    body = {"choices": [choice], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    assert whole(body) == ("Zwölf. 😀", Completion("stop", 3, 4))
    assert whole({"choices": [{"message": {"content": None}, "finish_reason": "stop"}]})[0] == ""


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"choices": [None]}, {"id": 1, "choices": None}])
def test_plain_json_without_a_choice_is_an_error(body: dict[str, Any]) -> None:
    with pytest.raises(ProviderError, match="without any choice"):
        whole(body)


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b"<html></html>", b"{" * 100_000])
def test_plain_json_that_is_none(body: bytes) -> None:
    with pytest.raises(ProviderError, match="not valid JSON"):
        Reply("acme").whole(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"error": {"message": "a"}}, "a"),
        ({"error": "a"}, "a"),
        ({"message": "a"}, "a"),
        ({"detail": "a"}, "a"),
        ({"detail": [{"loc": ["body", "model"], "msg": "a"}, {"msg": "b"}]}, "a; b"),
        ({"error": {"message": {"message": "a"}}}, "a"),
        ({"error": {"type": "x"}, "message": "a"}, "a"),
        ([], ""),
        (None, ""),
        ({"error": [[[[[[[["deep"]]]]]]]]}, ""),
    ],
)
def test_error_messages_of_many_shapes(body: object, message: str) -> None:
    assert error_message(body) == message
