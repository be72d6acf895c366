"""`eval generate`: questions on stdout or in a file, without a model or through the privacy gateway."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hybridrag.evaluation.questions import load_questions
from tests.conftest import CommandLine, Here
from tests.flows.test_generate import asked_by
from tests.servers.chat import ChatServer, answer, status
from tests.store.corpus import Corpus

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
VALUES: dict[str, list[str]] = json.loads((EXAMPLES / "personal-data.json").read_text(encoding="utf-8"))


@pytest.fixture
def company(company: CommandLine, here: Here) -> CommandLine:
    return here(company)


def reply(request: dict[str, Any]) -> str:
    passage = asked_by(request)
    return json.dumps({"question": f"What is said of {' '.join(passage.split()[:8])}?", "answer": passage})


def test_questions_are_made_here_and_read_by_what_reads_question_files(company: CommandLine) -> None:
    file = company.home / "questions.jsonl"
    made = company("eval", "generate", "--count", "12", "--output", str(file), env={"HYBRIDRAG_PROVIDER": "together"})
    assert (made.code, made.out) == (0, ""), made.err
    questions = load_questions(file)
    assert len(questions.texts) == 12
    listed = {row["uri"] for row in company("documents", "list", "--json").json["documents"]}
    assert set(questions.documents) <= listed
    assert "favour the lexical arm" in made.err
    assert "12 questions from" in made.err

    again = company("eval", "generate", "--output", str(file))
    assert again.code == 2
    assert "--force" in again.err
    piped = company("eval", "generate", "--count", "12", "-q")
    assert (piped.out, piped.err) == (file.read_text(), "")
    other = company("eval", "generate", "--count", "12", "--seed", "7", "--output", str(file), "--force", "--json")
    assert other.json["made"] == 12
    assert file.read_text() != piped.out

    found = company("eval", "generate", "--count", "3", "--filter", "path:handbook/**", "--json").json
    assert found["schema"] == "hybridrag.generate/1"
    assert (found["made"], found["requests"], len(found["questions"])) == (3, 0, 3)
    assert all("/handbook/" in source for row in found["questions"] for source in row["sources"])


def test_what_leaves_for_a_provider_is_redacted_and_told_beforehand(company: CommandLine) -> None:
    file = company.home / "questions.jsonl"
    arguments = ("--count", "15", "--llm", "any", "--output", str(file))
    with ChatServer(answer(reply)) as server:
        done = company("eval", "generate", "--provider", server.url, *arguments)
    assert done.code == 0, done.err
    assert re.search(r"sending at most 15 requests with about [\d,]+ tokens", done.err)
    assert len(server.bodies) == 15
    received = b"\n".join(server.bodies).decode()
    for kind in ("EMAIL", "PHONE", "IBAN", "CARD", "SECRET"):
        for value in VALUES[kind]:
            assert json.dumps(value, ensure_ascii=False)[1:-1] not in received, f"a value of type {kind} left"
    assert len(load_questions(file).texts) >= 10
    ledger = (company.home / "state" / "data" / "ledger.jsonl").read_text()
    assert len(ledger.splitlines()) == 2 * 15


def test_a_provider_that_fails_leaves_what_was_made(company: CommandLine) -> None:
    file = company.home / "questions.jsonl"
    arguments = ("--count", "8", "--llm", "any", "--output", str(file))
    with ChatServer(answer(reply), answer(reply), status(401)) as server:
        done = company("eval", "generate", "--provider", server.url, *arguments)
    assert done.code == 5
    assert len(load_questions(file).texts) == 2
    assert "2 questions were made before that" in done.err

    file.write_text("an older file")
    with ChatServer(answer(reply), status(401)) as server:
        done = company("eval", "generate", "--provider", server.url, *arguments, "--force")
    assert done.code == 5
    assert file.read_text() == "an older file"
    assert len(load_questions(file.with_name("questions.jsonl.partial")).texts) == 1

    with ChatServer(answer(reply), answer(reply), status(401)) as server:
        done = company("eval", "generate", "--provider", server.url, *arguments[:-2], "--json")
    assert (done.code, done.json["made"], done.json["complete"]) == (5, 2, False)
    assert (len(done.json["questions"]), done.json["requests"]) == (2, 3)


def test_questions_are_written_in_the_encoding_that_the_output_has(cli: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    text = "Die Pauschale für größere Übernachtungen beträgt 62 Euro je Nacht und Person im Süden."
    (tmp_path / "notes" / "über.md").write_text(f"# Vergütung für Übernachtung\n\n{text}\n")
    assert cli("ingest", str(tmp_path / "notes")).code == 0
    made = cli("eval", "generate", "--count", "1", env={"PYTHONIOENCODING": "ascii"})
    assert made.code == 0, made.err
    assert json.loads(made.out)["sources"] == ["notes/über.md"]


def test_offline_keeps_remote_providers_out_and_needs_none(company: CommandLine) -> None:
    key = {"TOGETHER_API_KEY": "k" * 40}
    refused = company("eval", "generate", "--provider", "together", "--offline", env=key)
    assert (refused.code, refused.out) == (2, "")
    assert "--offline" in refused.err
    assert company("eval", "generate", "--count", "2", "--offline").code == 0


def test_what_is_local_only_never_leaves_but_may_be_asked_about_here(cli: CommandLine, tmp_path: Path) -> None:
    folder = tmp_path / "notes"
    folder.mkdir()
    text = "The secret travel budget of the northern office is 4711 euros for every single employee."
    (folder / "secret.md").write_text(f"---\nlabel: local-only\n---\n# Budget of travel\n\n{text}\n")
    assert cli("ingest", str(folder)).code == 0
    remote = cli("eval", "generate", "--provider", "together", env={"TOGETHER_API_KEY": "k" * 40})
    assert remote.code == 7
    assert "local-only" in remote.err
    here = cli("eval", "generate", "--count", "1")
    assert here.code == 0, here.err
    assert json.loads(here.out)["sources"] == ["notes/secret.md"]
    assert "one document" in here.err


def test_what_cannot_be_done_is_told_before_any_work(cli: CommandLine, database_url: str) -> None:
    missing = cli("eval", "generate")
    assert missing.code == 2
    assert "there is no collection" in missing.err
    Corpus.create(database_url).store.close()
    empty = cli("eval", "generate")
    assert empty.code == 2
    assert "is empty" in empty.err
    assert "--provider" in cli("eval", "generate", "--llm", "any").err
    assert cli("eval", "generate", "--count", "0").code == 2
    assert cli("eval", "generate", "--output", "/nowhere/at/all.jsonl").code == 2
    assert cli("eval", "generate", "--provider", "fireworks").code == 3
