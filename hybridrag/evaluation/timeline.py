"""A figure over time as lines of text: a column for each run, its value in its 95% interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hybridrag.evaluation.history import Point, promotions

_HEIGHT = 9
_MOST_STEP = 4
"""Columns of a run where there are few."""
_LABELS = 8
_LEAST_RANGE = 0.02
"""What the axis spans at least: runs that are all the same are not to look torn apart."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is drawn: a run, a baseline, a run that dropped, an interval, another generation, and the axis."""

    run: str = "●"
    baseline: str = "◆"
    dropped: str = "✗"
    interval: str = "│"
    promotion: str = "┊"
    axis: str = "┤"


PLAIN = Signs(run="o", baseline="B", dropped="x", interval="|", promotion=":", axis="|")
"""For what takes no more than ASCII."""


def draw(line: Sequence[Point], *, width: int, signs: Signs | None = None, shown: str = "{:.3f}") -> list[str]:
    """The lines of the picture, as wide as `width` columns at most, with a legend.

    What does not fit is left out, the earliest runs first, and the legend tells. `shown` is how a value is written.
    """
    signs = signs or Signs()
    room = max(width - _LABELS - 2, 4)
    kept = line[-room:]
    while len(kept) > 1 and len(kept) + len(promotions(kept)) > room:
        kept = kept[1:]
    breaks = set(promotions(kept))
    step = max(1, min(_MOST_STEP, (room - len(breaks)) // len(kept)))
    bottom, top = _range(kept)

    def row(value: float) -> int:
        return round((top - min(max(value, bottom), top)) / (top - bottom) * (_HEIGHT - 1))

    columns: list[list[str]] = []
    for place, point in enumerate(kept):
        if place in breaks:
            columns.append([signs.promotion] * _HEIGHT)
        column = [" "] * _HEIGHT
        if point.low is not None and point.high is not None:
            for between in range(row(point.high), row(point.low) + 1):
                column[between] = signs.interval
        column[row(point.value)] = _sign(point, signs)
        columns += [column, *([[" "] * _HEIGHT] * (step - 1))]
    rows = []
    for number in range(_HEIGHT):
        label = shown.format(top - (top - bottom) * number / (_HEIGHT - 1)) if number % 4 == 0 else ""
        rows.append(f"{label:>{_LABELS}} {signs.axis}{''.join(column[number] for column in columns)}".rstrip())
    return [*rows, *_legend(line, kept, signs)]


def _range(line: Sequence[Point]) -> tuple[float, float]:
    """The least and the most that the axis shows."""
    least = min(point.value if point.low is None else point.low for point in line)
    most = max(point.value if point.high is None else point.high for point in line)
    if (lacking := _LEAST_RANGE * max(abs(most), 1.0) - (most - least)) > 0:
        least, most = least - lacking / 2, most + lacking / 2
    return least, most


def _sign(point: Point, signs: Signs) -> str:
    if point.verdict == "dropped":
        return signs.dropped
    return signs.baseline if point.entry.baseline else signs.run


def _legend(line: Sequence[Point], kept: Sequence[Point], signs: Signs) -> list[str]:
    first, last = kept[0].entry, kept[-1].entry
    text = f"run {first.id} ({first.at.astimezone():%Y-%m-%d}) to {last.id} ({last.at.astimezone():%Y-%m-%d})"
    if left := len(line) - len(kept):
        text += f", {left} earlier ones left out"
    drawn = {_sign(point, signs) for point in kept}
    told = {signs.run: "run", signs.baseline: "baseline", signs.dropped: "dropped"}
    parts = [f"{sign} {word}" for sign, word in told.items() if sign in drawn]
    if promotions(kept):
        parts.append(f"{signs.promotion} another generation")
    indent = " " * (_LABELS + 2)
    return [indent + text, indent + "  ".join(parts)]
