"""Stops another process at a chosen place of its work in the database, so that a test can do things to it there.

A trigger waits for a lock that the test holds: nothing is timed, and the program runs as it always does.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import sql

_KEY = 20_260_101
_PATIENCE = 60.0
"""Seconds until a process that should have come to a place counts as lost."""


@dataclass(frozen=True)
class Place:
    """Before the `row`-th row that an INSERT, UPDATE or DELETE touches in a table; `at_commit`: once it commits.

    The table `vectors` is the first generation's. `where` narrows the rows that count, by OLD or NEW.
    """

    table: str
    event: str
    row: int = 1
    where: str = "true"
    at_commit: bool = False

    def __str__(self) -> str:
        when = "commit of " if self.at_commit else f"row {self.row}, "
        return f"{when}{self.event} {self.table}" + ("" if self.where == "true" else f" where {self.where}")


class Stop:
    """A place at which processes wait until `release`."""

    def __init__(self, connection: psycopg.Connection[tuple[object, ...]]) -> None:
        self._connection = connection

    def reached_by(self, process: subprocess.Popen[bytes]) -> None:
        """Returns once some process waits there. Fails where `process` ends first."""
        wait_until(self._connection, _SOMEBODY_WAITS, process)

    def release(self) -> None:
        """Lets whoever waits go on, and nobody stop again."""
        self._connection.execute("select pg_advisory_unlock_all()")


@contextmanager
def stop_at(url: str, place: Place) -> Iterator[Stop]:
    """Makes processes stop at `place` of the database, for the `with` block."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set search_path = hybridrag, public")
        connection.execute("select pg_advisory_lock(%s)", (_KEY,))
        connection.execute(_FUNCTION)
        connection.execute("drop sequence if exists stop_rows")
        connection.execute("create sequence stop_rows")
        table = "vectors_1" if place.table == "vectors" else place.table
        connection.execute(
            sql.SQL(_AT_COMMIT if place.at_commit else _BEFORE).format(
                event=sql.SQL(place.event),
                table=sql.Identifier(table),
                where=sql.SQL(place.where),
                row=sql.Literal(str(place.row)),
            )
        )
        yield Stop(connection)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("drop trigger stop on hybridrag.{}").format(sql.Identifier(table)))


def wait_until(
    connection: psycopg.Connection[tuple[object, ...]], question: str, process: subprocess.Popen[bytes]
) -> None:
    """Returns once the database answers true. Fails where `process` ends first."""
    deadline = time.monotonic() + _PATIENCE
    while connection.execute(question).fetchone() != (True,):
        if process.poll() is not None:
            raise AssertionError(f"ended with {process.returncode} before: {_last_words(process)}")
        if time.monotonic() > deadline:
            raise AssertionError("never came there")
        connection.execute("select pg_sleep(0.005)")


def wait_until_nobody_is_connected(url: str) -> None:
    """Returns once no command is connected to the database, killed ones included."""
    deadline = time.monotonic() + _PATIENCE
    with psycopg.connect(url, autocommit=True) as connection:
        while connection.execute(_SOMEBODY_IS_CONNECTED).fetchone() != (False,):
            assert time.monotonic() < deadline, "a command did not end"
            connection.execute("select pg_sleep(0.005)")


def _last_words(process: subprocess.Popen[bytes]) -> str:
    return "" if process.stderr is None else process.stderr.read().decode()


A_RUN_HOLDS_THE_COLLECTION = """
select exists (select from pg_locks l join pg_stat_activity a using (pid)
               where a.datname = current_database() and a.application_name = 'hybridrag'
                 and a.state = 'idle in transaction' and l.locktype = 'advisory' and l.granted)
"""
_SOMEBODY_WAITS = f"""
select exists (select from pg_locks l join pg_database d on d.oid = l.database
               where d.datname = current_database() and l.locktype = 'advisory' and l.objid = {_KEY} and not l.granted)
"""
_SOMEBODY_IS_CONNECTED = """
select exists (select from pg_stat_activity where datname = current_database() and application_name = 'hybridrag')
"""
_FUNCTION = f"""
create or replace function stop_here() returns trigger language plpgsql as $$
begin
    if nextval('hybridrag.stop_rows') = tg_argv[0]::bigint then
        perform pg_advisory_xact_lock_shared({_KEY});
    end if;
    return coalesce(new, old);
end $$
"""
_BEFORE = """
create trigger stop before {event} on {table} for each row when ({where}) execute function stop_here({row})
"""
_AT_COMMIT = """
create constraint trigger stop after {event} on {table} deferrable initially deferred for each row when ({where})
execute function stop_here({row})
"""
