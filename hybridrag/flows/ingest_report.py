"""What an ingest or a sync did, and whether it counts as failed."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from hybridrag.errors import DocumentsFailed, RefusedForSafety
from hybridrag.flows.boilerplate import Boilerplate
from hybridrag.types import Skipped


@dataclass(frozen=True, slots=True)
class Refused:
    """A source of which nothing was removed, for safety, and what the user can do."""

    source: str
    reason: str
    hint: str


@dataclass(slots=True)
class IngestReport:
    """What a run did: documents and chunks by what became of them, and the seconds each stage was at work.

    `moved` counts documents that were added with the content of one that was removed; they are among both. `refused`
    and `unread` are sources that a sync left as they were: for safety, or because they could not be looked at. `notes`
    are of documents that were read this time, by their uri: which part of one could not be read, say.
    `would_remove` are the documents that a dry run found gone.
    """

    collection: str
    run_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    moved: int = 0
    skipped: int = 0
    failed: int = 0
    chunks_added: int = 0
    chunks_removed: int = 0
    chunks_embedded: int = 0
    chunks_reused: int = 0
    tokens_embedded: int = 0
    bytes_read: int = 0
    seconds: float = 0.0
    stages: Mapping[str, float] = field(default_factory=dict)
    problems: list[Skipped] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    unread: list[Skipped] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    dry_run: bool = False
    would_remove: list[str] = field(default_factory=list)
    boilerplate: Boilerplate = field(default_factory=Boilerplate)

    def problem(self, skipped: Skipped) -> None:
        self.problems.append(skipped)
        if skipped.failed:
            self.failed += 1
        else:
            self.skipped += 1

    def counts(self) -> dict[str, int]:
        """What the history of runs keeps."""
        return {
            "added": self.added,
            "updated": self.updated,
            "unchanged": self.unchanged,
            "removed": self.removed,
            "moved": self.moved,
            "skipped": self.skipped,
            "failed": self.failed,
            "refused": len(self.refused),
            "chunks_added": self.chunks_added,
            "chunks_removed": self.chunks_removed,
            "chunks_embedded": self.chunks_embedded,
            "tokens_embedded": self.tokens_embedded,
        }

    def check(self, *, strict: bool) -> None:
        """Raises RefusedForSafety where a source was refused, DocumentsFailed where the run must count as failed."""
        if self.refused:
            more = f"; {len(self.refused) - 1} more sources were refused" if len(self.refused) > 1 else ""
            raise RefusedForSafety(f"{self.refused[0].reason}{more}", hint=self.refused[0].hint)
        if self.unread:
            first = self.unread[0]
            raise DocumentsFailed(f"source {first.uri} could not be read: {first.reason}", hint=first.hint)
        indexed = self.added + self.updated + self.unchanged
        if self.failed and (strict or not indexed):
            first = next(p for p in self.problems if p.failed)
            what = "no document could be read" if not indexed else f"{self.failed} documents could not be read"
            raise DocumentsFailed(f"{what}; the first: {first.uri}: {first.reason}", hint=first.hint)
