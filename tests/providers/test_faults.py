"""Everything that can go wrong on the way, against a real server on loopback that does it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator

import pytest

from hybridrag.errors import ProviderError, ProviderUnavailable
from hybridrag.providers import Retry, Timeouts
from hybridrag.types import Completion
from tests.providers.asking import HASTY, KEY, WATCHFUL, client
from tests.servers import chat
from tests.servers.chat import ChatServer, answer, status

TEXT = "Twelve weeks [1]."


def collect(stream: Iterator[str | Completion]) -> tuple[str, ProviderError]:
    """The text before the error, and the error."""
    texts: list[str] = []
    with pytest.raises(ProviderError) as caught:
        for item in stream:
            assert isinstance(item, str)
            texts.append(item)
    return "".join(texts), caught.value


# --- what is tried again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_passing_refusal_is_tried_again(code: int) -> None:
    with ChatServer(status(code), status(code), answer(TEXT)) as server:
        asking = client(server.url)
        assert asking.ask()[0] == TEXT
    assert asking.retries == [Retry(1, f"HTTP {code}", 0.5), Retry(2, f"HTTP {code}", 1.0)]
    assert asking.waits == [0.5, 1.0]
    assert len(set(server.bodies)) == 1 and len(server.bodies) == 3


def test_attempts_are_bounded() -> None:
    with ChatServer(status(503, message="no capacity")) as server:
        asking = client(server.url, attempts=4)
        _, error = collect(asking.send())
    assert type(error) is ProviderUnavailable and error.retryable
    assert "fireworks fails to answer (HTTP 503). It says: no capacity" in error.message
    assert (len(server.requests), len(asking.retries)) == (4, 3)


def test_one_attempt_means_no_retry() -> None:
    with ChatServer(status(503)) as server:
        asking = client(server.url, attempts=1)
        collect(asking.send())
    assert (len(server.requests), asking.waits) == (1, [])


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 413, 418, 422, 501])
def test_other_refusals_are_final(code: int) -> None:
    with ChatServer(status(code), answer(TEXT)) as server:
        asking = client(server.url)
        _, error = collect(asking.send())
    assert f"HTTP {code}" in error.message
    assert (len(server.requests), asking.retries) == (1, [])


@pytest.mark.parametrize(
    ("header", "wait"), [("7", 7), ("0", 0), ("Fri, 20 Nov 2026 12:00:09 GMT", 9), ("soon", 0.5), ("60", 60)]
)
def test_retry_after_is_honoured(header: str, wait: float) -> None:
    with ChatServer(status(429, retry_after=header), answer(TEXT)) as server:
        asking = client(server.url)
        assert asking.ask()[0] == TEXT
    assert asking.waits == [wait]


@pytest.mark.parametrize("header", ["61", "86400", "Sat, 21 Nov 2026 12:00:00 GMT", "9" * 400])
def test_a_long_wait_is_said_and_not_waited(header: str) -> None:
    with ChatServer(status(429, retry_after=header), answer(TEXT)) as server:
        asking = client(server.url)
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert "It asks to wait" in error.message
    assert (asking.waits, len(server.requests)) == ([], 1)


def test_waits_are_jittered() -> None:
    with ChatServer(status(500)) as server:
        asking = client(server.url, attempts=4, chance=iter([0.0, 0.25, 0.75, 0.5]).__next__)
        collect(asking.send())
    assert asking.waits == [0.0, 0.5, 3.0]


def test_no_wait_beyond_the_total_time() -> None:
    with ChatServer(status(503, retry_after="30"), answer(TEXT)) as server:
        asking = client(server.url, timeouts=Timeouts(total=20), clock=lambda: 0.0)
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert (asking.waits, len(server.requests)) == ([], 1)


def test_nothing_is_sent_once_a_retry_cannot_be_recorded() -> None:
    def record(_: Retry) -> None:
        raise OSError("disk full")

    with ChatServer(status(503), answer(TEXT)) as server:
        asking = client(server.url, on_retry=record)
        with pytest.raises(OSError, match="disk full"):
            asking.ask()
    assert (len(server.requests), asking.waits) == (1, [])


def test_a_provider_that_cannot_be_reached() -> None:
    with chat.refused_address() as address:
        asking = client(address)
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert f"fireworks could not be reached at {address}/chat/completions: connection refused." in error.message
    assert [retry.reason for retry in asking.retries] == ["connection refused"] * 2


@pytest.mark.parametrize("behaviour", [chat.hang_up(), chat.garbage(), chat.cut(TEXT, after=0)])
def test_a_connection_that_breaks_before_any_text_is_tried_again(behaviour: chat.Behaviour) -> None:
    with ChatServer(behaviour, behaviour, answer(TEXT)) as server:
        asking = client(server.url)
        assert asking.ask()[0] == TEXT
    assert [retry.reason for retry in asking.retries] == ["the connection broke off before an answer came"] * 2


def test_a_stream_that_ends_before_any_text_is_tried_again() -> None:
    with ChatServer(chat.events(b": hello\n\n"), answer(TEXT)) as server:
        asking = client(server.url)
        assert asking.ask()[0] == TEXT
    assert [retry.reason for retry in asking.retries] == ["stopped mid-stream"]


def test_garbage_is_not_repeated_to_the_user() -> None:
    with ChatServer(chat.garbage(b"220 hunter2 ESMTP\r\n")) as server:
        _, error = collect(client(server.url, attempts=1).send())
    assert "broke off" in error.message and "hunter2" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("headers", [True, False])
def test_silence_before_the_first_word_is_tried_again(headers: bool) -> None:
    with ChatServer(chat.stall(headers=headers)) as server:
        asking = client(server.url, timeouts=HASTY)
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert "no answer within 0.05 s" in error.message
    assert len(server.requests) == 3


# --- what breaks in the middle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("last", [0, 1, 40, 149])
def test_a_provider_that_stops_mid_stream(chunked: bool, last: int) -> None:
    events = chat.reply_events(TEXT)
    cut = sum(map(len, events[:3])) + last
    with ChatServer(chat.cut(TEXT, after=cut, chunked=chunked), answer(TEXT)) as server:
        asking = client(server.url)
        text, error = collect(asking.send())
    assert text == "Twelve wee"
    assert type(error) is ProviderUnavailable
    assert error.message == "fireworks stopped mid-stream: the answer is not complete."
    assert (len(server.requests), asking.retries) == (1, [])


def test_silence_in_the_middle() -> None:
    with ChatServer(chat.stall(after=TEXT), answer(TEXT)) as server:
        asking = client(server.url, timeouts=WATCHFUL)
        text, error = collect(asking.send())
    assert text == TEXT
    assert isinstance(error, ProviderUnavailable)
    assert "stopped mid-stream" in error.message and "Nothing came for 1 s" in error.message
    assert (len(server.requests), asking.retries) == (1, [])


def test_a_broken_connection_after_the_end_takes_nothing_away() -> None:
    events = chat.reply_events(TEXT, usage=None, done=False)
    size = sum(map(len, events))

    def behave(exchange: chat.Exchange) -> None:
        exchange.start()
        exchange.write(b"".join(events)[:size])

    with ChatServer(behave) as server:
        assert client(server.url).ask() == (TEXT, Completion("stop", None, None))


def test_silence_after_the_end_takes_nothing_away() -> None:
    def behave(exchange: chat.Exchange) -> None:
        exchange.start()
        exchange.write(b"".join(chat.reply_events(TEXT, done=False)))
        exchange.wait()

    with ChatServer(behave) as server:
        assert client(server.url, timeouts=WATCHFUL).ask() == (TEXT, Completion("stop", 11, 7))


def test_comments_do_not_keep_a_request_alive_for_ever() -> None:
    ticks = iter(range(10_000))
    with ChatServer(chat.keep_alive_forever()) as server:
        asking = client(server.url, timeouts=Timeouts(total=20), clock=lambda: float(next(ticks)))
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert "did not finish its answer within 20 s" in error.message
    assert len(server.requests) == 1


def test_comments_are_bounded_even_without_a_time_limit() -> None:
    with ChatServer(chat.keep_alive_forever()) as server:
        _, error = collect(client(server.url).send())
    assert type(error) is ProviderError
    assert "more than 10 MB" in error.message


def test_one_event_is_bounded() -> None:
    with ChatServer(chat.events(*chat.reply_events("ab", done=False), b"data: " + b"x" * 1_100_000)) as server:
        _, error = collect(client(server.url).send())
    assert type(error) is ProviderError
    assert "an event of more than 1000000 bytes" in error.message


# --- answers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "shown"),
    [
        (chat.html(text="hunter2"), "text/html"),
        (chat.body(b"hunter2", content_type="text/plain"), "text/plain"),
        (chat.body(b"{}", content_type="application/x-ndjson"), "application/x-ndjson"),
        (chat.body(b"{}", content_type=None), "no content type"),
        (chat.body(b"{}", content_type="\x01<b>hunter2"), "no content type"),
    ],
)
def test_another_content_type(behaviour: chat.Behaviour, shown: str) -> None:
    with ChatServer(behaviour) as server:
        asking = client(server.url)
        _, error = collect(asking.send())
    assert type(error) is ProviderError
    assert f"fireworks at {server.url}/chat/completions answered with {shown} (HTTP 200)" in error.message
    assert "hunter2" not in error.message
    assert (len(server.requests), asking.retries) == (1, [])


def test_an_html_error_page_is_not_quoted() -> None:
    with ChatServer(chat.html(403, text="hunter2")) as server:
        _, error = collect(client(server.url).send())
    assert error.message == "fireworks refused the key in FIREWORKS_API_KEY (HTTP 403)."


def test_a_redirect_is_not_followed() -> None:
    with ChatServer(answer(TEXT)) as other, ChatServer(chat.redirect(f"{other.url}/chat/completions")) as server:
        _, error = collect(client(server.url).send())
    assert f"redirect (HTTP 307) to {other.origin}. It is not followed" in error.message
    assert (len(server.requests), other.requests) == (1, [])


def test_a_compressed_answer_is_not_unpacked() -> None:
    with ChatServer(chat.events(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})) as server:
        _, error = collect(client(server.url).send())
    assert "compressed answer" in error.message


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (chat.events(b"data: {nonsense}\n\n"), "an event that is not valid JSON"),
        (chat.body(b"{nonsense}"), "an answer that is not valid JSON"),
        (chat.body(b"{}"), "without any choice"),
        (chat.body(b'{"error": {"message": "no such thing"}}'), "error in its answer. It says: no such thing"),
    ],
)
def test_answers_that_make_no_sense(behaviour: chat.Behaviour, words: str) -> None:
    with ChatServer(behaviour) as server:
        asking = client(server.url)
        _, error = collect(asking.send())
    assert type(error) is ProviderError
    assert words in error.message
    assert asking.retries == []


def test_an_error_inside_the_stream() -> None:
    failing = chat.events(*chat.reply_events(TEXT)[:3], chat.event({"error": {"message": f"bad {KEY}", "code": 400}}))
    with ChatServer(failing, answer(TEXT)) as server:
        asking = client(server.url)
        text, error = collect(asking.send())
    assert (text, type(error)) == ("Twelve wee", ProviderError)
    assert error.message == "fireworks reported an error in its answer. It says: bad ***"
    assert asking.retries == []


def test_an_overload_reported_inside_the_stream_is_tried_again_before_any_text() -> None:
    overload = chat.event({"error": {"message": "overloaded", "code": 503}})
    with ChatServer(chat.events(overload), answer(TEXT), chat.events(*chat.reply_events(TEXT)[:3], overload)) as server:
        asking = client(server.url)
        assert asking.ask()[0] == TEXT
        text, error = collect(asking.send())
    assert (text, type(error)) == ("Twelve wee", ProviderUnavailable)
    assert [retry.reason for retry in asking.retries] == ["an error in the answer"]


def test_the_beginning_of_an_endless_error_is_enough() -> None:
    def behave(exchange: chat.Exchange) -> None:
        exchange.start(400, content_type="application/json")
        while not exchange.server.released.is_set():
            exchange.write(b" " * 65_536)

    with ChatServer(behave) as server:
        _, error = collect(client(server.url).send())
    assert error.message == "fireworks refused the request (HTTP 400)."


def test_an_error_whose_body_never_comes() -> None:
    def behave(exchange: chat.Exchange) -> None:
        exchange.start(401, content_type="application/json")
        exchange.wait()

    with ChatServer(behave) as server:
        _, error = collect(client(server.url, timeouts=WATCHFUL).send())
    assert error.message == "fireworks refused the key in FIREWORKS_API_KEY (HTTP 401)."


# --- the key ---------------------------------------------------------------------------------------------------------


FAULTS = {
    "wrong key": status(401, message=f"Incorrect API key provided: {KEY}"),
    "echoed in an error": chat.body(json.dumps({"detail": f"Bearer {KEY}"}).encode(), code=422),
    "echoed in HTML": chat.html(text=f"Authorization: Bearer {KEY}"),
    "echoed as an event": chat.events(f"data: {KEY}\n\n".encode()),
    "echoed as an error event": chat.events(f'event: error\ndata: {{"message": "{KEY}"}}\n\n'.encode()),
    "echoed as JSON": chat.body(KEY.encode()),
    "echoed as a type": chat.body(b"", content_type=f"x/{KEY}"),
    "echoed as a redirect": chat.redirect(f"https://{KEY}@evil.example/{KEY}?k={KEY}"),
    "echoed instead of HTTP": chat.garbage(KEY.encode() + b"\r\n\r\n"),
    "hang up": chat.hang_up(),
    "silence": chat.stall(),
    "cut": chat.cut(TEXT, after=700),
    "500": status(500, message=KEY),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_no_error_shows_or_leads_to_the_key(fault: str) -> None:
    with ChatServer(FAULTS[fault]) as server:
        _, error = collect(client(server.url, timeouts=HASTY, attempts=2).send())
    assert KEY not in "".join(traceback.format_exception(error)) + error.message + error.hint + repr(error)
    assert error.__cause__ is None and error.__context__ is None


def test_a_refused_connection_does_not_lead_to_the_key() -> None:
    with chat.refused_address() as address:
        _, error = collect(client(address).send())
    assert KEY not in "".join(traceback.format_exception(error))
    assert error.__cause__ is None and error.__context__ is None
