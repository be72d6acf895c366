"""A reranker behind an address, made ready: whether it may be asked, with which key, with every request recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.config import Settings
from hybridrag.errors import UsageError
from hybridrag.flows.sending import send_texts
from hybridrag.models import EndpointReranker, EndpointRerankerModel
from hybridrag.privacy import Gateway
from hybridrag.providers import RerankServer, host_of, is_local, key_from_environment

if TYPE_CHECKING:
    from hybridrag.providers import Secret


class RerankEndpoint:
    """The way to one reranker's server. Nothing is opened, looked up or refused before the first request.

    Only the user's own settings, the environment or a flag can name one, so its address is the user's choice. `gateway`
    opens the privacy gateway, `notify` shows a line to the user.
    """

    def __init__(
        self,
        model: EndpointRerankerModel,
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

    def reranker(self) -> EndpointReranker:
        return EndpointReranker(self.model, send=self.send, cancel=self.cancel, host=host_of(self.model.base_url))

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
            purpose="reranking",
        )

    def cancel(self) -> None:
        if "_server" in self.__dict__:
            self._server.cancel()

    @cached_property
    def _server(self) -> RerankServer:
        model = self.model
        if self._settings.offline and not self.local:
            raise UsageError(
                f"--offline forbids the rerank endpoint {model.name}",
                hint="choose a reranker on this machine, or leave --offline out",
            )
        return RerankServer(
            name=model.endpoint,
            base_url=model.base_url,
            model=model.served,
            key=self._key,
            local=self.local,
            at_root=model.api == "tei",
            unreachable=model.unreachable,
            unknown_model=model.unknown_model,
        )

    @property
    def _key(self) -> Secret | None:
        variable = self.model.key_variable
        if not variable:
            return None
        if self.model.endpoint == "custom" and not self._environ.get(variable):
            return None  # many such servers need none
        return key_from_environment(variable, self._environ)
