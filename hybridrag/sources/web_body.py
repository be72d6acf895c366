"""The body of an HTTP answer, unpacked piece by piece: what it swells to is counted as it swells."""

from __future__ import annotations

import http.client
import zlib
from collections.abc import Iterator

from hybridrag.sources.reading import ReadError, too_large


def decoded(pieces: Iterator[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """The content in `pieces`, which `encoding` (a Content-Encoding header) packed once or not at all.

    Raises ReadError where it is more than `limit` bytes or packed in a way that was not asked for, and IncompleteRead
    where it ends too early.
    """
    if encoding in {"", "identity"}:
        return pieces
    if encoding in {"gzip", "x-gzip"}:
        return _gunzipped(pieces, limit)
    raise ReadError("the server packs it in a way that it was not asked for", hint="Save the page and ingest the file.")


def _gunzipped(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    size, packed = 0, zlib.decompressobj(_GZIP)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if packed.eof:
                    if not rest.startswith(_MAGIC):
                        return  # what follows the last member is padding
                    packed = zlib.decompressobj(_GZIP)
                content = packed.decompress(rest, limit + 1 - size)
                size += len(content)
                if size > limit:
                    raise too_large(size, limit)
                yield content
                rest = packed.unused_data
    except zlib.error:
        raise ReadError(
            "what the server packed cannot be unpacked", hint="Save the page and ingest the file."
        ) from None
    if not packed.eof:
        raise http.client.IncompleteRead(b"")


_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f"
"""One byte: the second of a further member may be in the next piece."""
