"""What is sent, and what comes back, against a real server on loopback."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from hybridrag.errors import ConfigError, ProviderError
from hybridrag.ports import ChatProvider
from hybridrag.providers import OpenAICompatible, Secret
from hybridrag.types import Completion, Message, Outbound, Prompt
from tests.providers.asking import KEY, PROMPT, client
from tests.servers import chat
from tests.servers.chat import ChatServer, answer, echo

TEXT = "Zwölf Wochen [1].\n\nSo steht es im „Handbuch“ 😀 [2]."


def test_the_streamed_text_and_how_it_ended() -> None:
    with ChatServer(answer(TEXT)) as server:
        assert client(server.url).ask() == (TEXT, Completion("stop", 11, 7))


def test_the_body_on_the_wire_is_the_sealed_body() -> None:
    with ChatServer(echo()) as server:
        asking = client(server.url)
        sealed = Outbound(
            b'{"messages": [{"role":"user","content":"h\xc3\xa9"}],  "x":1}', asking.provider.destination, "1"
        )
        assert next(asking.provider.send(sealed)) == "hé"
    assert server.bodies == [sealed.body]


def test_the_request() -> None:
    with ChatServer(echo()) as server:
        client(server.url + "/").ask()
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert set(request.headers) == {
        *("accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "host"),
        "user-agent",
    }
    assert request.json() == {
        "model": "test-model",
        "messages": [
            {"role": "system", "content": "Answer from the passages."},
            {"role": "user", "content": "How long is parental leave?"},
        ],
        "max_tokens": 2000,
        "temperature": 0.0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_no_key_no_header() -> None:
    with ChatServer(echo()) as server:
        client(server.url, key=None, local=True).ask()
    assert "authorization" not in server.requests[0].headers


def test_encoding_is_the_same_every_time_and_plain_utf8() -> None:
    provider = client("http://127.0.0.1:9/v1").provider
    prompt = Prompt((Message("user", 'Grüße 😀 "quoted"\n\u2028'),), max_tokens=5, temperature=0.5)
    body = provider.encode(prompt)
    assert body == provider.encode(prompt) == client("http://127.0.0.1:9/v1").provider.encode(prompt)
    assert "Grüße 😀".encode() in body
    assert json.loads(body)["messages"] == [{"role": "user", "content": 'Grüße 😀 "quoted"\n\u2028'}]
    assert list(json.loads(body)) == ["model", "messages", "max_tokens", "temperature", "stream", "stream_options"]


def test_a_lone_surrogate_does_not_stop_a_question() -> None:
    with ChatServer(echo()) as server:
        assert client(server.url).ask(Prompt((Message("user", "a\udcffb"),)))[0] == "a?b"


def test_the_destination_is_the_endpoint() -> None:
    destination = client("http://localhost:8080/v1/", name="mine", local=True).provider.destination
    assert (destination.provider, destination.model, destination.local) == ("mine", "test-model", True)
    assert destination.url == "http://localhost:8080/v1/chat/completions"


@pytest.mark.parametrize("change", [{"url": "https://evil.example/v1"}, {"model": "other"}, {"local": True}])
def test_what_was_sealed_for_another_destination_is_not_sent(change: dict[str, object]) -> None:
    with ChatServer(echo()) as server:
        asking = client(server.url)
        sealed = asking.outbound()
        other = replace(sealed, destination=replace(sealed.destination, **change))  # type: ignore[arg-type]
        with pytest.raises(ProviderError, match="Nothing was sent"):
            asking.provider.send(other)
    assert server.requests == []


def test_it_is_a_chat_provider() -> None:
    provider: ChatProvider = client("http://127.0.0.1:9/v1").provider
    assert provider.destination.provider == "fireworks"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"base_url": "http://llm.example.com/v1"}, "not encrypted"),
        ({"base_url": "https://me:secret@llm.example.com/v1"}, "user name or password"),
        ({"model": " "}, "No model is chosen"),
        ({"attempts": 0}, "at least one"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        client(**({"base_url": "https://llm.example.com/v1"} | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "behaviour",
    [
        chat.one_byte_writes(TEXT),
        chat.plain_json(TEXT),
        chat.answer(TEXT, done=False),
        chat.events(b"".join(chat.reply_events(TEXT))),
        chat.events(b"".join(chat.reply_events(TEXT)).rstrip()),
        chat.events(b"".join(chat.reply_events(TEXT)).replace(b"\n", b"\r\n")),
        chat.events(b": keep-alive\n\n", *chat.reply_events(TEXT)[:4], b": ping\n\n", *chat.reply_events(TEXT)[4:]),
        chat.events(*chat.reply_events(TEXT), content_type="Text/Event-Stream"),
        chat.events(*chat.reply_events(TEXT), b"data: after the end\n\n"),
    ],
    ids=["byte by byte", "json", "no [DONE]", "one write", "no newline", "crlf", "comments", "case", "after [DONE]"],
)
def test_a_whole_answer_in_every_form(behaviour: chat.Behaviour) -> None:
    with ChatServer(behaviour) as server:
        assert client(server.url).ask() == (TEXT, Completion("stop", 11, 7))


def test_an_answer_without_usage_and_one_that_is_cut_by_its_length() -> None:
    with ChatServer(answer(TEXT, usage=None), answer(TEXT, finish_reason="length")) as server:
        asking = client(server.url)
        assert asking.ask() == (TEXT, Completion("stop", None, None))
        assert asking.ask() == (TEXT, Completion("length", 11, 7))


def test_an_empty_answer_is_one() -> None:
    with ChatServer(answer("")) as server:
        assert list(client(server.url).send()) == [Completion("stop", 11, 7)]


def test_text_is_handed_out_before_the_answer_ends() -> None:
    """The server says no more until it closes, which it does only after the text was seen."""
    with ChatServer(chat.stall(after="Twelve")) as server:
        stream = client(server.url).send()
        assert next(stream) == "Twelv"
        stream.close()  # type: ignore[attr-defined]
    assert len(server.requests) == 1


def test_local_traffic_takes_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with chat.refused_address() as proxy, ChatServer(answer(TEXT)) as server:
        for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(variable, proxy.removesuffix("/v1"))
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        assert client(server.url, local=True).ask()[0] == TEXT
        assert client(server.url, local=False).ask()[0] == TEXT
        assert client(server.url.replace("127.0.0.1", "localhost")).ask()[0] == TEXT


def test_remote_traffic_takes_the_proxy_which_sees_only_a_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with ChatServer() as proxy:
        for variable in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(variable, proxy.origin)
        for variable in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(variable, raising=False)
        with pytest.raises(ProviderError, match="proxy between here and fireworks"):
            client("https://llm.example.com/v1").ask()
    (request,) = proxy.requests
    assert (request.method, request.path, request.body) == ("CONNECT", "llm.example.com:443", b"")
    assert "authorization" not in request.headers
    assert KEY not in str(request)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "SSL_CERT_FILE"])
def test_settings_of_the_environment_that_cannot_be_used(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = {"HTTPS_PROXY": "gopher://me:hunter2@proxy.example", "SSL_CERT_FILE": "/nonexistent/hunter2.pem"}[variable]
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigError, match="proxy or certificate settings") as caught:
        client("https://llm.example.com/v1").ask()
    assert caught.value.__context__ is None
    assert "hunter2" not in str(caught.value)


def test_certificates_are_verified_and_an_own_authority_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with ChatServer(answer(TEXT), tls=True) as server:
        asking = client(server.url, local=True)
        with pytest.raises(ProviderError, match=r"certificate of fireworks .* cannot be trusted: self.signed"):
            asking.ask()
        assert (server.requests, asking.retries) == ([], [])
        monkeypatch.setenv("SSL_CERT_FILE", str(chat.CERTIFICATE))
        assert client(server.url, local=True).ask()[0] == TEXT


def test_https_to_a_server_that_speaks_http() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        asking = client(f"https://127.0.0.1:{listening.getsockname()[1]}/v1")
        with pytest.raises(ProviderError, match="encrypted connection could not be set up"):
            asking.ask()
        thread.join()
    assert asking.retries == []


def test_no_log_holds_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ChatServer(chat.status(429), answer(TEXT)) as server:
        client(server.url).ask()
    assert "HTTP Request" in caplog.text
    assert KEY not in caplog.text


def test_the_room_is_cheap_to_enter() -> None:
    code = "import sys, hybridrag.providers; print({'httpx', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_a_provider_shows_no_key() -> None:
    provider = OpenAICompatible(
        name="a", base_url="https://a.example/v1", model="m", key=Secret(KEY, origin="A_KEY"), local=False
    )
    assert KEY not in repr(vars(provider)) + repr(provider) + provider.encode(PROMPT).decode()
