"""The durable steps of a process, counted from outside, and the Nth of them made to fail.

A step is what outlives the process: a commit that wrote something, a statement outside a transaction, a change to a
file below the watched folders, a message to another process or server. Nothing in the program knows of this: the
functions of psycopg, httpx, os and io that it uses are replaced in its process before it begins.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import re
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Literal

Mode = Literal["exception", "kill", "postgres"]
Side = Literal["before", "after"]
MODES: tuple[Mode, ...] = ("exception", "kill", "postgres")
SIDES: tuple[Side, ...] = ("before", "after")

_NO_STEP = re.compile(rb"\s*(select|set|show|values|explain|reset|begin|start|commit|rollback|discard)\b", re.I)
_COMMENT = re.compile(rb"--[^\n]*")
_WRITES = os.O_WRONLY | os.O_RDWR
_WRITTEN = (b"select pg_current_xact_id_if_assigned() is not null",)
_PATIENCE = 30.0
"""Seconds until a server that was told to stop counts as one that does not."""


@dataclass(frozen=True)
class Fault:
    """Step `at` (from 1) fails: before it takes effect, or after it has, while the program does not know that yet.

    `kill` at a write to a file writes the first half: a torn write says more than none, which `after` the step before
    has shown. `server` is the pid of the PostgreSQL that is stopped, `released` a file that it locks while it lives.
    """

    at: int
    mode: Mode
    side: Side
    server: int = 0
    released: str = ""


class Steps:
    """Counts the steps of this process and lets one of them fail. One line a step goes to the descriptor `log`."""

    def __init__(self, fault: Fault | None, *, watched: Sequence[str], log: int) -> None:
        self._fault = fault
        self._watched = tuple(str(Path(folder).resolve()) for folder in watched)
        self._log = log
        self._count = 0
        self._lock = threading.Lock()
        self._plain_write = os.write

    def install(self) -> None:
        """Replaces the functions that make durable steps, for the rest of this process."""
        self._install_database()
        self._install_messages()
        self._install_files()

    # --- counting ----------------------------------------------------------------------------------------------------

    def _due(self, kind: str, what: str) -> bool:
        """Counts a step; whether it is the one that fails."""
        with self._lock:
            self._count += 1
            due = self._fault is not None and self._count == self._fault.at
            line = f"{self._count}\t{kind}\t{what}\t{_caller()}\t{'fails' if due else ''}\n"
            self._plain_write(self._log, line.encode("utf-8", "backslashreplace"))
        return due

    def _strike(self, error: Callable[[], BaseException]) -> None:
        """The fault, in its mode. Returns where the program goes on and meets the loss by itself."""
        assert self._fault is not None
        if self._fault.mode == "exception":
            raise error()
        if self._fault.mode == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        stop_immediately(self._fault.server, Path(self._fault.released))

    def _around(self, kind: str, what: str, do: Callable[[], Any], error: Callable[[], BaseException]) -> Any:
        """Does a step, or fails at it."""
        due = self._due(kind, what)
        if due and self._fault and self._fault.side == "before":
            self._strike(error)
        result = do()
        if due and self._fault and self._fault.side == "after":
            self._strike(error)
        return result

    # --- the database ------------------------------------------------------------------------------------------------

    def _install_database(self) -> None:
        import psycopg

        exec_command = psycopg.Connection._exec_command
        execute, executemany, copy = psycopg.Cursor.execute, psycopg.Cursor.executemany, psycopg.Cursor.copy
        steps = self

        def lost(connection: Any) -> Callable[[], BaseException]:
            def error() -> BaseException:
                connection.pgconn.finish()
                return psycopg.OperationalError("server closed the connection unexpectedly")

            return error

        def with_commits(self: Any, command: Any, **options: Any) -> Generator[Any, Any, Any]:
            if command != b"COMMIT" or self.pgconn.transaction_status != psycopg.pq.TransactionStatus.INTRANS:
                return (yield from exec_command(self, command, **options))
            written = yield from exec_command(self, *_WRITTEN)
            if written is None or written.get_value(0, 0) != b"t":
                return (yield from exec_command(self, command, **options))
            due = steps._due("commit", "")
            if due and steps._fault and steps._fault.side == "before":
                steps._strike(lost(self))
            result = yield from exec_command(self, command, **options)
            if due and steps._fault and steps._fault.side == "after":
                steps._strike(lost(self))
            return result

        def alone(cursor: Any) -> bool:
            """Whether a statement commits by itself."""
            status = cursor.connection.pgconn.transaction_status
            return bool(cursor.connection.autocommit and status == psycopg.pq.TransactionStatus.IDLE)

        def with_statements(self: Any, query: Any, *rest: Any, **options: Any) -> Any:
            text = _COMMENT.sub(b"", query if isinstance(query, bytes) else _text(query, self))
            if not alone(self) or _NO_STEP.match(text):
                return execute(self, query, *rest, **options)
            words = b" ".join(text.split()[:3]).decode("utf-8", "replace")
            return steps._around(
                "statement", words, lambda: execute(self, query, *rest, **options), lost(self.connection)
            )

        def many(self: Any, query: Any, *rest: Any, **options: Any) -> Any:
            assert not alone(self), "executemany outside a transaction commits: count it"
            return executemany(self, query, *rest, **options)

        def copying(self: Any, *rest: Any, **options: Any) -> Any:
            assert not alone(self), "COPY outside a transaction commits: count it"
            return copy(self, *rest, **options)

        for owner, name, function in (
            (psycopg.Connection, "_exec_command", with_commits),
            (psycopg.Cursor, "execute", with_statements),
            (psycopg.Cursor, "executemany", many),
            (psycopg.Cursor, "copy", copying),
        ):
            setattr(owner, name, function)

    # --- messages ----------------------------------------------------------------------------------------------------

    def _install_messages(self) -> None:
        import httpx

        handle = httpx.HTTPTransport.handle_request
        steps = self

        def handle_request(self: Any, request: httpx.Request) -> httpx.Response:
            def error() -> BaseException:
                return httpx.ReadError("connection reset by peer", request=request)

            response: httpx.Response = steps._around("message", "http", lambda: handle(self, request), error)
            return response

        httpx.HTTPTransport.handle_request = handle_request  # type: ignore[method-assign]

    # --- files -------------------------------------------------------------------------------------------------------

    def _install_files(self) -> None:
        for name in ("replace", "rename", "link", "symlink"):
            self._replace_in_os(name, place=1)
        for name in ("unlink", "remove", "mkdir", "rmdir", "truncate"):
            self._replace_in_os(name, place=0)
        for name in ("fsync", "fdatasync", "ftruncate"):
            self._replace_in_os(name, place=0)
        self._install_write()
        self._install_open()

    def _replace_in_os(self, name: str, *, place: int) -> None:
        """`place` tells which argument is the path, or descriptor, that changes."""
        original = getattr(os, name)

        def replaced(*arguments: Any, **options: Any) -> Any:
            folder = options.get("dst_dir_fd" if place else "dir_fd")
            path = self._watched_path(arguments[place], folder) if len(arguments) > place else None
            if path is None or not _would_change(name, path):
                return original(*arguments, **options)
            code = errno.EIO if "sync" in name else errno.ENOSPC
            return self._around("file", f"{name} {path}", lambda: original(*arguments, **options), _os_error(code))

        setattr(os, name, replaced)

    def _install_write(self) -> None:
        plain = os.write

        def write(descriptor: int, content: Any) -> int:
            path = self._watched_path(descriptor, None)
            message = path is None and _is_pipe(descriptor)
            if path is None and not message:
                return plain(descriptor, content)

            def do() -> int:
                return plain(descriptor, content)

            if message:
                return int(self._around("message", "pipe", do, lambda: BrokenPipeError(errno.EPIPE, "Broken pipe")))

            def torn() -> BaseException:
                return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

            due, fault = self._due("file", f"write {path}"), self._fault
            if due and fault and fault.side == "before":
                if fault.mode == "kill":
                    plain(descriptor, bytes(content)[: len(content) // 2])
                self._strike(torn)
            written = do()
            if due and fault and fault.side == "after":
                self._strike(torn)
            return written

        os.write = write

    def _install_open(self) -> None:
        plain_os, plain_io = os.open, io.open

        def os_open(path: Any, flags: int, *rest: Any, **options: Any) -> int:
            def do() -> int:
                return plain_os(path, flags, *rest, **options)

            changed = self._watched_path(path, options.get("dir_fd")) if flags & _WRITES else None
            makes = bool(flags & os.O_TRUNC) or (bool(flags & os.O_CREAT) and changed and not os.path.lexists(changed))
            if not changed or not makes:
                return do()
            return int(self._around("file", f"open {changed}", do, _os_error(errno.ENOSPC)))

        def io_open(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
            def do() -> Any:
                return plain_io(file, mode, *rest, **options)

            changed = self._watched_path(file, None) if set(mode) & set("wax+") and not isinstance(file, int) else None
            makes = changed and ("w" in mode or not os.path.lexists(changed))
            return self._around("file", f"open {changed}", do, _os_error(errno.ENOSPC)) if makes else do()

        os.open = os_open
        io.open = io_open
        builtins.open = io_open

    def _watched_path(self, path: Any, folder: int | None) -> str | None:
        """The path below a watched folder that a path or a descriptor means; None where it is no such file."""
        if isinstance(path, int):
            try:
                if stat.S_ISFIFO(os.fstat(path).st_mode):
                    return None
                full = os.readlink(f"/proc/self/fd/{path}")  # noqa: PTH115 - Path would resolve its relative links
            except OSError:
                return None
        else:
            base = "" if folder is None else os.readlink(f"/proc/self/fd/{folder}")  # noqa: PTH115
            full = os.path.join(base, os.fsdecode(path))  # noqa: PTH118 - an absolute path stands for itself
            full = os.path.abspath(full)  # noqa: PTH100 - links stay links
        return full if full.startswith(tuple(f"{root}/" for root in self._watched)) else None


def stop_immediately(server: int, released: Path) -> None:
    """What `pg_ctl stop -m immediate` does; returns when the last process of the server has ended."""
    from hybridrag.store.embedded_process import is_locked

    os.kill(server, signal.SIGQUIT)
    deadline = time.monotonic() + _PATIENCE
    while is_locked(released):
        assert time.monotonic() < deadline, "PostgreSQL did not stop"
        time.sleep(0.005)


def _os_error(code: int) -> Callable[[], BaseException]:
    return lambda: OSError(code, os.strerror(code))


def _would_change(name: str, path: str) -> bool:
    """Whether the call can succeed: one that fails by itself is no step."""
    if name == "mkdir":
        return not os.path.lexists(path) and Path(path).parent.is_dir()
    return name not in {"unlink", "remove", "rmdir"} or os.path.lexists(path)


def _is_pipe(descriptor: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except OSError:
        return False


def _text(query: Any, cursor: Any) -> bytes:
    text = query if isinstance(query, str) else query.as_bytes(cursor)
    return text.encode() if isinstance(text, str) else bytes(text)


def _caller() -> str:
    """The line of our own package that takes the step: room/module.py:line, the nearest outside store/connection.py."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        _, found, module = frame.f_code.co_filename.rpartition("/hybridrag/")
        if found and not module.startswith("store/connection.py"):
            return f"{module}:{frame.f_lineno}"
        frame = frame.f_back
    return ""
