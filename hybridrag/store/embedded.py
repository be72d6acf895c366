"""The embedded PostgreSQL: started when a command needs it, alive until `stop`.

    data/
      cluster/          PostgreSQL's own folder
      postgresql/       its programs, copied from the Python package
      log/              its logs, rotated
      hybridrag.conf    settings, written at each start
      custom.conf       the user's settings, which win
      start.lock        held by the command that starts the server
      server.lock       held while any process of the server or of initdb lives
      cluster.upgrade   the new cluster of a major upgrade, while it is made; `cluster.next` once it is whole
      cluster.16        the cluster that an upgrade left, until `db upgrade --remove-old`

Nothing depends on a pid file: a server is ready when a connection succeeds, and gone when its lock is free.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import DatabaseError, DatabaseUnavailable
from hybridrag.store import embedded_binaries, embedded_cluster, embedded_process, embedded_socket
from hybridrag.store.embedded_home import Home
from hybridrag.store.embedded_socket import State

if TYPE_CHECKING:
    from hybridrag.store.embedded_upgrade import Upgraded

_PATIENCE = 600.0
"""Seconds that a start, with the recovery of a large crash, or a stop may take."""
_PAUSE = 0.02
"""Seconds between two looks."""


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What `db status` shows. `version` and `pgvector` are None while the server takes no connections.

    `pid` without `running` is a server that starts, recovers or shuts down. `log` is the file written last.
    """

    running: bool
    version: str | None
    pgvector: str | None
    data: Path
    socket: Path
    log: Path
    pid: int | None


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A PostgreSQL of our own, with its data below `data` and its socket in `run` where that path is not too long.

    Two servers must not be given the same `run`. Every failure is a DatabaseError.
    """

    data: Path
    run: Path

    @property
    def url(self) -> str:
        """The URL of the database, whether or not the server runs."""
        return embedded_socket.url_of(self._home.socket_folder)

    def ensure_running(self, notify: Callable[[str], None]) -> None:
        """Returns once the server takes connections, started if need be; `notify` gets short lines about delays."""
        home = self._home
        with translated(home):
            home.refuse_foreign()
            home.refuse_unusable()
            embedded_cluster.exists(home.cluster)
            if embedded_socket.ask(home.socket_folder, home.cluster).state is State.READY:
                return
            embedded_process.user_namespace()
            home.make_folders()
            with alone(home, notify) as deadline:
                _start(home, notify, deadline)

    def stop(self) -> bool:
        """Ends the server and its connections, with nothing lost; False if it was not running."""
        home = self._home
        with translated(home):
            home.refuse_foreign()
            return stop_all(home)

    def upgrade(self, notify: Callable[[str], None]) -> Upgraded | None:
        """Brings a cluster of an earlier major version to ours, which runs then; None where that is not needed."""
        from hybridrag.store import embedded_upgrade

        home = self._home
        with translated(home):
            home.refuse_foreign()
            home.refuse_unusable()
            if not home.cluster.exists():
                return None
            with alone(home, notify):
                done = embedded_upgrade.upgrade(home, notify)
        if done is not None:
            self.ensure_running(notify)
        return done

    def remove_old(self) -> list[Path]:
        """Removes the clusters that upgrades kept, and returns where they were. Raises DatabaseError where the present
        one is not ours."""
        from hybridrag.store import embedded_upgrade

        home = self._home
        with translated(home):
            home.refuse_foreign()
            return embedded_upgrade.remove_old(home)

    def status(self) -> ServerStatus:
        """What there is now. Starts and creates nothing."""
        home = self._home
        with translated(home):
            home.refuse_foreign()
            reply = embedded_socket.ask(home.socket_folder, home.cluster)
            return ServerStatus(
                running=reply.state in (State.READY, State.UNPREPARED),
                version=reply.version,
                pgvector=reply.pgvector,
                data=home.data,
                socket=home.socket_folder,
                log=embedded_cluster.current_log(home.logs),
                pid=embedded_process.postmaster(home.cluster),
            )

    @property
    def _home(self) -> Home:
        return Home(data=self.data.absolute(), run=self.run.absolute())


@contextmanager
def translated(home: Home) -> Iterator[None]:
    """Turns what the system refuses into a DatabaseError."""
    try:
        yield
    except OSError as exc:
        what, hint = exc.strerror or str(exc), "Free some space, then run the command again."
        if exc.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            what = f"{what}: {exc.filename}" if exc.filename else what
            hint = "See to the folder and its permissions, or choose another with HYBRIDRAG_HOME."
        raise DatabaseError(f"The embedded PostgreSQL in {home.data} cannot be used: {what}", hint=hint) from exc


@contextmanager
def alone(home: Home, notify: Callable[[str], None]) -> Iterator[float]:
    """Keeps other starters out; gives the time by which all must be done."""
    deadline = time.monotonic() + _PATIENCE
    lock = embedded_process.try_lock(home.start_lock)
    if lock is None:
        notify("waiting for another command, which is starting PostgreSQL")
    while lock is None:
        pause(home, deadline, "is not ready, and another command has been starting it,")
        lock = embedded_process.try_lock(home.start_lock)
    try:
        yield deadline
    finally:
        os.close(lock)


def _start(home: Home, notify: Callable[[str], None], deadline: float) -> None:
    """Looks and acts until the server is ready. Only one process at a time is here."""
    say = _once(notify)
    begun = time.monotonic()
    launched = False
    while True:
        folder = home.socket_folder
        state = embedded_socket.ask(folder, home.cluster).state
        if state is State.READY:
            return
        if state is State.UNPREPARED:
            embedded_socket.prepare(folder, home.cluster, log=embedded_cluster.current_log(home.logs))
            continue
        pid = embedded_process.postmaster(home.cluster)
        if state is State.FOREIGN and pid is None:
            raise _foreign(home, folder)
        lock = embedded_process.try_lock(home.server_lock)
        if lock is not None:
            try:
                if launched:
                    raise _died(home)
                if pid is None:
                    _launch(home, say, lock)
                    launched = True
            finally:
                os.close(lock)
        elif pid is not None and (state is State.FOREIGN or home.lost_its_socket):
            say("restarting PostgreSQL, which cannot be reached any more: its socket was removed or its folder moved")
            _shut_down(pid)
        elif state is State.BUSY and not launched:
            say("waiting for PostgreSQL, which is starting, recovering or shutting down")
        elif pid is None and not launched and time.monotonic() - begun > 1:
            say("waiting for the last process of a PostgreSQL that was killed")
        pause(home, deadline, "is not ready")


def _launch(home: Home, say: Callable[[str], None], lock: int) -> None:
    """Starts a server on the cluster, which is made first if there is none. No other runs on it."""
    programs = embedded_binaries.install(home.data)
    embedded_cluster.sweep(home.cluster)
    embedded_cluster.finish_exchange(home.cluster)
    if not embedded_cluster.exists(home.cluster):
        say(f"making a database in {home.data}")
        embedded_cluster.create(home.cluster, programs, lock=lock)
    folder = home.make_socket_folder()
    home.forget_dead_server()
    embedded_cluster.prune_logs(home.logs)
    embedded_cluster.write_settings(home.data, home.logs)
    say("starting PostgreSQL")
    if embedded_cluster.was_interrupted(home.cluster, programs):
        say("PostgreSQL is recovering from a crash")
    embedded_process.launch(
        *(programs / "postgres", "-D", home.cluster),
        *embedded_cluster.server_options(folder),
        output=home.logs / "startup.log",
        lock=lock,
    )


def stop_all(home: Home) -> bool:
    """Ends the server, and one that a killed upgrade left; False if none was running."""
    stopped = stop(home, home.cluster, home.server_lock)
    return stop(home, home.upgrade, home.upgrade_lock) or stopped


def stop(home: Home, cluster: Path, server_lock: Path) -> bool:
    """Ends the server on `cluster`, which holds the lock; False if it was not running."""
    deadline = time.monotonic() + _PATIENCE
    first: int | None = None
    told = -1.0
    was_running = False
    while embedded_process.is_locked(server_lock) or embedded_process.postmaster(cluster) is not None:
        was_running = True
        pid = embedded_process.postmaster(cluster)
        first = first or pid
        if pid not in (first, None):
            break  # that one has ended, and another command has started a new one since
        if pid is not None and time.monotonic() - told > 1:
            # Told again, because a server that has only begun to start may not listen yet.
            _shut_down(pid)
            told = time.monotonic()
        pause(home, deadline, "has not stopped")
    return was_running


def _shut_down(pid: int) -> None:
    """Asks for PostgreSQL's fast shutdown: connections end, everything is written."""
    try:
        os.kill(pid, signal.SIGINT)
    except ProcessLookupError:
        return


def pause(home: Home, deadline: float, trouble: str) -> None:
    """Waits a moment. Raises DatabaseUnavailable once the deadline is past."""
    if time.monotonic() > deadline:
        raise DatabaseUnavailable(
            f"The embedded PostgreSQL in {home.data} {trouble} after {_PATIENCE:.0f} seconds",
            hint=f"Look into {embedded_cluster.current_log(home.logs)}, then try again.",
        )
    time.sleep(_PAUSE)


def _once(notify: Callable[[str], None]) -> Callable[[str], None]:
    """`notify` that leaves out what it has already said."""
    said: set[str] = set()

    def say(line: str) -> None:
        if line not in said:
            said.add(line)
            notify(line)

    return say


def _died(home: Home) -> DatabaseError:
    reason = embedded_cluster.last_complaint(home.logs)
    if embedded_process.is_namespace_refusal(reason):
        return embedded_process.namespace_refused(reason)
    return DatabaseError(
        f"The embedded PostgreSQL did not start: {reason}",
        hint=f"Its logs are in {home.logs}, and settings of your own in {home.data / 'custom.conf'}.",
    )


def _foreign(home: Home, folder: Path) -> DatabaseError:
    return DatabaseError(
        f"The socket folder {folder} is used by a PostgreSQL with other data than {home.data}",
        hint="Give each home a socket folder of its own, or stop the other server.",
    )
