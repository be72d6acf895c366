"""`hybridrag db start|stop|status|url|migrate`."""

from __future__ import annotations

import sys

import typer

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
