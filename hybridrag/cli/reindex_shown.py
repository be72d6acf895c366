"""Generations as people and programs see them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hybridrag.cli.console import local_time, printable, shown_bytes, stdout
from hybridrag.types import GenerationStatus


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
    """A table of generations; on a narrow terminal the model's name is folded."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("id", "state", "model", "dims", "chunks", "vectors", "size", "waiting", "since"):
        right = title in {"id", "dims", "chunks", "vectors", "size"}
        table.add_column(title, justify="right" if right else "left", overflow="fold")
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
    stdout().print(table)


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
