"""`hybridrag search`."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from hybridrag.cli.console import one_line, printable, stdout
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError
from hybridrag.types import ROWS, lines_of_head

if TYPE_CHECKING:
    from hybridrag.types import DocumentRef, Fusion, Hit, Mode, SearchResult, StoredChunk, Unit

_MODES = ("hybrid", "dense", "lexical")
_UNITS = ("chunk", "passage", "document")
_FUSIONS = ("score", "rrf")
_SNIPPET = 400
_OTHERS = 3


def search(
    context: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUERY", help="What to look for; - reads it from stdin.")],
    k: Annotated[int, typer.Option("-k", metavar="N", help="Number of hits.", min=1, max=1000)] = 10,
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="hybrid, dense or lexical.")] = "hybrid",
    filter_: Annotated[
        str, typer.Option("--filter", metavar="EXPR", help="For example: path:docs/** type:pdf date>=2025")
    ] = "",
    by: Annotated[
        str, typer.Option("--by", metavar="UNIT", help="chunk, passage (neighbours joined) or document.")
    ] = "chunk",
    rerank: Annotated[
        bool | None,
        typer.Option("--rerank/--no-rerank", help="Order the best anew with a cross-encoder; off unless set."),
    ] = None,
    diverse: Annotated[
        bool, typer.Option("--diverse", help="Prefer hits that differ from those before (MMR).")
    ] = False,
    fusion: Annotated[
        str, typer.Option("--fusion", metavar="WAY", help="score, or rrf (reciprocal ranks, to compare).")
    ] = "score",
    generation: Annotated[
        int | None,
        typer.Option("--generation", metavar="ID", help="Ask this generation, whichever serves (`reindex status`)."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Why each hit is there.")] = False,
) -> int:
    """Finds the passages nearest to a query.

    Examples: hybridrag search 'travel expenses'      hybridrag search --mode lexical 'ERR-4012' --filter 'type:md'
    hybridrag search --by document 'who approves travel' --filter 'path:handbook/** not label:public'
    """
    from hybridrag.cli.questions import question_of
    from hybridrag.retrieval import parse_filter
    from hybridrag.types import Query

    for flag, value, allowed in (("--mode", mode, _MODES), ("--by", by, _UNITS), ("--fusion", fusion, _FUSIONS)):
        if value not in allowed:
            raise UsageError(
                f"{flag} {value} is none of {', '.join(allowed)}", hint=f"for example: {flag} {allowed[0]}"
            )
    session = Session.of(context)
    parsed = Query(
        text=question_of(query),
        k=k,
        mode=cast("Mode", mode),
        filter=parse_filter(filter_),
        fusion=cast("Fusion", fusion),
        rerank=session.wiring.settings.rerank if rerank is None else rerank,
        diverse=diverse,
        unit=cast("Unit", by),
        generation=generation,
    )
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
        value["explain"] = {
            "fusion": result.query.fusion,
            "weights": {name: round(weight, 4) for name, weight in result.weights.items()},
            "reranker": result.reranker,
        }
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
    """Where a chunk stands in its document, and what its rows are to be read with."""
    return {
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "pages": list(chunk.pages),
        "headings": list(chunk.headings),
        "table": chunk.opening or None,
    }


def place(chunk: StoredChunk) -> str:
    """Document, page and headings, for people."""
    page = f" p.{'-'.join(map(str, dict.fromkeys((chunk.pages[0], chunk.pages[-1]))))}" if chunk.pages else ""
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
        "also": [
            {"chunk_id": str(chunk.id), "uri": chunk.document.uri, "location": location_json(chunk)}
            for chunk in hit.also
        ],
    }


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
        if hit.also:
            console.print(Text(f"    {_others(hit)}", style="dim"))
        width = max(20, min(console.width, 110) - 4)
        if names := _column_names(hit.chunk):
            for line in textwrap.wrap(names, width):
                console.print(Text(f"    {line}", style="dim"))
        for line in _snippet(hit.chunk, width):
            console.print(Text(f"    {line}"))
    if explain:
        steps = ", ".join(f"{name} {value:.0f}" for name, value in result.timings_ms.items() if value)
        console.print(Text(f"milliseconds: {steps}", style="dim"))


def _column_names(chunk: StoredChunk) -> str:
    """The head of the table whose rows a chunk begins with."""
    return " ".join(" ".join(lines_of_head(printable(chunk.opening))).split())


def _snippet(chunk: StoredChunk, width: int) -> list[str]:
    """The beginning of a chunk in lines of `width`: running text joined, each row of a table on a line of its own."""
    table = chunk.document.media_type in ROWS
    lines: list[str] = []
    room, in_text = _SNIPPET, False
    for written in printable(chunk.text).splitlines():
        line = " ".join(written.split())
        row = table or line.startswith("|")
        if not line or (row and not any(map(str.isalnum, line))):
            continue
        fits = len(line) <= room
        line = line if fits else "..." if row else textwrap.shorten(line, max(room, 3), placeholder=" ...").lstrip()
        if in_text and not row:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
        if not fits:
            break
        room -= len(line) + 1
        in_text = not row
    return [piece for line in lines for piece in textwrap.wrap(line, width)]


def _explained(hit: Hit, result: SearchResult) -> str:
    parts = []
    if reranked := hit.arms.get("rerank"):
        parts.append(f"{result.reranker} {reranked.score:.3f}, rank {reranked.rank}")
    for name, weight in result.weights.items():
        arm = hit.arms.get(name)
        if arm is None:
            parts.append(f"{name}: no query term")
            continue
        measure = "cosine" if name == "dense" else "BM25"
        rank = f"rank {arm.rank}" if arm.rank is not None else "not among its first"
        parts.append(f"{name} (weight {weight:.2f}): {measure} {arm.score:.3f}, {rank}")
    return "; ".join(parts)


def _others(hit: Hit) -> str:
    """Where else the same is said, or stands in the same document."""
    places = [place(chunk) for chunk in hit.also[:_OTHERS]]
    more = f" and {len(hit.also) - _OTHERS} more" if len(hit.also) > _OTHERS else ""
    return f"also: {'; '.join(places)}{more}"
