"""What a source offers: its entries, what was left out and why, and where it could not look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from hybridrag.sources.stamp import Stamp, Validator
from hybridrag.types import RawDocument, Skipped


@dataclass(frozen=True, slots=True)
class Entry:
    """One document that a source offers, not yet read.

    `path` is its place inside the source: forward slashes, letter for letter as it is named. `size` is in bytes, as far
    as known beforehand. `named` says that the user gave it by name, so that leaving it out is a failure. `offset` is
    where it begins in the file that holds it (JSONL). `media_type` is what its name promises, if anything. `stamp` is
    what its file looked like, where it has its own, or what a server said of it.
    """

    path: str
    size: int | None
    named: bool = False
    offset: int = 0
    media_type: str | None = None
    stamp: Stamp | Validator | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """All of a source at one moment. `entries` are in a stable order, and no two have the same path.

    A stored document whose path is not among the entries is gone from its source, unless `protects(path)` says that
    this listing cannot know.

    `unlisted` holds the files and folders that could not be looked at (`""` is the whole source). `missing` holds paths
    that the user named one by one and that are not there; each is a problem as well, but what was stored under it is
    gone. `absent` says that the source's folder or file itself is not there, which looks as if all of it were gone.
    `device` is the number of the device that it lies on, None where there is none.
    """

    entries: tuple[Entry, ...]
    problems: tuple[Skipped, ...] = ()
    unlisted: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()
    absent: bool = False
    device: int | None = None

    def protects(self, path: str) -> bool:
        """Whether `path` lies where this listing could not look, so that its absence means nothing."""
        parts = path.split("/")
        return any("/".join(parts[:depth]) in self.unlisted for depth in range(len(parts) + 1))


EVERYTHING = frozenset({""})
"""The `unlisted` of a listing that could not look anywhere."""


class Vanished(Skipped):
    """A document that was listed, and was no longer there when it was to be read. The next listing knows more."""


class Reader(Protocol):
    """An opened source."""

    def stamp(self) -> Stamp | None:
        """What the source's one file looks like now, where all its documents lie in one that is there; else None."""

    def list(self) -> Listing:
        """What the source holds now."""

    def read(self, entry: Entry) -> RawDocument | Skipped:
        """The document's bytes with their hash, from one and the same read, or why there are none.

        `Skipped.failed` is False where nothing is wrong: the file is empty, or of a kind that holds no text.
        """

    def wants(self, path: str) -> bool:
        """Whether a file inside one of the source's files is one of its documents, under that path."""
