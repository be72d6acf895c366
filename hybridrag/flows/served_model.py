"""What every model behind an address has in common: when its server may be asked, with which key, and the record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from hybridrag.config import Settings
from hybridrag.errors import UsageError
from hybridrag.flows.sending import send_texts
from hybridrag.privacy.gateway import Gateway
from hybridrag.providers import is_local, key_from_environment

if TYPE_CHECKING:
    from hybridrag.models import EndpointModel, EndpointRerankerModel
    from hybridrag.providers import AnswerServer, Secret

ModelT = TypeVar("ModelT", bound="EndpointModel | EndpointRerankerModel")


class ServedModel(ABC, Generic[ModelT]):
    """The way to one model's server. Nothing is opened, looked up or refused before the first request.

    `gateway` opens the privacy gateway, `notify` shows a line to the user. A subclass says for which `purpose` texts
    are sent, as the ledger tells it, which `kind` of endpoint it is, and what the user could choose `instead`.
    """

    purpose: ClassVar[str]
    kind: ClassVar[str]
    instead: ClassVar[str]

    def __init__(
        self,
        model: ModelT,
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
            purpose=self.purpose,
        )

    def cancel(self) -> None:
        if "_server" in self.__dict__:
            self._server.cancel()

    @abstractmethod
    def _open(self, **options: Any) -> AnswerServer:
        """The server; `options` are those that every kind takes."""

    def _check_address(self) -> None:
        """Raises BlockedByPolicy where texts may not go to the model's address, whatever the gateway says."""

    @property
    def _named_by_user(self) -> bool:
        """Whether the address is known to be the user's own choice."""
        return True

    @cached_property
    def _server(self) -> AnswerServer:
        model = self.model
        if self._settings.offline and not self.local:
            raise UsageError(
                f"--offline forbids the {self.kind} endpoint {model.name}",
                hint=f"choose {self.instead} on this machine, or leave --offline out",
            )
        self._check_address()
        return self._open(
            name=model.endpoint,
            base_url=model.base_url,
            model=model.served,
            key=self._key,
            local=self.local,
            unreachable=model.unreachable,
            unknown_model=model.unknown_model,
        )

    @property
    def _key(self) -> Secret | None:
        """The key for this address. One whose address is not known to be the user's own choice gets none."""
        variable = self.model.key_variable
        if not variable or not self._named_by_user:
            return None
        if self.model.endpoint == "custom" and not self._environ.get(variable):
            return None  # many such servers need none
        return key_from_environment(variable, self._environ)
