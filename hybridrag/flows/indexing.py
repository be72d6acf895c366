"""Documents to vectors in the index: parsed, chunked, embedded and stored, all at the same time.

One thread looks and chunks, several parse, two embed and one stores. No queue between them grows.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

from hybridrag.errors import BlockedByPolicy
from hybridrag.flows.boilerplate import likeness
from hybridrag.flows.changes import Plan
from hybridrag.flows.chunked import chunked_as
from hybridrag.flows.labels import label_of
from hybridrag.flows.looking import Looking
from hybridrag.flows.pipeline import mapped, prefetched
from hybridrag.flows.repeating import Repeating
from hybridrag.flows.stages import Stages
from hybridrag.flows.tally import Tally
from hybridrag.ports import Chunker, Embedder, Parser
from hybridrag.types import Chunk, Chunked, Document, Embedded, Inspection, Label, RawDocument, Skipped

if TYPE_CHECKING:
    from hybridrag.flows.ingest import IngestOptions
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


class Indexing:
    """The documents of one run, plan after plan. `languages` counts those that it stored by their language."""

    def __init__(
        self,
        run: IngestRun,
        *,
        parser: Parser,
        chunker: Chunker,
        embedder: Embedder,
        open_inspector: Callable[[], Inspector],
        repeating: Repeating | None,
        chunking: str,
        tally: Tally,
        stages: Stages,
        options: IngestOptions,
    ) -> None:
        """`repeating` tells what other documents hold in their chunks; with None, each holds all of its text.
        `chunking` tells what makes chunks.
        """
        self._run = run
        self._parser = parser
        self._chunker = chunker
        self._embedder = embedder
        self._inspector = cache(open_inspector)  # mostly there is nothing to inspect
        self._repeating = repeating
        self._chunking = chunking
        self._tally = tally
        self._report = tally.report
        self._stages = stages
        self._options = options
        self._over = threading.Event()
        self._batch_chunks = _BATCH_CHUNKS
        self.languages: Counter[str | None] = Counter()

    def index(self, plan: Plan) -> None:
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
        looking = Looking(
            plan,
            parser=self._parser,
            tally=self._tally,
            stages=self._stages,
            over=self._over,
            dry_run=self._options.dry_run,
        )
        read = looking.changed()
        workers, weight = self._parser.workers, lambda raw: len(raw.content) + _EACH

        def parsed(raw: RawDocument) -> Document | Skipped:
            document = self._parsed(raw)
            lacks = document.unread if isinstance(document, Document) and plan.had_pictures_read(raw) else None
            return lacks or document

        with closing(read), closing(mapped(read, parsed, workers=workers, weight=weight, most=_UNPARSED)) as done:
            for raw, document in done:
                if isinstance(document, Skipped):
                    self._tally.skipped(plan, raw.path, document, content_hash=raw.content_hash)
                    continue
                chunked = self._chunked(plan, document)
                if not isinstance(chunked, Skipped):
                    yield chunked
                    continue
                if raw.path in plan.known:
                    plan.emptied.add(raw.path)  # from when it was not yet so guarded
                # No parser is to blame: it is tried again each time, as its label or the model may be another.
                plan.keep_problem(raw.path, chunked, content_hash=raw.content_hash)
                self._report.problem(chunked)
                self._tally.looked_at(plan, [raw.path])

    def _parsed(self, raw: RawDocument) -> Document | Skipped:
        if self._over.is_set():
            return Skipped(raw.uri, "was given up: the run ended")
        with self._stages.timed("parse"):
            return self._parser.parse(raw)

    def _chunked(self, plan: Plan, document: Document) -> Chunked | Skipped:
        label, note = label_of(plan.source, document, self._options.globs)
        for text in (*document.notes, *([note] if note else [])):
            self._report.notes.append((document.uri, text))
            self._tally.progress.note(f"{document.uri}: {text}")
        if label is Label.LOCAL_ONLY and self._options.texts_leave:
            reason = "it is labelled local-only, and the embedding model is remote"
            return Skipped(document.uri, reason, "Ingest it into a collection with a local model.")
        document = replace(document, label=label)
        with self._stages.timed("chunk"):
            found = likeness(document)
            left_out = self._repeating.left_out(document.id, found) if self._repeating else ()
            chunked = chunked_as(document, self._chunker, self._run.collection.text_search, left_out=left_out)
        return replace(chunked, inspection=self._inspected(document), likeness=found)

    def _inspected(self, document: Document) -> Inspection | None:
        """What the document holds that may not leave. A search that fails does not keep it out of the index: nothing of
        it leaves before it was searched."""
        with self._stages.timed("inspect"):
            try:
                return self._inspector().inspect(document.text, document.label)
            except BlockedByPolicy as exc:
                self._tally.progress.note(f"{document.uri}: not searched for personal data yet: {exc.message}")
                return None

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
        self._report.chunks_embedded += len(missing)
        self._report.chunks_reused += sum(len(item.chunks) for item in batch) - len(missing)
        self._report.tokens_embedded += sum(chunk.tokens for chunk in missing.values())
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
            self._tally.progress.advance(0, sum(chunk.tokens for _, chunk in part))
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
                    chunking=self._chunking,
                    stamps=plan.stamps,
                    containers=plan.files.container_of,
                )
        except BaseException:
            self._over.set()
            raise
        plan.written.update(item.document.path for item in batch)
        for item in batch:
            self._tally.indexed(plan, item.document.path, item.document.content_hash)
            self.languages[item.document.language] += 1
            self._report.chunks_added += len(item.chunks)
        self._report.chunks_removed += replaced
        self._tally.looked_at(plan, [item.document.path for item in batch])


@dataclass(frozen=True, slots=True)
class _Underway:
    """A batch that is being embedded or stored: the texts whose vectors it brings, and its end."""

    hashes: frozenset[bytes]
    written: Future[None]
