"""Everything that can go wrong on the way, against a real server on loopback that does it."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator

import pytest

from hybridrag.errors import ProviderError, ProviderUnavailable
from hybridrag.providers import Retry, Timeouts
from hybridrag.providers.sse import parse
from hybridrag.types import Completion
from tests.providers.asking import HASTY, KEY, WATCHFUL, client
from tests.servers import chat
from tests.servers.chat import status
from tests.servers.speech import SPEECHES, Speech

TEXT = "Twelve weeks [1]."


@pytest.fixture(params=SPEECHES, ids=lambda speech: speech.name)
def speech(request: pytest.FixtureRequest) -> Speech:
    """Each wire format in turn: all that goes wrong goes wrong the same way in every one."""
    chosen: Speech = request.param
    return chosen


def collect(stream: Iterator[str | Completion]) -> tuple[str, ProviderError]:
    """The text before the error, and the error."""
    texts: list[str] = []
    with pytest.raises(ProviderError) as caught:
        for item in stream:
            assert isinstance(item, str)
            texts.append(item)
    return "".join(texts), caught.value


# --- what is tried again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504, 529])
def test_a_passing_refusal_is_tried_again(speech: Speech, code: int) -> None:
    with speech.server(status(code), status(code), speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client)
        assert asking.ask()[0] == TEXT
    assert asking.retries == [Retry(1, f"HTTP {code}", 0.5), Retry(2, f"HTTP {code}", 1.0)]
    assert asking.waits == [0.5, 1.0]
    assert len(set(server.bodies)) == 1 and len(server.bodies) == 3


def test_attempts_are_bounded(speech: Speech) -> None:
    with speech.server(status(503, message="no capacity")) as server:
        asking = client(server.url, speech.client, attempts=4)
        _, error = collect(asking.send())
    assert type(error) is ProviderUnavailable and error.retryable
    assert "fireworks fails to answer (HTTP 503). It says: no capacity" in error.message
    assert (len(server.requests), len(asking.retries)) == (4, 3)


def test_one_attempt_means_no_retry(speech: Speech) -> None:
    with speech.server(status(503)) as server:
        asking = client(server.url, speech.client, attempts=1)
        collect(asking.send())
    assert (len(server.requests), asking.waits) == (1, [])


@pytest.mark.parametrize("code", [400, 401, 402, 403, 404, 413, 418, 422, 501])
def test_other_refusals_are_final(speech: Speech, code: int) -> None:
    with speech.server(status(code), speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client)
        _, error = collect(asking.send())
    assert f"HTTP {code}" in error.message
    assert (len(server.requests), asking.retries) == (1, [])


@pytest.mark.parametrize(
    ("header", "wait"), [("7", 7), ("0", 0), ("Fri, 20 Nov 2026 12:00:09 GMT", 9), ("soon", 0.5), ("60", 60)]
)
def test_retry_after_is_honoured(speech: Speech, header: str, wait: float) -> None:
    with speech.server(status(429, retry_after=header), speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client)
        assert asking.ask()[0] == TEXT
    assert asking.waits == [wait]


@pytest.mark.parametrize("header", ["61", "86400", "Sat, 21 Nov 2026 12:00:00 GMT", "9" * 400])
def test_a_long_wait_is_said_and_not_waited(speech: Speech, header: str) -> None:
    with speech.server(status(429, retry_after=header), speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client)
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert "It asks to wait" in error.message
    assert (asking.waits, len(server.requests)) == ([], 1)


def test_waits_are_jittered(speech: Speech) -> None:
    with speech.server(status(500)) as server:
        asking = client(server.url, speech.client, attempts=4, chance=iter([0.0, 0.25, 0.75, 0.5]).__next__)
        collect(asking.send())
    assert asking.waits == [0.0, 0.5, 3.0]


def test_no_wait_beyond_the_total_time(speech: Speech) -> None:
    with speech.server(status(503, retry_after="30"), speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client, timeouts=Timeouts(total=20), clock=lambda: 0.0)
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert (asking.waits, len(server.requests)) == ([], 1)


def test_nothing_is_sent_once_a_retry_cannot_be_recorded(speech: Speech) -> None:
    def record(_: Retry) -> None:
        raise OSError("disk full")

    with speech.server(status(503), speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client, on_retry=record)
        with pytest.raises(OSError, match="disk full"):
            asking.ask()
    assert (len(server.requests), asking.waits) == (1, [])


def test_a_provider_that_cannot_be_reached(speech: Speech) -> None:
    with chat.refused_address() as address:
        asking = client(address, speech.client)
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert (
        f"fireworks could not be reached at {address}{speech.server.path.removeprefix('/v1')}: connection refused."
        in error.message
    )
    assert [retry.reason for retry in asking.retries] == ["connection refused"] * 2


@pytest.mark.parametrize("behaviour", [chat.hang_up(), chat.garbage(), chat.cut(TEXT, after=0)])
def test_a_connection_that_breaks_before_any_text_is_tried_again(speech: Speech, behaviour: chat.Behaviour) -> None:
    with speech.server(behaviour, behaviour, speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client)
        assert asking.ask()[0] == TEXT
    assert [retry.reason for retry in asking.retries] == ["the connection broke off before an answer came"] * 2


def test_a_stream_that_ends_before_any_text_is_tried_again(speech: Speech) -> None:
    with speech.server(chat.events(b": hello\n\n"), speech.answer(TEXT), chat.events(b": hello\n\n")) as server:
        asking = client(server.url, speech.client, attempts=2)
        assert asking.ask()[0] == TEXT
        _, error = collect(asking.send())
    assert [retry.reason for retry in asking.retries] == ["stopped before the first word"] * 2
    assert error.message == "fireworks stopped before the first word: the answer is not complete."


def test_garbage_is_not_repeated_to_the_user(speech: Speech) -> None:
    with speech.server(chat.garbage(b"220 hunter2 ESMTP\r\n")) as server:
        _, error = collect(client(server.url, speech.client, attempts=1).send())
    assert "broke off" in error.message and "hunter2" not in "".join(traceback.format_exception(error))


@pytest.mark.parametrize("headers", [True, False])
def test_silence_before_the_first_word_is_not_waited_for_twice(speech: Speech, headers: bool) -> None:
    with speech.server(chat.stall(headers=headers)) as server:
        asking = client(server.url, speech.client, timeouts=HASTY)
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert "no answer within 0.05 s" in error.message
    assert "provider_timeout" in error.hint
    assert len(server.requests) == 1


# --- what breaks in the middle ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize("last", [0, 1, 40, 99])
def test_a_provider_that_stops_mid_stream(speech: Speech, chunked: bool, last: int) -> None:
    stream = b"".join(speech.events(TEXT))
    cut = stream[: len(b"".join(speech.beginning(TEXT))) + last]
    with speech.server(chat.cut_bytes(cut, chunked=chunked), speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client)
        text, error = collect(asking.send())
    assert text == "Twelve wee"
    assert type(error) is ProviderUnavailable
    assert error.message == "fireworks stopped mid-stream: the answer is not complete."
    assert (len(server.requests), asking.retries) == (1, [])


def test_silence_in_the_middle(speech: Speech) -> None:
    with speech.server(chat.stall_after(*speech.events(TEXT)[: speech.before + 4]), speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client, timeouts=WATCHFUL)
        text, error = collect(asking.send())
    assert text == TEXT
    assert isinstance(error, ProviderUnavailable)
    assert "stopped mid-stream" in error.message and "Nothing came for 1 s" in error.message
    assert (len(server.requests), asking.retries) == (1, [])


def test_a_cut_at_every_byte_raises_or_comes_after_the_end(speech: Speech) -> None:
    """Whatever is handed out without an error is the whole answer."""
    stream = b"".join(speech.events(TEXT))
    wholes = []
    for end in range(len(stream) + 1):
        reply = speech.format.reply("acme")
        try:
            text = "".join(reply.stream(parse([stream[:end]])))
        except ProviderUnavailable as error:
            assert "not complete" in error.message
            wholes.append(False)
        else:
            assert text == TEXT
            wholes.append(True)
    assert wholes == sorted(wholes) and 0 < sum(wholes) < len(wholes) / 2  # once it was the end, it stays so


def test_a_cut_of_the_body_is_seen_where_http_does_not_show_it(speech: Speech) -> None:
    stream = b"".join(speech.events(TEXT))
    ends = range(0, len(stream), len(stream) // 8)
    with speech.server(*(chat.cut_bytes(stream[:end], chunked=False) for end in ends)) as server:
        asking = client(server.url, speech.client, attempts=1)
        for _ in ends:
            try:
                text, _ended = asking.ask()
            except ProviderUnavailable as error:
                assert "not complete" in error.message
            else:
                assert text == TEXT


def test_a_connection_that_breaks_in_an_answer_shows_that_it_is_not_whole(speech: Speech) -> None:
    stream = b"".join(speech.beginning(TEXT))
    with speech.server(chat.cut_bytes(stream), chat.cut_bytes(b"".join(speech.events(TEXT)))) as server:
        asking = client(server.url, speech.client)
        assert collect(asking.send())[0] == "Twelve wee"
        assert asking.ask() == (TEXT, Completion("stop", 11, 7))  # it broke after the end


def test_silence_after_the_end_takes_nothing_away(speech: Speech) -> None:
    with speech.server(chat.stall_after(*speech.events(TEXT)[:-1])) as server:
        assert client(server.url, speech.client, timeouts=WATCHFUL).ask() == (TEXT, Completion("stop", 11, 7))


def test_headers_that_never_end_are_not_waited_for_beyond_the_total_time(speech: Speech) -> None:
    with speech.server(chat.drip_headers()) as server:
        asking = client(server.url, speech.client, timeouts=Timeouts(connect=10, read=10, total=0.3))
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert "did not finish its answer within 0.3 s" in error.message
    assert len(server.requests) == 1


def test_an_answer_that_trickles_is_not_waited_for_beyond_the_total_time(speech: Speech) -> None:
    def behave(exchange: chat.Exchange) -> None:
        exchange.start()
        exchange.write(b"".join(speech.beginning(TEXT)))
        while not exchange.server.released.wait(timeout=0.01):
            exchange.raw(b"0")  # a chunk's size that never ends

    with speech.server(behave) as server:
        asking = client(server.url, speech.client, timeouts=Timeouts(connect=10, read=10, total=0.5))
        text, error = collect(asking.send())
    assert text == "Twelve wee"
    assert isinstance(error, ProviderUnavailable)
    assert asking.retries == []


# --- answers that are whole, and short -------------------------------------------------------------------------------


def test_a_reply_without_text_is_one(speech: Speech) -> None:
    with speech.server(chat.events(*speech.empty)) as server:
        text, ended = client(server.url, speech.client).ask()
    assert (text, ended.prompt_tokens, ended.completion_tokens) == ("", 11, 7)


def test_a_reply_that_its_length_cut_says_so(speech: Speech) -> None:
    with speech.server(speech.too_long(TEXT)) as server:
        assert client(server.url, speech.client).ask() == (TEXT, Completion("length", 11, 7))


def test_an_answer_in_one_piece(speech: Speech) -> None:
    with speech.server(speech.plain_json(TEXT)) as server:
        assert client(server.url, speech.client).ask() == (TEXT, Completion("stop", 11, 7))


@pytest.mark.parametrize(
    "change",
    [
        lambda stream: [bytes([byte]) for byte in stream],
        lambda stream: [stream],
        lambda stream: [stream.rstrip()],
        lambda stream: [stream.replace(b"\n", b"\r\n")],
        lambda stream: [stream.replace(b"\n\n", b"\n\n: keep-alive\n\n")],
    ],
    ids=["byte by byte", "one write", "no newline", "crlf", "comments"],
)
def test_events_split_and_joined(speech: Speech, change: Callable[[bytes], list[bytes]]) -> None:
    with speech.server(chat.events(*change(b"".join(speech.events(TEXT))))) as server:
        assert client(server.url, speech.client).ask() == (TEXT, Completion("stop", 11, 7))


# --- what goes on for ever -------------------------------------------------------------------------------------------


def test_comments_do_not_keep_a_request_alive_for_ever(speech: Speech) -> None:
    ticks = iter(range(10_000))
    with speech.server(chat.keep_alive_forever()) as server:
        asking = client(server.url, speech.client, timeouts=Timeouts(total=20), clock=lambda: float(next(ticks)))
        _, error = collect(asking.send())
    assert isinstance(error, ProviderUnavailable)
    assert "did not finish its answer within 20 s" in error.message
    assert len(server.requests) == 1


def test_comments_are_bounded_even_without_a_time_limit(speech: Speech) -> None:
    with speech.server(chat.keep_alive_forever()) as server:
        _, error = collect(client(server.url, speech.client).send())
    assert type(error) is ProviderError
    assert "more than 10 MB" in error.message


def test_one_event_is_bounded(speech: Speech) -> None:
    with speech.server(chat.events(*speech.beginning("ab", pieces=1), b"data: " + b"x" * 1_100_000)) as server:
        _, error = collect(client(server.url, speech.client).send())
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
def test_another_content_type(speech: Speech, behaviour: chat.Behaviour, shown: str) -> None:
    with speech.server(behaviour) as server:
        asking = client(server.url, speech.client)
        _, error = collect(asking.send())
    assert type(error) is ProviderError
    assert (
        f"fireworks at {server.url}{speech.server.path.removeprefix('/v1')} answered with {shown} (HTTP 200)"
        in error.message
    )
    assert "hunter2" not in error.message
    assert (len(server.requests), asking.retries) == (1, [])


def test_an_html_error_page_is_not_quoted(speech: Speech) -> None:
    with speech.server(chat.html(403, text="hunter2")) as server:
        _, error = collect(client(server.url, speech.client).send())
    assert error.message == "fireworks refused the key in FIREWORKS_API_KEY (HTTP 403)."


def test_a_redirect_is_not_followed(speech: Speech) -> None:
    with (
        speech.server(speech.answer(TEXT)) as other,
        speech.server(chat.redirect(f"{other.url}/chat/completions")) as server,
    ):
        _, error = collect(client(server.url, speech.client).send())
    assert f"redirect (HTTP 307) to {other.origin}. It is not followed" in error.message
    assert (len(server.requests), other.requests) == (1, [])


def test_a_compressed_answer_is_not_unpacked(speech: Speech) -> None:
    with speech.server(chat.events(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})) as server:
        _, error = collect(client(server.url, speech.client).send())
    assert "compressed answer" in error.message


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (chat.events(b"data: {nonsense}\n\n"), "an event that is not valid JSON"),
        (chat.body(b"{nonsense}"), "an answer that is not valid JSON"),
        (chat.body(b"{}"), "without any c"),
        (chat.body(b'{"error": {"message": "no such thing"}}'), "error in its answer. It says: no such thing"),
    ],
)
def test_answers_that_make_no_sense(speech: Speech, behaviour: chat.Behaviour, words: str) -> None:
    with speech.server(behaviour) as server:
        asking = client(server.url, speech.client)
        _, error = collect(asking.send())
    assert type(error) is ProviderError
    assert words in error.message
    assert asking.retries == []


def test_an_error_inside_the_stream(speech: Speech) -> None:
    failing = chat.events(*speech.beginning(TEXT), speech.error(f"bad {KEY}"))
    with speech.server(failing, speech.answer(TEXT)) as server:
        asking = client(server.url, speech.client)
        text, error = collect(asking.send())
    assert (text, type(error)) == ("Twelve wee", ProviderError)
    assert error.message == "fireworks reported an error in its answer. It says: bad ***"
    assert asking.retries == []


def test_an_overload_reported_inside_the_stream_is_tried_again_before_any_text(speech: Speech) -> None:
    with speech.server(
        chat.events(speech.overload), speech.answer(TEXT), chat.events(*speech.beginning(TEXT), speech.overload)
    ) as server:
        asking = client(server.url, speech.client)
        assert asking.ask()[0] == TEXT
        text, error = collect(asking.send())
    assert (text, type(error)) == ("Twelve wee", ProviderUnavailable)
    assert [retry.reason for retry in asking.retries] == ["an error in the answer"]


def test_the_beginning_of_an_endless_error_is_enough(speech: Speech) -> None:
    def behave(exchange: chat.Exchange) -> None:
        exchange.start(400, content_type="application/json")
        while not exchange.server.released.is_set():
            exchange.write(b" " * 65_536)

    with speech.server(behave) as server:
        _, error = collect(client(server.url, speech.client).send())
    assert error.message == "fireworks refused the request (HTTP 400)."


def test_an_error_whose_body_never_comes(speech: Speech) -> None:
    def behave(exchange: chat.Exchange) -> None:
        exchange.start(401, content_type="application/json")
        exchange.wait()

    with speech.server(behave) as server:
        _, error = collect(client(server.url, speech.client, timeouts=WATCHFUL).send())
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
def test_no_error_shows_or_leads_to_the_key(speech: Speech, fault: str) -> None:
    with speech.server(FAULTS[fault]) as server:
        _, error = collect(client(server.url, speech.client, timeouts=HASTY, attempts=2).send())
    assert KEY not in "".join(traceback.format_exception(error)) + error.message + error.hint + repr(error)
    assert error.__cause__ is None and error.__context__ is None


def test_a_refused_connection_does_not_lead_to_the_key(speech: Speech) -> None:
    with chat.refused_address() as address:
        _, error = collect(client(address, speech.client).send())
    assert KEY not in "".join(traceback.format_exception(error))
    assert error.__cause__ is None and error.__context__ is None
