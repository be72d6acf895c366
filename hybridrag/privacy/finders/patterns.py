"""Linear-time patterns over a byte view of the text.

The view has one byte per character, so that offsets in it are offsets in the text: ASCII stays, letters that look like
Latin ones become those, other letters become `\\xe9` (European scripts) or `\\xa5` (all others), the brackets of marks
become `\\xa6`, anything else `\\xa4`.
The barrier that stands for a pseudonym becomes a NUL byte, which no class below admits.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Any

import numpy as np

from hybridrag.privacy.plaintext.characters import BARRIER, LOOKALIKES, Table, codes
from hybridrag.types import Span

LETTER = rb"A-Za-z\xe9"
WORD = rb"A-Za-z0-9\xe9"
_DIGITS = frozenset(b"0123456789")
_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\xe9")


@lru_cache(maxsize=4)
def view(text: str) -> bytes:
    """`text` as bytes, `len(text)` of them."""
    if text.isascii() and "\0" not in text:
        return text.encode("ascii")
    return _BYTES.of(codes(text)).astype(np.uint8).tobytes()


@lru_cache(maxsize=1024)
def compiled(pattern: bytes) -> Any:
    """The pattern as an RE2 automaton over the view. Raises re2.error, which blocks the request."""
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.max_mem = 64 << 20
    options.log_errors = False
    return re2.compile(pattern, options)


def group_span(match: Any, group: int, kind: str, rule: str) -> Span:
    """Where that group of the match stands, as an entity of the type `kind`."""
    start, end = match.span(group)
    return Span(start, end, kind, rule)


def stands_free(data: bytes, start: int, end: int) -> bool:
    """Whether `data[start:end]` is no part of a longer word or number."""
    return (start == 0 or data[start - 1] not in _WORD) and (end == len(data) or data[end] not in _WORD)


def ends_free(data: bytes, end: int) -> bool:
    return end == len(data) or data[end] not in _WORD


def is_digit(data: bytes, position: int) -> bool:
    return 0 <= position < len(data) and data[position] in _DIGITS


def _byte(code: int) -> int:
    char = chr(code)
    if code < 0x80:
        return code or 0xA4
    if char in _MARKS:
        return _MARKS[char]
    if char in LOOKALIKES:
        return ord(LOOKALIKES[char])
    category = unicodedata.category(char)
    if category == "Nd":
        return 0x30 + unicodedata.digit(char)
    if category[0] in "LM":
        # Scripts without blanks between words would otherwise glue whole sentences to a match.
        return 0xE9 if code < 0x590 or 0x1E00 <= code < 0x2000 else 0xA5
    return 0x20 if char.isspace() else 0xA4


_MARKS = {BARRIER: 0, "⟦": 0xA6, "⟧": 0xA6}
_BYTES = Table(_byte)
