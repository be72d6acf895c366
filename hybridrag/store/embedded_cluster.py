"""The cluster of the embedded server: made once, as a whole or not at all, with settings for this machine."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from hybridrag.drafts import sync_folder
from hybridrag.errors import DatabaseError
from hybridrag.store import embedded_binaries
from hybridrag.store.embedded_binaries import MAJOR
from hybridrag.store.embedded_process import is_namespace_refusal, namespace_refused, run
from hybridrag.store.embedded_socket import NAME, PORT

_MIB = 1024 * 1024
_KEPT_LOGS = 10


def exists(cluster: Path) -> bool:
    """Whether there is a cluster that our programs can run. Raises DatabaseError for one that they cannot."""
    try:
        version = (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        if cluster.is_dir() and any(cluster.iterdir()):
            raise DatabaseError(
                f"{cluster} holds files, but no PostgreSQL cluster",
                hint="Move that folder away; a new one is then made.",
            ) from None
        return False
    if version != str(MAJOR):
        older = version.isdecimal() and embedded_binaries.of_major(cluster.parent, int(version)) is not None
        raise DatabaseError(
            f"The cluster in {cluster} was made by PostgreSQL {version}, and this hybridrag brings PostgreSQL {MAJOR}",
            hint=f"Bring it to PostgreSQL {MAJOR} with: hybridrag db upgrade"
            if older
            else "Use the release of hybridrag that made it, or move the folder away and ingest again.",
        )
    return True


def exchange(new: Path, cluster: Path, *, kept: Path) -> None:
    """Puts the cluster `new` in the place of another, which goes to `kept`. A crash amid leaves either in place, or
    neither, and then `finish_exchange` goes on."""
    new.rename(_exchanged(cluster))
    sync_folder(cluster.parent)
    cluster.rename(kept)
    sync_folder(cluster.parent)
    finish_exchange(cluster)


def finish_exchange(cluster: Path) -> None:
    """Ends an exchange that was killed when neither cluster was in place."""
    if not cluster.exists() and _exchanged(cluster).exists():
        _exchanged(cluster).rename(cluster)
        sync_folder(cluster.parent)


def forget_exchange(cluster: Path) -> None:
    """Removes the new cluster of an exchange that was killed before the old one left its place."""
    shutil.rmtree(_exchanged(cluster), ignore_errors=True)


def _exchanged(cluster: Path) -> Path:
    return cluster.with_name(f"{cluster.name}.next")


def create(cluster: Path, programs: Path, *, lock: int) -> None:
    """Makes the cluster. Raises DatabaseError or OSError, and then leaves nothing behind.

    initdb inherits `lock`: if we are killed, it is held until initdb has ended, too.
    """
    temporary = cluster.with_name(f"{cluster.name}.new-{secrets.token_hex(4)}")
    try:
        _initdb(temporary, programs, lock)
        with (temporary / "postgresql.conf").open("a") as configuration:
            configuration.write(_INCLUDES)
            configuration.flush()
            os.fsync(configuration.fileno())
        temporary.rename(cluster)
        sync_folder(cluster.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


_INCLUDES = """
# hybridrag: the first file is written again at each start, the second is yours.
include_if_exists = '../hybridrag.conf'
include_if_exists = '../custom.conf'
"""


def sweep(cluster: Path) -> None:
    """Removes what a killed `create` left."""
    for leftover in cluster.parent.glob(f"{cluster.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _initdb(folder: Path, programs: Path, lock: int) -> None:
    for ctype in ("C.UTF-8", "en_US.UTF-8", "C"):
        # Case is folded by PostgreSQL's own C.UTF-8, the same everywhere; but its text search still asks the C library
        # which characters are letters, and under LC_CTYPE=C takes every quotation mark and dash beyond ASCII for one.
        try:
            run(
                programs / "initdb",
                *("--pgdata", folder, "--username", NAME),
                *("--encoding=UTF8", "--locale=C", f"--lc-ctype={ctype}", "--text-search-config=simple"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                # Who reaches the socket has passed its folder's permissions; nobody comes over TCP.
                *("--auth-local=trust", "--auth-host=reject"),
                inherited=(lock,),
            )
        except subprocess.CalledProcessError as exc:
            if "invalid locale name" in exc.stderr and ctype != "C":
                continue
            raise _initdb_failed(folder.parent, exc.stderr) from exc
        return


def _initdb_failed(data: Path, stderr: str) -> DatabaseError:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    telling = [line for line in lines if any(word in line for word in ("unshare:", "error:", "FATAL:", "PANIC:"))]
    reason = (telling or lines or ["initdb said nothing"])[0]
    if is_namespace_refusal(reason):
        return namespace_refused(reason)
    if "No space left on device" in stderr:
        reason = "no space left on the device"
    return DatabaseError(
        f"The embedded database could not be made in {data}: {reason}",
        hint="Nothing was left behind. See to the folder's permissions and its space (a new database takes 80 MB); "
        "then run the command again.",
    )


def write_settings(data: Path, logs: Path) -> None:
    """Writes hybridrag.conf for this machine; custom.conf beside it is the user's and only made if missing."""
    temporary = data / "hybridrag.conf.new"
    temporary.touch(mode=0o600)
    temporary.write_text(_settings(logs, _memory()))
    temporary.replace(data / "hybridrag.conf")
    custom = data / "custom.conf"
    if not custom.exists():
        custom.touch(mode=0o600)
        custom.write_text("# Settings for the embedded PostgreSQL; they win over hybridrag.conf.\n")


def _settings(logs: Path, memory: int) -> str:
    directory = str(logs).replace("'", "''")
    maintenance = _between(64, memory // 16, 1024)
    return f"""\
# Written by hybridrag at each start of the server. Put settings of your own into custom.conf.

# The machine has {memory} MB, which other programs use too.
shared_buffers = {_between(32, memory // 8, 2048)}MB
effective_cache_size = {_between(128, memory // 2, 65536)}MB
maintenance_work_mem = {maintenance}MB
work_mem = {_between(4, memory // 512, 32)}MB
# Small segments are taken from memory that is never unlinked: systemd-logind removes the others (RemoveIPC) when the
# user logs out, while this server goes on.
min_dynamic_shared_memory = 16MB
dynamic_shared_memory_type = {_shared_memory_type(maintenance)}

max_wal_size = 2GB
wal_compression = on
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'

logging_collector = on
log_directory = '{directory}'
log_filename = 'postgresql-%Y-%m-%dT%H-%M-%S.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 10MB
log_checkpoints = off
# No document text: failing statements and the details of their errors quote it.
log_min_error_statement = panic
log_error_verbosity = terse
"""


def server_options(socket_folder: Path) -> Iterator[str]:
    """What no settings file may change: where the server listens."""
    quoted = str(socket_folder).replace('"', '""')
    yield from ("-c", "listen_addresses=")
    yield from ("-c", f"port={PORT}")
    yield from ("-c", f'unix_socket_directories="{quoted}"')
    yield from ("-c", "unix_socket_permissions=0700")


def _memory() -> int:
    """The memory of this machine, or of the container we are in, in MB."""
    sizes = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            sizes.append(int(Path(limit).read_text()))
        except (OSError, ValueError):  # no such control group, or "max"
            continue
    return min(sizes) // _MIB


def _shared_memory_type(maintenance: int) -> str:
    """An index build takes maintenance_work_mem (MB) of it at once; Docker gives /dev/shm 64 MB only."""
    if not sys.platform.startswith("linux"):
        return "posix"
    try:
        found = os.statvfs("/dev/shm")  # noqa: S108  # looked at, not written
    except OSError:
        return "sysv"
    return "posix" if found.f_blocks * found.f_frsize >= 2 * maintenance * _MIB else "sysv"


def _between(least: int, wanted: int, most: int) -> int:
    return max(least, min(wanted, most))


def was_interrupted(cluster: Path, programs: Path) -> bool:
    """Whether the cluster was not shut down, so that a server has to recover it first."""
    try:
        report = run(programs / "pg_controldata", cluster)
    except subprocess.CalledProcessError:
        return False
    state = next((line for line in report.splitlines() if line.startswith("Database cluster state:")), "")
    return any(word in state for word in ("in production", "in crash recovery", "shutting down"))


def current_log(logs: Path) -> Path:
    """The file that the server writes to: its own log, or what it said before it opened one."""
    written = sorted(logs.glob("postgresql-*.log"))
    return written[-1] if written else logs / "startup.log"


def prune_logs(logs: Path) -> None:
    """Removes all but the newest logs."""
    for old in sorted(logs.glob("postgresql-*.log"))[:-_KEPT_LOGS]:
        old.unlink(missing_ok=True)


def last_complaint(logs: Path) -> str:
    """Why a server that was just started has ended, in its own words."""
    startup = logs / "startup.log"
    said = startup.read_text(errors="replace").splitlines() if startup.exists() else []
    log = current_log(logs)
    logged = log.read_text(errors="replace").splitlines() if log != startup else []
    # What the loader or unshare say has no severity. Our own connections get a FATAL, too, while the server starts.
    unlogged = [line.strip() for line in said if line.strip() and not _SEVERITY.search(line)]
    fatal = [line for line in (*logged, *said) if ("FATAL:" in line or "PANIC:" in line) and _TURNED_AWAY not in line]
    if not unlogged and not fatal:
        return "it did not say why"
    return unlogged[-1] if unlogged else re.split("(?:FATAL|PANIC):", fatal[-1])[-1].strip()


_SEVERITY = re.compile(r" (LOG|WARNING|FATAL|PANIC|HINT|DETAIL|CONTEXT):  ")
_TURNED_AWAY = "the database system is"
