"""A rerank server that really scores, in Cohere's form or in TEI's, or fails in a scripted way.

    with RerankServer(status(503, retry_after="0"), scores()) as server:
        reranker(f"{server.url}#tiny").rerank("hotel", ["the hotel"])
    assert server.requests[0].json()["documents"]

Scripts, behaviours and records are those of the chat server. `RemoteServer` is one whose address is not loopback.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.servers.chat import Behaviour, ChatServer, Exchange, body
from tests.servers.embeddings import REMOTE_CERTIFICATE

Alter = Callable[[list[Any]], object]
"""What becomes of an answer's results: a list with an object for each text, best first."""


class RerankServer(ChatServer):
    """A server on 127.0.0.1 for as long as the `with` block runs. `url` is what a client takes as its base address."""

    path = "/v1/rerank"


class TeiServer(ChatServer):
    """Text-embeddings-inference: its rerank requests go to the root."""

    path = "/rerank"


class RemoteServer(RerankServer):
    """One that counts as remote: 0.0.0.0 leads to this machine, but nothing in that address says so.

    `SSL_CERT_FILE` must name `REMOTE_CERTIFICATE` for it to be trusted.
    """

    host = "0.0.0.0"
    certificate = REMOTE_CERTIFICATE

    def __init__(self, *script: Behaviour) -> None:
        super().__init__(*script, tls=True)


def overlap(question: str, text: str) -> float:
    """How much of a question's words a text holds, less a little for its length."""
    words = set(question.lower().split())
    return len(words & set(text.lower().split())) / max(len(words), 1) - len(text) / 1_000_000


def scores(alter: Alter = lambda results: results) -> Behaviour:
    """Scores what is asked by shared words, best first, as servers do. `alter` spoils the results."""

    def behave(exchange: Exchange) -> None:
        asked = exchange.request.json()
        tei = "texts" in asked
        texts = asked["texts"] if tei else asked["documents"]
        name = "score" if tei else "relevance_score"
        results = [{"index": index, name: overlap(asked["query"], text)} for index, text in enumerate(texts)]
        results.sort(key=lambda result: -result[name])
        changed = alter(results)
        answer = changed if tei else {"id": "1", "results": changed, "meta": {}}
        body(json.dumps(answer).encode())(exchange)

    return behave
