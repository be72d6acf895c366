"""Which label a document carries: the strictest of its source's, the globs that match its path, and its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from hybridrag.globs import matches
from hybridrag.types import Document, Label, Source

if TYPE_CHECKING:
    from hybridrag.flows.changes import Plan

Globs = Sequence[tuple[str, Label]]


def label_of(source: Source, document: Document, globs: Globs) -> tuple[Label, str]:
    """The label, and a note where the document's own front matter names one that does not exist."""
    own, note = declared_label(document.metadata.get("label"), record=document.external_id is not None)
    return Label.strictest(path_label(source, document.path, globs), own), note


def relabelled(plan: Plan, globs: Globs) -> dict[str, Label]:
    """The labels, by path, of documents that a run did not write and that are to carry another one than they do.

    A label given by place takes effect on unchanged documents too; what a document says of itself is kept. One that
    could not be read, or was not looked at, is only ever guarded more.
    """
    source, strictest = plan.source, cache(Label.strictest)
    by_path = bool(source.label_globs or globs)
    changed = {}
    for path, known in plan.known.items():
        if path in plan.written:
            continue
        own, _ = declared_label(known.declared_label, record=known.record)
        wanted = strictest(path_label(source, path, globs) if by_path else source.label, own)
        if path not in plan.unchanged:
            wanted = strictest(wanted, known.label)
        if wanted is not known.label:
            changed[path] = wanted
    return changed


def path_label(source: Source, path: str, globs: Globs) -> Label:
    """The label that a place gives, whatever the document says."""
    found = [source.label]
    for glob, label in (*source.label_globs, *globs):
        if matches(glob, path) or matches(glob, source.uri(path)):
            found.append(label)
    return Label.strictest(*found)


def declared_label(declared: object, *, record: bool) -> tuple[Label, str]:
    """The label a document gives itself (`public` where it gives none), and a note where it cannot be read.

    In front matter, a word that is no label is treated as the strictest. In a dataset's `record`, a key named "label"
    is more often a class than a label, so there only real labels count.
    """
    if declared is None:
        return Label.PUBLIC, ""
    try:
        return Label.parse(str(declared)), ""
    except ValueError:
        if record:
            return Label.PUBLIC, ""
        return Label.LOCAL_ONLY, "its front matter names an unknown label, so it is kept local-only"
