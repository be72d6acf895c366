"""Reindex: a generation is filled from its queues, batch by batch, until it lacks nothing.

Several workers may do so at once, and documents may change meanwhile: what changes is queued again. A batch is stored
in the transaction that claimed it, so a worker that is killed loses one batch, and no text is embedded by two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from hybridrag.chunking import embed_text
from hybridrag.errors import CollectionBusy, ModelError
from hybridrag.flows.chunked import chunk_waiting
from hybridrag.flows.sampled import keep_sample
from hybridrag.store.holding import Superseded
from hybridrag.types import Embedded

if TYPE_CHECKING:
    from hybridrag.flows.progress import Progress
    from hybridrag.ports import Chunker, Embedder
    from hybridrag.store import PostgresStore
    from hybridrag.store.generations import Generations
    from hybridrag.store.work import Done, StoredText, Worker

_FEWEST, _MOST = 16, 512
"""Texts embedded in one transaction."""
_BATCH_SECONDS = 2.0
"""What a batch should take: little is lost with a worker, and whoever interrupts one does not wait long."""
_PAUSE, _LONGEST_PAUSE = 0.2, 2.0
"""Seconds between two looks while others hold what is left, or the collection: each is twice as long as the last."""

Result = TypeVar("Result")


@dataclass(slots=True)
class Worked:
    """What one worker did: documents chunked, texts embedded or `reused` from vectors that were there already."""

    documents: int = 0
    embedded: int = 0
    reused: int = 0
    tokens: int = 0
    seconds: float = 0.0


class Reindex:
    """One worker at one generation."""

    def __init__(
        self,
        worker: Worker,
        *,
        store: PostgresStore,
        generations: Generations,
        chunker: Chunker,
        embedder: Embedder,
        progress: Progress,
        notify: Callable[[str], None],
    ) -> None:
        """`embedder` is of the generation's own model; `notify` shows a line to the user."""
        self._worker = worker
        self._store = store
        self._generations = generations
        self._chunker = chunker
        self._embedder = embedder
        self._progress = progress
        self._notify = notify
        self._batch = _FEWEST
        self._left = worker.waiting()
        self._pause = _PAUSE
        self._indexed = False
        self.worked = Worked()

    def until_complete(self) -> Worked:
        """Works until the generation lacks nothing, and is ready to be promoted.

        An interrupt lets the batch under way be stored; a second one does not.
        """
        started = time.perf_counter()
        self._look()
        self._begin()
        with ThreadPoolExecutor(1, thread_name_prefix="hybridrag-reindex") as thread:
            while not self._finished(thread):
                pass
        self.worked.seconds = time.perf_counter() - started
        return self.worked

    def _finished(self, thread: ThreadPoolExecutor) -> bool:
        if self._interruptible(thread, self._chunk):
            return False
        done = self._interruptible(thread, self._embed)
        if done.claimed:
            self._pause, self._indexed = _PAUSE, False
            self._advance(done.tokens)
            return False
        # What is left other workers hold; should one of them die, it is ours.
        if not self._look() and self._settle():
            return True
        time.sleep(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return False

    # --- batches -----------------------------------------------------------------------------------------------------

    def _chunk(self) -> int:
        found = chunk_waiting(self._worker, self._chunker)
        self.worked.documents += found
        if found:
            self._advance(0)
        return found

    def _embed(self) -> Done:
        started = time.perf_counter()
        done = self._worker.embed(self._batch, self._embedded)
        self.worked.embedded += done.embedded
        self.worked.reused += done.reused
        self.worked.tokens += done.tokens
        if done.claimed:
            rate = done.claimed / (time.perf_counter() - started)
            self._batch = max(_FEWEST, min(int(rate * _BATCH_SECONDS), 2 * self._batch, _MOST))
        return done

    def _embedded(self, texts: Sequence[StoredText]) -> list[Embedded]:
        given = [_given(text) for text in texts]
        vectors = self._embedder.embed_documents(given)
        return [Embedded(text.text_hash, vector) for text, vector in zip(texts, vectors, strict=True)]

    def _interruptible(self, thread: ThreadPoolExecutor, batch: Callable[[], Result]) -> Result:
        future = thread.submit(batch)
        try:
            return future.result()
        except KeyboardInterrupt:
            self._notify("finishing the batch under way; interrupt once more to give it up")
            try:
                future.result()
            except KeyboardInterrupt:
                self._embedder.cancel()
                self._worker.cancel()
                raise
            raise

    # --- how far it is -----------------------------------------------------------------------------------------------

    def _look(self) -> int:
        """Documents and texts that are waiting, whoever holds them."""
        self._left = self._worker.waiting()
        return self._left.documents + self._left.texts

    def _begin(self) -> None:
        """Documents are counted as long as some wait to be chunked, then texts."""
        if self._left.documents:
            self._progress.begin(self._left.documents, doing="chunking", unit="documents")
        else:
            self._progress.begin(self._left.texts, doing="embedding", unit="texts")

    def _advance(self, tokens: int) -> None:
        """What is waiting grows too: a document becomes texts, and others change."""
        before = self._left
        self._look()
        if bool(before.documents) != bool(self._left.documents):
            self._begin()
            self._progress.advance(0, tokens)
        elif self._left.documents:
            self._progress.advance(max(0, before.documents - self._left.documents), tokens)
        else:
            self._progress.advance(max(0, before.texts - self._left.texts), tokens)

    def _settle(self) -> bool:
        """What remains to be done when nothing is waiting; False where something is again, or a run is waited for."""
        self._indexed = self._indexed or self._worker.build_index(self._notify)
        if not self._indexed:
            return False
        try:
            with self._store.ingest_run(self._worker.collection) as run:
                run.drop_orphans()
                if self._look():
                    return False
                if run.lacks_sample():
                    keep_sample(run)
                self._generations.make_ready(self._worker.collection.generation.id)
        except Superseded:
            raise
        except CollectionBusy:
            # One that was complete before can do without: what is left is done at its promotion, or by the next ingest.
            return self._worker.collection.generation.state != "building"
        return True


def _given(stored: StoredText) -> str:
    """What the model is given. Raises ModelError where that cannot be told any more."""
    found = embed_text(stored.title, stored.headings, stored.text, stored.text_hash, head=stored.head)
    if found is None:
        raise ModelError(
            "a stored chunk was made by another version, and cannot be embedded anew",
            hint="bring the collection up to date first: hybridrag sync",
        )
    return found
