"""Reinspect: documents are searched anew for what may not leave, after the detectors or the policy have changed.

Nothing waits for it: of a document that other detectors searched, or none, nothing leaves before it was searched again.
Done ahead, no question has to wait for that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridrag.store.detections import count_unsearched, unsearched
from hybridrag.types import Collection, Label

if TYPE_CHECKING:
    from hybridrag.flows.progress import Progress
    from hybridrag.privacy.inspection import Inspector
    from hybridrag.store import PostgresStore

_TOGETHER = 32
"""Documents read at once."""


def reinspect(store: PostgresStore, collection: Collection, inspector: Inspector, progress: Progress) -> int:
    """How many documents were searched. Raises BlockedByPolicy where a detector fails; what was searched stays so."""
    fingerprints = {label: inspector.fingerprint(label) for label in Label}
    url = store.open()
    progress.begin(count_unsearched(url, collection, fingerprints))
    done = 0
    found = unsearched(url, collection, fingerprints, most=_TOGETHER)
    while found:
        for document in found:
            inspection = inspector.inspect(document.text, document.label)
            store.keep_inspection(collection, document.id, inspection, stored=document.stored)
            progress.advance(1, 0)
        done += len(found)
        found = unsearched(url, collection, fingerprints, most=_TOGETHER, after=found[-1].id)
    return done
