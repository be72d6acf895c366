"""`eval run --answers` as users run it: without a provider, and with a real HTTP server that answers."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_eval import lines
from tests.conftest import CommandLine, Here, Prepared
from tests.servers.chat import JSON, ChatServer, answer, stall, status

FACTS = {
    "parking": ("Where is the bicycle cellar of the office?", "The bicycle cellar is under the north wing."),
    "coffee": ("Who cleans the coffee machine on Fridays?", "The coffee machine is cleaned by the kitchen crew."),
    "backup": ("When does the server backup run at night?", "The server backup runs at 23:40 every night."),
    "badge": ("How long is a visitor badge valid?", "A visitor badge is valid for nine hours."),
}
DECLINES = "The documents do not answer this."


@pytest.fixture(scope="module")
def office_once(prepared: Prepared) -> Prepared:
    cli = prepared.cli
    docs = cli.home / "docs"
    docs.mkdir()
    for name, (_, fact) in FACTS.items():
        (docs / f"{name}.md").write_text(f"# About the {name}\n\n{fact}\n")
    rows: list[dict[str, Any]] = [
        {"question": question, "sources": [f"{name}.md"], "answer": fact} for name, (question, fact) in FACTS.items()
    ]
    lines(cli.home / "q.jsonl", [*rows, {"question": "What is the moon made of?", "sources": []}])
    assert cli("ingest", str(docs)).code == 0
    return prepared


@pytest.fixture
def office(office_once: Prepared, tmp_path: Path, here: Here) -> Iterator[CommandLine]:
    """Four documents, and a file of five questions: the last has no answer in them."""
    with office_once.copy(tmp_path) as cli:
        yield here(cli)


def replies(change: Callable[[str], str] = lambda fact: fact) -> Callable[[JSON], str]:
    """A model that knows the facts, cites the passage that holds them, and declines what it does not know."""

    def reply(request: JSON) -> str:
        text = str(request["messages"][-1]["content"])
        asked = [fact for question, fact in FACTS.values() if question in text]
        return f"{change(asked[0])} [1]" if asked else DECLINES

    return reply


def run(cli: CommandLine, *arguments: str) -> Any:
    return cli("eval", "run", "q.jsonl", "--answers", "--mode", "lexical", *arguments)


def by_provider(server: ChatServer) -> tuple[str, ...]:
    return "--provider", server.url, "--llm", "any"


def test_answers_without_a_provider_are_measured(office: CommandLine) -> None:
    done = run(office, "--json", "--report", "r.html", "--per-query", "p.jsonl")
    assert done.code == 0, done.err
    found = done.json["answers"]
    assert (found["mode"], found["provider"], found["queries"]) == ("extractive", None, 5)
    assert (found["answerable"], found["unanswerable"], found["failed"]) == (4, 1, 0)
    assert done.json["queries"] == 4, "retrieval is measured by what some document answers"
    assert "left out" not in done.err
    for name in ("correctness", "citation_recall", "source@3", "declined_in_vain"):
        low, high = found["ci95"][name]
        assert 0 <= low <= found[name] <= high <= 1
        assert found["counts"][name] == 4
    assert found["counts"]["declined"] == 1
    assert sum(found["verdicts"].values()) == 4
    assert 0 < found["p50_ms"] <= found["p95_ms"]
    assert found["usage"]["prompt_tokens"] is None
    assert "What is the moon made of?" in (office.home / "r.html").read_text()
    rows = [json.loads(line) for line in (office.home / "p.jsonl").read_text().splitlines()]
    assert [row["modes"] == {} for row in rows] == [False] * 4 + [True]
    assert all("answer" in row for row in rows)
    shown = run(office)
    assert shown.code == 0, shown.err
    assert "unanswerable, declined" in shown.out and "judged by words and" in shown.out


def test_a_provider_is_asked_once_a_question_and_judged(office: CommandLine) -> None:
    with ChatServer(answer(replies())) as server:
        done = run(office, "--json", *by_provider(server))
    assert done.code == 0, done.err
    assert 4 <= len(server.bodies) <= 5, "a question for which nothing is found is sent to nobody"
    found = done.json["answers"]
    assert (found["mode"], found["model"]) == ("provider", "any")
    assert found["correctness"] == 1
    assert found["verdicts"]["correct"] == 4
    assert (found["declined"], found["declined_in_vain"]) == (1, 0)
    assert found["usage"]["prompt_tokens"] > 0
    assert found["first_token_p50_ms"] > 0
    assert "requests to custom (any)" in done.err
    ledger = (office.home / "state" / "data" / "ledger.jsonl").read_text()
    assert ledger.count('"sent"') == len(server.bodies)


def test_wrong_answers_fall_below_the_baseline_with_10(office: CommandLine) -> None:
    asked = [
        {"question": question, "sources": [f"{name}.md"], "answer": fact}
        for _ in range(3)
        for name, (question, fact) in FACTS.items()
    ]
    lines(office.home / "q.jsonl", asked)
    with ChatServer(answer(replies())) as server:
        first = run(office, "--json", "--baseline", *by_provider(server))
        again = run(office, "--json", "--baseline", *by_provider(server))
    assert first.code == 0, first.err
    assert "the answers have nothing to be held against yet" in first.err
    assert first.json["answers"]["baseline"] == []
    assert again.code == 0, again.err
    assert {one["metric"]: one["difference"] for one in again.json["answers"]["baseline"]} == {
        "correctness": 0,
        "declined_in_vain": 0,
    }
    with ChatServer(answer(replies(lambda fact: "Nobody knows what the weather brings tomorrow."))) as server:
        worse = run(office, "--json", "--baseline", *by_provider(server))
    assert worse.code == 10, worse.err
    assert json.loads(worse.err.splitlines()[-1])["error"] == "BelowBaseline"
    assert any(one["fell"] for one in worse.json["answers"]["baseline"])


def test_one_failure_is_told_and_does_not_end_the_run(office: CommandLine) -> None:
    with ChatServer(status(400, message="too long"), answer(replies())) as server:
        done = run(office, "--json", *by_provider(server))
    assert done.code == 0, done.err
    found = done.json["answers"]
    assert (found["failed"], found["counts"]["correctness"], found["stopped"]) == (1, 3, "")
    assert [row["failed"] for row in found["questions"]] == [True, False, False, False, False]


def test_several_failures_in_a_row_end_it_with_their_exit_code_and_what_was_measured(office: CommandLine) -> None:
    with ChatServer(answer(replies()), status(400)) as server:
        done = run(office, "--json", "--baseline", *by_provider(server))
    assert done.code == 5, done.err
    assert len(server.bodies) == 4
    assert done.json["answers"]["failed"] == 3
    assert "1 questions were not asked" in done.json["answers"]["stopped"]
    assert "becomes the baseline" not in done.err
    with ChatServer(status(401)) as server:
        refused = run(office, "--json", *by_provider(server))
    assert (refused.code, refused.out, len(server.bodies)) == (5, "", 3)


def test_only_unanswerable_questions_are_measured_too(office: CommandLine) -> None:
    lines(office.home / "q.jsonl", [{"question": "What is the moon made of?", "sources": []}])
    with ChatServer(answer(DECLINES)) as server:
        done = run(office, "--json", *by_provider(server))
        shown = run(office, *by_provider(server), "--report", "r.html")
    assert done.code == 0, done.err
    assert done.json["modes"] == {}
    assert (done.json["answers"]["declined"], "correctness" in done.json["answers"]) == (1, False)
    assert shown.code == 0, shown.err
    assert run(office, "--against", str(done.json["id"])).code == 0
    assert office("eval", "run", "q.jsonl").code == 2, "of retrieval they say nothing"


def test_a_limit_counts_all_questions_and_a_filter_keeps_those_without_sources(office: CommandLine) -> None:
    done = run(office, "--json", "--limit", "2")
    assert (done.code, done.json["answers"]["queries"]) == (0, 2), done.err
    part = run(office, "--json", "--filter", "path:badge.md")
    assert part.code == 0, part.err
    assert [row["question"] for row in part.json["answers"]["questions"]] == [
        FACTS["badge"][0],
        "What is the moon made of?",
    ]


def test_generated_questions_are_answered(office: CommandLine) -> None:
    assert office("eval", "generate", "-o", "made.jsonl").code == 0
    done = office("eval", "run", "made.jsonl", "--answers", "--json")
    assert done.code == 0, done.err
    assert done.json["answers"]["counts"]["correctness"] == done.json["queries"] > 0


def test_a_dataset_with_answers_is_answered(cli: CommandLine) -> None:
    folder = cli.home / "set"
    folder.mkdir()
    lines(folder / "corpus.jsonl", [{"_id": name, "title": "", "text": fact} for name, (_, fact) in FACTS.items()])
    asked = [{"_id": name, "text": question, "answer": fact} for name, (question, fact) in FACTS.items()]
    lines(folder / "queries.jsonl", [*asked[:3], {**asked[3], "answer": ["of another form"]}])
    (folder / "qrels.tsv").write_text("".join(f"{name}\t{name}\t1\n" for name in FACTS))
    done = cli("eval", "run", str(folder), "--answers", "--json", "--mode", "lexical")
    assert done.code == 0, done.err
    assert done.json["answers"]["counts"]["correctness"] == 3
    assert done.json["answers"]["questions"][0]["sources"] == ["parking"]
    assert "1 questions have no expected answer" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--provider", "together"), "no answers are asked for"),
        (("--answers", "--llm", "any"), "none is chosen"),
        (("--answers", "--provider", "together"), "TOGETHER_API_KEY"),
    ],
)
def test_what_cannot_be_asked_is_told_before_any_work(
    office: CommandLine, arguments: tuple[str, ...], message: str
) -> None:
    done = office("eval", "run", "q.jsonl", *arguments)
    assert done.code in {2, 3}
    assert message in done.err


def test_an_interrupt_tells_what_was_asked_and_keeps_nothing(office: CommandLine) -> None:
    with ChatServer(answer(replies()), stall("The bi")) as server:
        process = office.start(
            *("eval", "run", "q.jsonl", "--answers", "--mode", "lexical", *by_provider(server)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        _wait_for(server, 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b""), err
    assert b"1 of 5 questions were asked, for 18 tokens; nothing of them is kept" in err
    assert b"Traceback" not in err


def _wait_for(server: ChatServer, requests: int) -> None:
    while len(server.bodies) < requests:
        server.released.wait(0.02)


def test_the_examples_are_answered_from_their_documents(company: CommandLine, examples: Path) -> None:
    questions = str(examples.parent / "questions.jsonl")
    done = company("eval", "run", questions, "--answers", "--json", "--mode", "lexical")
    assert done.code == 0, done.err
    assert done.json["answers"]["unanswerable"] > 0
    assert done.json["answers"]["source@3"] > 0.3
