"""Connections that break, run out, go through a pooler, or tell another time: a clear message, or no effect at all."""

from __future__ import annotations

import itertools
import json
import os
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.conftest import CommandLine, Here
from tests.faults.conftest import Corpus, url_of
from tests.faults.digest import assert_same, digest
from tests.faults.stops import Place, stop_at
from tests.faults.test_database import assert_refused, on
from tests.servers.pooler import TransactionPooler, transaction_pooler


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# Travel\n\nThe meal allowance for travel is 62 euros.\n")
    return folder


# --- connections that break ------------------------------------------------------------------------------------------

WAITS_FOR_A_TABLE = """
select pid from pg_locks l join pg_database d on d.oid = l.database
where d.datname = current_database() and l.locktype = 'relation' and not l.granted
"""


@contextmanager
def broken_where_it_reads(url: str, table: str) -> Iterator[list[int]]:
    """Ends the connection of whoever reads `table` of our schema, while it does; gives the processes it ended."""
    ended: list[int] = []
    over = threading.Event()
    with psycopg.connect(url) as holder, psycopg.connect(url, autocommit=True) as watcher:
        holder.execute(sql.SQL("lock table hybridrag.{} in access exclusive mode").format(sql.Identifier(table)))

        def end() -> None:
            while not over.is_set():
                for (pid,) in watcher.execute(WAITS_FOR_A_TABLE).fetchall():
                    watcher.execute("select pg_terminate_backend(%s, 10000)", (pid,))
                    ended.append(pid)
                    over.set()
                    holder.rollback()

        thread = threading.Thread(target=end)
        thread.start()
        try:
            yield ended
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("arguments", "table"),
    [
        (("search", "travel"), "source"),  # the collection, before anything else
        (("search", "travel"), "chunk"),  # the hits, after the arms
        (("ask", "What is the meal allowance?"), "chunk"),
        (("documents", "list"), "document"),
    ],
    ids=str,
)
def test_lost_while_reading(cli: CommandLine, here: Here, notes: Path, arguments: tuple[str, ...], table: str) -> None:
    assert here(cli)("ingest", str(notes), "-q").code == 0
    with broken_where_it_reads(url_of(cli), table) as ended:
        done = here(cli)(*arguments, "--json")
    assert ended
    assert_refused(done, 4, "broke off", "administrator command")
    assert json.loads(done.err.splitlines()[-1])["retryable"] is True
    again = here(cli)(*arguments, "--json")
    assert again.code == 0, again.err


ENDED_AT = [
    (Place("document", "insert"), "the writer"),
    (Place("chunk", "insert", row=60), "the writer"),
    (Place("chunk", "insert", row=60), "the holder"),
    (Place("document", "insert", at_commit=True), "all"),
    (Place("source", "update"), "all"),
]
CONNECTIONS = {
    "the writer": "wait_event_type = 'Lock'",
    # It holds the collection: without it another run could begin.
    "the holder": "state = 'idle in transaction'",
    "all": "true",
}


@pytest.mark.parametrize(("place", "whose"), ENDED_AT, ids=str)
def test_lost_while_writing(cli: CommandLine, here: Here, the_corpus: Corpus, place: Place, whose: str) -> None:
    arguments = ("ingest", *Corpus.paths(the_corpus.first), "--json")
    assert here(cli)("db", "migrate").code == 0
    with stop_at(url_of(cli), place) as stop:
        process = cli.start(*arguments, stdout=-1, stderr=-1)
        try:
            stop.reached_by(process)
            with psycopg.connect(url_of(cli), autocommit=True) as connection:
                ended = connection.execute(
                    "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
                    " where datname = current_database() and application_name = 'hybridrag' and " + CONNECTIONS[whose]
                ).fetchall()
            stop.release()
            out, err = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert ended
    assert (process.returncode, out) == (4, b""), err.decode()
    error = json.loads(err.splitlines()[-1])
    assert (error["error"], error["retryable"]) == ("DatabaseUnavailable", True)
    assert b"Traceback" not in err
    again = here(cli)(*arguments)
    assert again.code == 0, again.err
    assert_same(digest(url_of(cli)), the_corpus.of_first)


# --- connections that run out ----------------------------------------------------------------------------------------


@pytest.fixture
def limited(database_url: str) -> Iterator[Callable[[int], dict[str, str]]]:
    """The environment of a role that has all rights to what is here now and may have so many connections."""
    name = f"test_role_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("create role {} login password 'few'").format(sql.Identifier(name)))

        def environment(limit: int) -> dict[str, str]:
            for kind in ("schema hybridrag", "all tables in schema hybridrag", "all sequences in schema hybridrag"):
                connection.execute(sql.SQL("grant all on {} to {}").format(sql.SQL(kind), sql.Identifier(name)))
            connection.execute(
                sql.SQL("alter role {} connection limit {}").format(sql.Identifier(name), sql.Literal(limit))
            )
            separator = "&" if "?" in database_url else "?"
            return on(f"{database_url}{separator}user={name}") | {"PGPASSWORD": "few"}

        yield environment
        connection.execute(sql.SQL("drop owned by {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_too_few_connections(
    cli: CommandLine, here: Here, notes: Path, limited: Callable[[int], dict[str, str]], limit: int
) -> None:
    assert here(cli)("ingest", str(notes), "-q").code == 0
    before = digest(url_of(cli))
    (notes / "b.md").write_text("# More\n\nThe hotel limit is 120 euros.\n")
    done = here(cli)("search", "meal allowance", env=limited(limit))
    assert done.code == (0 if limit else 4), done.err
    done = here(cli)("ingest", str(notes), env=limited(limit))
    assert_refused(done, 4, "takes no more connections", "try later")
    assert_same(digest(url_of(cli)), before)


def test_as_few_connections_as_an_ingest_needs(
    cli: CommandLine, here: Here, notes: Path, limited: Callable[[int], dict[str, str]]
) -> None:
    assert here(cli)("ingest", str(notes), "-q").code == 0
    (notes / "b.md").write_text("# More\n\nThe hotel limit is 120 euros.\n")
    done = here(cli)("ingest", str(notes), env=limited(4))
    assert done.code == 0, done.err


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("alter role {role} nologin", "does not let this user in"),
        ("revoke connect on database {database} from public", "does not let this user in"),
    ],
)
def test_who_is_not_let_in(
    cli: CommandLine, here: Here, limited: Callable[[int], dict[str, str]], change: str, words: str
) -> None:
    environment = limited(-1)
    role = environment["HYBRIDRAG_DATABASE_URL"].rpartition("=")[2]
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        connection.execute(
            sql.SQL(change).format(role=sql.Identifier(role), database=sql.Identifier(connection.info.dbname))
        )
    done = here(cli)("search", "travel", "--json", env=environment)
    assert_refused(done, 4, words)
    assert json.loads(done.err.splitlines()[-1])["retryable"] is False


# --- what a role or a server does not grant --------------------------------------------------------------------------


def test_a_role_without_one_table(
    cli: CommandLine, here: Here, notes: Path, limited: Callable[[int], dict[str, str]]
) -> None:
    assert here(cli)("ingest", str(notes), "-q").code == 0
    before = digest(url_of(cli))
    environment = limited(-1)
    role = environment["HYBRIDRAG_DATABASE_URL"].rpartition("=")[2]
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        connection.execute(sql.SQL("revoke all on hybridrag.chunk from {}").format(sql.Identifier(role)))
    (notes / "b.md").write_text("# More\n\nThe hotel limit is 120 euros.\n")
    for arguments in (("search", "meal allowance"), ("ingest", str(notes)), ("ask", "What is the meal allowance?")):
        assert_refused(here(cli)(*arguments, env=environment), 4, "privilege", "chunk", "hybridrag doctor")
    assert_same(digest(url_of(cli)), before)


def test_a_role_that_may_not_make_tables(
    cli: CommandLine, here: Here, notes: Path, limited: Callable[[int], dict[str, str]]
) -> None:
    """It may write to what there is, so only a new collection, which has a table of its own, is refused."""
    assert here(cli)("ingest", str(notes), "-q").code == 0
    environment = limited(-1)
    role = environment["HYBRIDRAG_DATABASE_URL"].rpartition("=")[2]
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        connection.execute(sql.SQL("revoke create on schema hybridrag from {}").format(sql.Identifier(role)))
    (notes / "b.md").write_text("# More\n\nThe hotel limit is 120 euros.\n")
    done = here(cli)("ingest", str(notes), "-c", "new", env=environment)
    assert_refused(done, 4, "privilege", "schema hybridrag")
    assert [row["name"] for row in here(cli)("collections", "list", "--json").json["collections"]] == ["default"]
    done = here(cli)("ingest", str(notes), env=environment)
    assert done.code == 0, done.err


# --- a pooler in transaction mode ------------------------------------------------------------------------------------


@pytest.fixture
def pooled(database_url: str) -> Iterator[TransactionPooler]:
    with transaction_pooler(database_url) as pooler:
        yield pooler


def test_everything_works_through_a_pooler(
    pooled: TransactionPooler, cli: CommandLine, here: Here, notes: Path, tmp_path: Path
) -> None:
    environment = on(pooled.url(url_of(cli)))

    def run(*arguments: str) -> str:
        done = here(cli)(*arguments, env=environment)
        assert done.code == 0, done.err
        return done.out

    for number in range(20):
        (notes / f"{number}.md").write_text(f"# Note {number}\n\n" + f"The meeting of week {number}. " * 30)
    run("db", "migrate")
    run("ingest", str(notes))
    indexed = digest(url_of(cli))
    assert len(indexed.documents) == 21
    assert here(cli)("ingest", str(notes), "--json").json["documents"]["unchanged"] == 21  # without the pooler
    assert json.loads(run("search", "meal allowance", "--json"))["hits"][0]["document"]["uri"] == "notes/a.md"
    run("ask", "What is the meal allowance?")
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"question": "What is the meal allowance?", "sources": ["notes/a.md"]}\n')
    assert json.loads(run("eval", "run", str(questions), "--json"))["queries"] == 1
    (notes / "a.md").write_text("# Travel\n\nThe meal allowance for travel is 70 euros.\n")
    run("sync")
    run("reindex", "start", "--chunk-tokens", "64")
    run("reindex", "work")
    run("reindex", "promote")
    assert "70 euros" in json.loads(run("search", "meal allowance", "--json"))["hits"][0]["text"]
    run("reindex", "rollback")
    assert "70 euros" in json.loads(run("search", "meal allowance", "--json"))["hits"][0]["text"]
    # It was a pooler: no two transactions in a row had the same server process.
    rows = [row for row in pooled.served.values() if len(row) > 1]
    assert len(rows) > 3
    assert all(before != after for row in rows for before, after in itertools.pairwise(row))


def test_a_pooler_that_takes_no_options(pooled: TransactionPooler, cli: CommandLine, here: Here) -> None:
    done = here(cli)("search", "travel", env=on(f"{pooled.url(url_of(cli))}&options=-cwork_mem%3D8MB"))
    assert_refused(done, 4, "takes no `options`", "ignore_startup_parameters")


# --- a clock that was set back a day ---------------------------------------------------------------------------------


TOMORROW = "now() + interval '1 day'"


def test_an_index_of_tomorrow(cli: CommandLine, here: Here, notes: Path) -> None:
    assert here(cli)("ingest", str(notes), "-q").code == 0
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        for column in ("source.ingested_at", "document.indexed_at", "document.modified_at", "collection.created_at"):
            table, _, name = column.partition(".")
            connection.execute(f"update hybridrag.{table} set {name} = {TOMORROW}")
    ahead = time.time() + 86_400
    os.utime(notes / "a.md", (ahead, ahead))
    done = here(cli)("ask", "What is the meal allowance?")
    assert done.code == 0, done.err
    assert ", 0 s old" in done.err
    for arguments in (("documents", "list"), ("collections", "show"), ("sources", "list")):
        done = here(cli)(*arguments)
        assert done.code == 0, done.err
        assert not re.search(r"-\d+ (min|h|days|s)\b", done.out + done.err), done.out
    again = here(cli)("ingest", str(notes), "--json").json
    assert (again["documents"]["unchanged"], again["chunks"]["embedded"]) == (1, 0)
    (notes / "a.md").write_text("# Travel\n\nThe meal allowance for travel is 70 euros.\n")
    os.utime(notes / "a.md", (ahead, ahead))  # the same time and the same size, and another text
    assert here(cli)("ingest", str(notes), "--json").json["documents"]["updated"] == 1
