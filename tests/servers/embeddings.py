"""An embedding server that speaks OpenAI's format and really embeds, or fails in a scripted way.

    with EmbeddingServer(status(503, retry_after="0"), embeddings(model)) as server:
        ingest("--embedder", f"{server.url}#tiny")
    assert server.requests[0].json()["input"]

Scripts, behaviours and records are those of the chat server. `RemoteServer` is one whose address is not loopback.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrag.models import find_model, open_embedder
from tests.servers.chat import JSON, Behaviour, ChatServer, Exchange, body

if TYPE_CHECKING:
    from hybridrag.types import Vectors

Embed = Callable[[Sequence[str]], "Vectors"]
Alter = Callable[[list[Any]], object]
"""What becomes of an answer's `data`: a list with an object for each text."""
REMOTE_CERTIFICATE = Path(__file__).with_name("remote.pem")
"""Self-signed for 0.0.0.0, with its key, valid until 2126: openssl req -x509 -newkey ec -nodes."""


class EmbeddingServer(ChatServer):
    """A server on 127.0.0.1 for as long as the `with` block runs. `url` is what a client takes as its base address."""

    path = "/v1/embeddings"

    @property
    def inputs(self) -> list[list[str]]:
        """The texts of each request, in their order."""
        return [json.loads(sent)["input"] for sent in self.bodies]

    @property
    def texts(self) -> list[str]:
        """All texts that were sent."""
        return [text for texts in self.inputs for text in texts]


class RemoteServer(EmbeddingServer):
    """One that counts as remote: 0.0.0.0 leads to this machine, but nothing in that address says so.

    `SSL_CERT_FILE` must name `REMOTE_CERTIFICATE` for it to be trusted.
    """

    host = "0.0.0.0"
    certificate = REMOTE_CERTIFICATE

    def __init__(self, *script: Behaviour) -> None:
        super().__init__(*script, tls=True)


def embedding(folder: Path, cache: Path) -> Embed:
    """What a model of ours in a folder gives for texts as they are."""
    embedder = open_embedder(find_model(str(folder), offline=True), cache=cache, device="cpu")
    return lambda texts: embedder.embed(list(texts))


def embeddings(
    embed: Embed, *, scale: float = 1.0, as_base64: bool = False, alter: Alter = lambda data: data
) -> Behaviour:
    """Embeds what is asked. `scale` is the length of its vectors, and `alter` spoils them, their order or number."""

    def behave(exchange: Exchange) -> None:
        asked = exchange.request.json()
        vectors = embed(asked["input"])[:, : asked.get("dimensions")] * np.float32(scale)
        data: list[Any] = [
            {
                "object": "embedding",
                "index": index,
                "embedding": base64.b64encode(vector.astype("<f4").tobytes()).decode()
                if as_base64
                else vector.tolist(),
            }
            for index, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        answer: JSON = {"object": "list", "data": alter(data), "model": asked["model"], "usage": usage}
        body(json.dumps(answer).encode())(exchange)

    return behave
