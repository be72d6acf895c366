"""Internet addresses, versions 4 and 6. Loopback, the unspecified address and netmasks tell nothing and stay."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled, is_digit, view
from hybridrag.types import Span

_V4 = rb"[0-9]{1,3}(?: ?[.] ?(?:\r?\n)?[0-9]{1,3}){3}"
_V6 = rb"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9]{1,3}(?:[.][0-9]{1,3}){3}|[0-9A-Fa-f]{0,4})"
_NUMBERED = re.compile(
    rb"(?:\bv|\bec|\bver|version|release|section|chapter|clause|abschnitt|kapitel|ziffer|\xa4|assembly|build|firmware)"
    rb"[ \t:=.\"']{0,3}$",
    re.IGNORECASE,
)
_GROUPS = re.compile(rb"[0-9A-Fa-f]+")


def hosts(text: str) -> Iterator[Span]:
    """The addresses in `text`; a port, prefix length or zone after them is left."""
    data = view(text)
    if b"." in data:
        yield from _version_4(data)
    if b":" in data:
        yield from _version_6(data)


def _version_4(data: bytes) -> Iterator[Span]:
    position = 0
    pattern = compiled(_V4)
    while (match := pattern.search(data, position)) is not None:
        start, end = match.span()
        octets = [int(part) for part in re.findall(rb"\d+", match.group())]
        if not _alone(data, start, end) or max(octets) > 255:
            # Resume inside: "1.2.3.4.5" must not hide an address that begins later.
            position = start + len(_GROUPS.match(match.group()).group())  # type: ignore[union-attr]
            while is_digit(data, position):
                position += 1
            continue
        position = end
        if not _telling(octets) or _is_version(data, start, octets):
            continue
        if len(match.group().split()) > 1 and (sum(map(len, re.findall(rb"\d+", match.group()))) < 8):
            continue
        yield Span(start, end, "IP", "ip-v4")


def _alone(data: bytes, start: int, end: int) -> bool:
    before, after = data[start - 1 : start] if start else b"", data[end : end + 1]
    if before.isdigit() or after.isdigit() or (before == b"." and is_digit(data, start - 2)):
        return False
    return not (after == b"." and is_digit(data, end + 1))


def _telling(octets: list[int]) -> bool:
    return octets[0] not in {0, 127} and octets[:2] != [255, 255]


def _is_version(data: bytes, start: int, octets: list[int]) -> bool:
    """ "version 4.1.2.3": small numbers straight after a word that numbers things."""
    return max(octets) < 100 and octets[0] != 10 and _NUMBERED.search(data[max(0, start - 16) : start]) is not None


def _version_6(data: bytes) -> Iterator[Span]:
    for match in compiled(_V6).finditer(data):
        start, end = match.span()
        if start and (data[start - 1 : start].isalnum() or data[start - 1 : start] in {b":", b"\xe9", b"_"}):
            continue
        for stop in (end, end - 1):
            if _continues(data, stop):
                continue
            if _is_version_6(data[start:stop]):
                yield Span(start, stop, "IP", "ip-v6")
                break


def _continues(data: bytes, end: int) -> bool:
    """Whether what follows belongs to the same group of signs; a colon of the sentence does not."""
    following = data[end : end + 1]
    return following.isalnum() or following == b"_" or (following == b":" and data[end + 1 : end + 2].isalnum())


def _is_version_6(candidate: bytes) -> bool:
    groups = _GROUPS.findall(candidate)
    # "Foo::bar" and "a::b" are names in C++ and Rust; an address has digits and some length.
    if len(b"".join(groups)) < 5 or not any(byte in b"0123456789" for byte in candidate):
        return False
    try:
        address = ipaddress.IPv6Address(candidate.decode("ascii"))
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
