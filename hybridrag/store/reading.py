"""Rows to nouns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hybridrag.types import (
    Block,
    Collection,
    Document,
    DocumentRef,
    Generation,
    Heading,
    Inspection,
    Label,
    Page,
    Source,
    Span,
    StoredChunk,
)


def collection_of(row: Mapping[str, Any]) -> Collection:
    return Collection(id=row["id"], name=row["name"], generation=generation_of(row))


def generation_of(row: Mapping[str, Any]) -> Generation:
    return Generation(
        id=row["generation_id"],
        model=row["model"],
        fingerprint=row["fingerprint"],
        dimensions=row["dimensions"],
        chunk_set=row["chunk_set_id"],
        text_search=row["text_search"],
        chunk_tokens=row["chunk_tokens"],
        state=row["state"],
        share=row["share"],
    )


def source_of(row: Mapping[str, Any]) -> Source:
    return Source(
        name=row["name"],
        kind=row["kind"],
        root=row["root"],
        only=tuple(row["only_paths"]),
        include=tuple(row["include"]),
        exclude=tuple(row["exclude"]),
        label=Label(row["label"]),
        label_globs=tuple((glob, Label(label)) for glob, label in row["label_globs"]),
    )


def document_of(row: Mapping[str, Any]) -> Document:
    """A document as it was stored, for chunking it anew."""
    return Document(
        source=row["source"],
        path=row["path"],
        text=row["text"],
        title=row["title"],
        media_type=row["media_type"],
        content_hash=bytes(row["content_hash"]),
        pages=tuple(Page(*page) for page in row["pages"]),
        headings=tuple(Heading(*heading) for heading in row["headings"]),
        blocks=tuple(Block(*block) for block in row["blocks"]),
        metadata=row["metadata"],
        label=Label(row["label"]),
        external_id=row["external_id"],
        language=row["language"],
    )


def document_ref(row: Mapping[str, Any], *, id_column: str = "id") -> DocumentRef:
    return DocumentRef(
        id=row[id_column],
        source=row["source"],
        path=row["path"],
        title=row["title"],
        media_type=row["media_type"],
        label=Label(row["label"]),
        external_id=row["external_id"],
        metadata=row["metadata"],
    )


def stored_chunk(row: Mapping[str, Any]) -> StoredChunk:
    return StoredChunk(
        id=row["id"],
        document=document_ref(row, id_column="document_id"),
        ordinal=row["ordinal"],
        start=row["start_offset"],
        end=row["end_offset"],
        text=row["text"],
        headings=tuple(row["headings"]),
        page=row["page"],
        tokens=row["tokens"],
        head=row["head"],
    )


def inspection_of(row: Mapping[str, Any]) -> Inspection:
    return Inspection(row["fingerprint"], tuple(Span(*span) for span in row["spans"]))


def inspection_row(inspection: Inspection) -> dict[str, Any]:
    spans = [[span.start, span.end, span.type, span.rule] for span in inspection.spans]
    return {"fingerprint": inspection.fingerprint, "spans": json.dumps(spans)}
