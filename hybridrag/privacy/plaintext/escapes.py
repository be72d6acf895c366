"""Characters written as escapes: HTML entities, percent-encoding (RFC 3986), backslash escapes of JSON, C and Python,
and quoted-printable (RFC 2045)."""

from __future__ import annotations

import base64
import html
import re
import string
from collections.abc import Iterator
from urllib.parse import unquote

from hybridrag.privacy.plaintext.offsets import Edits, apart, rewrite

# Each alternative begins with a letter of its own, so that all other text is skipped quickly.
_ESCAPE = re.compile(
    r"&(?:amp;){0,3}(?:\#[0-9]{1,7};?|\#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};)"
    r"|%(?:25){0,3}[0-9A-Fa-f]{2}(?:%(?:25){0,3}[0-9A-Fa-f]{2})*"
    r"|\\\\{0,3}(?:u[dD][89abAB][0-9a-fA-F]{2}\\{1,4}u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|(?:0[4-7]|1[0-7])[0-7]|[_.@+()/:-])"
)
_QUOTED = re.compile(r"=\r?\n[> \t]{0,8}(?=\S)|=[0-9A-F]{2}(?:=[0-9A-F]{2}|=\r?\n)+|=(?:40|2E|2D|5F|2B|3A|2F)(?=\w)")
_BASE64 = string.ascii_letters + string.digits + "+/"
_BLANK = {" ", "\t"}


def unescaped(text: str) -> tuple[str, Edits | None]:
    """`text` with escapes decoded once, and the way back."""
    if "&" in text or "%" in text or "\\" in text or "=" in text:
        return rewrite(text, _decoded(text))
    return text, None


def _decoded(text: str) -> Iterator[tuple[int, int, str]]:
    yield from apart(sorted([*_plain_escapes(text), *_quoted_printable(text)]))


def _plain_escapes(text: str) -> Iterator[tuple[int, int, str]]:
    if "&" in text or "%" in text or "\\" in text:
        for match in _ESCAPE.finditer(text):
            escape = match.group()
            new = _unescape(escape)
            if new != escape:
                yield match.start(), match.end(), new


def _unescape(escape: str) -> str:
    if escape[0] == "&":
        new = escape
        for _ in range(4):
            new = html.unescape(new)
        return new
    if escape[0] == "%":
        new = escape
        for _ in range(4):
            new = unquote(new, errors="replace")
        return escape if "\ufffd" in new else new
    body = escape.lstrip("\\")
    if body[0] == "u" and "\\" in body:
        high, low = int(body[1:5], 16), int(body[-4:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    if body[0] in "uUx":
        code = int(body[1:].strip("{}"), 16)
        return escape if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)
    return chr(int(body, 8)) if body.isdigit() else body


def _quoted_printable(text: str) -> Iterator[tuple[int, int, str]]:
    """Soft line breaks and `=40`; not the end of base64, and no comparison with a number."""
    if "=" not in text:
        return
    for match in _QUOTED.finditer(text):
        start, end = match.span()
        before = text[max(0, start - 128) : start]
        encoded = match.group()
        if encoded[1] in "\r\n":
            if _continues(before, encoded, text[end : end + 1]):
                blank = encoded[-1:] in _BLANK and before[-1:] not in _BLANK
                yield start, end, " " if blank else ""
        elif len(encoded) > 3 or before[-1:].isalnum():
            plain = bytes.fromhex("".join(re.findall(r"=([0-9A-F]{2})", encoded)))
            yield start, end, plain.decode("utf-8", errors="replace")


def _continues(before: str, encoded: str, following: str) -> bool:
    """Whether a line that ends in "=" goes on: it is neither an assignment, a comparison nor the end of base64."""
    if before.strip() and (before[-1:] in _BLANK or encoded[-1:] in _BLANK or before[-1] in "+-:/*"):
        return before.rstrip()[-1:] in "0123456789+-" and following in set("0123456789(-")
    if before[-1:] in {"", "=", "<", ">", "!", "\n", "\r"}:
        return False
    blob = before[len(before.rstrip(_BASE64)) :]
    if len(blob) < 15 or (len(blob) + 1) % 4:
        return True
    return not all(0x20 <= byte < 0x7F for byte in base64.b64decode(blob + "="))
