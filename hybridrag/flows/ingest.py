"""Ingest: what sources hold now becomes what the index holds.

Documents are read, parsed and chunked in one thread, embedded by the model's workers and stored in another, so that all
overlap; no queue between them grows, so memory does not either.
Stamps of files and content hashes decide what is new, changed or unchanged (`changes`). A batch of documents becomes
visible as a whole, with its vectors, or not at all; what vanished is removed last. A run that is killed anywhere is
completed by the next one.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from hybridrag.errors import BlockedByPolicy
from hybridrag.flows.boilerplate import kept_by_others, leave_out_repeated, likeness
from hybridrag.flows.changes import Making, Plan, state_of
from hybridrag.flows.chunked import chunked_as, chunking_parameters, digest
from hybridrag.flows.ingest_report import IngestReport, Refused
from hybridrag.flows.labels import declared_label, label_of, path_label
from hybridrag.flows.languages import language_warnings
from hybridrag.flows.pipeline import mapped, prefetched
from hybridrag.flows.progress import Progress
from hybridrag.flows.sampled import keep_sample
from hybridrag.flows.selection import Selection
from hybridrag.flows.stages import Stages
from hybridrag.parsing.pictures.ocr import NEEDED
from hybridrag.ports import Chunker, Embedder, Parser
from hybridrag.sources import Entry, Listing, Reader, Vanished
from hybridrag.store.problems import Problem, shortened
from hybridrag.store.writing import Remembered
from hybridrag.types import Chunk, Chunked, Document, Embedded, Inspection, Label, RawDocument, Skipped, Source

if TYPE_CHECKING:
    from hybridrag.models import catalogue
    from hybridrag.privacy.inspection import Inspector
    from hybridrag.store.writing import IngestRun

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
_UNPARSED, _EACH = 16 * 1024**2, 128 * 1024
"""Bytes that are read and not yet chunked, at most, where a single file is not more; and what each file counts beside
its own bytes, so that small ones are not too many."""
_LONGEST_PATH = 2000
"""In bytes: PostgreSQL takes at most 2,704 for the index that keeps paths apart."""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """`globs` are labels from settings; `prune` removes what vanished from its source.

    `verify` reads every file, whatever its stamp. `apart` has a source that is refused not keep the others from being
    brought up to date: it is in the report then. `verb` is what the run is called in the history. `texts_leave` says
    that the model is remote and is sent raw text: documents labelled `local-only` are not for it. `boilerplate_once`
    has text that many documents repeat in the chunks of one of them only.
    """

    prune: bool = True
    strict: bool = False
    allow_mass_delete: bool = False
    dry_run: bool = False
    globs: tuple[tuple[str, Label], ...] = ()
    texts_leave: bool = False
    boilerplate_once: bool = True
    verify: bool = False
    apart: bool = False
    verb: str = "ingest"


class Ingest:
    """One ingest into one held collection."""

    def __init__(
        self,
        run: IngestRun,
        *,
        parser: Parser,
        chunker: Chunker,
        embedder: Embedder,
        open_inspector: Callable[[], Inspector],
        open_reader: Callable[[Source, Mapping[str, str]], Reader],
        progress: Progress,
        options: IngestOptions,
        entry: catalogue.Entry | None,
    ) -> None:
        """`entry` is what the catalogue knows of the model; None where it does not know it."""
        self._run = run
        self._parser = parser
        self._chunker = chunker
        self._embedder = embedder
        self._inspector = cache(open_inspector)  # mostly there is nothing to inspect
        self._open_reader = open_reader
        self._progress = progress
        self._options = options
        self._entry = entry
        self._languages: Counter[str | None] = Counter()
        self._chunking = chunking_parameters(chunker, run.collection.text_search)
        self._making = Making(parser.versions, digest(self._chunking), parser.unpacker, parser.holds_files)
        self._came: Counter[bytes] = Counter()
        self._went: Counter[bytes] = Counter()
        self._keepers = {} if options.dry_run else run.repeated.keepers()
        self._over = threading.Event()
        self._stages = Stages()
        self._batch_chunks = _BATCH_CHUNKS
        self.report = IngestReport(collection=run.collection.name, dry_run=options.dry_run)

    def into(self, selections: Sequence[tuple[int, Selection]], *, remember: Callable[[Source], int]) -> IngestReport:
        """Brings the collection up to date with the selections, each given with its source's id, 0 for a new one.

        `remember` stores a source and returns its id. It is called once it is sure that nothing speaks against the run.

        Raises RefusedForSafety where too much would be removed: before anything is changed where documents are gone,
        before anything is removed where they are empty. With `apart` the report tells of it instead.
        """
        started = time.perf_counter()
        record = self._run.recorded(self._options.verb, self.report.run_id, self.report.counts)
        with nullcontext() if self._options.dry_run else record:
            self._bring_up_to_date(selections, remember)
        self.report.seconds = time.perf_counter() - started
        self.report.stages = self._stages.seconds
        if self._entry is not None:
            self.report.warnings = language_warnings(
                self._languages, known=self._entry.languages, model=self._entry.name
            )
        return self.report

    def _bring_up_to_date(self, selections: Sequence[tuple[int, Selection]], remember: Callable[[Source], int]) -> None:
        plans = [plan for plan in (self._plan(*selected) for selected in selections) if not self._refused(plan)]
        if not self._options.dry_run:
            for plan in plans:
                plan.source_id = remember(plan.source)
        self._progress.begin(sum(len(plan.known if plan.still else plan.listing.entries) for plan in plans))
        for plan in plans:
            self._index(plan)
        plans = [plan for plan in plans if not self._refused(plan)]
        for plan in plans:
            self._finish(plan, removed=self._remove_unwanted(plan))
        self.report.moved = (self._came & self._went).total()
        if not self._options.dry_run:
            self._leave_out_repeated()
            self._run.settle(self._progress.note)
            if self.report.chunks_added or self.report.chunks_removed or self._run.lacks_sample():
                keep_sample(self._run)

    def _leave_out_repeated(self) -> None:
        """What many documents repeat stays in the chunks of one of them."""
        self.report.boilerplate = done = leave_out_repeated(
            self._run,
            chunker=self._chunker,
            embedder=self._embedder,
            processing=self._making.chunking,
            progress=self._progress,
            wanted=self._options.boilerplate_once,
        )
        self.report.chunks_added += done.chunks_added
        self.report.chunks_removed += done.chunks_removed
        self.report.chunks_embedded += done.chunks_embedded
        self.report.chunks_reused += done.chunks_added - done.chunks_embedded
        self.report.tokens_embedded += done.tokens_embedded

    # --- planning ----------------------------------------------------------------------------------------------------

    def _plan(self, source_id: int, selection: Selection) -> Plan:
        source, verify = selection.source, self._options.verify
        remembered = self._run.manifest(source_id) if source_id else Remembered()
        seen = {} if verify else self._making.stamps_of(remembered)
        reader = self._open_reader(replace(source, only=selection.only or source.only), seen)
        stamp = None if selection.only else reader.stamp()
        still = (
            stamp is not None
            and not verify
            and remembered.stamp == state_of(source, stamp, self._making, remembered.documents)
        )
        settled = stamp is not None and stamp.settled(time.time_ns())
        plan = Plan(
            source_id,
            selection,
            reader,
            Listing(()) if still else reader.list(),
            remembered,
            self._making,
            verify=verify,
            still=still,
            file_stamp=stamp if settled else None,
        )
        if still:
            for path, problem in remembered.problems.items():
                self._tell_again(plan, path, problem)
        else:
            self._tell_listed(plan)
        return plan

    def _tell_listed(self, plan: Plan) -> None:
        """Tells what was wrong when a source was listed, and keeps it where it is worth knowing later."""
        source = plan.source
        # Naming what is gone is how a single document is removed: no failure, if it was there.
        removed = {source.uri(path) for path in plan.listing.missing if self._options.prune and plan.holds(path)}
        if plan.listing.absent and plan.unwanted(prune=self._options.prune):
            removed.add(source.name)  # that it is refused, or removed, says it all
        for problem in plan.listing.problems:
            if problem.uri in removed:
                continue
            self.report.problem(problem)
            if problem.failed or source.kind == "jsonl":
                plan.keep_problem(problem.uri.removeprefix(source.name).removeprefix("/"), problem)
            if plan.unread and problem.uri == source.name and self._options.apart:
                self.report.unread.append(problem)

    def _refused(self, plan: Plan) -> bool:
        """Whether a source stays as it is because too much would be removed. Raises RefusedForSafety unless `apart`."""
        if self._options.allow_mass_delete:
            return False
        refusal = plan.refused(prune=self._options.prune, collection=self.report.collection)
        if refusal is None:
            return False
        if not self._options.apart:
            raise refusal
        self.report.refused.append(Refused(plan.source.name, refusal.message, refusal.hint))
        return True

    def _remove_unwanted(self, plan: Plan) -> list[str]:
        unwanted = sorted(plan.unwanted(prune=self._options.prune))
        self._went.update(plan.known[path].content_hash for path in unwanted)
        if unwanted and self._options.dry_run:
            self.report.removed += len(unwanted)
            self.report.would_remove += [plan.source.uri(path) for path in unwanted]
        elif unwanted:
            documents, chunks = self._run.remove(plan.source_id, unwanted)
            self.report.removed += documents
            self.report.chunks_removed += chunks
        return unwanted

    def _finish(self, plan: Plan, *, removed: Sequence[str]) -> None:
        if self._options.dry_run:
            return
        device, stale = plan.listing.device, plan.stale(removed)
        self._run.finish(
            plan.source_id,
            up_to_date=plan.whole and not plan.unread,
            parameters=self._chunking,
            stamp=plan.state(removed, stale=stale),
            device=None if device is None else str(device),
            solved=plan.solved(),
            found=plan.new_problems(),
            opened=plan.files.undone(stale),
            packed=plan.files.changed(stale),
        )

    # --- indexing ----------------------------------------------------------------------------------------------------

    def _index(self, plan: Plan) -> None:
        """Prepares, embeds and stores at the same time. At most `_UNDERWAY` batches are past preparing."""
        underway: deque[_Underway] = deque()
        with (
            closing(self._prepared(plan)) as items,  # nothing is parsed any more while an error is told
            prefetched(items, ahead=_AHEAD, weight=lambda item: len(item.chunks) + 1) as prepared,
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
        if plan.restamped and not self._options.dry_run:
            self._run.restamp(plan.source_id, plan.restamped)

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

    def _prepared(self, plan: Plan) -> Generator[Chunked, None, None]:
        """Documents to be indexed, chunked; everything else is counted."""
        read = self._changed(plan)
        workers, weight = self._parser.workers, lambda raw: len(raw.content) + _EACH
        with closing(read), closing(mapped(read, self._parsed, workers=workers, weight=weight, most=_UNPARSED)) as done:
            for raw, document in done:
                if isinstance(document, Skipped):
                    self._skip(plan, raw.path, document, content_hash=raw.content_hash)
                    continue
                chunked = self._chunked(plan, document)
                if not isinstance(chunked, Skipped):
                    yield chunked
                    continue
                if raw.path in plan.known:
                    plan.emptied.add(raw.path)  # from when it was not yet so guarded
                # No parser is to blame: it is tried again each time, as its label or the model may be another.
                plan.keep_problem(raw.path, chunked, content_hash=raw.content_hash)
                self.report.problem(chunked)
                self._looked_at(plan, [raw.path])

    def _parsed(self, raw: RawDocument) -> Document | Skipped:
        if self._over.is_set():
            return Skipped(raw.uri, "was given up: the run ended")
        with self._stages.timed("parse"):
            return self._parser.parse(raw)

    def _changed(self, plan: Plan) -> Generator[RawDocument, None, None]:
        """Documents that are new or other than what is indexed; in a dry run they are counted, and none is left."""
        untouched = plan.untouched()
        self._as_they_were(plan, untouched)
        for entry in plan.listing.entries:
            if self._over.is_set():
                return
            if entry.path in untouched:
                continue
            if not self._fits(plan, entry.path):
                continue
            if problem := plan.unreadable_as_before(entry):
                self._tell_again(plan, entry.path, problem)
                self._inside_as_it_was(plan, entry.path)
                continue
            raw = self._read(plan, entry)
            if isinstance(raw, Vanished):
                self.report.problem(raw)  # what was indexed of it stays until a listing shows that it is gone
                self._looked_at(plan, [entry.path])
                self._problems_inside(plan, entry.path)
            elif isinstance(raw, Skipped):
                self._skip(plan, entry.path, raw)
                if raw.failed:
                    self._problems_inside(plan, entry.path)
                else:
                    plan.files.empty(entry.path)
            elif self._parser.holds_files(raw.media_type):
                yield from self._opened(plan, raw)
            else:
                plan.files.empty(raw.path)
                yield from self._other_than_before(plan, raw)

    def _other_than_before(self, plan: Plan, raw: RawDocument) -> Iterator[RawDocument]:
        """The document, if it is to be indexed."""
        if plan.same(raw):
            self._unchanged(plan, {raw.path})
        elif problem := plan.as_unreadable_as_before(raw):
            self._tell_again(plan, raw.path, problem)
        elif self._options.dry_run:
            self._count(plan, raw.path, raw.content_hash)
        else:
            yield raw

    def _opened(self, plan: Plan, raw: RawDocument) -> Iterator[RawDocument]:
        """What is to be indexed of the files inside a file, and of itself, last: once it is indexed, they are."""
        if plan.files.same(raw):
            self._inside_as_it_was(plan, raw.path)
            if problem := plan.broken_as_before(raw):
                plan.files.broken.add(raw.path)
                self._tell_again(plan, raw.path, problem)
        else:
            for item in plan.files.inside(raw, self._parser):
                if self._over.is_set():
                    return
                path = item.uri.removeprefix(f"{plan.source.name}/")
                if isinstance(item, Skipped):
                    self._skip(plan, path, item, content_hash=raw.content_hash if path == raw.path else None)
                elif self._fits(plan, path):
                    yield from self._other_than_before(plan, item)
        plan.files.done(raw)
        if self._parser.holds_text(raw.media_type):
            yield from self._other_than_before(plan, raw)
            return
        if raw.path in plan.known and raw.path not in plan.files.broken:
            plan.emptied.add(raw.path)  # from when it was a text
        self._looked_at(plan, [raw.path])

    def _fits(self, plan: Plan, path: str) -> bool:
        """Whether a path can be kept; one that cannot is told."""
        if len(path.encode()) <= _LONGEST_PATH:
            return True
        reason = f"its path is longer than {_LONGEST_PATH:,} bytes"
        uri = f"{plan.source.uri(path)[:200]}..."
        self._skip(plan, path, Skipped(uri, reason, "Give it a shorter name or id."))
        return False

    def _read(self, plan: Plan, entry: Entry) -> RawDocument | Skipped:
        plan.see(entry)
        with self._stages.timed("read"):
            raw = plan.reader.read(entry)
        if isinstance(raw, RawDocument):
            self.report.bytes_read += len(raw.content)
        return raw

    def _unchanged(self, plan: Plan, paths: set[str]) -> None:
        plan.unchanged |= paths
        self.report.unchanged += len(paths)
        self._looked_at(plan, paths)

    def _as_they_were(self, plan: Plan, paths: set[str]) -> None:
        """Nothing has changed in these files, nor in the files inside of them."""
        self._unchanged(plan, {path for path in paths if path in plan.known})
        for path in paths if plan.remembered.containers else ():
            self._inside_as_it_was(plan, path)
        self._looked_at(plan, paths)

    def _inside_as_it_was(self, plan: Plan, path: str) -> None:
        self._unchanged(plan, set(plan.files.indexed(path)))
        self._problems_inside(plan, path)

    def _problems_inside(self, plan: Plan, path: str) -> None:
        for within, problem in plan.files.problems(path).items():
            self._tell_again(plan, within, problem)

    def _looked_at(self, plan: Plan, paths: Collection[str]) -> None:
        """Counts the source's own files, each once: how many lie inside of them is not known beforehand."""
        counted = plan.uncounted.intersection(paths)
        plan.uncounted -= counted
        self._progress.advance(len(counted), 0)

    def _chunked(self, plan: Plan, document: Document) -> Chunked | Skipped:
        label, note = label_of(plan.source, document, self._options.globs)
        for text in (*document.notes, *([note] if note else [])):
            self.report.notes.append((document.uri, text))
            self._progress.note(f"{document.uri}: {text}")
        if label is Label.LOCAL_ONLY and self._options.texts_leave:
            reason = "it is labelled local-only, and the embedding model is remote"
            return Skipped(document.uri, reason, "Ingest it into a collection with a local model.")
        document = replace(document, label=label)
        with self._stages.timed("chunk"):
            found = likeness(document)
            left_out = kept_by_others(document, found, self._keepers)
            chunked = chunked_as(document, self._chunker, self._run.collection.text_search, left_out=left_out)
        return replace(chunked, inspection=self._inspected(document), likeness=found)

    def _inspected(self, document: Document) -> Inspection | None:
        """What the document holds that may not leave. A search that fails does not keep it out of the index: nothing of
        it leaves before it was searched."""
        with self._stages.timed("inspect"):
            try:
                return self._inspector().inspect(document.text, document.label)
            except BlockedByPolicy as exc:
                self._progress.note(f"{document.uri}: not searched for personal data yet: {exc.message}")
                return None

    def _skip(self, plan: Plan, path: str, skipped: Skipped, *, content_hash: bytes | None = None) -> None:
        plan.keep_problem(path, skipped, content_hash=content_hash)
        self._tell(plan, path, skipped)

    def _tell_again(self, plan: Plan, path: str, problem: Problem) -> None:
        """The same as when the same was tried before."""
        plan.problems[shortened(path)] = replace(problem, stamp=plan.stamps.get(path, problem.stamp))
        self._tell(plan, path, problem.told(plan.source.uri(path)))

    def _tell(self, plan: Plan, path: str, skipped: Skipped) -> None:
        if path in plan.known:
            # A picture says what it said, on a machine or in a cron job that finds no OCR too.
            if skipped.failed or skipped.reason.startswith(NEEDED):
                skipped = replace(skipped, reason=f"{skipped.reason}; the version indexed before is kept")
            else:
                plan.emptied.add(path)
        self.report.problem(skipped)
        self._looked_at(plan, [path])

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

    def _store(self, plan: Plan, batch: Sequence[Chunked], embedded: Future[list[Embedded]]) -> None:
        try:
            vectors = embedded.result()
            if self._over.is_set():
                return  # an earlier batch, whose vectors this one may count on, was not stored
            with self._stages.timed("store"):
                replaced = self._run.write(
                    plan.source_id,
                    batch,
                    vectors,
                    chunking=self._making.chunking,
                    stamps=plan.stamps,
                    containers=plan.files.container_of,
                )
        except BaseException:
            self._over.set()
            raise
        plan.written.update(item.document.path for item in batch)
        for item in batch:
            self._count(plan, item.document.path, item.document.content_hash)
            self._languages[item.document.language] += 1
            self.report.chunks_added += len(item.chunks)
        self.report.chunks_removed += replaced
        self._looked_at(plan, [item.document.path for item in batch])

    def _relabel(self, plan: Plan) -> None:
        """A label given by place takes effect on unchanged documents too; what a document says of itself is kept.

        A document that could not be read, or was not looked at, is only ever guarded more.
        """
        source, strictest = plan.source, cache(Label.strictest)
        by_path = bool(source.label_globs or self._options.globs)
        changed = {}
        for path, known in plan.known.items():
            if path in plan.written:
                continue
            own, _ = declared_label(known.declared_label, record=known.record)
            wanted = strictest(path_label(source, path, self._options.globs) if by_path else source.label, own)
            if path not in plan.unchanged:
                wanted = strictest(wanted, known.label)
            if wanted is not known.label:
                changed[path] = wanted
        if changed and not self._options.dry_run:
            self._run.relabel(source.name, changed)

    def _count(self, plan: Plan, path: str, content_hash: bytes) -> None:
        if path in plan.known:
            self.report.updated += 1
        else:
            self.report.added += 1
            self._came[content_hash] += 1


@dataclass(frozen=True, slots=True)
class _Underway:
    """A batch that is being embedded or stored: the texts whose vectors it brings, and its end."""

    hashes: frozenset[bytes]
    written: Future[None]
