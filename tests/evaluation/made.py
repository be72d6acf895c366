"""Runs made of rankings, for tests of what is done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hybridrag.evaluation import Outcome, Run


def run_of_rankings(
    modes: Mapping[str, Sequence[Sequence[str]]],
    *,
    texts: Sequence[str] | None = None,
    relevant: str = "good",
    **others: Any,
) -> Run:
    """For each mode the ranking of each question; the document `relevant` is the one that answers all of them."""
    number = len(next(iter(modes.values())))
    asked = dict(enumerate(texts or [f"question {n}" for n in range(number)]))
    grades = {relevant: 1}
    return Run(
        dataset="made",
        asked="hash",
        collection="default",
        documents=10,
        texts={str(key): text for key, text in asked.items()},
        qrels={str(key): grades for key in asked},
        modes={
            mode: {
                str(key): Outcome.of(tuple(ranking), grades, depth=100, ms=float(key + 1))
                for key, ranking in enumerate(rankings)
            }
            for mode, rankings in modes.items()
        },
        **others,
    )
