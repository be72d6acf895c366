"""Sending to a rerank endpoint: where it goes and what is refused. The rest is as for embeddings, by the same code."""

from __future__ import annotations

from typing import Any

import pytest

from hybridrag.errors import ConfigError, ProviderError, ProviderUnavailable
from hybridrag.providers import RerankServer as Sender
from hybridrag.providers import Retry, Timeouts
from hybridrag.providers.reranking import MAX_RERANKING_BYTES
from hybridrag.types import Destination, Outbound
from tests.servers import chat
from tests.servers.chat import Behaviour, Exchange, body, status
from tests.servers.rerank import RerankServer, TeiServer

ANSWER = b'{"results":[]}'


def sender(base_url: str, **changes: Any) -> Sender:
    arguments: dict[str, Any] = {
        "name": "vllm",
        "base_url": base_url,
        "model": "tiny",
        "key": None,
        "local": True,
        "sleep": lambda _: None,
        "timeouts": Timeouts(connect=10, read=30, total=None),
    }
    return Sender(**(arguments | changes))


def send(one: Sender, retries: list[Retry] | None = None) -> bytes:
    noted = [] if retries is None else retries
    try:
        return one.send(Outbound(b"{}", one.destination, ledger_id="1"), on_retry=noted.append)
    finally:
        one.close()


def test_the_sealed_bytes_arrive_at_the_address() -> None:
    with RerankServer(body(ANSWER)) as server:
        for base in (server.url, f"{server.url}/", f"{server.url}/rerank"):
            assert send(sender(base)) == ANSWER
    assert server.bodies == [b"{}"] * 3


def test_tei_is_asked_at_the_root() -> None:
    with TeiServer(body(b"[]")) as server:
        for base in (server.url, server.origin, f"{server.origin}/rerank"):
            assert send(sender(base, at_root=True)) == b"[]"
    assert {request.path for request in server.requests} == {"/rerank"}


def test_a_passing_refusal_is_tried_again() -> None:
    retries: list[Retry] = []
    with RerankServer(status(503), body(ANSWER)) as server:
        assert send(sender(server.url), retries) == ANSWER
    assert [retry.reason for retry in retries] == ["HTTP 503"]


def test_an_unknown_model_and_a_server_that_is_not_there_are_told_with_what_to_do() -> None:
    with RerankServer(status(404)) as server, pytest.raises(ProviderError) as unknown:
        send(sender(server.url, unknown_model="start it with a reranker"))
    assert unknown.value.hint == "start it with a reranker"
    with chat.refused_address() as address, pytest.raises(ProviderUnavailable) as absent:
        send(sender(address, unreachable="start it"))
    assert absent.value.hint == "start it"


def endless(exchange: Exchange) -> None:
    exchange.start(content_type="application/json")
    exchange.write(b'{"results":[')
    while not exchange.server.released.is_set():
        exchange.write(b'{"index":0},' * 10_000)


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (chat.html(), "text/html"),
        (body(ANSWER, content_type="text/plain"), "in place of scores"),
        (chat.redirect("https://elsewhere.example/v1/rerank"), "redirect (HTTP 307)"),
        (endless, f"more than {MAX_RERANKING_BYTES // 1_000_000} MB"),
        (status(422, message="batch size 64 > maximum"), "batch size 64 > maximum"),
    ],
)
def test_what_is_no_answer_is_refused_at_once(behaviour: Behaviour, told: str) -> None:
    with RerankServer(behaviour, body(ANSWER)) as server, pytest.raises(ProviderError) as caught:
        send(sender(server.url))
    assert told in caught.value.message
    assert "--embedder" not in caught.value.hint
    assert len(server.requests) == 1


def test_what_was_sealed_for_another_address_is_not_sent() -> None:
    with RerankServer(body(ANSWER)) as server:
        one = sender(server.url)
        other = Destination("vllm", f"{server.url}/other", "tiny", local=True)
        with pytest.raises(ProviderError, match="sealed for"):
            one.send(Outbound(b"{}", other, ledger_id="1"), on_retry=lambda _: None)
    assert not server.requests


def test_plain_http_to_a_remote_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="not encrypted"):
        sender("http://192.0.2.7:8000/v1", local=False)
