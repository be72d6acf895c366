"""Where the embedded server listens, and what answers there.

The server speaks only through a Unix socket in a folder that nobody but its owner can enter, so whoever can connect is
the owner, and the server is the owner's: no password is needed, and no TCP port is open.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from urllib.parse import quote

from hybridrag.errors import DatabaseError, DatabaseUnavailable

PORT = 5432
"""Only part of the socket's name, `.s.PGSQL.5432`: no TCP port is opened."""
NAME = "hybridrag"
"""The database and its owner."""

_PATH_LIMIT = 103 if sys.platform == "darwin" else 107
"""Bytes of a socket's path: `sun_path` of unix(7) without its closing NUL."""


def choose_folder(*, data: Path, run: Path) -> Path:
    """`run` if its path can hold the socket, else one named by user and data in the runtime or temporary folder."""
    name = f"hybridrag-{os.geteuid()}-{hashlib.sha256(os.fsencode(data.resolve())).hexdigest()[:16]}"
    fallbacks = [base / name for base in (_runtime_folder(), Path(tempfile.gettempdir())) if base is not None]
    return next(filter(_can_hold_socket, (run, *fallbacks)), Path("/tmp") / name)  # noqa: S108  # checked by `is_private` before every use


def _can_hold_socket(folder: Path) -> bool:
    """Whether the path is short enough, and one folder to libpq, which reads a comma as the start of another."""
    return len(os.fsencode(socket_file(folder))) <= _PATH_LIMIT and "," not in str(folder)


def _runtime_folder() -> Path | None:
    """$XDG_RUNTIME_DIR, which must belong to the user (XDG Base Directory Specification); under sudo it does not."""
    folder = Path(os.environ.get("XDG_RUNTIME_DIR", ""))
    try:
        ours = folder.is_absolute() and folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK)
    except OSError:
        return None
    return folder if ours else None


def socket_file(folder: Path) -> Path:
    return folder / f".s.PGSQL.{PORT}"


def url_of(folder: Path, database: str = NAME) -> str:
    """The URL of a database behind the socket in `folder`.

    It names the port and an empty `hostaddr`, or PGPORT and PGHOSTADDR of the caller's environment would send the
    connection elsewhere.
    """
    return f"postgresql://{NAME}@/{database}?host={quote(os.fsencode(folder), safe='')}&port={PORT}&hostaddr="


def is_private(folder: Path) -> bool:
    """True for a real folder that is ours alone, False if there is none.

    Raises DatabaseError for anything else: another user could have put a server of their own there.
    """
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    if not stat.S_ISDIR(found.st_mode):
        trouble = "is not a folder"
    elif found.st_uid != os.geteuid():
        trouble = f"belongs to the user with id {found.st_uid}"
    elif found.st_mode & 0o077:
        trouble = f"is open to other users (mode {stat.S_IMODE(found.st_mode):o})"
    else:
        return True
    raise DatabaseError(
        f"The socket folder {folder} {trouble}, so the embedded PostgreSQL does not use it",
        hint=f"Look what it is; then remove it, or make it yours alone: chmod 700 '{folder}'",
    )


class State(Enum):
    """What answered at the socket."""

    READY = auto()  # our database, with its extension
    UNPREPARED = auto()  # our server, but the database or the extension is still missing
    BUSY = auto()  # a server that is starting, recovering or shutting down
    FOREIGN = auto()  # a server on other data
    SILENT = auto()  # nothing


@dataclass(frozen=True, slots=True)
class Reply:
    state: State
    version: str | None = None
    pgvector: str | None = None


def ask(folder: Path, cluster: Path) -> Reply:
    """What answers at the socket in `folder`, asked by a real connection. Raises DatabaseError if it turns us away."""
    if not is_private(folder):
        return Reply(State.SILENT)
    import psycopg

    try:
        with psycopg.connect(url_of(folder), connect_timeout=10, autocommit=True) as connection:
            row = connection.execute(_WHO_ARE_YOU).fetchone()
    except psycopg.OperationalError as exc:
        return _refusal(exc)
    except psycopg.Error as exc:
        raise DatabaseError(
            f"The embedded PostgreSQL does not tell what it is: {exc}",
            hint="Restart it: hybridrag db stop, then hybridrag db start.",
        ) from exc
    assert row is not None  # a select without from always gives one row
    version, pgvector, served = row
    if not _same_folder(served, cluster):
        return Reply(State.FOREIGN)
    return Reply(State.READY if pgvector else State.UNPREPARED, version.split()[0], pgvector)


_WHO_ARE_YOU = """
select current_setting('server_version'),
       (select extversion from pg_extension where extname = 'vector'),
       current_setting('data_directory')
"""


def prepare(folder: Path, cluster: Path, *, log: Path) -> None:
    """Makes what the server of `cluster` at the socket in `folder` lacks: the database, the extension."""
    import psycopg

    try:
        with psycopg.connect(url_of(folder, "postgres"), autocommit=True) as connection:
            connection.execute(_WAIT_FOR_OTHERS)
            found = connection.execute("select 1 from pg_database where datname = 'hybridrag'").fetchone()
            if found is None:
                connection.execute(_CREATE_DATABASE)
        with psycopg.connect(url_of(folder), autocommit=True) as connection:
            connection.execute(_WAIT_FOR_OTHERS)
            connection.execute("create extension if not exists vector")
    except psycopg.Error as exc:
        raise DatabaseError(
            f"The embedded PostgreSQL could not make the database in {cluster}: {str(exc).strip()}",
            hint=f"The log is {log}; run the command again.",
        ) from exc


# The command of a starter that was killed goes on in the server. The number is arbitrary: "hybr" in ASCII.
_WAIT_FOR_OTHERS = "select pg_advisory_lock(1752785522)"
_CREATE_DATABASE = """
create database hybridrag template template0
    encoding 'UTF8' locale_provider builtin builtin_locale 'C.UTF-8'
"""


def _refusal(exc: Exception) -> Reply:
    text = str(exc)
    if f'database "{NAME}" does not exist' in text:
        return Reply(State.UNPREPARED)
    if "FATAL:  the database system is" in text or "FATAL:  terminating connection" in text:
        return Reply(State.BUSY)
    if "FATAL:" not in text and any(sign in text for sign in _NOBODY_THERE):
        return Reply(State.SILENT)
    kind = DatabaseUnavailable if "too many clients" in text or "connection slots" in text else DatabaseError
    raise kind(
        f"The embedded PostgreSQL cannot be used: {text.strip()}",
        hint="Look at the PG* variables of your environment, or close other connections to it.",
    ) from exc


_NOBODY_THERE = (
    "Is the server running",
    "server closed the connection",
    "timeout expired",
    "Connection refused",
    "Connection reset",
    "Broken pipe",
    "could not receive data",
    "could not send",
    "temporarily unavailable",
)


def _same_folder(served: str, cluster: Path) -> bool:
    try:
        return cluster.samefile(served)
    except FileNotFoundError:
        return False
