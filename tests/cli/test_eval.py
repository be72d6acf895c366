"""`eval run` and `eval compare` as users run them, on a small dataset with the small model."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hybridrag.evaluation import run_json
from tests.conftest import CommandLine, Here
from tests.evaluation.made import run_of_rankings
from tests.models.tiny import write_static_model

TOPICS = (
    *("invoice payment deadline", "holiday leave approval", "laptop screen repair", "office parking permit"),
    *("server backup schedule", "visitor badge rules", "coffee machine cleaning", "train ticket refund"),
    *("password reset phone", "meeting room booking", "warehouse forklift licence", "chemical waste disposal"),
)


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


def beir(folder: Path, *, shifted: int = 0) -> Path:
    """A dataset of twelve documents and questions. With `shifted`, each text stands under another document's id."""
    folder.mkdir(parents=True, exist_ok=True)
    texts = [*TOPICS[shifted:], *TOPICS[:shifted]]
    lines(
        folder / "corpus.jsonl",
        [{"_id": f"d{n}", "title": "", "text": f"About {text}."} for n, text in enumerate(texts)],
    )
    lines(folder / "queries.jsonl", [{"_id": f"q{n}", "text": f"{text}?"} for n, text in enumerate(TOPICS)])
    judged = "".join(f"q{n}\td{n}\t1\n" for n in range(len(TOPICS)))
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")
    return folder


def lines(file: Path, rows: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_dataset_is_measured_in_every_mode(cli: CommandLine) -> None:
    folder = str(beir(cli.home / "topics"))
    done = cli("eval", "run", folder, "--json")
    assert done.code == 0, done.err
    report = done.json
    assert (report["schema"], report["dataset"]) == ("hybridrag.eval/1", "topics")
    assert (report["documents"], report["queries"]) == (12, 12)
    assert [*report["modes"]] == ["hybrid", "dense", "lexical"]
    for summary in report["modes"].values():
        assert summary["ndcg@10"] > 0.9
        low, high = summary["ci95"]["ndcg@10"]
        assert low <= summary["ndcg@10"] <= high
        assert 0 < summary["p50_ms"] <= summary["p95_ms"]
        assert {"ndcg@10", "recall@10", "recall@100", "mrr@10", "map@100"} <= summary.keys()
    (difference,) = report["differences"]
    assert difference["after"] == "hybrid"
    assert len(report["questions"]) == 12
    assert report["questions"][0]["modes"]["lexical"]["ranks"] == {"d0": 1}

    again = cli("eval", "run", folder, "--mode", "lexical", "--limit", "3", "--depth", "10")
    assert again.code == 0, again.err
    assert "3 questions to 12 documents of eval-topics" in again.out
    assert "recall@100" not in again.out
    assert "the first 3 of 12" in again.err

    assert cli("collections", "list", "--json").json["collections"] == []
    (hidden,) = cli("collections", "list", "--all", "--json").json["collections"]
    assert hidden["name"] == "eval-topics"


def test_another_corpus_or_model_never_shares_a_collection(cli: CommandLine, tmp_path: Path) -> None:
    another = write_static_model(tmp_path / "another", dimensions=32, seed=2)
    english, german = beir(cli.home / "set" / "en"), beir(cli.home / "set" / "de", shifted=1)
    elsewhere = beir(cli.home / "other" / "set" / "en", shifted=2)
    names = []
    for folder in (english, german, elsewhere, english):
        done = cli("eval", "run", str(folder), "--json", "--mode", "lexical")
        names.append((done.json["collection"], done.json["modes"]["lexical"]["ndcg@10"] > 0.9))
    assert names[0] == names[3] == ("eval-set-en", True)
    assert names[1] == ("eval-set-de", False)
    assert names[2][0].startswith("eval-set-en-")
    assert not names[2][1]
    other = cli("eval", "run", str(english), "--json", "--embedder", str(another), "--mode", "dense")
    assert other.code == 0, other.err
    assert other.json["collection"] not in {name for name, _ in names}
    assert other.json["configuration"]["model"] == str(another)

    models = f"model:{cli.environment['HYBRIDRAG_EMBEDDER']}", f"model:{another}"
    compared = cli("eval", "compare", *models, str(english), "--mode", "dense", "--json")
    assert compared.code == 0, compared.err
    metric = compared.json["metrics"]["ndcg@10"]
    assert metric["before"] > 0.9, "that is the collection of the first model"
    assert metric["after"] == other.json["modes"]["dense"]["ndcg@10"]


def test_a_fall_below_the_baseline_ends_with_10_every_time(cli: CommandLine) -> None:
    folder = str(beir(cli.home / "topics"))
    first = cli("eval", "run", folder, "--baseline", "--json")
    assert first.code == 0
    assert "hybrid has nothing to be held against yet" in first.err
    assert "this run becomes the baseline" in first.err
    assert first.json["baseline"] == []
    same = cli("eval", "run", folder, "--baseline", "--json")
    assert same.code == 0, same.err
    assert [(one["mode"], one["run"]) for one in same.json["baseline"]] == [
        *(("hybrid", first.json["id"]), ("dense", first.json["id"]), ("lexical", first.json["id"]))
    ]
    assert same.json["baseline"][0]["metrics"]["ndcg@10"]["difference"] == 0

    beir(cli.home / "topics", shifted=5)
    for _ in range(2):  # neither a run that failed nor one that guards nothing is a baseline: the alarm goes on
        assert cli("eval", "run", folder, "--json").code == 0
        fallen = cli("eval", "run", folder, "--baseline", "--json")
        assert fallen.code == 10, fallen.err
        error = json.loads(fallen.err.splitlines()[-1])
        assert (error["code"], error["error"]) == (10, "BelowBaseline")
        assert all(one["fell"] for one in fallen.json["baseline"])
    assert cli("eval", "run", folder, "--baseline", "--max-drop", "1").code == 0

    compared = cli("eval", "compare", f"run:{first.json['id']}", f"run:{fallen.json['id']}", "--max-regression", ".05")
    assert compared.code == 10
    assert "12 questions got worse" in compared.out
    assert "d0: rank 1 -> " in compared.out
    beir(cli.home / "topics")
    file = cli.home / "first.json"
    file.write_text(first.out)
    value = first.json | {"collection": "x\x1b[31m\n"}
    file.write_text(json.dumps(value))
    shown = cli("eval", "run", folder, "--against", str(file))
    assert shown.code == 0, shown.err
    assert "on x\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}" in shown.out
    assert "\x1b" not in shown.out
    assert cli("eval", "run", folder, "--against", str(fallen.json["id"])).code == 0, "better than that is no failure"


def test_questions_are_asked_of_the_chosen_collection(cli: CommandLine, examples: Path) -> None:
    assert cli("ingest", str(examples), "-c", "company").code == 0
    questions = str(examples.parent / "questions.jsonl")
    page, rows = cli.home / "r.html", cli.home / "q.jsonl"
    done = cli("eval", "run", questions, "-c", "company", "--report", str(page), "--per-query", str(rows))
    assert done.code == 0, done.err
    assert "that no document answers are left out" in done.err
    assert "<svg" in page.read_text()
    kept = [json.loads(line) for line in rows.read_text().splitlines()]
    assert all({"question", "relevant", "modes"} <= row.keys() for row in kept)
    assert f"{len(kept)} questions to 21 documents of company" in done.out

    part = cli("eval", "run", questions, "-c", "company", "--filter", "path:handbook/**", "--mode", "lexical", "--json")
    assert part.code == 0, part.err
    assert 0 < part.json["queries"] < len(kept)
    assert all(name.startswith("company/handbook/") for row in part.json["questions"] for name in row["relevant"])
    assert "no document that passes the filter answers them" in part.err

    compared = cli("eval", "compare", "dense", "lexical", questions, "-c", "company", "--json", "--show", "1")
    assert compared.code == 0, compared.err
    assert compared.json["schema"] == "hybridrag.eval_compare/1"
    assert len(compared.json["worse"]) <= 1
    metric = compared.json["metrics"]["ndcg@10"]
    assert metric["difference"] == pytest.approx(metric["after"] - metric["before"], abs=2e-5)


def test_sources_that_are_not_there_are_told_and_count_as_not_found(cli: CommandLine) -> None:
    docs = cli.home / "docs"
    for name in ("one/readme.md", "two/readme.md", "three.md"):
        (docs / name).parent.mkdir(parents=True, exist_ok=True)
        (docs / name).write_text(f"# {name}\n\nAbout {name} and its holiday.\n")
    assert cli("ingest", str(docs / "one"), str(docs / "two")).code == 0
    asked = [
        {"question": "what of one?", "sources": ["one/readme.md", "three.md"]},
        {"question": "what of two?", "sources": ["readme.md"]},
        {"question": "and nothing?", "sources": []},
    ]
    done = cli("eval", "run", str(lines(cli.home / "q.jsonl", asked)), "--mode", "lexical", "--json")
    assert done.code == 0, done.err
    assert done.json["queries"] == 2
    assert "1 judged documents of 1 questions are not in the collection default (the first: three.md)" in done.err
    assert "1 sources are paths of several documents (the first: readme.md)" in done.err
    assert done.json["modes"]["lexical"]["recall@10"] == pytest.approx(0.25)
    nowhere = lines(cli.home / "n.jsonl", [{"question": "what?", "sources": ["elsewhere.md"]}])
    lost = cli("eval", "run", str(nowhere))
    assert lost.code == 2
    assert "holds none of the documents" in lost.err


def test_a_dataset_can_be_asked_of_a_collection_by_name(cli: CommandLine) -> None:
    folder = beir(cli.home / "topics")
    assert cli("ingest", str(folder / "corpus.jsonl"), "-c", "mine").code == 0
    done = cli("eval", "run", str(folder), "-c", "mine", "--json", "--mode", "lexical")
    assert (done.code, done.json["collection"]) == (0, "mine"), done.err
    assert done.json["modes"]["lexical"]["ndcg@10"] > 0.9
    both = cli("eval", "compare", "collection:mine", "lexical", str(folder), "--mode", "lexical", "--json")
    assert both.code == 0, both.err
    assert both.json["metrics"]["ndcg@10"]["difference"] == 0


def test_a_database_that_only_reads_costs_no_measurement(cli: CommandLine, database_url: str) -> None:
    import psycopg

    folder = beir(cli.home / "topics")
    assert cli("ingest", str(folder / "corpus.jsonl"), "-c", "mine").code == 0
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(f'alter database "{connection.info.dbname}" set default_transaction_read_only = on')
    done = cli("eval", "run", str(folder), "-c", "mine", "--json", "--mode", "lexical")
    assert (done.code, done.json["id"]) == (0, None), done.err
    assert "the run is not kept" in done.err


def test_lines_of_a_corpus_that_cannot_be_read_are_told(cli: CommandLine) -> None:
    folder = beir(cli.home / "topics")
    with (folder / "corpus.jsonl").open("a") as file:
        file.write("no json\n")
    done = cli("eval", "run", str(folder), "--mode", "lexical", "--json")
    assert done.code == 0, done.err
    assert any(
        "1 documents of corpus.jsonl are left out: corpus/line-13: is not valid JSON" in n for n in done.json["notes"]
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "nowhere"), "there is no file or folder nowhere"),
        (("run", "."), "no BEIR folder"),
        (("run", "topics", "--mode", "sparse"), "'sparse' is no way to search"),
        (("run", "topics", "--mode", "dense+rrf"), "is no way to search"),
        (("run", "topics", "--mode", ","), "names no mode"),
        (("run", "topics", "--metric", "ndcg@3"), "no metric 'ndcg@3'"),
        (("run", "topics", "--metric", "map@100", "--depth", "10"), "no metric 'map@100' at a depth of 10"),
        (("run", "topics", "--depth", "5"), "--depth"),
        (("run", "topics", "--split", "dev"), "no judgements for the split 'dev'"),
        (("run", "topics", "-c", "nowhere"), "there is no collection 'nowhere'"),
        (("run", "topics", "--report", "r.pdf"), "no HTML file"),
        (("run", "topics", "--per-query", "nowhere/q.jsonl"), "cannot be written"),
        (("run", "topics", "--per-query", "/dev/null"), "no regular file"),
        (("run", "topics", "--per-query", "topics/queries.jsonl"), "it is read"),
        (("run", "unanswered.jsonl", "--per-query", "./unanswered.jsonl"), "it is read"),
        (("run", "topics", "--per-query", "r.html", "--report", "r.html"), "both name"),
        (("run", "x" * 300), "cannot be read"),
        (("run", "pipe"), "no regular file"),
        (("run", "topics", "--against", "999", "--mode", "lexical"), "there is no run 999"),
        (("run", "topics", "--against", "9" * 30, "--mode", "lexical"), "there is no run 999"),
        (("run", "topics", "--against", "9" * 5000, "--mode", "lexical"), "there is no run 999"),
        (("run", "topics", "--against", "other.json", "--mode", "lexical"), "shares no question"),
        (("run", "topics", "--against", "other.json", "--mode", "dense"), "has no mode dense"),
        (("compare", "other.json", "hybrid", "topics", "--mode", "dense"), "has no mode dense"),
        (("compare", "run:" + "9" * 5000, "hybrid", "topics"), "there is no run 999"),
        (("compare", "dense", "hybrid", "topics", "--metric", "ndcg@3"), "no metric 'ndcg@3'"),
        (("run", "topics", "--against", "nowhere.json", "--mode", "lexical"), "nowhere.json cannot be read"),
        (("run", "topics", "--filter", "path:nothing/**", "--mode", "lexical"), "no question is answered"),
        (("run", "empty.jsonl"), "holds no question"),
        (("run", "unanswerable.jsonl"), "no document answers any question"),
        (("run", "unanswerable.jsonl", "--split", "dev"), "has no splits"),
        (("compare", "dense", "hybrid"), "needs questions"),
        (("compare", "dense", "dense", "topics"), "both sides are dense"),
        (("compare", "dense", "sparse", "topics"), "'sparse' is nothing that can be compared"),
        (("compare", "run:x", "dense", "topics"), "a run is named by its number"),
        (("compare", "run:1", "run:2"), "there is no run 1"),
        (("compare", "model:", "dense", "topics"), "names no model"),
        (("compare", "model:bge-m3", "hybrid", "unanswered.jsonl"), "needs a BEIR folder"),
    ],
)
def test_what_cannot_be_measured_is_told(cli: CommandLine, arguments: tuple[str, ...], message: str) -> None:
    beir(cli.home / "topics")
    (cli.home / "empty.jsonl").write_text("\n")
    lines(cli.home / "unanswerable.jsonl", [{"question": "why?", "sources": []}])
    lines(cli.home / "unanswered.jsonl", [{"question": "why?", "sources": ["a.md"]}])
    os.mkfifo(cli.home / "pipe")
    (cli.home / "other.json").write_text(json.dumps(run_json(run_of_rankings({"lexical": [["good"]]}))))
    done = cli("eval", *arguments)
    assert (done.code, done.out) == (2, ""), done.err
    assert message in done.err
    assert "Traceback" not in done.err
    if {"--against", "compare"} & {*arguments}:
        assert cli("collections", "list", "--all", "--json").json["collections"] == [], "told before any work is done"


def test_what_was_measured_is_kept_where_it_cannot_be_held_against_anything(cli: CommandLine) -> None:
    folder, file, page = str(beir(cli.home / "topics")), cli.home / "last.json", cli.home / "r.html"
    value = run_json(run_of_rankings({"lexical": [["d11"]]}, texts=[f"{TOPICS[11]}?"]))
    value["questions"][0]["id"] = "q11"
    file.write_text(json.dumps(value))
    arguments = ("--mode", "lexical", "--limit", "3", "--against", str(file), "--report", str(page), "--json")
    done = cli("eval", "run", folder, *arguments)
    assert done.code == 2
    assert "share no question" in done.err
    assert (done.json["queries"], done.json["id"]) == (3, 1)
    assert "<svg" in page.read_text()


def test_a_collection_of_the_users_own_is_never_filled(cli: CommandLine) -> None:
    folder = str(beir(cli.home / "topics"))
    mine = cli.home / "mine"
    mine.mkdir()
    (mine / "note.md").write_text("# Mine\n\nMy own note.\n")
    assert cli("ingest", str(mine), "-c", "eval-topics").code == 0
    shutil.rmtree(mine)
    done = cli("eval", "run", folder, "--mode", "lexical", "--json")
    assert done.code == 0, done.err
    assert done.json["collection"].startswith("eval-topics-")
    assert [row["uri"] for row in cli("documents", "list", "-c", "eval-topics", "--json").json["documents"]] == [
        "mine/note.md"
    ]
    assert cli("sources", "remove", "mine", "-c", "eval-topics").code == 0
    empty = cli("eval", "run", folder, "--mode", "lexical", "--json")
    assert empty.json["collection"] == done.json["collection"]


def test_the_users_labels_hold_for_the_corpus_of_a_dataset(cli: CommandLine) -> None:
    (cli.home / "hybridrag.toml").write_text('[labels]\n"**" = "local-only"\n')
    done = cli("eval", "run", str(beir(cli.home / "topics")), "--mode", "lexical", "--json")
    assert done.code == 0, done.err
    documents = cli("documents", "list", "-c", done.json["collection"], "--json").json["documents"]
    assert {row["label"] for row in documents} == {"local-only"}


def test_an_interrupt_ends_it_cleanly_and_the_next_run_goes_on(cli: CommandLine) -> None:
    folder = beir(cli.home / "many")
    asked = [{"_id": f"q{n}", "text": f"{TOPICS[n % 12]} {n}?"} for n in range(20_000)]
    lines(folder / "queries.jsonl", asked)
    (folder / "qrels.tsv").write_text("".join(f"q{n}\td{n % 12}\t1\n" for n in range(20_000)))
    process = cli.start("eval", "run", str(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(b"collection: eval-many"):
            break
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"interrupted" in err
    assert b"Traceback" not in err
    done = cli("eval", "run", str(folder), "--limit", "5", "--json")
    assert (done.code, done.json["id"]) == (0, 1), "nothing was saved of the interrupted run"
