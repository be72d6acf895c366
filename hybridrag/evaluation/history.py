"""The history of runs as it is looked at: one figure of one way to search, run by run, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hybridrag.errors import UsageError

ANSWERS = "answers"
"""The mode of figures of answers."""
_NOT_FIGURES = {"ci95", "counts", "verdicts", "usage"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A kept run without its questions. `modes` and `answers` hold what `hybridrag.eval/1` tells of each.

    `held` tells for each mode, and for figures of answers, which run it was held against and what came out. `verdict`
    is of the whole run, None where it was held against nothing.
    """

    id: int
    collection: str
    dataset: str
    asked: str
    at: datetime
    generation: int | None
    model: str
    documents: int
    queries: int
    modes: Mapping[str, Mapping[str, Any]]
    answers: Mapping[str, Any] | None
    baseline: bool
    verdict: str | None
    held: Sequence[Mapping[str, Any]]

    @staticmethod
    def of(row: Mapping[str, Any]) -> Entry:
        """The entry of a row of the history."""
        metrics, configuration = row["metrics"], row["configuration"]
        return Entry(
            id=row["id"],
            collection=row["collection"],
            dataset=row["dataset"],
            asked=row["asked"],
            at=row["at"],
            generation=configuration.get("generation"),
            model=str(configuration.get("model")),
            documents=metrics["documents"],
            queries=metrics["queries"],
            modes=metrics["modes"],
            answers=metrics.get("answers"),
            baseline=row["baseline"],
            verdict=row["verdict"],
            held=row["held"],
        )

    def figures(self, mode: str) -> Mapping[str, Any]:
        """All that was measured of a mode: means and latencies by name, and `ci95`."""
        return (self.answers or {}) if mode == ANSWERS else self.modes.get(mode, {})


@dataclass(frozen=True, slots=True)
class Point:
    """One figure of a run: its value, and the 95% interval where it has one.

    `verdict` is of this mode; `against` the run that it was held against, and `difference` how far it is above that.
    """

    entry: Entry
    mode: str
    value: float
    low: float | None
    high: float | None
    verdict: str | None = None
    against: int | None = None
    difference: float | None = None

    @property
    def questions(self) -> int:
        """How many questions were asked of this mode."""
        return int(self.entry.figures(self.mode).get("queries", self.entry.queries))

    def figure(self, name: str) -> float | None:
        """Another figure of the same mode."""
        value = self.entry.figures(self.mode).get(name)
        return float(value) if value is not None and _is_number(value) else None


def points(entries: Iterable[Entry], *, metric: str, mode: str | None = None) -> list[Point]:
    """A figure of each run that has it, in the order given.

    Without a `mode` it is that of `hybrid`, or of the first mode where a run has no hybrid one. Raises UsageError where
    no run has the figure, while there are runs.
    """
    found, known, modes = [], dict[str, None](), dict[str, None]()
    for entry in entries:
        chosen = mode or ("hybrid" if "hybrid" in entry.modes else next(iter(entry.modes), None))
        modes |= dict.fromkeys(entry.modes)
        if chosen is None:
            continue
        figures = entry.figures(chosen)
        known |= dict.fromkeys(
            name for name, value in figures.items() if name not in _NOT_FIGURES and _is_number(value)
        )
        if _is_number(figures.get(metric)):
            found.append(_point(entry, chosen, metric, figures))
    if not found and known:
        raise UsageError(f"no run has a figure {metric!r}", hint=f"there are: {', '.join(known)}")
    if not found and mode not in (None, ANSWERS) and modes:
        raise UsageError(f"no run has a mode {mode!r}", hint=f"there are: {', '.join(modes)}")
    return found


def lines(found: Iterable[Point]) -> list[list[Point]]:
    """The points that belong together, each in the order given: of one collection, dataset and mode."""
    groups: dict[tuple[str, str, str], list[Point]] = {}
    for point in found:
        groups.setdefault((point.entry.collection, point.entry.dataset, point.mode), []).append(point)
    return list(groups.values())


def promotions(line: Sequence[Point]) -> list[int]:
    """The places of the points whose run was served by another generation than the run before."""
    return [place for place in range(1, len(line)) if line[place].entry.generation != line[place - 1].entry.generation]


def _point(entry: Entry, mode: str, metric: str, figures: Mapping[str, Any]) -> Point:
    low, high = figures.get("ci95", {}).get(metric) or (None, None)
    rows = [row for row in entry.held if row["mode"] == mode]
    held = next((row for row in rows if row["metric"] == metric), rows[0] if rows else None)
    if held is None:
        return Point(
            entry, mode, float(figures[metric]), low, high, entry.verdict if entry.verdict == "first" else None
        )
    difference = held["difference"] if held["metric"] == metric else None
    return Point(entry, mode, float(figures[metric]), low, high, held["verdict"], held["run"], difference)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
