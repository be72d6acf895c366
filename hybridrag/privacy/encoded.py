"""Values hidden by base64 or hexadecimal: decoded once, within bounds, and looked at by the same detectors."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from hybridrag.privacy.patterns import compiled, view

_CANDIDATE = rb"[A-Za-z0-9+/_-]{12,}={0,2}"
_MOST_CHARACTERS = 65_536
_HEX = frozenset(b"0123456789abcdefABCDEF")


def decoded_blobs(text: str) -> Iterator[tuple[int, int, str]]:
    """Spans of `text` that are printable text in base64 or hexadecimal, each with that text.

    One level deep, and at most 65,536 characters of each blob: the bound keeps the work linear.
    """
    for match in compiled(_CANDIDATE).finditer(view(text)):
        start, end = match.span()
        blob = match.group()[:_MOST_CHARACTERS]
        for plain in _decodings(blob):
            yield start, end, plain


def _decodings(blob: bytes) -> Iterator[str]:
    if _HEX.issuperset(blob) and len(blob) % 2 == 0:
        plain = _printable(binascii.unhexlify(blob))
        if plain is not None:
            yield plain
    body = blob.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    body = body[: len(body) - (len(body) % 4 == 1)]
    # The first bytes tell almost all words from encoded text, at a fraction of the cost.
    head = base64.b64decode(body[:8])
    if all(32 <= byte < 127 or byte in b"\t\r\n" or byte >= 0xC2 for byte in head[:3]):
        plain = _printable(base64.b64decode(body + b"=" * (-len(body) % 4)))
        if plain is not None:
            yield plain


def _printable(content: bytes) -> str | None:
    try:
        plain = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return plain if all(char.isprintable() or char in "\t\r\n" for char in plain) else None
