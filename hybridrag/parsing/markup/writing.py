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
