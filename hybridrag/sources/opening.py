"""From a `Source` to its `Reader`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO

from hybridrag.errors import UsageError
from hybridrag.sources.folder import FolderReader
from hybridrag.sources.jsonl import JsonlReader
from hybridrag.sources.listing import Reader
from hybridrag.sources.stdin import StdinReader
from hybridrag.types import Source

if TYPE_CHECKING:
    from hybridrag.sources.web_fetch import Access

DEFAULT_LIMIT = 100 * 1024 * 1024
"""The largest file, JSONL line or standard input that is read, in bytes."""


def open_source(
    source: Source,
    *,
    stdin: BinaryIO | None = None,
    stdin_name: str | None = None,
    limit: int = DEFAULT_LIMIT,
    access: Access | None = None,
    seen: Mapping[str, str] | None = None,
) -> Reader:
    """The reader for `source`.

    `stdin` is the stream that a source of kind `stdin` reads, `stdin_name` its path inside the source (by default a
    name made from its content). `access` is how web pages are fetched, by default from public addresses only; `seen`
    are stamps of documents that are not needed as long as they have them, which spares a server a page. Raises
    UsageError for an include or exclude pattern that cannot be read.
    """
    if source.kind == "folder":
        return FolderReader(source, limit=limit)
    if source.kind == "jsonl":
        return JsonlReader(source, limit=limit)
    if source.kind == "web":
        from hybridrag.sources.web import WebReader  # brings HTTP and TLS, which other sources do without
        from hybridrag.sources.web_fetch import Access

        return WebReader(source, limit=limit, access=access or Access(), seen=seen or {})
    if stdin is None:
        raise UsageError(
            f"source {source.name!r} was read from standard input, which is not there now",
            hint="Give it again with `hybridrag ingest -`.",
        )
    return StdinReader(source, stdin, name=stdin_name, limit=limit)
