"""Inline Markdown: emphasis, links, raised numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Mark:
    """Inline markup that is open, and where in the paragraph it began."""

    kind: str
    start: int
    address: str = ""


def marked(core: str, mark: Mark, before: str, *, note: bool) -> str:
    """Text with its mark; `note` says that it is the raised number of a footnote, a link within the page."""
    if mark.kind == "a":
        if note:
            return core if core.startswith("[") else f"[{core}]"
        address = address_of(mark.address)
        return f"[{core}]({address})" if address and address != core and "\n\n" not in core else core
    if mark.kind == "^":
        if note and not core.startswith("["):
            return f"[{core}]"
        return f"^{core}" if before.isalnum() and _EXPONENT.fullmatch(core) else core
    if mark.kind == "`":
        return f"`` {core} ``" if "`" in core else f"`{core}`"
    return core if "\n\n" in core else f"{mark.kind}{core}{mark.kind}"


def address_of(written: str) -> str:
    """An address that leads somewhere by itself and is no longer than people write them, else nothing."""
    address = written.strip()
    return address.replace("(", "%28").replace(")", "%29") if _ABSOLUTE.fullmatch(address) else ""


_EXPONENT = re.compile(r"[-−+]?(?:\d{1,6}|[a-z])")
_ABSOLUTE = re.compile(r"(?:https?://|mailto:|ftp://)[^\s<>\"]{1,190}", re.IGNORECASE)
