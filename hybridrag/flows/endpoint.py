"""A model behind an address, made ready: whether it may be asked, with which key, and with every request recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.config import Settings
from hybridrag.errors import BlockedByPolicy, ModelError, UsageError
from hybridrag.flows.sending import send_texts
from hybridrag.models import EndpointEmbedder, EndpointModel, EstimatedTokenizer, FastTokenizer, find_model
from hybridrag.ports import Tokenizer
from hybridrag.privacy import Gateway
from hybridrag.providers import EmbeddingServer, host_of, is_local, key_from_environment, same_endpoint

if TYPE_CHECKING:
    from hybridrag.providers import Secret


class Endpoint:
    """The way to one model's server. Nothing is opened, looked up or refused before the first request.

    `gateway` opens the privacy gateway, `notify` shows a line to the user.
    """

    def __init__(
        self,
        model: EndpointModel,
        *,
        settings: Settings,
        environ: Mapping[str, str],
        gateway: Callable[[], Gateway],
        notify: Callable[[str], None],
    ) -> None:
        self.model = model
        self._settings = settings
        self._environ = environ
        self._gateway = gateway
        self._notify = notify

    @property
    def local(self) -> bool:
        """Whether texts stay: on this machine, or at an address that the user listed as local."""
        return is_local(self.model.base_url, self._settings.local_addresses)

    def embedder(self) -> EndpointEmbedder:
        return EndpointEmbedder(
            self.model,
            send=self.send,
            tokenizer=lambda: tokenizer_of(self.model),
            cancel=self.cancel,
            host=host_of(self.model.base_url),
        )

    def send(self, body: bytes, texts: int) -> bytes:
        """Sends a request for so many texts and returns the answer's body.

        Raises UsageError under --offline and BlockedByPolicy where the user did not agree to it, both before anything
        is sent, and ProviderError where no answer comes.
        """
        return send_texts(
            body,
            texts=texts,
            server=self._server,
            gateway=self._gateway(),
            collection=self._settings.collection,
            notify=self._notify,
        )

    def cancel(self) -> None:
        if "_server" in self.__dict__:
            self._server.cancel()

    @cached_property
    def _server(self) -> EmbeddingServer:
        model = self.model
        if self._settings.offline and not self.local:
            raise UsageError(
                f"--offline forbids the embedding endpoint {model.name}",
                hint="choose a model on this machine, or leave --offline out",
            )
        if not self.local and not self._named_by_user:
            raise BlockedByPolicy(
                f"the address of {model.name} is only named by the database, and is not local; nothing was sent",
                hint=f"whoever can write to the database could have changed it. If it is right, name it yourself: "
                f"embedder = {model.name!r} in your own settings file (`hybridrag config path`)",
            )
        return EmbeddingServer(
            name=model.endpoint,
            base_url=model.base_url,
            model=model.served,
            key=self._key,
            local=self.local,
            unreachable=model.unreachable,
            unknown_model=model.unknown_model,
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

    @property
    def _key(self) -> Secret | None:
        """The key for this address. One whose address is not known to be the user's own choice gets none."""
        variable = self.model.key_variable
        if not variable or not self._named_by_user:
            return None
        if self.model.endpoint == "custom" and not self._environ.get(variable):
            return None  # many such servers need none
        return key_from_environment(variable, self._environ)


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
