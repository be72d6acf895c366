"""Ranking metrics, as trec_eval defines them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], *, depth: int = 10) -> float:
    """nDCG at `depth` (trec_eval's ndcg_cut): gain is the grade, discount log2(rank + 1); 0 where nothing is relevant.

    `ranking` holds document ids, best first, each once.
    """
    gains = [max(grades.get(document, 0), 0) for document in ranking[:depth]]
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:depth]
    best = _discounted(ideal)
    return _discounted(gains) / best if best else 0.0


def mean_ndcg(
    rankings: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]], *, depth: int = 10
) -> float:
    """The mean over all judged queries; one without a ranking counts 0."""
    if not qrels:
        return 0.0
    return sum(ndcg(rankings.get(query, ()), grades, depth=depth) for query, grades in qrels.items()) / len(qrels)


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))
