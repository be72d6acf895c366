"""What a label such as "Steuer-ID" announces: the type, how long the value is, and which checksum it may carry."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """One identifier. `low` and `high` count its letters and digits; `modules` are those of python-stdnum, by country
    and name. A label in `labels` is enough; one in `acronyms` is a word of its own too, so it wants a sign or a number
    word after it, or a right check digit."""

    name: str
    type: str
    low: int
    high: int
    labels: tuple[str, ...]
    acronyms: tuple[str, ...]
    modules: tuple[str, ...]


def parsed(table: str) -> Iterator[Kind]:
    """The kinds of a table with one row each: `modules | TYPE | low-high | labels | acronyms`, lists parted by commas;
    an indented line continues the row above. A name that stands for no module of the library has a leading dash.
    """
    for line in table.strip().replace("\n    ", " ").splitlines():
        names, entity, size, labels, acronyms = (cell.strip() for cell in line.split("|"))
        low, high = size.split("-")
        listed = _listed(names)
        modules = tuple(name for name in listed if not name.startswith("-"))
        name = listed[0].lstrip("-").replace(".", "-").replace("_", "")
        yield Kind(name, entity, int(low), int(high), _listed(labels), _listed(acronyms), modules)


def _listed(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(",") if part.strip())
