"""Hardware addresses of devices (IEEE 802), and the BIC of banks (ISO 9362)."""

from __future__ import annotations

from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.types import Span

_HEX = rb"[0-9A-Fa-f]{2}"
_MAC = (
    rb"\b" + _HEX + rb"(?:(?::" + _HEX + rb"){5}|(?:-" + _HEX + rb"){5})\b|\b[0-9A-Fa-f]{4}(?:[.][0-9A-Fa-f]{4}){2}\b"
)
_BIC = (
    rb"\b(?i:bic|swift)(?i:[ /-]{0,3}(?:bic|swift|code|nr|number|is|ist|no))*[ ]{0,2}[:=#)]?\s{0,3}"
    rb"([A-Z]{4} ?[A-Z]{2} ?[A-Z0-9]{2}(?: ?[A-Z0-9]{3})?)\b"
)
_NOBODY = frozenset({b"000000000000", b"ffffffffffff"})


def machines(text: str) -> Iterator[Span]:
    """MAC spans, and ACCOUNT for a BIC that is named; the null and the broadcast address tell nothing and stay."""
    data = view(text)
    if b":" in data or b"-" in data or b"." in data:
        for match in compiled(_MAC).finditer(data):
            start, end = match.span()
            if data[max(0, start - 1) : start] in {b":", b"-", b"."} or data[end : end + 1] in {b":", b"-"}:
                continue
            if match.group().translate(None, b":-.").lower() not in _NOBODY:
                yield Span(start, end, "MAC", "mac")
    lowered = data.lower()
    if b"bic" in lowered or b"swift" in lowered:
        for match in compiled(_BIC).finditer(data):
            yield Span(match.start(1), match.end(1), "ACCOUNT", "bic")
