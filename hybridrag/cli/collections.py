"""`hybridrag collections list`."""

from __future__ import annotations

import typer

from hybridrag.cli.console import printable, stdout
from hybridrag.cli.session import Session

app = typer.Typer(help="The indexes of this database.", no_args_is_help=True)


@app.command("list")
def list_(context: typer.Context) -> int:
    """Shows all collections with their model and size. Example: hybridrag collections list --json"""
    session = Session.of(context)
    rows = session.wiring.store.list_collections()
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.collections/1",
                "collections": [
                    {
                        "name": row["name"],
                        "embedder": row["embedder"],
                        "text_search": row["text_search"],
                        "generation": {
                            "id": row["generation"],
                            "model": row["model"],
                            "fingerprint": row["fingerprint"],
                        },
                        "dimensions": row["dimensions"],
                        "documents": row["documents"],
                        "chunks": row["chunks"],
                        "ingested_at": row["ingested_at"].isoformat() if row["ingested_at"] else None,
                    }
                    for row in rows
                ],
            }
        )
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("collection", "model", "documents", "chunks", "last ingest"):
        table.add_column(title, overflow="fold")
    for row in rows:
        when = row["ingested_at"]
        table.add_row(
            row["name"],
            printable(row["embedder"]),
            str(row["documents"]),
            str(row["chunks"]),
            when.astimezone().strftime("%Y-%m-%d %H:%M") if when else "never",
        )
    stdout().print(table)
    return 0
