"""Documents into their table, with what was found in them, in the transaction of whoever brings them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hybridrag.store.chunks import storable
from hybridrag.store.queries import statement
from hybridrag.store.reading import inspection_row
from hybridrag.types import Chunked, Document

if TYPE_CHECKING:
    from hybridrag.store.connection import Connection


def write_documents(
    tx: Connection,
    collection: int,
    source: int,
    batch: Sequence[Chunked],
    *,
    stamps: Mapping[str, str],
    containers: Mapping[str, str],
) -> None:
    """Stores documents that are not there. `stamps` and `containers` are those of their files, by path."""
    documents, detections = [], []
    for item in batch:
        path = item.document.path
        known = {"stamp": stamps.get(path), "container": containers.get(path)}
        documents.append({**_row(collection, source, item.document), **known})
        if item.inspection is not None:
            ids = {"collection": collection, "document": item.document.id}
            detections.append({**ids, **inspection_row(item.inspection)})
    with tx.cursor() as cursor:
        cursor.executemany(statement("insert_document"), documents)
        cursor.executemany(statement("insert_detection"), detections)


def _row(collection: int, source: int, document: Document) -> dict[str, Any]:
    return {
        "collection": collection,
        "id": document.id,
        "source": source,
        "path": document.path,
        "external_id": document.external_id,
        "title": storable(document.title),
        "media_type": document.media_type,
        "label": document.label.value,
        "metadata": _json(document.metadata),
        "content_hash": document.content_hash,
        "modified": document.modified,
        "dated": document.date,
        "language": document.language,
        "text": document.text,
        "pages": json.dumps([[page.number, page.start, page.end] for page in document.pages]),
        "headings": _json([[heading.start, heading.level, heading.title] for heading in document.headings]),
        "blocks": json.dumps([[block.kind, block.start, block.end, block.head] for block in document.blocks]),
        "processing": document.parser,
    }


def _json(value: Any) -> str:
    """JSON that PostgreSQL takes; NaN and infinities, which JSON does not have, become null."""
    return json.dumps(_clean(value), ensure_ascii=False, allow_nan=False, default=str)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {storable(str(key)): _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value
