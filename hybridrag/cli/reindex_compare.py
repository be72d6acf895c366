"""`hybridrag reindex compare`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import one_line, stdout
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrag.flows.compare_generations import Compared
    from hybridrag.types import GenerationStatus

_SHOWN = 5
_LISTED = 20
"""Questions that got worse, and that got better: shown to people, and to programs."""


def compare(
    context: typer.Context,
    before: Annotated[
        int | None, typer.Argument(metavar="[A]", help="A generation's number; the active one if left out.")
    ] = None,
    after: Annotated[
        int | None, typer.Argument(metavar="[B]", help="What is compared with it; the newest that is built.")
    ] = None,
    questions: Annotated[
        Path | None,
        typer.Option(
            "--questions", metavar="PATH", help="A BEIR folder or a question file; made from the documents without it."
        ),
    ] = None,
    count: Annotated[
        int, typer.Option("--count", metavar="N", min=1, max=5000, help="How many questions are made.")
    ] = 200,
    seed: Annotated[int, typer.Option("--seed", metavar="N", min=0, help="Which ones are made.")] = 0,
    mode: Annotated[str, typer.Option("--mode", metavar="MODE", help="hybrid, dense or lexical.")] = "hybrid",
    metric: Annotated[str, typer.Option("--metric", metavar="NAME", help="What the verdict is about.")] = "ndcg@10",
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the figures as a PNG.")] = None,
) -> int:
    """Compares two generations on the same questions, asked in turns: quality, overlap, latency and size.

    Documents are compared, so the two may be made of different chunks. Nothing is changed.

    Examples: hybridrag reindex compare --questions questions.jsonl      hybridrag reindex compare 3 5
    """
    from hybridrag.evaluation.gate import MODES

    session = Session.of(context)
    if mode not in MODES:
        raise UsageError(f"there is no mode {mode!r}", hint=f"there are: {', '.join(MODES)}")
    if plot is not None:
        from hybridrag.evaluation.plots import check_plot

        check_plot(plot)
    from hybridrag.cli.eval_progress import asking
    from hybridrag.flows.compare_generations import CompareOptions
    from hybridrag.flows.evaluate import read_questions
    from hybridrag.wiring.judging import Judging

    asked = read_questions(questions) if questions is not None else None
    session.say_collection()
    judging = Judging(session.wiring)
    first, second = judging.statuses(before, after)
    with asking(quiet=session.flags.quiet) as heard:
        found = judging.compare(
            asked,
            before=first,
            after=second,
            options=CompareOptions(MODES[mode], metric, count, seed),
            asking=heard,
        )
    for note in found.run.notes:
        session.notice(note)
    if plot is not None:
        _draw(plot, found, cache=session.settings.paths.cache)
    if session.flags.json:
        session.json(compare_json(found))
    else:
        _show(stdout(), found)
    return 0


def compare_json(found: Compared) -> dict[str, Any]:
    """The `hybridrag.generation_compare/1` object."""
    from hybridrag.cli.eval_compare import comparison_json
    from hybridrag.flows.compare_generations import overlap_json, side_json

    value = comparison_json(found.comparison, most=_LISTED)
    return {
        "schema": "hybridrag.generation_compare/1",
        "collection": found.run.collection,
        "dataset": found.run.dataset,
        "generated": found.generated,
        "questions": value["questions"],
        "mode": found.mode,
        "metric": value["metric"],
        "sentence": value["sentence"],
        "before": side_json(found.before, found.summary(found.before)),
        "after": side_json(found.after, found.summary(found.after)),
        "metrics": value["metrics"],
        "overlap": overlap_json(found.overlap),
        **{name: value[name] for name in ("worse_questions", "better_questions", "worse", "better")},
        "notes": list(found.run.notes),
    }


# --- for people ------------------------------------------------------------------------------------------------------


def _show(console: Console, found: Compared) -> None:
    from rich.table import Table

    from hybridrag.evaluation.comparison import short

    overlap = found.overlap
    console.print(f"A: {_named(found.before)}")
    console.print(f"B: {_named(found.after)}")
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for title in ("", "A", "B", "B - A", "95% interval"):
        table.add_column(title, justify="right" if title else "left", overflow="fold")
    for row in _rows(found):
        table.add_row(*row)
    console.print(table)
    console.print(
        f"of the first ten documents both find {short(overlap.at_10)}; "
        f"{short(overlap.same_first)} of the questions have the same first one"
    )
    console.print(one_line(found.comparison.sentence))
    _show_questions(console, found)


def _rows(found: Compared) -> list[tuple[str, ...]]:
    from hybridrag.evaluation.comparison import short, signed

    rows: list[tuple[str, ...]] = []
    for name, (before, after) in found.comparison.means.items():
        one = found.comparison.differences[name]
        interval = f"{signed(one.low)} to {signed(one.high)}"
        rows.append((name, short(before), short(after), signed(one.mean), interval))
    first, second = found.summary(found.before), found.summary(found.after)
    for name, one_ms, other_ms in (("p50 ms", first.p50_ms, second.p50_ms), ("p95 ms", first.p95_ms, second.p95_ms)):
        rows.append((name, f"{one_ms:.1f}", f"{other_ms:.1f}", f"{other_ms - one_ms:+.1f}", ""))
    for name in ("chunks", "vectors"):
        one_count, other_count = getattr(found.before, name), getattr(found.after, name)
        rows.append((name, f"{one_count:,}", f"{other_count:,}", f"{other_count - one_count:+,}", ""))
    one_mb, other_mb = found.before.bytes / 1e6, found.after.bytes / 1e6
    rows.append(("vectors MB", f"{one_mb:,.1f}", f"{other_mb:,.1f}", f"{other_mb - one_mb:+,.1f}", ""))
    return rows


def _show_questions(console: Console, found: Compared) -> None:
    from rich.text import Text

    from hybridrag.evaluation.comparison import short

    worse, better = found.comparison.worse, found.comparison.better
    console.print(f"{len(better)} questions got better, {len(worse)} worse{':' if worse else ''}")
    for one in worse[:_SHOWN]:
        console.print(Text(f"  {short(one.before)} -> {short(one.after)}  {one_line(one.text)}"))
    if len(worse) > _SHOWN:
        console.print(f"  and {len(worse) - _SHOWN} more: --json lists them")


def _named(status: GenerationStatus) -> str:
    generation = status.generation
    share = f", answers {generation.share}% of the questions" if generation.share else ""
    return one_line(
        f"generation {generation.id}, {generation.state}{share}: {generation.model}, {generation.dimensions} dimensions"
    )


def _draw(path: Path, found: Compared, *, cache: Path) -> None:
    from hybridrag.evaluation.plots import Bar, Panel, draw_bars

    sides = [("A", found.before), ("B", found.after)]
    names = {id(side): f"{letter}: {one_line(Path(side.generation.model).name)}" for letter, side in sides}

    def bar(side: GenerationStatus, value: float, least: float | None = None, most: float | None = None) -> Bar:
        return Bar(names[id(side)], value, least, most, emphasised=side is found.after)

    def panel(title: str, value: Callable[[GenerationStatus], float], shown: str) -> Panel:
        return Panel(title, [bar(side, value(side)) for _, side in sides], shown)

    panels = []
    for metric in found.comparison.means:
        summaries = [(side, found.summary(side)) for _, side in sides]
        measured = [bar(side, one.means[metric], *one.intervals[metric]) for side, one in summaries]
        panels.append(Panel(f"{metric}, with its 95% interval", measured, "{:.3f}"))
    panels.append(panel("p95 of a search, milliseconds", lambda side: found.summary(side).p95_ms, "{:,.1f}"))
    panels.append(panel("vectors and their index, MB", lambda side: side.bytes / 1e6, "{:,.1f}"))
    title = f"{found.run.collection}: {len(found.run.texts)} questions, {found.mode}"
    draw_bars(path, title=title, panels=panels, cache=cache)
