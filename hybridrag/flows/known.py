"""What is known of passages from the whole documents they lie in: no chunk's border hides a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from hybridrag.errors import DatabaseError
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

    A document that other detectors searched, or none, is searched now. Raises BlockedByPolicy where that fails.
    """
    documents = {passage.chunk.document.id: passage.chunk.document for passage in passages}
    found = store.inspections(collection, list(documents))
    for document in documents.values():
        inspection = found.get(document.id)
        if inspection is None or inspection.fingerprint != inspector.fingerprint(document.label):
            found[document.id] = _inspected(document, store, collection, inspector)
    return {passage.marker: _within(passage, found[passage.chunk.document.id]) for passage in passages}


def _inspected(document: DocumentRef, store: PostgresStore, collection: Collection, inspector: Inspector) -> Inspection:
    text, stored = store.text_of(collection, document.id) or ("", None)
    inspection = inspector.inspect(text, document.label)
    if stored is not None:
        with suppress(DatabaseError):  # whoever may only read can ask too, and searches again next time
            store.keep_inspection(collection, document.id, inspection, stored=stored)
    return inspection


def _within(passage: Passage, inspection: Inspection) -> tuple[Span, ...]:
    first, length = passage.chunk.start, len(passage.text)
    return tuple(
        Span(max(0, span.start - first), min(length, span.end - first), span.type, span.rule)
        for span in inspection.spans
        if span.start < first + length and span.end > first
    )
