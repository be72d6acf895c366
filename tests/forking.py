"""Runs `hybridrag` in processes of their own that need not import anything: a process with all imported forks them.

    python -m tests.forking FOLDER

takes a request a line on stdin and answers with two lines on stdout: the number of the process, and how it ended. It
has one thread and no connection, so that what it forks is as fresh as a process can be. When stdin ends, which it does
however the one who asks ends, it removes the folder.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer

_FIRST = ["hybridrag.__main__", "hybridrag.cli.app", "psycopg", "numpy", "httpx"]
_ROOTS = (
    *("hybridrag", "psycopg", "psycopg_binary", "numpy", "pgvector", "tokenizers", "safetensors", "httpx", "typer"),
    *("ahocorasick", "phonenumbers", "re2", "regex", "Stemmer", "stdnum", "tomllib"),
)
"""What may be imported before a fork: none of these starts a thread when imported."""
_ENVIRONMENT = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}
_READ_AT_THE_START = ("PYTHON", "LC_", "LD_", "TZ", "LANGUAGE", "OMP_", "OPENBLAS_", "MALLOC_", "FORCE_COLOR")
"""Variables that the interpreter, or a library as it is imported, reads once: beginnings of their names."""


class Forking:
    """The forking process, from the side of the one who asks."""

    def __init__(self) -> None:
        self._folder = Path()
        self._free = threading.Lock()
        self._numbers = itertools.count()
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        arguments: Sequence[str | bytes],
        *,
        environment: Mapping[str, str],
        cwd: Path,
        stdin: bytes | None,
        timeout: float,
    ) -> subprocess.CompletedProcess[bytes] | None:
        """Runs `hybridrag` with `arguments` to its end.

        None where that needs an interpreter of its own, or while another thread has a command run here. Raises
        TimeoutExpired after `timeout` seconds.
        """
        if environment.get("LANG") != "C.UTF-8" or any(name.startswith(_READ_AT_THE_START) for name in environment):
            return None
        if not self._free.acquire(blocking=False):
            return None
        try:
            return self._run(arguments, environment, cwd, stdin, timeout)
        except BaseException:
            self._end()  # whatever it may still answer is not for the next one
            raise
        finally:
            self._free.release()

    def _run(
        self,
        arguments: Sequence[str | bytes],
        environment: Mapping[str, str],
        cwd: Path,
        stdin: bytes | None,
        timeout: float,
    ) -> subprocess.CompletedProcess[bytes]:
        process = self._process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        # Names of its own: what an earlier command left running may still write to that one's files.
        given, out, err, modules = (self._folder / f"{next(self._numbers)}" for _ in range(4))
        given.write_bytes(stdin or b"")
        request = {
            "arguments": [os.fsdecode(argument) for argument in arguments],
            "environment": dict(environment),
            "cwd": str(cwd),
            "files": [os.devnull if stdin is None else str(given), str(out), str(err)],
            "modules": str(modules),
        }
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        pid = int(process.stdout.readline())
        over = threading.Event()

        def kill() -> None:
            over.set()
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

        timer = threading.Timer(timeout, kill)
        timer.start()
        try:
            code = int(process.stdout.readline())
        except BaseException:
            kill()
            raise
        finally:
            timer.cancel()
        if over.is_set():
            raise subprocess.TimeoutExpired(["hybridrag", *request["arguments"]], timeout)
        done = subprocess.CompletedProcess(arguments, code, out.read_bytes(), err.read_bytes())
        for file in (given, out, err, modules):
            file.unlink(missing_ok=True)
        return done

    def _start(self) -> subprocess.Popen[str]:
        self._folder = Path(tempfile.mkdtemp(prefix="hybridrag-forking-"))
        return subprocess.Popen(
            [sys.executable, "-m", "tests.forking", str(self._folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=_ENVIRONMENT,
            cwd=Path(__file__).parents[1],
            start_new_session=True,  # Ctrl-C at the terminal is for the one who asks
        )

    def close(self) -> None:
        """Ends the process that forks, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()
            shutil.rmtree(self._folder, ignore_errors=True)


def build_commands_once() -> None:
    """Has typer keep the commands in this process: building a verb anew for each command line takes 5 to 20 ms."""
    typer.main.get_command = functools.cache(typer.main.get_command)


# --- the process that forks ------------------------------------------------------------------------------------------


def main(folder: str) -> None:
    """Answers requests until stdin ends, and clears up."""
    try:
        import_ahead(_FIRST)
        from hybridrag.cli.app import app, only

        build_commands_once()
        for verb in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
            typer.main.get_command(only(verb))
        gc.freeze()  # what is here already, no command needs to look through for cycles, nor to copy for that
        for line in sys.stdin:
            _answer(json.loads(line))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _answer(request: dict[str, Any]) -> None:
    pid = os.fork()
    if pid == 0:
        try:
            _become(request)
        finally:
            os._exit(1)  # it could not
    print(pid, flush=True)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(FileNotFoundError):  # it was killed
        import_ahead(Path(request["modules"]).read_text().split())
    print(code, flush=True)


def import_ahead(modules: Sequence[str]) -> None:
    """Imports what a command imported, so that the next one finds it done."""
    for name in modules:
        if name not in sys.modules and name.partition(".")[0] in _ROOTS:
            with contextlib.suppress(ImportError):  # a module that another one made up
                importlib.import_module(name)


def _become(request: dict[str, Any]) -> NoReturn:
    """Turns this process into one that runs the command."""
    given, out, err = request["files"]
    os.dup2(os.open(given, os.O_RDONLY), 0)
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600), number)
    # As Python opens them where LANG is C.UTF-8.
    sys.stdin = os.fdopen(0, encoding="utf-8", errors="surrogateescape")
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="surrogateescape")
    sys.stderr = os.fdopen(2, "w", 1, encoding="utf-8", errors="backslashreplace")
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    sys.path[0] = request["cwd"]
    tempfile.tempdir = None

    from hybridrag.__main__ import main

    sys.argv[1:] = request["arguments"]
    code = 1
    try:
        main()
    except SystemExit as exc:
        code = exc.code if isinstance(exc.code, int) else int(exc.code is not None)
    finally:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        Path(request["modules"]).write_text("\n".join(sys.modules))
        os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1])
