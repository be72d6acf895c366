"""A model behind an address, made ready: whether it may be asked, with which key, and with every request recorded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hybridrag.errors import BlockedByPolicy, ModelError
from hybridrag.flows.served_model import ServedModel
from hybridrag.models import EndpointEmbedder, EndpointModel, EstimatedTokenizer, FastTokenizer, find_model
from hybridrag.ports import Tokenizer
from hybridrag.providers import EmbeddingServer, host_of, same_endpoint


class Endpoint(ServedModel[EndpointModel]):
    """The way to one embedding model's server. A database names one too: its address need not be the user's choice."""

    purpose = "embedding"
    kind = "embedding"
    instead = "a model"

    def embedder(self) -> EndpointEmbedder:
        return EndpointEmbedder(
            self.model,
            send=self.send,
            tokenizer=lambda: tokenizer_of(self.model),
            cancel=self.cancel,
            host=host_of(self.model.base_url),
        )

    def _open(self, **options: Any) -> EmbeddingServer:
        return EmbeddingServer(**options)

    def _check_address(self) -> None:
        name = self.model.name
        if not self.local and not self._named_by_user:
            raise BlockedByPolicy(
                f"the address of {name} is only named by the database, and is not local; nothing was sent",
                hint=f"whoever can write to the database could have changed it. If it is right, name it yourself: "
                f"embedder = {name!r} in your own settings file (`hybridrag config path`)",
            )

    @property
    def _named_by_user(self) -> bool:
        """Whether the address comes from a preset or from this process's settings, not from a row of a database only.

        A project file cannot name one.
        """
        if self.model.endpoint != "custom":
            return True
        own = [endpoint.base_url for endpoint in self._settings.endpoints.values()]
        chosen = self._settings.embedder
        named = [chosen.partition("#")[0], *own] if "://" in chosen else own
        return any(same_endpoint(self.model.base_url, url) for url in named)


def tokenizer_of(model: EndpointModel) -> Tokenizer:
    """The model's own tokenizer where the catalogue knows the model and its files are on this machine; else a guess."""
    entry = model.entry
    if entry is not None:
        try:
            spec = find_model(entry.name, offline=True)
            return FastTokenizer(replace(spec, document_prompt=model.document_prompt))
        except ModelError:
            pass  # most endpoints are used because the model is elsewhere
    return EstimatedTokenizer(model.document_prompt, english=entry is not None and set(entry.languages) == {"en"})
