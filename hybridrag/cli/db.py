"""`hybridrag db start|stop|status|url|migrate|backup|restore|upgrade`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from hybridrag.cli.console import agrees, printable, shown_bytes
from hybridrag.cli.session import Session
from hybridrag.config import mask_password
from hybridrag.errors import UsageError

app = typer.Typer(help="The embedded or configured database.", no_args_is_help=True)


@app.command("start")
def start(context: typer.Context) -> int:
    """Starts the embedded PostgreSQL. Other commands do so by themselves. Example: hybridrag db start"""
    session = Session.of(context)
    server = session.wiring.server
    if server is None:
        raise UsageError("the database is not the embedded one", hint="it is started where it runs")
    server.ensure_running(session.notice)
    session.wiring.store.migrate()
    return status(context)


@app.command("stop")
def stop(context: typer.Context) -> int:
    """Stops the embedded PostgreSQL. Example: hybridrag db stop"""
    session = Session.of(context)
    server = session.wiring.server
    if server is None:
        raise UsageError("the database is not the embedded one", hint="it is stopped where it runs")
    stopped = server.stop()
    if session.flags.json:
        session.json({"schema": "hybridrag.db/1", "stopped": stopped})
    else:
        session.notice("stopped" if stopped else "it was not running")
    return 0


@app.command("status")
def status(context: typer.Context) -> int:
    """Tells whether the database runs, its versions and its place. Starts nothing. Example: hybridrag db status"""
    session = Session.of(context)
    server = session.wiring.server
    if server is None:
        versions = session.wiring.store.versions()
        value = {"embedded": False, "running": True, "version": versions["server"], "pgvector": versions["pgvector"]}
        value |= {"url": mask_password(session.settings.database_url)}
    else:
        found = server.status()
        value = {
            "embedded": True,
            "running": found.running,
            "version": found.version,
            "pgvector": found.pgvector,
            "data": str(found.data),
            "socket": str(found.socket),
            "log": str(found.log),
            "pid": found.pid,
        }
    if session.flags.json:
        session.json({"schema": "hybridrag.db/1", **value})
        return 0
    for name, item in value.items():
        shown = {True: "yes", False: "no", None: "-"}.get(item, item) if isinstance(item, bool | None) else item
        sys.stdout.write(f"{name + ':':<10} {shown}\n")
    return 0


@app.command("url")
def url(context: typer.Context) -> int:
    """Prints the database's address, for psql and other programs. Starts nothing.

    Example: psql "$(hybridrag db url)"
    """
    session = Session.of(context)
    server = session.wiring.server
    # Without its password: three asterisks in its place would be taken for one.
    value = server.url if server is not None else mask_password(session.settings.database_url).replace(":***@", "@")
    if session.flags.json:
        session.json({"schema": "hybridrag.db/1", "url": value})
    else:
        sys.stdout.write(value + "\n")
    return 0


@app.command("migrate")
def migrate(context: typer.Context) -> int:
    """Brings the schema up to this version. Other commands do so by themselves. Example: hybridrag db migrate"""
    session = Session.of(context)
    applied = session.wiring.store.migrate()
    if session.flags.json:
        session.json({"schema": "hybridrag.db/1", "applied": applied})
    else:
        session.notice("applied: " + ", ".join(applied) if applied else "nothing to do")
    return 0


@app.command("backup")
def backup(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="Where to; - is stdout.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")] = False,
) -> int:
    """Writes the whole index into one file, which only you can read: every collection with its documents' texts.

    It is one moment of the index, also while an ingest works. Settings, the ledger and saved chats are files of their
    own and are not in it. What is forgotten later stays in older backups. Example: hybridrag db backup index.dump
    """
    from hybridrag.wiring.database import back_up

    session = Session.of(context)
    if file == "-" and (session.flags.json or sys.stdout.isatty()):
        raise UsageError("the backup would go where the result is shown", hint="name a file, or send stdout to one")
    started = time.monotonic()
    with _status("backing up", quiet=session.flags.quiet) as shown:
        done = back_up(
            session.wiring,
            None if file == "-" else Path(file).expanduser(),
            force=force,
            working=lambda size: shown(shown_bytes(size)),
        )
    seconds = round(time.monotonic() - started, 1)
    held = done.contents
    if session.flags.json:
        value = {"file": file, "bytes": done.bytes, "seconds": seconds, "server": held.server}
        value |= {"collections": held.collections, "documents": held.documents, "chunks": held.chunks}
        session.json({"schema": "hybridrag.backup/1", **value})
    else:
        size = f", {shown_bytes(done.bytes)}" if done.bytes else ""
        where = "" if file == "-" else f" to {file}"
        session.notice(
            f"backed up {held.documents:,} documents in {held.collections} collections{where}{size}, {seconds} s"
        )
    return 0


@app.command("restore")
def restore(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE|-", help="A file of `db backup`; - is stdin.")],
    replace: Annotated[bool, typer.Option("--replace", help="Remove the collections that are there now.")] = False,
) -> int:
    """Brings back what a backup holds: all of it or nothing, then up to the present schema.

    Searches go on until it is done; no other run may be at work. Take only files that you trust: a backup can hold
    functions, which run in the database. Example: hybridrag db restore --replace index.dump
    """
    from hybridrag.wiring.database import bring_back, collections_in

    session = Session.of(context)
    if file != "-" and not Path(file).expanduser().exists():
        raise UsageError(f"there is no backup {file}", hint="see to its name")
    if not replace and (there := collections_in(session.wiring)):
        replace = _may_replace(there, asked=file != "-")
        if not replace:
            session.notice("nothing was changed")
            return 0
    started = time.monotonic()
    with _status("restoring", quiet=session.flags.quiet) as shown:
        done = bring_back(
            session.wiring, None if file == "-" else Path(file).expanduser(), replace=replace, working=shown
        )
    seconds = round(time.monotonic() - started, 1)
    held, rows = done.contents, sum(table.rows for table in done.tables)
    if session.flags.json:
        value = {"file": file, "seconds": seconds, "tables": len(done.tables), "rows": rows}
        value |= {"collections": held.collections, "documents": held.documents, "chunks": held.chunks}
        session.json({"schema": "hybridrag.restore/1", **value, "applied": list(done.applied)})
    else:
        session.notice(
            f"restored {held.documents:,} documents in {held.collections} collections: {rows:,} rows, counted, "
            f"{seconds} s" + (f"; applied: {', '.join(done.applied)}" if done.applied else "")
        )
    return 0


@app.command("upgrade")
def upgrade(
    context: typer.Context,
    remove_old: Annotated[
        bool, typer.Option("--remove-old", help="Remove the old database that an upgrade kept.")
    ] = False,
) -> int:
    """Brings an embedded database that an older PostgreSQL made to the present version. The old one is kept beside it.

    Example: hybridrag db upgrade
    """
    session = Session.of(context)
    server = session.wiring.server
    if server is None:
        raise UsageError("the database is not the embedded one", hint="it is upgraded where it runs")
    if remove_old:
        removed = [str(folder) for folder in server.remove_old()]
        if session.flags.json:
            session.json({"schema": "hybridrag.upgrade/1", "removed": removed})
        else:
            session.notice(f"removed: {', '.join(removed)}" if removed else "there is no old database")
        return 0
    done = server.upgrade(session.notice)
    for name in done.left if done else ():
        session.notice(f"not carried over, because it is not hybridrag's: {name}")
    if session.flags.json:
        value: dict[str, object] = {"upgraded": done is not None}
        if done:
            value |= {"from": done.before, "to": done.after, "tables": done.tables, "rows": done.rows}
            value |= {"kept": str(done.kept), "kept_bytes": done.size, "left": list(done.left)}
        session.json({"schema": "hybridrag.upgrade/1", **value})
    elif done is None:
        session.notice("nothing to do")
    else:
        session.notice(f"PostgreSQL {done.before} to {done.after}: {done.rows:,} rows in {done.tables} tables, counted")
        session.notice(
            f"the old database is kept in {done.kept} ({shown_bytes(done.size)}); when all is well: "
            "hybridrag db upgrade --remove-old"
        )
    return 0


def _may_replace(collections: list[str], *, asked: bool) -> bool:
    """Whether the user gives the collections up. Raises UsageError where nobody can be asked."""
    names = ", ".join(collections[:5]) + (", ..." if len(collections) > 5 else "")
    if not asked or not sys.stdin.isatty():
        raise UsageError(
            f"the database holds collections ({names}), which a restore would remove",
            hint="say --replace to have the backup in their place",
        )
    return agrees(f"Remove the collections {printable(names)}, and have the backup in their place?")


@contextmanager
def _status(what: str, *, quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line that tells how far it is, where stderr is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield lambda detail: status.update(f"{what}: {printable(detail)}")
