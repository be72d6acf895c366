"""Ingest: what sources hold now becomes what the index holds.

Documents are read, parsed and chunked in one thread, embedded by the model's workers and stored in another, so that all
overlap; no queue between them grows, so memory does not either.
Content hashes decide what is new, changed or unchanged. A batch of documents becomes visible as a whole, with its
vectors, or not at all; what vanished is removed last. A run that is killed anywhere is completed by the next one.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hybridrag.errors import BlockedByPolicy, DocumentsFailed, RefusedForSafety
from hybridrag.flows.chunked import chunked_as, chunking_parameters, digest
from hybridrag.flows.labels import declared_label, label_of, path_label
from hybridrag.flows.languages import language_warnings
from hybridrag.flows.pipeline import prefetched
from hybridrag.flows.progress import Progress
from hybridrag.flows.sampled import keep_sample
from hybridrag.flows.selection import Selection
from hybridrag.flows.stages import Stages
from hybridrag.ports import Chunker, Embedder, Parser
from hybridrag.privacy.inspection import Inspector
from hybridrag.sources import Listing, Reader
from hybridrag.types import Chunk, Chunked, Document, Embedded, Inspection, Label, Skipped, Source

if TYPE_CHECKING:
    from hybridrag.models.catalogue import Entry
    from hybridrag.store.writing import IngestRun, Known

_BATCH_CHUNKS = 256
"""Chunks embedded and committed together, at most: enough to sort by length, few enough to lose little."""
_FIRST_CHUNKS = 64
"""The first batch is small: until it is there, the model waits."""
_FEWEST_CHUNKS = 16
_BATCH_SECONDS = 5.0
"""What a batch should take to embed: with a slow model it holds fewer chunks, and progress is still seen."""
_UNDERWAY = 3
"""Batches being embedded or stored at once: two and one."""
_AHEAD = 512
"""Chunks and documents prepared ahead of the embedder, or one document that alone is more."""
_LONGEST_PATH = 2000
"""In bytes: PostgreSQL takes at most 2,704 for the index that keeps paths apart."""
_MASS_DELETE = 10
"""Up to so many documents may vanish at once without question, whatever their share."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """`globs` are labels from settings; `prune` removes what vanished from its source.

    `texts_leave` says that the model is remote and is sent raw text: documents labelled `local-only` are not for it.
    """

    prune: bool = True
    strict: bool = False
    allow_mass_delete: bool = False
    dry_run: bool = False
    globs: tuple[tuple[str, Label], ...] = ()
    texts_leave: bool = False


@dataclass(slots=True)
class IngestReport:
    """What a run did: documents and chunks by what became of them, and the seconds each stage was at work."""

    collection: str
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    skipped: int = 0
    failed: int = 0
    chunks_added: int = 0
    chunks_removed: int = 0
    chunks_embedded: int = 0
    chunks_reused: int = 0
    tokens_embedded: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    stages: Mapping[str, float] = field(default_factory=dict)
    problems: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    dry_run: bool = False

    def problem(self, skipped: Skipped) -> None:
        self.problems.append(skipped)
        if skipped.failed:
            self.failed += 1
        else:
            self.skipped += 1

    def check(self, *, strict: bool) -> None:
        """Raises DocumentsFailed where the run as a whole must count as failed."""
        indexed = self.added + self.updated + self.unchanged
        if self.failed and (strict or not indexed):
            first = next(p for p in self.problems if p.failed)
            what = "no document could be read" if not indexed else f"{self.failed} documents could not be read"
            raise DocumentsFailed(f"{what}; the first: {first.uri}: {first.reason}", hint=first.hint)


class Ingest:
    """One ingest into one held collection."""

    def __init__(
        self,
        run: IngestRun,
        *,
        parser: Parser,
        chunker: Chunker,
        embedder: Embedder,
        inspector: Inspector,
        open_reader: Callable[[Source], Reader],
        progress: Progress,
        options: IngestOptions,
        entry: Entry | None,
    ) -> None:
        """`entry` is what the catalogue knows of the model; None where it does not know it."""
        self._run = run
        self._parser = parser
        self._chunker = chunker
        self._embedder = embedder
        self._inspector = inspector
        self._open_reader = open_reader
        self._progress = progress
        self._options = options
        self._entry = entry
        self._languages: Counter[str | None] = Counter()
        self._processing = digest({"parser": parser.version})
        self._chunking = chunking_parameters(chunker, run.collection.text_search)
        self._chunked_with = digest(self._chunking)
        self._over = threading.Event()
        self._stages = Stages()
        self._batch_chunks = _BATCH_CHUNKS
        self.report = IngestReport(collection=run.collection.name, dry_run=options.dry_run)

    def into(self, selections: Sequence[tuple[int, Selection]], *, remember: Callable[[Source], int]) -> IngestReport:
        """Brings the collection up to date with the selections, each given with its source's id, 0 for a new one.

        `remember` stores a source and returns its id. It is called once it is sure that nothing speaks against the run.

        Raises RefusedForSafety where too much would be removed: before anything is changed where documents are gone,
        before anything is removed where they are empty.
        """
        started = time.perf_counter()
        plans = [self._plan(source_id, selection) for source_id, selection in selections]
        if not self._options.dry_run:
            for plan in plans:
                plan.source_id = remember(plan.selection.source)
        self._progress.begin(sum(len(plan.listing.entries) for plan in plans))
        for plan in plans:
            self._index(plan)
        for plan in plans:
            self._refuse_mass_delete(plan)
        for plan in plans:
            self._remove_gone(plan)
            if not self._options.dry_run:
                self._run.finish(plan.source_id, parameters=self._chunking)
        if not self._options.dry_run:
            self._run.settle(self._progress.note)
            if self.report.chunks_added or self.report.chunks_removed or self._run.lacks_sample():
                keep_sample(self._run)
        self.report.seconds = time.perf_counter() - started
        self.report.stages = self._stages.seconds
        if self._entry is not None:
            self.report.warnings = language_warnings(
                self._languages, known=self._entry.languages, model=self._entry.name
            )
        return self.report

    # --- planning ----------------------------------------------------------------------------------------------------

    def _plan(self, source_id: int, selection: Selection) -> _Plan:
        source = selection.source
        reader = self._open_reader(replace(source, only=selection.only or source.only))
        listing = reader.list()
        known = self._run.manifest(source_id) if source_id else {}
        plan = _Plan(source_id, selection, reader, listing, known)
        # Naming what is gone is how a single document is removed: no failure, if it was there.
        removed = {source.uri(path) for path in listing.missing if self._options.prune and plan.holds(path)}
        for problem in listing.problems:
            if problem.uri not in removed:
                self.report.problem(problem)
        self._refuse_mass_delete(plan)
        return plan

    def _unwanted(self, plan: _Plan) -> set[str]:
        """Indexed paths that this run is to remove, as far as it has looked."""
        return plan.gone() | plan.emptied if self._options.prune else plan.emptied

    def _refuse_mass_delete(self, plan: _Plan) -> None:
        source, unwanted, known = plan.selection.source, len(self._unwanted(plan)), len(plan.known)
        # A disk that is not mounted leaves an empty folder behind.
        emptied = unwanted == known > 1 and not plan.selection.only
        too_much = emptied or unwanted > max(_MASS_DELETE, known // 2)
        if too_much and not self._options.allow_mass_delete:
            raise RefusedForSafety(
                f"{unwanted} of the {known} documents of source {source.name!r} are no longer there, or empty; "
                "nothing was removed",
                hint="if that is meant, add --allow-mass-delete; if a disk is missing, mount it and run again; "
                "--no-prune keeps what is no longer there",
            )

    def _remove_gone(self, plan: _Plan) -> None:
        gone = sorted(self._unwanted(plan))
        if gone and self._options.dry_run:
            self.report.removed += len(gone)
        elif gone:
            documents, chunks = self._run.remove(plan.source_id, gone)
            self.report.removed += documents
            self.report.chunks_removed += chunks

    # --- indexing ----------------------------------------------------------------------------------------------------

    def _index(self, plan: _Plan) -> None:
        """Prepares, embeds and stores at the same time. At most `_UNDERWAY` batches are past preparing."""
        underway: deque[_Underway] = deque()
        with (
            prefetched(self._prepared(plan), ahead=_AHEAD, weight=lambda item: len(item.chunks) + 1) as prepared,
            ThreadPoolExecutor(1, thread_name_prefix="hybridrag-store") as writer,
            # Two, so that one batch fills the processor while the last texts of another are computed.
            ThreadPoolExecutor(2, thread_name_prefix="hybridrag-embed") as embedder,
            self._given_up_when_it_ends_early(),
        ):
            for batch in self._batches(prepared):
                missing = self._missing(batch, underway)
                embedded = embedder.submit(self._embed, missing)
                written = writer.submit(self._store, plan, batch, embedded)
                underway.append(_Underway(frozenset(missing), written))
                if len(underway) == _UNDERWAY:
                    underway.popleft().written.result()  # an error of embedder or store ends the run
            for item in underway:
                item.written.result()
        self._relabel(plan)

    @contextmanager
    def _given_up_when_it_ends_early(self) -> Iterator[None]:
        """After an error nothing more is stored. An interrupt does not wait for a slow parser, model or database."""
        try:
            yield
        except Exception:
            self._over.set()
            raise
        except BaseException:
            self._over.set()
            self._parser.close()
            self._embedder.cancel()
            self._run.cancel()
            raise

    def _prepared(self, plan: _Plan) -> Iterator[Chunked]:
        """Documents to be indexed, chunked; everything else is counted here."""
        for entry in plan.listing.entries:
            if self._over.is_set():
                return
            with self._stages.timed("read"):
                raw = plan.reader.read(entry)
            if isinstance(raw, Skipped):
                self._skip(plan, entry.path, raw)
                continue
            self.report.bytes_read += len(raw.content)
            if len(raw.path.encode()) > _LONGEST_PATH:
                reason = f"its path is longer than {_LONGEST_PATH:,} bytes"
                self._skip(plan, raw.path, Skipped(f"{raw.uri[:200]}...", reason, "Give it a shorter name or id."))
                continue
            known = plan.known.get(raw.path)
            if known and known.content_hash == raw.content_hash and self._made_alike(known):
                plan.unchanged.add(raw.path)
                self.report.unchanged += 1
                self._progress.advance(1, 0)
                continue
            if self._options.dry_run:
                self._count(known)
                continue
            with self._stages.timed("parse"):
                document = self._parser.parse(raw)
            if isinstance(document, Skipped):
                self._skip(plan, raw.path, document)
                continue
            chunked = self._chunked(plan, document)
            if isinstance(chunked, Skipped):
                if raw.path in plan.known:
                    plan.emptied.add(raw.path)  # from when it was not yet so guarded
                self.report.problem(chunked)
                self._progress.advance(1, 0)
                continue
            yield chunked

    def _made_alike(self, known: Known) -> bool:
        return known.processing == self._processing and known.chunked == self._chunked_with

    def _chunked(self, plan: _Plan, document: Document) -> Chunked | Skipped:
        label, note = label_of(plan.selection.source, document, self._options.globs)
        for text in (*document.notes, *([note] if note else [])):
            self._progress.note(f"{document.uri}: {text}")
        if label is Label.LOCAL_ONLY and self._options.texts_leave:
            reason = "it is labelled local-only, and the embedding model is remote"
            return Skipped(document.uri, reason, "Ingest it into a collection with a local model.")
        document = replace(document, label=label)
        with self._stages.timed("chunk"):
            chunked = chunked_as(document, self._chunker, self._run.collection.text_search)
        return replace(chunked, inspection=self._inspected(document))

    def _inspected(self, document: Document) -> Inspection | None:
        """What the document holds that may not leave. A search that fails does not keep it out of the index: nothing of
        it leaves before it was searched."""
        with self._stages.timed("inspect"):
            try:
                return self._inspector.inspect(document.text, document.label)
            except BlockedByPolicy as exc:
                self._progress.note(f"{document.uri}: not searched for personal data yet: {exc.message}")
                return None

    def _skip(self, plan: _Plan, path: str, skipped: Skipped) -> None:
        if path in plan.known:
            if skipped.failed:
                skipped = replace(skipped, reason=f"{skipped.reason}; the version indexed before is kept")
            else:
                plan.emptied.add(path)
        self.report.problem(skipped)
        self._progress.advance(1, 0)

    def _batches(self, items: Iterable[Chunked]) -> Iterator[list[Chunked]]:
        batch: list[Chunked] = []
        chunks, most = 0, _FIRST_CHUNKS
        for item in items:
            batch.append(item)
            chunks += len(item.chunks)
            if chunks >= most:
                yield batch
                batch, chunks, most = [], 0, self._batch_chunks
        if batch:
            yield batch

    def _missing(self, batch: Sequence[Chunked], underway: Iterable[_Underway]) -> dict[bytes, Chunk]:
        """The chunks, by hash, that have no vector yet, neither stored nor on its way: each text is embedded once."""
        wanted = {chunk.text_hash: chunk for item in batch for chunk in item.chunks}
        coming = {text_hash for item in underway for text_hash in item.hashes}
        known = self._run.known_hashes(list(wanted)) | coming
        missing = {text_hash: chunk for text_hash, chunk in wanted.items() if text_hash not in known}
        self.report.chunks_embedded += len(missing)
        self.report.chunks_reused += sum(len(item.chunks) for item in batch) - len(missing)
        self.report.tokens_embedded += sum(chunk.tokens for chunk in missing.values())
        return missing

    def _embed(self, missing: Mapping[bytes, Chunk]) -> list[Embedded]:
        if not missing or self._over.is_set():
            return []
        embedded: list[Embedded] = []
        wanted = list(missing.items())
        for first in range(0, len(wanted), _BATCH_CHUNKS):  # a large document alone is more than one
            part = wanted[first : first + _BATCH_CHUNKS]
            started = time.perf_counter()
            with self._stages.timed("embed"):
                vectors = self._embedder.embed_documents([chunk.embed_text for _, chunk in part])
            rate = len(part) / (time.perf_counter() - started)
            self._batch_chunks = max(_FEWEST_CHUNKS, min(int(rate * _BATCH_SECONDS), _BATCH_CHUNKS))
            self._progress.advance(0, sum(chunk.tokens for _, chunk in part))
            embedded += [Embedded(text_hash, vector) for (text_hash, _), vector in zip(part, vectors, strict=True)]
        return embedded

    def _store(self, plan: _Plan, batch: Sequence[Chunked], embedded: Future[list[Embedded]]) -> None:
        try:
            vectors = embedded.result()
            if self._over.is_set():
                return  # an earlier batch, whose vectors this one may count on, was not stored
            with self._stages.timed("store"):
                replaced = self._run.write(
                    plan.source_id, batch, vectors, processing=self._processing, chunking=self._chunked_with
                )
        except BaseException:
            self._over.set()
            raise
        plan.written.update(item.document.path for item in batch)
        for item in batch:
            self._count(plan.known.get(item.document.path))
            self._languages[item.document.language] += 1
            self.report.chunks_added += len(item.chunks)
        self.report.chunks_removed += replaced
        self._progress.advance(len(batch), 0)

    def _relabel(self, plan: _Plan) -> None:
        """A label given by place takes effect on unchanged documents too; what a document says of itself is kept.

        A document that could not be read, or was not looked at, is only ever guarded more.
        """
        source = plan.selection.source
        changed = {}
        for path, known in plan.known.items():
            if path in plan.written:
                continue
            own, _ = declared_label(known.declared_label, record=known.record)
            wanted = Label.strictest(path_label(source, path, self._options.globs), own)
            if path not in plan.unchanged:
                wanted = Label.strictest(wanted, known.label)
            if wanted is not known.label:
                changed[path] = wanted
        if changed and not self._options.dry_run:
            self._run.relabel(source.name, changed)

    def _count(self, known: Known | None) -> None:
        if known is None:
            self.report.added += 1
        else:
            self.report.updated += 1


@dataclass(frozen=True, slots=True)
class _Underway:
    """A batch that is being embedded or stored: the texts whose vectors it brings, and its end."""

    hashes: frozenset[bytes]
    written: Future[None]


@dataclass(slots=True)
class _Plan:
    """One selection on its way."""

    source_id: int
    selection: Selection
    reader: Reader
    listing: Listing
    known: dict[str, Known]
    unchanged: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)

    def holds(self, path: str) -> bool:
        """Whether something is indexed under a path: a document, or a folder of them."""
        return any(known == path or known.startswith(f"{path}/") for known in self.known)

    def gone(self) -> set[str]:
        """Indexed paths that the source no longer offers, as far as this run could look."""
        if self.selection.source.kind == "stdin":
            return set()
        offered = {entry.path for entry in self.listing.entries}
        return {
            path
            for path in self.known
            if path not in offered and self.selection.covers(path) and not self.listing.protects(path)
        }
