"""`hybridrag collections list|show`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hybridrag.cli.console import printable, stdout
from hybridrag.cli.session import Session

app = typer.Typer(help="The indexes of this database.", no_args_is_help=True)


@app.command("list")
def list_(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Also those that `eval` made of datasets.")] = False,
) -> int:
    """Shows the collections with their model and size. Example: hybridrag collections list --json"""
    from hybridrag.wiring.evaluating import HIDDEN

    session = Session.of(context)
    found = session.wiring.store.list_collections()
    rows = [row for row in found if every or not row["name"].startswith(HIDDEN)]
    if hidden := len(found) - len(rows):
        session.notice(f"{hidden} collections of datasets ({HIDDEN}*) are not shown; --all shows them")
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.collections/1",
                "collections": [_collection_json(row) for row in rows],
            }
        )
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("collection", "model", "documents", "chunks", "last ingest"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(
            row["name"],
            printable(row["embedder"]),
            str(row["documents"]),
            str(row["chunks"]),
            _last_ingest(row),
        )
    stdout().print(table)
    return 0


@app.command("show")
def show(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="As -c; the chosen collection if left out.")
    ] = None,
) -> int:
    """Shows one collection: its model, its size and its languages. Example: hybridrag collections show handbook"""
    from hybridrag.flows.languages import named
    from hybridrag.store import unknown_collection

    session = Session.of(context)
    wanted = name or session.settings.collection
    store = session.wiring.store
    collection = store.find_collection(wanted)
    row = next((row for row in store.list_collections() if row["name"] == wanted), None)
    if collection is None or row is None:
        raise unknown_collection(wanted)
    languages = store.count_languages(collection)
    if session.flags.json:
        known = {code: number for code, number in languages.items() if code}
        session.json({"schema": "hybridrag.collection/1", **_collection_json(row), "languages": known})
        return 0
    shown = [f"{named(code) if code else 'not sure'} {number}" for code, number in languages.items()]
    out = stdout()
    out.print(f"collection:  {wanted}")
    out.print(f"model:       {printable(row['embedder'])}, {row['dimensions']} dimensions")
    out.print(f"documents:   {row['documents']}, in {row['chunks']} chunks")
    out.print(f"languages:   {', '.join(shown) or 'none'}")
    out.print(f"last ingest: {_last_ingest(row)}")
    return 0


def _collection_json(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": row["name"],
        "embedder": row["embedder"],
        "text_search": row["text_search"],
        "generation": {"id": row["generation"], "model": row["model"], "fingerprint": row["fingerprint"]},
        "dimensions": row["dimensions"],
        "documents": row["documents"],
        "chunks": row["chunks"],
        "ingested_at": row["ingested_at"].isoformat() if row["ingested_at"] else None,
    }


def _last_ingest(row: dict[str, Any]) -> str:
    when = row["ingested_at"]
    return when.astimezone().strftime("%Y-%m-%d %H:%M") if when else "never"
