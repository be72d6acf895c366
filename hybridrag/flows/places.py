"""From a citation to the file on this machine and the line where its quote begins, or to the page on the web."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.types import Citation

if TYPE_CHECKING:
    from uuid import UUID

    from hybridrag.store.origins import Origin

_LARGEST = 8 * 1024 * 1024
"""Bytes of a file that is looked through for a line."""
_WORDS = 12
"""So many words of a quote are looked for: enough to tell one place from another."""
_OCCURRENCES = 1_000


@dataclass(frozen=True, slots=True)
class Place:
    """The file of a citation: its absolute path, and the line (from 1) where the quote begins, None where unknown.

    For a page of the web `url` is its address, and there is no path.
    """

    path: str | None
    line: int | None
    url: str | None = None


def places(citations: Iterable[Citation], origins: Mapping[UUID, Origin]) -> dict[int, Place]:
    """The files and pages of citations by marker; files that are not on this machine are left out."""
    found = {}
    for citation in citations:
        origin = origins.get(citation.chunk.document.id)
        path = local_file(origin) if origin else None
        if origin and path is not None:
            found[citation.marker] = Place(path, _line(citation, origin, path))
        elif origin and (url := web_page(origin)) is not None:
            found[citation.marker] = Place(None, None, url)
    return found


def web_page(origin: Origin) -> str | None:
    """The address of a document that is a page of the web."""
    if origin.source.kind != "web":
        return None
    from hybridrag.sources.web_url import page_at

    url = page_at(origin.source.root, origin.path)
    return None if url is None else str(url)


def local_file(origin: Origin) -> str | None:
    """The absolute path of a document's file, or of the archive that holds it, if it lies in its source's folder on
    this machine.

    A link is followed as at ingest: not out of the folder.
    """
    if origin.source.kind != "folder":
        return None
    root = os.path.realpath(origin.source.root)
    named = f"{root.rstrip('/')}/{origin.container or origin.path}"
    try:
        target = os.path.realpath(named)
        inside = target.startswith(root.rstrip("/") + "/")
        return named if inside and Path(target).is_file() else None
    except (OSError, ValueError):  # not there, or no name that a file can have
        return None


def _line(citation: Citation, origin: Origin, path: str) -> int | None:
    """The line of a text file where the quote begins; None where it does not stand there as it was indexed."""
    from hybridrag.parsing.markup.frontmatter import split_front_matter
    from hybridrag.parsing.parsed import UnreadableError
    from hybridrag.parsing.text import decode
    from hybridrag.sources.reading import ReadError, read_file

    words = citation.quotes[0].text.split()[:_WORDS]
    if not words or origin.container is not None or not _is_text(origin.media_type):
        return None
    try:
        text, _ = decode(read_file(os.path.realpath(path), limit=_LARGEST).content)
    except (ReadError, UnreadableError):
        return None
    # Offsets count from after the front matter.
    left_out = len(text) - len(split_front_matter(text)[1]) if origin.media_type == "text/markdown" else 0
    expected = left_out + citation.start
    occurrences = re.finditer(r"\s+".join(map(re.escape, words)), text)
    starts = (match.start() for match in islice(occurrences, _OCCURRENCES))
    start = min(starts, key=lambda start: abs(start - expected), default=None)
    return None if start is None else text.count("\n", 0, start) + 1


def _is_text(media_type: str) -> bool:
    from hybridrag.parsing.formats import is_plain

    return is_plain(media_type) or media_type.startswith("text/")
