"""What an index holds, in a form in which two indexes can be compared: no numeric ids, no times.

`digest` is one collection as its readers see it, `contents` a whole database, table by table.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
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
        return Digest(sources, documents, _vectors(connection, f"vectors_{generation['id']}"))


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


@dataclass(frozen=True)
class Contents:
    """Rows of every table, as text and counted; vectors by their generation and the hash of their text (hex)."""

    rows: Mapping[str, Counter[str]]
    vectors: Mapping[str, Vectors]


def contents(url: str) -> Contents:
    """Everything that a database holds of ours, tables of later versions included.

    Rows name each other by what they are, not by number; a time is only there or not, but for those that a document
    has of its own. What depends on the order of batches is brought into one form: postings stand with their chunks.
    """
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection, connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local search_path = hybridrag, public")
        names = _names(connection)
        columns: dict[str, list[tuple[str, bool]]] = {}
        for row in connection.execute(_COLUMNS):
            columns.setdefault(row["table"], []).append((row["column"], row["numbered"]))
        rows = {
            table: Counter(_rows(connection, table, of_table, names))
            for table, of_table in columns.items()
            if table not in _OTHERWISE and not table.startswith("vectors_")
        }
        rows["relations"] = Counter(_relations(connection, names))
        rows["schemas"] = Counter(row["name"] for row in connection.execute(_SCHEMAS))
        rows["lexical index"] = Counter(
            f"{names['chunk_set'][row['id']]}: {row['chunks']} chunks, {row['terms']} terms"
            for row in connection.execute(_LEXICAL_FIGURES)
        )
        vectors = {
            names["generation"].get(int(table.removeprefix("vectors_")), "of no generation"): _vectors(
                connection, table
            )
            for table in columns
            if re.fullmatch(r"vectors_\d+", table)
        }
        return Contents(rows, vectors)


def assert_same_contents(found: Contents, expected: Contents) -> None:
    """The same rows in every table, as often, and vectors of the same texts that point the same way."""
    wrong = []
    for table in sorted({*found.rows, *expected.rows}):
        lost = expected.rows.get(table, Counter()) - found.rows.get(table, Counter())
        more = found.rows.get(table, Counter()) - expected.rows.get(table, Counter())
        if lost or more:
            wrong.append(f"{table}: {_difference(lost, more)}")
    for generation in sorted({*found.vectors, *expected.vectors}):
        there, wanted = found.vectors.get(generation, {}), expected.vectors.get(generation, {})
        if there.keys() != wanted.keys():
            wrong.append(
                f"vectors of {generation}: {len(wanted.keys() - there.keys())} lost,"
                f" {len(there.keys() - wanted.keys())} too many"
            )
        other = [key for key in there.keys() & wanted.keys() if not _cosine(there[key], wanted[key]) >= NEAR]
        if other:
            wrong.append(f"vectors of {generation}: {len(other)} point elsewhere")
    assert not wrong, "\n".join(wrong)


def _names(connection: psycopg.Connection[dict[str, Any]]) -> dict[str, dict[int, str]]:
    """What rows that others refer to by number are called: by table and number."""
    names: dict[str, dict[int, str]] = {}
    for table, query in _NAMES.items():
        names[table] = {row["id"]: row["name"] for row in connection.execute(query)}
    return names


def _rows(
    connection: psycopg.Connection[dict[str, Any]],
    table: str,
    columns: list[tuple[str, bool]],
    names: Mapping[str, Mapping[int, str]],
) -> Iterator[str]:
    left_out = {column for column, numbered in columns if numbered} | _LEFT_OUT.get(table, set())
    terms: dict[int, dict[int, Any]] = {}
    if table == "chunk":
        terms = {chunk_set: _terms(connection, chunk_set) for chunk_set in names["chunk_set"]}
    for row in connection.execute(f'select * from "{table}"'):
        shown = {
            column: _shown_value(table, column, value, names) for column, value in row.items() if column not in left_out
        }
        if table == "chunk":
            shown["terms"] = terms[row["chunk_set_id"]].pop(row["number"], [])
        yield json.dumps(shown, sort_keys=True, default=str)
    for chunk_set, left in terms.items():
        for number in left:
            yield f"postings of chunk {number}, which is gone, in {names['chunk_set'][chunk_set]}"


def _shown_value(table: str, column: str, value: Any, names: Mapping[str, Mapping[int, str]]) -> Any:
    referred = column.removesuffix("_id")
    if column.endswith("_id") and referred in names and value is not None:
        return names[referred].get(value, "one that is gone")
    if f"{table}.{column}" in _ONLY_WHETHER or (isinstance(value, datetime) and column not in _TIMES_OF_A_DOCUMENT):
        return value is not None
    return (
        hashlib.sha256(value).hexdigest()
        if isinstance(value, bytes | memoryview) and len(value) > 32
        else (bytes(value).hex() if isinstance(value, bytes | memoryview) else value)
    )


def _relations(connection: psycopg.Connection[dict[str, Any]], names: Mapping[str, Mapping[int, str]]) -> Iterator[str]:
    """The tables and indexes, with their generation in place of its number."""
    for row in connection.execute(_RELATIONS):
        number = re.match(r"vectors_(\d+)", row["name"])
        of = names["generation"].get(int(number[1]), "of no generation") if number else ""
        yield f"{re.sub(r'[0-9]+', '#', row['name'])} {of}{'' if row['valid'] else ', not valid'}"


def _vectors(connection: psycopg.Connection[dict[str, Any]], table: str) -> dict[str, NDArray[np.float32]]:
    rows = connection.execute(f"select encode(text_hash, 'hex') as key, embedding::text as vector from {table}")
    return {row["key"]: np.array(json.loads(row["vector"]), np.float32) for row in rows}


def _difference(lost: Counter[str], more: Counter[str]) -> str:
    """How rows differ: by columns where one became another."""
    counts = f"{lost.total()} rows lost, {more.total()} too many"
    one, other = (next(iter(sorted(rows)), "") for rows in (lost, more))
    if not (one.startswith("{") and other.startswith("{")):
        return f"{counts}: {(one or other)[:300]}"
    before, after = json.loads(one), json.loads(other)
    return f"{counts}: " + ", ".join(
        f"{column} {str(before.get(column))[:80]!r} became {str(after.get(column))[:80]!r}"
        for column in sorted({*before, *after})
        if before.get(column) != after.get(column)
    )


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
where c.name = %(collection)s and k.chunk_set_id = (
    select chunk_set_id from generation g where g.collection_id = c.id and g.state = 'active')
order by uri, k.ordinal"""
_POSTINGS = 'select term, entries from posting where chunk_set_id = %(chunk_set)s order by term collate "C", segment'
_BURIED = "select number from buried where chunk_set_id = %(chunk_set)s"


_OTHERWISE = {"schema_migration", "posting", "segment", "buried", "run"}
"""Tables that are not compared by their rows: the lexical index is, as the terms of each chunk; a run more is one."""
_LEFT_OUT = {
    "chunk": {"number"},
    "document": {"stamp"},
    "problem": {"stamp"},
    "source": {"stamp", "root_device"},
}
"""Columns that differ between two runs which did the same: numbers given in turn, and how old a file was when read."""
_ONLY_WHETHER = {"generation.sample", "generation.gate", "probe.vectors", "abstention.threshold", "abstention.floor"}
"""Values measured of vectors, which differ in their last bits, or of time; whether they are there does not."""
_TIMES_OF_A_DOCUMENT = {"modified_at", "dated_at"}
_NAMES = {
    "collection": "select id, name from collection",
    "source": "select s.id, c.name || '/' || s.name as name from source s join collection c on c.id = s.collection_id",
    "chunk_set": """
select s.id, c.name || ' ' || s.parameters as name from chunk_set s join collection c on c.id = s.collection_id""",
    "generation": """
select g.id, c.name || ' ' || left(g.fingerprint, 12) || ' ' || g.state || ' ' || md5(s.parameters::text) as name
from generation g join collection c on c.id = g.collection_id join chunk_set s on s.id = g.chunk_set_id""",
}
_COLUMNS = """
select c.relname as table, a.attname as column, a.attidentity <> '' as numbered
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
where c.relnamespace = 'hybridrag'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname, a.attnum"""
_LEXICAL_FIGURES = """
select s.id, coalesce(w.chunks, 0) - coalesce(b.chunks, 0) as chunks,
       coalesce(w.terms, 0) - coalesce(b.terms, 0) as terms
from chunk_set s
left join (select chunk_set_id, sum(chunks) as chunks, sum(terms) as terms from segment group by 1) w
    on w.chunk_set_id = s.id
left join (select chunk_set_id, count(*) as chunks, sum(length) as terms from buried group by 1) b
    on b.chunk_set_id = s.id"""
_SCHEMAS = "select nspname as name from pg_namespace where nspname like 'hybridrag%'"
_RELATIONS = """
select c.relname as name, coalesce(i.indisvalid, true) as valid
from pg_class c left join pg_index i on i.indexrelid = c.oid
where c.relnamespace = 'hybridrag'::regnamespace and c.relkind in ('r', 'p', 'i', 'I', 'S')"""
