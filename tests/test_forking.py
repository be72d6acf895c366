"""A command that is forked ends as one that has an interpreter of its own, whatever is done to it."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import CommandLine

Start = Callable[..., "subprocess.Popen[bytes]"]
_PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}


@pytest.fixture
def unconnected(tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "HOME": str(tmp_path)})


@pytest.fixture(params=["start", "start_anew"])
def start(unconnected: CommandLine, request: pytest.FixtureRequest) -> Start:
    """Both ways."""
    started: Start = getattr(unconnected, request.param)
    return started


@pytest.fixture
def reading(start: Start) -> Iterator[subprocess.Popen[bytes]]:
    """A command that reads its standard input."""
    with start("redact", "-", **_PIPES) as process:
        try:
            yield process
        finally:
            process.kill()


def test_what_it_writes_and_how_it_ends(start: Start) -> None:
    with start("--version", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out.startswith(b"hybridrag "), err) == (0, True, b"")
    with start("inject", stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, b"inject" in out) == (2, True)


def test_what_it_reads(reading: subprocess.Popen[bytes]) -> None:
    out, err = reading.communicate("The fee is 62 € for all.".encode(), timeout=60)
    assert (reading.returncode, out.decode()) == (0, "The fee is 62 € for all.\n"), err.decode()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_signals_that_nothing_heeds(reading: subprocess.Popen[bytes], number: signal.Signals) -> None:
    reading.send_signal(number)
    if number is signal.SIGKILL:
        assert reading.wait(timeout=60) == -signal.SIGKILL
        assert reading.poll() == -signal.SIGKILL
        reading.send_signal(signal.SIGTERM)  # to nobody
    else:
        with pytest.raises(subprocess.TimeoutExpired):
            reading.wait(timeout=0.01)
        assert reading.poll() is None
        reading.kill()
        reading.send_signal(signal.SIGCONT)
        assert reading.wait(timeout=60) == -signal.SIGKILL


def test_it_belongs_to_the_group_and_session_of_the_one_who_asks(reading: subprocess.Popen[bytes]) -> None:
    assert os.getpgid(reading.pid) == os.getpgrp()
    assert os.getsid(reading.pid) == os.getsid(0)


def test_several_at_once(unconnected: CommandLine) -> None:
    """None holds the streams of another: each ends when its own input does."""
    together = [unconnected.start("redact", "-", **_PIPES) for _ in range(4)]
    assert len({process.pid for process in together}) == 4
    together[2].kill()
    for number, process in enumerate(together):
        out, _ = process.communicate(f"The fee is {number} euros.".encode(), timeout=60)
        expected = (-signal.SIGKILL, b"") if number == 2 else (0, f"The fee is {number} euros.\n".encode())
        assert (process.returncode, out) == expected
