"""`models bench` and `models recommend` as users run them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CommandLine

QUICK = ("--seconds", "0.2", "--starts", "1", "--chunks", "20")


@pytest.fixture
def here(company: CommandLine, model_cache: Path) -> CommandLine:
    """The example company indexed with the tiny static model, and the cache of models that all workers share."""
    cache = company.home / "state" / "cache"
    model_cache.mkdir(exist_ok=True)
    shutil.rmtree(cache, ignore_errors=True)
    cache.symlink_to(model_cache)
    return company


def test_bench_measures_the_collection_s_model_on_its_text(here: CommandLine, examples: Path) -> None:
    questions = str(examples.parent / "questions.jsonl")
    picture = here.home / "speed.png"
    done = here("models", "bench", "--json", *QUICK, "--questions", questions, "--plot", str(picture), "--offline")
    assert (done.code, done.out.count("\n"), done.err) == (0, 1, "")
    report = done.json
    assert report["schema"] == "hybridrag.bench/1"
    assert report["origin"] == "the collection default"
    assert {"processor", "cores", "memory", "system", "python", "versions"} <= report["machine"].keys()
    (model,) = report["models"]
    assert model["model"] == here.environment["HYBRIDRAG_EMBEDDER"]
    assert model["texts"] == 20
    assert model["questions"]["asked"] == 36
    ways = {way["way"]: way for way in model["ways"]}
    assert set(ways) == {"sentence-transformers", "static"}
    static: dict[str, Any] = ways["static"]
    assert static["cosine"]["least"] > 0.9999
    low, high = static["ci95"]
    assert low <= ways["sentence-transformers"]["ndcg@10"] <= high, "they treat unknown tokens each in its own way"
    assert static["ndcg@10"] > 0.3
    assert static["peak_memory_bytes"] < ways["sentence-transformers"]["peak_memory_bytes"]
    assert {*static["tokens_per_second"]} == {*static["cold_start_seconds"]} == {"median", "least", "most"}
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("bench", "no-such-model-at-all"), 5, "no-such-model-at-all"),
        (("bench", "bge-m3"), 5, "hybridrag models pull bge-m3"),
        (("bench", "ollama:bge-m3"), 2, "behind an address"),
        (("bench", "-c", "nowhere"), 2, "there is no collection 'nowhere'"),
        (("bench", "--text", "nowhere"), 2, "no file or folder nowhere"),
        (("bench", "--questions", "nowhere"), 2, "nowhere cannot be read"),
        (("bench", "--plot", "speed.svg"), 2, "no PNG"),
        (("bench", "--chunks", "0"), 2, "--chunks"),
        (("recommend", "--language", "german"), 2, "ISO 639-1"),
        (("recommend", "--language", ","), 2, "names none"),
        (("recommend", "--licence", "free"), 2, "permissive or any"),
        (("recommend", "--max-memory", "lots"), 2, "no amount of memory"),
        (("recommend", "-c", "nowhere"), 2, "there is no collection 'nowhere'"),
    ],
)
def test_what_cannot_be_measured_is_told(cli: CommandLine, arguments: tuple[str, ...], code: int, message: str) -> None:
    done = cli("models", *arguments, env={"HF_HUB_CACHE": str(cli.home / "hub")})
    assert done.code == code, done.err
    assert message in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_recommend_tells_first_what_to_run(cli: CommandLine, tiny_bert: Path, model_cache: Path) -> None:
    """Without a collection, and with a network in use, by which all others are guessed."""
    cache = cli.home / "state" / "cache"
    cache.parent.mkdir()
    cache.symlink_to(model_cache)
    environment = {"HYBRIDRAG_EMBEDDER": str(tiny_bert), "HYBRIDRAG_DEVICE": "cpu", "COLUMNS": "60"}
    german = ("models", "recommend", "--language", "de", "--text", str(Path(__file__)))
    done = cli(*german, "--max-memory", "4G", env=environment)
    assert done.code == 0, done.err
    first, pull, ingest, *rest = done.out.splitlines()
    name = first.removeprefix("recommended: ")
    assert pull == f"  hybridrag models pull {name}"
    assert ingest == f"  hybridrag ingest -c NEW --embedder {name} PATH"
    shown = cli("models", "show", name, "--json").json
    assert "de" in shown["languages"]
    assert any("jina-embeddings-v3" in line and "not permissive" in line for line in rest)
    assert any("does not know de" in line and "bge-small-en-v1.5" in line for line in rest)

    nothing = cli(*german, "--max-latency-ms", "0", "--json", env=environment)
    assert nothing.code == 0
    assert (nothing.json["recommended"], nothing.json["commands"], nothing.json["ranked"]) == (None, [], [])


def test_recommend_for_programs(here: CommandLine, examples: Path) -> None:
    questions = str(examples.parent / "questions.jsonl")
    report = here("models", "recommend", "--language", "de", "--questions", questions, "--json").json
    assert report["schema"] == "hybridrag.recommend/1"
    assert report["recommended"] == report["ranked"][0]["name"]
    assert report["wishes"]["languages"] == ["de"]
    assert report["collection"] == "default"
    assert report["documents_by_language"]["en"] > report["documents_by_language"]["de"] >= 1
    scores = [row["score"] for row in report["ranked"] if row["ndcg@10"] is not None]
    assert scores == sorted(scores, reverse=True)
    assert all(row["reasons"] for row in report["excluded"])
    own = next(row for row in report["excluded"] if row["name"] == here.environment["HYBRIDRAG_EMBEDDER"])
    assert own["ndcg@10"]["known"] == "measured"
    low, high = own["ndcg@10"]["interval"]
    assert low <= own["ndcg@10"]["value"] <= high
    assert own["tokens_per_second"]["known"] == "measured"


def test_an_interrupt_ends_the_measuring_processes_too(here: CommandLine) -> None:
    temporary = here.home / "tmp"
    temporary.mkdir()
    command = here.command("models", "bench", "--verbose", "--seconds", "60", "--text", str(Path(__file__)))
    environment = {**here.environment, "TMPDIR": str(temporary)}
    running = subprocess.Popen(command, env=environment, cwd=here.home, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith(b"start"):
            break
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert [*temporary.iterdir()] == []
    _assert_soon_gone(str(temporary))


def test_a_killed_measurement_leaves_no_process(here: CommandLine) -> None:
    temporary = here.home / "tmp"
    temporary.mkdir()
    command = here.command("models", "bench", "--verbose", "--seconds", "60", "--text", str(Path(__file__)))
    environment = {**here.environment, "TMPDIR": str(temporary)}
    running = subprocess.Popen(command, env=environment, cwd=here.home, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    with running:
        while not _processes(str(temporary)):
            assert running.poll() is None
        running.kill()
        running.communicate()
    _assert_soon_gone(str(temporary))


def _assert_soon_gone(named: str) -> None:
    """No process has this in its command line, a moment from now: a killed one takes its time to vanish."""
    deadline = time.monotonic() + 30
    while left := _processes(named):
        assert time.monotonic() < deadline, left


def _processes(named: str) -> list[Path]:
    return [place for place in Path("/proc").glob("[0-9]*/cmdline") if named.encode() in _read(place)]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # it ended meanwhile
        return b""
