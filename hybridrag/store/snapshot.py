"""What a search asks of one collection: everything in one snapshot, chunks by their numbers."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hybridrag.store import lexical
from hybridrag.store.filters import documents_matching
from hybridrag.store.queries import on_vectors, statement
from hybridrag.store.reading import stored_chunk
from hybridrag.types import Collection, Filter, LexicalIndex, Postings, StoredChunk

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from hybridrag.store.connection import Connection
    from hybridrag.types import Vector

    Numbers = NDArray[np.int32]
    """Chunk numbers, each once."""

_EF_SEARCH = 200
"""Candidates that the index keeps in view: recall@10 .99 in 2 ms at 200,000 vectors."""
_MOST_VISITED = 20_000
"""Vectors the index looks at for one search, at most."""
_EXACT_AMONG = 10_000
"""Up to so many chunks that pass a filter are scanned, which is exact."""
_SPARE = 2
"""So many times as many texts are taken from the index as should be enough for a filter."""
_COPIES = 10
"""Chunks of one and the same text that are candidates at first: a notice repeated on every page must not be all."""


class SearchSnapshot:
    """A collection as it was at one moment. Valid inside the `with` block that gave it."""

    def __init__(self, tx: Connection, collection: Collection) -> None:
        self.tx = tx
        self.collection = collection
        tx.execute(statement("search_settings"), {"ef_search": _EF_SEARCH, "most": _MOST_VISITED})

    def numbers_of(self, wanted: Filter) -> Numbers:
        """The chunks of all documents that pass a filter, in order."""
        import numpy as np
        from psycopg import sql

        matching, parameters = documents_matching(wanted, self.collection.id)
        query = sql.SQL(statement("numbers_of")).format(matching=matching)
        with self.tx.cursor(binary=True) as cursor:
            row = cursor.execute(query, self._key(**parameters)).fetchone()
        assert row is not None  # an aggregate
        return np.frombuffer(row["numbers"], dtype=">i4").astype(np.int32)

    @property
    def complete(self) -> bool:
        """Whether the generation has all that the collection's documents say: the active one always has."""
        generation = self.collection.generation
        if generation.state == "active":
            return True
        key = {"chunk_set": generation.chunk_set, "generation": generation.id}
        row = self.tx.execute(statement("is_complete"), key).fetchone()
        assert row is not None  # two questions, one row
        return bool(row["complete"])

    # --- the lexical arm ---------------------------------------------------------------------------------------------

    @cached_property
    def lexical_index(self) -> LexicalIndex:
        return lexical.figures(self.tx, self.collection.generation.chunk_set)

    def frequencies(self, terms: Sequence[str]) -> dict[str, int]:
        """How many chunks hold each of the terms, about; those that stand nowhere are left out."""
        return lexical.frequencies(self.tx, self.collection.generation.chunk_set, terms)

    def postings(self, terms: Sequence[str]) -> dict[str, Postings]:
        """Where the terms stand; those that stand nowhere are left out."""
        return lexical.postings(self.tx, self.collection.generation.chunk_set, terms)

    # --- the dense arm -----------------------------------------------------------------------------------------------

    def dense(self, vector: Vector, *, limit: int, among: Numbers | None) -> dict[int, float]:
        """The chunks nearest to `vector`, best first, with their cosine similarity; `among` are those to choose from.

        As many as `limit`, or all there are. Exact for small collections and narrow filters; elsewhere by the index.
        """
        asked = {"vector": _literal(vector)}
        if among is None:
            # Twice as many texts: of some the chunks may be gone, while a run changes documents.
            found = self._scores("dense", **asked, limit=limit, texts=2 * limit, copies=_COPIES)
            return found if len(found) == limit else self._scores("dense_exact", **asked, limit=limit)
        if len(among) > _EXACT_AMONG:
            # As many of the nearest as should hold enough that pass; too few do where filter and question are at odds.
            nearest = min(_SPARE * limit * self.lexical_index.chunks // len(among), _MOST_VISITED)
            passing = set(among.tolist())
            found = self._scores("dense", **asked, limit=nearest, texts=nearest, copies=nearest)
            found = dict(itertools.islice((item for item in found.items() if item[0] in passing), limit))
            if len(found) == limit:
                return found
        return self._scores("dense_among", **asked, limit=limit, numbers=among.tolist())

    def similarities(self, vector: Vector, numbers: Sequence[int]) -> dict[int, float]:
        """Cosine similarity of the given chunks."""
        return self._scores("similarities", vector=_literal(vector), numbers=list(numbers))

    def vectors(self, numbers: Iterable[int]) -> dict[int, Vector]:
        """The stored vectors of the given chunks."""
        from pgvector import HalfVector

        query = on_vectors("vectors_of", self.collection.generation.id)
        with self.tx.cursor(binary=True) as cursor:
            rows = cursor.execute(query, self._key(numbers=list(numbers))).fetchall()
        return {row["number"]: HalfVector.from_binary(row["embedding"]).to_numpy().astype("float32") for row in rows}

    @cached_property
    def sample(self) -> bytes | None:
        """The generation's sample of vectors, as it was packed; None where there is none."""
        key = {"generation": self.collection.generation.id}
        with self.tx.cursor(binary=True) as cursor:
            row = cursor.execute(statement("find_sample"), key).fetchone()
        return bytes(row["sample"]) if row and row["sample"] is not None else None

    def numbers(self) -> Numbers:
        """All chunks, in order."""
        import numpy as np

        with self.tx.cursor(binary=True) as cursor:
            row = cursor.execute(statement("all_numbers"), self._key()).fetchone()
        assert row is not None  # an aggregate
        return np.frombuffer(row["numbers"], dtype=">i4").astype(np.int32)

    # --- what was found ----------------------------------------------------------------------------------------------

    def chunks(self, numbers: Sequence[int]) -> dict[int, StoredChunk]:
        """The chunks with their documents, by number."""
        rows = self.tx.execute(statement("chunks"), self._key(numbers=list(numbers)))
        return {row["number"]: stored_chunk(row) for row in rows}

    def texts(self, spans: Sequence[tuple[UUID, int, int]]) -> list[str]:
        """`document.text[start:end]` for each `(document id, start, end)`, in order."""
        asked = {
            "collection": self.collection.id,
            "documents": [span[0] for span in spans],
            "firsts": [span[1] for span in spans],
            "lasts": [span[2] for span in spans],
        }
        rows = {row["place"]: row["text"] for row in self.tx.execute(statement("texts_of"), asked)}
        return [rows[place] for place in range(1, len(spans) + 1)]

    def _scores(self, name: str, **values: Any) -> dict[int, float]:
        query = on_vectors(name, self.collection.generation.id)
        return {row["number"]: float(row["score"]) for row in self.tx.execute(query, self._key(**values))}

    def _key(self, **values: Any) -> Mapping[str, Any]:
        return {"chunk_set": self.collection.generation.chunk_set, **values}


def _literal(vector: Vector) -> str:
    """pgvector's text form of one vector."""
    return "[" + ",".join(map(repr, vector.tolist())) + "]"
