"""From an earlier major version of PostgreSQL to ours: the old cluster is read, a new one is made beside it.

pg_upgrade cannot do it: it refuses columns of type `regconfig`, which our first schema has, wants the same locale
provider and checksums on both sides, and with hard links leaves no old cluster that may be started again. A backup by
the new pg_dump into a restore needs none of that, counts every row on the way, and touches the old cluster not at all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hybridrag.errors import DatabaseError
from hybridrag.store import embedded, embedded_binaries, embedded_cluster, embedded_process, embedded_socket
from hybridrag.store.backup import Table, tables_of
from hybridrag.store.connection import transaction_on
from hybridrag.store.embedded_home import Home
from hybridrag.store.embedded_socket import State
from hybridrag.store.queries import statement

_PATIENCE = 600.0
"""Seconds that one of the two servers may take to start."""
_ROOM = 400 * 1024 * 1024
"""Bytes of an empty cluster, its write-ahead log, and some to spare."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What was done: `kept` is the old cluster, `size` its bytes, `left` what of it is not ours and stayed there."""

    before: int
    after: int
    tables: int
    rows: int
    kept: Path
    size: int
    left: tuple[str, ...]


def upgrade(home: Home, notify: Callable[[str], None]) -> Upgraded | None:
    """Puts a new cluster with the same index in the place of one of an earlier version; None where it is ours.

    Only one process at a time may be here. Until the new cluster is whole, verified and on the disk, the old one is in
    its place and can be started; if this process is killed, another call begins again. Raises DatabaseError.
    """
    before = _version(home.cluster)
    if before == embedded_binaries.MAJOR:
        return None
    old_programs = embedded_binaries.of_major(home.data, before)
    if before > embedded_binaries.MAJOR or old_programs is None:
        embedded_cluster.exists(home.cluster)  # which says that it is not ours, and what can be done
        return None
    size = _size(home.cluster)
    _refuse_without_room(home, size)
    embedded.stop_all(home)
    _sweep(home)
    home.make_folders()
    programs = embedded_binaries.install(home.data)
    embedded_cluster.write_settings(home.data, home.logs)
    notify(f"making a cluster of PostgreSQL {embedded_binaries.MAJOR}; the one of PostgreSQL {before} stays as it is")
    with _locked(home.upgrade_lock) as lock:
        embedded_cluster.create(home.upgrade, programs, lock=lock)
    with (
        _server(home, home.cluster, old_programs, home.server_lock, *_READ_ONLY) as old,
        _server(home, home.upgrade, programs, home.upgrade_lock, *_BULK) as new,
    ):
        embedded_socket.prepare(new, home.upgrade, log=home.logs / f"upgrade-{embedded_binaries.MAJOR}.log")
        left = _what_is_not_ours(old)
        notify(f"carrying over {size / 1e6:,.0f} MB")
        tables = _carry_over(embedded_socket.url_of(old), embedded_socket.url_of(new))
    kept = _free_name(home, before)
    embedded_cluster.exchange(home.upgrade, home.cluster, kept=kept)
    rows = sum(table.rows for table in tables)
    return Upgraded(before, embedded_binaries.MAJOR, len(tables), rows, kept, size, left)


def remove_old(home: Home) -> list[Path]:
    """Removes the clusters that upgrades kept. Raises DatabaseError where the present one is missing or not ours."""
    kept = home.kept
    if kept and not embedded_cluster.exists(home.cluster):
        raise DatabaseError(
            f"there is no cluster in {home.cluster}, so the old one is kept", hint="see to it: hybridrag db start"
        )
    for folder in kept:
        shutil.rmtree(folder)
    return kept


_READ_ONLY = ("-c", "default_transaction_read_only=on", "-c", "shared_buffers=64MB")
# What is loaded in the transaction that makes its table need not go through the write-ahead log, too.
_BULK = ("-c", "wal_level=minimal", "-c", "max_wal_senders=0", "-c", "max_wal_size=256MB")


def _version(cluster: Path) -> int:
    try:
        return int((cluster / "PG_VERSION").read_text())
    except (FileNotFoundError, ValueError):
        embedded_cluster.exists(cluster)  # which says what is wrong with it
        raise DatabaseError(f"{cluster} holds no cluster", hint="hybridrag db start makes one") from None


def _size(cluster: Path) -> int:
    """Bytes on the disk."""
    return sum((Path(folder) / name).lstat().st_blocks * 512 for folder, _, names in os.walk(cluster) for name in names)


def _free_name(home: Home, major: int) -> Path:
    names = (home.cluster.with_name(f"cluster.{major}{again}") for again in ("", *(f"-{n}" for n in range(2, 1000))))
    return next(name for name in names if not name.exists())


def _refuse_without_room(home: Home, size: int) -> None:
    needed, free = size * 6 // 5 + _ROOM, shutil.disk_usage(home.data).free
    if free < needed:
        raise DatabaseError(
            f"the upgrade needs {needed / 1e6:,.0f} MB beside the old cluster; {home.data} has {free / 1e6:,.0f} MB",
            hint="free some space, or move the home to a larger disk; nothing was changed",
        )


def _sweep(home: Home) -> None:
    """Removes what a killed upgrade left."""
    shutil.rmtree(home.upgrade, ignore_errors=True)
    embedded_cluster.sweep(home.upgrade)
    embedded_cluster.forget_exchange(home.cluster)


@contextmanager
def _locked(file: Path) -> Iterator[int]:
    lock = embedded_process.try_lock(file)
    if lock is None:
        raise DatabaseError(f"{file} is held by another process", hint="run the command again in a while")
    try:
        yield lock
    finally:
        os.close(lock)


@contextmanager
def _server(home: Home, cluster: Path, programs: Path, lock_file: Path, *options: str) -> Iterator[Path]:
    """A server on `cluster` for the `with` block, in a socket folder that nobody else looks into."""
    log = home.logs / f"upgrade-{_version(cluster)}.log"
    folder = Path(tempfile.mkdtemp(prefix="hybridrag-upgrade-"))
    try:
        (cluster / "postmaster.pid").unlink(missing_ok=True)  # no server runs: the lock is free
        with _locked(lock_file) as lock:
            embedded_process.launch(
                *(programs / "postgres", "-D", cluster),
                *embedded_cluster.server_options(folder),
                *("-c", "logging_collector=off", *options),
                output=log,
                lock=lock,
            )
        _wait(home, cluster, folder, lock_file, log)
        yield folder
    finally:
        embedded.stop(home, cluster, lock_file)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(home: Home, cluster: Path, folder: Path, lock_file: Path, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while embedded_socket.ask(folder, cluster).state not in (State.READY, State.UNPREPARED):
        if not embedded_process.is_locked(lock_file):
            said = [line for line in log.read_text(errors="replace").splitlines() if line.strip()] or ["it is silent"]
            raise DatabaseError(
                f"the server on {cluster} did not start: {said[-1].strip()}", hint=f"Look into {log}, then try again."
            )
        embedded.pause(home, deadline, "is not ready")


def _what_is_not_ours(folder: Path) -> tuple[str, ...]:
    """What the user keeps in the cluster besides: databases and tables, which are not carried over."""
    with transaction_on(embedded_socket.url_of(folder), read_only=True) as tx:
        return tuple(row["name"] for row in tx.execute(statement("not_ours")))


def _carry_over(old: str, new: str) -> tuple[Table, ...]:
    """The tables of the index, all their rows counted on both sides."""
    with transaction_on(old, read_only=True) as tx:
        expected = tuple(tables_of(tx))
    if not expected:
        return ()
    found = _piped(old, new)
    if found != expected:
        raise DatabaseError("the new cluster lacks rows of the old one", hint="nothing was changed; report this")
    return found


def _piped(old: str, new: str) -> tuple[Table, ...]:
    """pg_dump's output straight into a restore: no file holds the index a third time."""
    import threading

    from hybridrag.store.backup import dump
    from hybridrag.store.restoring import restore

    failures: list[BaseException] = []
    reading, writing = os.pipe()

    def read_old() -> None:
        with os.fdopen(writing, "wb", buffering=0) as pipe:
            try:
                dump(old, pipe)
            except BaseException as exc:  # kept before the pipe ends, for whoever reads it to tell
                failures.append(exc)

    reader = threading.Thread(target=read_old, name="hybridrag-dump")
    reader.start()
    try:
        with os.fdopen(reading, "rb", buffering=0) as archive:
            try:
                return restore(new, archive, replace=False).tables
            except DatabaseError:
                if failures:
                    raise failures[0] from None
                raise
    finally:
        reader.join()
