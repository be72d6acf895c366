"""Ctrl-C and SIGTERM: a clean end with a code of its own, at once, and the next run goes on from there."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hybridrag.parsing import GuardedParser
from hybridrag.types import RawDocument, Skipped
from tests.conftest import CommandLine, Here
from tests.faults.conftest import Corpus, url_of
from tests.faults.digest import assert_same, assert_whole, digest
from tests.faults.stops import Place, stop_at
from tests.servers.chat import ChatServer, stall

BOTH = [
    pytest.param(signal.SIGINT, 130, "Interrupted", id="SIGINT"),
    pytest.param(signal.SIGTERM, 143, "Terminated", id="SIGTERM"),
]


@pytest.fixture
def cli(cli: CommandLine, here: Here) -> CommandLine:
    return here(cli)


@pytest.fixture
def indexed(indexed: CommandLine, here: Here) -> CommandLine:
    return here(indexed)


def assert_told(process: subprocess.Popen[bytes], code: int, name: str) -> None:
    """The process ended so, with one JSON error as the last line on stderr and nothing on stdout."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err.decode()
    error = json.loads(err.decode().splitlines()[-1])
    assert (error["schema"], error["code"], error["error"]) == ("hybridrag.error/1", code, name)
    assert error["retryable"] is True
    assert b"Traceback" not in err
    assert out == b""


@pytest.mark.parametrize("place", [Place("chunk", "insert", row=9), Place("vectors", "delete")], ids=str)
@pytest.mark.parametrize(("number", "code", "name"), BOTH)
def test_an_ingest(
    indexed: CommandLine, the_corpus: Corpus, place: Place, number: signal.Signals, code: int, name: str
) -> None:
    """The database keeps the process waiting for ever, and still it ends."""
    arguments = ("ingest", *Corpus.paths(the_corpus.second))
    with stop_at(url_of(indexed), place) as stop:
        start = indexed.start_anew if place.table == "vectors" else indexed.start
        process = start(*arguments, "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        stop.reached_by(process)
        process.send_signal(number)
        assert_told(process, code, name)
    assert_whole(digest(url_of(indexed)), the_corpus.of_first, the_corpus.of_second)
    assert indexed(*arguments).code == 0
    assert_same(digest(url_of(indexed)), the_corpus.of_second)


_WAITING = """
import signal, sys, threading
from hybridrag.cli.globals import Globals
from hybridrag.cli.main import _stopped_by_signals

def to_another_thread():
    signal.pthread_kill(threading.get_ident(), int(sys.argv[1]))

with _stopped_by_signals(Globals(json=True), soon=True):
    try:
        threading.Timer(0.1, to_another_thread).start()
        threading.Event().wait()
    except KeyboardInterrupt as error:
        print(type(error).__name__)
        if sys.argv[1] == str(int(signal.SIGTERM)):
            threading.Event().wait()
"""


@pytest.mark.parametrize(
    ("number", "code", "told"),
    [(signal.SIGINT, 0, "KeyboardInterrupt"), (signal.SIGTERM, 143, "_Terminated")],
)
def test_whichever_thread_gets_the_signal_and_whatever_cannot_be_given_up(
    number: signal.Signals, code: int, told: str
) -> None:
    command = [sys.executable, "-u", "-c", _WAITING, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout.strip()) == (code, told)
    assert ("Terminated" in done.stderr) is (number is signal.SIGTERM)


def test_a_cursor_that_a_bar_hid_is_shown_again() -> None:
    terminal, end = pty.openpty()
    try:
        command = [sys.executable, "-c", _WAITING, str(int(signal.SIGTERM))]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=end, timeout=60, check=False)
        assert done.returncode == 143
        assert os.read(terminal, 10_000).startswith(b"\033[?25h")
    finally:
        os.close(terminal)
        os.close(end)


_ENDING = """
import os, signal, sys, threading
from hybridrag.cli import main

def work(arguments):
    threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
    try:
        threading.Event().wait()
    finally:
        threading.Event().wait(2 * main._GRACE_S)
        os.write(1, b"ended")

main._run = work
sys.exit(main.run(sys.argv[1:]))
"""


@pytest.mark.parametrize(("verb", "ended"), [("db", "ended"), ("reindex", "ended"), ("ask", "")])
def test_who_has_started_servers_or_stores_a_batch_ends_them_first(verb: str, ended: str) -> None:
    command = [sys.executable, "-c", _ENDING, verb]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (143, ended)
    assert done.stderr.count("terminated") == 1


def test_a_parser_that_works_for_long_is_not_waited_for() -> None:
    long = RawDocument("docs", "long.md", b"# a\n\ntext *x*\n" * 1_000_000, "text/markdown", b"hash")
    with ThreadPoolExecutor(1) as pool:
        parser = GuardedParser()
        parsing = pool.submit(parser.parse, long)
        while parser.child_pid is None:
            assert not parsing.done()
        parser.close()
        given_up = parsing.result(timeout=60)
    assert isinstance(given_up, Skipped)
    assert "given up" in given_up.reason


@pytest.mark.parametrize(("number", "code", "name"), BOTH)
def test_an_answer_that_does_not_end(
    cli: CommandLine, tmp_path: Path, number: signal.Signals, code: int, name: str
) -> None:
    (tmp_path / "a.txt").write_text("The meal allowance is 62 euros.")
    assert cli("ingest", str(tmp_path / "a.txt")).code == 0
    with ChatServer(stall("The allowance is ")) as server:
        arguments = ("ask", "What is the meal allowance?", "--provider", server.url, "--llm", "any")
        process = cli.start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.read(4) == b"The "
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    assert process.returncode == code, err.decode()
    assert name.lower().encode() in err
    assert b"Traceback" not in err
    lines = (cli.home / "state" / "data" / "ledger.jsonl").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["kind"] for entry in entries] == ["intent", "outcome"]
    assert entries[1]["outcome"] == "failed"
