"""A row of a table as a reader understands it: each cell with the name of its column."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from hybridrag.types import lines_of_head

_MARKS = ("\t", ";", ",", "|")
"""What stands between the cells of a line where Markdown's borders do not."""
_BORDER = re.compile(r"(?<!\\)\|")
_NUMBER = re.compile(r"[-+]?[^\w\s]{0,2}\d[\d.,:/ -]*%?")


def header_of(head: str) -> str:
    """The row of names in the head of a table, which may hold its caption too; empty where it has none."""
    lines = lines_of_head(head)
    return lines[-1] if lines else ""


def is_header(line: str, row: str) -> bool:
    """Whether a line could hold the names of the columns of a row below it: as many, all different, none a number."""
    names = cells_of(line, mark_of(line))
    return (
        len(names) > 1
        and len(names) == len(cells_of(row, mark_of(line)))
        and len({name.casefold() for name in names if name}) == len(names)
        and not any(_NUMBER.fullmatch(name) for name in names)
    )


def named(row: str, header: str) -> str:
    """The row as `Item: Pump | Price: 85 EUR`; without its borders where the header does not fit it."""
    mark = mark_of(header or row)
    cells, names = cells_of(row, mark), cells_of(header, mark)
    if not header or len(names) != len(cells):
        return " | ".join(cells) if mark == "" else " ".join(row.split())
    said = (f"{name}: {cell}" if name else cell for name, cell in zip(names, cells, strict=True) if cell)
    return " | ".join(said)


def mark_of(line: str) -> str:
    """What stands between the cells of a line; empty for a row of Markdown."""
    if line.lstrip().startswith("|"):
        return ""
    return max(_MARKS, key=line.count)


def cells_of(line: str, mark: str) -> Sequence[str]:
    """The cells of one row, without the white space around them."""
    line = line.strip("\r\n ")
    if not line.strip():
        return []
    if mark:
        try:
            return [" ".join(cell.split()) for cell in next(csv.reader([line], delimiter=mark), [])]
        except csv.Error:  # a cell too long for the reader
            return [line]
    inner = line.removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [" ".join(cell.replace("\\|", "|").split()) for cell in _BORDER.split(inner)]
