"""Two rankings into one, by score.

Each candidate has both scores, whichever arm found it. Scores are standardised per query over the candidates (z-score)
and added with fixed weights, .7 dense and .3 lexical: nDCG@10 .645 on average over eight collections, against .625 for
reciprocal rank fusion and .587 for dense search alone (`docs/decisions/0005-score-fusion.md`).
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from uuid import UUID

DENSE_WEIGHT = 0.7


def fuse(
    dense: Mapping[UUID, float], lexical: Mapping[UUID, float], *, dense_weight: float = DENSE_WEIGHT
) -> dict[UUID, float]:
    """The fused score of every candidate, best first. A candidate without a lexical score holds no query term: 0."""
    candidates = sorted(dense.keys() | lexical.keys())
    lowest = min(dense.values(), default=0.0)
    first = _standardised([dense.get(candidate, lowest) for candidate in candidates])
    second = _standardised([lexical.get(candidate, 0.0) for candidate in candidates])
    fused = {
        candidate: dense_weight * a + (1 - dense_weight) * b
        for candidate, a, b in zip(candidates, first, second, strict=True)
    }
    return dict(sorted(fused.items(), key=lambda item: (-item[1], item[0])))


def _standardised(scores: list[float]) -> list[float]:
    """Mean 0 and deviation 1; all zero where the scores do not differ, since they then say nothing."""
    if len(scores) < 2:
        return [0.0] * len(scores)
    mean, deviation = statistics.fmean(scores), statistics.pstdev(scores)
    return [(score - mean) / deviation if deviation > 1e-12 else 0.0 for score in scores]
