"""Every exit code that the documentation names and that can be had today, each with its error as JSON."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.conftest import CommandLine, Here, Result
from tests.faults.conftest import url_of
from tests.faults.stops import A_RUN_HOLDS_THE_COLLECTION, wait_until
from tests.servers.chat import ChatServer, answer, html

REPOSITORY = Path(__file__).parent.parent.parent
NO_ONE_LISTENS = "postgresql://127.0.0.1:1/nowhere"
Case = Callable[[CommandLine, Path], Result]


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


def folder_of(tmp_path: Path, **files: str) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in files.items():
        (folder / f"{name}.md").write_text(text)
    return folder


def indexed(cli: CommandLine, folder: Path) -> CommandLine:
    done = cli("ingest", str(folder))
    assert done.code == 0, done.err
    return cli


def unknown_verb(cli: CommandLine, tmp_path: Path) -> Result:
    return cli("inject", "--json")


def project_file_with_an_address(cli: CommandLine, tmp_path: Path) -> Result:
    (tmp_path / "hybridrag.toml").write_text('database_url = "postgresql://elsewhere/x"\n')
    return cli("search", "travel", "--json", cwd=tmp_path)


def no_database(cli: CommandLine, tmp_path: Path) -> Result:
    return cli("search", "travel", "--json", env={"HYBRIDRAG_DATABASE_URL": NO_ONE_LISTENS})


def no_model(cli: CommandLine, tmp_path: Path) -> Result:
    folder = folder_of(tmp_path, a="Travel.")
    return cli("ingest", str(folder), "--json", env={"HYBRIDRAG_EMBEDDER": str(tmp_path / "nothing")})


def no_provider(cli: CommandLine, tmp_path: Path) -> Result:
    indexed(cli, folder_of(tmp_path, a="Travel costs 62 euros."))
    with ChatServer(html()) as server:
        return cli("ask", "What does travel cost?", "--provider", server.url, "--llm", "any", "--json")


def no_readable_document(cli: CommandLine, tmp_path: Path) -> Result:
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7 and then nothing")
    return cli("ingest", str(tmp_path / "broken.pdf"), "--json")


def one_unreadable_under_strict(cli: CommandLine, tmp_path: Path) -> Result:
    folder = folder_of(tmp_path, a="Travel.")
    (folder / "junk.md").write_bytes(bytes(range(256)))
    return cli("ingest", str(folder), "--strict", "--json")


def only_local_passages(cli: CommandLine, tmp_path: Path) -> Result:
    indexed(cli, folder_of(tmp_path, a="---\nlabel: local-only\n---\nTravel costs 62 euros."))
    key = {"TOGETHER_API_KEY": "k" * 40}
    return cli("ask", "What does travel cost?", "--provider", "together", "--json", env=key)


def a_spent_budget(cli: CommandLine, tmp_path: Path) -> Result:
    """The passage alone is more than may leave in a day: no connection is opened."""
    indexed(cli, folder_of(tmp_path, a="Travel costs 62 euros."))
    (cli.home / "state" / "config.toml").write_text("[policy.budgets]\nday = 1\n")
    key = {"TOGETHER_API_KEY": "k" * 40}
    return cli("ask", "What does travel cost?", "--provider", "together", "--json", env=key)


def an_emptied_folder(cli: CommandLine, tmp_path: Path) -> Result:
    folder = folder_of(tmp_path, **{f"n{number}": f"Travel {number}." for number in range(11)})
    indexed(cli, folder)
    for file in folder.iterdir():
        file.unlink()
    return cli("ingest", str(folder), "--json")


def an_unhappy_doctor(cli: CommandLine, tmp_path: Path) -> Result:
    return cli("doctor", "--json", env={"HYBRIDRAG_EMBEDDER": str(tmp_path / "nothing")})


def an_answer_without_evidence(cli: CommandLine, tmp_path: Path) -> Result:
    indexed(cli, folder_of(tmp_path, a="Travel costs 62 euros."))
    with ChatServer(answer("It costs 65 euros.")) as server:
        arguments = ("--provider", server.url, "--llm", "any", "--require-grounded", "--json")
        return cli("ask", "What does travel cost?", *arguments)


def a_full_disk(cli: CommandLine, tmp_path: Path) -> Result:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            cli.command("config", "show", "--json"), stdout=full, stderr=subprocess.PIPE, env=dict(cli.environment)
        )
    return Result(done.returncode, "", done.stderr.decode())


def a_held_collection(cli: CommandLine, tmp_path: Path) -> Result:
    folder = folder_of(tmp_path, a="Travel.")
    indexed(cli, folder)
    with psycopg.connect(url_of(cli), autocommit=True) as connection:
        connection.execute(
            "select pg_advisory_lock(hashtextextended('hybridrag run ' || id::text, 0)) from hybridrag.collection"
        )
        return cli("ingest", str(folder), "--json")


def interrupted(cli: CommandLine, tmp_path: Path) -> Result:
    return signalled(cli, signal.SIGINT)


def terminated(cli: CommandLine, tmp_path: Path) -> Result:
    return signalled(cli, signal.SIGTERM)


def signalled(cli: CommandLine, number: signal.Signals) -> Result:
    """An ingest that waits for standard input, which stays open."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with cli.start("ingest", "-", "--json", **pipes) as process:
        with psycopg.connect(url_of(cli), autocommit=True) as connection:
            wait_until(connection, A_RUN_HOLDS_THE_COLLECTION, process)
        process.send_signal(number)
        process.wait(timeout=60)
        assert process.stdout is not None
        assert process.stderr is not None
        return Result(process.returncode, process.stdout.read().decode(), process.stderr.read().decode())


def worse_answers_than_before(cli: CommandLine, tmp_path: Path) -> Result:
    words = ["travel", "hotel", "invoice", "backup", "server", "policy", "finance", "error", "manager", "allowance"]
    texts = {f"note{n}": f"All that there is to know about {word}." for n, word in enumerate(words)}
    folder = folder_of(tmp_path, **texts)
    questions = tmp_path / "questions.jsonl"
    rows = [{"question": f"What about {word}?", "sources": [f"notes/note{n}.md"]} for n, word in enumerate(words)]
    questions.write_text("\n".join(map(json.dumps, rows)))
    indexed(cli, folder)
    arguments = ("eval", "run", str(questions), "--mode", "lexical", "--baseline", "--json")
    first = cli(*arguments)
    assert first.code == 0, first.err
    for name, text in zip(texts, [*texts.values()][1:] + [*texts.values()][:1], strict=True):
        (folder / f"{name}.md").write_text(text)
    indexed(cli, folder)
    return cli(*arguments)


CASES: list[tuple[int, str, bool, Case]] = [
    (2, "UsageError", False, unknown_verb),
    (3, "ConfigError", False, project_file_with_an_address),
    (4, "DatabaseUnavailable", True, no_database),
    (5, "ModelError", False, no_model),
    (5, "ProviderError", False, no_provider),
    (6, "DocumentsFailed", False, no_readable_document),
    (6, "DocumentsFailed", False, one_unreadable_under_strict),
    (7, "BlockedByPolicy", False, only_local_passages),
    (8, "RefusedForSafety", False, an_emptied_folder),
    (9, "BudgetSpent", False, a_spent_budget),
    (10, "BelowBaseline", False, worse_answers_than_before),
    (11, "DoctorUnhappy", False, an_unhappy_doctor),
    (12, "NotGrounded", False, an_answer_without_evidence),
    (74, "OutputLost", True, a_full_disk),
    (75, "CollectionBusy", True, a_held_collection),
    (130, "Interrupted", True, interrupted),
    (143, "Terminated", True, terminated),
]


@pytest.mark.parametrize(("code", "name", "retryable", "case"), CASES)
def test_a_failure(cli: CommandLine, tmp_path: Path, code: int, name: str, retryable: bool, case: Case) -> None:
    done = case(cli, tmp_path)
    assert done.code == code, done.err
    *notices, last = done.err.splitlines()
    error = json.loads(last)
    assert set(error) >= {"schema", "code", "error", "message", "hint", "retryable"}
    assert (error["schema"], error["code"], error["error"]) == ("hybridrag.error/1", code, name)
    assert error["retryable"] is retryable
    assert error["message"]
    assert error["hint"]
    assert not any(line.startswith("{") for line in notices), "one object, and only one"
    if done.out:  # a report that is complete in spite of the failure
        assert json.loads(done.out)["schema"] in {"hybridrag.ingest/1", "hybridrag.doctor/1", "hybridrag.eval/1"}


def test_finding_nothing_is_no_failure(cli: CommandLine, tmp_path: Path) -> None:
    indexed(cli, folder_of(tmp_path, a="Travel."))
    found = cli("search", "zeppelin", "--mode", "lexical", "--json")
    assert (found.code, found.json["hits"]) == (0, [])
    answer = cli("ask", "zeppelin?", "--filter", "type:pdf", "--json")
    assert (answer.code, answer.json["abstained"], answer.json["citations"]) == (0, True, [])


def test_the_documentation_names_these_codes_and_no_other_is_used(cli: CommandLine) -> None:
    table = (REPOSITORY / "docs" / "cli.md").read_text().partition("## Exit codes")[2]
    documented = {int(code) for row in re.findall(r"(?m)^\| ([\d, ]+) \|", table) for code in row.split(",")}
    assert documented == {code for code, *_ in CASES} | {0, 70}


@pytest.mark.parametrize("arguments", [("search", "word", "-k", "500"), ("documents", "show", "notes/long.md")])
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_a_closed_pipe_ends_quietly(
    cli: CommandLine, tmp_path: Path, arguments: tuple[str, ...], form: tuple[str, ...]
) -> None:
    """As in `hybridrag search ... | head -c1`, with more to say than a pipe holds."""
    indexed(cli, folder_of(tmp_path, long="\n\n".join(f"# Part {n}\n\n{n} " + "word " * 900 for n in range(40))))
    process = cli.start(*arguments, *form, "--quiet", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert len(process.stdout.read(1)) == 1
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) == 0


@pytest.mark.parametrize("closed", [(0,), (2,), (0, 1, 2)], ids=str)
def test_closed_streams_do_no_harm(cli: CommandLine, tmp_path: Path, closed: tuple[int, ...]) -> None:
    """Some daemons start their children without standard streams."""
    folder = folder_of(tmp_path, a="Travel costs 62 euros.")
    redirections = " ".join(f"{number}>&-" for number in closed)
    script = f'"$0" -m hybridrag ingest "$1" {redirections}'
    done = subprocess.run(
        ["sh", "-c", script, sys.executable, str(folder)], env=dict(cli.environment), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert cli("documents", "list", "--json").json["documents"][0]["uri"] == "notes/a.md"
    lost = subprocess.run(
        ["sh", "-c", f'"$0" -m hybridrag search travel -c nothing {redirections}', sys.executable],
        env=dict(cli.environment),
        capture_output=True,
    )
    assert lost.returncode == 2, lost.stderr
