"""Texts that say the same: sketches by which the near ones among many are found, and how near two of them are.

A sketch holds the least hashes of a text's sequences of five words, under 128 hash functions (MinHash, Broder 1997):
the share in which two sketches agree estimates what the texts have in common. Texts that agree in some band of a few
are candidates (locality-sensitive hashing, Indyk and Motwani 1998), and those are compared themselves.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from hybridrag.retrieval.diversity import WORD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Sketches = NDArray[np.uint32]
    """Shape `(texts, FUNCTIONS)`."""

VERSION = 1
"""Another number means that texts are sketched again."""
FUNCTIONS = 128
_SHINGLE = 5
"""Words in a sequence; of scripts without spaces, characters."""
_HASHED_AT_ONCE = 256
"""Sequences hashed together: by all functions they take what a processor's cache holds."""
_AT_ONCE = 4_096
"""Pairs of sketches compared together."""
_TEXTS = 256
"""Texts read together."""
_CROWD, _BESIDE = 64, 8
"""In a band that more texts agree in, each is compared with so many that come after it in the order of all bands."""
_COMPARED = 8
"""Candidates of a text that are compared with it, those first whose sketches agree the most."""
_LEAST_TOGETHER = 0.5
"""Where sketches of near texts may agree in less, a band is two wide instead of three."""
LEAST = 0.8
"""The least likeness that candidates are found for."""
_REMEMBERED = 200_000


@dataclass(frozen=True, slots=True)
class Sketch:
    """`words` counts them; `digest` is of all in their order, 16 bytes; `hashes` is the sketch, FUNCTIONS uint32,
    little-endian. A text without words has no digest and no hashes."""

    words: int
    digest: bytes
    hashes: bytes


def sketch(text: str) -> Sketch:
    """Case, punctuation, white space and markup do not count."""
    words = _hashed(text)
    if not len(words):
        return Sketch(0, b"", b"")
    digest = hashlib.blake2b(words.astype("<u8").tobytes(), digest_size=16).digest()
    return Sketch(len(words), digest, _least(_sequences(words, _SHINGLE)).astype("<u4").tobytes())


def likeness(one: str, other: str) -> float:
    """The share of their pairs of neighbouring words that two texts have in common, 0 to 1 (Dice 1945).

    Each word that differs takes about two pairs away, wherever it stands.
    """
    return _common(_pairs(one), _pairs(other))


class NearTexts:
    """Which of many texts are near each other: their likeness is at least `threshold`, which is at least `LEAST`.

    Texts go by their places in `sketches`; `texts_of` gives those of some places, and only of candidates it is asked.
    """

    def __init__(
        self, sketches: Sketches, threshold: float, texts_of: Callable[[Sequence[int]], Mapping[int, str]]
    ) -> None:
        self._sketches = sketches
        self._threshold = threshold
        self._texts_of = texts_of
        self._known: dict[int, Pairs] = {}

    def pairs(self) -> list[tuple[int, int, float]]:
        """Two near texts each, the first one first, with their likeness. Where very many are near each other, not every
        pair of them, but so many that all hang together."""
        found = ((one, other, self._alike(one, other)) for one, other in self._candidates())
        return [pair for pair in found if pair[2] >= self._threshold]

    def groups(self) -> list[dict[int, float]]:
        """Texts that are near a first one, each with its likeness to that: the first (1.0), then the others in order.

        The first has the least place of those that hang together by near pairs; what is not near to it makes groups of
        its own.
        """
        groups = []
        for together in self._hanging_together():
            left = together
            while len(left) > 1:
                first, *others = left
                alike = {place: self._alike(first, place) for place in others}
                near = {place: share for place, share in alike.items() if share >= self._threshold}
                if near:
                    groups.append({first: 1.0, **near})
                left = [place for place in others if place not in near]
        return groups

    def _hanging_together(self) -> list[list[int]]:
        """Places of texts that a way over near pairs joins, in order."""
        candidates = self._candidates()
        above: dict[int, int] = {}

        def top(place: int) -> int:
            while (higher := above.get(place, place)) != place:
                above[place] = above.get(higher, higher)
                place = higher
            return place

        for one, other in candidates:
            ours, theirs = top(one), top(other)
            if ours != theirs and self._alike(one, other) >= self._threshold:
                above[max(ours, theirs)] = min(ours, theirs)
        joined: dict[int, list[int]] = {}
        for place in sorted({place for pair in candidates for place in pair}):
            joined.setdefault(top(place), []).append(place)
        return [*joined.values()]

    def _candidates(self) -> list[list[int]]:
        candidates: list[list[int]] = _candidates(self._sketches, self._threshold).tolist()
        self._read({place for pair in candidates for place in pair})
        return candidates

    def _alike(self, one: int, other: int) -> float:
        if one in self._known and other in self._known:
            return _common(self._known[one], self._known[other])
        return 0.0  # one of them went meanwhile

    def _read(self, places: set[int]) -> None:
        ordered = sorted(places)
        for first in range(0, len(ordered), _TEXTS):
            texts = self._texts_of(ordered[first : first + _TEXTS])
            self._known |= {place: _pairs(text) for place, text in texts.items()}


# --- candidates ------------------------------------------------------------------------------------------------------


def _candidates(sketches: Sketches, threshold: float) -> NDArray[np.int64]:
    """Pairs of places whose sketches agree as much as those of near texts do; shape `(pairs, 2)`."""
    import numpy as np

    together = _least_together(threshold)
    width = 3 if together >= _LEAST_TOGETHER else 2
    codes: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    for first in range(0, FUNCTIONS - width + 1, width):
        band = np.ascontiguousarray(sketches[:, first : first + width])
        # Texts that agree in this band stand together, the more alike they are in the others, the nearer.
        order = np.lexsort((*np.roll(sketches, -first, axis=1).T[width + 5 : width - 1 : -1], *band.T[::-1]))
        ordered = band[order]
        starts = np.flatnonzero(np.any(ordered[1:] != ordered[:-1], axis=1)) + 1
        group = np.searchsorted(starts, np.arange(len(order)), side="right")
        sizes = np.bincount(group)[group]
        for distance in range(1, _CROWD):
            if distance >= len(order):
                break
            same = (group[distance:] == group[:-distance]) & ((sizes[distance:] <= _CROWD) | (distance <= _BESIDE))
            if not same.any():
                break
            one, other = order[:-distance][same], order[distance:][same]
            codes.append(np.minimum(one, other) * len(order) + np.maximum(one, other))
    found = np.unique(np.concatenate(codes))
    pairs = np.stack([found // max(1, len(sketches)), found % max(1, len(sketches))], axis=1)
    parts = [pairs[start : start + _AT_ONCE] for start in range(0, len(pairs), _AT_ONCE)]
    agreed = np.concatenate(
        [np.empty(0), *((sketches[part[:, 0]] == sketches[part[:, 1]]).mean(axis=1) for part in parts)]
    )
    spread = 3 * (together * (1 - together) / FUNCTIONS) ** 0.5
    enough = agreed >= together - spread
    pairs, agreed = pairs[enough], agreed[enough]
    best = _first_of(pairs[:, 0], agreed) | _first_of(pairs[:, 1], agreed)
    compared: NDArray[np.int64] = pairs[best]
    return compared


def _first_of(places: NDArray[np.int64], agreed: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which pairs are among the `_COMPARED` of their text, at that place, that agree the most."""
    import numpy as np

    order = np.lexsort((-agreed, places))
    ordered = places[order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    first = np.empty(len(order), bool)
    first[order] = rank < _COMPARED
    return first


def _least_together(threshold: float) -> float:
    """The share of word sequences (Jaccard) that texts of that likeness have in common, at the worst: where words that
    differ lie so far apart that each takes away as many sequences as a sequence has words."""
    shared = 1 - _SHINGLE * (1 - threshold) / 2
    return shared / (2 - shared)


# --- words to numbers ------------------------------------------------------------------------------------------------

Pairs = tuple[Any, Any, int]
"""Distinct pairs of words as numbers, how often each stands, and how many there are in all."""


def _pairs(text: str) -> Pairs:
    import numpy as np

    found, counts = np.unique(_sequences(_hashed(text), 2), return_counts=True)
    return found, counts, int(counts.sum())


def _common(one: Pairs, other: Pairs) -> float:
    import numpy as np

    _, ours, theirs = np.intersect1d(one[0], other[0], assume_unique=True, return_indices=True)
    common = np.minimum(one[1][ours], other[1][theirs]).sum()
    return float(2 * common / (one[2] + other[2])) if one[2] + other[2] else 0.0


def _hashed(text: str) -> Hashes:
    """A number for each word, 64 bit, the same on every machine."""
    import numpy as np

    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    words = WORD.findall(text.casefold())
    return np.fromiter(map(_numbers().__getitem__, words), np.uint64, len(words))


def _sequences(words: Hashes, length: int) -> Hashes:
    """A number for each sequence of so many words, in order; of a shorter text one for all of it."""
    import numpy as np

    length = min(length, len(words))
    if not length:
        return words
    combined = np.zeros(len(words) - length + 1, np.uint64)
    for place in range(length):
        combined = _mixed(combined + words[place : place + len(combined)])
    return combined


def _mixed(numbers: Hashes) -> Hashes:
    """SplitMix64 (Steele, Lea and Flood 2014), so that the order of what is added matters."""
    import numpy as np

    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def _least(sequences: Hashes) -> NDArray[np.uint32]:
    """The least value of each hash function (multiply-shift, Dietzfelbinger 1997) over the sequences."""
    import numpy as np

    factors, summands = _functions()
    least = np.full(FUNCTIONS, np.iinfo(np.uint64).max, np.uint64)
    for first in range(0, len(sequences), _HASHED_AT_ONCE):
        hashes = sequences[first : first + _HASHED_AT_ONCE] * factors + summands
        np.minimum(least, hashes.min(axis=1), out=least)
    return (least >> np.uint64(32)).astype(np.uint32)


@cache
def _functions() -> tuple[Hashes, Hashes]:
    import numpy as np

    seeds = _mixed(np.arange(2 * FUNCTIONS, dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03))
    return seeds[:FUNCTIONS, None] | np.uint64(1), seeds[FUNCTIONS:, None]


class _Numbers(dict[str, int]):
    """The number of each word, worked out once while it is remembered."""

    def __missing__(self, word: str) -> int:
        number = int.from_bytes(
            hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
        )
        if len(self) >= _REMEMBERED:
            self.clear()
        self[word] = number
        return number


@cache
def _numbers() -> _Numbers:
    return _Numbers()


def stacked(hashes: Sequence[bytes]) -> Sketches:
    """Sketches as one array, in order."""
    import numpy as np

    return np.frombuffer(b"".join(hashes), "<u4").reshape(len(hashes), FUNCTIONS).astype(np.uint32)
