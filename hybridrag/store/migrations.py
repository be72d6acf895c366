"""Schema migrations: numbered SQL files, forward only, each applied once and never edited after."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import LiteralString

from hybridrag.errors import DatabaseError
from hybridrag.store.connection import Connection, check_pgvector, transaction, translating


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    text: LiteralString

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


@cache
def shipped() -> tuple[Migration, ...]:
    """The migrations this version knows, in order."""
    here = Path(__file__).resolve().parent.parent
    # Inside a wheel they lie in the package; in a checkout beside it.
    folder = next(f for f in (here / "_migrations", here.parent / "migrations") if f.is_dir())
    found = []
    for file in sorted(folder.glob("*.sql")):
        if match := re.fullmatch(r"(\d{4})_(\w+)", file.stem):
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    return tuple(found)


def migrate(connection: Connection) -> list[str]:
    """Applies what is missing and returns its names. Safe to run from many processes at once.

    Raises DatabaseError where pgvector is missing or too old, the database was made by a newer version, or a migration
    was changed after it ran.
    """
    with translating():
        check_pgvector(connection)
        if not pending(connection):
            return []
    applied: list[str] = []
    with transaction(connection):
        # A transaction-level lock: a pooler may move the session to another server process at commit.
        connection.execute("select pg_advisory_xact_lock(hashtextextended('hybridrag migrate', 0))")
        # Asked with a query: after waiting for the lock, `if not exists` still sees the catalogue as it was before.
        if not connection.execute("select 1 from pg_namespace where nspname = 'hybridrag'").fetchone():
            connection.execute("create schema hybridrag")
        connection.execute(
            "create table if not exists schema_migration (number int primary key, name text not null,"
            " checksum text not null, applied_at timestamptz not null default now())"
        )
        for migration in pending(connection):
            connection.execute(migration.text)
            connection.execute(
                "insert into schema_migration (number, name, checksum) values (%s, %s, %s)",
                (migration.number, migration.name, migration.checksum),
            )
            applied.append(f"{migration.number:04}_{migration.name}")
    return applied


def pending(connection: Connection) -> list[Migration]:
    """Migrations not yet applied."""
    if connection.execute("select to_regclass('hybridrag.schema_migration') as it").fetchone() == {"it": None}:
        return list(shipped())
    rows = connection.execute("select number, checksum from hybridrag.schema_migration").fetchall()
    applied = {int(row["number"]): str(row["checksum"]) for row in rows}
    known = {migration.number: migration for migration in shipped()}
    if newer := sorted(set(applied) - set(known)):
        raise DatabaseError(
            f"the database was made by a newer hybridrag (migration {newer[-1]:04})", hint="upgrade this installation"
        )
    for number, checksum in applied.items():
        if known[number].checksum != checksum:
            raise DatabaseError(
                f"migration {number:04} differs from the one this database was made with",
                hint="install a released version; migrations are never edited",
            )
    return [migration for number, migration in sorted(known.items()) if number not in applied]
