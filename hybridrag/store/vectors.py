"""A generation's vectors as they lie in its tables: read as a stream, and taken in beside its workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridrag.store.chunks import copy_vectors
from hybridrag.store.connection import Connection, connect, transaction
from hybridrag.store.missing import GenerationGone
from hybridrag.store.queries import on_vectors, statement
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.store.work import StoredText, texts_to_embed
from hybridrag.types import Collection, Embedded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_AT_ONCE = 8_192
_HEADER = 4
"""Bytes before the numbers of a halfvec in pgvector's binary form: how many there are, and two that are unused."""


def chunk_parameters(snapshot: SearchSnapshot) -> Mapping[str, Any]:
    """What decided the chunks of the snapshot's generation."""
    row = snapshot.tx.execute(
        statement("chunk_parameters"), {"chunk_set": snapshot.collection.generation.chunk_set}
    ).fetchone()
    assert row is not None  # a generation has its chunk set
    parameters: Mapping[str, Any] = row["parameters"]
    return parameters


def find_probes(snapshot: SearchSnapshot, texts: bytes) -> bytes | None:
    """The vectors that the generation's model gave for the probes whose hash is `texts`; None where none are kept."""
    key = {"generation": snapshot.collection.generation.id, "texts": texts}
    row = snapshot.tx.execute(statement("find_probes"), key).fetchone()
    return bytes(row["vectors"]) if row else None


def count_vectors(snapshot: SearchSnapshot) -> int:
    """How many vectors `read_vectors` gives."""
    generation = snapshot.collection.generation
    query = on_vectors("count_wanted_vectors", generation.id, chunk_set=generation.chunk_set)
    row = snapshot.tx.execute(query).fetchone()
    assert row is not None  # an aggregate
    return int(row["vectors"])


def read_vectors(snapshot: SearchSnapshot) -> Iterator[tuple[list[bytes], bytes]]:
    """Every vector that a chunk holds, in the order of the text hashes, a few thousand at a time: the hashes, and the
    vectors as they are stored, float16, little-endian, row by row."""
    generation = snapshot.collection.generation
    query = on_vectors("export_vectors", generation.id, chunk_set=generation.chunk_set)
    with snapshot.tx.cursor() as cursor, cursor.copy(query) as copy:
        # A binary COPY gives a field's bytes as they are, so pgvector's own binary form comes out as `bytea`.
        copy.set_types(["bytea", "bytea"])
        hashes: list[bytes] = []
        vectors: list[bytes] = []
        for text_hash, vector in copy.rows():
            hashes.append(bytes(text_hash))
            vectors.append(bytes(vector)[_HEADER:])
            if len(hashes) == _AT_ONCE:
                yield hashes, _little_endian(vectors)
                hashes, vectors = [], []
        if hashes:
            yield hashes, _little_endian(vectors)


def _little_endian(vectors: Sequence[bytes]) -> bytes:
    import numpy as np

    return np.frombuffer(b"".join(vectors), dtype=">u2").astype("<u2").tobytes()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of some text hashes those that a chunk holds: with a vector already, or without."""

    present: frozenset[bytes]
    lacking: frozenset[bytes]


class VectorImport:
    """Takes vectors into one generation, which the `collection` carries.

    Workers and other imports may be at it meanwhile. A batch is one transaction: an import that ends in the middle is
    simply begun again.
    """

    def __init__(self, connection: Connection, collection: Collection) -> None:
        self._connection = connection
        self.collection = collection

    @classmethod
    @contextmanager
    def open(cls, url: str, collection: Collection) -> Iterator[VectorImport]:
        with closing(connect(url)) as connection:
            yield cls(connection, collection)

    def wanted(self, hashes: Sequence[bytes]) -> Wanted:
        """Those of `hashes` that the generation has a use for."""
        with transaction(self._connection, read_only=True) as tx:
            return self._wanted(tx, hashes)

    def texts(self, hashes: Sequence[bytes], *, leave: bool) -> list[StoredText]:
        """The texts of hashes; where they would `leave` this machine, only those that may."""
        with transaction(self._connection, read_only=True) as tx:
            return texts_to_embed(tx, self._key(hashes=list(hashes), leave=leave))

    def take(self, hashes: Sequence[bytes], vectors: NDArray[np.float16]) -> Wanted:
        """Stores those vectors that a chunk holds and that are not there; nothing else, and nothing in their place.

        Returns what was there, and what was lacking and is stored now. Raises GenerationGone where the generation was
        dropped meanwhile.
        """
        import numpy as np

        key = self._key(hashes=list(hashes))
        with transaction(self._connection) as tx:
            if tx.execute(statement("hold_generation"), key).fetchone() is None:
                raise GenerationGone(self.collection.name, self.collection.generation.id)
            queued = self._wanted(tx, hashes).lacking
            # Whoever brings a vector holds its row of the queue: now that is us, and whoever did has ended.
            tx.execute(on_vectors("queue_texts", self.collection.generation.id), self._key(hashes=list(queued)))
            found = self._wanted(tx, hashes)
            taken = found.lacking & queued
            copy_vectors(
                tx,
                self.collection.generation.id,
                [
                    Embedded(text_hash, vector.astype(np.float32))
                    for text_hash, vector in zip(hashes, vectors, strict=True)
                    if text_hash in taken
                ],
            )
            tx.execute(on_vectors("texts_imported", self.collection.generation.id), key)
        return Wanted(found.present, taken)

    def _wanted(self, tx: Connection, hashes: Sequence[bytes]) -> Wanted:
        query = on_vectors("wanted_texts", self.collection.generation.id)
        present: set[bytes] = set()
        lacking: set[bytes] = set()
        for row in tx.execute(query, self._key(hashes=list(hashes))):
            (present if row["present"] else lacking).add(bytes(row["text_hash"]))
        return Wanted(frozenset(present), frozenset(lacking))

    def _key(self, **values: Any) -> Mapping[str, Any]:
        generation = self.collection.generation
        return {"generation": generation.id, "chunk_set": generation.chunk_set, **values}
