"""Rows to nouns, and the search arms over one snapshot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hybridrag.store.filters import documents_matching
from hybridrag.store.queries import on_vectors, statement
from hybridrag.types import Clause, Collection, DocumentRef, Generation, Label, Source, StoredChunk

if TYPE_CHECKING:
    from hybridrag.store.connection import Connection
    from hybridrag.types import Vector


@dataclass(frozen=True, slots=True)
class SearchSnapshot:
    """A collection as it was at one moment. Valid inside the `with` block that gave it."""

    tx: Connection
    collection: Collection

    def documents_matching(self, clauses: Sequence[Clause]) -> list[UUID]:
        """Ids of the documents for which every clause holds."""
        query, parameters = documents_matching(clauses, self.collection.id)
        return [row["id"] for row in self.tx.execute(query, parameters)]

    def dense(self, vector: Vector, *, limit: int, documents: Sequence[UUID] | None) -> dict[UUID, float]:
        """The chunks nearest to `vector` by exact scan, best first, with their cosine similarity."""
        parameters = self._parameters(vector=_literal(vector), limit=limit)
        if documents is None:
            return self._scores("dense", parameters)
        return self._scores("dense_filtered", parameters | {"documents": list(documents)})

    def dense_scores(self, vector: Vector, ids: Sequence[UUID]) -> dict[UUID, float]:
        """Cosine similarity of the given chunks."""
        return self._scores("dense_scores", self._parameters(vector=_literal(vector), ids=list(ids)))

    def lexical(
        self, text: str, *, limit: int, documents: Sequence[UUID] | None, also: Sequence[UUID] = ()
    ) -> tuple[dict[UUID, float], dict[UUID, float]]:
        """BM25: the best `limit` chunks, best first, and the scores of those in `also` that hold a query term."""
        terms = self.tx.execute(
            statement("query_terms"), {"query": text, "text_search": self.collection.text_search}
        ).fetchone()
        if not terms or not terms["lexemes"]:
            return {}, {}
        rows = self.tx.execute(
            statement("lexical"),
            self._parameters(
                lexemes=terms["lexemes"],
                any_term=terms["any_term"],
                limit=limit,
                documents=None if documents is None else list(documents),
                also=list(also),
            ),
            # A generic plan would not know the terms, and scan.
            prepare=False,
        ).fetchall()
        found = {row["id"]: float(row["score"]) for row in rows if row["found"]}
        return found, {row["id"]: float(row["score"]) for row in rows if not row["found"]}

    def chunks(self, ids: Sequence[UUID]) -> dict[UUID, StoredChunk]:
        """The chunks with their documents, by id."""
        rows = self.tx.execute(statement("chunks"), self._parameters(ids=list(ids)))
        return {row["id"]: _stored_chunk(row) for row in rows}

    def _scores(self, name: str, parameters: Mapping[str, Any]) -> dict[UUID, float]:
        query = on_vectors(name, self.collection.generation.id)
        return {row["id"]: float(row["score"]) for row in self.tx.execute(query, parameters)}

    def _parameters(self, **values: Any) -> dict[str, Any]:
        return {"chunk_set": self.collection.generation.chunk_set, **values}


def collection_of(row: Mapping[str, Any]) -> Collection:
    return Collection(
        id=row["id"],
        name=row["name"],
        embedder=row["embedder"],
        text_search=row["text_search"],
        generation=Generation(
            id=row["generation_id"],
            model=row["model"],
            fingerprint=row["fingerprint"],
            dimensions=row["dimensions"],
            chunk_set=row["chunk_set_id"],
        ),
    )


def source_of(row: Mapping[str, Any]) -> Source:
    return Source(
        name=row["name"],
        kind=row["kind"],
        root=row["root"],
        only=tuple(row["only_paths"]),
        include=tuple(row["include"]),
        exclude=tuple(row["exclude"]),
        label=Label(row["label"]),
        label_globs=tuple((glob, Label(label)) for glob, label in row["label_globs"]),
    )


def document_ref(row: Mapping[str, Any], *, id_column: str = "id") -> DocumentRef:
    return DocumentRef(
        id=row[id_column],
        source=row["source"],
        path=row["path"],
        title=row["title"],
        media_type=row["media_type"],
        label=Label(row["label"]),
        external_id=row["external_id"],
        metadata=row["metadata"],
    )


def _stored_chunk(row: Mapping[str, Any]) -> StoredChunk:
    return StoredChunk(
        id=row["id"],
        document=document_ref(row, id_column="document_id"),
        ordinal=row["ordinal"],
        start=row["start_offset"],
        end=row["end_offset"],
        text=row["text"],
        headings=tuple(row["headings"]),
        page=row["page"],
        tokens=row["tokens"],
    )


def _literal(vector: Vector) -> str:
    """pgvector's text form of one vector."""
    return "[" + ",".join(map(repr, vector.tolist())) + "]"
