"""A server that reranks, over HTTP: the half that sends.

What is in a request and what an answer means is the model's business (`hybridrag.models.rerank_endpoint_runtime`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hybridrag.providers.addresses import RERANK_PATH, endpoint
from hybridrag.providers.answers import AnswerServer
from hybridrag.types import Destination

if TYPE_CHECKING:
    from hybridrag.providers.secret import Secret

MAX_RERANKING_BYTES = 4_000_000
"""Room for a server that returns the documents all the same: 32 of 128,000 bytes together, every byte escaped."""


class RerankServer(AnswerServer):
    """Sends rerank requests to one address; `more` are options of `AnswerServer`.

    `at_root` is for servers whose rerank requests go to the host's root, while their OpenAI-compatible ones go to /v1
    (text-embeddings-inference). `local` says whether the user trusts this address with plain text. Raises ConfigError
    for an address that requests may not be sent to.
    """

    def __init__(
        self,
        *,
        name: str,
        base_url: str,
        model: str,
        key: Secret | None,
        local: bool,
        at_root: bool = False,
        **more: Any,
    ) -> None:
        base = base_url.rstrip("/").removesuffix("/v1") if at_root else base_url
        super().__init__(
            Destination(provider=name, url=endpoint(base, RERANK_PATH), model=model, local=local),
            base_url=base_url,
            setting="the setting reranker",
            wanted="scores",
            limit=MAX_RERANKING_BYTES,
            key=key,
            **more,
        )
