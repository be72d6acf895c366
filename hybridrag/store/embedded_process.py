"""Starting PostgreSQL's programs, and knowing whether a server lives.

A server holds a lock on a file from before it starts until its last process has ended: it inherits the locked
descriptor, and the kernel releases it whatever happens. So no pid, which another process may have been given since, is
ever taken for a server.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

from hybridrag.errors import DatabaseError

_NOBODY = 65534


def run(*command: str | Path, inherited: tuple[int, ...] = ()) -> str:
    """Runs a program of PostgreSQL to its end; returns its stdout. Raises CalledProcessError, with its stderr.

    It inherits the descriptors `inherited`, and no other.
    """
    return subprocess.run(
        [*user_namespace(), *map(str, command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
        cwd="/",
        env=_environment(),
        pass_fds=inherited,
        start_new_session=True,
        encoding="utf-8",
        errors="replace",
    ).stdout


def launch(*command: str | Path, output: Path, lock: int) -> None:
    """Starts a server that outlives us, in a session of its own; it inherits `lock` and writes to the file `output`.

    Returns before the server is ready. The shell puts it in the background and ends, so that we are not its parent: a
    parent would have to reap it. `pg_ctl start` does the same, but pastes the folder's name into a shell command.
    """
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        subprocess.run(
            ["/bin/sh", "-c", '"$@" &', "sh", *user_namespace(), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            check=True,
            cwd="/",
            env=_environment(),
            pass_fds=(lock,),
            start_new_session=True,
        )
    finally:
        os.close(descriptor)


def _environment() -> dict[str, str]:
    """Nothing of the caller's: no keys, no PG* settings, no locale."""
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def user_namespace() -> list[str]:
    """The words that start a program as a user whom PostgreSQL accepts: none for an ordinary user.

    PostgreSQL refuses to run as root or as a user without a name. In a user namespace it sees `nobody`, while for the
    rest of the system it is still us: no file changes its owner and no folder its permissions. Raises DatabaseError
    where that is not possible.
    """
    user = os.geteuid()
    if user != 0 and _has_name(user):
        return []
    unshare = shutil.which("unshare")
    if unshare is None or not sys.platform.startswith("linux"):
        raise namespace_refused("the program unshare is missing")
    named = _NOBODY if _has_name(_NOBODY) else next((u.pw_uid for u in pwd.getpwall() if u.pw_uid != 0), _NOBODY)
    return [unshare, "--user", f"--map-user={named}", f"--map-group={_NOBODY}", "--"]


def is_namespace_refusal(complaint: str) -> bool:
    """Whether it was the namespace that failed, and not a program in it."""
    return complaint.startswith("unshare:") and "failed to execute" not in complaint


def namespace_refused(reason: str) -> DatabaseError:
    who = "root" if os.geteuid() == 0 else f"the user with id {os.geteuid()}, who has no name"
    return DatabaseError(
        f"PostgreSQL does not run as {who}, and it cannot run in a user namespace here: {reason}",
        hint="Run hybridrag as an ordinary user, or give a PostgreSQL server with --database-url.",
    )


def _has_name(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def try_lock(file: Path, *, mode: int = fcntl.LOCK_EX) -> int | None:
    """A descriptor that holds the lock on `file`, to be closed by the caller; None where another process holds it."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, mode | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_locked(file: Path) -> bool:
    """Whether a process holds the lock on `file`. Creates nothing."""
    if not file.exists():
        return False
    descriptor = try_lock(file, mode=fcntl.LOCK_SH)  # shared: two that only look do not meet
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def postmaster(cluster: Path) -> int | None:
    """The pid of the PostgreSQL that runs on `cluster`, None if none does, whatever a stale postmaster.pid says."""
    lines = pid_file_lines(cluster)
    if not lines or not lines[0].isdecimal():
        return None
    pid = int(lines[0])
    return pid if pid > 0 and _is_postgres_on(cluster, pid) else None


def pid_file_lines(cluster: Path) -> list[str]:
    """The lines of postmaster.pid: pid, data, start time, port, socket folder, address, shared memory, state."""
    try:
        return (cluster / "postmaster.pid").read_text(errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return []


def _is_postgres_on(cluster: Path, pid: int) -> bool:
    """A server works inside its data folder; where there is no /proc, its command line names it."""
    process = Path("/proc") / str(pid)
    try:
        if Path("/proc/self/cwd").exists():
            return (process / "comm").read_text().strip() == "postgres" and (process / "cwd").samefile(cluster)
    except OSError:
        return False
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "postgres" in shown.stdout and str(cluster) in shown.stdout
