"""How often each term stands in a chunk, kept small while many chunks wait to be stored."""

from __future__ import annotations

from array import array
from collections.abc import ItemsView, Iterator, Mapping, ValuesView


class Frequencies(Mapping[str, int]):
    """One text and one array instead of a dict: of a Chinese book the dicts would take some three hundred bytes a
    character. Made to be read as a whole, once or twice.
    """

    __slots__ = ("_counts", "_terms")

    def __init__(self, counted: Mapping[str, int]) -> None:
        self._terms = "\n".join(counted)  # no term holds white space
        self._counts = array("I", counted.values())

    def __getitem__(self, term: str) -> int:
        return self._whole()[term]

    def __iter__(self) -> Iterator[str]:
        return iter(self._whole())

    def __len__(self) -> int:
        return len(self._counts)

    def items(self) -> ItemsView[str, int]:
        return self._whole().items()

    def values(self) -> ValuesView[int]:
        return self._whole().values()

    def _whole(self) -> dict[str, int]:
        return dict(zip(self._terms.split("\n"), self._counts, strict=False))  # of nothing `split` makes one part
