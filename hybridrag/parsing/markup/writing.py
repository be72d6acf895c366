"""Pieces of Markdown as they are written where another format becomes Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence


def fenced(code: str, language: str = "") -> str:
    """A code block, its fence longer than any in the code."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`{3,}", code)), default=2))
    return f"{fence}{language}\n{code}\n{fence}"


def table_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table_rule(columns: int) -> str:
    """The line below a header row."""
    return table_row(["---"] * columns)


def table_cell(text: str) -> str:
    """A text on one line, as it may stand in a table."""
    return " ".join(text.split()).replace("|", "\\|")


def linked(words: str, address: str) -> str:
    """A link; only its words where the address leads nowhere by itself, or says the same."""
    address = address_of(address)
    return f"[{words}]({address})" if address and address != words and "\n\n" not in words else words


def address_of(written: str) -> str:
    """An address that leads somewhere by itself and is no longer than people write them, else nothing."""
    address = written.strip()
    return address.replace("(", "%28").replace(")", "%29") if _ABSOLUTE.fullmatch(address) else ""


def raised(text: str, before: str) -> str:
    """Raised text after what stands before it, with `^` where the two would read as one: `10^6`, not `106`."""
    return f"^{text}" if before[-1:].isalnum() and _EXPONENT.fullmatch(text) else text


_EXPONENT = re.compile(r"[-−+]?(?:\d{1,6}|[a-z])")
_ABSOLUTE = re.compile(r"(?:https?://|mailto:|ftp://)[^\s<>\"]{1,190}", re.IGNORECASE)
