"""Values hidden by base64 (RFC 4648), hexadecimal, or compression inside base64: decoded and looked at again.

Encoded text gives itself away: in base64 of ASCII every third sign is one of 26 and every second one of 32, and in
hexadecimal every pair begins with 2 to 7. So hardly any word or digest is ever decoded in vain.
"""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled, view

_ANY = rb"[A-Za-z0-9+/_-]"
_1, _2, _3 = rb"[A-Za-f]", rb"[A-HQ-Xg-nw-z0-3]", rb"[ABEFIJMNQRUVYZcdghklopstwx014589]"
_LEAD, _FOLLOW = rb"[wx]", rb"[I-LY-Zabo-r4-7]"  # a letter of two bytes in UTF-8: U+0080 to U+01FF
_QUADS = (
    _1 + _2 + _3 + _ANY,
    _LEAD + _FOLLOW + _3 + _ANY,
    _1 + rb"[Mcs8]" + rb"[KOSW]" + _ANY,
    _1 + _2 + rb"[DHLPTXbfjnrvz37]" + rb"[CDEF]" + rb"[g-v]" + _2 + _3 + _ANY,
)
_UTF_16 = rb"(?:" + _1 + rb"[AQgw]B" + _ANY + rb"A" + _ANY + rb"[A-Za-z0-9+/_-]A){2}"
_COMPRESSED = rb"H4sI" + _ANY + rb"{12}|e[AFJN][a-zA-Z0-9+/_-]{14}"
_BASE64 = (
    rb"(?:^|[^A-Za-z0-9])((?:(?:" + rb"|".join(_QUADS) + rb"){2}|" + _UTF_16 + rb"|" + _COMPRESSED + rb")"
    + _ANY + rb"{2,}={0,2})"
)  # fmt: skip
_BYTE = rb"(?:[2-7][0-9A-Fa-f]|0[9AaDd]|[Cc][2-5][89ABab][0-9A-Fa-f])"
_EACH = rb"(?:[2-7ABab89][0-9A-Fa-f]|0[9AaDd]|[Cc][2-5])"
_HEX = (
    rb"(?:^|[^A-Za-z0-9])((?:0x)?" + _BYTE + rb"{6,}"
    rb"|" + _EACH + rb"(?:[ :-]" + _EACH + rb"){6,}|(?:0x|\\x)" + _EACH + rb"(?:,? ?(?:0x|\\x)" + _EACH + rb"){6,})"
    rb"(?:$|[^A-Za-z0-9])"
)  # fmt: skip
_NEXT_LINE = re.compile(rb"(?:\r?\n|\\n)[ \t>]{0,8}([A-Za-z0-9+/_-]+={0,2})(?=[\s\"'<\\.,;:)]|$)")
_SHORTEST_LINE = 12
_DEPTH = 3
_LONGEST_LABEL = 32
_SHORT = 160
_LABEL = re.compile(r"[^\W\d_][^\n\d.!?;]*\Z")
_HEX_SIGN = re.compile(rb"0x|\\x|[ :,-]")


def decoded_blobs(text: str) -> Iterator[tuple[int, int, str]]:
    """Spans of `text` that are printable text in base64 or hexadecimal, each with that text.

    Three levels deep: what is encoded twice is given as the words it comes to, too. A short one is given again behind
    the words before it on its line, which may name it. Work is linear in the length of
    `text`: compressed content is unpacked up to 16 times the length of the text, and 1 MiB.
    """
    budget = [16 * len(text) + (1 << 20)]
    for start, end, plain in _blobs(view(text), _DEPTH, budget):
        yield start, end, plain
        # "Tax id: ODYwOTU3": the word that names the value stands outside.
        label = _LABEL.search(text, max(0, start - _LONGEST_LABEL), start) if _may_need_label(plain) else None
        if label is not None:
            yield start, end, label.group() + plain


def _may_need_label(plain: str) -> bool:
    """Whether it is a short value with a digit in it; words tell by themselves what they are."""
    return len(plain) <= _SHORT and any(map(str.isdigit, plain))


def _blobs(data: bytes, depth: int, budget: list[int]) -> Iterator[tuple[int, int, str]]:
    for start, end, plain in _plains(data, budget):
        yield start, end, plain
        if depth > 1:
            for _, _, inner in _blobs(view(plain), depth - 1, budget):
                yield start, end, inner


def _plains(data: bytes, budget: list[int]) -> Iterator[tuple[int, int, str]]:
    done = 0
    for match in compiled(_BASE64).finditer(data):
        start, end = match.span(1)
        if start < done:
            continue
        # A word on the line after a blob looks like its last line: so both readings, and the first line alone.
        for lines in _lines(data, start, end):
            plain = _from_base64(b"".join(data[first:last] for first, last in lines), budget)
            if plain is not None:
                stop = lines[-1][1]
                done = max(done, stop)
                yield start, stop, plain
    for match in compiled(_HEX).finditer(data):
        start, end = match.span(1)
        digits = _HEX_SIGN.sub(b"", match.group(1))
        plain = _printable(bytes.fromhex(digits[: len(digits) & ~1].decode("ascii")))
        if plain is not None:
            yield start, end, plain


def _lines(data: bytes, start: int, end: int) -> list[list[tuple[int, int]]]:
    """The lines of a blob that is wrapped, all as long as the first and the last one perhaps shorter; also without the
    last one, and the first one alone."""
    lines = [(start, end)]
    length = end - start
    while length >= _SHORTEST_LINE and lines[-1][1] - lines[-1][0] == length and data[lines[-1][1] - 1] != 0x3D:
        following = _NEXT_LINE.match(data, lines[-1][1])
        if following is None or following.end(1) - following.start(1) > length:
            break
        lines.append(following.span(1))
    return [lines, *([lines[:-1]] if len(lines) > 1 else []), *([lines[:1]] if len(lines) > 2 else [])]


def _from_base64(blob: bytes, budget: list[int]) -> str | None:
    body = blob.rstrip(b"=").replace(b"-", b"+").replace(b"_", b"/")
    body = body[: len(body) - (len(body) % 4 == 1)]
    content = base64.b64decode(body + b"=" * (-len(body) % 4))
    if content[:2] == b"\x1f\x8b" or (content[:1] == b"\x78" and content[1:2] in b"\x01\x5e\x9c\xda"):
        content = _unpacked(content, budget)
    plain = _printable(content)
    if plain is None and content[1:2] == b"\0" and len(content) % 2 == 0:
        plain = _printable(content.decode("utf-16-le", errors="ignore").encode("utf-8", errors="ignore"))
    return plain


def _unpacked(content: bytes, budget: list[int]) -> bytes:
    if budget[0] <= 0:
        return b"\0"
    try:
        plain = zlib.decompressobj(wbits=47).decompress(content, budget[0])
    except zlib.error:
        return b"\0"
    budget[0] -= len(plain) + 256
    return plain


_UNPRINTABLE = bytes(set(range(32)) - set(b"\t\r\n")) + b"\x7f"


def _printable(content: bytes) -> str | None:
    """The text, if these bytes are UTF-8 without control characters."""
    if not content or len(content.translate(None, _UNPRINTABLE)) != len(content):
        return None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return None
