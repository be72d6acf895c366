"""The history as it is looked at: which figure of which run, what belongs together, and the picture in a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hybridrag.errors import UsageError
from hybridrag.evaluation.history import ANSWERS, Entry, lines, points, promotions
from hybridrag.evaluation.timeline import PLAIN, draw

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def entry(number: int, modes: Mapping[str, float], **change: Any) -> Entry:
    """A run in whose modes nDCG@10 has these values, with an interval of .1 to both sides."""
    summaries = {
        mode: {"ndcg@10": value, "p95_ms": 5.0, "ci95": {"ndcg@10": [value - 0.1, value + 0.1]}}
        for mode, value in modes.items()
    }
    row: dict[str, Any] = {
        "id": number,
        "collection": "default",
        "dataset": "made",
        "asked": "hash",
        "at": NOON + timedelta(days=number),
        "baseline": False,
        "verdict": None,
        "held": [],
        "configuration": {"model": "m", "generation": change.pop("generation", 1)},
        "metrics": {"documents": 9, "queries": 5, "modes": summaries, "answers": change.pop("answers", None)},
    }
    return Entry.of(row | change)


def test_a_figure_of_each_run_is_that_of_hybrid_or_of_its_first_mode() -> None:
    held = [
        {"mode": "dense", "metric": "ndcg@10", "run": 1, "verdict": "dropped", "difference": -0.2},
        {"mode": "hybrid", "metric": "ndcg@10", "run": 1, "verdict": "same", "difference": 0.0},
    ]
    runs = [
        entry(1, {"dense": 0.7, "hybrid": 0.8}, verdict="first", baseline=True),
        entry(2, {"dense": 0.5, "hybrid": 0.8}, verdict="dropped", held=held),
        entry(3, {"lexical": 0.4}),
        entry(4, {}, answers={"correctness": 0.9, "queries": 7, "ci95": {"correctness": [0.8, 1.0]}}),
    ]
    found = points(runs, metric="ndcg@10")
    assert [(p.entry.id, p.mode, p.value, p.verdict) for p in found] == [
        (1, "hybrid", 0.8, "first"),
        (2, "hybrid", 0.8, "same"),
        (3, "lexical", 0.4, None),
    ]
    dense = points(runs, metric="ndcg@10", mode="dense")
    assert [(p.value, p.verdict, p.against, p.difference) for p in dense] == [
        (0.7, "first", None, None),
        (0.5, "dropped", 1, -0.2),
    ]
    late = points(runs, metric="p95_ms", mode="dense")
    assert [(p.low, p.verdict, p.difference) for p in late] == [(None, "first", None), (None, "dropped", None)]
    (answered,) = points(runs, metric="correctness", mode=ANSWERS)
    assert (answered.value, answered.low, answered.questions) == (0.9, 0.8, 7)
    assert [[p.entry.id for p in line] for line in lines(found)] == [[1, 2], [3]]
    with pytest.raises(UsageError, match="no run has a figure 'ndcg'"):
        points(runs, metric="ndcg")
    with pytest.raises(UsageError, match="no run has a mode 'hybrid\\+rrf'"):
        points(runs, metric="ndcg@10", mode="hybrid+rrf")
    assert points(runs[:3], metric="correctness", mode=ANSWERS) == points([], metric="any") == []


def test_a_picture_shows_values_intervals_drops_and_generations() -> None:
    dropped = [{"mode": "hybrid", "metric": "ndcg@10", "run": 1, "verdict": "dropped", "difference": -0.4}]
    runs = [
        entry(1, {"hybrid": 0.9}, baseline=True, verdict="first"),
        entry(2, {"hybrid": 0.5}, verdict="dropped", held=dropped),
        entry(3, {"hybrid": 0.9}, generation=2),
    ]
    line = points(runs, metric="ndcg@10")
    assert promotions(line) == [2]
    *picture, span, legend = draw(line, width=40)
    assert picture == [
        "   1.000 ┤│       ┊│",
        "         ┤◆       ┊●",
        "         ┤│       ┊│",
        "         ┤│       ┊│",
        "   0.700 ┤        ┊",
        "         ┤    │   ┊",
        "         ┤    │   ┊",
        "         ┤    ✗   ┊",
        "   0.400 ┤    │   ┊",
    ]
    assert "run 1 (2026-01-02) to 3 (2026-01-04)" in span
    assert legend.split("  ")[-4:] == ["● run", "◆ baseline", "✗ dropped", "┊ another generation"]
    assert all(row.isascii() for row in draw(line, width=40, signs=PLAIN))


@pytest.mark.parametrize("width", [1, 12, 20, 80])
def test_a_picture_is_no_wider_than_its_place_and_keeps_the_latest(width: int) -> None:
    runs = [entry(number, {"hybrid": 0.5}, generation=number // 3) for number in range(60)]
    *picture, span, _ = draw(points(runs, metric="ndcg@10"), width=width)
    assert max(map(len, picture)) <= max(width, 14)
    assert "to 59" in span
    if width < 80:
        assert "earlier ones left out" in span


def test_runs_that_are_all_the_same_make_a_flat_line() -> None:
    runs = [entry(number, {"hybrid": 1.0}) for number in range(3)]
    picture = draw(points(runs, metric="p95_ms"), width=40, shown="{:.0f}")
    assert sum("●" in row for row in picture[:-2]) == 1
