"""What `doctor` looks at for an index that nobody watches: room, settings, rights, the way there, runs and sources."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import DatabaseError
from hybridrag.flows.freshness import span

if TYPE_CHECKING:
    from hybridrag.store.health import Health, LastRun, Server
    from hybridrag.wiring import Wiring

_LEAST_FREE = 256 << 20
"""Bytes: a batch of an ingest, its log and a checkpoint need less."""
_LARGE_LOGS = 1 << 30
_INDEXED = 50_000
"""Vectors from which on there is an index, whose build needs memory (`store.vector_index.LEAST`)."""
_NODE = 430
"""Bytes of memory that a vector takes in the build of an index besides its own (measured: docs/database.md)."""
_MOST_AHEAD = 60.0
"""Seconds between two clocks: more makes a file that has just changed look older than its index."""
_DAY = 86_400.0
_OLD = 30 * _DAY
"""Seconds since a run went well. Who wants an index of old documents knows that; who has a dead cron does not."""


class DatabaseProbes:
    """Each method tells what it found well, raises a Concern, or fails with a HybridragError."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def all(self) -> list[tuple[str, Callable[[], str]]]:
        names = ("disk", "server", "connection", "role", "runs", "sources")
        return [(name, getattr(self, name)) for name in names]

    def disk(self) -> str:
        """Room for what is written on this machine: the embedded database, or the ledger alone."""
        from hybridrag.flows.doctor import Concern

        data = self._wiring.settings.paths.data
        folder = next(each for each in (data, *data.parents) if each.exists())
        free = shutil.disk_usage(folder).free
        told = f"{_size(free)} free at {folder}"
        if free < _LEAST_FREE:
            raise DatabaseError(f"{told}: the next write may fail", hint=f"free space there: df -h {folder}")
        if self._wiring.server is None:
            return told
        used = self._server.bytes
        told += f", the database has {_size(used)}"
        logs = _folder_size(self._postgresql / "log")
        if logs > _LARGE_LOGS:
            remedy = f"find {self._postgresql / 'log'} -name '*.log' -mtime +7 -delete"
            raise Concern(f"{told}, its log {_size(logs)}", remedy)
        if free < used:
            raise Concern(
                f"{told}: a reindex or a backup beside it may not fit", f"free space there, or move it: df -h {folder}"
            )
        return f"{told}, its log {_size(logs)}"

    def server(self) -> str:
        """Whether its memory is enough for what is in it, and whether it has connections to spare."""
        from hybridrag.flows.doctor import Concern

        found, largest = self._server, self._health.largest()
        told = (
            f"shared_buffers {_size(found.shared_buffers)}, maintenance_work_mem "
            f"{_size(found.maintenance_work_mem)}, {found.connections} of {found.most_connections} connections"
        )
        if found.most_connections - found.connections < 4:
            raise Concern(f"{told}: an ingest needs four", "ALTER SYSTEM SET max_connections = 200, and restart it")
        if largest is None or largest.count < _INDEXED:
            return told
        needed = largest.count * (largest.dimensions * 2 + _NODE)
        if needed > found.maintenance_work_mem:
            setting = f"maintenance_work_mem = '{needed * 11 // 10 >> 20}MB'"
            where = f"{self._postgresql / 'custom.conf'}: " if self._wiring.server is not None else ""
            raise Concern(
                f"{told}: building the index of {largest.collection} ({largest.count:,} vectors) in memory needs "
                f"{_size(needed)}, and takes many times as long without",
                f"{where}{setting}" if where else f"ALTER SYSTEM SET {setting}; SELECT pg_reload_conf()",
            )
        return f"{told}; enough for the index of {largest.collection}"

    def connection(self) -> str:
        """How the database is reached: encrypted, checked, by way of a pooler, and whether its clock agrees."""
        from hybridrag.flows.doctor import Concern

        found = self._server
        told = [found.tls or ("local, no TLS needed" if found.local else "no TLS")]
        if found.tls:
            told.append("the server's certificate is checked" if found.verified else "its certificate is not checked")
        if found.pooled:
            told.append("by way of a pooler")
        shown = ", ".join(told)
        if abs(found.ahead) > _MOST_AHEAD:
            way = "ahead of" if found.ahead > 0 else "behind"
            raise Concern(
                f"{shown}; the database's clock is {span(abs(found.ahead))} {way} this machine's",
                "set both by NTP: timedatectl set-ntp true",
            )
        if not found.local and not (found.tls and found.verified):
            raise Concern(
                f"{shown}: who listens on the way reads documents or answers in its place",
                "leave sslmode out of the address: verify-full is what is used then",
            )
        return f"{shown}; clocks agree"

    def role(self) -> str:
        from hybridrag.flows.doctor import Concern

        role, server = self._health.role(), self._server
        if role.unreadable:
            raise DatabaseError(
                f"{role.name} may not read {_listed(role.unreadable)}",
                hint=f"GRANT USAGE ON SCHEMA hybridrag TO {role.name}; "
                f"GRANT SELECT ON ALL TABLES IN SCHEMA hybridrag TO {role.name}",
            )
        if server.standby or server.read_only:
            what = "a standby" if server.standby else "read-only"
            raise Concern(
                f"the server is {what}: searches work, nothing can be indexed", "ingest at the primary server"
            )
        if role.unwritable:
            raise Concern(
                f"{role.name} may not write to {_listed(role.unwritable)}: searches work, nothing can be indexed",
                f"GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA hybridrag TO {role.name}",
            )
        if not role.may_make_tables:
            raise Concern(
                f"{role.name} may make no tables: a new collection and a reindex need some",
                f"GRANT CREATE ON SCHEMA hybridrag TO {role.name}",
            )
        return f"{role.name} may read, write and make tables"

    def runs(self) -> str:
        """How the last run of each collection ended."""
        from hybridrag.flows.doctor import Concern

        runs = self._health.last_runs()
        told = [f"{run.collection}: {_told(run)}" for run in runs]
        for run, line in zip(runs, told, strict=True):
            if run.held and run.age > _DAY:
                raise Concern(f"{line}: is it stuck?", f"look at process {run.pid} on {run.host}; kill it if it is")
            if run.outcome in {"failed", "refused", "interrupted"} or (run.outcome == "running" and not run.held):
                raise Concern(line, f"hybridrag sync -c {run.collection}")
            if run.well is not None and run.well > _OLD:
                raise Concern(line, f"hybridrag sync -c {run.collection}, from cron or a timer (docs/operations.md)")
        return "; ".join(told) or "none yet"

    def sources(self) -> str:
        """Roots may be missing where an index only serves, so it is no failure."""
        from hybridrag.flows.doctor import Concern

        roots = self._health.roots()

        missing = [root for root in roots if not os.path.exists(root.root)]  # noqa: PTH110
        if missing:
            first = missing[0]
            more = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise Concern(
                f"{first.root} of {first.collection} is not on this machine{more}",
                f"mount it, or: hybridrag sources remove {first.source} -c {first.collection}",
            )
        return f"{len(roots)}, all on this machine" if roots else "none yet"

    @property
    def _postgresql(self) -> Path:
        """The embedded server's own folder."""
        return self._wiring.settings.paths.data / "postgresql"

    @cached_property
    def _health(self) -> Health:
        from hybridrag.store.health import Health

        return Health(self._wiring.store.open())

    @cached_property
    def _server(self) -> Server:
        return self._health.server()


def _told(run: LastRun) -> str:
    """`sync 3 h ago, done`."""
    ended = "at work" if run.held else "broken off" if run.outcome == "running" else run.outcome
    well = ""
    if run.outcome != "done" and not run.held:
        well = f", none ended well since {span(run.well)}" if run.well is not None else ", none ended well yet"
    return f"{run.verb} {span(run.age)} ago, {ended}{well}"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more tables" if len(names) > 3 else "")


def _folder_size(folder: Path) -> int:
    """Bytes of the files in a folder; 0 where it cannot be looked at."""
    try:
        return sum(each.stat().st_size for each in folder.iterdir() if each.is_file())
    except OSError:
        return 0


def _size(count: int) -> str:
    return f"{count / (1 << 30):,.1f} GB" if count >= 1 << 30 else f"{count >> 20:,} MB"
