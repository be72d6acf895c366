"""`hybridrag eval history`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import local_time, one_line, stdout
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from hybridrag.evaluation.history import Entry, Point

_SCHEMA = "hybridrag.eval_history/1"
_MOST_LINES = 20
"""Lines in one picture."""


def history(
    context: typer.Context,
    dataset: Annotated[
        str | None, typer.Argument(metavar="[DATASET]", help="Its name or path; without it, the runs of all.")
    ] = None,
    mode: Annotated[
        str | None, typer.Option("--mode", metavar="MODE", help="Only this one; else hybrid, or a run's first.")
    ] = None,
    metric: Annotated[
        str | None, typer.Option("--metric", metavar="NAME", help="What is shown and drawn: ndcg@10, p95_ms, ...")
    ] = None,
    answers: Annotated[bool, typer.Option("--answers", help="Figures of answers, by correctness.")] = False,
    since: Annotated[
        str | None, typer.Option("--since", metavar="WHEN", help="Not before: 12h, 30d, 2w, or a date (UTC).")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", metavar="N", min=1, help="The latest N runs.")] = 30,
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw it as a PNG or an SVG.")] = None,
    prune: Annotated[
        str | None, typer.Option("--prune", metavar="AGE", help="Remove runs older than 400d, but no present baseline.")
    ] = None,
) -> int:
    """Shows what was measured run by run, the latest last: a table, and a picture of one figure with its interval.

    Without -c NAME, runs of datasets in collections of their own are shown with those of the collection that is used.

    Examples: hybridrag eval history      hybridrag eval history ./scifact --metric recall@10 --plot scifact.svg
    """
    from hybridrag.evaluation.history import ANSWERS, lines, points
    from hybridrag.flows.moments import moment

    if answers and mode is not None:
        raise UsageError("--answers shows figures of answers, which have no mode", hint="leave --mode or --answers out")
    session = Session.of(context)
    first = None if since is None else moment(since)
    before = None if prune is None else moment(prune, option="--prune")
    mode = ANSWERS if answers else _canonical(mode)
    if plot is not None:
        from hybridrag.evaluation.plots import COURSE_KINDS, check_plot

        check_plot(plot, kinds=COURSE_KINDS)
    named = session.flags.collection is not None
    if not named:
        session.say_collection()
    monitoring = session.wiring.evaluating.monitoring
    scope = monitoring.scope(dataset, named=named)
    if before is not None:
        removed = monitoring.prune(scope, before=before)
        if session.flags.json:
            session.json({"schema": _SCHEMA, "pruned": removed, "before": before.isoformat()})
        else:
            stdout().print(f"{removed:,} runs from before {local_time(before)} were removed")
        return 0
    entries = monitoring.entries(scope, since=first, limit=limit)
    chosen = metric or ("correctness" if answers else "ndcg@10")
    if answers and metric is None and not any("correctness" in entry.figures(ANSWERS) for entry in entries):
        chosen = "declined"
    found = points(entries, metric=chosen, mode=mode)
    if plot is not None and found:
        _draw(plot, lines(found), metric=chosen, cache=session.settings.paths.cache)
    if session.flags.json:
        session.json(_json(entries, found, metric=chosen))
    elif not found:
        _say_how_to_begin(entries, answers=answers, chosen=dataset is not None or first is not None)
    else:
        from hybridrag.cli.eval_history_shown import show

        show(stdout(), found, metric=chosen)
    for line in _left_out(entries, found, answers=answers, limit=limit):
        session.notice(line)
    return 0


def _canonical(mode: str | None) -> str | None:
    """The name under which a mode is kept. Raises UsageError for no mode."""
    from hybridrag.flows.evaluate import Variant

    return None if mode is None else Variant.parse(mode).name


def _say_how_to_begin(entries: Sequence[Entry], *, answers: bool, chosen: bool) -> None:
    also = " --answers" if answers else ""
    if entries or chosen:
        what = "answers were judged in none of these runs" if answers and entries else "there is no such run"
        stdout().print(f"{what}; `hybridrag eval history` without options shows what there is", soft_wrap=True)
        return
    stdout().print(
        f"nothing was measured yet: `hybridrag eval run QUESTIONS.jsonl{also} --baseline` makes the first run, and "
        "`hybridrag eval generate -o QUESTIONS.jsonl` makes questions of your documents",
        soft_wrap=True,
    )


def _left_out(entries: Sequence[Entry], found: Sequence[Point], *, answers: bool, limit: int) -> list[str]:
    notes = []
    if found and not answers and (other := sum(not entry.modes for entry in entries)):
        notes.append(f"{other} runs of answers alone are not shown; --answers shows them")
    if len(entries) == limit:
        notes.append(f"the latest {limit} runs are shown; --limit shows more")
    return notes


def _draw(path: Path, found: Sequence[Sequence[Point]], *, metric: str, cache: Path) -> None:
    """The picture of `--plot`. `cache` is for the list of fonts. Raises UsageError where it would be too high."""
    if len(found) > _MOST_LINES:
        raise UsageError(
            f"{len(found)} datasets and modes are too many for one picture", hint="name a dataset, and --mode"
        )
    from hybridrag.evaluation.history import promotions
    from hybridrag.evaluation.plots import Course, Moment, draw_courses

    courses = []
    for line in found:
        moments = [
            Moment(p.entry.at, p.value, p.low, p.high, dropped=p.verdict == "dropped", baseline=p.entry.baseline)
            for p in line
        ]
        marks = [
            (line[place].entry.at, f"generation {line[place].entry.generation}: {one_line(line[place].entry.model)}")
            for place in promotions(line)
        ]
        entry = line[-1].entry
        title = one_line(f"{entry.dataset} on {entry.collection}, {line[-1].mode}")
        courses.append(Course(title, moments, marks))
    draw_courses(path, title=f"{metric}, with 95% intervals", courses=courses, cache=cache)


# --- for programs ----------------------------------------------------------------------------------------------------


def _json(entries: Sequence[Entry], found: Sequence[Point], *, metric: str) -> dict[str, Any]:
    shown = {point.entry.id: point for point in found}
    return {"schema": _SCHEMA, "metric": metric, "runs": [_run_json(entry, shown.get(entry.id)) for entry in entries]}


def _run_json(entry: Entry, point: Point | None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": entry.at.isoformat(),
        "collection": entry.collection,
        "dataset": entry.dataset,
        "asked": entry.asked,
        "generation": entry.generation,
        "model": entry.model,
        "documents": entry.documents,
        "queries": entry.queries,
        "mode": None if point is None else point.mode,
        "value": None if point is None else point.value,
        "ci95": None if point is None or point.low is None else [point.low, point.high],
        "is_baseline": entry.baseline,
        "verdict": entry.verdict,
        "held": [dict(row) for row in entry.held],
        "modes": {name: dict(figures) for name, figures in entry.modes.items()},
        "answers": None if entry.answers is None else dict(entry.answers),
    }
