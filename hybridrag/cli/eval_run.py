"""`hybridrag eval run`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import one_line, stdout
from hybridrag.cli.session import Session
from hybridrag.errors import HybridragError, UsageError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from hybridrag.evaluation import Difference, Run
    from hybridrag.evaluation.answers import Change
    from hybridrag.flows.compare import Held
    from hybridrag.flows.evaluate import Variant
    from hybridrag.wiring.evaluating import Evaluating, Target

_WIDE = 80
"""Columns that the table of five metrics needs; a narrower terminal gets a few lines for each mode."""


def run(
    context: typer.Context,
    dataset: Annotated[
        Path, typer.Argument(metavar="DATASET", help="A BEIR folder, or a question file (JSONL: question, sources).")
    ],
    mode: Annotated[
        str, typer.Option("--mode", metavar="MODES", help="Some of hybrid, dense, lexical, hybrid+rrf, hybrid+rerank.")
    ] = "hybrid,dense,lexical",
    rerank: Annotated[bool, typer.Option("--rerank", help="Also the first mode with its hits reranked.")] = False,
    answers: Annotated[
        bool, typer.Option("--answers", help="Also have each question answered, and judge what comes.")
    ] = False,
    provider: Annotated[
        str | None,
        typer.Option("--provider", metavar="NAME|URL", help="Who answers; without it, the documents' own sentences."),
    ] = None,
    llm: Annotated[str | None, typer.Option("--llm", metavar="MODEL", help="The chat model.")] = None,
    max_cost: Annotated[
        str | None, typer.Option("--max-cost-usd", metavar="USD", help="What all requests of a day may cost.")
    ] = None,
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
    embedder: Annotated[
        str | None, typer.Option("--embedder", metavar="MODEL", help="The embedding model for a BEIR folder's corpus.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FILE", help="Write the results as one page of HTML.")
    ] = None,
    per_query: Annotated[
        Path | None, typer.Option("--per-query", metavar="FILE", help="Write each question's results as JSONL.")
    ] = None,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Compare with the last baseline, exit 10 on a drop; else become it.")
    ] = False,
    against: Annotated[
        str | None, typer.Option("--against", metavar="RUN", help="--baseline with this run: its number, or a file.")
    ] = None,
    max_drop: Annotated[
        float, typer.Option("--max-drop", metavar="X", min=0, max=1, help="What may be lost to the baseline.")
    ] = 0.01,
    metric: Annotated[
        str, typer.Option("--metric", metavar="NAME", help="What baselines are compared by.")
    ] = "ndcg@10",
) -> int:
    """Measures how well questions find the documents that answer them, in every mode; and the answers, with --answers.

    The corpus of a BEIR folder is first brought into a hidden collection of its own; with -c NAME, and for a question
    file, the questions are asked of that collection. Every run is kept; those with `--baseline` guard the later ones.

    Examples: hybridrag eval run ./scifact      hybridrag eval run questions.jsonl -c handbook --baseline --max-drop .02
    """
    from hybridrag.cli.eval_answers import announce, check_options

    check_options(answers=answers, provider=provider, llm=llm)
    session = Session.of(context, embedder=embedder, provider=provider, llm=llm, max_cost_usd=max_cost)
    _check_places(report, per_query, read=[dataset, *([Path(against)] if against is not None else [])])
    check_metric(metric, depth)
    from hybridrag.cli.eval_progress import asking
    from hybridrag.cli.progress import progress
    from hybridrag.flows.evaluate import RunOptions, read_questions
    from hybridrag.flows.evaluate_answers import AnswerOptions

    options = RunOptions(variants_of(mode, rerank=rerank), filter_, depth, limit)
    asked = read_questions(dataset, split=split, unanswerable=answers)
    named = session.flags.collection is not None
    if asked.corpus is None:
        session.say_collection()
    evaluating = session.wiring.evaluating
    destination = evaluating.destination() if provider is not None else None  # a missing key is told before any work
    against_run = None
    if against is not None:
        against_run = evaluating.named(against, asked.answerable, variants=options.variants, metric=metric)
    shown = partial(progress, quiet=session.flags.quiet, verbose=session.flags.verbose)
    target = evaluating.target(asked, named=named, progress=shown)
    with asking(quiet=session.flags.quiet) as heard:
        found = evaluating.run(target, asked.answerable, options=options, asking=heard)
        stopped_by: HybridragError | None = None
        if answers:
            announce(session, asked, limit=limit, destination=destination)
            wanted = AnswerOptions(filter_, limit, rerank=session.wiring.settings.rerank)
            outcome = evaluating.answers(target, asked, destination=destination, options=wanted, asking=heard)
            found, stopped_by = replace(found, answers=outcome.answers), outcome.stopped_by
    found = evaluating.save(found, target)
    past = _Past(failure=stopped_by)
    if baseline or against is not None:
        past = _past(evaluating, found, target, named=against_run, metric=metric, stopped_by=stopped_by)
    notes = past.notes
    if baseline and past.is_kept(max_drop) and evaluating.make_baseline(found) and past.is_new(found):
        notes = (*notes, "this run becomes the baseline")
    for note in dict.fromkeys((*found.notes, *(found.answers.notes if found.answers else ()), *notes)):
        session.notice(note)
    _write(found, past, report=report, per_query=per_query)
    if session.flags.json:
        session.json(eval_json(found, past.held, past.changed, max_drop=max_drop))
    else:
        _show(stdout(), found, past)
    past.check(found, max_drop)
    return 0


@dataclass(frozen=True, slots=True)
class _Past:
    """What a run was held against, and what is told once its results are written: `failure` is why it is not whole."""

    held: Sequence[Held] = ()
    changed: Sequence[Change] = ()
    notes: tuple[str, ...] = ()
    failure: HybridragError | None = None

    def is_kept(self, max_drop: float) -> bool:
        """Whether nothing fell and nothing failed."""
        fell = any(one.comparison.falls(max_drop) for one in self.held) or any(c.falls(max_drop) for c in self.changed)
        return self.failure is None and not fell

    def is_new(self, found: Run) -> bool:
        """Whether something of the run had no baseline."""
        return len(self.held) < len(found.modes) or (found.answers is not None and not self.changed)

    def check(self, found: Run, max_drop: float) -> None:
        """Raises what ended the run, or BelowBaseline where something fell."""
        if self.failure is not None:
            raise self.failure
        _check_modes([one for one in self.held if one.comparison.falls(max_drop)], found, max_drop)
        if lost := [one for one in self.changed if one.falls(max_drop)]:
            from hybridrag.cli.eval_answers import below_baseline

            raise below_baseline(lost[0], max_drop)


def _past(
    evaluating: Evaluating,
    found: Run,
    target: Target,
    *,
    named: Run | None,
    metric: str,
    stopped_by: HybridragError | None,
) -> _Past:
    held: Sequence[Held] = ()
    changed: Sequence[Change] = ()
    notes: tuple[str, ...] = ()
    try:
        if found.modes:
            held, notes = evaluating.hold(found, target, named=named, metric=metric)
        if found.answers is not None:
            changed, more = evaluating.hold_answers(found, target, named=named)
            notes = (*notes, *more)
    except HybridragError as exc:  # told once what was measured is written
        return _Past(held, changed, notes, stopped_by or exc)
    return _Past(held, changed, notes, stopped_by)


def _check_modes(fallen: Sequence[Held], found: Run, max_drop: float) -> None:
    from hybridrag.errors import BelowBaseline

    if fallen:
        worst = min(fallen, key=lambda one: one.comparison.main.mean)
        raise BelowBaseline(
            f"{worst.mode} fell below its baseline by more than {max_drop:g}: {worst.comparison.sentence}",
            hint=f"`hybridrag eval compare run:{worst.baseline.id} run:{found.id}` shows the questions that got worse"
            if worst.baseline.id is not None and found.id is not None
            else "`hybridrag eval compare` shows the questions that got worse",
        )


def variants_of(modes: str, *, rerank: bool = False) -> tuple[Variant, ...]:
    """The modes that a list names, each once. Raises UsageError."""
    from hybridrag.flows.evaluate import Variant

    names = [name.strip() for name in modes.split(",") if name.strip()]
    if not names:
        raise UsageError("--mode names no mode", hint="for example: --mode hybrid,dense")
    variants = [Variant.parse(name) for name in names]
    if rerank and not any(variant.rerank for variant in variants):
        variants.append(Variant.parse(f"{variants[0].name}+rerank"))
    return tuple({variant.name: variant for variant in variants}.values())


def eval_json(
    run: Run, held: Sequence[Held] = (), changed: Sequence[Change] = (), *, max_drop: float | None = None
) -> dict[str, Any]:
    """The `hybridrag.eval/1` object, with what it was held against."""
    from hybridrag.cli.eval_compare import comparison_json
    from hybridrag.evaluation import run_json

    value = run_json(run)
    questions = value.pop("questions")  # last: they are long
    value["baseline"] = [
        {
            "mode": one.mode,
            "run": one.baseline.id,
            "at": one.baseline.at.isoformat(),
            "fell": max_drop is not None and one.comparison.falls(max_drop),
            **comparison_json(one.comparison, most=10),
        }
        for one in held
    ]
    if run.answers is not None:
        from hybridrag.cli.eval_answers import changes_json

        value["answers"]["baseline"] = changes_json(changed, max_drop=max_drop or 0.0)
    return {**value, "questions": questions}


def _check_places(report: Path | None, per_query: Path | None, *, read: Sequence[Path]) -> None:
    if report is None and per_query is None:
        return
    from hybridrag.evaluation.datasets import files_of
    from hybridrag.evaluation.files import check_place
    from hybridrag.evaluation.report import check_report

    taken = [file for path in read for file in (path, *files_of(path))]
    if report is not None:
        check_report(report, read=taken)
    if per_query is not None:
        check_place(per_query, "file", read=taken)
    if report is not None and per_query is not None and report.absolute() == per_query.absolute():
        raise UsageError(f"--report and --per-query both name {report}", hint="name two files")


def check_metric(metric: str, depth: int) -> None:
    """Raises UsageError where nothing can be measured by a metric, before anything is asked."""
    from hybridrag.evaluation import measured

    known = measured((), {}, depth=depth)
    if metric not in known:
        raise UsageError(f"there is no metric {metric!r} at a depth of {depth}", hint=f"there are: {', '.join(known)}")


def _write(run: Run, past: _Past, *, report: Path | None, per_query: Path | None) -> None:
    if report is None and per_query is None:
        return
    from hybridrag.cli.eval_answers import rows_with_answers
    from hybridrag.evaluation import run_json
    from hybridrag.evaluation.answer_report import answers_section
    from hybridrag.evaluation.files import write_whole
    from hybridrag.evaluation.report import html_report

    if report is not None:
        more = answers_section(run.answers, past.changed) if run.answers is not None else ()
        write_whole(report, html_report(run, [one.comparison for one in past.held], more=more), "report")
    if per_query is not None:
        value = run_json(run)
        rows = rows_with_answers(value["questions"], value["answers"]) if "answers" in value else value["questions"]
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        write_whole(per_query, "".join(f"{line}\n" for line in lines), "file")


# --- for people ------------------------------------------------------------------------------------------------------


def _show(console: Console, run: Run, past: _Past) -> None:
    if run.modes:
        _show_retrieval(console, run, past.held)
    if run.answers is not None:
        from hybridrag.cli.eval_answers import show

        show(console, run.answers, past.changed)


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
