"""How much the dense arm counts, for each question and without any label.

Each arm tells how sure it is. The dense one: how far its best cosines stand above what as many chunks would reach if
they had nothing to do with the question. The lexical one: how far its best scores stand out among the candidates. What
the question asks for in words that no chunk holds, the lexical arm cannot have seen. A model that does not know a
collection's language has cosines that stand out no more than by chance, so it loses its say.

`docs/decisions/0013-adaptive-fusion.md` has the figures, and where the constants come from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

from hybridrag.retrieval.fusion import standardised

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

SAMPLE = 256
"""Vectors that stand for a collection: their deviation is right within a twentieth."""
DEFAULT_WEIGHT = 0.5
"""Without a sample: of the constants the one that never fails badly."""

_FEWEST = 4
"""Fewer vectors tell no deviation."""
_BEST = 5
"""Results of each arm that are looked at: one alone may be an accident."""
_EVEN, _DENSE, _LEXICAL, _UNMATCHED = 0.25, 0.75, 0.4, 1.5
"""Log-odds: a start, and what a deviation of either arm and the share without a match add to it."""


@dataclass(frozen=True, slots=True)
class Background:
    """Mean and deviation of a question's cosines with chunks of a collection taken without regard to it."""

    mean: float
    deviation: float


def sampled(chunks: int) -> list[int]:
    """Which of so many chunks stand for the collection: at most `SAMPLE` positions from 0, in order, evenly spread.

    Documents lie one after the other, so that a spread takes of each kind as much as there is of it.
    """
    size = min(chunks, SAMPLE)
    return [(2 * i + 1) * chunks // (2 * size) for i in range(size)]


def pack(sample: Vectors) -> bytes:
    """Vectors of shape `(n, dimensions)` as little-endian float16, to be kept with a generation."""
    return bytes(sample.astype("<f2").tobytes())


def unpack(packed: bytes, *, dimensions: int) -> Vectors:
    """What `pack` was given, shape `(n, dimensions)`, float32. Raises ValueError where the bytes hold no such."""
    import numpy as np

    if dimensions < 1 or len(packed) % (2 * dimensions):
        raise ValueError(f"{len(packed)} bytes hold no vectors of {dimensions} dimensions")
    return np.frombuffer(packed, dtype="<f2").astype(np.float32).reshape(-1, dimensions)


def background(question: Vector, sample: Vectors) -> Background | None:
    """What cosine is nothing special for a question, shape `(dimensions,)`; the sample has shape `(n, dimensions)`.

    None where the sample is too small, or tells nothing since all its cosines are the same.
    """
    if len(sample) < _FEWEST:
        return None
    cosines = sample @ question
    mean, deviation = float(cosines.mean()), float(cosines.std())
    return Background(mean, deviation) if math.isfinite(mean) and deviation > 1e-6 else None


def unmatched_share(terms: Iterable[tuple[int, int]], *, chunks: int) -> float:
    """The part of a question, 0 to 1, that stands in no chunk: each term weighs as in BM25, by Lucene's idf.

    A term is `(asked, holding)`: how often the question has it, and how many of the `chunks` hold a form of it. For
    `holding` the most chunks that hold one of the forms is near enough. A question without terms is all unmatched.
    """
    lost = total = 0.0
    for asked, holding in terms:
        held = min(holding, chunks)
        weight = asked * math.log1p((chunks - held + 0.5) / (held + 0.5))
        total += weight
        lost += 0.0 if held else weight
    return lost / total if total else 1.0


def query_weight(
    dense: Mapping[Any, float],
    lexical: Mapping[Any, float],
    *,
    background: Background | None,
    searched: int,
    unmatched: float,
) -> float:
    """The dense arm's part in the fusion of one question, above 0 and below 1.

    `dense` and `lexical` are what `fuse` is given: all candidates with the cosines and the BM25 scores they have.
    `searched` is how many chunks passed the filter, all of the collection's without one; `unmatched` comes from
    `unmatched_share`. Without a background the weight is `DEFAULT_WEIGHT`.
    """
    if background is None or not dense:
        return DEFAULT_WEIGHT
    searched = max(searched, len(dense))
    nearest = sorted(dense.values(), reverse=True)[:_BEST]
    above = (_mean(nearest) - background.mean) / background.deviation - _by_chance(len(nearest), searched)
    scores = standardised([lexical.get(candidate, 0.0) for candidate in dense.keys() | lexical.keys()])
    outstanding = _mean(sorted(scores, reverse=True)[:_BEST])
    return _logistic(_EVEN + _DENSE * above - _LEXICAL * outstanding + _UNMATCHED * unmatched)


@lru_cache(maxsize=1024)
def _by_chance(best: int, among: int) -> float:
    """The mean of the `best` highest of `among` draws from a normal distribution, in deviations (Blom's quantiles)."""
    normal = NormalDist()
    return _mean([normal.inv_cdf(1 - (rank - 0.5) / among) for rank in range(1, best + 1)])


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _logistic(odds: float) -> float:
    """Bounded, so that neither arm is ever silenced altogether."""
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))
