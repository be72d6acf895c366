"""Workers that die, are interrupted and race; searches that go on while another generation is promoted."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from hybridrag.config import load
from hybridrag.flows.progress import Silent
from hybridrag.store.holding import Superseded
from hybridrag.store.missing import GenerationGone
from hybridrag.store.work import Worker
from hybridrag.types import Chunked, Collection, Document, Query, SearchResult
from hybridrag.wiring import Wiring
from hybridrag.wiring.reindexing import Reindexing
from tests.conftest import CommandLine
from tests.faults.conftest import Corpus, url_of
from tests.faults.digest import digest
from tests.models.tiny import write_static_model
from tests.servers.chat import Behaviour, Exchange
from tests.servers.embeddings import Embed, EmbeddingServer, embedding, embeddings

WORKERS = 4
_MOST = 512
"""Texts of a batch, at most."""


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_static_model(tmp_path_factory.mktemp("other-model"), dimensions=32, seed=2)


@pytest.fixture(scope="module")
def embed(other_model: Path, model_cache: Path) -> Embed:
    return embedding(other_model, model_cache)


class Counting(EmbeddingServer):
    """Embeds, and does `then` with the number of requests for documents that have come so far."""

    def __init__(self, embed: Embed, then: Callable[[int], None]) -> None:
        answer, lock, seen = embeddings(embed), threading.Lock(), iter(range(1, 10**6))

        def behave(exchange: Exchange) -> None:
            with lock:
                then(next(seen))
            answer(exchange)

        behaviour: Behaviour = behave
        super().__init__(behaviour)


def begun(cli: CommandLine, server: EmbeddingServer) -> None:
    done = cli("reindex", "start", "--embedder", f"{server.url}#tiny")
    assert done.code == 0, done.err


def documents_sent(server: EmbeddingServer) -> Counter[str]:
    """How often each text was sent, but for the probes, by which a server is told."""
    from hybridrag.models.probes import PROBES

    return Counter(text for text in server.texts if text not in PROBES)


def test_workers_that_are_killed(indexed: CommandLine, embed: Embed, the_corpus: Corpus) -> None:
    """Four at once, of which two are killed: nothing is lost, and only what those two held is embedded again."""
    processes: list[subprocess.Popen[bytes]] = []
    at_work = threading.Event()

    def kill(request: int) -> None:
        at_work.wait(60)
        if request in (6, 9) and (alive := [one for one in processes if one.poll() is None]):
            alive[0].kill()

    with Counting(embed, kill) as server:
        at_work.set()
        begun(indexed, server)
        at_work.clear()
        processes += [
            indexed.start("reindex", "work", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) for _ in range(WORKERS)
        ]
        at_work.set()
        errors = [process.communicate(timeout=120)[1].decode() for process in processes]
        codes = Counter(process.returncode for process in processes)
        assert codes[-signal.SIGKILL] + codes[0] == WORKERS, errors
        assert codes[-signal.SIGKILL] >= 1
        assert indexed("reindex", "work").code == 0
        sent = documents_sent(server)
        promoted = indexed("reindex", "promote")
        assert promoted.code == 0, promoted.err
        assert sum(sent.values()) - len(sent) <= codes[-signal.SIGKILL] * _MOST
    assert_complete(url_of(indexed))
    before, after = the_corpus.of_first, digest(url_of(indexed))
    assert sorted(after.vectors) == sorted(before.vectors)
    assert sorted(after.documents) == sorted(before.documents)


def test_an_interrupt_loses_nothing(indexed: CommandLine, embed: Embed) -> None:
    """Ctrl-C in the middle of a batch: it is stored, and no text is embedded twice."""
    working: list[subprocess.Popen[bytes]] = []

    def interrupt(request: int) -> None:
        if working and working[0].poll() is None:
            working.pop().send_signal(signal.SIGINT)

    with Counting(embed, interrupt) as server:
        begun(indexed, server)
        process = indexed.start("reindex", "work", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        working.append(process)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err.decode()
        first = documents_sent(server)
        done = indexed("reindex", "work")
        assert done.code == 0, done.err
        assert set(documents_sent(server).values()) == {1}
        assert len(documents_sent(server)) >= len(first)
    assert_complete(url_of(indexed))


def test_searches_while_generations_are_promoted(indexed: CommandLine, other_model: Path, tmp_path: Path) -> None:
    """Readers in a loop see one generation or the other: never an error, nothing empty, nothing of both."""
    settings = load(environ=dict(indexed.environment), cwd=tmp_path)
    here = Wiring(settings, notify=lambda _: None, environ=dict(indexed.environment))
    reindexing = Reindexing(here, wait=30)
    assert indexed("reindex", "start", "--embedder", str(other_model)).code == 0
    status = reindexing.candidate()
    reindexing.work(status, progress=Silent())
    questions = [f"Case {number} is about backup at the hotel" for number in range(6)]
    expected = {
        number: {question: shown(here.search(Query(question, generation=number))) for question in questions}
        for number in (1, status.generation.id)
    }
    assert expected[1] != expected[status.generation.id]
    over = threading.Event()

    def read(_: int) -> Counter[int]:
        wiring, seen = here.under(settings), Counter[int]()
        try:
            while not over.is_set() or not sum(seen.values()):
                question = questions[sum(seen.values()) % len(questions)]
                found = wiring.search(Query(question))
                assert shown(found) == expected[found.generation.id][question]
                seen[found.generation.id] += 1
        finally:
            wiring.store.close()
        return seen

    with ThreadPoolExecutor(3) as readers:
        reading = [readers.submit(read, number) for number in range(3)]
        try:
            for turn in range(12):
                chosen = status.generation.id if turn % 2 == 0 else 1
                reindexing.promote(reindexing.candidate(chosen), progress=Silent())
        finally:
            over.set()
        seen = sum((future.result() for future in reading), Counter[int]())
    assert set(seen) <= {1, status.generation.id}
    here.store.close()


def test_a_generation_that_is_dropped_under_its_worker(indexed: CommandLine, tmp_path: Path) -> None:
    """`gc` waits for the batch, and the worker is told then; neither waits for the other for ever."""
    here = Wiring(load(environ=dict(indexed.environment), cwd=tmp_path), notify=lambda _: None)
    reindexing = Reindexing(here)
    assert indexed("reindex", "start", "--chunk-tokens", "40").code == 0
    generation = reindexing.candidate().generation
    collection, url = reindexing.of(generation), url_of(indexed)
    active = chunking_of(here, reindexing.collection)
    with ThreadPoolExecutor(1) as other, Worker.open(url, collection) as worker:
        dropping: list[Future[None]] = []

        def chunk(document: Document, left_out: tuple[int, ...]) -> Chunked:
            if not dropping:
                dropping.append(other.submit(reindexing.generations.drop, collection, [generation.id]))
                wait_until_waiting(url)
            return active(document, left_out)

        with pytest.raises(GenerationGone):
            worker.chunk(8, chunk, processing="test")
        dropping[0].result(60)
        for batch in (lambda: worker.embed(8, lambda _: []), worker.waiting, lambda: worker.build_index(print)):
            with pytest.raises(GenerationGone):
                batch()
    assert [status.generation.id for status in reindexing.status()] == [1]
    here.store.close()


def test_an_ingest_that_began_before_a_promotion(indexed: CommandLine, other_model: Path, tmp_path: Path) -> None:
    """What it would write for the generation that served then, the one that serves now would lack."""
    here = Wiring(load(environ=dict(indexed.environment), cwd=tmp_path), notify=lambda _: None)
    reindexing = Reindexing(here)
    assert indexed("reindex", "start", "--embedder", str(other_model)).code == 0
    reindexing.work(reindexing.candidate(), progress=Silent())
    looked_at = here.collection()
    reindexing.promote(reindexing.candidate(), progress=Silent())
    with pytest.raises(Superseded), here.store.ingest_run(looked_at):
        raise AssertionError
    with here.store.ingest_run(here.collection()):
        pass
    here.store.close()


def chunking_of(wiring: Wiring, collection: Collection) -> Callable[[Document, tuple[int, ...]], Chunked]:
    """The chunker of a generation."""
    from hybridrag.flows.chunked import chunked_as

    chunker = wiring.models.chunker(wiring.models.of(collection), collection.generation.chunk_tokens)
    text_search = collection.generation.text_search
    return lambda document, left_out: chunked_as(document, chunker, text_search, left_out=left_out)


def wait_until_waiting(url: str) -> None:
    """Until some connection to the database waits for another one's lock."""
    with psycopg.connect(url, autocommit=True) as connection:
        query = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
        while not connection.execute(query).rowcount:
            pass


def shown(found: SearchResult) -> list[tuple[str, float]]:
    return [(str(hit.chunk.id), round(hit.score, 4)) for hit in found.hits]


def assert_complete(url: str) -> None:
    """Every generation has a vector for each of its texts, each text once, and nothing is waiting."""
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("select count(*) from hybridrag.to_embed").fetchone() == (0,)
        assert connection.execute("select count(*) from hybridrag.to_chunk").fetchone() == (0,)
        for generation, chunk_set in connection.execute("select id, chunk_set_id from hybridrag.generation").fetchall():
            table = f"hybridrag.vectors_{generation}"
            counted = connection.execute(
                f"select count(*), count(distinct text_hash) from {table}"  # a number
            ).fetchone()
            wanted = connection.execute(
                "select count(distinct text_hash) from hybridrag.chunk where chunk_set_id = %s", (chunk_set,)
            ).fetchone()
            assert wanted is not None
            assert counted == (wanted[0], wanted[0])
