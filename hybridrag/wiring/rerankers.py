"""Settings to the reranker of one command."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, cast

from hybridrag.config import Settings, names_endpoint
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from hybridrag.flows.rerank_endpoint import RerankEndpoint
    from hybridrag.models import AutomaticReranker, EndpointReranker, EndpointRerankerModel, Precision, RuntimeName
    from hybridrag.privacy.gateway import Gateway

SMALL = "ms-marco-MiniLM-L6-v2"
"""What a user without a reranker is pointed to."""


class Rerankers:
    """The reranker of the settings, opened when it is needed. `gateway` is opened for one behind an address."""

    def __init__(
        self,
        settings: Settings,
        *,
        environ: Mapping[str, str],
        notify: Callable[[str], None],
        gateway: Callable[[], Gateway],
    ) -> None:
        self.settings = settings
        self._environ = environ
        self._notify = notify
        self._gateway = gateway

    @cached_property
    def chosen(self) -> AutomaticReranker | EndpointReranker | None:
        """The reranker of the settings, the same object each time; None where they name none.

        Nothing is loaded, and nothing sent, before the first question. Raises ModelError or UsageError where it cannot
        be had.
        """
        return self.open(self.settings.reranker) if self.settings.reranker else None

    @property
    def needed(self) -> AutomaticReranker | EndpointReranker:
        """The same where reranking was asked for. Raises UsageError where the settings name no reranker."""
        if self.chosen is None:
            raise UsageError(
                "reranking was asked for, but no reranker is set",
                hint=f'write reranker = "{SMALL}" in your settings file (`hybridrag config path`) or set '
                f"HYBRIDRAG_RERANKER, and fetch it: hybridrag models pull {SMALL}. Whether it helps: hybridrag eval",
            )
        return self.chosen

    @property
    def texts_leave(self) -> bool:
        """Whether texts are scored on another machine that the user did not list as local: then documents labelled
        `local-only` must not be given to the reranker."""
        from hybridrag.models import endpoint_reranker

        name = self.settings.reranker
        return names_endpoint(name) and not self._endpoint(endpoint_reranker(name, self.settings.endpoints)).local

    def open(self, name: str) -> AutomaticReranker | EndpointReranker:
        """A reranker by name, folder or endpoint. Raises ModelError or UsageError where it cannot be had."""
        from hybridrag.models import endpoint_reranker, find_reranker, open_reranker

        settings = self.settings
        if names_endpoint(name):
            return self._endpoint(endpoint_reranker(name, settings.endpoints)).reranker()
        spec = find_reranker(name, offline=settings.offline, trusted=settings.trusted_code, notify=self._notify)
        return open_reranker(
            spec,
            cache=settings.paths.cache,
            device=settings.device,
            runtime=cast("RuntimeName", settings.runtime),
            # int8 is a size of embedding models, whose vectors are kept; a reranker has nothing to gain from it here.
            precision="auto" if settings.precision == "int8" else cast("Precision", settings.precision),
            notify=self._notify,
        )

    def _endpoint(self, model: EndpointRerankerModel) -> RerankEndpoint:
        from hybridrag.flows.rerank_endpoint import RerankEndpoint

        return RerankEndpoint(
            model, settings=self.settings, environ=self._environ, gateway=self._gateway, notify=self._notify
        )
