"""How `hybridrag eval run` shows what it measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from hybridrag.cli.console import one_line

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from hybridrag.evaluation import Difference, Run
    from hybridrag.flows.compare import Held
    from hybridrag.flows.monitor import Outcome

_WIDE = 80
"""Columns that the table of five metrics needs; a narrower terminal gets a few lines for each mode."""


def show(console: Console, past: Outcome) -> None:
    """The figures of every mode, what their differences mean, and what came of the baseline; then those of answers."""
    run = past.run
    if run.modes:
        _show_retrieval(console, run, past.held)
    if run.answers is not None:
        from hybridrag.cli.eval_answers import show as show_answers

        show_answers(console, run.answers, past.changes)


def _show_retrieval(console: Console, run: Run, held: Sequence[Held]) -> None:
    number = f", run {run.id}" if run.id is not None else ""
    console.print(
        f"{one_line(run.dataset)}: {len(run.texts):,} questions to {run.documents:,} documents of "
        f"{one_line(run.collection)}, depth {run.configuration['depth']}{number}"
    )
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    if console.width < _WIDE:
        _show_narrow(console, run)
    else:
        console.print(_table(run))
    for line in _told(run):
        console.print(line)
    for one in held:
        console.print(one_line(f"{one.mode}: {one.comparison.sentence}"))


def _table(run: Run) -> Table:
    from rich.table import Table

    names = list(next(iter(run.summaries.values())).means)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for number, title in enumerate(("mode", *names, "p50 ms\np95")):
        table.add_column(title, justify="right" if number else "left", overflow="fold")
    for mode, summary in run.summaries.items():
        cells = [_cell(summary.means[name], summary.intervals[name]) for name in names]
        table.add_row(mode, *cells, f"{summary.p50_ms:.1f}\n{summary.p95_ms:.1f}")
    for (before, after), found in run.differences.items():
        table.add_row(f"{after}\n- {before}", *(_difference_cell(found[name]) for name in names), "")
    return table


def _show_narrow(console: Console, run: Run) -> None:
    from hybridrag.evaluation.comparison import short

    for mode, summary in run.summaries.items():
        console.print(f"{mode}  (p50 {summary.p50_ms:.1f} ms, p95 {summary.p95_ms:.1f} ms)")
        for name, value in summary.means.items():
            low, high = summary.intervals[name]
            console.print(f"  {name:<10} {short(value)}  [{short(low)}, {short(high)}]")


def _told(run: Run) -> Iterable[str]:
    """What the differences mean, in sentences."""
    from hybridrag.evaluation import MAIN
    from hybridrag.evaluation.comparison import verdict

    for (before, after), found in run.differences.items():
        yield verdict(found[MAIN], before=before, after=after, metric=MAIN)
    for pair in run.reranked():
        yield advice(run.differences[pair][MAIN])


def advice(reranked: Difference) -> str:
    """What to do about a reranker that made such a difference."""
    if reranked.told and reranked.mean > 0:
        return "reranking helps here: turn it on with rerank = true in the settings, if its time is worth it"
    return "reranking is not better here: leave it off"


def _cell(value: float, interval: tuple[float, float]) -> str:
    from hybridrag.evaluation.comparison import short

    return f"{short(value)}\n{short(interval[0])}-{short(interval[1])}"


def _difference_cell(found: Difference) -> str:
    from hybridrag.evaluation.comparison import signed

    return f"{signed(found.mean)}\n{signed(found.low)},{signed(found.high)}"
