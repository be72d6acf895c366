"""Connections to PostgreSQL, and its errors in our words."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from hybridrag.errors import DatabaseError, DatabaseUnavailable
from hybridrag.store.tls import secured

if TYPE_CHECKING:
    import psycopg

Connection: TypeAlias = "psycopg.Connection[dict[str, Any]]"

LEAST_PGVECTOR = (0, 8, 4)
"""Earlier versions can corrupt an HNSW index on vacuum (pgvector changelog, 0.8.4)."""


def connect(url: str) -> Connection:
    """An open connection; one to another machine is by TLS, and the server's certificate must name it, unless the
    address says otherwise. Raises DatabaseError, or DatabaseUnavailable where trying later may help."""
    import psycopg
    from psycopg.rows import dict_row

    try:
        return psycopg.connect(
            secured(url),
            autocommit=True,
            row_factory=dict_row,
            connect_timeout=10,
            application_name="hybridrag",
            # Poolers may not know prepared statements, and each search is to be planned for its own values.
            prepare_threshold=None,
            keepalives_idle=60,
        )
    except psycopg.OperationalError as exc:
        raise _connection_error(url, exc) from exc
    except UnicodeError:  # Python's own rules for host names; its message would quote the name
        raise DatabaseError(f"the database host in {address(url)} is unknown", hint="check the address") from None
    except psycopg.Error as exc:
        reason = _without_values(_first_line(exc))
        exc.args = (reason,)  # what --debug shows of it must hold no password either
        raise DatabaseError(
            f"the database address {address(url)} cannot be used: {reason}",
            hint="postgresql://user@host:5432/database",
        ) from exc


@contextmanager
def transaction(connection: Connection, *, read_only: bool = False) -> Iterator[Connection]:
    """One transaction on our schema; a read-only one sees one snapshot. Translates PostgreSQL's errors.

    The search path is set per transaction, since a pooler in transaction mode keeps no session settings. `extensions`
    is where hosted servers put pgvector.
    """
    with translating(), connection.transaction():
        if read_only:
            connection.execute("set transaction isolation level repeatable read, read only")
        connection.execute("set local search_path = hybridrag, public, extensions")
        yield connection


@contextmanager
def transaction_on(url: str, *, read_only: bool = False) -> Iterator[Connection]:
    """One transaction, as `transaction` has it, on a connection of its own."""
    with closing(connect(url)) as connection, transaction(connection, read_only=read_only) as tx:
        yield tx


@contextmanager
def translating() -> Iterator[None]:
    """Turns PostgreSQL's errors into ours."""
    import psycopg

    try:
        yield
    except psycopg.Error as exc:
        error = translated(exc)
        exc.args = (error.message,)  # what --debug shows of it must hold no text of documents either
        raise error from exc


def check_pgvector(connection: Connection) -> str:
    """The installed version of pgvector, made available if the server offers it. Raises DatabaseError otherwise."""
    import psycopg

    installed = _pgvector(connection)
    if installed is None:
        offered = connection.execute("select 1 from pg_available_extensions where name = 'vector'").fetchone()
        if not offered:
            raise DatabaseError(
                "the database has no pgvector",
                hint="install pgvector 0.8.4 or later there, or leave --database-url out to use the embedded one",
            )
        try:
            connection.execute("create extension if not exists vector")
        except psycopg.errors.InsufficientPrivilege as exc:
            raise DatabaseError(
                "the database has pgvector, but this role may not enable it",
                hint="let an administrator run: CREATE EXTENSION vector",
            ) from exc
        except psycopg.errors.UniqueViolation:
            pass  # another process created it at the same moment
        except psycopg.Error as exc:
            raise translated(exc) from exc
        installed = _pgvector(connection) or "0"
    if tuple(int(part) for part in re.findall(r"\d+", installed)[:3]) < LEAST_PGVECTOR:
        raise DatabaseError(
            f"the database has pgvector {installed}; 0.8.4 or later is needed",
            hint="upgrade the extension: earlier versions can corrupt an index on vacuum",
        )
    return installed


def address(url: str) -> str:
    """Host, port and database of an address, for messages: no user, no password."""
    if "://" not in url:
        pairs = dict(re.findall(r"(\w+)\s*=\s*([^\s']+|'[^']*')", url))
        return f"{pairs.get('host', 'localhost')}:{pairs.get('port', '5432')}/{pairs.get('dbname', '')}"
    try:
        parts = urlsplit(url)
        if "@" in parts.path:  # a password with a slash in it
            return "(unreadable address)"
        return f"{parts.hostname or 'local socket'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        return "(unreadable address)"


def translated(exc: psycopg.Error) -> DatabaseError:
    """A PostgreSQL error in our words: never the values of a row, which PostgreSQL puts into its details."""
    import psycopg

    state = exc.sqlstate or ""
    message = _first_line(exc)
    if isinstance(exc, psycopg.errors.DiskFull) or "No space left on device" in str(exc):
        return DatabaseUnavailable("the database's disk is full; nothing was lost", hint="free space and run it again")
    if isinstance(exc, psycopg.errors.InsufficientPrivilege):
        return DatabaseError(f"the database role lacks a privilege: {message}", hint="see `hybridrag doctor`")
    if isinstance(exc, psycopg.errors.ReadOnlySqlTransaction):
        return DatabaseError("the database is read-only", hint="writes need the primary server")
    if isinstance(exc, psycopg.DataError) or state.startswith("54"):  # a value it cannot hold, or one over its limits
        return DatabaseError(f"the database refused a value (SQLSTATE {state})", hint="report this with --debug")
    if state.startswith(("08", "57P", "53")) or isinstance(exc, psycopg.OperationalError):
        return DatabaseUnavailable(
            f"the database broke off: {message}",
            hint="run it again; nothing was lost. Its log tells why (hybridrag db status): a full disk ends a server",
        )
    return DatabaseError(f"the database refused: {message} (SQLSTATE {state})", hint="--debug shows where")


def _pgvector(connection: Connection) -> str | None:
    row = connection.execute("select extversion from pg_extension where extname = 'vector'").fetchone()
    return str(row["extversion"]) if row else None


def _connection_error(url: str, exc: psycopg.OperationalError) -> DatabaseError:
    text = str(exc)
    where = address(url)
    for pattern, kind, message, hint in _REFUSALS:
        if re.search(pattern, text):
            return kind(message.format(where=where), hint=hint)
    return DatabaseUnavailable(
        f"the database {where} does not answer",
        hint="check that it runs and that the address is right; without --database-url the embedded one is used",
    )


_TRUST = (
    "name the certificate of its authority with sslrootcert=FILE (or PGSSLROOTCERT), which sslmode=verify-full, the "
    "default here, checks together with the host's name; sslrootcert=system is what this machine trusts; "
    "sslmode=verify-ca checks the authority only"
)
_REFUSALS: tuple[tuple[str, type[DatabaseError], str, str], ...] = (
    (
        "password authentication failed|no password supplied",
        DatabaseError,
        "the database {where} refused the password or the user",
        "give the password by PGPASSWORD, PGPASSFILE or a service file, never on the command line",
    ),
    (
        r'database ".*" does not exist',
        DatabaseError,
        "there is no such database: {where}",
        "create it first: createdb NAME",
    ),
    (
        r'role ".*" does not exist',
        DatabaseError,
        "the database {where} does not know that user",
        "name another user in the address",
    ),
    (
        "could not translate host name|Name or service not known|failed to resolve host",
        DatabaseError,
        "the database host in {where} is unknown",
        "check the address",
    ),
    (
        "too many clients|too many connections|remaining connection slots|no more connections allowed",
        DatabaseUnavailable,
        "the database {where} takes no more connections",
        "try later, or allow more (max_connections, the role's CONNECTION LIMIT): an ingest needs four",
    ),
    (
        "permission denied for database|is not permitted to log in|no pg_hba.conf entry",
        DatabaseError,
        "the database {where} does not let this user in",
        "let an administrator grant LOGIN and CONNECT, and see to its pg_hba.conf",
    ),
    (
        "unsupported startup parameter",
        DatabaseError,
        "the pooler before the database {where} takes no `options`",
        "leave them out of the address and of PGOPTIONS, or see to its ignore_startup_parameters",
    ),
    (
        "the database system is |server conn crashed",
        DatabaseUnavailable,
        "the database {where} is starting, stopping or recovering",
        "try again in a moment",
    ),
    (
        "invalid .*connection option",
        DatabaseError,
        "the database address {where} holds an unknown option",
        "check its parameters",
    ),
    (
        "SSL error: |certificate .* does not match host name|could not get server.s host name",
        DatabaseError,
        "the database {where} does not prove that it is that server: its certificate is not trusted or names another",
        f"{_TRUST}. If nobody can listen on the way: sslmode=require (encrypted, to whoever answers), or disable",
    ),
    (
        "root certificate file .* (does not exist|could not be read)|could not read root certificate file",
        DatabaseError,
        "the certificates that the database {where} is to be checked against cannot be read",
        _TRUST,
    ),
    (
        "server does not support SSL|SSL support is not compiled in",
        DatabaseError,
        "the database {where} does not offer TLS, and without it passwords and documents travel in the clear",
        "turn TLS on there (ssl = on). If nobody can listen on the way, add sslmode=disable to the address, or set "
        "PGSSLMODE=disable",
    ),
)
"""How libpq says no (its messages are English, since we set no locale), and what it means."""


def _without_values(message: str) -> str:
    """libpq quotes the part of an address that it cannot read, which may be of a password; names of options stay."""
    if re.match("invalid (URI query parameter|connection option)", message):
        return message
    return re.sub('"[^"]*"', '"..."', message)


def _first_line(exc: Exception) -> str:
    return (str(exc).strip().splitlines() or ["no message"])[0][:200]


def hosts_of(url: str) -> frozenset[str]:
    """The hosts that a connection to this database may go to, names and numbers, those of the environment included."""
    from psycopg.conninfo import conninfo_to_dict

    given = conninfo_to_dict(url)
    named = [str(given.get(key) or "") for key in ("host", "hostaddr")]
    named += [os.environ.get(name, "") for name in ("PGHOST", "PGHOSTADDR")]
    return frozenset(host.lower() for hosts in named for host in hosts.split(",") if host)
