"""Private keys, whole: PEM (RFC 7468), OpenPGP armour, SSH, PuTTY, XML, on lines or escaped into one, also cut."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.entropy import runs
from hybridrag.privacy.finders.patterns import compiled, group_span, view
from hybridrag.types import Span

_NAME = rb"[A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?"
_BEGIN = rb"-{3,5} ?BEGIN " + _NAME + rb" ?-{3,5}"
_END = rb"-{3,5} ?END " + _NAME + rb" ?-{3,5}"
_BREAK = rb"(?:\s|\\{1,4}[nrt]|[\"'`,+>|#*.;\\])"
_BODY = (
    rb"(?:" + _BREAK + rb"|[A-Za-z0-9+/]{16,}={0,2}|[A-Za-z0-9+/]{1,15}={1,2}|=[A-Za-z0-9+/]{4}"
    rb"|[A-Z][A-Za-z-]{2,20}: ?[^\n\\\x00]{0,80}(?:\n|\\n))*"
)  # fmt: skip
_TAIL = rb"(?:[A-Za-z0-9+/=]{16,80}" + _BREAK + rb"{1,12})*[A-Za-z0-9+/=]{0,80}" + _BREAK + rb"{0,12}" + _END
_PUTTY = rb"(?i)private-lines: ?[0-9]{1,3}\s{1,2}((?:[A-Za-z0-9+/=]{1,64}\r?\n)+(?:private-mac: ?[0-9a-f]{40,64})?)"
_XML_KEY = rb"<(?:D|P|Q|DP|DQ|InverseQ)>\s*([A-Za-z0-9+/=\s]{40,})\s*</"
_LINES = rb"(?:(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70})(?:\r?\n|\\n)[ \t>]{0,8}){3,}[A-Za-z0-9+/=]{0,70}"
_LINE = 64
_LONGEST = 40_000
_WORDS = re.compile(rb"(?<![A-Za-z0-9+/=])[a-z]{2,15}(?![A-Za-z0-9+/=])")


def private_keys(text: str) -> Iterator[Span]:
    """The keys in `text` from the first sign of their frame to the last, and the part that is there of a cut one."""
    data = view(text)
    if b"PRIVATE KEY" in data:
        yield from _framed(data)
    if b"rivate-" in data:
        for match in compiled(_PUTTY).finditer(data):
            yield group_span(match, 1, "SECRET", "private-key")
    if b"<D>" in data or b"<InverseQ>" in data:
        for match in compiled(_XML_KEY).finditer(data):
            yield group_span(match, 1, "SECRET", "private-key")
    if any(end - start >= _LINE for start, end in runs(data)):
        for match in compiled(_LINES).finditer(data):
            if not _public(data, match.start()):
                yield Span(match.start(), match.end(), "SECRET", "base64-block")


def _framed(data: bytes) -> Iterator[Span]:
    begins = [match.span() for match in compiled(_BEGIN).finditer(data)]
    ends = [match.span() for match in compiled(_END).finditer(data)]
    used = -1
    at = 0
    for number, (start, body) in enumerate(begins):
        limit = begins[number + 1][0] if number + 1 < len(begins) else len(data)
        while at < len(ends) and ends[at][0] < body:
            at += 1
        closing = ends[at] if at < len(ends) and ends[at][0] < limit else None
        if closing and closing[0] - body <= _LONGEST and len(_WORDS.findall(data, body, closing[0])) <= 12:
            used = at
            yield Span(start, closing[1], "SECRET", "private-key")
        else:
            yield Span(
                start, compiled(_BODY).match(data, body, min(limit, body + _LONGEST)).end(), "SECRET", "private-key"
            )
    if len(ends) > len(begins) or (ends and used < 0):
        for match in compiled(_TAIL).finditer(data):
            yield Span(match.start(), match.end(), "SECRET", "private-key")


def _public(data: bytes, start: int) -> bool:
    """Whether the lines follow the opening of a certificate, a public key or a message: those tell no secret."""
    before = data[max(0, start - 300) : start]
    opening = before.rfind(b"BEGIN ")
    if opening < 0:
        return b"ssh-" in before[-60:] or b"base64," in before[-60:] or b"ertificate" in before
    return b"PRIVATE" not in before[opening:]
