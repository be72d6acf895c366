"""Sending to an embedding endpoint: what reaches it, what is tried again, and what is refused."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from hybridrag.errors import ConfigError, ProviderError, ProviderUnavailable
from hybridrag.providers import EmbeddingServer as Sender
from hybridrag.providers import Retry, Secret, Timeouts, host_of, same_endpoint
from hybridrag.providers.embeddings import MAX_ANSWER_BYTES
from hybridrag.types import Destination, Outbound
from tests.servers import chat
from tests.servers.chat import Behaviour, Exchange, body, status
from tests.servers.embeddings import REMOTE_CERTIFICATE, EmbeddingServer, RemoteServer

KEY = "sk-test-4b1f8a77c0ffee"
ANSWER = b'{"data":[]}'


class Client:
    """A sender whose waits are noted in place of slept."""

    def __init__(self, base_url: str, **changes: Any) -> None:
        self.retries: list[Retry] = []
        self.waits: list[float] = []
        arguments: dict[str, Any] = {
            "name": "ollama",
            "base_url": base_url,
            "model": "tiny:latest",
            "key": None,
            "local": True,
            "sleep": self.waits.append,
            "chance": lambda: 0.5,
            "timeouts": Timeouts(connect=10, read=30, total=None),
        }
        self.sender = Sender(**(arguments | changes))

    def send(self, text: bytes = b'{"input":["hotel"]}') -> bytes:
        try:
            return self.sender.send(
                Outbound(text, self.sender.destination, ledger_id="1"), on_retry=self.retries.append
            )
        finally:
            self.sender.close()

    def refused(self) -> ProviderError:
        with pytest.raises(ProviderError) as caught:
            self.send()
        return caught.value


def test_the_sealed_bytes_arrive_at_the_address_and_the_whole_answer_comes_back() -> None:
    with EmbeddingServer(body(ANSWER)) as server:
        assert Client(server.url).send(b"{}") == ANSWER
        assert Client(f"{server.url}/embeddings/").send(b"{}") == ANSWER
    assert server.bodies == [b"{}", b"{}"]
    assert {request.path for request in server.requests} == {"/v1/embeddings"}
    assert "authorization" not in server.requests[0].headers


def test_a_key_is_in_the_one_header_that_carries_it() -> None:
    with EmbeddingServer(body(ANSWER)) as server:
        Client(server.url, key=Secret(KEY, origin="EMBED_KEY")).send()
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_a_passing_refusal_is_tried_again_with_the_same_bytes(code: int) -> None:
    with EmbeddingServer(status(code), status(code), body(ANSWER)) as server:
        client = Client(server.url)
        assert client.send() == ANSWER
    assert client.retries == [Retry(1, f"HTTP {code}", 0.5), Retry(2, f"HTTP {code}", 1.0)]
    assert client.waits == [0.5, 1.0]
    assert len(server.bodies) == 3 and len(set(server.bodies)) == 1


def test_a_server_that_says_when_is_waited_for_that_long() -> None:
    with EmbeddingServer(status(429, retry_after="7"), body(ANSWER)) as server:
        client = Client(server.url)
        client.send()
    assert client.waits == [7]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 413, 422])
def test_other_refusals_are_final_and_name_the_right_flag(code: int) -> None:
    with EmbeddingServer(status(code, message="batch size 64 > maximum"), body(ANSWER)) as server:
        client = Client(server.url)
        error = client.refused()
    assert (len(server.bodies), client.waits) == (1, [])
    assert "batch size 64 > maximum" in error.message
    assert "--llm" not in error.hint
    assert not error.retryable


def test_attempts_are_bounded() -> None:
    with EmbeddingServer(status(503)) as server:
        client = Client(server.url)
        assert client.refused().retryable
    assert (len(server.bodies), len(client.waits)) == (4, 3)


def test_nothing_is_sent_again_where_that_cannot_be_recorded() -> None:
    def unrecorded(_: Retry) -> None:
        raise OSError("disk full")

    with EmbeddingServer(status(503), body(ANSWER)) as server:
        sender = Client(server.url).sender
        with pytest.raises(OSError, match="disk full"):
            sender.send(Outbound(b"{}", sender.destination, ledger_id="1"), on_retry=unrecorded)
        sender.close()
    assert len(server.bodies) == 1


def test_what_was_sealed_for_another_address_is_not_sent() -> None:
    with EmbeddingServer(body(ANSWER)) as server:
        sender = Client(server.url).sender
        other = Destination("ollama", f"{server.url}/other", "tiny:latest", local=True)
        with pytest.raises(ProviderError, match="sealed for"):
            sender.send(Outbound(b"{}", other, ledger_id="1"), on_retry=lambda _: None)
    assert not server.requests


def test_nobody_there_is_told_with_what_to_do() -> None:
    with chat.refused_address() as address:
        client = Client(address, unreachable="start it with: ollama serve")
        error = client.refused()
    assert isinstance(error, ProviderUnavailable)
    assert "ollama could not be reached" in error.message and "connection refused" in error.message
    assert error.hint == "start it with: ollama serve"
    assert len(client.waits) == 3


def test_an_unknown_model_is_told_with_what_to_do() -> None:
    with EmbeddingServer(status(404, message="model not found, try pulling it first")) as server:
        error = Client(server.url, unknown_model="ollama pull tiny").refused()
    assert "knows no model 'tiny:latest'" in error.message
    assert error.hint == "ollama pull tiny"


def endless(exchange: Exchange) -> None:
    """Writes an array of numbers that never ends, until the client goes away."""
    exchange.start(content_type="application/json")
    exchange.write(b'{"data":[')
    while not exchange.server.released.is_set():
        exchange.write(b"0.123456789," * 10_000)


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (chat.html(), "text/html"),
        (body(ANSWER, content_type="text/plain"), "text/plain"),
        (body(ANSWER, content_type=None), "no content type"),
        (chat.events(b"x", content_type="application/json", headers={"Content-Encoding": "gzip"}), "compressed"),
        (chat.redirect("https://elsewhere.example/v1/embeddings"), "redirect (HTTP 307) to https://elsewhere.example"),
        (endless, f"more than {MAX_ANSWER_BYTES // 1_000_000} MB"),
    ],
)
def test_what_is_no_answer_is_refused_at_once(behaviour: Behaviour, told: str) -> None:
    with EmbeddingServer(behaviour, body(ANSWER)) as server:
        client = Client(server.url)
        assert told in client.refused().message
    assert (len(server.requests), client.waits) == (1, [])


@pytest.mark.parametrize("behaviour", [chat.hang_up(), chat.garbage(), chat.cut("x" * 500, after=40)])
def test_a_connection_that_breaks_is_tried_again(behaviour: Behaviour) -> None:
    def as_json(exchange: Exchange) -> None:
        start: Callable[..., None] = exchange.start
        exchange.start = lambda **_: start(content_type="application/json")  # type: ignore[method-assign]
        behaviour(exchange)

    with EmbeddingServer(as_json, body(ANSWER)) as server:
        client = Client(server.url)
        assert client.send() == ANSWER
    assert len(client.retries) == 1


def test_a_server_that_says_nothing_is_given_up() -> None:
    with EmbeddingServer(chat.stall(headers=False)) as server:
        client = Client(server.url, timeouts=Timeouts(connect=10, read=0.05, total=None), attempts=2)
        assert "no answer within" in client.refused().message
    assert len(server.requests) == 2


@pytest.mark.parametrize("kept", [False, True])
def test_headers_that_never_end_are_not_waited_for_beyond_the_total_time(kept: bool) -> None:
    """Nor on a connection that another request has left open."""
    over = threading.Event()

    def serve(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            if kept:
                connection.recv(65_536)
                head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                connection.sendall(head % len(ANSWER) + ANSWER)
            connection.recv(65_536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not over.wait(timeout=0.01):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        port = listening.getsockname()[1]
        client = Client(f"http://127.0.0.1:{port}/v1", timeouts=Timeouts(connect=10, read=10, total=1))
        outbound = Outbound(b"{}", client.sender.destination, ledger_id="1")
        if kept:
            assert client.sender.send(outbound, on_retry=client.retries.append) == ANSWER
        assert "did not finish its answer within 1 s" in client.refused().message
        over.set()
        thread.join()
    assert client.retries == []


def test_cancelling_ends_a_request_that_another_thread_waits_for() -> None:
    asked = threading.Event()

    def silent(exchange: Exchange) -> None:
        asked.set()
        exchange.wait()

    with EmbeddingServer(silent) as server:
        client = Client(server.url)
        failures: list[ProviderError] = []
        waiting = threading.Thread(target=lambda: failures.append(client.refused()))
        waiting.start()
        assert asked.wait(timeout=30)
        client.sender.cancel()
        waiting.join(timeout=30)
        assert not waiting.is_alive()
        assert "given up" in failures[0].message
        assert "given up" in client.refused().message
    assert (len(server.requests), client.waits) == (1, [])


def test_a_certificate_that_nobody_vouches_for_is_not_trusted() -> None:
    with RemoteServer(body(ANSWER)) as server:
        client = Client(server.url, local=False)
        assert "cannot be trusted" in client.refused().message
    assert (server.requests, client.waits) == ([], [])


def test_a_trusted_certificate_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(REMOTE_CERTIFICATE))
    with RemoteServer(body(ANSWER)) as server:
        assert Client(server.url, local=False).send() == ANSWER


def test_plain_http_to_a_remote_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="not encrypted"):
        Client("http://192.0.2.7:8000/v1", local=False)


def test_a_local_server_is_reached_past_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with EmbeddingServer(body(ANSWER)) as proxy, EmbeddingServer(body(ANSWER)) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.origin)
        assert Client(server.url).send() == ANSWER
    assert not proxy.requests


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://a.example/v1", "https://a.example/v1/", True),
        ("https://a.example/v1", "HTTPS://A.example/v1/embeddings", True),
        ("https://a.example/v1", "https://a.example/V1", False),
        ("https://a.example/v1", "https://a.example:8443/v1", False),
        ("https://a.example/v1", "http://a.example/v1", False),
        ("https://a.example/v1", "https://a.example.evil.example/v1", False),
        ("https://user@a.example/v1", "https://user@a.example/v1", False),
        ("nothing", "nothing", False),
    ],
)
def test_which_addresses_are_the_same(one: str, other: str, same: bool) -> None:
    assert same_endpoint(one, other) is same_endpoint(other, one) is same


def test_a_host_is_shown_with_its_port_and_nothing_else() -> None:
    assert host_of("https://GPU.lan:8000/v1") == "gpu.lan:8000"
    assert host_of("https://user:secret@gpu.lan/v1") == ""
