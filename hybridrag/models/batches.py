"""Texts sorted by length into batches of little padding, for a network here or a server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Tokens = NDArray[np.int64]


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices by falling length, in runs whose padded size stays under `budget` tokens (a lone text may be over it).

    The longest come first, so that the last batches to finish are short ones and no worker waits long for another.
    """
    batch: list[int] = []
    longest = 0
    for index in sorted(range(len(lengths)), key=lengths.__getitem__, reverse=True):
        if batch and (len(batch) + 1) * longest > budget:
            yield batch
            batch = []
        if not batch:
            longest = lengths[index]
        batch.append(index)
    if batch:
        yield batch


def requests(given: Sequence[str], *, texts: int, size: int) -> Iterator[list[int]]:
    """Indices by falling length, at most so many `texts` and bytes (`size`) in a request (a lone text may be over it).

    Texts of like length go together, so that a server pads little.
    """
    rows: list[int] = []
    held = 0
    for row in sorted(range(len(given)), key=lambda row: len(given[row]), reverse=True):
        length = len(given[row].encode("utf-8", "replace"))
        if rows and (len(rows) == texts or held + length > size):
            yield rows
            rows, held = [], 0
        rows.append(row)
        held += length
    if rows:
        yield rows


def padded(rows: Sequence[Sequence[int]], *, padding_id: int, multiple: int = 1, most: int) -> tuple[Tokens, Tokens]:
    """Token ids and mask of a batch, each `(len(rows), length)` int64, filled up on the right.

    `length` is the longest row's, rounded up to a `multiple`, but not over `most` unless a row is: few shapes mean few
    kernels to make.
    """
    import numpy as np

    longest = max(len(row) for row in rows)
    length = max(longest, min(-(-longest // multiple) * multiple, most))
    tokens = np.full((len(rows), length), padding_id, dtype=np.int64)
    mask = np.zeros((len(rows), length), dtype=np.int64)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = row
        mask[index, : len(row)] = 1
    return tokens, mask
