"""Several processes on one collection at once: one ingest works and the others are told, searches always work."""

from __future__ import annotations

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg

from tests.conftest import CommandLine, Here, Result, command_line
from tests.faults.conftest import Corpus, url_of
from tests.faults.digest import assert_same, assert_whole, digest
from tests.faults.stops import Place, stop_at

KEPT = "records/r7"
QUESTION = "Case 7 is about backup at the hotel, night 7."


def started(cli: CommandLine, *arguments: str) -> subprocess.Popen[bytes]:
    return cli.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process: subprocess.Popen[bytes]) -> Result:
    out, err = process.communicate(timeout=120)
    return Result(process.returncode, out.decode(), err.decode())


def uris(found: Result) -> list[str]:
    return [hit["document"]["uri"] for hit in found.json["hits"]]


def test_the_second_is_told_to_try_later(indexed: CommandLine, the_corpus: Corpus, tmp_path: Path, here: Here) -> None:
    arguments = ("ingest", *Corpus.paths(the_corpus.second))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("Another collection.")
    with stop_at(url_of(indexed), Place("document", "delete")) as stop:
        first = started(indexed, *arguments)
        stop.reached_by(first)
        second = here(indexed)(*arguments, "--json")
        removal = here(indexed)("sources", "remove", "docs", "--json")
        elsewhere = here(indexed)("ingest", str(tmp_path / "other"), "-c", "other")
        during = digest(url_of(indexed))
        stop.release()
        done = ended(first)
    for refused in (second, removal):
        assert refused.code == 75, refused.err
        assert refused.out == ""
        error = json.loads(refused.err.splitlines()[-1])
        assert (error["schema"], error["code"], error["error"]) == ("hybridrag.error/1", 75, "CollectionBusy")
        assert error["retryable"] is True
        assert "default" in error["message"]
        assert error["hint"]
    assert elsewhere.code == 0, elsewhere.err
    assert_whole(during, the_corpus.of_first)
    assert done.code == 0, done.err
    assert_same(digest(url_of(indexed)), the_corpus.of_second)


def test_both_start_on_an_empty_server(
    bare_database_url: str, tmp_path: Path, tiny_model: Path, the_corpus: Corpus
) -> None:
    homes = [command_line(tmp_path / f"home-{number}", bare_database_url, tiny_model) for number in (1, 2)]
    arguments = ("ingest", *Corpus.paths(the_corpus.first))
    done = [ended(process) for process in [started(cli, *arguments) for cli in homes]]
    codes = sorted(result.code for result in done)
    assert codes in ([0, 0], [0, 75]), [result.err for result in done]
    assert_same(digest(bare_database_url), the_corpus.of_first)


def test_searches_go_on_while_an_ingest_works(indexed: CommandLine, the_corpus: Corpus) -> None:
    searches = (("search", QUESTION, "--json"), ("search", QUESTION, "--mode", "dense", "-k", "3", "--json"))

    def search_until(process: subprocess.Popen[bytes], arguments: tuple[str, ...]) -> list[Result]:
        results = [indexed(*arguments)]
        while process.poll() is None:
            results.append(indexed(*arguments))
        return [*results, indexed(*arguments)]

    with stop_at(url_of(indexed), Place("chunk", "insert", row=30)) as stop:
        ingest = started(indexed, "ingest", *Corpus.paths(the_corpus.second))
        stop.reached_by(ingest)
        with ThreadPoolExecutor(2) as pool:
            during = list(pool.map(lambda arguments: indexed(*arguments), searches))
            stop.release()
            loops = list(pool.map(lambda arguments: search_until(ingest, arguments), searches))
        done = ended(ingest)
    assert done.code == 0, done.err
    for found in (*during, *loops[0], *loops[1]):
        assert found.code == 0, found.err
        assert uris(found)[0] == KEPT
    assert_same(digest(url_of(indexed)), the_corpus.of_second)


def test_every_look_during_an_ingest_shows_whole_documents(indexed: CommandLine, the_corpus: Corpus) -> None:
    process = started(indexed, "ingest", *Corpus.paths(the_corpus.second))
    looks = 0
    while process.poll() is None:
        assert_whole(digest(url_of(indexed)), the_corpus.of_first, the_corpus.of_second)
        looks += 1
    assert ended(process).code == 0
    assert looks > 1
    assert_same(digest(url_of(indexed)), the_corpus.of_second)


def test_a_server_that_breaks_off_is_told_and_nothing_is_lost(
    indexed: CommandLine, the_corpus: Corpus, here: Here
) -> None:
    arguments = ("ingest", *Corpus.paths(the_corpus.second))
    with stop_at(url_of(indexed), Place("chunk", "insert", row=9)) as stop:
        process = started(indexed, *arguments, "--json")
        stop.reached_by(process)
        with psycopg.connect(url_of(indexed), autocommit=True) as connection:
            connection.execute(_END_THE_OTHERS)
        done = ended(process)
    assert done.code == 4, done.err
    assert json.loads(done.err.splitlines()[-1])["retryable"] is True
    assert_whole(digest(url_of(indexed)), the_corpus.of_first, the_corpus.of_second)
    assert here(indexed)(*arguments).code == 0
    assert_same(digest(url_of(indexed)), the_corpus.of_second)


_END_THE_OTHERS = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and application_name = 'hybridrag'
"""
