"""Ingest: what sources hold now becomes what the index holds.

Documents are read, parsed and chunked in one thread, embedded in this one and stored in a third, so the three overlap.
Content hashes decide what is new, changed or unchanged. A batch of documents becomes visible as a whole, with its
vectors, or not at all; what vanished is removed last. A run that is killed anywhere is completed by the next one.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hybridrag.errors import DocumentsFailed, RefusedForSafety
from hybridrag.flows.labels import declared_label, label_of, path_label
from hybridrag.flows.pipeline import prefetched
from hybridrag.flows.progress import Progress
from hybridrag.flows.selection import Selection
from hybridrag.ports import Chunker, Embedder, Parser
from hybridrag.sources import Listing, Reader
from hybridrag.types import Chunked, Collection, Document, Embedded, Label, Skipped, Source

if TYPE_CHECKING:
    from hybridrag.store.writing import IngestRun, Known

_BATCH_CHUNKS = 256
"""Chunks embedded and committed together: enough to sort by length, few enough to lose little."""
_AHEAD = 64
"""Documents prepared ahead of the embedder."""
_LONGEST_PATH = 2000
"""In bytes: PostgreSQL takes at most 2,704 for the index that keeps paths apart."""
_MASS_DELETE = 10
"""Up to so many documents may vanish at once without question, whatever their share."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """`globs` are labels from settings; `prune` removes what vanished from its source."""

    prune: bool = True
    strict: bool = False
    allow_mass_delete: bool = False
    dry_run: bool = False
    globs: tuple[tuple[str, Label], ...] = ()


@dataclass(slots=True)
class IngestReport:
    """What a run did: documents and chunks by what became of them, and the seconds of each stage."""

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
    stages: dict[str, float] = field(
        default_factory=lambda: {"read": 0.0, "parse": 0.0, "chunk": 0.0, "embed": 0.0, "store": 0.0}
    )
    problems: list[Skipped] = field(default_factory=list)
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
        open_reader: Callable[[Source], Reader],
        progress: Progress,
        options: IngestOptions,
    ) -> None:
        self._run = run
        self._parser = parser
        self._chunker = chunker
        self._embedder = embedder
        self._open_reader = open_reader
        self._progress = progress
        self._options = options
        self._parameters = processing_parameters(parser, chunker, run.collection)
        self._processing = _digest(self._parameters)
        self._interrupted = False
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
                self._run.finish(plan.source_id, parameters=self._parameters)
        if not self._options.dry_run:
            self._run.drop_orphans()  # also those that a run killed before this line left
        self.report.seconds = time.perf_counter() - started
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
        writing: Future[int] | None = None
        underway: set[bytes] = set()
        with (
            prefetched(self._prepared(plan), depth=_AHEAD) as prepared,
            ThreadPoolExecutor(1, thread_name_prefix="hybridrag-store") as writer,
            self._given_up_when_interrupted(),
        ):
            for batch in _batches(prepared):
                vectors, tokens = self._embed(batch, underway)
                if writing is not None:
                    writing.result()  # at most one batch waits, and an error of the store ends the run
                underway = {item.text_hash for item in vectors}
                writing = writer.submit(self._store, plan, batch, vectors)
                self._progress.advance(len(batch), tokens)
            if writing is not None:
                writing.result()
        self._relabel(plan)

    @contextmanager
    def _given_up_when_interrupted(self) -> Iterator[None]:
        """Whoever interrupts does not wait for a slow parser or a locked database: both threads are told to give up."""
        try:
            yield
        except Exception:
            raise
        except BaseException:
            self._interrupted = True
            self._parser.close()
            self._run.cancel()
            raise

    def _prepared(self, plan: _Plan) -> Iterator[Chunked]:
        """Documents to be indexed, chunked; everything else is counted here."""
        for entry in plan.listing.entries:
            if self._interrupted:
                return
            with self._timed("read"):
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
            if known and known.content_hash == raw.content_hash and known.processing == self._processing:
                plan.unchanged.add(raw.path)
                self.report.unchanged += 1
                self._progress.advance(1, 0)
                continue
            if self._options.dry_run:
                self._count(known)
                continue
            with self._timed("parse"):
                document = self._parser.parse(raw)
            if isinstance(document, Skipped):
                self._skip(plan, raw.path, document)
                continue
            yield self._chunked(plan, document)

    def _chunked(self, plan: _Plan, document: Document) -> Chunked:
        label, note = label_of(plan.selection.source, document, self._options.globs)
        for text in (*document.notes, *([note] if note else [])):
            self._progress.note(f"{document.uri}: {text}")
        document = replace(document, label=label)
        with self._timed("chunk"):
            return Chunked(document, self._chunker.chunk(document))

    def _skip(self, plan: _Plan, path: str, skipped: Skipped) -> None:
        if path in plan.known:
            if skipped.failed:
                skipped = replace(skipped, reason=f"{skipped.reason}; the version indexed before is kept")
            else:
                plan.emptied.add(path)
        self.report.problem(skipped)
        self._progress.advance(1, 0)

    def _embed(self, batch: Sequence[Chunked], underway: set[bytes]) -> tuple[list[Embedded], int]:
        """Vectors for what has none yet, stored or `underway` to the store, each text once."""
        wanted = {chunk.text_hash: chunk for item in batch for chunk in item.chunks}
        known = self._run.known_hashes(list(wanted)) | underway
        missing = [(text_hash, chunk) for text_hash, chunk in wanted.items() if text_hash not in known]
        total = sum(len(item.chunks) for item in batch)
        self.report.chunks_embedded += len(missing)
        self.report.chunks_reused += total - len(missing)
        tokens = sum(chunk.tokens for _, chunk in missing)
        self.report.tokens_embedded += tokens
        if not missing:
            return [], 0
        texts = [chunk.embed_text for _, chunk in missing]
        with self._timed("embed"):
            vectors = self._embedder.embed_documents(texts)
        return [Embedded(key, vector) for (key, _), vector in zip(missing, vectors, strict=True)], tokens

    def _store(self, plan: _Plan, batch: Sequence[Chunked], vectors: Sequence[Embedded]) -> int:
        with self._timed("store"):
            replaced = self._run.write(plan.source_id, batch, vectors, processing=self._processing)
        plan.written.update(item.document.path for item in batch)
        for item in batch:
            self._count(plan.known.get(item.document.path))
            self.report.chunks_added += len(item.chunks)
        self.report.chunks_removed += replaced
        return replaced

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

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.report.stages[stage] += time.perf_counter() - started


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


def processing_parameters(parser: Parser, chunker: Chunker, collection: Collection) -> dict[str, Any]:
    """Everything that decides a document's text and chunks."""
    return {
        "parser": parser.version,
        **chunker.parameters,
        "model": collection.generation.fingerprint,
        "text_search": collection.text_search,
    }


def _batches(items: Iterable[Chunked]) -> Iterator[list[Chunked]]:
    batch: list[Chunked] = []
    chunks = 0
    for item in items:
        batch.append(item)
        chunks += len(item.chunks)
        if chunks >= _BATCH_CHUNKS:
            yield batch
            batch, chunks = [], 0
    if batch:
        yield batch


def _digest(parameters: dict[str, Any]) -> str:
    canonical = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
