"""What an index holds, in a form in which two indexes can be compared: no numeric ids, no times."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray
from psycopg.rows import dict_row

Vectors = Mapping[str, NDArray[np.float32]]
NEAR = 0.9999
"""The least cosine between two vectors of the same text."""


@dataclass(frozen=True)
class Digest:
    """Sources by name, documents with their chunks by URI, vectors by the hash of their text (hex)."""

    sources: Mapping[str, Mapping[str, Any]]
    documents: Mapping[str, Mapping[str, Any]]
    vectors: Vectors


def digest(url: str, collection: str = "default") -> Digest:
    """A collection as one snapshot shows it; empty where there is none."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local search_path = hybridrag, public")
        chosen = {"collection": collection}
        generation = connection.execute(_GENERATION, chosen).fetchone()
        if generation is None:
            return Digest({}, {}, {})
        sources = {row.pop("name"): row for row in connection.execute(_SOURCES, chosen)}
        documents: dict[str, dict[str, Any]] = {
            row.pop("uri"): {**row, "chunks": []} for row in connection.execute(_DOCUMENTS, chosen)
        }
        terms = _terms(connection, generation["chunk_set_id"])
        for row in connection.execute(_CHUNKS, chosen):
            row["terms"] = terms.pop(row.pop("number"), [])
            documents[row.pop("uri")]["chunks"].append(row)
        assert not terms, "the lexical index holds chunks that are gone"
        vectors = connection.execute(
            f"select encode(text_hash, 'hex') as key, embedding::text as vector from vectors_{generation['id']}"
        )
        return Digest(
            sources, documents, {row["key"]: np.array(json.loads(row["vector"]), np.float32) for row in vectors}
        )


def _terms(connection: psycopg.Connection[dict[str, Any]], chunk_set: int) -> dict[int, list[tuple[str, int, int]]]:
    """By chunk number: each term with its frequency, and the chunk's length, as the lexical index has them."""
    buried = {row["number"] for row in connection.execute(_BURIED, {"chunk_set": chunk_set})}
    terms: dict[int, list[tuple[str, int, int]]] = {}
    for row in connection.execute(_POSTINGS, {"chunk_set": chunk_set}):
        for number, frequency, length in struct.iter_unpack(">iHH", row["entries"]):
            if number not in buried:
                terms.setdefault(number, []).append((row["term"], frequency, length))
    return terms


def assert_same(found: Digest, expected: Digest) -> None:
    """The same sources, documents, chunks and hashes, and vectors of the same texts that point the same way."""
    assert found.sources == expected.sources
    assert sorted(found.documents) == sorted(expected.documents)
    for uri, document in expected.documents.items():
        assert found.documents[uri] == document
    assert sorted(found.vectors) == sorted(expected.vectors)
    for key, vector in expected.vectors.items():
        assert _cosine(found.vectors[key], vector) >= NEAR


def assert_whole(found: Digest, *allowed: Digest) -> None:
    """Every document is as in one of the `allowed` states, with all its chunks, and every chunk has its vector.

    A document that all of these states hold is there.
    """
    versions = [digest.documents for digest in allowed]
    assert set.intersection(*(set(version) for version in versions)) <= set(found.documents), "a document was away"
    for uri, document in found.documents.items():
        assert any(document == version.get(uri) for version in versions), f"half of {uri}, or another document"
        assert document["chunks"], f"{uri} has no chunk"
        for chunk in document["chunks"]:
            assert chunk["text_hash"] in found.vectors, f"a chunk of {uri} has no vector"
            assert document["text"][chunk["start_offset"] : chunk["end_offset"]] == chunk["text"]


def _cosine(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))


_GENERATION = """
select g.id, g.chunk_set_id from collection c join generation g on g.collection_id = c.id and g.state = 'active'
where c.name = %(collection)s"""
_SOURCES = """
select s.name, s.kind, s.label, s.label_globs, s.only_paths, s.include, s.exclude, s.ingested_at is not null as done
from source s join collection c on c.id = s.collection_id where c.name = %(collection)s"""
_DOCUMENTS = """
select s.name || '/' || d.path as uri, d.id, d.external_id, d.title, d.media_type, d.label, d.metadata, d.text, d.pages,
       encode(d.content_hash, 'hex') as content_hash, d.processing
from document d join source s on s.id = d.source_id join collection c on c.id = d.collection_id
where c.name = %(collection)s"""
_CHUNKS = """
select s.name || '/' || d.path as uri, k.id, k.ordinal, k.start_offset, k.end_offset, k.page, k.headings, k.tokens,
       k.text, encode(k.text_hash, 'hex') as text_hash, k.length, k.number
from chunk k join document d on d.collection_id = k.collection_id and d.id = k.document_id
join source s on s.id = d.source_id join collection c on c.id = d.collection_id
where c.name = %(collection)s order by uri, k.ordinal"""
_POSTINGS = 'select term, entries from posting where chunk_set_id = %(chunk_set)s order by term collate "C", segment'
_BURIED = "select number from buried where chunk_set_id = %(chunk_set)s"
