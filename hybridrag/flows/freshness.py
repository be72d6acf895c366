"""How old the index is that an answer rests on, and which of the files it cites are gone or have changed since."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.flows.places import local_file

if TYPE_CHECKING:
    from hybridrag.store.origins import Origin

_LARGEST = 16 * 1024 * 1024
"""Bytes of a file that are read to see whether what it says has changed, where its time has."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """When the sources of the cited documents were last brought up to date: the one that was so longest ago.

    `missing` and `changed` are documents whose files are gone or say something else now, `absent` sources that are not
    on this machine at all, which says nothing about their documents.
    """

    indexed_at: datetime | None = None
    age_seconds: float | None = None
    missing: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    @property
    def warnings(self) -> list[str]:
        """What a reader of the answer should know."""
        return [
            *(f"{uri} is no longer there; hybridrag sync brings the index up to date" for uri in self.missing),
            *(
                f"{uri} has changed since it was indexed; hybridrag sync brings the index up to date"
                for uri in self.changed
            ),
            *(
                f"source {name} is not on this machine: whether its documents have changed is unknown"
                for name in self.absent
            ),
        ]

    @property
    def age(self) -> str:
        """`index of 2026-11-20, 18 h old`; empty where nothing is known."""
        if self.indexed_at is None or self.age_seconds is None:
            return ""
        return f"index of {self.indexed_at.astimezone():%Y-%m-%d}, {span(self.age_seconds)} old"


def freshness(origins: Iterable[Origin]) -> Freshness:
    """What is known of the documents that came from there. Looks at each file once, reads it where its time differs."""
    missing, changed, absent = [], [], {}
    oldest: tuple[float, datetime] | None = None
    for origin in origins:
        if origin.ingested_at is not None and origin.age_seconds is not None:
            known = (origin.age_seconds, origin.ingested_at)
            oldest = max(oldest or known, known)
        if origin.source.kind in {"stdin", "web"}:
            continue  # what it says now, nothing on this machine tells
        if not os.path.exists(origin.source.root):  # noqa: PTH110 - false, too, for what may not be looked at
            absent[origin.source.name] = True
        elif origin.source.kind == "jsonl":
            if _newer(origin, origin.source.root):
                changed.append(origin.source.name)
        elif (path := local_file(origin)) is None:
            missing.append(origin.uri)
        elif _newer(origin, path) if origin.container is not None else _differs(origin, path):
            changed.append(origin.uri)
    age, indexed_at = oldest or (None, None)
    return Freshness(indexed_at, age, tuple(missing), tuple(dict.fromkeys(changed)), tuple(absent))


def _differs(origin: Origin, path: str) -> bool:
    """Whether a file says something else than when it was indexed. Another time alone does not mean that."""
    from hybridrag.sources.reading import ReadError, content_hash, read_file, timestamp

    try:
        if origin.modified is not None and timestamp(Path(path).stat().st_mtime) == origin.modified:
            return False
        return content_hash(read_file(os.path.realpath(path), limit=_LARGEST).content) != origin.content_hash
    except (OSError, ReadError):
        return True  # it could be read then


def _newer(origin: Origin, path: str) -> bool:
    """Whether a file of many documents was written after it was last read."""
    from hybridrag.sources.reading import timestamp

    try:
        written = timestamp(Path(path).stat().st_mtime)
    except OSError:
        return True  # it could be read then
    return written is not None and origin.ingested_at is not None and written > origin.ingested_at


def span(seconds: float) -> str:
    """A length of time for people, in seconds, minutes, hours or days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86_400:,.0f} days"
