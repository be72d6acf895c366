"""Settings to models: which one a collection has, in which size and arithmetic, and what runs it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from hybridrag.config import Settings, names_endpoint
from hybridrag.errors import HybridragError, ModelError, UsageError
from hybridrag.types import Collection, Generation
from hybridrag.wiring.rerankers import Rerankers

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from hybridrag.chunking import StructuralChunker
    from hybridrag.flows.endpoint import Endpoint
    from hybridrag.models import (
        AutomaticEmbedder,
        AutomaticReranker,
        CheckedEmbedder,
        EndpointEmbedder,
        EndpointModel,
        EndpointReranker,
        ModelSpec,
        Precision,
        RuntimeName,
    )
    from hybridrag.ports import Tokenizer
    from hybridrag.privacy.gateway import Gateway
    from hybridrag.store import PostgresStore

MOST_CHUNK_TOKENS = 176
"""A chunk never exceeds this, however large the model's window: an answer cites a place, not a chapter, and smaller
chunks are found better (`docs/decisions/0045-chunking.md`)."""


class Models:
    """The models of one command. Store and gateway are opened when they are needed."""

    def __init__(
        self,
        settings: Settings,
        *,
        environ: Mapping[str, str],
        notify: Callable[[str], None],
        store: Callable[[], PostgresStore],
        gateway: Callable[[], Gateway],
    ) -> None:
        self.settings = settings
        self._environ = environ
        self._notify = notify
        self._store = store
        self._gateway = gateway
        self.rerankers = Rerankers(settings, environ=environ, notify=notify, gateway=gateway)
        self._embedders: dict[Any, AutomaticEmbedder | EndpointEmbedder] = {}
        self._checked: dict[tuple[int, bool], CheckedEmbedder] = {}
        self._opening = threading.Lock()
        self._ahead = False

    def find(self, name: str) -> ModelSpec | EndpointModel:
        """A model by name, folder or endpoint, whole. Raises ModelError where it cannot be had."""
        from hybridrag.models import endpoint_model, find_model

        if names_endpoint(name):
            return endpoint_model(name, self.settings.endpoints)
        settings = self.settings
        return find_model(name, offline=settings.offline, trusted=settings.trusted_code, notify=self._notify)

    def chosen(self) -> ModelSpec | EndpointModel:
        """The model of the settings, in the size and the arithmetic that they name."""
        spec = self.find(self.settings.embedder)
        if self.settings.dims:
            spec = spec.cut_to(self.settings.dims)
        return spec.computed_as("int8") if self.settings.precision == "int8" and is_here(spec) else spec

    def of(self, collection: Collection) -> ModelSpec | EndpointModel:
        """The collection's own model; the one from settings where that is not on this machine.

        A server that moved is asked at the address that the settings name.
        """
        if names_endpoint(self.settings.embedder) and self.settings.embedder != collection.embedder:
            moved = self._as_made(self.find(self.settings.embedder), collection.generation)
            if self.embedder(moved).fingerprint == collection.generation.fingerprint:
                return moved
        try:
            return self._as_made(self.find(collection.embedder), collection.generation)
        except ModelError:
            if self.settings.embedder == collection.embedder:
                raise
            other = self._as_made(self.find(self.settings.embedder), collection.generation)
            if self.embedder(other).fingerprint != collection.generation.fingerprint:
                raise  # what is missing is the collection's model, not this one
            return other

    def _as_made(self, spec: ModelSpec | EndpointModel, generation: Generation) -> ModelSpec | EndpointModel:
        """A model in the size and the arithmetic that made a generation, if it is that model."""
        if not is_here(spec):
            return spec.kept_to(generation.dimensions)
        if generation.dimensions < spec.full_dimensions:
            spec = replace(spec, dimensions=generation.dimensions)
        quantised = spec.computed_as("int8")
        return quantised if self.embedder(quantised).fingerprint == generation.fingerprint else spec

    def embedder_of(self, collection: Collection) -> CheckedEmbedder:
        """The embedder of the collection's model, which shows before its first text that it is the one that made it."""
        return self.checked(self.of(collection), collection.generation, keep=False)

    def checked(self, spec: ModelSpec | EndpointModel, generation: Generation, *, keep: bool) -> CheckedEmbedder:
        """With `keep`, the vectors by which that is seen are stored with a generation that has none."""
        from hybridrag.models import PROBE_TEXTS, checked_embedder

        if (generation.id, keep) not in self._checked:
            self._checked[generation.id, keep] = checked_embedder(
                self.embedder(spec),
                stored=self._store().probes(generation, PROBE_TEXTS),
                keep=partial(self._store().keep_probes, generation, PROBE_TEXTS) if keep else None,
                cache=self.settings.paths.cache,
            )
        return self._checked[generation.id, keep]

    def texts_leave(self, spec: ModelSpec | EndpointModel) -> bool:
        """Whether texts are embedded on another machine that the user did not list as local."""
        return not is_here(spec) and not self.endpoint(spec).local

    def endpoint(self, model: EndpointModel) -> Endpoint:
        """The way to a model behind an address. Nothing is sent."""
        from hybridrag.flows.endpoint import Endpoint

        return Endpoint(
            model,
            settings=self.settings,
            environ=self._environ,
            gateway=self._gateway,
            notify=self._notify,
        )

    def embedder(self, spec: ModelSpec | EndpointModel) -> AutomaticEmbedder | EndpointEmbedder:
        """The embedder of a model; the same object for the same model."""
        from hybridrag.models import open_embedder

        precision = self.settings.precision
        with self._opening:
            if not is_here(spec):
                if spec not in self._embedders:
                    self._embedders[spec] = self.endpoint(spec).embedder()
                return self._embedders[spec]
            key = (spec.path, spec.dimensions, spec.arithmetic)
            if key not in self._embedders:
                self._embedders[key] = open_embedder(
                    spec,
                    cache=self.settings.paths.cache,
                    device=self.settings.device,
                    runtime=cast("RuntimeName", self.settings.runtime),
                    precision="auto" if precision == "int8" else cast("Precision", precision),
                    notify=self._notify,
                )
            return self._embedders[key]

    def prepare(self, name: str) -> AutomaticEmbedder | EndpointEmbedder | AutomaticReranker | EndpointReranker:
        """The embedder or reranker of a model, converted for this machine where that is needed, and loaded."""
        from hybridrag.flows.models import names_reranker

        if names_reranker(name, self.settings):
            reranker = self.rerankers.open(name)
            reranker.load()
            return reranker
        spec = self.find(name)
        if self.settings.precision == "int8" and is_here(spec):
            spec = spec.computed_as("int8")
        embedder = self.embedder(spec)
        embedder.load()
        return embedder

    def for_ingest(self, collection: Collection) -> ModelSpec | EndpointModel:
        """The model of an existing collection. Raises UsageError where the user asks for another one."""
        spec, generation = self.of(collection), collection.generation
        if self.settings.origins["dims"] == "--dims" and self.settings.dims != generation.dimensions:
            raise UsageError(
                f"the vectors of the collection {collection.name!r} have {generation.dimensions} dimensions, "
                f"not {self.settings.dims}",
                hint="their length is chosen once for a collection: use another one with -c NAME",
            )
        if self.settings.origins["embedder"] in {"default", ""} or self.settings.embedder == collection.embedder:
            wanted = spec
        else:
            wanted = self._as_made(self.find(self.settings.embedder), generation)
        if self.embedder(wanted).fingerprint == generation.fingerprint:
            return wanted
        if wanted is not spec and self.settings.origins["embedder"] == "--embedder":
            raise UsageError(
                f"the collection {collection.name!r} is embedded with {collection.embedder}, not {wanted.name}",
                hint="a model is chosen once for a collection: use another one with -c NAME",
            )
        if self.embedder(spec).fingerprint == generation.fingerprint:
            self._notify(
                f"the collection {collection.name} stays with its model {collection.embedder}; "
                f"the settings name {self.settings.embedder}"
            )
            return spec
        raise ModelError(
            f"the model {spec.name} on this machine is not the one that made the collection {collection.name!r}",
            hint="its weights, tokenizer or prompts differ; fetch the same revision, or ingest into a new collection",
        )

    def chunker(self, spec: ModelSpec | EndpointModel, most_tokens: int | None = None) -> StructuralChunker:
        """What divides documents for a model, into chunks of `most_tokens` at most, or of what is usual."""
        from hybridrag.chunking import StructuralChunker
        from hybridrag.flows.endpoint import tokenizer_of
        from hybridrag.models import FastTokenizer

        tokenizer: Tokenizer = FastTokenizer(spec) if is_here(spec) else tokenizer_of(spec)
        return StructuralChunker(tokenizer, max_tokens=min(spec.window, most_tokens or MOST_CHUNK_TOKENS))

    def warm_up(self) -> None:
        """Gets the model ready while something else is waited for. Only where it is certain to be needed."""
        try:
            spec = self.chosen()
        except HybridragError:
            return  # told when the model is really needed
        if not is_here(spec):
            return
        embedder = self.embedder(spec)
        threading.Thread(target=_quietly(embedder.load), name="hybridrag-warm-up", daemon=True).start()

    def load_ahead(self, spec: ModelSpec | EndpointModel, question: str) -> None:
        """Has the model read a question while something else is done, and loads what an answer takes; once only."""
        if self._ahead:
            return
        from hybridrag.wiring.ahead import load_ahead

        self._ahead = True
        load_ahead(question, embed=self.embedder(spec).embed_query if is_here(spec) else None)


def is_here(spec: ModelSpec | EndpointModel) -> TypeIs[ModelSpec]:
    """Whether a model runs on this machine, in this process, and not behind an address."""
    from hybridrag.models import ModelSpec

    return isinstance(spec, ModelSpec)


def _quietly(work: Callable[[], None]) -> Callable[[], None]:
    """`work` without its errors: whoever needs its result meets them again."""

    def run() -> None:
        with contextlib.suppress(HybridragError):
            work()

    return run
