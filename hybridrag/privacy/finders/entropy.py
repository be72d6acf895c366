"""Random strings that stand alone, whatever their name: keys as they are handed over, listed or said.

A run of signs is taken for a key if it alternates between capitals, small letters and digits as no word, path or name
of code does. Digests, data in base64 and hexadecimal numbers without a prefix are left out: lock files, certificates
and images are full of them, and they tell nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.privacy.finders.placeholders import entropy, random_looking
from hybridrag.types import Span

_SHORTEST, _LONGEST = 20, 200
_RUN = rb"[A-Za-z0-9+/_~-]{20,}={0,2}"
_PREFIXED_HEX = re.compile(rb"[a-z]{2,12}[0-9]?[_-](?:[a-z]{2,8}[_-])?[0-9a-f]{32,64}")
# Numbers of messages, requests and runs are public.
_NUMBERED = re.compile(
    rb"(?:msg|toolu|req|request|run|thread|asst|call|chatcmpl|resp|batch|msgbatch|file|step|evt|trace|span)[_-]"
)
_PUBLIC_FRAME = (
    rb"-----BEGIN (?:TRUSTED |NEW |X509 )?(?:CERTIFICATE|PUBLIC KEY|RSA PUBLIC KEY|PGP [A-Z ]{6,20}|X509 CRL|"
    rb"DH PARAMETERS"
    rb"|PKCS7|CMS|SSH SIGNATURE)[A-Z ]{0,12}-----[A-Za-z0-9+/=\s:,.()<>@-]*?-----END "
)
_BEFORE = frozenset(b"\"'`= \t\n\r:>([{,|;")
_AFTER = frozenset(b"\"'`= \t\n\r:<)]},|;\\&.?!")
_DIGESTS = re.compile(
    rb"sha-?[0-9]|md5|hash|integrity|digest|checksum|etag|h1:|base64|mapping|data:|fingerprint|commit|revision|"
    rb"public|cert"
    rb"|nonce-|certif|signature|\\x", re.I,
)  # fmt: skip
_END = re.compile(rb"\s{1,4}-----END (?![A-Z ]*PRIVATE)")
_LINE = re.compile(rb"\r?\n[ \t>]{0,8}[A-Za-z0-9+/=]{40,}")
_KINDS = bytes(
    ord("0") if 48 <= byte <= 57 else ord("A") if 65 <= byte <= 90 else ord("a") if 97 <= byte <= 122 else ord("-")
    for byte in range(256)
)  # fmt: skip


def random_strings(text: str) -> Iterator[Span]:
    """The strings, without quotes. Spans do not overlap."""
    data = view(text)
    framed = [match.span() for match in compiled(_PUBLIC_FRAME).finditer(data)] if b"-----BEGIN " in data else []
    at = 0
    for start, end in runs(data):
        while at < len(framed) and framed[at][1] <= start:
            at += 1
        if at < len(framed) and framed[at][0] <= start:
            continue
        if data[start - 1 : start] == b"\\" and data[start] in b"nrt":
            start += 1  # noqa: PLW2901 - the sign belongs to the escape before it
        if end - start > _LONGEST or not _stands_alone(data, start, end):
            continue
        if _is_key(data[start:end]) and not _is_data(data, start, end):
            yield Span(start, end, "SECRET", "entropy")


@lru_cache(maxsize=2)
def runs(data: bytes) -> tuple[tuple[int, int], ...]:
    """Where twenty or more signs of base64 stand together, in order."""
    return tuple(match.span() for match in compiled(_RUN).finditer(data))


def _stands_alone(data: bytes, start: int, end: int) -> bool:
    escaped = data[start - 2 : start - 1] == b"\\"
    return (start == 0 or escaped or data[start - 1] in _BEFORE) and (end == len(data) or data[end] in _AFTER)


def _is_key(value: bytes) -> bool:
    """Whether it has all kinds of signs, changes between them as chance does, and repeats little."""
    body = value.rstrip(b"=")
    kinds = body.translate(_KINDS)
    digits, capitals, small = kinds.count(b"0"), kinds.count(b"A"), kinds.count(b"a")
    if _NUMBERED.match(body):
        return False
    if _PREFIXED_HEX.fullmatch(body):
        return True
    if not digits or not small or kinds.count(b"-") > len(body) // 8 + 1:
        return False
    if not capitals:
        return (
            len(body) >= 24
            and digits >= 3
            and not _hexadecimal(body)
            and kinds.count(b"-") <= 1
            and _changes(kinds, 0.3)
        )
    return (
        digits >= max(2, len(body) // 14)
        and capitals >= 3
        and small >= 3
        and b"aaaaaaaa" not in kinds
        and body[:1] not in b"/_"
        and random_looking(body)
        and entropy(body[:64]) >= 3.6
    )


def _changes(kinds: bytes, share: float) -> bool:
    return sum(kinds[i] != kinds[i + 1] for i in range(len(kinds) - 1)) >= share * len(kinds)


def _hexadecimal(body: bytes) -> bool:
    return not body.translate(None, b"0123456789abcdef-_")


def _is_data(data: bytes, start: int, end: int) -> bool:
    """Whether digests or encoded data stand here: a name before them tells, or lines of the same before and after."""
    if _DIGESTS.search(data, max(0, start - 40), start):
        return True
    if _END.match(data, end, end + 60):
        return True
    # A line of its own beside another of the kind, or below the opening of a certificate.
    before = data[max(0, start - 100) : start]
    if end - start < 40 or not before.endswith(b"\n"):
        return False
    above = before.rstrip(b"\r\n").rpartition(b"\n")[2]
    below = _LINE.match(data, end, end + 100)
    return b"BEGIN " in above or _LINE.fullmatch(b"\n" + above) is not None or below is not None
