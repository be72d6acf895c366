"""How `hybridrag eval history` shows runs: a table, a few lines a run where the terminal is narrow, and pictures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.cli.console import local_time, one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from hybridrag.evaluation.history import Point

_WIDE = 100
"""Columns that a table needs."""
_WIDEST = 240
_PICTURE = 100
"""Columns of a picture at most, and where nobody tells how wide the place is."""
_BESIDE = ("recall@10", "p95_ms")
_BESIDE_ANSWERS = ("declined", "declined_in_vain", "p95_ms")
"""Other figures that a run is told with."""


def show(console: Console, found: Sequence[Point], *, metric: str) -> None:
    """The runs, the latest last, then how the figure went in each collection, dataset and mode."""
    from hybridrag.evaluation.history import lines

    if console.is_terminal and console.width < _WIDE:
        for point in found:
            _show_narrow(console, point, metric)
    else:
        table = _table(found, metric)
        if not console.is_terminal:  # a row is a line, however wide
            console.width = max(console.measure(table, options=console.options.update(width=_WIDEST)).maximum, 1)
        console.print(table)
    for line in lines(found):
        if len(line) > 1:
            _show_picture(console, line, metric)


def _table(found: Sequence[Point], metric: str) -> Table:
    from rich.table import Table

    beside = _beside(found[0], metric)
    several = len({point.entry.collection for point in found}) > 1
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("run", justify="right", no_wrap=True)
    table.add_column("when", no_wrap=True)
    table.add_column("dataset", overflow="fold")
    if several:
        table.add_column("collection", overflow="fold")
    table.add_column("generation", overflow="fold")
    table.add_column("documents", justify="right")
    table.add_column("questions", justify="right")
    table.add_column("mode", overflow="fold")
    table.add_column(metric, no_wrap=True)
    for name in beside:
        table.add_column(_title(name), justify="right", no_wrap=True)
    table.add_column("baseline", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for point in found:
        entry = point.entry
        table.add_row(
            str(entry.id),
            local_time(entry.at),
            one_line(entry.dataset),
            *([one_line(entry.collection)] if several else []),
            one_line(_generation(point)),
            f"{entry.documents:,}",
            f"{point.questions:,}",
            point.mode,
            _value(point, metric),
            *(_figure(point.figure(name), name) for name in beside),
            "yes" if entry.baseline else "",
            _verdict(point),
        )
    return table


def _show_narrow(console: Console, point: Point, metric: str) -> None:
    entry = point.entry
    baseline = ", baseline" if entry.baseline else ""
    console.print(one_line(f"run {entry.id}  {local_time(entry.at)}  {entry.dataset}, {point.mode}{baseline}"))
    told = [f"{metric} {_value(point, metric)}"]
    told += [f"{_title(name)} {_figure(point.figure(name), name)}" for name in _beside(point, metric)]
    told += [f"{entry.documents:,} documents", f"{point.questions:,} questions", f"generation {_generation(point)}"]
    told += [verdict] if (verdict := _verdict(point)) else []
    console.print(one_line("; ".join(told)), style="dim")


def _show_picture(console: Console, line: Sequence[Point], metric: str) -> None:
    from hybridrag.evaluation.timeline import PLAIN, Signs, draw

    entry = line[-1].entry
    console.print()
    console.print(one_line(f"{metric} of {entry.dataset} on {entry.collection}, {line[-1].mode}, with 95% intervals"))
    width = min(console.width, _PICTURE) if console.is_terminal else _PICTURE
    for row in draw(line, width=width, signs=Signs() if _takes_signs() else PLAIN, shown=_form(metric)):
        console.print(row, soft_wrap=True)


def _takes_signs() -> bool:
    return (sys.stdout.encoding or "").lower().replace("_", "-") in {"utf-8", "utf8"}


def _beside(point: Point, metric: str) -> list[str]:
    from hybridrag.evaluation.history import ANSWERS

    return [name for name in (_BESIDE_ANSWERS if point.mode == ANSWERS else _BESIDE) if name != metric]


def _title(name: str) -> str:
    return name.replace("_ms", " ms").replace("_", " ")


def _generation(point: Point) -> str:
    model = point.entry.model
    name = model if not Path(model).is_absolute() else Path(model).name
    return name if point.entry.generation is None else f"{point.entry.generation} {name}"


def _form(metric: str) -> str:
    return "{:.0f}" if metric.endswith("_ms") else "{:.3f}"


def _figure(value: float | None, name: str) -> str:
    return "" if value is None else _form(name).format(value)


def _value(point: Point, metric: str) -> str:
    text = _figure(point.value, metric)
    if point.low is None or point.high is None:
        return text
    return f"{text} [{_figure(point.low, metric)}, {_figure(point.high, metric)}]"


def _verdict(point: Point) -> str:
    """What came of the mode; what else of the run dropped is told beside it."""
    told = point.verdict or ""
    if point.against is not None:
        told += (
            f" (run {point.against})"
            if point.difference is None
            else f" ({point.difference:+.3f}, run {point.against})"
        )
    fallen = sorted({row["mode"] for row in point.entry.held if row["verdict"] == "dropped"} - {point.mode})
    return told + (f"; {', '.join(fallen)} dropped" if fallen else "")
