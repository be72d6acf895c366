"""Generations as people and programs see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hybridrag.cli.console import local_time, one_line, printable, shown_bytes, stdout
from hybridrag.types import GenerationStatus

if TYPE_CHECKING:
    from rich.console import Console

_WIDE = 110
"""Columns that the table needs; a narrower terminal gets two lines for each generation."""
_WIDEST = 240


def status_json(status: GenerationStatus) -> dict[str, Any]:
    """A generation as an object of `hybridrag.reindex/1`."""
    generation = status.generation
    return {
        "id": generation.id,
        "state": generation.state,
        "share": generation.share,
        "model": generation.model,
        "fingerprint": generation.fingerprint,
        "dimensions": generation.dimensions,
        "chunk_set": generation.chunk_set,
        "chunk_tokens": generation.chunk_tokens,
        "text_search": generation.text_search,
        "created_at": status.created_at.isoformat(),
        "promoted_at": _iso(status.promoted_at),
        "retired_at": _iso(status.retired_at),
        "documents": status.documents,
        "chunks": status.chunks,
        "vectors": status.vectors,
        "bytes": status.bytes,
        "waiting": {"documents": status.waiting_documents, "texts": status.waiting_texts},
        "gate": None if status.gate is None else {"passed": status.gate.get("passed")},
    }


def show(found: Sequence[GenerationStatus]) -> None:
    """A table of generations; two lines each where the terminal is narrow."""
    console = stdout()
    if console.is_terminal and console.width < _WIDE:
        for status in found:
            _show_narrow(console, status)
        return
    from rich.table import Table

    if not console.is_terminal:  # a row is a line, however wide
        console.width = _WIDEST
    table = Table(box=None, pad_edge=False)
    for title in ("id", "state", "model", "dims", "chunks", "vectors", "size", "waiting", "since"):
        right = title in {"id", "dims", "chunks", "vectors", "size"}
        folded = title == "model"
        table.add_column(title, justify="right" if right else "left", overflow="fold", no_wrap=not folded)
    for status in found:
        generation = status.generation
        table.add_row(
            str(generation.id),
            _state(status),
            printable(generation.model),
            str(generation.dimensions),
            f"{status.chunks:,}",
            f"{status.vectors:,}",
            shown_bytes(status.bytes),
            waiting(status),
            local_time(_since(status)),
        )
    console.print(table)


def _show_narrow(console: Console, status: GenerationStatus) -> None:
    generation = status.generation
    console.print(
        one_line(f"{generation.id}  {_state(status)}  {generation.model}, {generation.dimensions} dimensions")
    )
    told = [f"{status.chunks:,} chunks", f"{status.vectors:,} vectors", shown_bytes(status.bytes)]
    told += [f"waiting: {waiting(status)}", f"since {local_time(_since(status))}"]
    console.print("; ".join(told), style="dim")


def waiting(status: GenerationStatus) -> str:
    """What a generation lacks, in words."""
    if status.complete:
        return "nothing"
    parts = ((status.waiting_documents, "documents"), (status.waiting_texts, "texts"))
    return ", ".join(f"{number:,} {what}" for number, what in parts if number)


def _state(status: GenerationStatus) -> str:
    generation = status.generation
    state = f"{generation.state}, answers {generation.share}%" if generation.share else generation.state
    if status.gate is not None and generation.state in {"building", "ready"}:
        state += ", gate passed" if status.gate.get("passed") else ", gate failed"
    return state


def _since(status: GenerationStatus) -> datetime:
    return status.retired_at or status.promoted_at or status.created_at


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
