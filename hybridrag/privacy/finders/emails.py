"""E-mail addresses (RFC 5322 dot-atoms as people write them), also spaced, wrapped over lines, or spelled out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.gates import occurs
from hybridrag.privacy.finders.patterns import LETTER, WORD, compiled, view
from hybridrag.types import Span

# Wrapped and spelled-out forms are common words apart from their ending, so there the ending must be a known one.
_ENDINGS = (
    rb"(?:com|org|net|edu|gov|mil|int|info|biz|name|io|ai|app|dev|eu|de|at|ch|fr|it|es|pt|nl|be|lu|dk|se|no|fi|is|ie"
    rb"|uk|pl|cz|sk|hu|ro|bg|gr|hr|si|rs|ua|ru|tr|lt|lv|ee|us|ca|mx|br|ar|cl|co|pe|au|nz|jp|cn|kr|in|sg|hk|tw|id|my|th"
    rb"|za|ng|ke|eg|ae|sa|il|ir|online|shop|site|tech|cloud|email|me|tv|cc|xyz|example|test|local|internal|lan|corp)"
)
_LOCAL = rb"[" + WORD + rb"](?:[" + WORD + rb"._%+'!#$*^~&-]*[" + WORD + rb"_+~-])?"
_LABEL = rb"[" + WORD + rb"][" + WORD + rb"_-]*"
_DOMAIN = rb"(?:" + _LABEL + rb"[.])+(?:xn--[A-Za-z0-9-]+|[" + LETTER + rb"]{2,24})"
_KNOWN = rb"(?:" + _LABEL + rb"[.])+" + _ENDINGS
_WRAP = rb"[ \t]*\r?\n[ \t>]*"

_RULES: tuple[tuple[str, bytes], ...] = (
    ("email", _LOCAL + rb"(?:@|[ \t]{1,2}@[ \t]{1,2}|@[ \t]{1,2})" + _DOMAIN),
    ("email-quoted", rb'"[^"\r\n\x00]{1,64}"@' + _DOMAIN),
    ("email-literal", _LOCAL + rb"@\[(?:IPv6:)?[0-9A-Fa-f:.]{3,45}\]"),
    ("email-wrapped", rb"(?i)" + _LOCAL + rb"@" + _WRAP + _KNOWN + rb"\b"),
    ("email-wrapped", rb"(?i)" + _LOCAL + _WRAP + rb"@" + _KNOWN + rb"\b"),
    (
        "email-wrapped",
        rb"(?i)" + _LOCAL + rb"@[" + WORD + rb".-]*?" + _WRAP + rb"[" + WORD + rb"-]*[.]" + _KNOWN + rb"\b",
    ),
    (
        "email-wrapped",
        rb"(?i)" + _LOCAL + rb"@[" + WORD + rb".-]+" + _WRAP + rb"[" + WORD + rb"-]*[.]" + _ENDINGS + rb"\b",
    ),
    ("email-wrapped", rb"(?i)" + _LOCAL + rb"@[" + WORD + rb".-]+[.]" + _WRAP + _ENDINGS + rb"\b"),
    (
        "email-spaced",
        rb"(?i)"
        + _LOCAL
        + rb"[ \t]*@[ \t]*"
        + _LABEL
        + rb"(?:[ \t]{0,2}[.][ \t]{0,2}"
        + _LABEL
        + rb")*?[ \t]{0,2}[.][ \t]{0,2}"
        + _ENDINGS
        + rb"\b",
    ),
    (
        "email-spelled",
        rb"(?i)\b"
        + _LOCAL
        + rb"[ \t_]+(?:at|@)[ \t_]+"
        + _LABEL
        + rb"(?:(?:[.]|[ \t_]+(?:dot|punkt)[ \t_]+)"
        + _LABEL
        + rb")*?[ \t_]+(?:dot|punkt)[ \t_]+"
        + _ENDINGS
        + rb"\b",
    ),
    ("email-spelled", rb"(?i)\b" + _LOCAL + rb"[ \t]+at[ \t]+" + _KNOWN + rb"\b"),
)
_SIGNED = tuple(pattern for rule, pattern in _RULES if rule != "email-spelled")
# Cheap to look for, and without one of them the costly rules find nothing.
_SPELLED_DOT = rb"(?i)[ \t_](?:dot|punkt)[ \t_]"
_SPELLED_AT = rb"(?i)[ \t]at[ \t]+" + _KNOWN + rb"\b"
_OTHER_SCRIPT = rb"[" + WORD + rb"\xa5._+-]{1,40}@(?:[" + WORD + rb"\xa5-]{1,40}[.])+[" + LETTER + rb"\xa5]{2,12}"
_ASSET = re.compile(rb"@\d+(?:\.\d+)?x\.(?:png|jpe?g|gif|webp|svg|avif)$", re.IGNORECASE)


def emails(text: str) -> Iterator[Span]:
    """The addresses in `text`. An address without a top-level domain (`root@localhost`) is none."""
    data = view(text)
    if b"@" not in data and compiled(_SPELLED_DOT).search(data) is None and compiled(_SPELLED_AT).search(data) is None:
        return
    found = bytearray(len(data))
    signed = b"@" in data and occurs(_SIGNED, data)
    for rule, pattern in _RULES:
        if rule == "email-spelled":
            hint = _SPELLED_AT if pattern is _RULES[-1][1] else _SPELLED_DOT
            if compiled(hint).search(data) is None:
                continue
        elif not signed:
            continue
        for match in compiled(pattern).finditer(data):
            start, end = match.span()
            # A wrapped reading only counts where the plain one saw nothing, or it would swallow the line before.
            if rule == "email-wrapped" and 1 in found[start:end]:
                continue
            if _ASSET.search(data[start:end]):
                continue
            if rule == "email-spelled" and pattern is _RULES[-1][1] and not _addresses(data, start):
                continue
            found[start:end] = b"\1" * (end - start)
            yield Span(start, end, "EMAIL", rule)
    if b"@" in data and b"\xa5" in data:
        for match in compiled(_OTHER_SCRIPT).finditer(data):
            start, end = match.span()
            if 1 not in found[start:end]:
                yield Span(start, end, "EMAIL", "email-international")


_MAILING = re.compile(
    rb"(?:e-?mail|mail|contact|write|kontakt|schreib\w*|address|adresse)\W[^\n]{0,40}$", re.IGNORECASE
)


def _addresses(data: bytes, start: int) -> bool:
    """Whether "ann at example.com" is an address and not "read more at x.com": by its form, or a word before it."""
    local = data[start : start + 64].split(None, 1)[0]
    return (
        any(byte in b"._0123456789" for byte in local) or _MAILING.search(data[max(0, start - 48) : start]) is not None
    )
