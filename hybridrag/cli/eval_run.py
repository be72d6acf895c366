"""`hybridrag eval run`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import stdout
from hybridrag.cli.session import Session
from hybridrag.errors import HybridragError, UsageError

if TYPE_CHECKING:
    from hybridrag.evaluation import Run
    from hybridrag.flows.evaluate import Variant
    from hybridrag.flows.monitor import Outcome
    from hybridrag.wiring.evaluating import Target
    from hybridrag.wiring.monitoring import Monitoring


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
    from hybridrag.flows.monitor import Outcome

    options = RunOptions(variants_of(mode, rerank=rerank), filter_, depth, limit)
    asked = read_questions(dataset, split=split, unanswerable=answers)
    named = session.flags.collection is not None
    if asked.corpus is None:
        session.say_collection()
    evaluating = session.wiring.evaluating
    # A missing key is told before any work.
    destination = session.wiring.provider.destination() if provider is not None else None
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
    past = Outcome(found, max_drop=max_drop)
    notes: tuple[str, ...] = ()
    guards = False
    if baseline or against is not None:
        past, notes, failure = _held(evaluating.monitoring, past, target, named=against_run, metric=metric)
        stopped_by = stopped_by or failure
        guards = evaluating.monitoring.settle(past, baseline=baseline and stopped_by is None)
    if baseline and stopped_by is None:
        notes = (*notes, *_about_baseline(past, guards=guards))
    for note in dict.fromkeys((*found.notes, *(found.answers.notes if found.answers else ()), *notes)):
        session.notice(note)
    _write(past, report=report, per_query=per_query)
    _show(session, past, guards=guards)
    if stopped_by is not None:
        raise stopped_by
    _check(past)
    return 0


def _show(session: Session, past: Outcome, *, guards: bool) -> None:
    if session.flags.json:
        session.json(eval_json(past, guards=guards))
        return
    from hybridrag.cli.eval_run_shown import show

    show(stdout(), past)


def _held(
    monitoring: Monitoring, past: Outcome, target: Target, *, named: Run | None, metric: str
) -> tuple[Outcome, tuple[str, ...], HybridragError | None]:
    """The run held against earlier ones, what is to be told of that, and what kept it from being held."""
    notes: tuple[str, ...] = ()
    try:
        if past.run.modes:
            held, notes = monitoring.hold(past.run, target, named=named, metric=metric)
            past = replace(past, held=held)
        if past.run.answers is not None:
            answers, more = monitoring.hold_answers(past.run, target, named=named)
            past, notes = replace(past, answers=answers), (*notes, *more)
    except HybridragError as exc:  # told once what was measured is written
        return past, notes, exc
    return past, notes, None


def _about_baseline(past: Outcome, *, guards: bool) -> Iterable[str]:
    if guards and (past.new or past.verdict == "accepted"):
        yield "this run becomes the baseline"
    elif not past.fell and past.lower:
        yield f"the baseline stays as it was: {', '.join(past.lower)} came out lower, which is not enough for an alarm"


def _check(past: Outcome) -> None:
    """Raises BelowBaseline where something fell."""
    from hybridrag.errors import BelowBaseline

    if past.fallen:
        worst = min(past.fallen, key=lambda one: one.comparison.main.mean)
        raise BelowBaseline(
            f"{worst.mode} fell below its baseline by more than {past.max_drop:g}: {worst.comparison.sentence}",
            hint=f"`hybridrag eval compare run:{worst.baseline.id} run:{past.run.id}` shows which questions got worse"
            if worst.baseline.id is not None and past.run.id is not None
            else "`hybridrag eval compare` shows the questions that got worse",
        )
    if past.fallen_answers:
        from hybridrag.cli.eval_answers import below_baseline

        raise below_baseline(past.fallen_answers[0], past.max_drop)


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


def eval_json(past: Outcome, *, guards: bool = False) -> dict[str, Any]:
    """The `hybridrag.eval/1` object, with what it was held against; `guards` tells whether it is a baseline."""
    from hybridrag.cli.eval_compare import comparison_json
    from hybridrag.evaluation import run_json

    value = run_json(past.run)
    questions = value.pop("questions")  # last: they are long
    value["verdict"] = past.verdict or ("first" if guards else None)
    value["is_baseline"] = guards
    value["baseline"] = [
        {
            "mode": one.mode,
            "run": one.baseline.id,
            "at": one.baseline.at.isoformat(),
            "fell": one.comparison.falls(past.max_drop),
            **comparison_json(one.comparison, most=10),
        }
        for one in past.held
    ]
    if past.run.answers is not None:
        from hybridrag.cli.eval_answers import changes_json

        value["answers"]["baseline"] = changes_json(past.changes, max_drop=past.max_drop)
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


def _write(past: Outcome, *, report: Path | None, per_query: Path | None) -> None:
    if report is None and per_query is None:
        return
    from hybridrag.cli.eval_answers import rows_with_answers
    from hybridrag.evaluation import run_json
    from hybridrag.evaluation.answer_report import answers_section
    from hybridrag.evaluation.files import write_whole
    from hybridrag.evaluation.report import html_report

    run = past.run
    if report is not None:
        more = answers_section(run.answers, past.changes) if run.answers is not None else ()
        write_whole(report, html_report(run, [one.comparison for one in past.held], more=more), "report")
    if per_query is not None:
        value = run_json(run)
        rows = rows_with_answers(value["questions"], value["answers"]) if "answers" in value else value["questions"]
        lines = (json.dumps(row, ensure_ascii=False) for row in rows)
        write_whole(per_query, "".join(f"{line}\n" for line in lines), "file")
