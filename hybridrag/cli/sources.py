"""`hybridrag sources list|show|add|remove`."""

from __future__ import annotations

import shlex
from typing import Annotated, Any

import typer

from hybridrag.cli.console import local_time, printable, stdout
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

app = typer.Typer(help="The remembered places documents come from.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context) -> int:
    """Shows the sources of a collection. Example: hybridrag sources list"""
    session = Session.of(context)
    session.say_collection()
    rows = session.wiring.store.list_sources(session.wiring.collection())
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.sources/1",
                "collection": session.settings.collection,
                "sources": [_row_json(row) for row in rows],
            }
        )
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("source", "kind", "root", "label", "documents", "last ingest"):
        table.add_column(title, overflow="fold")
    for row in rows:
        source = row["source"]
        when = row["ingested_at"]
        table.add_row(
            printable(source.name),
            source.kind,
            printable(source.root) + (f" (files: {len(source.only)})" if source.only else ""),
            source.label.value,
            str(row["documents"]),
            local_time(when) if when else "never",
        )
    stdout().print(table)
    return 0


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `sources list` shows it.")],
) -> int:
    """Shows one source: where it is, what of it is taken, how old it is. Example: hybridrag sources show docs"""
    from hybridrag.flows.freshness import span
    from hybridrag.store.problems import open_problems
    from hybridrag.store.runs import ages_of_sources

    session = Session.of(context)
    session.say_collection()
    store, collection = session.wiring.store, session.wiring.collection()
    rows = store.list_sources(collection)
    row = next((row for row in rows if row["source"].name == name), None)
    if row is None:
        raise unknown_source(collection.name, name, rows)
    age = ages_of_sources(store.url, collection).get(name)
    problems = sum(each.uri == name or each.uri.startswith(f"{name}/") for each in open_problems(store.url, collection))
    if session.flags.json:
        told = {"age_seconds": None if age is None else round(age, 1), "problems": problems}
        session.json({"schema": "hybridrag.source/1", **_row_json(row), **told})
        return 0
    source, out = row["source"], stdout()
    for title, text in (
        ("source", source.name),
        ("kind", source.kind),
        ("root", source.root or "standard input"),
        ("only", ", ".join(source.only)),
        ("include", ", ".join(source.include)),
        ("exclude", ", ".join(source.exclude)),
        ("label", source.label.value),
        ("labels", ", ".join(f"{glob}={label.value}" for glob, label in source.label_globs)),
        ("documents", str(row["documents"])),
        ("problems", str(problems)),
        ("up to date", "never as a whole" if age is None else f"{span(age)} ago"),
    ):
        if text:
            out.print(f"{title + ':':<12} {printable(text)}")
    if problems:
        session.notice(f"hybridrag documents list --problems -c {collection.name} shows the problems")
    return 0


@app.command("add")
def add(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A folder, a file, or a *.jsonl.")],
    source: Annotated[str | None, typer.Option("--source", metavar="NAME", help="The source's name.")] = None,
    include: Annotated[list[str] | None, typer.Option("--include", metavar="GLOB", help="Only these files.")] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", metavar="GLOB", help="Not these files.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="[GLOB=]LEVEL", help="public, internal, confidential or local-only."),
    ] = None,
) -> int:
    """Remembers a source without reading it. Example: hybridrag sources add ./docs --label confidential"""
    from hybridrag.cli.ingest import labels
    from hybridrag.flows.selection import SourceOptions

    session = Session.of(context)
    session.say_collection()
    level, globs = labels(label)
    options = SourceOptions(
        name=source,
        include=tuple(include) if include else None,
        exclude=tuple(exclude) if exclude else None,
        label=level,
        label_globs=globs,
    )
    if path == "-":
        raise UsageError("standard input cannot be remembered", hint="use: hybridrag ingest -")
    remembered = session.wiring.ingesting.remember(path, options)
    if session.flags.json:
        session.json({"schema": "hybridrag.source/1", "name": remembered.name, "root": remembered.root})
    else:
        quoted, collection = shlex.quote(remembered.name), session.settings.collection
        session.notice(f"remembered as {remembered.name}; read it with: hybridrag sync {quoted} -c {collection}")
    return 0


@app.command("remove")
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="As `sources list` shows it.")],
) -> int:
    """Forgets a source with all its documents. The files themselves stay. Example: hybridrag sources remove docs"""
    session = Session.of(context)
    session.say_collection()
    collection = session.wiring.collection()
    if not session.wiring.store.remove_source(collection, name):
        raise unknown_source(collection.name, name, session.wiring.store.list_sources(collection))
    if session.flags.json:
        session.json({"schema": "hybridrag.source/1", "name": name, "removed": True})
    else:
        session.notice(f"removed {name} and its documents from the index")
    return 0


def unknown_source(collection: str, name: str, rows: list[dict[str, Any]]) -> UsageError:
    there = ", ".join(row["source"].name for row in rows) or "none"
    return UsageError(f"the collection {collection!r} has no source {name!r}", hint=f"it has: {there}")


def _row_json(row: dict[str, Any]) -> dict[str, Any]:
    source = row["source"]
    return {
        "name": source.name,
        "kind": source.kind,
        "root": source.root,
        "only": list(source.only),
        "include": list(source.include),
        "exclude": list(source.exclude),
        "label": source.label.value,
        "label_globs": [[glob, label.value] for glob, label in source.label_globs],
        "documents": row["documents"],
        "ingested_at": row["ingested_at"].isoformat() if row["ingested_at"] else None,
    }
