"""Backups and restores among other runs, and killed: what is there stays whole."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg

from tests.conftest import CommandLine, Here
from tests.faults.conftest import Corpus, url_of
from tests.faults.digest import assert_same, digest
from tests.faults.stops import Place, stop_at, wait_until

QUESTION = "Case 7 is about backup at the hotel, night 7."


def test_a_backup_during_an_ingest_is_one_moment(
    indexed: CommandLine, the_corpus: Corpus, tmp_path: Path, here: Here
) -> None:
    """And a restore does not come between."""
    file, at_hand = tmp_path / "index.dump", here(indexed)
    with stop_at(url_of(indexed), Place("chunk", "insert", row=9)) as stop:
        process = indexed.start("ingest", *Corpus.paths(the_corpus.second), stderr=subprocess.PIPE)
        stop.reached_by(process)
        then = digest(url_of(indexed))
        done = at_hand("db", "backup", str(file))
        refused = at_hand("db", "restore", "--replace", str(file), "--json")
        stop.release()
        _, err = process.communicate(timeout=120)
    assert done.code == 0, done.err
    assert refused.code == 75, refused.err
    assert process.returncode == 0, err.decode()
    assert_same(digest(url_of(indexed)), the_corpus.of_second)
    with psycopg.connect(url_of(indexed), autocommit=True) as connection:
        connection.execute("drop schema hybridrag cascade")
    restored = at_hand("db", "restore", str(file))
    assert restored.code == 0, restored.err
    with psycopg.connect(url_of(indexed), autocommit=True) as connection:
        connection.execute("drop trigger stop on hybridrag.chunk")  # the stop is part of that moment
    assert_same(digest(url_of(indexed)), then)
    assert at_hand("ingest", *Corpus.paths(the_corpus.second)).code == 0
    assert_same(digest(url_of(indexed)), the_corpus.of_second)


def test_a_restore_lets_others_read_and_if_killed_changes_nothing(
    indexed: CommandLine, the_corpus: Corpus, tmp_path: Path, here: Here
) -> None:
    """It is given half a backup, so that it waits amid its work; then it is killed."""
    file, at_hand = tmp_path / "index.dump", here(indexed)
    assert at_hand("db", "backup", str(file)).code == 0
    whole = file.read_bytes()
    process = indexed.start("db", "restore", "--replace", "-", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(whole[: len(whole) // 2])
    process.stdin.flush()
    with psycopg.connect(url_of(indexed), autocommit=True) as connection:
        wait_until(connection, _TABLES_ARE_MADE, process)
        found = at_hand("search", QUESTION, "--json")
        ingest = at_hand("ingest", *Corpus.paths(the_corpus.second))
        process.kill()
        process.communicate()
        with connection.transaction():  # which begins when the server has noticed
            connection.execute("lock table hybridrag.collection in exclusive mode")
    assert found.json["hits"]
    assert ingest.code == 75, ingest.err
    assert_same(digest(url_of(indexed)), the_corpus.of_first)
    assert at_hand("db", "restore", "--replace", str(file)).code == 0
    assert_same(digest(url_of(indexed)), the_corpus.of_first)


_TABLES_ARE_MADE = """
select (select count(*) from pg_locks l join pg_database d on d.oid = l.database
        where d.datname = current_database() and l.mode = 'AccessExclusiveLock' and l.granted) > 10
"""
