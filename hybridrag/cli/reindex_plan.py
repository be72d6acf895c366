"""`hybridrag reindex plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import one_line, shown_bytes, stdout
from hybridrag.cli.options import ChunkTokens, Dims, Embedder, Precision, TextSearch
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrag.flows.reindex_plan import Plan


def plan(
    context: typer.Context,
    embedder: Embedder = None,
    dims: Dims = None,
    precision: Precision = None,
    chunk_tokens: ChunkTokens = None,
    text_search: TextSearch = None,
    machines: Annotated[
        int, typer.Option("--machines", metavar="N", min=1, help="How many machines like this one share the work.")
    ] = 1,
) -> int:
    """Tells what a reindex would take, before anything is spent: texts and tokens to embed, time, disk and cost.

    The model is measured on texts of the collection for a few seconds, if it runs on this machine. Nothing is written
    or fetched, and no document is sent anywhere.

    Examples: hybridrag reindex plan --embedder bge-small-en-v1.5      hybridrag reindex plan --chunk-tokens 128
    """
    session = Session.of(context, embedder=embedder, dims=dims, precision=precision)
    from hybridrag.wiring.judging import Judging

    session.say_collection()
    found = Judging(session.wiring).plan(chunk_tokens=chunk_tokens, text_search=text_search)
    if session.flags.json:
        session.json(plan_json(found, machines=machines))
    else:
        _show(stdout(), found, machines=machines)
    for note in found.notes:
        session.notice(note)
    return 0


def plan_json(found: Plan, *, machines: int = 1) -> dict[str, Any]:
    """The `hybridrag.reindex_plan/1` object."""
    active, wanted, amount, disk = found.collection.generation, found.wanted, found.amount, found.disk
    return {
        "schema": "hybridrag.reindex_plan/1",
        "collection": found.collection.name,
        "active": {"id": active.id, "model": active.model, "dimensions": active.dimensions},
        "new": {
            "model": wanted.model,
            "fingerprint": wanted.fingerprint,
            "dimensions": wanted.dimensions,
            "chunk_tokens": wanted.chunk_tokens,
            "text_search": wanted.text_search,
        },
        "possible": not found.obstacles,
        "obstacles": list(found.obstacles),
        "documents": found.documents,
        "chunk_set": {"shared": found.chunk_set is not None, "id": found.chunk_set},
        "exact": amount.exact,
        "chunks": amount.chunks,
        "texts": {"all": amount.texts, "reused": amount.reused_texts, "to_embed": amount.texts_to_embed},
        "tokens": {"all": amount.tokens, "reused": amount.reused_tokens, "to_embed": amount.tokens_to_embed},
        "tokens_per_second": None if found.speed is None else round(found.speed.tokens_per_second, 1),
        "measured_texts": 0 if found.speed is None else found.speed.texts,
        "machines": machines,
        "seconds": {
            "chunking": round(found.seconds_chunking / machines, 2),
            "embedding": _rounded(found.seconds_embedding, machines),
            "total": _rounded(found.seconds, machines),
        },
        "disk": {
            "vectors": disk.vectors,
            "vector_index": disk.vector_index,
            "chunks": disk.chunks,
            "postings": disk.postings,
            "total": disk.total,
            "peak": disk.peak,
            "free": disk.free,
        },
        "cost_usd": found.cost_usd,
        "texts_leave": found.texts_leave,
        "notes": list(found.notes),
    }


def _rounded(seconds: float | None, machines: int) -> float | None:
    return None if seconds is None else round(seconds / machines, 2)


# --- for people ------------------------------------------------------------------------------------------------------


def _show(console: Console, found: Plan, *, machines: int) -> None:
    from rich.table import Table

    active, wanted = found.collection.generation, found.wanted
    console.print(
        one_line(
            f"{found.collection.name}: {active.model} ({active.dimensions} dimensions) -> {wanted.model} "
            f"({wanted.dimensions} dimensions)"
        )
    )
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _rows(found, machines=machines):
        table.add_row(name, value)
    console.print(table)
    for obstacle in found.obstacles:
        console.print(one_line(f"cannot begin: {obstacle}"))


def _rows(found: Plan, *, machines: int) -> list[tuple[str, str]]:
    amount, disk = found.amount, found.disk
    about = "" if amount.exact else "about "
    chunks = "those there are" if found.chunk_set is not None else f"{about}{amount.chunks:,}, made anew"
    free = f", {shown_bytes(disk.free)} are free" if disk.free is not None else ""
    reused = f"; {amount.reused_texts:,} more have a vector already" if amount.reused_texts else ""
    rows = [
        ("documents", f"{found.documents:,}"),
        ("chunks", chunks),
        ("to embed", f"{about}{amount.texts_to_embed:,} texts, {amount.tokens_to_embed:,} tokens{reused}"),
        ("time", _time(found, machines)),
        ("disk", f"about {shown_bytes(disk.peak)}{free}"),
    ]
    if found.texts_leave:
        rows.append(("leaves", "every text is sent to the model's server, as it stands"))
    return rows


def _time(found: Plan, machines: int) -> str:
    from hybridrag.flows.freshness import span

    if found.seconds is None:
        return "not measured"
    rate = f" at {found.speed.tokens_per_second:,.0f} tokens/s, measured here" if found.speed else ""
    shared = f", shared by {machines} machines like this one" if machines > 1 else ""
    return f"about {span(found.seconds / machines)}{rate}{shared}"
