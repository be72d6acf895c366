"""Passages and hits without a store."""

from __future__ import annotations

import uuid
from dataclasses import replace

from hybridrag.types import Arm, DocumentRef, Hit, Label, Passage, StoredChunk


def chunk(
    text: str,
    *,
    path: str = "travel.md",
    title: str = "Travel",
    headings: tuple[str, ...] = (),
    page: int | None = None,
    label: Label = Label.INTERNAL,
) -> StoredChunk:
    document = DocumentRef(
        id=uuid.uuid5(uuid.NAMESPACE_URL, path),
        source="handbook",
        path=path,
        title=title,
        media_type="text/markdown",
        label=label,
        external_id=None,
        metadata={},
    )
    return StoredChunk(
        id=uuid.uuid5(document.id, text),
        document=document,
        ordinal=0,
        start=0,
        end=len(text),
        text=text,
        headings=headings,
        page=page,
        tokens=len(text.split()),
    )


def hits(*chunks: StoredChunk) -> tuple[Hit, ...]:
    return tuple(
        Hit(rank=rank, score=1 / rank, chunk=found, arms={"dense": Arm(rank, 0.5)})
        for rank, found in enumerate(chunks, start=1)
    )


def passages(*texts: str) -> list[Passage]:
    return [Passage(marker=number, chunk=chunk(text), text=text) for number, text in enumerate(texts, start=1)]


def passage_over(*parts: StoredChunk, between: str = "\n\n", best: int = 0, marker: int = 1) -> Passage:
    """A passage that spans some chunks of one document, with `between` between them."""
    at, placed = 100, []
    for part in parts:
        placed.append(replace(part, start=at, end=at + len(part.text)))
        at += len(part.text) + len(between)
    text = between.join(part.text for part in parts)
    whole = replace(placed[best], start=100, end=100 + len(text), text=text, parts=tuple(placed))
    return Passage(marker, whole, text)
