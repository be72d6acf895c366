"""Dense search without an index: every vector against every question, in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hybridrag.evaluation.metrics import ndcg

if TYPE_CHECKING:
    from hybridrag.types import Vectors

_TOGETHER = 256
"""Questions scored at once."""


def rankings(vectors: Vectors, owners: Sequence[str], queries: Vectors, *, depth: int = 10) -> list[list[str]]:
    """For each query the best `depth` documents, each by its nearest vector.

    `vectors` are unit vectors of shape `(n, dimensions)`, `owners` the document of each, `queries` of shape
    `(questions, dimensions)`. Of equal scores the earlier vector wins.
    """
    import numpy as np

    ranked = []
    for first in range(0, len(queries), _TOGETHER):
        for scores in queries[first : first + _TOGETHER] @ vectors.T:
            order = np.argsort(-scores, kind="stable")
            best: dict[str, None] = {}
            for index in order:
                best.setdefault(owners[index])
                if len(best) == depth:
                    break
            ranked.append(list(best))
    return ranked


def dense_ndcg(
    vectors: Vectors, owners: Sequence[str], queries: Vectors, grades: Sequence[Mapping[str, int]]
) -> list[float]:
    """nDCG@10 of each query, whose judged documents are in `grades`. Shapes as for `rankings`."""
    return [ndcg(found, judged) for found, judged in zip(rankings(vectors, owners, queries), grades, strict=True)]
