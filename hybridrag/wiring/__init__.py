"""Settings to live objects: the composition root. Nothing is opened before it is needed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from hybridrag.config import Settings
from hybridrag.types import Collection, Query
from hybridrag.wiring.models import Models
from hybridrag.wiring.privacy import Privacy
from hybridrag.wiring.provider import ChosenProvider

if TYPE_CHECKING:
    from hybridrag.answering.abstention import Answerability
    from hybridrag.flows.doctor import Check
    from hybridrag.flows.freshness import Freshness
    from hybridrag.flows.ground import Ground
    from hybridrag.flows.known import Known
    from hybridrag.flows.models import Pulled, Shown
    from hybridrag.flows.places import Place
    from hybridrag.flows.redact import Redaction
    from hybridrag.flows.spending import Spending
    from hybridrag.models.downloading import Transfer
    from hybridrag.parsing import GuardedParser
    from hybridrag.privacy.gateway import Gateway
    from hybridrag.store import PostgresStore
    from hybridrag.store.embedded import EmbeddedServer
    from hybridrag.types import Answer, Label, SearchResult
    from hybridrag.wiring.asking import Inquiry
    from hybridrag.wiring.evaluating import Evaluating
    from hybridrag.wiring.ingesting import Ingesting

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

    @cached_property
    def ingesting(self) -> Ingesting:
        from hybridrag.wiring.ingesting import Ingesting

        return Ingesting(self)

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
