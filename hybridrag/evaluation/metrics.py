"""Ranking metrics, as trec_eval defines them.

A ranking holds document ids, best first, each once. Grades are of the judged documents; one of at least 1 is relevant.
A question for which no document is relevant counts 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

DEPTH = 100
"""Documents of a ranking that the deepest of our metrics looks at."""
MAIN = "ndcg@10"
"""The metric that verdicts are about where nobody names another."""


def measured(ranking: Sequence[str], grades: Mapping[str, int], *, depth: int = DEPTH) -> dict[str, float]:
    """Every metric of a ranking that was asked for `depth` documents, by name; those that look deeper are left out."""
    found = {
        "ndcg@10": (10, ndcg(ranking, grades)),
        "recall@10": (10, recall(ranking, grades, depth=10)),
        "recall@100": (100, recall(ranking, grades, depth=100)),
        "mrr@10": (10, reciprocal_rank(ranking, grades)),
        "map@100": (100, average_precision(ranking, grades)),
    }
    return {name: value for name, (needed, value) in found.items() if needed <= depth}


def ndcg(ranking: Sequence[str], grades: Mapping[str, int], *, depth: int = 10) -> float:
    """nDCG at `depth` (trec_eval's ndcg_cut): gain is the grade, discount log2(rank + 1)."""
    gains = [max(grades.get(document, 0), 0) for document in ranking[:depth]]
    ideal = sorted((grade for grade in grades.values() if grade > 0), reverse=True)[:depth]
    best = _discounted(ideal)
    return _discounted(gains) / best if best else 0.0


def recall(ranking: Sequence[str], grades: Mapping[str, int], *, depth: int) -> float:
    """The share of the relevant documents that stand among the first `depth` (trec_eval's recall)."""
    relevant = _relevant(grades)
    return len(relevant.intersection(ranking[:depth])) / len(relevant) if relevant else 0.0


def reciprocal_rank(ranking: Sequence[str], grades: Mapping[str, int], *, depth: int = 10) -> float:
    """1 over the rank of the first relevant document, 0 where it is below `depth` (trec_eval's recip_rank, cut)."""
    relevant = _relevant(grades)
    return next((1 / rank for rank, name in enumerate(ranking[:depth], start=1) if name in relevant), 0.0)


def average_precision(ranking: Sequence[str], grades: Mapping[str, int], *, depth: int = 100) -> float:
    """The mean, over all relevant documents, of the precision where each stands; below `depth` it is 0 (map_cut)."""
    relevant = _relevant(grades)
    places = [rank for rank, name in enumerate(ranking[:depth], start=1) if name in relevant]
    return sum(number / rank for number, rank in enumerate(places, start=1)) / len(relevant) if relevant else 0.0


def mean_ndcg(
    rankings: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]], *, depth: int = 10
) -> float:
    """The mean over all judged queries; one without a ranking counts 0."""
    if not qrels:
        return 0.0
    return sum(ndcg(rankings.get(query, ()), grades, depth=depth) for query, grades in qrels.items()) / len(qrels)


def _relevant(grades: Mapping[str, int]) -> set[str]:
    return {document for document, grade in grades.items() if grade > 0}


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, start=1))
