"""Settings to what `ingest`, `sync` and `sources add` do: what is meant, the model and the parser for it, the run."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, BinaryIO

from hybridrag.types import Collection, Source
from hybridrag.wiring.indexable import model_for_new, new_collection
from hybridrag.wiring.models import is_here

if TYPE_CHECKING:
    from hybridrag.flows.ingest import Ingest, IngestOptions
    from hybridrag.flows.ingest_report import IngestReport
    from hybridrag.flows.progress import Progress
    from hybridrag.flows.selection import Selection, SourceOptions
    from hybridrag.models import EndpointModel, ModelSpec
    from hybridrag.parsing import GuardedParser
    from hybridrag.ports import Embedder
    from hybridrag.sources import Reader
    from hybridrag.sources.web_fetch import Access
    from hybridrag.wiring import Wiring

OpenReader = Callable[[Source, Mapping[str, str]], "Reader"]


class Ingesting:
    """What brings documents into the chosen collection."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._settings = wiring.settings

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
        from hybridrag.sources import open_source

        source_options = replace(
            source_options,
            include=source_options.include or self._settings.include or None,
            exclude=source_options.exclude or self._settings.exclude or None,
        )

        def open_reader(source: Source, seen: Mapping[str, str]) -> Reader:
            limit, access = self._settings.max_file_bytes, self._web_access()
            return open_source(source, stdin=stdin, stdin_name=stdin_name, limit=limit, access=access, seen=seen)

        wiring, store = self._wiring, self._wiring.store
        with wiring.open_parser() as parser:

            def get_ready() -> None:
                if not options.dry_run:
                    parser.start()
                    wiring.models.warm_up()

            existing, selections = self._meant(
                paths, source_options, offline=self._settings.offline, get_ready=get_ready
            )
            if existing:
                collection, spec = existing, wiring.models.for_ingest(existing)
            else:
                collection, spec = new_collection(wiring, only_imagined=options.dry_run)
            with self._run(collection, spec, parser, open_reader, options=options, progress=progress) as run:
                ids = {row["source"].name: row["id"] for row in store.list_sources(collection)}
                return run.into(
                    [(ids.get(s.source.name, 0), s) for s in selections],
                    remember=lambda source: store.save_source(collection, source),
                )

    def sync(
        self, collection: Collection, names: Sequence[str], *, options: IngestOptions, progress: Progress
    ) -> IngestReport:
        """Ingests the remembered sources of a collection again: those with these names, or all where none is given."""
        from hybridrag.flows.sync import check_names, remembered
        from hybridrag.sources import open_source

        def open_reader(source: Source, seen: Mapping[str, str]) -> Reader:
            return open_source(source, limit=self._settings.max_file_bytes, access=self._web_access(), seen=seen)

        wiring, store = self._wiring, self._wiring.store
        check_names(names, [row["source"] for row in store.list_sources(collection)])
        spec = wiring.models.for_ingest(collection)
        with (
            wiring.open_parser() as parser,
            self._run(collection, spec, parser, open_reader, options=options, progress=progress) as run,
        ):
            # Read again once the collection is held: what is remembered does not change any more.
            ids = {row["source"]: row["id"] for row in store.list_sources(collection)}
            selections = remembered(list(ids), names, note=progress.note, offline=self._settings.offline)
            return run.into([(ids[s.source], s) for s in selections], remember=ids.__getitem__)

    def remember(self, path: str, options: SourceOptions) -> Source:
        """Has the chosen collection, which is made if it does not exist, remember a source, and does not read it."""
        existing, (selection,) = self._meant([path], options, offline=False, get_ready=lambda: None)
        self._wiring.store.save_source(existing or new_collection(self._wiring)[0], selection.source)
        return selection.source

    def _meant(
        self, paths: Sequence[str], options: SourceOptions, *, offline: bool, get_ready: Callable[[], None]
    ) -> tuple[Collection | None, list[Selection]]:
        """The chosen collection, if there is one, and what the user means. What cannot be meant, or be had, is refused
        before a database is made and anything is loaded.

        Where there is no collection yet, `get_ready` is called in time for it to overlap with the making of a database.
        An ingest into an existing collection may need neither model nor parser.
        """
        wiring = self._wiring
        unmade = wiring.server is not None and not self._settings.paths.data.exists()
        if unmade:
            self._selected(paths, None, options, offline=offline)
            model_for_new(wiring)
            get_ready()
        existing = wiring.store.find_collection(self._settings.collection)
        selections = self._selected(paths, existing, options, offline=offline)
        if existing is None and not unmade:
            model_for_new(wiring)
            get_ready()
        return existing, selections

    def _selected(
        self, paths: Sequence[str], existing: Collection | None, options: SourceOptions, *, offline: bool
    ) -> list[Selection]:
        from hybridrag.flows.selection import check_reachable, select
        from hybridrag.sources import open_source

        known = [row["source"] for row in self._wiring.store.list_sources(existing)] if existing else []
        selections = select(paths, known, options)
        check_reachable(selections, offline=offline)
        for selection in selections:
            open_source(selection.source, stdin=io.BytesIO())  # which refuses patterns that cannot be read
        return selections

    @contextmanager
    def _run(
        self,
        collection: Collection,
        spec: ModelSpec | EndpointModel,
        parser: GuardedParser,
        open_reader: OpenReader,
        *,
        options: IngestOptions,
        progress: Progress,
    ) -> Iterator[Ingest]:
        """An ingest into a collection that is held meanwhile. Raises CollectionBusy."""
        from hybridrag.flows.ingest import Ingest

        models = self._wiring.models
        embedder: Embedder = models.embedder(spec)
        options = replace(options, boilerplate_once=self._settings.boilerplate == "once")
        if not options.dry_run:
            embedder = checked = models.checked(spec, collection.generation, keep=True)
            if not is_here(spec):
                checked.check()  # before anything is written; a model on this machine is not loaded for nothing
                options = replace(options, texts_leave=models.texts_leave(spec))
        with self._wiring.store.ingest_run(collection) as run:
            yield Ingest(
                run,
                parser=parser,
                chunker=models.chunker(spec, collection.generation.chunk_tokens),
                embedder=embedder,
                open_inspector=lambda: self._wiring.privacy.inspector,
                open_reader=open_reader,
                progress=progress,
                options=options,
                entry=spec.entry,
            )

    def _web_access(self) -> Access:
        from hybridrag.sources.web_fetch import Access

        return Access(allow_private=self._settings.allow_private_addresses)
