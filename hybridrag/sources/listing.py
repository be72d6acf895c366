"""What a source offers: its entries, what was left out and why, and where it could not look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hybridrag.types import RawDocument, Skipped


@dataclass(frozen=True, slots=True)
class Entry:
    """One document that a source offers, not yet read.

    `path` is its place inside the source: forward slashes, letter for letter as it is named. `size` is in bytes, as far
    as known beforehand. `named` says that the user gave it by name, so that leaving it out is a failure. `offset` is
    where it begins in the file that holds it (JSONL).
    """

    path: str
    size: int | None
    named: bool = False
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """All of a source at one moment. `entries` are in a stable order, and no two have the same path.

    A stored document whose path is not among the entries is gone from its source, unless `protects(path)` says that
    this listing cannot know.

    `unlisted` holds the files and folders that could not be looked at (`""` is the whole source). `missing` holds paths
    that the user named one by one and that are not there; each is a problem as well, but what was stored under it is
    gone.
    """

    entries: tuple[Entry, ...]
    problems: tuple[Skipped, ...] = ()
    unlisted: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()

    def protects(self, path: str) -> bool:
        """Whether `path` lies where this listing could not look, so that its absence means nothing."""
        parts = path.split("/")
        return any("/".join(parts[:depth]) in self.unlisted for depth in range(len(parts) + 1))


EVERYTHING = frozenset({""})
"""The `unlisted` of a listing that could not look anywhere."""


class Reader(Protocol):
    """An opened source."""

    def list(self) -> Listing:
        """What the source holds now."""

    def read(self, entry: Entry) -> RawDocument | Skipped:
        """The document's bytes with their hash, from one and the same read, or why there are none.

        `Skipped.failed` is False where nothing is wrong: the file is empty, or of a kind that holds no text.
        """
