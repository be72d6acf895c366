"""A server that speaks OpenAI's embeddings format, over HTTP: the half that sends.

What is in a request and what an answer means is the model's business (`hybridrag.models.endpoint_runtime`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybridrag.providers.addresses import EMBEDDINGS_PATH, endpoint
from hybridrag.providers.answers import AnswerServer
from hybridrag.types import Destination

if TYPE_CHECKING:
    from hybridrag.providers.secret import Secret

MAX_ANSWER_BYTES = 32_000_000
"""Twice what 32 vectors of 16,000 numbers take, written out with 25 characters each."""


class EmbeddingServer(AnswerServer):
    """Sends embedding requests to one address; `more` are options of `AnswerServer`.

    `local` says whether the user trusts this address with plain text. Raises ConfigError for an address that requests
    may not be sent to.
    """

    def __init__(self, *, name: str, base_url: str, model: str, key: Secret | None, local: bool, **more: Any) -> None:
        super().__init__(
            Destination(provider=name, url=endpoint(base_url, EMBEDDINGS_PATH), model=model, local=local),
            base_url=base_url,
            setting="--embedder",
            wanted="embeddings",
            limit=MAX_ANSWER_BYTES,
            key=key,
            **more,
        )
