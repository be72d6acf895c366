"""A database made by the first version keeps its documents through every later migration."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import psycopg
import pytest

from hybridrag.store import PostgresStore
from hybridrag.store.connection import check_pgvector, connect, transaction
from hybridrag.store.migrations import shipped
from hybridrag.store.problems import open_problems
from tests.conftest import database

DOCUMENTS = """
insert into collection (name, embedder, text_search) values ('default', 'none', 'english');
insert into chunk_set (collection_id, parameters) select id, '{}' from collection;
insert into generation (collection_id, chunk_set_id, model, fingerprint, dimensions, state)
select c.id, s.id, 'none', 'f', 16, 'active' from collection c, chunk_set s;
insert into source (collection_id, name, kind, root, label)
select id, 'docs', 'folder', '/docs', 'internal' from collection;
insert into document (collection_id, id, source_id, path, title, media_type, label, metadata, content_hash,
                      text, pages, processing)
select c.id, gen_random_uuid(), s.id, 'note ' || n, 'Note', 'text/plain', 'internal', '{"author": "Ada"}', 'h',
       'A text.', '[]', 'p'
from collection c, source s, generate_series(1, 3) n;
insert into chunk (id, chunk_set_id, collection_id, document_id, ordinal, start_offset, end_offset, headings, tokens,
                   text, text_hash, lexemes, length)
select gen_random_uuid(), k.id, d.collection_id, d.id, 0, 0, 7, '{}', 4, d.text, 'x', to_tsvector('english', d.text), 1
from document d, chunk_set k;
create table vectors_1 (text_hash bytea primary key, embedding halfvec(16) not null);
insert into vectors_1 select 'x', array_agg(0.25)::vector::halfvec from generate_series(1, 16)
"""


@pytest.fixture
def first_version(server_url: str) -> Iterator[str]:
    """A database with the first migration and three documents."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'create database "{name}"')
    url = database(server_url, name)
    first = shipped()[0]
    with closing(connect(url)) as connection:
        check_pgvector(connection)
        with transaction(connection) as tx:
            tx.execute("create schema hybridrag")
            tx.execute(
                "create table schema_migration (number int primary key, name text not null, checksum text not null,"
                " applied_at timestamptz not null default now())"
            )
            tx.execute(first.text)
            tx.execute(
                "insert into schema_migration (number, name, checksum) values (%s, %s, %s)",
                (first.number, first.name, first.checksum),
            )
            tx.execute(DOCUMENTS)
    yield url
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'drop database "{name}" with (force)')


def test_every_document_is_kept(first_version: str) -> None:
    store = PostgresStore(first_version)
    assert store.migrate() == [f"{migration.number:04}_{migration.name}" for migration in shipped()[1:]]
    assert store.migrate() == []
    collection = store.find_collection("default")
    assert collection is not None
    rows = store.list_documents(collection)
    assert [(row["path"], row["chunks"], row["language"]) for row in rows] == [
        (f"note {number}", 1, None) for number in (1, 2, 3)
    ]
    shown = store.show_document(collection, "docs", "note 2")
    assert shown is not None
    assert (shown["text"], shown["metadata"], shown["language"]) == ("A text.", {"author": "Ada"}, None)
    assert store.count_languages(collection) == {None: 3}
    store.close()


def test_what_was_indexed_is_found_by_both_arms(first_version: str) -> None:
    store = PostgresStore(first_version)
    store.migrate()
    with store.snapshot("default") as snapshot:
        assert (snapshot.lexical_index.chunks, snapshot.lexical_index.terms) == (3, 3)
        assert sorted(snapshot.postings(["text"])["text"].numbers.tolist()) == [1, 2, 3]
        assert snapshot.dense(np.full(16, 0.25, np.float32), limit=9, among=None) == {
            number: pytest.approx(1, abs=1e-3) for number in (1, 2, 3)
        }
    store.close()


def test_problems_that_wait_for_ocr_are_known_as_such(first_version: str) -> None:
    """Before migration 14 their words alone told."""
    with closing(connect(first_version)) as connection, transaction(connection) as tx:
        for each in shipped()[1:13]:
            tx.execute(each.text)
            tx.execute("insert into schema_migration values (%s, %s, %s)", (each.number, each.name, each.checksum))
        tx.execute(
            "insert into problem (source_id, path, reason, hint, failed)"
            " select id, path, reason, '', path = 'scan.pdf' from source, (values"
            " ('scan.pdf', 'needs OCR: tesseract is not installed'), ('board.png', 'needs OCR, which is turned off'),"
            " ('old.pdf', 'OCR took too long'), ('broken.pdf', 'broken: no pages')) told(path, reason)"
        )
    store = PostgresStore(first_version)
    assert store.migrate()[0] == "0014_waiting_for_ocr"
    collection = store.find_collection("default")
    assert collection is not None
    told = {each.uri: each.needs_ocr for each in open_problems(first_version, collection)}
    assert told == {"docs/scan.pdf": True, "docs/board.png": True, "docs/old.pdf": False, "docs/broken.pdf": False}
    store.close()


def test_a_language_is_a_code(first_version: str) -> None:
    store = PostgresStore(first_version)
    store.migrate()
    store.close()
    with psycopg.connect(first_version) as connection:
        connection.execute("update hybridrag.document set language = 'de'")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("update hybridrag.document set language = 'German'")
