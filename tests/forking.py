"""Runs `hybridrag` in processes of their own that need not import anything: a process with all imported forks them.

    python -m tests.forking FOLDER

takes requests from the socket that is its stdin, each with the streams of a command and a pipe, which gets two lines:
the number of the command's process, and how it ended. It has one thread and no connection, so that what it forks is as
fresh as a process can be. When the socket is closed, which it is however the one who asks ends, it removes the folder.
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
import select
import shutil
import signal
import socket
import struct
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
_NUMBER = struct.Struct("<q")
_STREAMS = 3


class Forking:
    """The forking process, from the side of the one who asks."""

    def __init__(self) -> None:
        self._folder = Path()
        self._free = threading.Lock()
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket

    def start(
        self, arguments: Sequence[str | bytes], *, environment: Mapping[str, str], cwd: Path, **options: Any
    ) -> subprocess.Popen[bytes] | None:
        """Starts `hybridrag` with `arguments`; `options` are those of `subprocess.Popen`.

        None where that needs an interpreter of its own, or an option other than the streams.
        """
        if environment.get("LANG") != "C.UTF-8" or any(name.startswith(_READ_AT_THE_START) for name in environment):
            return None
        if options.keys() - {"stdin", "stdout", "stderr"}:
            return None
        request = {
            "arguments": [os.fsdecode(argument) for argument in arguments],
            "environment": dict(environment),
            "cwd": str(cwd),
        }
        return _Forked(self, request, **options)

    def fork(self, request: Mapping[str, Any], streams: Sequence[int]) -> tuple[int, int]:
        """The number of a new process, and the pipe that will tell how it ended."""
        ended, told = os.pipe()
        try:
            with self._free:
                self._ask(request, [*streams, told])
        finally:
            os.close(told)
        return _number_from(ended), ended

    def _ask(self, request: Mapping[str, Any], files: Sequence[int]) -> None:
        try:
            if self._process is None:
                self._process = self._start()
            body = json.dumps({**request, "modules": str(self._folder / f"{next(self._numbers)}")}).encode()
            socket.send_fds(self._requests, [_NUMBER.pack(len(body))], files)
            self._requests.sendall(body)
        except BaseException:
            self._end()  # whatever it may still read is no request
            raise

    def _start(self) -> subprocess.Popen[bytes]:
        self._folder = Path(tempfile.mkdtemp(prefix="hybridrag-forking-"))
        self._requests, theirs = socket.socketpair()
        with theirs:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.forking", str(self._folder)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd=Path(__file__).parents[1],
            )

    def close(self) -> None:
        """Ends the process that forks, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            self._requests.close()
            process.wait()

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self.close()
            shutil.rmtree(self._folder, ignore_errors=True)


class _Forked(subprocess.Popen[bytes]):
    """A process that the forking one began, and in all else one that `subprocess` did."""

    def __init__(self, forking: Forking, request: Mapping[str, Any], **streams: Any) -> None:
        self._forking, self._request, self._ended = forking, request, -1
        self._free = threading.Lock()
        super().__init__(["hybridrag", *request["arguments"]], **streams)

    def _execute_child(self, *given: Any) -> None:
        handles = given[10:16]  # stdin to be read and written, stdout to be read and written, stderr likewise
        streams = (handles[0], handles[3], handles[5])
        inherited = [number if handle == -1 else handle for number, handle in enumerate(streams)]
        self.pid, self._ended = self._forking.fork(self._request, inherited)
        self._child_created = True
        self._close_pipe_fds(*handles)  # type: ignore[attr-defined]

    def _internal_poll(self, _deadstate: int | None = None) -> int | None:
        if self._free.acquire(blocking=False):  # else another thread waits
            try:
                self._see(0)
            finally:
                self._free.release()
        return self.returncode

    def _wait(self, timeout: float | None) -> int:
        with self._free:
            if not self._see(timeout):
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self.returncode

    def _see(self, timeout: float | None) -> bool:
        """Whether it ended, within so many seconds."""
        if self.returncode is None and select.select([self._ended], [], [], timeout)[0]:
            self.returncode = _number_from(self._ended)
            os.close(self._ended)
        return self.returncode is not None


def _number_from(pipe: int) -> int:
    read = os.read(pipe, _NUMBER.size)
    if not read:
        raise RuntimeError("the forking process ended")
    number: int = _NUMBER.unpack(read)[0]
    return number


def build_commands_once() -> None:
    """Has typer keep the commands in this process: building a verb anew for each command line takes 5 to 20 ms."""
    typer.main.get_command = functools.cache(typer.main.get_command)


# --- the process that forks ------------------------------------------------------------------------------------------

_FOR_COMMANDS = {signal.SIGINT, signal.SIGTERM}
"""Signals that a whole group may get: the forking process lives on without heeding them, and what it forks does not."""


def main(folder: str) -> None:
    """Answers requests until the socket is closed, and clears up."""
    try:
        for number in _FOR_COMMANDS:
            signal.signal(number, signal.SIG_IGN)
        import_ahead(_FIRST)
        from hybridrag.cli.app import app, only

        build_commands_once()
        for verb in typer.main.get_command(app).commands:  # type: ignore[attr-defined]
            typer.main.get_command(only(verb))
        gc.freeze()  # what is here already, no command needs to look through for cycles, nor to copy for that
        _serve(socket.socket(fileno=0))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve(requests: socket.socket) -> None:
    some_ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, tuple[int, Path]] = {}
    while True:
        ready, _, _ = select.select([requests.fileno(), some_ended], [], [])
        if some_ended in ready:
            os.read(some_ended, 4096)
            _reap(running)
        if requests.fileno() in ready:
            header, files, _, _ = socket.recv_fds(requests, _NUMBER.size, _STREAMS + 1)
            if not header:
                return
            request = json.loads(_exactly(requests, _NUMBER.unpack(header)[0]))
            told = files.pop()
            pid = _fork(request, files)
            running[pid] = told, Path(request["modules"])
            os.write(told, _NUMBER.pack(pid))


def _exactly(requests: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        part = requests.recv(size - len(read))
        if not part:
            raise EOFError
        read += part
    return read


def _reap(running: dict[int, tuple[int, Path]]) -> None:
    """Tells how those ended that did."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        told, modules = running.pop(pid)
        with contextlib.suppress(BrokenPipeError):  # nobody wants to know
            os.write(told, _NUMBER.pack(os.waitstatus_to_exitcode(status)))
        os.close(told)
        with contextlib.suppress(FileNotFoundError):  # it was killed
            import_ahead(modules.read_text().split())
            modules.unlink()


def import_ahead(modules: Sequence[str]) -> None:
    """Imports what a command imported, so that the next one finds it done."""
    for name in modules:
        if name not in sys.modules and name.partition(".")[0] in _ROOTS:
            with contextlib.suppress(ImportError):  # a module that another one made up
                importlib.import_module(name)


def _fork(request: dict[str, Any], streams: list[int]) -> int:
    """Begins a command; the streams are its own. Returns its process."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _FOR_COMMANDS)  # one that comes before it heeds them waits
    pid = os.fork()
    if pid == 0:
        try:
            _become(request, streams)
        finally:
            os._exit(1)  # it could not
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FOR_COMMANDS)
    for stream in streams:
        os.close(stream)
    return pid


def _become(request: dict[str, Any], streams: list[int]) -> NoReturn:
    """Turns this process into one that runs the command."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(_STREAMS, os.sysconf("SC_OPEN_MAX"))
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
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _FOR_COMMANDS)
        main()
    except KeyboardInterrupt:
        code = 130
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
