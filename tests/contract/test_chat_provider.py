"""What every `ChatProvider` keeps: a pure half, and a half that sends exactly what was sealed."""

from __future__ import annotations

import pytest

from hybridrag.errors import ProviderError, ProviderUnavailable
from hybridrag.ports import ChatProvider
from hybridrag.privacy.payload import decoded_strings
from hybridrag.types import Completion, Message, Outbound, Prompt
from tests.servers.chat import cut_bytes, refused_address, status
from tests.servers.speech import SPEECHES, Speech

PROMPT = Prompt((Message("system", "Answer."), Message("user", 'Who? "Ünï" \n 🙂')), max_tokens=300)


@pytest.fixture(params=SPEECHES, ids=lambda speech: speech.name)
def speech(request: pytest.FixtureRequest) -> Speech:
    """Every implementation in turn. A package that brings another one adds it here, with a server that speaks it."""
    chosen: Speech = request.param
    return chosen


def provider(speech: Speech, base_url: str) -> ChatProvider:
    return speech.client(
        name="mine",
        base_url=base_url,
        model="test-model",
        key=None,
        local=True,
        on_retry=lambda _: None,
        sleep=_no_sleep,
    )


def _no_sleep(_: float) -> None:
    """Retries come at once."""


def outbound(chosen: ChatProvider) -> Outbound:
    return Outbound(chosen.encode(PROMPT), chosen.destination, ledger_id="1")


def test_encoding_is_pure(speech: Speech) -> None:
    one, two = provider(speech, "http://127.0.0.1:1/v1"), provider(speech, "http://127.0.0.1:1/v1")
    assert one.encode(PROMPT) == one.encode(PROMPT) == two.encode(PROMPT)
    held = {text for _, text in decoded_strings(one.encode(PROMPT))}
    assert {message.content for message in PROMPT.messages} <= held  # as they stand: what was checked is what is sent
    assert one.encode(Prompt((Message("user", "Other"),))) != one.encode(PROMPT)


def test_the_destination_says_where_to(speech: Speech) -> None:
    chosen = provider(speech, "http://127.0.0.1:1/v1").destination
    assert (chosen.provider, chosen.model, chosen.local) == ("mine", "test-model", True)
    assert "127.0.0.1:1" in chosen.url


def test_exactly_the_sealed_bytes_are_sent_and_the_text_streams_before_its_completion(speech: Speech) -> None:
    with speech.server(speech.answer("Ada approves [1].")) as server:
        chosen = provider(speech, server.url)
        sealed = outbound(chosen)
        events = list(chosen.send(sealed))
    assert server.bodies == [sealed.body]
    *texts, last = events
    assert all(isinstance(text, str) for text in texts)
    assert len(texts) > 1
    assert "".join(str(text) for text in texts) == "Ada approves [1]."
    assert last == Completion("stop", 11, 7)


def test_nothing_is_sent_before_the_reply_is_read(speech: Speech) -> None:
    with speech.server(speech.answer("Yes.")) as server:
        chosen = provider(speech, server.url)
        events = chosen.send(outbound(chosen))
        assert server.requests == []
        assert next(events)
        assert len(server.bodies) == 1
        list(events)


@pytest.mark.parametrize("code", [400, 401, 404])
def test_a_refusal_is_an_error_with_a_hint(speech: Speech, code: int) -> None:
    with speech.server(status(code)) as server:
        chosen = provider(speech, server.url)
        with pytest.raises(ProviderError) as caught:
            list(chosen.send(outbound(chosen)))
    assert caught.value.hint
    assert not isinstance(caught.value, ProviderUnavailable)
    assert len(server.bodies) == 1


def test_what_may_pass_is_retryable(speech: Speech) -> None:
    with refused_address() as url:
        chosen = provider(speech, url)
        with pytest.raises(ProviderUnavailable):
            list(chosen.send(outbound(chosen)))
    with speech.server(cut_bytes(b"".join(speech.beginning("A long answer that is never finished.")))) as server:
        chosen = provider(speech, server.url)
        with pytest.raises(ProviderUnavailable):
            list(chosen.send(outbound(chosen)))


def test_errors_hold_nothing_of_the_request(speech: Speech) -> None:
    with speech.server(status(400, message="bad: Ünï")) as server:
        chosen = provider(speech, server.url)
        with pytest.raises(ProviderError) as caught:
            list(chosen.send(outbound(chosen)))
    assert "Answer." not in caught.value.message + caught.value.hint
