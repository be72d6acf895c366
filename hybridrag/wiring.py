"""Settings to live objects: the composition root. Nothing is opened before it is needed."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hybridrag.config import CUSTOM_PROVIDER_KEY, ProviderSettings, Settings
from hybridrag.errors import ConfigError, HybridragError, ModelError, UsageError
from hybridrag.types import Collection, Generation, Query, Source

if TYPE_CHECKING:
    from hybridrag.chunking import StructuralChunker
    from hybridrag.flows.doctor import Check
    from hybridrag.flows.ingest import IngestOptions, IngestReport
    from hybridrag.flows.progress import Progress
    from hybridrag.flows.selection import SourceOptions
    from hybridrag.models import AutomaticEmbedder, ModelSpec
    from hybridrag.ports import ChatProvider
    from hybridrag.privacy import Gateway
    from hybridrag.providers import Retry
    from hybridrag.store import PostgresStore
    from hybridrag.store.embedded import EmbeddedServer
    from hybridrag.types import Answer, SearchResult

MOST_CHUNK_TOKENS = 256
"""A chunk never exceeds this, however large the model's window: an answer cites a place, not a chapter."""


class Wiring:
    """The live objects of one command. `notify` shows a line to the user."""

    def __init__(
        self, settings: Settings, *, notify: Callable[[str], None], environ: Mapping[str, str] = os.environ
    ) -> None:
        self.settings = settings
        self.notify = notify
        self._environ = environ
        self._embedders: dict[str, AutomaticEmbedder] = {}
        self._opening = threading.Lock()

    # --- the database ------------------------------------------------------------------------------------------------

    @cached_property
    def server(self) -> EmbeddedServer | None:
        """The embedded server, or None where the user named a database of their own."""
        if self.settings.database_url:
            return None
        from hybridrag.store.embedded import EmbeddedServer

        data = self.settings.paths.data / "postgresql"
        # Two homes may share one runtime folder, so each server gets a socket folder named after its data.
        name = hashlib.sha256(str(data).encode("utf-8", "surrogateescape")).hexdigest()[:8]
        return EmbeddedServer(data=data, run=self.settings.paths.run / f"pg-{name}")

    @cached_property
    def store(self) -> PostgresStore:
        from hybridrag.store import PostgresStore

        server = self.server
        if server is None:
            return PostgresStore(self.settings.database_url)
        return PostgresStore(server.url, ready=lambda: server.ensure_running(self.notify))

    def collection(self) -> Collection:
        """The chosen collection. Raises UsageError where it does not exist."""
        from hybridrag.store import unknown_collection

        found = self.store.find_collection(self.settings.collection)
        if found is None:
            raise unknown_collection(self.settings.collection)
        return found

    # --- models ------------------------------------------------------------------------------------------------------

    def model_of(self, collection: Collection) -> ModelSpec:
        """The collection's own model; the one from settings where that is not on this machine."""
        from hybridrag.models import find_model

        try:
            return find_model(collection.embedder, offline=self.settings.offline)
        except ModelError:
            if self.settings.embedder == collection.embedder:
                raise
            other = find_model(self.settings.embedder, offline=self.settings.offline)
            if self.embedder(other).fingerprint != collection.generation.fingerprint:
                raise  # what is missing is the collection's model, not this one
            return other

    def embedder(self, spec: ModelSpec) -> AutomaticEmbedder:
        """The embedder of a model; the same object for the same model."""
        from hybridrag.models import open_embedder

        with self._opening:
            key = str(spec.path)
            if key not in self._embedders:
                self._embedders[key] = open_embedder(
                    spec, cache=self.settings.paths.cache, device=self.settings.device, notify=self.notify
                )
            return self._embedders[key]

    # --- flows -------------------------------------------------------------------------------------------------------

    def ingest(
        self,
        paths: Sequence[str],
        *,
        source_options: SourceOptions,
        options: IngestOptions,
        progress: Progress,
        stdin: BinaryIO,
        stdin_name: str | None,
    ) -> IngestReport:
        """Ingests what the user named into the chosen collection, which is made if it does not exist."""
        from hybridrag.flows.ingest import Ingest
        from hybridrag.flows.selection import select
        from hybridrag.parsing import GuardedParser
        from hybridrag.sources import open_source

        self._warm_up()
        existing = self.store.find_collection(self.settings.collection)
        known = [row["source"] for row in self.store.list_sources(existing)] if existing else []
        selections = select(paths, known, self._with_project_globs(source_options))
        if existing:
            collection, spec = existing, self._model_for(existing)
        else:
            collection, spec = self._new_collection(only_imagined=options.dry_run)
        chunker = self._chunker(spec)

        def open_reader(source: Source) -> Any:
            return open_source(source, stdin=stdin, stdin_name=stdin_name, limit=self.settings.max_file_bytes)

        parser = GuardedParser()
        try:
            with self.store.ingest_run(collection) as run:
                ids = {row["source"].name: row["id"] for row in self.store.list_sources(collection)}
                return Ingest(
                    run,
                    parser=parser,
                    chunker=chunker,
                    embedder=self.embedder(spec),
                    open_reader=open_reader,
                    progress=progress,
                    options=options,
                ).into(
                    [(ids.get(s.source.name, 0), s) for s in selections],
                    remember=lambda source: self.store.save_source(collection, source),
                )
        finally:
            parser.close()

    def search(self, query: Query) -> SearchResult:
        from hybridrag.flows.search import search

        return search(
            self.store,
            self.settings.collection,
            query,
            open_embedder=lambda collection: self.embedder(self.model_of(collection)),
        )

    def extract(self, query: Query) -> Answer:
        """An answer without a provider."""
        from hybridrag.flows.ask import extract

        found = self.search(query)
        return extract(query.text, found, open_embedder=lambda: self.embedder(self.model_of(self.collection())))

    def outbound(self, query: Query) -> bytes:
        """The exact body that `ask` would send. Nothing is sent, and nothing recorded."""
        from hybridrag.flows.ask import prepare

        request = prepare(
            query.text,
            self.search(query),
            gateway=self.gateway,
            provider=self.open_provider(_no_retry),
            plain=self._plain,
        )
        if request is None:
            raise UsageError("nothing was found, so nothing would be sent", hint="ask something the documents hold")
        return request.body

    def ask(self, query: Query, *, on_text: Callable[[str], None]) -> Answer:
        """An answer from the chosen provider."""
        from hybridrag.flows.ask import complete, nothing_to_answer_from, prepare

        provider = self.open_provider(_no_retry)  # a missing key is told before any work is done
        found = self.search(query)
        request = prepare(query.text, found, gateway=self.gateway, provider=provider, plain=self._plain)
        if request is None:
            return nothing_to_answer_from(query.text, found)
        return complete(
            request,
            found,
            gateway=self.gateway,
            open_provider=self.open_provider,
            on_text=on_text,
            notify=self.notify,
        )

    # --- privacy and providers ---------------------------------------------------------------------------------------

    @cached_property
    def gateway(self) -> Gateway:
        from hybridrag.privacy import FileLedger, Gateway, builtin_detectors, load_key

        data = self.settings.paths.data
        key = load_key(data / "key")
        return Gateway(detectors=builtin_detectors(), ledger=FileLedger(data / "ledger.jsonl", key=key), key=key)

    @property
    def has_provider(self) -> bool:
        """Whether the user chose a provider. A key in the environment chooses nothing."""
        return bool(self.settings.provider)

    def provider_advice(self) -> str:
        """One line for people without a provider."""
        from hybridrag.providers import preset, preset_names

        variables = [v for v in (preset(name).key_variable for name in preset_names()) if v and self._environ.get(v)]
        seen = f" ({', '.join(variables)} is set)" if variables else ""
        return (
            f"no provider chosen{seen}: answering with sentences of your documents. "
            "To have an answer written: hybridrag ask --provider together|fireworks|baseten|URL"
        )

    def open_provider(self, on_retry: Callable[[Retry], None]) -> ChatProvider:
        """The chosen provider. Raises where it is unknown, lacks its key, or is remote under --offline."""
        from hybridrag.providers import OpenAICompatible, is_local, key_from_environment

        name, chosen, default_model = self._provider_settings()
        local = is_local(chosen.base_url, self.settings.local_addresses)
        if self.settings.offline and not local:
            raise UsageError(
                f"--offline forbids the provider {name}", hint="choose one on this machine, or leave --offline out"
            )
        model = self.settings.llm or chosen.model or default_model
        if not model:
            raise UsageError(f"no model is chosen for the provider {name}", hint="name one with --llm MODEL")
        return OpenAICompatible(
            name=name,
            base_url=chosen.base_url,
            model=model,
            key=key_from_environment(chosen.key_variable, self._environ) if chosen.key_variable else None,
            local=local,
            on_retry=on_retry,
        )

    @property
    def _plain(self) -> bool:
        """Whether the provider may have text as it is: only where the user listed its address.

        Being on loopback is not enough: a proxy that forwards to a cloud listens there too.
        """
        from hybridrag.providers import is_listed

        _, chosen, _ = self._provider_settings()
        return is_listed(chosen.base_url, self.settings.local_addresses)

    def _provider_settings(self) -> tuple[str, ProviderSettings, str]:
        """Name, address and key variable of the chosen provider, and its preset's model."""
        from hybridrag.providers import preset, preset_names

        name = self.settings.provider
        if "://" in name:
            key = CUSTOM_PROVIDER_KEY
            return "custom", ProviderSettings(base_url=name, key_variable=key if self._environ.get(key) else ""), ""
        # In any letter case, as presets are: a user's own address must not be lost to a capital letter.
        own = next((p for n, p in self.settings.providers.items() if n.lower() == name.lower()), ProviderSettings())
        if own.base_url and name.lower() not in preset_names():
            return name, own, ""
        known = preset(name)
        if own.base_url and not own.key_variable:
            # A preset's key belongs to the preset's address: it is not sent elsewhere because the address changed.
            return name, own, known.model or ""
        settings = replace(
            own, base_url=own.base_url or known.base_url, key_variable=own.key_variable or known.key_variable or ""
        )
        return name, settings, known.model or ""

    # --- doctor ------------------------------------------------------------------------------------------------------

    def doctor(self) -> list[Check]:
        """Every check of this installation. Starts the embedded database, as any command would."""
        from hybridrag.flows.doctor import examine

        return examine(
            [
                ("settings", self._probe_settings),
                ("database", self._probe_database),
                ("model", self._probe_model),
                ("collection", self._probe_collection),
                ("parser", self._probe_parser),
                ("gateway", self._probe_gateway),
                ("provider", self._probe_provider),
            ]
        )

    def _probe_settings(self) -> str:
        layers = dict.fromkeys(origin for origin in self.settings.origins.values() if origin != "default")
        return "from " + ", ".join(layers) if layers else "all defaults"

    def _probe_database(self) -> str:
        self.store.migrate()
        versions = self.store.versions()
        kind = "embedded" if self.server is not None else "configured"
        return f"{kind} PostgreSQL {versions['server']} with pgvector {versions['pgvector']}"

    def _probe_model(self) -> str:
        from hybridrag.models import find_model

        spec = find_model(self.settings.embedder, offline=self.settings.offline)
        embedder = self.embedder(spec)
        vector = embedder.embed_query("ready?")
        where = f"{embedder.runtime} on {embedder.device}"
        return f"{spec.name}: {len(vector)} dimensions, window {spec.window} tokens, {where}"

    def _probe_collection(self) -> str:
        from hybridrag.flows.doctor import Concern

        name = self.settings.collection
        rows = {row["name"]: row for row in self.store.list_collections()}
        if name not in rows:
            raise Concern(f"there is no collection {name!r} yet", f"hybridrag ingest -c {name} PATH")
        collection = self.collection()
        if self.embedder(self.model_of(collection)).fingerprint != collection.generation.fingerprint:
            raise ModelError(
                f"the model of {name!r} on this machine is not the one that made it",
                hint=f"fetch the same revision of {collection.embedder}",
            )
        return f"{name}: {rows[name]['documents']} documents, {rows[name]['chunks']} chunks, {collection.embedder}"

    def _probe_parser(self) -> str:
        from hybridrag.parsing import GuardedParser

        parser = GuardedParser()
        try:
            return parser.version
        finally:
            parser.close()

    def _probe_gateway(self) -> str:
        from hybridrag.errors import BlockedByPolicy

        session = self.gateway.open(["write to ada@example.com"])
        if "ada@example.com" in session.redact("write to ada@example.com").text:
            raise BlockedByPolicy(
                "the gateway let an e-mail address through", hint="report this; do not use a provider"
            )
        return f"redacts, and records to {self.settings.paths.data / 'ledger.jsonl'}"

    def _probe_provider(self) -> str:
        if not self.has_provider:
            return "none chosen: answers are extractive and local"
        destination = self.open_provider(_no_retry).destination
        return f"{destination.provider}, {destination.model}, {'local' if destination.local else 'remote, redacted'}"

    # --- details -----------------------------------------------------------------------------------------------------

    def _warm_up(self) -> None:
        """On a machine where nothing was ever indexed, gets the model ready while the database is being made."""
        from hybridrag.models import find_model

        if self.server is None or self.settings.paths.data.exists():
            return
        try:
            embedder = self.embedder(find_model(self.settings.embedder, offline=self.settings.offline))
        except HybridragError:
            return  # told when the model is really needed
        threading.Thread(target=_quietly(embedder.load), name="hybridrag-warm-up", daemon=True).start()

    def _model_for(self, collection: Collection) -> ModelSpec:
        """The model of an existing collection. Raises UsageError where the user asks for another one."""
        spec = self.model_of(collection)
        if self.settings.origins["embedder"] in {"default", ""} or self.settings.embedder == collection.embedder:
            wanted = spec
        else:
            from hybridrag.models import find_model

            wanted = find_model(self.settings.embedder, offline=self.settings.offline)
        if self.embedder(wanted).fingerprint == collection.generation.fingerprint:
            return wanted
        if wanted is not spec and self.settings.origins["embedder"] == "--embedder":
            raise UsageError(
                f"the collection {collection.name!r} is embedded with {collection.embedder}, not {wanted.name}",
                hint="a model is chosen once for a collection: use another one with -c NAME",
            )
        if self.embedder(spec).fingerprint == collection.generation.fingerprint:
            self.notify(
                f"the collection {collection.name} stays with its model {collection.embedder}; "
                f"the settings name {self.settings.embedder}"
            )
            return spec
        raise ModelError(
            f"the model {spec.name} on this machine is not the one that made the collection {collection.name!r}",
            hint="its weights, tokenizer or prompts differ; fetch the same revision, or ingest into a new collection",
        )

    def ensure_collection(self) -> Collection:
        """The chosen collection, made if it does not exist."""
        return self.store.find_collection(self.settings.collection) or self._new_collection()[0]

    def _new_collection(self, *, only_imagined: bool = False) -> tuple[Collection, ModelSpec]:
        """The chosen collection, made now with the chosen model; `only_imagined` makes nothing, for a dry run."""
        from hybridrag.models import find_model

        name = self.settings.embedder
        spec = find_model(name, offline=self.settings.offline)
        if Path(name).is_dir():
            name = str(Path(name).resolve())
        if only_imagined:
            generation = Generation(0, name, self.embedder(spec).fingerprint, spec.dimensions, chunk_set=0)
            return Collection(0, self.settings.collection, name, self.settings.text_search, generation), spec
        collection = self.store.create_collection(
            self.settings.collection,
            embedder=name,
            fingerprint=self.embedder(spec).fingerprint,
            dimensions=spec.dimensions,
            text_search=self.settings.text_search,
            parameters=self._chunker(spec).parameters,
        )
        if collection.generation.fingerprint != self.embedder(spec).fingerprint:
            return collection, self._model_for(collection)  # another process made it a moment ago
        return collection, spec

    def _chunker(self, spec: ModelSpec) -> StructuralChunker:
        from hybridrag.chunking import StructuralChunker
        from hybridrag.models import FastTokenizer

        return StructuralChunker(FastTokenizer(spec), max_tokens=min(spec.window, MOST_CHUNK_TOKENS))

    def _with_project_globs(self, options: SourceOptions) -> SourceOptions:
        return replace(
            options,
            include=options.include or self.settings.include or None,
            exclude=options.exclude or self.settings.exclude or None,
        )


def _quietly(work: Callable[[], None]) -> Callable[[], None]:
    """`work` without its errors: whoever needs its result meets them again."""

    def run() -> None:
        with contextlib.suppress(HybridragError):
            work()

    return run


def _no_retry(retry: Retry) -> None:
    raise ConfigError(f"a request was retried outside the ledger: {retry.reason}")
