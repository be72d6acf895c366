"""Bench: real processes measure real models, on the text that is meant, and none is left behind.

What is asserted are vectors, counts and what is told; how long anything takes is nobody's to promise.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest

from hybridrag.cli.console import stdout
from hybridrag.cli.models_bench import show
from hybridrag.config import load
from hybridrag.errors import ModelError, UsageError
from hybridrag.evaluation import Questions, dense_ndcg
from hybridrag.flows.bench import bench, bench_models, job_of
from hybridrag.flows.candidates import recommend
from hybridrag.flows.figures import BenchOptions, ModelBench, Spread
from hybridrag.flows.ground import Ground
from hybridrag.flows.recommend import Wishes
from hybridrag.flows.sample import Asked
from hybridrag.models import find_model, open_embedder
from hybridrag.models.measure import AUTOMATIC, DEFAULT, Job, Probe, write_job
from hybridrag.wiring import Wiring
from tests.flows.library import Library

TEXTS = [
    f"the travel policy for {what} is in section {number}" for number in range(6) for what in ("hotel", "meal", "team")
]
QUICK = BenchOptions(seconds=0.2, starts=1, chunks=12, corpus=12)


def wiring(home: Path, embedder: Path | str, **flags: str) -> Wiring:
    """A command's surroundings on a machine without a database."""
    environ = {"HYBRIDRAG_HOME": str(home), "HYBRIDRAG_EMBEDDER": str(embedder)}
    return Wiring(load(environ=environ, cwd=home, flags=flags), notify=lambda _: None, environ=environ)


def ground(home: Path, embedder: Path | str, *, text: Path | None = None, questions: Path | None = None) -> Ground:
    return wiring(home, embedder).ground(text=str(text) if text else None, questions=questions)


@pytest.fixture(scope="module")
def measured(tiny_bert: Path, model_cache: Path) -> ModelBench:
    """A tiny network in every way that there is."""
    spec = find_model(str(tiny_bert), offline=True)
    job = Job(str(tiny_bert), model_cache, spec.dimensions, TEXTS, device="cpu")
    return bench(job, spec, asked=None, options=QUICK, tell=lambda _: None)


def test_every_way_gives_the_reference_s_vectors(measured: ModelBench) -> None:
    names = [found.way.name.split()[0] for found in measured.measured]
    assert names[:2] == ["sentence-transformers", "torch"]
    assert "openvino" in names
    for found in measured.measured:
        assert found.least_cosine is not None
        assert found.mean_cosine is not None
        assert 0.999 < found.least_cosine <= found.mean_cosine < 1.0001, found.way


def test_a_way_that_cannot_run_leaves_and_says_why(measured: ModelBench) -> None:
    (failed,) = measured.failed
    assert failed.way.name == "openvino int8"
    assert "no weights to quantise" in failed.reason


def test_figures_belong_together(measured: ModelBench) -> None:
    assert 12 <= measured.texts <= len(TEXTS)
    assert measured.rounds >= 3
    for found in measured.measured:
        per_text = measured.tokens / measured.texts
        assert found.tokens_per_second.median == pytest.approx(found.texts_per_second.median * per_text)
        for spread in (found.cold_seconds, found.load_ms, found.tokens_per_second, found.query_ms):
            assert 0 < spread.least <= spread.median <= spread.most
        assert found.memory.process > 20_000_000
        assert found.facts.load_ms < found.cold_seconds.most * 1000
    assert measured.times_default(DEFAULT) == 1.0
    assert {found.facts.device for found in measured.measured if found.way != DEFAULT} == {"cpu"}


def test_its_tables_fit_sixty_columns(
    measured: ModelBench, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    show(stdout(), measured, "the text of this test")
    _, *lines = capsys.readouterr().out.splitlines()
    tables = [line for line in lines if not line.startswith("openvino int8: ")]
    starts = [line.split()[0] for line in tables if line]
    for title in ("way", *(found.way.name.split()[0] for found in measured.measured)):
        assert title in starts
    assert max(map(len, tables)) <= 60


def test_quality_is_that_of_the_vectors(tiny_model: Path, tmp_path: Path) -> None:
    spec = find_model(str(tiny_model), offline=True)
    texts = ["the hotel in germany", "a meal at the office", "leave of the team", "the hotel for the team"]
    owners = ["a", "b", "c", "a"]
    questions = Questions({"1": "which hotel", "2": "what leave"}, {"1": {"a": 1}, "2": {"b": 1}})
    asked = Asked(texts, owners, questions, given=2)
    job = job_of(spec, wiring(tmp_path, tiny_model).settings, TEXTS, asked)
    (found,) = bench(job, spec, asked=asked, options=QUICK, tell=lambda _: None, chosen=[AUTOMATIC]).measured

    embedder = open_embedder(spec, cache=tmp_path / "cache")
    queries = np.array([embedder.embed_query(text) for text in questions.texts.values()])
    expected = dense_ndcg(embedder.embed_documents(texts), owners, queries, [*questions.qrels.values()])
    assert found.quality is not None
    assert found.quality.ndcg == pytest.approx(np.mean(expected))
    assert found.quality.interval[0] <= found.quality.ndcg <= found.quality.interval[1]


# --- processes -------------------------------------------------------------------------------------------------------


@pytest.fixture
def job(tiny_model: Path, tmp_path: Path) -> Path:
    spec = find_model(str(tiny_model), offline=True)
    folder = tmp_path / "job"
    folder.mkdir()
    return write_job(Job(str(tiny_model), tmp_path / "cache", spec.dimensions, TEXTS, questions=["who?"]), folder)


def test_a_probe_obeys_until_it_is_closed(job: Path, tiny_model: Path, tmp_path: Path) -> None:
    with Probe(job, AUTOMATIC) as probe:
        assert probe.vectors("texts", first=3).shape == (3, 64)
        assert probe.vectors("questions").shape == (1, 64)
        assert probe.vectors("corpus").shape[0] == 0
        assert len(probe.query_ms(times=4)) == 4
        expected = open_embedder(find_model(str(tiny_model), offline=True), cache=tmp_path).embed_documents(TEXTS)
        assert np.allclose(probe.vectors("texts"), expected, atol=1e-6)
        assert processes(job)
    assert not processes(job)


def test_a_probe_that_cannot_start_says_why(tiny_model: Path, tmp_path: Path) -> None:
    job = write_job(Job(str(tmp_path / "nowhere"), tmp_path / "cache", 64, TEXTS), tmp_path)
    with pytest.raises(ModelError, match="there is no model folder"):
        Probe(job, AUTOMATIC)
    assert not processes(job)


def test_a_probe_that_dies_is_told_with_the_last_thing_it_said(job: Path) -> None:
    with Probe(job, AUTOMATIC) as probe:
        (process,) = processes(job)
        os.kill(process, 9)
        with pytest.raises(ModelError, match="was ended by signal 9") as told:
            probe.memory()
    assert "memory" in told.value.hint

    with pytest.raises(ModelError, match="ended with exit 1: KeyError"), Probe(job, AUTOMATIC) as probe:
        probe.vectors("pictures")  # type: ignore[arg-type]


def test_a_probe_s_files_are_not_those_of_the_folder_it_is_started_in(
    job: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('somebody else's file was run')")
    monkeypatch.chdir(tmp_path)
    with Probe(job, AUTOMATIC) as probe:
        assert probe.facts.device == "cpu"


def processes(job: Path) -> list[int]:
    """The processes that were started with this job."""
    places = Path("/proc").glob("[0-9]*/cmdline")
    return [int(place.parent.name) for place in places if str(job).encode() in _read(place).split(b"\0")]


# --- text and questions ----------------------------------------------------------------------------------------------


def test_without_anything_the_text_is_that_of_installed_packages(tiny_model: Path, tmp_path: Path) -> None:
    here = ground(tmp_path, tiny_model)
    origin, texts = here.sample(here.current(), most=40)
    assert "packages" in origin
    assert len(texts) == len(set(texts)) == 40
    assert here.sample(here.current(), most=40)[1] == texts, "the same every time"
    assert not (tmp_path / "data").exists(), "no database is made for a measurement"


def test_files_are_read_as_ingest_reads_them(tiny_model: Path, tmp_path: Path, examples: Path) -> None:
    here = ground(tmp_path, tiny_model, text=examples)
    _, texts = here.sample(here.current(), most=10_000)
    assert any("meal allowance" in text for text in texts)
    assert any("Reisekosten" in text for text in texts)
    with pytest.raises(UsageError, match="no text"):  # all files are larger than this
        replace(here, settings=replace(here.settings, max_file_bytes=10)).sample(here.current(), most=10)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no text"):
        ground(tmp_path, tiny_model, text=tmp_path / "empty").sample(here.current(), most=10)


def test_text_of_a_collection_is_what_was_embedded(
    tmp_path: Path, database_url: str, tiny_model: Path, examples: Path
) -> None:
    library = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    library.ingest(examples)
    here = library.wiring.ground(text=None, questions=None)
    assert here.current().path == tiny_model
    _, texts = here.sample(here.current(), most=10_000)
    with psycopg.connect(database_url) as connection:
        hashes = {row[0] for row in connection.execute("select text_hash from chunk")}
    assert {hashlib.sha256(text.encode()).digest() for text in texts} == hashes


def test_every_answering_document_is_among_what_questions_are_asked_of(
    tmp_path: Path, database_url: str, tiny_model: Path, examples: Path
) -> None:
    library = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    library.ingest(examples)
    here = library.wiring.ground(text=None, questions=examples.parent / "questions.jsonl")
    few, all_of_it = (here.asked(here.current(), most=most) for most in (1, 10_000))
    assert few is not None
    assert all_of_it is not None
    assert set(few.owners) == set(few.questions.documents)
    assert set(few.owners) < set(all_of_it.owners)
    assert few.questions == all_of_it.questions
    assert few.given > len(few.questions.texts), "some have no answer here"

    (tmp_path / "q.jsonl").write_text('{"question": "who?", "sources": ["nowhere.md"]}\n')
    with pytest.raises(UsageError, match="no question is about"):
        library.wiring.ground(text=None, questions=tmp_path / "q.jsonl").asked(here.current(), most=10)


def test_a_dataset_brings_its_own_documents(tmp_path: Path, tiny_model: Path) -> None:
    folder = tmp_path / "beir"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text('{"_id": "d1", "title": "T", "text": "x"}\n{"_id": "d2", "text": "y"}\n')
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "one"}\n')
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n")
    here = ground(tmp_path, tiny_model, questions=folder)
    asked = here.asked(here.current(), most=10)
    assert asked is not None
    assert sorted(zip(asked.owners, asked.texts, strict=True)) == [("d1", "T\nx"), ("d2", "d2\ny")]
    assert asked.questions == Questions({"q1": "one"}, {"q1": {"d2": 1}})


# --- models ----------------------------------------------------------------------------------------------------------


def test_a_model_that_is_not_here_is_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(ModelError, match="bge-m3 is not on this machine") as told:
        bench_models(["bge-m3"], ground(tmp_path, "bge-m3"), options=QUICK, tell=lambda _: None)
    assert told.value.hint == "hybridrag models pull bge-m3"
    with pytest.raises(UsageError, match="behind an address"):
        ground(tmp_path, "ollama:bge-m3").current()


def test_recommend_measures_the_model_in_use_and_guesses_the_others_by_it(
    tmp_path: Path, tiny_bert: Path, model_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "cache").symlink_to(model_cache)
    here = ground(tmp_path, tiny_bert)
    found = recommend(here, Wishes(languages=("de", "zh"), max_memory=1e10), corpus=10, tell=lambda _: None)
    assert [*found.measured] == [str(tiny_bert)]
    assert found.best is not None
    assert all({"de", "zh"} <= (candidate.languages or set()) for candidate in found.ranking.ranked)
    assert {candidate.tokens_per_second.known for candidate in found.ranking.ranked} >= {"estimated"}
    reasons = {excluded.candidate.name: excluded.reasons for excluded in found.ranking.excluded}
    assert any("does not know de" in reason for reason in reasons["bge-small-en-v1.5"])
    assert any("CC-BY-NC-4.0" in reason for reason in reasons["jina-embeddings-v3"])
    assert any("not known" in reason for reason in reasons[str(tiny_bert)])


def test_the_languages_of_most_documents_must_be_known(
    tmp_path: Path, database_url: str, tiny_bert: Path, model_cache: Path
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "cache").symlink_to(model_cache)
    # A network, by which the others are guessed: with a table, one of the catalogue would be measured as well.
    library = Library.open(tmp_path, database_url=database_url, embedder=tiny_bert)
    german = "Die Reisekosten werden von der Finanzabteilung geprüft und innerhalb von vier Wochen erstattet. "
    english = "The travel costs are checked by the finance department and are paid back within four weeks. "
    for number in range(6):
        library.write(f"de{number}.md", german * 4 + str(number))
    library.write("en.md", english * 4)
    library.ingest()
    found = recommend(
        library.wiring.ground(text=None, questions=None), Wishes(max_memory=1e10), corpus=10, tell=lambda _: None
    )
    assert found.wishes.languages == ("de", "en")
    assert found.languages == {"de": 6, "en": 1}
    assert found.collection == "default"
    assert all({"de", "en"} <= (candidate.languages or set()) for candidate in found.ranking.ranked)


def test_the_spread_of_figures() -> None:
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert Spread.of([2.0, 1.0]).of_each(2) == Spread(3.0, 2.0, 4.0)


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    ours = f"PPid:\t{os.getpid()}\n".encode()
    workers = [place for place in Path("/proc").glob("[0-9]*") if b"measure_worker" in _read(place / "cmdline")]
    assert not [place for place in workers if ours in _read(place / "status")]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
