"""How PostgreSQL finds what a search asks for: by indexes, in a collection too large to read through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from psycopg import sql

from hybridrag.retrieval import parse_filter
from hybridrag.store.filters import documents_matching
from hybridrag.store.queries import on_vectors, statement
from hybridrag.store.snapshot import SearchSnapshot
from tests.store.corpus import DIMENSIONS, Corpus

DOCUMENTS = 2_000
CHUNKS = 4
TABLES = {"chunk", "posting", "document", "vectors"}

FILL = """
insert into document (collection_id, id, source_id, path, title, media_type, label, metadata, content_hash, text, pages,
                      processing)
select %(collection)s, md5(n::text)::uuid, %(source)s, 'part' || n %% 50 || '/' || n || '.md', 'Title', 'text/markdown',
       'internal', jsonb_build_object('author', 'author' || n %% 100), 'h', repeat('some text ', 40), '[]', 'p'
from generate_series(1, %(documents)s) n;
insert into chunk (id, chunk_set_id, collection_id, document_id, ordinal, start_offset, end_offset, headings, tokens,
                   text, text_hash, length, number)
select md5(n || '/' || c)::uuid, %(chunk_set)s, %(collection)s, md5(n::text)::uuid, c, c * 100, c * 100 + 100, '{}', 20,
       repeat('some text ', 10), sha256(convert_to(n || '/' || c, 'UTF8')), 20, (n - 1) * %(chunks)s + c + 1
from generate_series(1, %(documents)s) n, generate_series(0, %(chunks)s - 1) c;
insert into segment (chunk_set_id, first, last, chunks, terms, analysers)
select %(chunk_set)s, 1, count(*), count(*), sum(length), '{en}' from chunk;
insert into posting (chunk_set_id, segment, term, entries)
select %(chunk_set)s, 1, 'term' || t, string_agg(int4send(number) || int2send(1::int2) || int2send(20::int2), ''::bytea)
from generate_series(1, %(documents)s * %(chunks)s) t
cross join lateral generate_series(t, %(documents)s * %(chunks)s, t) number
group by t;
"""


@pytest.fixture(scope="module")
def corpus(module_database_url: str) -> Iterator[Corpus]:
    """Eight thousand chunks, written by SQL, with an index over their vectors."""
    corpus = Corpus.create(module_database_url)
    corpus.add("seed.md", "seed")
    generation = corpus.collection.generation
    with corpus.store.ingest_run(corpus.collection) as run, run._connection.transaction():
        run.remove(corpus.sources["handbook"], ["seed.md"])
        tx = run._connection
        tx.execute("set local search_path = hybridrag, public")
        tx.execute("delete from segment; delete from posting; delete from buried")
        values = {
            "collection": corpus.collection.id,
            "source": corpus.sources["handbook"],
            "chunk_set": generation.chunk_set,
            "documents": DOCUMENTS,
            "chunks": CHUNKS,
        }
        for part in FILL.split(";\n")[:-1]:
            tx.execute(part.encode(), values)
        tx.execute(
            sql.SQL(
                "insert into {} select text_hash, (select array_agg(random() - .5) from generate_series(1, %s)"
                " where number > 0)::vector::halfvec from chunk"
            ).format(sql.Identifier(f"vectors_{generation.id}")),
            (DIMENSIONS,),
        )
        tx.execute(on_vectors("move_to_index", generation.id))
        tx.execute(on_vectors("create_vector_index", generation.id))
        tx.execute(on_vectors("analyze", generation.id))
    yield corpus
    corpus.store.close()


def plan(snapshot: SearchSnapshot, query: Any, values: dict[str, Any]) -> list[dict[str, Any]]:
    text = query if isinstance(query, str) else query.as_string(snapshot.tx)
    row = snapshot.tx.execute(f"explain (format json) {text}".encode(), values).fetchone()
    assert row is not None
    waiting, nodes = [row["QUERY PLAN"][0]["Plan"]], []
    while waiting:
        nodes.append(waiting.pop())
        waiting += nodes[-1].get("Plans", [])
    return nodes


def scanned(nodes: list[dict[str, Any]]) -> set[str]:
    """The tables that are read through from end to end."""
    names = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    return {"vectors" if name.endswith("_indexed") else name for name in names} & TABLES


def asked(corpus: Corpus, **values: Any) -> dict[str, Any]:
    vector = np.ones(DIMENSIONS) / 4
    return {
        "chunk_set": corpus.collection.generation.chunk_set,
        "vector": str(vector.tolist()),
        "limit": 100,
        "texts": 200,
        "copies": 10,
        **values,
    }


@pytest.mark.parametrize("name", ["dense", "dense_among", "similarities", "vectors_of"])
def test_vectors_are_found_by_an_index(corpus: Corpus, name: str) -> None:
    with corpus.store.snapshot("default") as snapshot:
        query = on_vectors(name, corpus.collection.generation.id)
        nodes = plan(snapshot, query, asked(corpus, numbers=list(range(1, DOCUMENTS * CHUNKS // 20, 7))))
    assert not scanned(nodes)
    assert any("hnsw" in node.get("Index Name", "") for node in nodes) is (name == "dense")


@pytest.mark.parametrize("terms", [["term1"], ["term1", "term2", "term3", "term4000"], ["nowhere"]])
def test_postings_are_found_by_their_key(corpus: Corpus, terms: list[str]) -> None:
    with corpus.store.snapshot("default") as snapshot:
        assert not scanned(plan(snapshot, statement("postings"), asked(corpus, terms=terms)))


def test_chunks_and_texts_are_found_by_their_keys(corpus: Corpus) -> None:
    with corpus.store.snapshot("default") as snapshot:
        assert not scanned(plan(snapshot, statement("chunks"), asked(corpus, numbers=list(range(1, 100)))))


def test_a_filter_looks_at_documents_first_and_then_at_their_chunks_by_key(corpus: Corpus) -> None:
    wanted = parse_filter("meta.author=author7")
    assert wanted is not None
    matching, values = documents_matching(wanted, corpus.collection.id)
    query = sql.SQL(statement("numbers_of")).format(matching=matching)
    with corpus.store.snapshot("default") as snapshot:
        assert len(snapshot.numbers_of(wanted)) == DOCUMENTS // 100 * CHUNKS
        nodes = plan(snapshot, query, asked(corpus, **values))
    assert scanned(nodes) <= {"document"}
    assert any(node.get("Index Name") == "chunk_document" for node in nodes)
