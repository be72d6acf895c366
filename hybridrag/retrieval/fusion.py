"""Two rankings into one: by the scores of both arms, or by reciprocal ranks.

By score, each candidate has the scores of both arms, whichever found it. They are standardised per question over the
candidates (z-score) and added with a weight, which `retrieval.calibration` finds for each question
(`docs/decisions/0013-adaptive-fusion.md`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

K = TypeVar("K", bound=Any)
"""What names a candidate: anything that can be sorted and hashed."""
_RANK_OFFSET = 60
"""Cormack, Clarke and Büttcher 2009."""


def fuse(dense: Mapping[K, float], lexical: Mapping[K, float], *, dense_weight: float) -> dict[K, float]:
    """The fused score of every candidate, best first, ties by key: `dense_weight` (0 to 1) is the dense arm's part.

    A candidate without a lexical score holds no query term: 0. One without a dense score counts as the farthest.
    """
    candidates = sorted(dense.keys() | lexical.keys())
    farthest = min(dense.values(), default=0.0)
    first = standardised([dense.get(candidate, farthest) for candidate in candidates])
    second = standardised([lexical.get(candidate, 0.0) for candidate in candidates])
    return _best_first(
        (candidate, dense_weight * a + (1 - dense_weight) * b)
        for candidate, a, b in zip(candidates, first, second, strict=True)
    )


def reciprocal_ranks(dense: Mapping[K, float], lexical: Mapping[K, float]) -> dict[K, float]:
    """The fused score of every candidate, best first, ties by key: the sum of 1 / (60 + rank) over the arms (RRF).

    The mappings hold what each arm itself ranked, best first; their scores do not count.
    """
    fused: dict[K, float] = {}
    for ranking in (dense, lexical):
        for rank, candidate in enumerate(ranking, start=1):
            fused[candidate] = fused.get(candidate, 0.0) + 1 / (_RANK_OFFSET + rank)
    return _best_first(fused.items())


def standardised(scores: list[float]) -> list[float]:
    """Mean 0 and deviation 1; all zero where the scores do not differ, since they then say nothing."""
    if len(scores) < 2:
        return [0.0] * len(scores)
    mean = math.fsum(scores) / len(scores)
    deviation = math.sqrt(math.fsum((score - mean) ** 2 for score in scores) / len(scores))
    return [(score - mean) / deviation if deviation > 1e-12 else 0.0 for score in scores]


def _best_first(scores: Iterable[tuple[K, float]]) -> dict[K, float]:
    return dict(sorted(scores, key=lambda item: (-item[1], item[0])))
