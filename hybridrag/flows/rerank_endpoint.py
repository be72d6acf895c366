"""A reranker behind an address, made ready: whether it may be asked, with which key, with every request recorded."""

from __future__ import annotations

from typing import Any

from hybridrag.flows.served_model import ServedModel
from hybridrag.models import EndpointReranker, EndpointRerankerModel
from hybridrag.providers import RerankServer, host_of


class RerankEndpoint(ServedModel[EndpointRerankerModel]):
    """The way to one reranker's server.

    Only the user's own settings, the environment or a flag can name one, so its address is the user's choice.
    """

    purpose = "reranking"
    kind = "rerank"
    instead = "a reranker"

    def reranker(self) -> EndpointReranker:
        return EndpointReranker(self.model, send=self.send, cancel=self.cancel, host=host_of(self.model.base_url))

    def _open(self, **options: Any) -> RerankServer:
        return RerankServer(at_root=self.model.api == "tei", **options)
