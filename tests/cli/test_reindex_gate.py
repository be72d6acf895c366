"""`reindex run --gate`, `reindex compare` and `reindex plan` as users run them, with small models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hybridrag.config import load
from hybridrag.flows.evaluate import Unheard
from hybridrag.flows.gate import GateReport, gate_json
from hybridrag.flows.reindex_plan import Plan, PlanOptions, plan
from hybridrag.models.probes import PROBES
from hybridrag.store.sizes import Sizes
from hybridrag.wiring import Wiring
from hybridrag.wiring.judging import Judging
from hybridrag.wiring.reindexing import Reindexing
from tests.cli.test_eval import TOPICS
from tests.conftest import CommandLine, Here, Prepared
from tests.models.tiny import write_static_model
from tests.servers.embeddings import REMOTE_CERTIFICATE, RemoteServer, embedding, embeddings

QUESTIONS: list[dict[str, Any]] = [
    {"question": f"{topic}?", "sources": [f"topic-{n}.md"]} for n, topic in enumerate(TOPICS)
]


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As good as the first, with its tokenizer: the chunks stay."""
    return write_static_model(tmp_path_factory.mktemp("other"), dimensions=96, seed=2)


@pytest.fixture(scope="module")
def worse_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dimensions hold little: it finds little."""
    return write_static_model(tmp_path_factory.mktemp("worse"), dimensions=2, seed=4)


@pytest.fixture(scope="module")
def indexed(prepared: Prepared, other_model: Path) -> Prepared:
    """Twelve documents by the tiny model in generation 1, and in generation 2, which is ready, by another one."""
    cli = prepared.cli
    (cli.home / "docs").mkdir()
    for number, topic in enumerate(TOPICS):
        text = f"# Topic {number}\n\nAbout {topic}. " + " ".join(f"It is for {word}." for word in topic.split())
        (cli.home / "docs" / f"topic-{number}.md").write_text(text)
    questions(cli.home, QUESTIONS)
    for command in (
        ("ingest", "docs"),
        ("reindex", "start", "--embedder", str(other_model)),
        ("reindex", "work"),
    ):
        done = cli(*command)
        assert done.code == 0, done.err
    return prepared


@pytest.fixture
def cli(indexed: Prepared, tmp_path: Path, here: Here) -> Iterator[CommandLine]:
    with indexed.copy(tmp_path) as copied:
        environment = {name: it for name, it in copied.environment.items() if name != "HYBRIDRAG_EMBEDDER"}
        yield here(CommandLine(copied.home, environment))


def questions(folder: Path, rows: list[dict[str, Any]]) -> Path:
    file = folder / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def gate(cli: CommandLine, *lines: str) -> str:
    file = cli.home / "gate.toml"
    file.write_text("\n".join(('questions = "questions.jsonl"', *lines)))
    return str(file)


def ok(cli: CommandLine, *arguments: str) -> dict[str, Any]:
    done = cli(*arguments, "--json")
    assert done.code == 0, done.err
    return done.json


def states(cli: CommandLine) -> dict[int, str]:
    return {one["id"]: one["state"] for one in ok(cli, "reindex", "status")["generations"]}


def wiring(cli: CommandLine) -> Wiring:
    return Wiring(load(environ=cli.environment, cwd=cli.home), notify=lambda _: None, environ=cli.environment)


def judged(cli: CommandLine, *lines: str) -> GateReport:
    """The gate of these lines, with generation 2 as the candidate."""
    live = wiring(cli)
    try:
        before, after = Judging(live).statuses(None, None)
        file = Path(gate(cli, *lines))
        return Judging(live).gate(file, active=before.generation, candidate=after.generation, asking=Unheard())
    finally:
        live.store.close()


# --- the gate --------------------------------------------------------------------------------------------------------


def test_a_candidate_that_passes_is_promoted(cli: CommandLine, other_model: Path) -> None:
    file = gate(cli, "minimum = 0.8", "max_regression = 0.2", "minimum_questions = 12", 'mode = "dense"')
    found = ok(cli, "reindex", "run", "--embedder", str(other_model), "--gate", file)
    assert states(cli) == {1: "retired", 2: "active"}
    report = found["gate"]
    assert (report["schema"], report["passed"], report["reasons"]) == ("hybridrag.gate/1", True, [])
    assert (report["questions"], report["metric"], report["mode"], report["confidence"]) == (
        12,
        "ndcg@10",
        "dense",
        0.95,
    )
    for side, number, dimensions in (("active", 1, 64), ("candidate", 2, 96)):
        told = report[side]
        assert (told["generation"]["id"], told["generation"]["dimensions"]) == (number, dimensions)
        assert told["ndcg@10"] > 0.8
        assert 0 < told["p50_ms"] <= told["p95_ms"]
        assert told["size"]["vectors"] == 12
        assert told["size"]["bytes"] > 0
    assert report["differences"]["ndcg@10"]["low"] >= -0.2
    assert 0 < report["overlap"]["at_10"] <= 1
    assert any("fewer than 30 questions" in note for note in report["notes"])


def test_a_candidate_that_fails_changes_nothing(cli: CommandLine, worse_model: Path) -> None:
    before = ok(cli, "search", "holiday leave approval", "--mode", "dense")
    file = gate(cli, "max_regression = 0.05", 'mode = "dense"')
    done = cli("reindex", "run", "--embedder", str(worse_model), "--gate", file, "--json")
    assert done.code == 10, done.err
    assert "a loss of more than 0.05 ndcg@10 cannot be ruled out" in done.err
    report = done.json["gate"]
    assert report["passed"] is False
    assert report["candidate"]["ndcg@10"] < report["active"]["ndcg@10"]
    assert report["worse_questions"] >= len(report["worse"]) > 0
    lost = [one["before"] - one["after"] for one in report["worse"]]
    assert lost == sorted(lost, reverse=True)
    assert {one["question"] for one in report["worse"]} <= {row["question"] for row in QUESTIONS}
    assert states(cli) == {1: "active", 2: "ready", 3: "ready"}
    after = ok(cli, "search", "holiday leave approval", "--mode", "dense")
    assert (after["generation"], after["hits"]) == (before["generation"], before["hits"])
    refused = cli("reindex", "promote", "3")
    assert refused.code == 10, "what failed its gate is not promoted by accident"
    assert states(cli)[1] == "active"


def test_what_cannot_be_judged_fails(cli: CommandLine) -> None:
    nobody, gone = {"question": "who?", "sources": []}, {"question": "who?", "sources": ["gone.md"]}
    cases: tuple[tuple[list[dict[str, Any]], str], ...] = (
        ([gone], "holds none of the documents that answer the questions"),
        ([nobody], "no document answers any question of"),
        ([*QUESTIONS[:11], nobody], "there are 11 different questions, and the gate asks for at least 12"),
    )
    for rows, told in cases:
        questions(cli.home, rows)
        report = judged(cli, "max_regression = 0.9", "minimum_questions = 12")
        assert not report.passed
        assert any(told in reason for reason in report.reasons), report.reasons
        assert gate_json(report)["passed"] is False
    questions(cli.home, [*QUESTIONS, gone])
    report = judged(cli, "max_regression = 0.9")
    assert report.passed
    assert any("1 judged documents of 1 questions are not in the collection" in note for note in report.notes)
    questions(cli.home, [*QUESTIONS, nobody])
    report = judged(cli, "max_regression = 0.9", "minimum_questions = 12")
    assert (report.passed, gate_json(report)["questions"], gate_json(report)["left_out"]) == (True, 12, 1)
    assert "1 questions are left out: no document answers them" in report.notes


def test_a_candidate_that_lacks_something_fails(cli: CommandLine) -> None:
    assert judged(cli, "max_regression = 0.9").passed
    (cli.home / "more").mkdir()
    (cli.home / "more" / "new.md").write_text("# New\n\nWhat nobody has seen.")
    done = cli("ingest", "more")
    assert done.code == 0, done.err
    (reason,) = judged(cli, "max_regression = 0.9").reasons
    assert "generation 2" in reason
    assert "is not complete: 0 documents are to be chunked, 1 texts to be embedded" in reason


def test_what_is_kept_of_a_gate_holds_no_question(cli: CommandLine) -> None:
    kept = json.dumps(gate_json(judged(cli, "minimum = 0.999"), texts=False))
    assert not any(row["question"] in kept for row in QUESTIONS)


def test_a_gate_file_is_read_before_anything_is_built(cli: CommandLine, worse_model: Path) -> None:
    done = cli("reindex", "run", "--embedder", str(worse_model), "--gate", gate(cli, "minimum = 2"))
    assert done.code == 3
    assert "gate.toml: minimum is 2" in done.err
    assert states(cli) == {1: "active", 2: "ready"}


# --- compare ---------------------------------------------------------------------------------------------------------


def test_two_generations_are_compared_on_the_users_questions(cli: CommandLine) -> None:
    found = ok(cli, "reindex", "compare", "--questions", "questions.jsonl")
    assert (found["schema"], found["generated"], found["questions"]) == ("hybridrag.generation_compare/1", False, 12)
    assert (found["before"]["generation"]["id"], found["after"]["generation"]["id"]) == (1, 2)
    assert found["metrics"]["ndcg@10"]["before"] == found["before"]["ndcg@10"]
    assert found["metrics"]["ndcg@10"]["ci95"][0] <= found["metrics"]["ndcg@10"]["difference"]
    assert 0 < found["overlap"]["at_10"] <= 1
    assert found["overlap"]["same_first"] > 0.5
    assert found["before"]["size"]["chunks"] == found["after"]["size"]["chunks"] == 12
    backwards = ok(cli, "reindex", "compare", "2", "1", "--questions", "questions.jsonl")
    assert backwards["metrics"]["ndcg@10"]["difference"] == -found["metrics"]["ndcg@10"]["difference"]

    shown = cli("reindex", "compare", "--questions", "questions.jsonl", env={**cli.environment, "COLUMNS": "45"})
    assert shown.code == 0, shown.err
    assert "A: generation 1, active" in shown.out
    assert "of the first ten documents both find" in shown.out


def test_without_questions_some_are_made_and_chunks_may_differ(
    company: CommandLine, here: Here, tmp_path: Path
) -> None:
    cli = here(company)
    ok(cli, "reindex", "start", "--chunk-tokens", "48")
    ok(cli, "reindex", "work")
    plot = tmp_path / "compared.png"
    done = cli("reindex", "compare", "--count", "20", "--plot", str(plot), "--json")
    assert done.code == 0, done.err
    found = done.json
    assert found["generated"] is True
    assert found["questions"] > 5
    assert found["after"]["generation"]["chunk_tokens"] == 48
    assert found["after"]["size"]["chunks"] > found["before"]["size"]["chunks"]
    assert found["overlap"]["at_10"] > 0.5, "documents are compared, whatever their chunks"
    assert any("made from the collection's own chunks" in note for note in found["notes"])
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_compared_is_refused(cli: CommandLine) -> None:
    cases: tuple[tuple[tuple[str, ...], str], ...] = (
        (("2", "2"), "cannot be compared with itself"),
        (("7",), "there is no generation 7"),
        (("--mode", "fast"), "there is no mode 'fast'"),
        (("--metric", "quality"), "there is no metric 'quality'"),
        (("--questions", "gone.jsonl"), "there is no file or folder"),
    )
    for arguments, told in cases:
        done = cli("reindex", "compare", *arguments)
        assert done.code == 2
        assert told in done.err


# --- plan ------------------------------------------------------------------------------------------------------------


def test_a_plan_says_what_a_reindex_then_does(cli: CommandLine, worse_model: Path) -> None:
    for flags in (("--embedder", str(worse_model), "--chunk-tokens", "32"), ("--text-search", "plain")):
        planned = ok(cli, "reindex", "plan", *flags)
        assert (planned["schema"], planned["possible"], planned["exact"]) == ("hybridrag.reindex_plan/1", True, True)
        assert planned["chunk_set"]["shared"] is False
        done = ok(cli, "reindex", "run", "--no-promote", *flags)
        assert planned["tokens"]["to_embed"] == done["worked"]["tokens"]
        assert planned["texts"]["to_embed"] == done["worked"]["embedded"]
        assert planned["texts"]["reused"] == done["worked"]["reused"]
        assert planned["chunks"] == done["generation"]["chunks"]


def test_what_is_there_already_is_not_planned_again(cli: CommandLine, other_model: Path, tmp_path: Path) -> None:
    third = write_static_model(tmp_path / "third", dimensions=32, seed=3)
    planned = ok(cli, "reindex", "plan", "--embedder", str(third), "--machines", "2")
    assert (planned["chunk_set"]["shared"], planned["exact"]) == (True, True)
    assert (planned["texts"]["to_embed"], planned["texts"]["reused"]) == (12, 0)
    assert planned["tokens_per_second"] > 0
    assert planned["seconds"]["chunking"] == planned["disk"]["chunks"] == planned["cost_usd"] == 0
    assert planned["machines"] == 2
    assert planned["disk"]["vectors"] > 12 * 2 * 32
    again = ok(cli, "reindex", "plan", "--embedder", str(other_model))
    assert (again["texts"]["to_embed"], again["tokens"]["to_embed"], again["texts"]["reused"]) == (0, 0, 12)
    assert again["seconds"]["total"] == 0
    serving = ok(cli, "reindex", "plan")
    assert serving["possible"] is False
    assert serving["obstacles"] == ["the collection is embedded so already: generation 1"]
    shown = cli("reindex", "plan", "--embedder", str(third))
    assert "12 texts" in shown.out
    assert states(cli) == {1: "active", 2: "ready"}


def test_a_sample_tells_about_as_much_as_all_documents(company: CommandLine) -> None:
    live = wiring(company)
    wanted = Reindexing(live).wanted(chunk_tokens=64)
    spec = live.models.of(live.collection())

    def planned(whole: int) -> Plan:
        with Sizes.open(live.store.open(), live.collection()) as sizes:
            return plan(
                sizes,
                live.collection(),
                wanted,
                chunker=live.models.chunker(spec, 64),
                embedder=live.models.embedder(spec),
                options=PlanOptions(here=False, texts_leave=False, free=None, whole=whole),
            )

    exact, estimated = planned(1_000_000), planned(0)
    assert (exact.amount.exact, estimated.amount.exact) == (True, False)
    assert estimated.amount.tokens == pytest.approx(exact.amount.tokens, rel=0.15)
    assert estimated.amount.chunks == pytest.approx(exact.amount.chunks, rel=0.15)
    assert exact.speed is None
    live.store.close()


def test_a_plan_sends_no_document_to_a_remote_model(cli: CommandLine, tiny_model: Path, model_cache: Path) -> None:
    (cli.home / "more").mkdir()
    (cli.home / "more" / "salaries.md").write_text(
        "---\nlabel: local-only\n---\n# Salaries\n\nThe lead earns 90000 euro."
    )
    done = cli("ingest", "more")
    assert done.code == 0, done.err
    trust = {"SSL_CERT_FILE": str(REMOTE_CERTIFICATE), "HYBRIDRAG_ALLOW_REMOTE_EMBEDDING": "true"}
    with RemoteServer(embeddings(embedding(tiny_model, model_cache))) as server:
        done = cli("reindex", "plan", "--embedder", f"{server.url}#tiny", "--json", env=trust)
        assert done.code == 0, done.err
        planned = done.json
        assert set(server.texts) <= {*PROBES}
    assert (planned["texts_leave"], planned["possible"], planned["cost_usd"]) == (True, False, None)
    assert "1 documents are labelled local-only" in planned["obstacles"][0]
    assert planned["tokens"]["to_embed"] > 0
    assert planned["tokens_per_second"] is planned["seconds"]["total"] is None
    assert "is not measured: that would send texts to it" in planned["notes"][0]
