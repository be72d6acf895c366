"""Forgetting in the tables: everything of a document goes at once, in every generation, and nothing of the others."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from hybridrag.errors import DatabaseError, DatabaseUnavailable
from hybridrag.globs import pattern_of
from hybridrag.store import PostgresStore
from hybridrag.store import rewriting as rewriting_module
from hybridrag.store.forgetting import Forgettable, Forgetting
from hybridrag.store.rewriting import Rewriting
from hybridrag.types import Label, Source
from tests.store.corpus import Corpus

SECRET = "zanzibarian"
FORGOTTEN = "hr/ann.md"


@pytest.fixture
def corpus(database_url: str) -> Iterator[Corpus]:
    """Two documents that share a chunk, and a second generation on a chunk set of its own that holds both."""
    made = Corpus.create(database_url)
    made.add(FORGOTTEN, f"the {SECRET} salary of ann", "the meal allowance")
    made.add("hr/rules.md", "the meal allowance", "travel is approved by finance")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set search_path = hybridrag, public")
        connection.execute(_SECOND_GENERATION)
        connection.execute("update generation set sample = 'abc', sampled_of = 4, gate = %s", [GATE])
        connection.execute(
            "insert into problem (source_id, path, reason, hint, failed) select id, %s, 'r', 'h', true from source",
            [FORGOTTEN],
        )
        connection.execute(_IN_COMMON, {"path": FORGOTTEN, "hash": SECRET.encode()})
    yield made
    made.store.close()


GATE = Jsonb(
    {
        "passed": True,
        "reasons": [],
        "worse": [{"question": "what does ann earn?", "before": 1.0, "after": 0.5}],
        "notes": [f"1 judged documents are not in the collection (the first: {FORGOTTEN})", "ask more"],
    }
)
_IN_COMMON = """
with c as (insert into container (source_id, path, content_hash, processing)
           select id, %(path)s, %(hash)s, '' from source),
     l as (insert into likeness select collection_id, id, 1, '{7}', 3, %(hash)s, '' from document where path = %(path)s)
insert into boilerplate select collection_id, 7, id from document where path = %(path)s
"""
_SECOND_GENERATION = """
with made as (
    insert into chunk_set (collection_id, parameters, text_search)
    select collection_id, '{"other": 1}', text_search from chunk_set returning id
)
insert into generation (collection_id, chunk_set_id, model, fingerprint, dimensions, state)
select g.collection_id, made.id, 'other', repeat('e', 64), g.dimensions, 'ready' from generation g cross join made;

do $$
declare other bigint := (select id from generation where state = 'ready');
        active bigint := (select id from generation where state = 'active');
        other_set bigint := (select chunk_set_id from generation where state = 'ready');
begin
    execute format('create table vectors_%s (like vectors_%s) partition by list (indexed)', other, active);
    execute format('create table vectors_%1$s_scanned partition of vectors_%1$s (primary key (text_hash))
                    for values in (false)', other);
    execute format('create table vectors_%1$s_indexed partition of vectors_%1$s (primary key (text_hash))
                    for values in (true)', other);
    execute format('insert into vectors_%s select * from vectors_%s', other, active);
    insert into chunk select id, other_set, collection_id, document_id, ordinal, start_offset, end_offset, page,
                             headings, tokens, text, text_hash, length, number from chunk;
    insert into segment select other_set, first, last, chunks, terms, analysers from segment;
    insert into posting select other_set, segment, term, entries from posting;
    insert into chunking select other_set, collection_id, id, '' from document;
    insert into to_chunk select other_set, collection_id, id from document;
    insert into to_embed select other, text_hash from chunk on conflict do nothing;
end
$$
"""


def forget(corpus: Corpus, *paths: str, rehearsal: bool = False, left_out: bool = True) -> dict[str, int]:
    store: PostgresStore = corpus.store
    with store.ingest_run(corpus.collection), Forgetting.open(store.url, corpus.collection) as forgetting:
        documents = known(forgetting, paths)
        removed = forgetting.forget(documents, left_out=documents if left_out else [], rehearsal=rehearsal)
        return removed if rehearsal else {**removed, "compacted": forgetting.compact()}


def known(forgetting: Forgetting, paths: Sequence[str]) -> list[Forgettable]:
    return forgetting.known([("handbook", path) for path in paths])


def everything(url: str) -> dict[str, str]:
    """Every table and what PostgreSQL noted of its values, as text."""
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        connection.execute("set search_path = hybridrag, public")
        names = [row["name"] for row in connection.execute(_TABLES)]
        held = {name: str(connection.execute(f'select * from "{name}"').fetchall()) for name in names}
        noted = connection.execute("select * from pg_stats where schemaname = 'hybridrag'").fetchall()
    return {**held, "pg_stats": str(noted)}


_TABLES = """
select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'hybridrag' and c.relkind = 'r'
"""


def test_a_document_goes_from_every_table_and_every_generation_at_once(corpus: Corpus) -> None:
    assert {name for name, held in everything(corpus.store.url).items() if SECRET in held} >= {
        "chunk",
        "document",
        "posting",
    }
    assert repr(SECRET.encode()) in everything(corpus.store.url)["container"]
    removed = forget(corpus, FORGOTTEN)
    assert removed == {
        "documents": 1,
        "chunks": 4,
        "detections": 0,
        "waiting_documents": 1,
        "problems": 1,
        "messages": 0,
        "gates": 2,
        "evaluations": 0,
        "waiting_texts": 1,
        "vectors": 2,
        "samples": 2,
        "gate_questions": 2,
        "compacted": 2,
    }
    left = everything(corpus.store.url)
    assert [name for name, held in left.items() if SECRET in held or "earn" in held] == []
    assert [left[name] for name in ("container", "likeness", "boilerplate")] == ["[]"] * 3
    # The shared chunk is the other document's too: its vector stays in both generations.
    with psycopg.connect(corpus.store.url) as connection:
        gates = connection.execute(
            "select gate ->> 'passed', gate -> 'reasons', gate -> 'notes' from hybridrag.generation"
        )
        assert gates.fetchall() == [("true", [], ["(forgotten)", "ask more"])] * 2
        vectors = connection.execute(
            "select (select count(*) from hybridrag.vectors_1), (select count(*) from hybridrag.vectors_2)"
        ).fetchone()
    assert vectors == (2, 2)


def test_a_rehearsal_counts_the_same_and_changes_nothing(corpus: Corpus) -> None:
    before = everything(corpus.store.url)
    counted = forget(corpus, FORGOTTEN, rehearsal=True)
    assert everything(corpus.store.url) == before
    done = forget(corpus, FORGOTTEN)
    del done["compacted"]
    assert counted == done


def test_what_an_interrupted_one_left_goes_although_the_document_is_gone(corpus: Corpus) -> None:
    with corpus.store.ingest_run(corpus.collection), Forgetting.open(corpus.store.url, corpus.collection) as broken_off:
        broken_off.forget(known(broken_off, [FORGOTTEN]), left_out=[], rehearsal=False)
    assert SECRET in everything(corpus.store.url)["posting"]
    removed = forget(corpus, FORGOTTEN)
    assert (removed["documents"], removed["compacted"]) == (0, 2)
    assert SECRET not in everything(corpus.store.url)["posting"]


def test_statistics_hold_no_value_of_what_is_gone(corpus: Corpus) -> None:
    with Rewriting.open(corpus.store.url, corpus.collection, lambda _: None) as rewriting:
        rewriting.renew_statistics()
        assert SECRET in everything(corpus.store.url)["pg_stats"]
        forget(corpus, FORGOTTEN, "hr/rules.md")  # tables are empty then, and ANALYZE would leave what it noted
        assert SECRET in everything(corpus.store.url)["pg_stats"]
        rewriting.renew_statistics()
        assert SECRET not in everything(corpus.store.url)["pg_stats"]


def sources_of(corpus: Corpus) -> list[dict[str, Any]]:
    with psycopg.connect(corpus.store.url, row_factory=dict_row) as connection:
        return connection.execute("select only_paths, exclude from hybridrag.source").fetchall()


def test_a_source_leaves_documents_out_and_takes_them_in_again(corpus: Corpus) -> None:
    source = Source(name="handbook", kind="folder", root="/nowhere", exclude=("*.tmp",))
    corpus.store.save_source(corpus.collection, source)
    forget(corpus, FORGOTTEN, "hr/[a] rule !.md")
    kept_out = ["*.tmp", "/hr/\\[a\\] rule \\!.md", "/hr/ann.md"]
    assert sources_of(corpus) == [{"only_paths": [], "exclude": kept_out}]
    forget(corpus, "hr/[a] rule !.md", left_out=False)
    assert sources_of(corpus) == [{"only_paths": [], "exclude": ["*.tmp", "/hr/ann.md"]}]


def test_a_source_of_single_files_lists_them_no_more(corpus: Corpus) -> None:
    source = Source(name="handbook", kind="folder", root="/nowhere", only=(FORGOTTEN, "hr/rules.md"))
    corpus.store.save_source(corpus.collection, source)
    forget(corpus, FORGOTTEN)
    assert sources_of(corpus) == [{"only_paths": ["hr/rules.md"], "exclude": []}]
    forget(corpus, "hr/rules.md")
    assert sources_of(corpus) == []  # without a list it would be all of its folder


@pytest.mark.parametrize("path", ["a.md", "a/[x]*?.md", "#a", "!a", "a\\b.md", "ends with blank ", "ä/ü.md"])
def test_a_pattern_means_its_path_alone(path: str) -> None:
    from pathspec import GitIgnoreSpec

    left_out = GitIgnoreSpec.from_lines([pattern_of(path)])
    assert left_out.match_file(path)
    assert not left_out.match_file(f"other/{path}")
    assert not left_out.match_file(path.replace("a", "aa").replace("ä", "ää").replace("blank", "blan"))


def test_a_label_goes_with_what_it_was_given_to(corpus: Corpus) -> None:
    """Unless the file is still there: it may be ingested again, and must not be less guarded then."""
    globs = (("handbook/hr/ann.md", Label.LOCAL_ONLY), ("handbook/hr/**", Label.CONFIDENTIAL))
    source = Source(name="handbook", kind="folder", root="/nowhere", label_globs=globs)
    corpus.store.save_source(corpus.collection, source)

    def label_globs() -> tuple[tuple[str, Label], ...]:
        (row,) = corpus.store.list_sources(corpus.collection)
        kept: Source = row["source"]
        return kept.label_globs

    forget(corpus, FORGOTTEN)
    assert label_globs() == globs
    with corpus.store.ingest_run(corpus.collection), Forgetting.open(corpus.store.url, corpus.collection) as forgetting:
        documents = known(forgetting, [FORGOTTEN])
        forgetting.forget(documents, left_out=[], gone=documents, rehearsal=False)
    assert label_globs() == globs[1:]


def test_a_role_rewrites_what_it_owns_and_is_told_what_it_may_not(corpus: Corpus) -> None:
    role = f"test_role_{uuid.uuid4().hex[:12]}"
    url = corpus.store.url
    as_role = f"{url}{'&' if '?' in url else '?'}options=-crole%3D{role}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {}").format(sql.Identifier(role)))
        connection.execute(_GRANTED.replace("THE_ROLE", role))
        try:
            with Rewriting.open(as_role, corpus.collection, lambda _: None) as rewriting:
                with pytest.raises(DatabaseError, match=r"hybridrag\.\w+ does not belong to this role"):
                    rewriting.rewrite(own_server=False)
                connection.execute(_OWNED.replace("THE_ROLE", role))
                done = rewriting.rewrite(own_server=False)
            assert [line.split(":")[0].split(",")[0] for line in done.left] == [
                "freed rows of pg_statistic",
                "the write-ahead log",
            ]
        finally:
            connection.execute(sql.SQL("drop owned by {0}; drop role {0}").format(sql.Identifier(role)))


_GRANTED = (
    "grant usage, create on schema hybridrag to THE_ROLE; grant select on all tables in schema hybridrag to THE_ROLE"
)
_OWNED = """
do $$
declare one record;
begin
    for one in select c.oid::regclass as name from pg_class c
               where c.relnamespace = 'hybridrag'::regnamespace and c.relkind in ('r', 'p') loop
        execute format('alter table %s owner to THE_ROLE', one.name);
    end loop;
end
$$
"""


def test_rewriting_waits_for_those_who_still_see_what_is_gone(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """And tells who it is, when they do not end."""
    monkeypatch.setattr(rewriting_module, "_PATIENCE", 0.0)
    with psycopg.connect(corpus.store.url, application_name="a report") as reader:
        reader.execute("set transaction isolation level repeatable read")
        reader.execute("select count(*) from hybridrag.document")
        forget(corpus, FORGOTTEN)
        with (
            Rewriting.open(corpus.store.url, corpus.collection, lambda _: None) as rewriting,
            pytest.raises(DatabaseUnavailable, match=rf"a report {reader.info.backend_pid} idle in transaction"),
        ):
            rewriting.rewrite(own_server=False)


def test_who_holds_a_collection_pins_nothing(corpus: Corpus) -> None:
    """Else no row could be cleaned up while an ingest runs, and a purge would wait for itself."""
    with corpus.store.ingest_run(corpus.collection), psycopg.connect(corpus.store.url) as connection:
        held = connection.execute(
            "select count(*), count(backend_xmin) from pg_stat_activity"
            " where datname = current_database() and state = 'idle in transaction'"
        ).fetchone()
        locked = connection.execute(
            "select count(*) from pg_locks join pg_class on pg_class.oid = pg_locks.relation"
            " where relnamespace = 'hybridrag'::regnamespace and pid <> pg_backend_pid()"
            " and database = (select oid from pg_database where datname = current_database())"
        ).fetchone()
    assert held == (1, 0)
    assert locked == (0,)


def test_what_a_killed_restore_put_aside_goes_too(corpus: Corpus) -> None:
    """The index that was there before: a restore that is killed after its commit leaves it."""
    with psycopg.connect(corpus.store.url, autocommit=True) as connection:
        connection.execute("create schema hybridrag_before_restore")
        connection.execute("create table hybridrag_before_restore.document as select * from hybridrag.document")
        forget(corpus, FORGOTTEN, rehearsal=True)
        assert connection.execute(_ASIDE).fetchone() == (True,)
        forget(corpus, FORGOTTEN)
        assert connection.execute(_ASIDE).fetchone() == (False,)


_ASIDE = "select exists (select from pg_namespace where nspname = 'hybridrag_before_restore')"
