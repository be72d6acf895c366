"""Settings to live objects: the composition root. Nothing is opened before it is needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hybridrag.config import Settings
from hybridrag.types import Collection, Generation, Query, Source
from hybridrag.wiring.indexable import check_dimensions, check_text_search, lasting_name
from hybridrag.wiring.models import Models, is_here
from hybridrag.wiring.privacy import Privacy
from hybridrag.wiring.provider import ChosenProvider

if TYPE_CHECKING:
    from hybridrag.answering.abstention import Answerability
    from hybridrag.flows.doctor import Check
    from hybridrag.flows.freshness import Freshness
    from hybridrag.flows.ground import Ground
    from hybridrag.flows.ingest import Ingest, IngestOptions
    from hybridrag.flows.ingest_report import IngestReport
    from hybridrag.flows.known import Known
    from hybridrag.flows.models import Pulled, Shown
    from hybridrag.flows.places import Place
    from hybridrag.flows.progress import Progress
    from hybridrag.flows.redact import Redaction
    from hybridrag.flows.selection import SourceOptions
    from hybridrag.flows.spending import Spending
    from hybridrag.models import EndpointModel, ModelSpec
    from hybridrag.models.hub import Transfer
    from hybridrag.parsing import GuardedParser
    from hybridrag.ports import Embedder
    from hybridrag.privacy.gateway import Gateway
    from hybridrag.sources import Reader
    from hybridrag.sources.web_fetch import Access
    from hybridrag.store import PostgresStore
    from hybridrag.store.embedded import EmbeddedServer
    from hybridrag.types import Answer, Label, SearchResult
    from hybridrag.wiring.asking import Inquiry
    from hybridrag.wiring.evaluating import Evaluating

_MOST_PARSED = 8
"""Documents parsed at once: so many processes are ahead of any model, and each takes some 150 MB."""
_UNPACKED = 10
"""Times the largest file that is read: so many bytes may come out of one that holds others."""


class Wiring:
    """The live objects of one command. `notify` shows a line to the user."""

    def __init__(
        self, settings: Settings, *, notify: Callable[[str], None], environ: Mapping[str, str] = os.environ
    ) -> None:
        self.settings = settings
        self.notify = notify
        self._environ = environ
        self._others: list[Wiring] = []
        self.provider = ChosenProvider(settings, environ=environ)
        self.privacy = Privacy(settings)
        self.models = Models(
            settings, environ=environ, notify=notify, store=lambda: self.store, gateway=lambda: self.gateway
        )

    def stay_offline(self) -> None:
        """This process opens no connection from here on but to what the settings allow."""
        from hybridrag.privacy.offline import refuse_connections
        from hybridrag.providers.addresses import listed_hosts

        listed, url = listed_hosts(self.settings.local_addresses), self.settings.database_url

        def allowed(host: str) -> bool:
            from hybridrag.store.connection import hosts_of

            return host.lower() in listed or (bool(url) and host.lower() in hosts_of(url))

        refuse_connections(allowed)

    def close(self) -> None:
        """Ends the connections that the store keeps, here and under other settings."""
        for other in self._others:
            other.close()
        if "store" in self.__dict__:
            self.store.close()

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

    def show_model(self, name: str) -> Shown:
        """What is known of a model, without a socket."""
        from hybridrag.flows.models import show_model

        return show_model(name, self.settings)

    def pull_model(self, name: str, *, transfer: Transfer) -> Pulled:
        """Makes a model whole on this machine."""
        from hybridrag.flows.models import pull_model

        return pull_model(name, self.settings, transfer=transfer, notify=self.notify)

    def ground(self, *, text: str | None, questions: Path | None) -> Ground:
        """What models are measured on. Opens nothing yet, and never makes a database."""
        from hybridrag.flows.ground import Ground

        nothing_here = self.server is not None and not self.settings.paths.data.exists()
        return Ground(
            self.settings,
            open_store=None if nothing_here else lambda: self.store,
            chunker_for=self.models.chunker,
            text=text,
            questions=questions,
        )

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
        from hybridrag.flows.selection import check_reachable, select
        from hybridrag.sources import open_source

        def open_reader(source: Source, seen: Mapping[str, str]) -> Reader:
            limit, access = self.settings.max_file_bytes, self._web_access()
            return open_source(source, stdin=stdin, stdin_name=stdin_name, limit=limit, access=access, seen=seen)

        with self.open_parser() as parser:
            existing = self._existing_or_warm(parser, certain=not options.dry_run)
            known = [row["source"] for row in self.store.list_sources(existing)] if existing else []
            selections = select(paths, known, self._with_project_globs(source_options))
            check_reachable(selections, offline=self.settings.offline)
            if existing:
                collection, spec = existing, self.models.for_ingest(existing)
            else:
                collection, spec = self._new_collection(only_imagined=options.dry_run)
            with self._ingest(collection, spec, parser, open_reader, options=options, progress=progress) as ingest:
                ids = {row["source"].name: row["id"] for row in self.store.list_sources(collection)}
                return ingest.into(
                    [(ids.get(s.source.name, 0), s) for s in selections],
                    remember=lambda source: self.store.save_source(collection, source),
                )

    def sync(
        self, collection: Collection, names: Sequence[str], *, options: IngestOptions, progress: Progress
    ) -> IngestReport:
        """Ingests the remembered sources of a collection again: those with these names, or all where none is given."""
        from hybridrag.flows.sync import remembered
        from hybridrag.sources import open_source

        def open_reader(source: Source, seen: Mapping[str, str]) -> Reader:
            return open_source(source, limit=self.settings.max_file_bytes, access=self._web_access(), seen=seen)

        spec = self.models.for_ingest(collection)
        with (
            self.open_parser() as parser,
            self._ingest(collection, spec, parser, open_reader, options=options, progress=progress) as ingest,
        ):
            # Read once the collection is held: what is remembered does not change any more.
            ids = {row["source"]: row["id"] for row in self.store.list_sources(collection)}
            selections = remembered(list(ids), names, note=progress.note, offline=self.settings.offline)
            return ingest.into([(ids[s.source], s) for s in selections], remember=ids.__getitem__)

    def open_parser(self) -> GuardedParser:
        """A parser that keeps all cores busy."""
        from hybridrag.flows.machine import cores
        from hybridrag.parsing import GuardedParser
        from hybridrag.parsing.pictures import ocr

        settings = self.settings
        return GuardedParser(
            workers=min(cores(), _MOST_PARSED),
            timeout_s=settings.parse_timeout,
            memory=settings.parse_memory,
            largest_member=settings.max_file_bytes,
            most_unpacked=_UNPACKED * settings.max_file_bytes,
            pictures=ocr.find(settings.ocr, settings.ocr_languages),
            parsers=settings.parsers,
        )

    @contextmanager
    def _ingest(
        self,
        collection: Collection,
        spec: ModelSpec | EndpointModel,
        parser: GuardedParser,
        open_reader: Callable[[Source, Mapping[str, str]], Reader],
        *,
        options: IngestOptions,
        progress: Progress,
    ) -> Iterator[Ingest]:
        """An ingest into a collection that is held meanwhile. Raises CollectionBusy."""
        from hybridrag.flows.ingest import Ingest

        embedder: Embedder = self.models.embedder(spec)
        options = replace(options, boilerplate_once=self.settings.boilerplate == "once")
        if not options.dry_run:
            embedder = checked = self.models.checked(spec, collection.generation, keep=True)
            if not is_here(spec):
                checked.check()  # before anything is written; a model on this machine is not loaded for nothing
                options = replace(options, texts_leave=self.models.texts_leave(spec))
        with self.store.ingest_run(collection) as run:
            yield Ingest(
                run,
                parser=parser,
                chunker=self.models.chunker(spec, collection.generation.chunk_tokens),
                embedder=embedder,
                open_inspector=lambda: self.privacy.inspector,
                open_reader=open_reader,
                progress=progress,
                options=options,
                entry=spec.entry,
            )

    def _web_access(self) -> Access:
        from hybridrag.sources.web_fetch import Access

        return Access(allow_private=self.settings.allow_private_addresses)

    def _existing_or_warm(self, parser: GuardedParser, *, certain: bool) -> Collection | None:
        """The chosen collection. Where there is none yet, model and parser get ready while the database is made.

        An ingest into an existing collection may need neither.
        """

        def warm_up() -> None:
            if certain:
                parser.start()
                self.models.warm_up()

        unmade = self.server is not None and not self.settings.paths.data.exists()
        if unmade:
            warm_up()
        existing = self.store.find_collection(self.settings.collection)
        if existing is None and not unmade:
            warm_up()
        return existing

    def search(self, query: Query) -> SearchResult:
        from hybridrag.flows.search import search

        found = search(
            self.store,
            self.settings.collection,
            query,
            open_embedder=self.models.embedder_of,
            open_reranker=lambda: self.models.rerankers.needed,
            texts_leave=query.rerank and self.models.rerankers.texts_leave,
        )
        if not found.hits and not self.store.list_documents(self.collection()):
            self.notify(f"the collection {found.collection} holds no documents yet: hybridrag ingest PATH")
        return found

    def extract(self, query: Query) -> Answer:
        """An answer without a provider."""
        from hybridrag.flows.extract import extract

        found, collection = self.search(query), self.collection()
        return extract(
            query.text,
            found,
            judged=self.judged(found, collection=collection, measure=bool(found.hits)),
            open_embedder=lambda: self.models.embedder_of(collection),
            texts_leave=self.models.texts_leave(self.models.of(collection)),
        )

    def judged(self, found: SearchResult, *, collection: Collection, measure: bool) -> Answerability:
        """Whether the documents answer what was searched for; `measure` finds the collection's threshold if need be."""
        from hybridrag.flows.abstain import calibration_of, judged

        calibration = calibration_of(
            self.store,
            found.collection,
            generation=found.generation.id,
            open_embedder=self.models.embedder_of,
            texts_leave=measure and self.models.texts_leave(self.models.of(collection)),
            measure=measure,
            notify=self.notify,
        )
        return judged(found, store=self.store, calibration=calibration)

    def outbound(self, query: Query) -> bytes:
        """The exact body that `ask` would send. Nothing is sent, and nothing recorded."""
        return self.inquiry(query).outbound()

    def ask(self, query: Query, *, on_text: Callable[[str], None]) -> Answer:
        """An answer from the chosen provider, or from the next one where it fails."""
        return self.inquiry(query).answer(on_text)

    def inquiry(self, query: Query, **past: Any) -> Inquiry:
        """A question to the chosen providers; `past` is what `Inquiry` takes of a conversation."""
        from hybridrag.wiring.asking import Inquiry

        return Inquiry(self, query, **past)

    def whereabouts(self, answer: Answer) -> tuple[Mapping[int, Place], Freshness]:
        """The files of an answer's citations on this machine, by marker, and how fresh they are."""
        from hybridrag.flows.freshness import freshness
        from hybridrag.flows.places import places
        from hybridrag.store.origins import origins

        found = origins(
            self.store.open(), self.collection(), [citation.chunk.document.id for citation in answer.citations]
        )
        return places(answer.citations, found), freshness(found.values())

    def known(self, collection: Collection) -> Known:
        """What is known of passages of a collection from the documents they lie in."""
        from hybridrag.flows.known import known_values

        return partial(known_values, store=self.store, collection=collection, inspector=self.privacy.inspector)

    def redact(self, name: str, label: Label, *, stdin: BinaryIO) -> Redaction:
        """What the gateway would do to a file, or to stdin where the name is `-`. Needs no database."""
        from hybridrag.flows.redact import redact

        with ExitStack() as stack:
            return redact(
                name,
                label,
                gateway=self.gateway,
                stdin=stdin,
                open_parser=lambda: stack.enter_context(self.open_parser()),
                limit=self.settings.max_file_bytes,
            )

    # --- evaluation --------------------------------------------------------------------------------------------------

    @cached_property
    def evaluating(self) -> Evaluating:
        from hybridrag.wiring.evaluating import Evaluating

        return Evaluating(self)

    def under(self, settings: Settings) -> Wiring:
        """The live objects of this command under other settings."""
        other = Wiring(settings, notify=self.notify, environ=self._environ)
        self._others.append(other)
        return other

    # --- privacy and providers ---------------------------------------------------------------------------------------

    @cached_property
    def spending(self) -> Spending:
        from hybridrag.flows.spending import Spending

        return Spending(self.store, limit=self.settings.max_cost_usd, notify=self.notify)

    @property
    def gateway(self) -> Gateway:
        return self.privacy.gateway

    @property
    def has_provider(self) -> bool:
        """Whether the user chose a provider. A key in the environment chooses nothing."""
        return bool(self.settings.provider)

    # --- doctor ------------------------------------------------------------------------------------------------------

    def doctor(self) -> list[Check]:
        """Every check of this installation. Starts the embedded database, as any command would."""
        from hybridrag.flows.doctor import examine
        from hybridrag.wiring.doctor import Probes

        return examine(Probes(self).all())

    # --- collections -------------------------------------------------------------------------------------------------

    def ensure_collection(self) -> Collection:
        """The chosen collection, made if it does not exist."""
        return self.store.find_collection(self.settings.collection) or self._new_collection()[0]

    def _new_collection(self, *, only_imagined: bool = False) -> tuple[Collection, ModelSpec | EndpointModel]:
        """The chosen collection, made now with the chosen model; `only_imagined` makes nothing, for a dry run."""
        from hybridrag.flows.chunked import chunking_parameters

        check_text_search(self.settings.text_search)
        name, spec = lasting_name(self.settings.embedder), self.models.chosen()
        if not is_here(spec) and not spec.known:
            self.notify(
                f"nothing is known of the model {spec.served}: no prompts are added, and texts are cut at "
                f"{spec.window} tokens; an [endpoints.NAME] table in your own settings can tell better"
            )
        embedder = self.models.embedder(spec)
        check_dimensions(spec.name, embedder)
        if only_imagined:
            generation = Generation(0, name, embedder.fingerprint, embedder.dimensions, 0, self.settings.text_search)
            return Collection(0, self.settings.collection, generation), spec
        collection = self.store.create_collection(
            self.settings.collection,
            embedder=name,
            fingerprint=embedder.fingerprint,
            dimensions=embedder.dimensions,
            text_search=self.settings.text_search,
            parameters=chunking_parameters(self.models.chunker(spec), self.settings.text_search),
        )
        if collection.generation.fingerprint != embedder.fingerprint:
            return collection, self.models.for_ingest(collection)  # another process made it a moment ago
        return collection, spec

    def _with_project_globs(self, options: SourceOptions) -> SourceOptions:
        return replace(
            options,
            include=options.include or self.settings.include or None,
            exclude=options.exclude or self.settings.exclude or None,
        )
