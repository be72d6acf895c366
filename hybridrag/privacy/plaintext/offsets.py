"""Text that was rewritten in stages, with the way back to every original character."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Normalised:
    """`text`, and for each of its spans the span of the original it came from."""

    text: str
    _stages: tuple[Edits, ...] = field(default=(), repr=False)

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The smallest original span that holds everything `text[start:end]` came from; start < end."""
        for edits in reversed(self._stages):
            start, end = edits.source(start)[0], edits.source(end - 1)[1]
        return start, end

    @property
    def rewritten(self) -> bool:
        """Whether characters were removed, added or joined. Where each was replaced by one that means the same, no
        value that stood in the original is lost."""
        return bool(self._stages)

    def rewritten_parts(self, length: int, *, around: int = 96) -> list[tuple[int, int]]:
        """The parts of the original, `length` characters long, where values may stand that rewriting lost: every
        rewritten place with `around` characters on both sides; in order and apart. No rule looks further for a word."""
        windows: list[NDArray[np.int64]] = []
        for number, edits in enumerate(self._stages):
            starts, ends = edits.starts, edits.ends
            for earlier in reversed(self._stages[:number]):
                starts, ends = earlier.sources(starts)[0], earlier.sources(np.maximum(ends - 1, starts))[1]
            windows.append(np.stack([np.maximum(starts - around, 0), np.minimum(ends + around, length)]))
        if not windows:
            return []
        starts, ends = np.concatenate(windows, axis=1)
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], np.maximum.accumulate(ends[order])
        first = np.concatenate([[True], starts[1:] > ends[:-1]])
        last = np.concatenate([first[1:], [True]])
        return list(zip(starts[first].tolist(), ends[last].tolist(), strict=True))


class Edits:
    """Replacements of parts of a text, in order and apart. Each is `(start, end, length of what replaced it)`."""

    def __init__(self, starts: NDArray[np.int64], ends: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
        grown = np.cumsum(lengths - (ends - starts))
        self.starts, self.ends = starts, ends
        self._targets = starts + grown - (lengths - (ends - starts))
        self._stops = ends + grown

    def source(self, target: int) -> tuple[int, int]:
        """The original span of one character of the rewritten text."""
        last = int(np.searchsorted(self._targets, target, side="right")) - 1
        if last < 0:
            return target, target + 1
        if target < self._stops[last]:
            return int(self.starts[last]), int(self.ends[last])
        start = target - int(self._stops[last]) + int(self.ends[last])
        return start, start + 1

    def sources(self, targets: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The same of many characters: where their original spans begin, and where they end."""
        last = np.searchsorted(self._targets, targets, side="right") - 1
        some = np.maximum(last, 0)
        inside = (last >= 0) & (targets < self._stops[some])
        shifted = targets + np.where(last >= 0, self.ends[some] - self._stops[some], 0)
        return np.where(inside, self.starts[some], shifted), np.where(inside, self.ends[some], shifted + 1)


def rewrite(text: str, replacements: Iterable[tuple[int, int, str]]) -> tuple[str, Edits | None]:
    """`text` with each span replaced, and the way back; spans ascend and do not overlap. None where there are none."""
    out: list[str] = []
    starts, ends, lengths = array("q"), array("q"), array("q")
    done = 0
    for start, end, new in replacements:
        out.append(text[done:start])
        out.append(new)
        starts.append(start)
        ends.append(end)
        lengths.append(len(new))
        done = end
    if not starts:
        return text, None
    out.append(text[done:])
    return "".join(out), Edits(*(np.frombuffer(column, dtype=np.int64) for column in (starts, ends, lengths)))


def without(text: NDArray[np.uint32], gone: NDArray[np.bool_]) -> tuple[NDArray[np.uint32], Edits]:
    """The code points that are not `gone`, and the way back."""
    edges = np.flatnonzero(np.diff(gone, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    return text[~gone], Edits(starts, ends, np.zeros(len(starts), dtype=np.int64))


def apart(replacements: Iterable[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Sorted replacements without those that begin inside an earlier one."""
    done = 0
    for start, end, new in replacements:
        if start >= done:
            yield start, end, new
            done = end
