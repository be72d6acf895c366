"""`hybridrag eval compare`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import one_line, stdout
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from hybridrag.evaluation import Changed, Comparison


def compare(
    context: typer.Context,
    before: Annotated[
        str,
        typer.Argument(
            metavar="A", help="A mode (hybrid, dense+rerank), model:NAME, collection:NAME, run:NUMBER, or a FILE.json."
        ),
    ],
    after: Annotated[str, typer.Argument(metavar="B", help="The same; it is compared with A.")],
    dataset: Annotated[
        Path | None,
        typer.Argument(metavar="[DATASET]", help="A BEIR folder or a question file; not needed for saved runs."),
    ] = None,
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODE", help="The mode of those that name none: hybrid, dense, lexical.")
    ] = "hybrid",
    metric: Annotated[str, typer.Option("--metric", metavar="NAME", help="What they are compared by.")] = "ndcg@10",
    filter_: Annotated[
        str, typer.Option("--filter", metavar="EXPR", help="Only documents that pass it, as for search.")
    ] = "",
    depth: Annotated[
        int, typer.Option("--depth", "-k", metavar="N", min=10, max=1000, help="Documents asked for.")
    ] = 100,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Ask the first N questions only.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", metavar="NAME", help="Of a folder with several judgements: test, dev.")
    ] = None,
    show: Annotated[
        int, typer.Option("--show", metavar="N", min=0, help="Questions shown that got worse, and that got better.")
    ] = 10,
    max_regression: Annotated[
        float | None,
        typer.Option(
            "--max-regression", metavar="X", min=0, max=1, help="Exit 10 if B may be worse by more: the interval's end."
        ),
    ] = None,
) -> int:
    """Compares two ways to search on the same questions: how much B is above A, how sure that is, and where.

    Examples: hybridrag eval compare dense hybrid ./scifact      hybridrag eval compare run:3 run:7
    """
    session = Session.of(context)
    from hybridrag.cli.eval_progress import asking
    from hybridrag.cli.eval_run import check_metric
    from hybridrag.cli.progress import progress
    from hybridrag.errors import BelowBaseline
    from hybridrag.flows.compare import Measure, parse_subject
    from hybridrag.flows.evaluate import RunOptions, read_questions

    subjects = parse_subject(before, mode=mode), parse_subject(after, mode=mode)
    measured = [subject for subject in subjects if isinstance(subject, Measure)]
    if measured and dataset is None:
        raise UsageError(
            f"{measured[0].label} is to be measured, which needs questions",
            hint="name a BEIR folder or a question file as the third argument",
        )
    if measured:
        check_metric(metric, depth)
    asked = read_questions(dataset, split=split) if dataset is not None and measured else None
    if asked is not None and asked.corpus is None and any(subject.place == "chosen" for subject in measured):
        session.say_collection()
    with asking(quiet=session.flags.quiet) as heard:
        found = session.wiring.evaluating.compare(
            *subjects,
            asked,
            named=session.flags.collection is not None,
            options=RunOptions((), filter_, depth, limit),
            metric=metric,
            progress=partial(progress, quiet=session.flags.quiet, verbose=session.flags.verbose),
            asking=heard,
        )
    for note in found.notes:
        session.notice(note)
    failed = max_regression is not None and found.may_fall(max_regression)
    if session.flags.json:
        value = {"schema": "hybridrag.eval_compare/1", "passed": not failed, **comparison_json(found, most=show)}
        session.json(value)
    else:
        _show(stdout(), found, most=show)
    if failed:
        raise BelowBaseline(
            f"a regression of more than {max_regression:g} cannot be ruled out: {found.sentence}",
            hint="look at the questions that got worse; more questions make the interval narrower",
        )
    return 0


def comparison_json(found: Comparison, *, most: int) -> dict[str, Any]:
    """What two runs differ in; `most` bounds the questions listed."""
    from hybridrag.evaluation.runs import difference_json

    return {
        "before": found.before,
        "after": found.after,
        "metric": found.metric,
        "sentence": found.sentence,
        "questions": found.main.questions,
        "metrics": {
            name: {"before": round(before, 5), "after": round(after, 5), **difference_json(found.differences[name])}
            for name, (before, after) in found.means.items()
        },
        "worse_questions": len(found.worse),
        "better_questions": len(found.better),
        "worse": [_changed_json(one) for one in found.worse[:most]],
        "better": [_changed_json(one) for one in found.better[:most]],
        "notes": list(found.notes),
    }


def _changed_json(one: Changed) -> dict[str, Any]:
    return {
        "id": one.question,
        "question": one.text,
        "before": round(one.before, 5),
        "after": round(one.after, 5),
        "ranks": {name: {"before": first, "after": second} for name, (first, second) in one.ranks.items()},
        "instead": one.instead,
    }


# --- for people ------------------------------------------------------------------------------------------------------


def _show(console: Console, found: Comparison, *, most: int) -> None:
    from rich.table import Table

    from hybridrag.evaluation.comparison import short, signed

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    for number, title in enumerate(("metric", "A", "B", "B - A", "95% interval", "p")):
        table.add_column(title, justify="right" if number else "left")
    for name, (before, after) in found.means.items():
        one = found.differences[name]
        interval = f"{signed(one.low)} to {signed(one.high)}"
        table.add_row(one_line(name), short(before), short(after), signed(one.mean), interval, f"{one.p:.2g}")
    console.print(f"A: {one_line(found.before)}")
    console.print(f"B: {one_line(found.after)}")
    console.print(table)
    console.print(one_line(found.sentence))
    if found.after == f"{found.before}+rerank":
        from hybridrag.cli.eval_run_shown import advice

        console.print(advice(found.main))
    _show_questions(console, "worse", found.worse, most=most)
    _show_questions(console, "better", found.better, most=most)


def _show_questions(console: Console, word: str, changed: Sequence[Changed], *, most: int) -> None:
    from rich.text import Text

    from hybridrag.evaluation.comparison import short

    if not changed:
        console.print(f"no question got {word}")
        return
    shown = f", the first {most}:" if 0 < most < len(changed) else ":" if most else ""
    console.print(f"{len(changed)} questions got {word}{shown}")
    for one in changed[:most]:
        console.print(Text(f"  {short(one.before)} -> {short(one.after)}  {one_line(one.text)}", style="bold"))
        for name, (first, second) in one.ranks.items():
            console.print(Text(f"      {one_line(name)}: rank {first or '-'} -> {second or '-'}", style="dim"))
        if one.instead is not None and one.after < one.before:
            console.print(Text(f"      in its place now: {one_line(one.instead)}", style="dim"))
