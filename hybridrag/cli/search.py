"""`hybridrag search`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import one_line, printable, stdout
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from hybridrag.types import DocumentRef, Hit, SearchResult, StoredChunk

_MODES = ("hybrid", "dense", "lexical")
_SNIPPET = 400


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for; - reads it from stdin.")],
    k: Annotated[int, typer.Option("-k", metavar="N", help="Number of hits.", min=1, max=1000)] = 10,
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="hybrid, dense or lexical.")] = "hybrid",
    filter_: Annotated[
        str, typer.Option("--filter", metavar="EXPR", help="For example: path:docs/** type:pdf meta.author=Ada")
    ] = "",
    explain: Annotated[bool, typer.Option("--explain", help="Why each hit is there.")] = False,
) -> int:
    """Finds the passages nearest to a query.

    Examples: hybridrag search 'travel expenses'      hybridrag search --mode lexical 'ERR-4012' --filter 'type:md'
    """
    from hybridrag.cli.questions import question_of
    from hybridrag.retrieval import parse_filter
    from hybridrag.types import Query

    if mode not in _MODES:
        raise UsageError(f"--mode {mode} is none of {', '.join(_MODES)}", hint="for example: --mode hybrid")
    text = question_of(query)
    parsed = Query(text=text, k=k, mode=mode, filter=parse_filter(filter_))  # type: ignore[arg-type]
    session = Session.of(context)
    session.say_collection()
    result = session.wiring.search(parsed)
    if session.flags.json:
        session.json(result_json(result, explain=explain))
    else:
        _show(result, explain=explain)
    return 0


def result_json(result: SearchResult, *, explain: bool = False) -> dict[str, Any]:
    """The `hybridrag.search/1` object; `explain` adds how the score came about."""
    value: dict[str, Any] = {
        "schema": "hybridrag.search/1",
        "query": result.query.text,
        "collection": result.collection,
        "mode": result.query.mode,
        "generation": {
            "id": result.generation.id,
            "model": result.generation.model,
            "fingerprint": result.generation.fingerprint,
        },
        "hits": [_hit_json(hit) for hit in result.hits],
        "timings_ms": dict(result.timings_ms),
    }
    if explain:
        value["explain"] = {"fusion": "z-score", "weights": _weights(result)}
    return value


def document_json(document: DocumentRef) -> dict[str, Any]:
    """A document as every JSON shape shows it."""
    return {
        "id": str(document.id),
        "external_id": document.external_id,
        "uri": document.uri,
        "title": document.title,
        "label": document.label.value,
        "metadata": dict(document.metadata),
    }


def location_json(chunk: StoredChunk) -> dict[str, Any]:
    """Where a chunk stands in its document."""
    return {"start": chunk.start, "end": chunk.end, "page": chunk.page, "headings": list(chunk.headings)}


def place(chunk: StoredChunk) -> str:
    """Document, page and headings, for people."""
    page = f" p.{chunk.page}" if chunk.page is not None else ""
    path = f"  {' > '.join(chunk.headings)}" if chunk.headings else ""
    return one_line(f"{chunk.document.uri}{page}{path}")


def _hit_json(hit: Hit) -> dict[str, Any]:
    return {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "chunk_id": str(hit.chunk.id),
        "document": document_json(hit.chunk.document),
        "location": location_json(hit.chunk),
        "text": hit.chunk.text,
        "arms": {
            name: {"rank": arm.rank, "score": round(arm.score, 6)} if (arm := hit.arms.get(name)) else None
            for name in ("dense", "lexical", "rerank")
        },
    }


def _weights(result: SearchResult) -> dict[str, float]:
    from hybridrag.retrieval.fusion import DENSE_WEIGHT

    if result.query.mode != "hybrid":
        return {result.query.mode: 1.0}
    return {"dense": DENSE_WEIGHT, "lexical": round(1 - DENSE_WEIGHT, 3)}


def _show(result: SearchResult, *, explain: bool) -> None:
    from rich.text import Text

    console = stdout()
    if not result.hits:
        console.print("nothing found")
        return
    for hit in result.hits:
        head = Text(f"{hit.rank:>2}. ", style="bold")
        head.append(place(hit.chunk), style="cyan")
        head.append(f"  {hit.score:.3f}", style="dim")
        console.print(head)
        if explain:
            console.print(Text(f"    {_explained(hit, result)}", style="dim"))
        snippet = " ".join(printable(hit.chunk.text).split())
        width = max(20, min(console.width, 110) - 4)
        for line in textwrap.wrap(textwrap.shorten(snippet, _SNIPPET, placeholder=" ..."), width):
            console.print(Text(f"    {line}"))
    if explain:
        steps = ", ".join(f"{name} {value:.0f}" for name, value in result.timings_ms.items() if value)
        console.print(Text(f"milliseconds: {steps}", style="dim"))


def _explained(hit: Hit, result: SearchResult) -> str:
    parts = []
    for name, weight in _weights(result).items():
        arm = hit.arms.get(name)
        if arm is None:
            parts.append(f"{name}: no query term")
            continue
        measure = "cosine" if name == "dense" else "BM25"
        rank = f"rank {arm.rank}" if arm.rank is not None else "below its first 100"
        parts.append(f"{name} (weight {weight:g}): {measure} {arm.score:.3f}, {rank}")
    return "; ".join(parts)
