"""`--log-format json`: every line of stderr is one object, whoever wrote it; and signs of life without a terminal."""

from __future__ import annotations

import json
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hybridrag.cli import milestones
from hybridrag.cli.eval_progress import asking
from hybridrag.cli.globals import Globals, hoisted
from hybridrag.cli.logs import log, log_in, stderr_kept
from hybridrag.cli.progress import progress
from tests.conftest import CommandLine, Here

SENTENCE = "The meal allowance is sixty-two euros."


def records(text: str) -> list[dict[str, Any]]:
    """The objects of a log; fails where a line is none."""
    found = [json.loads(line) for line in text.splitlines()]
    for each in found:
        assert {"schema", "at", "level", "event", "message", "pid"} <= each.keys(), each
        assert abs(datetime.fromisoformat(each["at"]) - datetime.now(UTC)) < timedelta(minutes=5)
        assert each["at"].endswith("Z")
    return found


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text(f"# Travel\n\n{SENTENCE}\n")
    (folder / "broken\nname\u202e.pdf").write_bytes(b"%PDF-1.4 nothing")
    return folder


def test_an_ingest(cli: CommandLine, here: Here, notes: Path) -> None:
    done = here(cli)("ingest", str(notes), "--log-format", "json")
    assert done.code == 0, done.err
    notice, *told = records(done.err)
    assert (notice["schema"], notice["event"], notice["collection"]) == ("hybridrag.log/1", "notice", "default")
    assert notice["command"] == "ingest"
    problem = next(each for each in told if each["event"] == "failed")
    assert problem["level"] == "warning"
    assert problem["uri"].startswith("notes/broken")
    assert problem["reason"]
    assert len(problem["run_id"]) == 36
    assert SENTENCE not in done.err
    assert "\u202e" not in done.err
    assert "documents: 1 added" in done.out  # results stay as they are


def test_a_sync_tells_of_which_collection(cli: CommandLine, here: Here, notes: Path) -> None:
    for name in ("one", "two"):
        assert here(cli)("ingest", str(notes), "-c", name, "-q").code == 0
    (notes / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    done = here(cli)("sync", "--all", "--log-format", "json")
    failed = [each for each in records(done.err) if each["event"] == "failed" and each["uri"].endswith("broken.pdf")]
    assert [each["collection"] for each in failed] == ["one", "two"]
    assert len({each["run_id"] for each in failed}) == 2


@pytest.mark.parametrize("way", ["flag", "environment", "file"])
def test_the_error_keeps_its_fields(cli: CommandLine, here: Here, way: str) -> None:
    home = Path(cli.environment["HYBRIDRAG_HOME"])
    home.mkdir()
    (home / "config.toml").write_text('log_format = "json"\n' if way == "file" else "")
    flags = ("--log-format=json",) if way == "flag" else ()
    environment = {"HYBRIDRAG_LOG_FORMAT": "json"} if way == "environment" else {}
    done = here(cli)("search", "travel", "-c", "nothing", *flags, env=environment)
    assert done.code == 2
    (error,) = records(done.err)
    assert error["schema"] == "hybridrag.error/1"
    assert {"code", "error", "message", "hint", "retryable"} <= error.keys()
    assert (error["code"], error["level"], error["event"], error["command"]) == (2, "error", "error", "search")


def test_the_flag_wins_over_the_environment(cli: CommandLine, here: Here) -> None:
    done = here(cli)("search", "x", "-c", "no", "--log-format", "text", env={"HYBRIDRAG_LOG_FORMAT": "json"})
    assert done.err.startswith("error: ")


def test_without_it_json_is_as_it_was(cli: CommandLine, here: Here) -> None:
    done = here(cli)("search", "travel", "-c", "nothing", "--json")
    assert json.loads(done.err).keys() == {"schema", "code", "error", "message", "hint", "retryable"}


def test_other_forms_are_refused(cli: CommandLine, here: Here) -> None:
    done = here(cli)("config", "show", "--log-format", "xml")
    assert (done.code, "--log-format: 'xml' is none of text, json" in done.err) == (2, True)
    done = here(cli)("config", "show", env={"HYBRIDRAG_LOG_FORMAT": "xml"})
    assert (done.code, "HYBRIDRAG_LOG_FORMAT" in done.err) == (3, True)


def test_an_overlap_is_no_error(cli: CommandLine, here: Here, notes: Path) -> None:
    from hybridrag.store import PostgresStore

    assert here(cli)("ingest", str(notes), "-q").code == 0
    store = PostgresStore(cli.environment["HYBRIDRAG_DATABASE_URL"])
    collection = store.find_collection("default")
    assert collection is not None
    with store.ingest_run(collection):
        done = here(cli)("ingest", str(notes), "--log-format", "json", "--quiet")
    store.close()
    assert done.code == 75
    (error,) = records(done.err)  # --quiet leaves only it
    assert (error["level"], error["code"], error["retryable"]) == ("warning", 75, True)


def test_the_flag_is_known_before_the_verb_is_parsed() -> None:
    arguments = hoisted(["-c", "x", "search", "q", "--log-format", "json"])
    assert Globals.peek(arguments).log_format == "json"
    assert hoisted(["search", "--", "--log-format", "json"]) == ["search", "--", "--log-format", "json"]


def test_whatever_is_written_becomes_a_record(capfd: pytest.CaptureFixture[str]) -> None:
    with stderr_kept():
        log_in("json")
        sys.stderr.write("half a ")
        print("line\n\x1b[31mand another", file=sys.stderr)
        sys.__excepthook__(ValueError, ValueError("lost in a thread"), None)
        sys.stderr.write("no end")
    assert log() is None
    out = capfd.readouterr().err
    told = [each["message"] for each in records(out)]
    assert told[:2] == ["half a line", "\x1b[31mand another"]
    assert told[-1] == "no end"
    assert "ValueError: lost in a thread" in told
    assert "\x1b" not in out


def test_lines_of_many_threads_stay_whole(capfd: pytest.CaptureFixture[str]) -> None:
    with stderr_kept():
        log_in("json")
        shared = log()
        assert shared is not None

        def tell(number: int) -> None:
            for _ in range(50):
                shared.record("x" * 20_000, level="info", event="test", fields={"number": number})

        threads = [threading.Thread(target=tell, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    told = records(capfd.readouterr().err)
    assert len(told) == 200
    assert all(len(each["message"]) < 16_100 for each in told)  # journald would break longer lines


def wait_for(word: str, capfd: pytest.CaptureFixture[str]) -> str:
    text, deadline = "", time.monotonic() + 30
    while word not in text:
        assert time.monotonic() < deadline, text
        text += capfd.readouterr().err
    return text


def test_signs_of_life(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milestones, "INTERVAL", 0.001)
    with progress(quiet=False, verbose=False) as shown:
        wait_for("indexing: reading, after", capfd)
        shown.begin(1_200)
        shown.advance(300, 45_000)
        text = wait_for("indexing: 300 of 1,200 documents, 45,000 tokens (", capfd)
        assert " s left, after " in text
        shown.advance(900, 0)
    assert "1,200 of 1,200 documents" in capfd.readouterr().err.splitlines()[-1]
    with asking(quiet=False) as heard:
        heard.begin(8)
        heard.advance()
        wait_for("asking: 1 of 8 questions", capfd)


def test_signs_of_life_in_a_log(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(milestones, "INTERVAL", 0.001)
    with stderr_kept():
        log_in("json")
        with progress(quiet=False, verbose=False) as shown:
            shown.begin(10)
            shown.advance(5, 1_000)
            text = wait_for('"documents": 5', capfd)
    found = next(each for each in records(text[: text.rindex("\n")]) if each.get("documents") == 5)
    assert found["event"] == "progress"
    assert found["total"] == 10
    assert found["tokens"] == 1_000
    assert found.keys() >= {"tokens_per_second", "seconds", "seconds_left"}


def test_quiet_and_short_work_tell_nothing(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with progress(quiet=False, verbose=False) as shown:
        shown.begin(1)
        shown.advance(1, 10)
    monkeypatch.setattr(milestones, "INTERVAL", 0.0001)
    with progress(quiet=True, verbose=False) as shown, asking(quiet=True) as heard:
        shown.begin(1)
        heard.begin(1)
        assert not [each for each in threading.enumerate() if each.name == "milestones"]
    assert capfd.readouterr().err == ""


def test_a_question_and_its_answer_stay_out(cli: CommandLine, here: Here, notes: Path) -> None:
    assert here(cli)("ingest", str(notes), "-q").code == 0
    done = here(cli)("ask", "What is the capital of Mongolia?", "-v", "--log-format", "json")
    assert done.code == 0, done.err
    assert records(done.err)
    assert "Mongolia" not in done.err
    assert "sixty-two" not in done.err
