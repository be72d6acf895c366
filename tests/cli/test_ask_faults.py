"""`ask` and a provider that fails, in every way it can: what is shown, what is said, how it ends.

What does not depend on a process of its own runs the command line in this process.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hybridrag.cli.main import run
from hybridrag.config import load
from hybridrag.errors import ProviderUnavailable
from hybridrag.flows.ledger import Book
from hybridrag.types import Query
from hybridrag.wiring import Wiring
from tests.conftest import CommandLine, Result, command_line
from tests.providers.asking import client
from tests.servers import chat, messages
from tests.servers.chat import Behaviour, ChatServer, Exchange
from tests.servers.embeddings import REMOTE_CERTIFICATE
from tests.servers.messages import MessagesServer
from tests.servers.speech import SPEECHES, Speech

QUESTION = "What is the meal allowance a day?"
SAID = "The meal allowance is 62 euros a day."
BROKEN = "stopped mid-stream: the answer is not complete"
MARK = "[this answer is not complete]"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, module_database_url: str, tiny_model: Path) -> Iterator[CommandLine]:
    """A home with one document. Its file knows a provider of each format, whose addresses come from the test."""
    folder = tmp_path_factory.mktemp("faults")
    cli = command_line(folder / "home", module_database_url, tiny_model)
    notes = cli.home / "notes"
    notes.mkdir()
    (notes / "travel.md").write_text(f"# Travel\n\n{SAID} Zoltan approves travel.\n")
    done = cli("ingest", str(notes))
    assert done.code == 0, done.err
    yield cli


@dataclass(frozen=True)
class Asked:
    """`hybridrag ask`, in this process."""

    home: CommandLine
    monkeypatch: pytest.MonkeyPatch
    capfd: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, settings: str = "", question: str = QUESTION, **env: str) -> Result:
        file = self.home.home / "state" / "config.toml"
        file.write_text(settings)
        with self.monkeypatch.context() as patched:
            for name in [name for name in os.environ if name.startswith("HYBRIDRAG_")]:
                patched.delenv(name)
            for name, value in {**self.home.environment, **env}.items():
                patched.setenv(name, value)
            patched.chdir(self.home.home)
            self.capfd.readouterr()
            code = run(["ask", question, *arguments])
        out, err = self.capfd.readouterr()
        return Result(code, out, err)

    def at(self, server: ChatServer, *arguments: str, **env: str) -> Result:
        """Asks one provider, in the format that its server speaks."""
        kind = "anthropic" if isinstance(server, MessagesServer) else "openai"
        settings = f'[providers.acme]\nbase_url = "{server.url}"\nmodel = "m"\nformat = "{kind}"\n'
        return self("--provider", "acme", *arguments, settings=settings, **env)


@pytest.fixture
def ask(home: CommandLine, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Asked]:
    before = signal.getsignal(signal.SIGTERM)
    yield Asked(home, monkeypatch, capfd)
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(params=SPEECHES, ids=lambda speech: speech.name)
def speech(request: pytest.FixtureRequest) -> Speech:
    chosen: Speech = request.param
    return chosen


def told(done: Result) -> dict[str, Any]:
    """The error object, which is the last line of stderr."""
    error: dict[str, Any] = json.loads(done.err.splitlines()[-1])
    assert error["schema"] == "hybridrag.error/1"
    assert done.out == ""
    return error


# --- before the first word -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What a server does, and what must be told of it. `requests` is how often it is asked.

    `timeout` (seconds) is short where silence is certain, and long where a busy machine must not make one.
    """

    behaviour: Callable[[Speech], Behaviour]
    words: str
    retryable: bool
    requests: int = 1
    timeout: float = 60


def status(code: int, **more: Any) -> Callable[[Speech], Behaviour]:
    return lambda _: chat.status(code, **more)


def always(behaviour: Behaviour) -> Callable[[Speech], Behaviour]:
    return lambda _: behaviour


def typed(speech: Speech, content_type: str | None) -> Behaviour:
    return chat.events(*speech.events(SAID), content_type=content_type)


def slow_comments(exchange: Exchange) -> None:
    exchange.start()
    while not exchange.server.released.wait(timeout=0.05):
        exchange.write(b": keep-alive\n\n")


FIRST = {
    "429, at once": Fault(status(429, retry_after="0"), "limits the rate of requests (HTTP 429)", True, 3),
    "429, in three hours": Fault(status(429, retry_after="10000"), "It asks to wait 10000 s", True),
    "429, on a day to come": Fault(status(429, retry_after="Fri, 31 Dec 2999 23:59:59 GMT"), "asks to wait", True),
    "500": Fault(status(500, retry_after="0", message="oh no"), "fails to answer (HTTP 500). It says: oh no", True, 3),
    "529": Fault(status(529, retry_after="0"), "fails to answer (HTTP 529)", True, 3),
    "400": Fault(status(400, message="too long"), "refused the request (HTTP 400). It says: too long", False),
    "401": Fault(status(401), "wants a key, and none was given (HTTP 401)", False),
    "402": Fault(status(402), "wants payment (HTTP 402)", False),
    "404": Fault(status(404), "knows no model 'm'", False),
    "redirect": Fault(always(chat.redirect("https://evil.example/v1")), "redirect (HTTP 307) to https://evil", False),
    "304": Fault(always(chat.body(b"", code=304)), "redirect (HTTP 304)", False),
    "204": Fault(always(chat.body(b"", content_type=None, code=204)), "no content type (HTTP 204)", False),
    "html": Fault(always(chat.html()), "answered with text/html (HTTP 200)", False),
    "html, 413": Fault(always(chat.html(413)), "refused the request (HTTP 413).", False),
    "plain text": Fault(lambda s: typed(s, "text/plain"), "answered with text/plain", False),
    "octets": Fault(lambda s: typed(s, "application/octet-stream"), "answered with application/octet-stream", False),
    "no type": Fault(lambda s: typed(s, None), "answered with no content type", False),
    "gzip": Fault(
        lambda s: chat.events(gzip.compress(b"".join(s.events(SAID))), headers={"Content-Encoding": "gzip"}),
        "sent a compressed answer",
        False,
    ),
    "malformed event": Fault(always(chat.events(b"data: {nonsense\n\n")), "an event that is not valid JSON", False),
    "malformed JSON": Fault(always(chat.body(b'{"choices": [')), "an answer that is not valid JSON", False),
    "an event of 2 MB": Fault(
        lambda s: chat.events(*s.beginning("ab", pieces=0), b"data: " + b"x" * 2_000_000),
        "an event of more than 1000000 bytes",
        False,
    ),
    "an error in the stream": Fault(
        lambda s: chat.events(s.error("no such thing")), "reported an error in its answer. It says: no such", False
    ),
    "an error as JSON": Fault(always(chat.body(b'{"error": {"message": "no such"}}')), "It says: no such", False),
    "no choices": Fault(always(chat.body(b'{"choices": [], "content": []}')), "gave an empty answer", False),
    "empty": Fault(lambda s: s.answer(""), "acme gave an empty answer", False),
    "blank": Fault(lambda s: s.answer(" \n\n "), "acme gave an empty answer", False),
    "only thoughts": Fault(lambda s: s.answer("<think>Well, well.</think>\n"), "acme gave an empty answer", False),
    "a limit of thoughts": Fault(
        lambda s: s.too_long(""), "ran into the limit of a reply before its first word", False
    ),
    "silence": Fault(always(chat.stall(headers=False)), "no answer within 0.5 s", True, timeout=0.5),
    "silence after the headers": Fault(always(chat.stall()), "no answer within 0.5 s", True, timeout=0.5),
    "headers without end": Fault(
        always(chat.drip_headers()), "did not finish its answer within 1 s", True, timeout=0.2
    ),
    "comments without end": Fault(always(slow_comments), "did not finish its answer within 1 s", True, timeout=0.2),
}


@pytest.mark.parametrize("fault", FIRST)
def test_what_fails_before_the_first_word(ask: Asked, speech: Speech, fault: str) -> None:
    case = FIRST[fault]
    if fault == "no choices" and speech.name == "openai":
        case = Fault(case.behaviour, "sent an answer without any choice in it", False)
    with speech.server(case.behaviour(speech)) as server:
        begun = time.monotonic()
        done = ask.at(server, "--json", HYBRIDRAG_PROVIDER_TIMEOUT=str(case.timeout))
        took = time.monotonic() - begun
    error = told(done)
    assert case.words in error["message"]
    assert (done.code, error["code"], error["retryable"]) == (5, 5, case.retryable)
    assert error["error"] == ("ProviderUnavailable" if case.retryable else "ProviderError")
    assert error["hint"]
    assert len(server.requests) == case.requests
    assert took < 20
    assert "Traceback" not in done.err


# --- after the first word --------------------------------------------------------------------------------------------


def beginning(speech: Speech) -> bytes:
    """The events of `SAID` up to its fifth word."""
    return b"".join(speech.beginning(SAID, pieces=5))


SHOWN = "The meal allowance is 62"
"""What is certain of the 25 characters that those events hold."""
MIDDLE = {
    "a cut that HTTP shows": Fault(lambda s: chat.cut_bytes(beginning(s)), BROKEN, True),
    "a cut that looks like an end": Fault(lambda s: chat.cut_bytes(beginning(s), chunked=False), BROKEN, True),
    "a cut through an event": Fault(
        lambda s: chat.cut_bytes(beginning(s) + b'data: {"ch', chunked=False), BROKEN, True
    ),
    "a cut through a chunk": Fault(lambda s: raw_chunks(beginning(s), b"ff\r\ndata: "), BROKEN, True),
    "a chunk of no length": Fault(lambda s: raw_chunks(beginning(s), b"zz\r\ndata: "), BROKEN, True),
    "a reset": Fault(lambda s: lambda exchange: reset_after(exchange, beginning(s)), BROKEN, True),
    "a stall": Fault(lambda s: chat.stall_after(beginning(s)), f"{BROKEN}. Nothing came for 1 s", True, timeout=1),
    "an error": Fault(
        lambda s: chat.events(beginning(s), s.error("oh no")), "error in its answer. It says: oh no", False
    ),
    "an overload": Fault(lambda s: chat.events(beginning(s), s.overload), "It says: overloaded", True),
    "a malformed event": Fault(lambda s: chat.events(beginning(s), b"data: {no\n\n"), "is not valid JSON", False),
    "html": Fault(lambda s: chat.events(beginning(s), b"data: <html>\n\n"), "is not valid JSON", False),
    "an event of 2 MB": Fault(
        lambda s: chat.events(beginning(s), b"data: " + b"x" * 2_000_000), "an event of more than", False
    ),
}


def raw_chunks(data: bytes, last: bytes) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.start()
        exchange.write(data)
        exchange.raw(last)

    return behave


def reset_after(exchange: Exchange, data: bytes) -> None:
    exchange.start()
    exchange.write(data)
    exchange.reset()


@pytest.mark.parametrize("fault", MIDDLE)
def test_what_fails_after_the_first_word(ask: Asked, speech: Speech, fault: str) -> None:
    case = MIDDLE[fault]
    with speech.server(case.behaviour(speech), speech.answer(SAID)) as server:
        done = ask.at(server, HYBRIDRAG_PROVIDER_TIMEOUT=str(case.timeout))
    assert done.out == f"{SHOWN}\n{MARK}\n"
    assert done.err.splitlines()[-2].startswith("error: acme ")
    assert case.words in done.err
    assert done.code == 5
    assert len(server.requests) == 1


@pytest.mark.parametrize("flags", [("--json",), ("--no-stream",), ("--require-grounded",)])
def test_a_broken_answer_that_was_not_to_be_streamed_is_not_shown(
    ask: Asked, speech: Speech, flags: tuple[str, ...]
) -> None:
    with speech.server(chat.cut_bytes(beginning(speech))) as server:
        done = ask.at(server, *flags)
    assert (done.code, done.out) == (5, "")
    assert BROKEN in done.err


# --- what the provider says is the end --------------------------------------------------------------------------------


def openai_end(reason: str) -> Behaviour:
    return chat.answer(SAID, finish_reason=reason)


ENDS = {
    "length": (SPEECHES[0], openai_end("length"), "length"),
    "content_filter": (SPEECHES[0], openai_end("content_filter"), "content_filter"),
    "tool_calls": (SPEECHES[0], openai_end("tool_calls"), "tool_calls"),
    "length, as JSON": (SPEECHES[0], chat.plain_json(SAID, finish_reason="length"), "length"),
    "max_tokens": (SPEECHES[1], messages.answer(SAID, stop_reason="max_tokens"), "length"),
    "refusal": (SPEECHES[1], messages.answer(SAID, stop_reason="refusal"), "refusal"),
    "pause_turn": (SPEECHES[1], messages.answer(SAID, stop_reason="pause_turn"), "pause_turn"),
}


@pytest.mark.parametrize("end", ENDS)
def test_an_answer_that_was_ended_early_says_so(ask: Asked, end: str) -> None:
    speech, behaviour, reason = ENDS[end]
    with speech.server(behaviour) as server:
        shown, as_json = ask.at(server), ask.at(server, "--json")
    assert (shown.code, as_json.code) == (0, 0), shown.err
    assert shown.out.startswith(f"{SAID} [1]\n{MARK}\n")
    note = f"the provider ended the answer early ({reason})"
    assert note in shown.err
    assert (as_json.json["complete"], note in as_json.json["warnings"]) == (False, True)


def refused_in_openai() -> Behaviour:
    deltas = [
        chat.chunk({"refusal": "I'm sorry, "}),
        chat.chunk({"refusal": "no."}),
        chat.chunk({}, finish_reason="stop"),
    ]
    return chat.events(*deltas, b"data: [DONE]\n\n")


WITHOUT_WORDS = {
    "refusal, openai": (SPEECHES[0], refused_in_openai(), "acme gave an empty answer (refusal)"),
    "refusal, anthropic": (SPEECHES[1], messages.answer("", stop_reason="refusal"), "gave an empty answer (refusal)"),
    "content_filter": (SPEECHES[0], chat.answer("", finish_reason="content_filter"), "empty answer (content_filter)"),
    "error": (SPEECHES[0], chat.answer("", finish_reason="error"), "acme reported an error in its answer."),
    "choices []": (
        SPEECHES[0],
        chat.events(*[chat.event({"choices": []})] * 3, b"data: [DONE]\n\n"),
        "acme gave an empty answer",
    ),
    "other JSON": (SPEECHES[0], chat.events(chat.event({"text": SAID}), b"data: [DONE]\n\n"), "gave an empty answer"),
}


@pytest.mark.parametrize("case", WITHOUT_WORDS)
def test_an_end_without_words_is_an_error(ask: Asked, case: str) -> None:
    speech, behaviour, words = WITHOUT_WORDS[case]
    with speech.server(behaviour) as server:
        done = ask.at(server, "--json")
    assert words in told(done)["message"]
    assert (done.code, told(done)["retryable"], len(server.requests)) == (5, False, 1)


# --- odd, and right --------------------------------------------------------------------------------------------------


def rewritten(change: Callable[[bytes], bytes]) -> Callable[[Speech], Behaviour]:
    return lambda speech: chat.events(change(b"".join(speech.events(SAID))))


def by_bytes(speech: Speech) -> Behaviour:
    return chat.events(*(bytes([byte]) for byte in b"".join(speech.events(SAID))))


def informed_first(speech: Speech) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        speech.answer(SAID)(exchange)

    return behave


def old_http(speech: Speech) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + b"".join(speech.events(SAID)))

    return behave


def with_trailers(speech: Speech) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        exchange.start()
        exchange.write(b"".join(speech.events(SAID)))
        exchange.raw(b"0\r\nX-Trailer: 1\r\n\r\n")

    return behave


def silent_after_the_end(speech: Speech) -> Behaviour:
    return chat.stall_after(*speech.events(SAID))


RIGHT: Mapping[str, Callable[[Speech], Behaviour]] = {
    "byte by byte": by_bytes,
    "one write": rewritten(lambda stream: stream),
    "crlf": rewritten(lambda stream: stream.replace(b"\n", b"\r\n")),
    "cr": rewritten(lambda stream: stream.replace(b"\n", b"\r")),
    "a byte order mark": rewritten(lambda stream: b"\xef\xbb\xbf" + stream),
    "comments": rewritten(lambda stream: b": hello\n\n" * 50 + stream.replace(b"\n\n", b"\n\n: keep-alive\n\n")),
    "other fields": rewritten(lambda stream: stream.replace(b"data:", b"id: 7\nretry: 10\ndata:")),
    "no last newline": rewritten(lambda stream: stream.rstrip()),
    "large events": rewritten(lambda stream: b": " + b"x" * 900_000 + b"\n\n" + stream),
    "one JSON object": lambda speech: speech.plain_json(SAID),
    "informational responses": informed_first,
    "HTTP/1.0": old_http,
    "trailers": with_trailers,
    "silence after the end": silent_after_the_end,
    "a reset after the end": lambda speech: lambda exchange: reset_after(exchange, b"".join(speech.events(SAID))),
}


@pytest.mark.parametrize("case", RIGHT)
def test_odd_answers_that_are_whole(ask: Asked, speech: Speech, case: str) -> None:
    with speech.server(RIGHT[case](speech)) as server:
        done = ask.at(server, "--json", HYBRIDRAG_PROVIDER_TIMEOUT="30")
    assert done.code == 0, done.err
    assert (done.json["answer"], done.json["complete"]) == (f"{SAID} [1]", True)
    assert done.json["usage"] == {
        "prompt_tokens": 11,
        "completion_tokens": 7,
        "counted": "provider",
        "cost_usd": 0.0,
    }


def test_a_long_reply_in_other_letters_split_anywhere(ask: Asked, speech: Speech) -> None:
    text = "Größe, naïveté, 東京, Ελλάδα, 😀 und so weiter.\n\n" * 300
    stream = b"".join(speech.events(text))
    with speech.server(chat.events(*(stream[at : at + 1021] for at in range(0, len(stream), 1021)))) as server:
        done = ask.at(server, "--json")
    assert done.code == 0, done.err
    assert done.json["answer"].replace(" [?]", "").replace("[?]\n", "").split() == text.split()


def test_a_reply_without_end_is_bounded(ask: Asked) -> None:
    speech = SPEECHES[0]

    def behave(exchange: Exchange) -> None:
        exchange.start()
        pieces = speech.beginning("x " * 4000, pieces=1600)
        exchange.write(b"".join(pieces))
        while not exchange.server.released.is_set():
            exchange.write(b"".join(pieces[-1600:]))

    with speech.server(behave) as server:
        done = ask.at(server)
    assert done.code == 5
    assert done.out.endswith(f"\n{MARK}\n")
    assert "sent more than 10 MB for one answer" in done.err


# --- cut at every byte -----------------------------------------------------------------------------------------------


def small_openai(text: str) -> bytes:
    """A whole reply in as few bytes as can be, one event a word."""
    deltas = [{"choices": [{"delta": {"content": f"{word} "}}]} for word in text.split()]
    end = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
    return b"".join(map(chat.event, [*deltas, end])) + b"data: [DONE]\n\n"


def small_anthropic(text: str) -> bytes:
    deltas = [
        messages.event("content_block_delta", delta={"type": "text_delta", "text": f"{w} "}) for w in text.split()
    ]
    end = messages.event("message_delta", delta={"stop_reason": "end_turn"})
    return b"".join([*deltas, end, messages.event("message_stop")])


SMALL = {"openai": (small_openai, b'"finish_reason": "stop"}]}'), "anthropic": (small_anthropic, b'"end_turn"}}')}
"""A small reply, and what its provider says to announce its end."""


def served(stream: bytes, *, chunked: bool) -> bytes:
    """A whole response, as it goes over the wire."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    if not chunked:
        return head + b"Connection: close\r\n\r\n" + stream
    chunks = (stream[at : at + 60] for at in range(0, len(stream), 60))
    return (
        head
        + b"Transfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks)
        + b"0\r\n\r\n"
    )


@pytest.mark.parametrize("chunked", [True, False])
def test_a_response_cut_at_every_byte_is_an_error_or_was_announced_to_be_whole(speech: Speech, chunked: bool) -> None:
    """The whole response, status line and headers too, over a real socket."""
    made, end = SMALL[speech.name]
    response = served(made("Twelve weeks [1]."), chunked=chunked)
    wholes = []
    with speech.server(*(chat.garbage(response[:at]) for at in range(len(response) + 1))) as server:
        asking = client(server.url, speech.client, attempts=1)
        for at in range(len(response) + 1):
            try:
                text, _ = asking.ask()
            except ProviderUnavailable:
                assert end + b"\n\n" not in unchunked(response[:at])
                wholes.append(False)
            else:
                assert text == "Twelve weeks [1]. "
                assert end in unchunked(response[:at])
                wholes.append(True)
    assert wholes == sorted(wholes)  # once it was announced, it stays so
    assert 0 < sum(wholes) < len(wholes) / 2


def unchunked(response: bytes) -> bytes:
    return re.sub(rb"\r\n[0-9a-f]+\r\n", b"", response)


def test_an_answer_cut_anywhere_after_its_first_word_is_never_whole(
    home: CommandLine, speech: Speech, tmp_path: Path
) -> None:
    """The same through all of `ask`: search, redaction, ledger, checks of what was said.

    The cuts are those at which what was read differs, around the end of each line, and some between them.
    """
    made, end = SMALL[speech.name]
    stream = made("Twelve weeks.")
    first = stream.index(b"\n\n") + 2
    announced = stream.index(end) + len(end)
    cuts = [
        at
        for at in range(first, len(stream) + 1)
        if b"\n" in stream[at - 1 : at + 1] or abs(at - announced) <= 1 or at % 16 == 0
    ]
    with speech.server(*(chat.cut_bytes(stream[:at], chunked=False) for at in cuts)) as server:
        wiring = wired(home, tmp_path, server, speech)
        for at in cuts:
            shown: list[str] = []
            if at < announced:
                with pytest.raises(ProviderUnavailable, match="not complete"):
                    wiring.ask(Query(QUESTION, k=1, unit="passage"), on_text=shown.append)
                assert "Twelve weeks.".startswith("".join(shown))
            else:
                answer = wiring.ask(Query(QUESTION, k=1, unit="passage"), on_text=shown.append)
                assert answer.complete
                assert "".join(shown) == answer.text == "Twelve weeks. [?]"
        assert len(server.requests) == len(cuts)


def wired(home: CommandLine, tmp_path: Path, server: ChatServer, speech: Speech) -> Wiring:
    file = tmp_path / "config.toml"
    file.write_text(f'[providers.acme]\nbase_url = "{server.url}"\nmodel = "m"\nformat = "{speech.name}"\n')
    environ = dict(home.environment)
    settings = load(flags={"provider": "acme"}, config_file=file, environ=environ, cwd=tmp_path)
    return Wiring(settings, notify=lambda _: None, environ=environ)


# --- the next provider -----------------------------------------------------------------------------------------------


def providers(*servers: ChatServer, more: str = "", each: str = "") -> str:
    """Settings with a provider for each server, the first one chosen, the others to fall back on."""
    names = ["one", "two", "three"][: len(servers)]
    tables = [
        f'[providers.{name}]\nbase_url = "{server.url}"\nmodel = "m"\n{each}'
        + ('format = "anthropic"\n' if isinstance(server, MessagesServer) else "")
        for name, server in zip(names, servers, strict=True)
    ]
    return f'provider = "one"\nfallback = {json.dumps(names[1:])}\n{more}' + "".join(tables)


def recorded(home: CommandLine, count: int) -> list[tuple[str, str]]:
    """Provider and outcome of the latest attempts in the ledger, in their order."""
    entries = Book(home.home / "state" / "data").entries(count=count)
    return [(str(entry.intent["provider"]), entry.outcome) for entry in reversed(entries)]


PASSED_ON = {
    name: case
    for name, case in FIRST.items()
    if name not in {"no choices", "headers without end", "comments without end", "only thoughts", "500"}
}


@pytest.mark.parametrize("fault", PASSED_ON)
def test_the_next_provider_answers_where_the_first_fails_before_its_first_word(ask: Asked, fault: str) -> None:
    case = FIRST[fault]
    speech, other = SPEECHES
    with speech.server(case.behaviour(speech)) as one, other.server(other.answer(SAID)) as two:
        patience = f"provider_timeout = {case.timeout}\n"
        done = ask("--json", settings=providers(one, two, more=patience) + "timeout = 60\n")
    assert done.code == 0, done.err
    assert (done.json["provider"], done.json["answer"]) == ("two", f"{SAID} [1]")
    assert case.words.replace("acme", "one") in done.err
    assert "Asking the next provider instead." in done.err
    assert (len(one.requests), len(two.requests)) == (case.requests, 1)
    before = "sent" if "empty answer" in case.words or "limit of a reply" in case.words else "failed"
    assert recorded(ask.home, case.requests + 1) == [
        *[("one", "retried")] * (case.requests - 1),
        ("one", before),
        ("two", "sent"),
    ]


def test_after_the_first_word_no_other_provider_is_asked(ask: Asked, speech: Speech) -> None:
    with speech.server(chat.cut_bytes(beginning(speech))) as one, speech.server(speech.answer(SAID)) as two:
        done = ask(settings=providers(one, two))
    assert (done.code, done.out) == (5, f"{SHOWN}\n{MARK}\n")
    assert (len(one.requests), len(two.requests)) == (1, 0)
    assert recorded(ask.home, 1) == [("one", "failed")]


def test_where_all_fail_the_last_error_counts(ask: Asked) -> None:
    with (
        ChatServer(chat.status(400)) as one,
        ChatServer(chat.html()) as two,
        ChatServer(chat.status(429, retry_after="0")) as three,
    ):
        done = ask("--json", settings=providers(one, two, three))
    error = json.loads(done.err.splitlines()[-1])
    assert (done.code, done.out, error["retryable"]) == (5, "", True)
    assert "three limits the rate of requests (HTTP 429)" in error["message"]
    assert done.err.count("Asking the next provider instead.") == 2
    assert recorded(ask.home, 5)[:3] == [("one", "failed"), ("two", "failed"), ("three", "retried")]


def test_a_fallback_without_its_key_is_told(ask: Asked) -> None:
    with ChatServer(chat.status(503, retry_after="0")) as one, ChatServer(chat.answer(SAID)) as two:
        settings = providers(one, two) + 'key_variable = "KEY_OF_TWO"\n'
        done = ask("--json", settings=settings)
    assert (done.code, done.out, two.requests) == (5, "", [])  # the first one's failure is the answer
    assert "KEY_OF_TWO is not set" in done.err


class RemoteServer(ChatServer):
    """One that counts as remote: 0.0.0.0 leads to this machine, but nothing in that address says so."""

    host = "0.0.0.0"
    certificate = REMOTE_CERTIFICATE

    def __init__(self, *script: Behaviour) -> None:
        super().__init__(*script, tls=True)


def test_a_remote_fallback_gets_nothing_that_only_a_local_provider_may_have(home: CommandLine, ask: Asked) -> None:
    (home.home / "diary").mkdir(exist_ok=True)
    (home.home / "diary" / "diary.md").write_text(
        "---\nlabel: local-only\n---\nThe meal allowance of Zoltan was 4711.\n"
    )
    assert home("ingest", str(home.home / "diary"), "-c", "diary").code == 0
    assert home("ingest", str(home.home / "notes"), "-c", "diary").code == 0
    listed = 'local_addresses = ["127.0.0.1"]\n'
    with ChatServer(chat.status(400)) as one, RemoteServer(chat.answer(SAID)) as two:
        settings = providers(one, two, more=listed)
        done = ask("-c", "diary", "--json", settings=settings, SSL_CERT_FILE=str(REMOTE_CERTIFICATE))
        assert done.code == 0, done.err
        only = ask("-c", "diary", "--filter", "path=diary.md", settings=settings, SSL_CERT_FILE=str(REMOTE_CERTIFICATE))
    assert "4711" in one.bodies[0].decode() and "4711" in one.bodies[1].decode()
    assert (len(two.bodies), "4711" in two.bodies[0].decode()) == (1, False)
    assert (only.code, only.out) == (7, "")


PRICED = "prompt_price = 1.0\ncompletion_price = 1.0\n"


def test_a_spent_budget_sends_nothing_not_even_to_the_next(ask: Asked) -> None:
    with ChatServer(chat.answer(SAID)) as one, ChatServer(chat.answer(SAID)) as two:
        done = ask("--json", "--max-cost-usd", "0.000001", settings=providers(one, two, each=PRICED))
        assert (done.code, told(done)["retryable"]) == (9, False)
    assert "nothing was sent" in done.err
    assert (one.requests, two.requests) == ([], [])


def test_a_budget_and_no_known_price_sends_nothing(ask: Asked) -> None:
    with RemoteServer(chat.answer(SAID)) as one:
        done = ask("--json", "--max-cost-usd", "5", settings=providers(one), SSL_CERT_FILE=str(REMOTE_CERTIFICATE))
        assert done.code == 3
    assert "no price is known" in told(done)["message"]
    assert one.requests == []


# --- the way there ---------------------------------------------------------------------------------------------------


def test_a_server_that_is_not_there(ask: Asked) -> None:
    with chat.refused_address() as address:
        done = ask("--provider", address, "--llm", "m", "--json")
    assert (done.code, told(done)["retryable"]) == (5, True)
    assert "connection refused" in told(done)["message"]


@pytest.mark.parametrize("behaviour", [chat.hang_up(), chat.garbage()], ids=["hang up", "another protocol"])
def test_a_server_that_speaks_no_http(ask: Asked, behaviour: Behaviour) -> None:
    with ChatServer(behaviour) as server:
        done = ask.at(server, "--json")
    assert (done.code, told(done)["retryable"]) == (5, True)
    assert "the connection broke off before an answer came" in told(done)["message"]


def test_a_certificate_that_nobody_vouches_for(ask: Asked) -> None:
    with ChatServer(chat.answer(SAID), tls=True) as server:
        refused = ask.at(server, "--json")
        trusted = ask.at(server, "--json", SSL_CERT_FILE=str(chat.CERTIFICATE))
    assert (refused.code, told(refused)["retryable"]) == (5, False)
    assert "certificate of acme" in refused.err and "cannot be trusted" in refused.err
    assert trusted.code == 0, trusted.err


def test_a_proxy_that_refuses(ask: Asked) -> None:
    with ChatServer() as proxy:
        env = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), proxy.origin)
        done = ask("--provider", "https://llm.example.com/v1", "--llm", "m", "--json", **env, NO_PROXY="", no_proxy="")
    assert (done.code, told(done)["retryable"]) == (5, False)
    assert "proxy between here and custom" in told(done)["message"]
    assert [(request.method, request.path, request.body) for request in proxy.requests] == [
        ("CONNECT", "llm.example.com:443", b"")
    ]


def test_a_proxy_is_not_used_for_this_machine(ask: Asked) -> None:
    with ChatServer() as proxy, ChatServer(chat.answer(SAID)) as server:
        done = ask.at(server, **dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"), proxy.origin))
    assert (done.code, proxy.requests) == (0, [])


def ipv6() -> bool:
    with suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.skipif(not ipv6(), reason="this machine has no IPv6")
def test_ipv6_is_this_machine_too(ask: Asked) -> None:
    class Server(ChatServer):
        family = socket.AF_INET6
        host = "[::1]"

    with Server(chat.answer(SAID)) as server:
        done = ask.at(server, "--json")
    assert done.code == 0, done.err
    assert done.json["answer"] == f"{SAID} [1]"


# --- in a process of its own -----------------------------------------------------------------------------------------


def test_a_stall_ends_in_time_with_what_was_said(home: CommandLine) -> None:
    with ChatServer(chat.stall_after(beginning(SPEECHES[0]))) as server:
        begun = time.monotonic()
        done = home(
            "ask", QUESTION, "--provider", server.url, "--llm", "m", env={"HYBRIDRAG_PROVIDER_TIMEOUT": "1"}, timeout=60
        )
        took = time.monotonic() - begun
    assert (done.code, done.out) == (5, f"{SHOWN}\n{MARK}\n")
    assert "Nothing came for 1 s" in done.err
    assert took < 30


def test_500_three_times(home: CommandLine) -> None:
    with ChatServer(chat.status(500)) as server:
        done = home("ask", QUESTION, "--provider", server.url, "--llm", "m", "--json")
    assert (done.code, done.out, len(server.requests)) == (5, "", 3)
    assert len(re.findall(r"HTTP 500; trying again in \d s", done.err)) == 2
    assert json.loads(done.err.splitlines()[-1])["retryable"]


def test_an_interrupt_marks_what_was_shown(home: CommandLine) -> None:
    with ChatServer(chat.stall_after(beginning(SPEECHES[0]))) as server:
        asking = home.start("ask", QUESTION, "--provider", server.url, "--llm", "m", stdout=subprocess.PIPE)
        assert asking.stdout is not None
        shown = asking.stdout.read(len(SHOWN))
        asking.send_signal(signal.SIGINT)
        rest, _ = asking.communicate(timeout=60)
    assert (asking.returncode, shown + rest) == (130, f"{SHOWN}\n{MARK}\n".encode())
