"""One worker's share in what a generation lacks: rows of its queues, claimed for one transaction.

The transaction stays open while the work is done, so a worker that dies gives back what it claimed, and nobody else
does it meanwhile; there are no leases and no clocks. Any number of workers, on any host, may do so at once. A worker
never waits for an ingest, so the two cannot wait for each other; and while it writes, no generation can be dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from hybridrag.errors import DatabaseError
from hybridrag.store import lexical, vector_index
from hybridrag.store.chunks import copy_vectors, write_chunks
from hybridrag.store.connection import Connection, connect, transaction
from hybridrag.store.generations import Lacking
from hybridrag.store.missing import GenerationGone
from hybridrag.store.queries import on_vectors, statement
from hybridrag.store.reading import document_of
from hybridrag.types import Chunked, Collection, Document, Embedded


@dataclass(frozen=True, slots=True)
class StoredText:
    """A text that is to be embedded: a chunk's, with the title, the headings and the head of the table it stands under,
    and the hash of what the model is to be given. `tokens` counts that."""

    text_hash: bytes
    title: str
    headings: tuple[str, ...]
    head: str
    text: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Done:
    """Texts that a worker dealt with: `claimed` from the queue, of which so many were `embedded` now, others `reused`
    from another generation or no longer needed."""

    claimed: int
    embedded: int = 0
    reused: int = 0
    tokens: int = 0


class Worker:
    """Fills one generation, which the `collection` carries. Raises GenerationGone once that is dropped."""

    def __init__(self, url: str, connection: Connection, collection: Collection) -> None:
        self._url = url
        self._connection = connection
        self.collection = collection

    @classmethod
    @contextmanager
    def open(cls, url: str, collection: Collection) -> Iterator[Worker]:
        with closing(connect(url)) as connection:
            yield cls(url, connection, collection)

    def waiting(self) -> Lacking:
        """What stands in the queues, claimed or not."""
        with transaction(self._connection, read_only=True) as tx:
            self._check(tx)
            row = tx.execute(statement("count_waiting"), self._key()).fetchone()
        assert row is not None  # two counts
        return Lacking(row["documents"], row["texts"])

    def chunk(self, most: int, chunk: Callable[[Document, tuple[int, ...]], Chunked], *, processing: str) -> int:
        """Has up to `most` documents chunked and stores them; how many there were. `processing` tells what chunks them.

        `chunk` is given the hashes of the paragraphs, too, that other documents are chunked with.
        The texts that generations of the same chunk set lack then are queued.
        """
        generation = self.collection.generation
        with self._claiming() as tx:
            rows = tx.execute(statement("claim_documents"), self._key(most=most)).fetchall()
            if not rows:
                return 0
            batch = [chunk(document_of(row), tuple(row["left_out"])) for row in rows]
            key = self._key(documents=[row["id"] for row in rows])
            tx.execute(statement("forget_chunks"), key)
            write_chunks(tx, self.collection.id, generation.chunk_set, batch, processing=processing)
            hashes = [piece.text_hash for item in batch for piece in item.chunks]
            for row in tx.execute(statement("generations_of_set"), key).fetchall():
                tx.execute(on_vectors("queue_texts", row["id"]), {"generation": row["id"], "hashes": hashes})
            tx.execute(statement("documents_chunked"), key)
        with self._claiming() as tx:
            tx.execute(statement("lock_chunk_set"), self._key())
            lexical.merge_segments(tx, generation.chunk_set)
        return len(rows)

    def embed(self, most: int, embed: Callable[[Sequence[StoredText]], Sequence[Embedded]]) -> Done:
        """Brings up to `most` of the vectors that are lacking: those that another generation of the same model has are
        copied, for the others `embed` is called."""
        generation = self.collection.generation
        with self._claiming() as tx:
            claimed = [bytes(row["text_hash"]) for row in tx.execute(statement("claim_texts"), self._key(most=most))]
            if not claimed:
                return Done(0)
            key = self._key(hashes=claimed)
            known = {bytes(row["text_hash"]) for row in tx.execute(on_vectors("known_hashes", generation.id), key)}
            texts = [text for text in texts_to_embed(tx, {**key, "leave": False}) if text.text_hash not in known]
            reused = self._reused(tx, [text.text_hash for text in texts])
            missing = [text for text in texts if text.text_hash not in reused]
            copy_vectors(tx, generation.id, embed(missing) if missing else ())
            tx.execute(statement("texts_embedded"), key)
        tokens = sum(text.tokens for text in missing)
        return Done(len(claimed), embedded=len(missing), reused=len(claimed) - len(missing), tokens=tokens)

    def build_index(self, notify: Callable[[str], None]) -> bool:
        """Makes the generation's index where one is due; False where another worker is at it."""
        with closing(connect(self._url)) as holder, transaction(holder) as held:
            held.execute("set local idle_in_transaction_session_timeout = 0")
            row = held.execute(statement("lock_index"), self._key()).fetchone()
            if row is None or not row["held"]:
                return False
            held.execute("select 1")  # ends the statement with parameters, which would keep every dead row meanwhile
            try:
                vector_index.keep_up(self._connection, self.collection.generation, notify)
                with transaction(self._connection) as tx:
                    tx.execute(on_vectors("analyze", self.collection.generation.id))
            except DatabaseError:
                with transaction(self._connection) as tx:
                    self._check(tx)  # an index takes minutes, in which nobody is kept from dropping the generation
                raise
        return True

    def cancel(self) -> None:
        """Breaks off what another thread is doing in the database; nothing of its transaction stays."""
        import psycopg

        with suppress(psycopg.Error):
            self._connection.cancel_safe(timeout=5)

    def _reused(self, tx: Connection, hashes: Sequence[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        for row in tx.execute(statement("generations_of_model"), self._key()).fetchall():
            wanted = [text_hash for text_hash in hashes if text_hash not in found]
            if wanted:
                query = on_vectors("reuse_vectors", self.collection.generation.id, other=row["id"])
                found |= {bytes(copied["text_hash"]) for copied in tx.execute(query, {"hashes": wanted})}
        return found

    @contextmanager
    def _claiming(self) -> Iterator[Connection]:
        with transaction(self._connection) as tx:
            tx.execute("set local idle_in_transaction_session_timeout = 0")
            tx.execute(statement("keep_generations"), self._key())
            self._check(tx)
            yield tx

    def _check(self, tx: Connection) -> None:
        if tx.execute(statement("generation_state"), self._key()).fetchone() is None:
            raise GenerationGone(self.collection.name, self.collection.generation.id)

    def _key(self, **values: Any) -> Mapping[str, Any]:
        generation = self.collection.generation
        return {
            "collection": self.collection.id,
            "generation": generation.id,
            "chunk_set": generation.chunk_set,
            "fingerprint": generation.fingerprint,
            **values,
        }


def texts_to_embed(tx: Connection, key: Mapping[str, Any]) -> list[StoredText]:
    """The texts of a `chunk_set` with these `hashes`, each once; where texts `leave` this machine, those that may."""
    return [
        StoredText(
            text_hash=bytes(row["text_hash"]),
            title=row["title"],
            headings=tuple(row["headings"]),
            head=row["head"],
            text=row["text"],
            tokens=row["tokens"],
        )
        for row in tx.execute(statement("texts_to_embed"), key)
    ]
