"""kill -9 at any moment of an ingest: what others see stays whole, and the next run ends where an undisturbed one does.

Where the process is when it dies is not left to chance: it is stopped at a place in its work and killed there.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.conftest import CommandLine, Here, command_line
from tests.faults.conftest import Corpus, url_of
from tests.faults.corpus import RECORDS
from tests.faults.digest import Digest, assert_same, assert_whole, digest
from tests.faults.stops import Place, stop_at, wait_until

NOTHING = Digest({}, {}, {})
AS_USERS_START_IT = (Place("chunk", "insert", row=60), Place("chunk", "insert", row=9))
"""Where the process that is killed has an interpreter of its own; elsewhere a forked one will do."""
GONE = "old.path in ('note-03.txt', 'note-04.txt', 'note-05.txt')"


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


@pytest.fixture
def indexed(indexed: CommandLine, here: Here) -> CommandLine:
    return here(indexed)


def kill_at(cli: CommandLine, place: Place, arguments: tuple[str, ...], *allowed: Digest) -> Digest:
    """Runs until `place` and kills there; returns what is visible then, which must be whole."""
    with stop_at(url_of(cli), place) as stop:
        start = cli.start_anew if place in AS_USERS_START_IT else cli.start
        process = start(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            stop.reached_by(process)
            assert_whole(digest(url_of(cli)), *allowed)
        finally:
            process.kill()
            process.communicate()
            stop.release()
    visible = digest(url_of(cli))
    assert_whole(visible, *allowed)
    return visible


@pytest.mark.parametrize(
    "place",
    [
        Place("collection", "insert"),
        Place("generation", "insert", at_commit=True),
        Place("document", "insert"),
        Place("chunk", "insert", row=60),
        Place("document", "insert", at_commit=True),
        Place("document", "insert", row=RECORDS),
        Place("source", "update"),
    ],
    ids=str,
)
def test_the_first_ingest(cli: CommandLine, the_corpus: Corpus, place: Place) -> None:
    arguments = ("ingest", *Corpus.paths(the_corpus.first))
    visible = kill_at(cli, place, arguments, NOTHING, the_corpus.of_first)
    if place == Place("document", "insert", row=RECORDS):
        assert 64 <= len(visible.documents) < RECORDS  # the batches before it stay
    again = cli(*arguments, "--json")
    assert again.code == 0, again.err
    assert again.json["documents"]["added"] == len(the_corpus.of_first.documents) - len(visible.documents)
    assert_same(digest(url_of(cli)), the_corpus.of_first)


@pytest.mark.parametrize(
    "place",
    [
        Place("source", "update"),
        Place("document", "delete"),
        Place("vectors", "insert"),
        Place("chunk", "insert", row=9),
        Place("chunk", "insert", at_commit=True),
        Place("chunk", "insert", row=50),
        Place("document", "delete", where=GONE, row=2),
        Place("document", "delete", where=GONE, at_commit=True),
        Place("source", "update", where="old.ingested_at is distinct from new.ingested_at", row=2),
        Place("vectors", "delete", row=3),
    ],
    ids=str,
)
def test_an_ingest_of_changes(indexed: CommandLine, the_corpus: Corpus, place: Place) -> None:
    arguments = ("ingest", *Corpus.paths(the_corpus.second))
    kill_at(indexed, place, arguments, the_corpus.of_first, the_corpus.of_second)
    again = indexed(*arguments)
    assert again.code == 0, again.err
    assert_same(digest(url_of(indexed)), the_corpus.of_second)


def test_killed_again_and_again(indexed: CommandLine, the_corpus: Corpus) -> None:
    arguments = ("ingest", *Corpus.paths(the_corpus.second))
    for place in (
        Place("document", "delete"),
        Place("chunk", "insert", row=12),
        Place("document", "delete", where=GONE, at_commit=True),
        Place("vectors", "delete"),
    ):
        kill_at(indexed, place, arguments, the_corpus.of_first, the_corpus.of_second)
    assert indexed(*arguments).code == 0
    assert_same(digest(url_of(indexed)), the_corpus.of_second)


def test_the_way_does_not_matter(cli: CommandLine, the_corpus: Corpus) -> None:
    """An ingest of changes leaves what an ingest of the changed files into nothing leaves."""
    assert cli("ingest", *Corpus.paths(the_corpus.second)).code == 0
    assert_same(digest(url_of(cli)), the_corpus.of_second)


def test_while_the_schema_is_made(
    bare_database_url: str, tmp_path: Path, tiny_model: Path, the_corpus: Corpus, here: Here
) -> None:
    cli = here(command_line(tmp_path / "home-bare", bare_database_url, tiny_model))
    arguments = ("ingest", *Corpus.paths(the_corpus.first))
    with psycopg.connect(bare_database_url, autocommit=True) as connection:
        connection.execute("create extension vector")
        connection.execute("select pg_advisory_lock(7)")
        connection.execute(_STOP_AT_TABLE)
        process = cli.start(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            wait_until(connection, _SOMEBODY_WAITS, process)
        finally:
            process.kill()
            process.communicate()
            connection.execute("select pg_advisory_unlock_all()")
        connection.execute("drop event trigger stop")
    again = cli(*arguments)
    assert again.code == 0, again.err
    assert_same(digest(bare_database_url), the_corpus.of_first)


_STOP_AT_TABLE = """
create function stop_here() returns event_trigger language plpgsql as $$
begin
    if current_query() like '%document_id%' then perform pg_advisory_xact_lock_shared(7); end if;
end $$;
create event trigger stop on ddl_command_start when tag in ('CREATE INDEX') execute function stop_here()
"""
_SOMEBODY_WAITS = """
select exists (select from pg_locks l join pg_database d on d.oid = l.database
               where d.datname = current_database() and l.locktype = 'advisory' and l.objid = 7 and not l.granted)
"""
