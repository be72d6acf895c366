"""What is known of passages from the whole documents they lie in: no chunk's border hides a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from hybridrag.errors import BlockedByPolicy, DatabaseError
from hybridrag.privacy.inspection import Inspector
from hybridrag.types import Collection, DocumentRef, Inspection, Passage, Span

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore

Known = Callable[[Sequence[Passage]], Mapping[int, tuple[Span, ...]]]
"""Passages to the values in their texts, by marker."""


def known_values(
    passages: Sequence[Passage], *, store: PostgresStore, collection: Collection, inspector: Inspector
) -> dict[int, tuple[Span, ...]]:
    """The values of each passage, by marker, with offsets in its text.

    A document that other detectors searched, or none, is searched now. Raises BlockedByPolicy where that fails, and
    where a document was replaced since the passage was found: nobody knows then what its text holds.
    """
    rows = store.inspections(collection, [(p.chunk.document.id, p.chunk.start, p.text) for p in passages])
    found: dict[UUID, Inspection] = {}
    for passage, (stands, inspection) in zip(passages, rows, strict=True):
        document = passage.chunk.document
        if not stands:
            raise _changed(document)
        if inspection is not None and inspection.fingerprint == inspector.fingerprint(document.label):
            found[document.id] = inspection
        elif document.id not in found:
            found[document.id] = _inspected(passage, store, collection, inspector)
    return {passage.marker: _within(passage, found[passage.chunk.document.id]) for passage in passages}


def _inspected(passage: Passage, store: PostgresStore, collection: Collection, inspector: Inspector) -> Inspection:
    document, start = passage.chunk.document, passage.chunk.start
    text, stored = store.text_of(collection, document.id) or ("", None)
    if stored is None or text[start : start + len(passage.text)] != passage.text:
        raise _changed(document)
    inspection = inspector.inspect(text, document.label)
    with suppress(DatabaseError):  # whoever may only read can ask too, and searches again next time
        store.keep_inspection(collection, document.id, inspection, stored=stored)
    return inspection


def _changed(document: DocumentRef) -> BlockedByPolicy:
    return BlockedByPolicy(
        f"{document.uri} was changed while the question was on its way; nothing was sent.", hint="Ask again."
    )


def _within(passage: Passage, inspection: Inspection) -> tuple[Span, ...]:
    first, length = passage.chunk.start, len(passage.text)
    return tuple(
        Span(max(0, span.start - first), min(length, span.end - first), span.type, span.rule)
        for span in inspection.spans
        if span.start < first + length and span.end > first
    )
