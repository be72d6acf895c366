"""`hybridrag ingest`."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import notice, stdout
from hybridrag.cli.logs import log
from hybridrag.cli.options import AllowMassDelete, AllowPrivate, Dims, DryRun, Precision, Prune, Strict
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError
from hybridrag.types import Label

if TYPE_CHECKING:
    from hybridrag.flows.ingest_report import IngestReport
    from hybridrag.types import Skipped

_SHOWN_PROBLEMS = 10
_SHOWN_REASONS = 6


def ingest(
    context: typer.Context,
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files, folders, *.jsonl, web pages, or - for stdin.")
    ],
    source: Annotated[str | None, typer.Option("--source", metavar="NAME", help="The source's name.")] = None,
    include: Annotated[list[str] | None, typer.Option("--include", metavar="GLOB", help="Only these files.")] = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", metavar="GLOB", help="Not these files.")] = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", metavar="[GLOB=]LEVEL", help="public, internal, confidential or local-only."),
    ] = None,
    embedder: Annotated[
        str | None, typer.Option("--embedder", metavar="MODEL", help="The embedding model of a new collection.")
    ] = None,
    dims: Dims = None,
    precision: Precision = None,
    prune: Prune = True,
    allow_mass_delete: AllowMassDelete = False,
    dry_run: DryRun = False,
    strict: Strict = False,
    stdin_name: Annotated[
        str | None, typer.Option("--stdin-name", metavar="NAME", help="File name for the document on stdin.")
    ] = None,
    allow_private: AllowPrivate = None,
) -> int:
    """Reads documents, and indexes what is new or changed.

    Examples: hybridrag ingest ./docs      hybridrag ingest report.pdf notes.md      hybridrag ingest https://example.com/page.html
    """
    session = Session.of(
        context, embedder=embedder, dims=dims, precision=precision, allow_private_addresses=allow_private
    )
    level, globs = labels(label)
    session.say_collection()
    from hybridrag.cli.progress import progress
    from hybridrag.flows.ingest import IngestOptions
    from hybridrag.flows.selection import SourceOptions

    with progress(quiet=session.flags.quiet, verbose=session.flags.verbose) as shown:
        report = session.wiring.ingesting.ingest(
            paths,
            source_options=SourceOptions(
                name=source,
                include=tuple(include) if include else None,
                exclude=tuple(exclude) if exclude else None,
                label=level,
                label_globs=globs,
            ),
            options=IngestOptions(
                prune=prune,
                strict=strict,
                allow_mass_delete=allow_mass_delete,
                dry_run=dry_run,
                globs=session.settings.labels,
            ),
            progress=shown,
            stdin=sys.stdin.buffer,
            stdin_name=stdin_name,
        )
    if found := log():
        found.know(run_id=report.run_id)
    if session.flags.json:
        session.json(report_json(report))
    else:
        show_report(report, quiet=session.flags.quiet, verbose=session.flags.verbose)
    for warning in report.warnings:
        session.notice(warning)
    report.check(strict=strict)
    return 0


def report_json(report: IngestReport) -> dict[str, Any]:
    """The `hybridrag.ingest/1` object."""
    return {
        "schema": "hybridrag.ingest/1",
        "collection": report.collection,
        "run_id": report.run_id,
        "dry_run": report.dry_run,
        "documents": {
            "added": report.added,
            "updated": report.updated,
            "unchanged": report.unchanged,
            "removed": report.removed,
            "moved": report.moved,
            "skipped": report.skipped,
            "failed": report.failed,
        },
        "chunks": {
            "added": report.chunks_added,
            "removed": report.chunks_removed,
            "embedded": report.chunks_embedded,
            "reused": report.chunks_reused,
        },
        "boilerplate": {
            "paragraphs": report.boilerplate.paragraphs,
            "documents": report.boilerplate.documents,
        },
        "tokens_embedded": report.tokens_embedded,
        "bytes_read": report.bytes_read,
        "seconds": round(report.seconds, 3),
        "stages": {name: round(seconds, 3) for name, seconds in report.stages.items()},
        "problems": [{"uri": p.uri, "reason": p.reason, "hint": p.hint, "failed": p.failed} for p in report.problems],
        "refused": [{"source": r.source, "reason": r.reason, "hint": r.hint} for r in report.refused],
        "warnings": report.warnings,
        "notes": [{"uri": uri, "note": text} for uri, text in report.notes],
        **({"would_remove": report.would_remove} if report.dry_run else {}),
    }


def labels(given: list[str] | None) -> tuple[Label | None, tuple[tuple[str, Label], ...] | None]:
    level: Label | None = None
    globs: list[tuple[str, Label]] = []
    for text in given or ():
        glob, equals, name = text.rpartition("=")
        try:
            parsed = Label.parse(name)
        except ValueError:
            raise UsageError(
                f"--label {text}: there is no label {name!r}", hint="labels: " + ", ".join(Label)
            ) from None
        if equals:
            globs.append((glob, parsed))
        else:
            level = parsed
    return level, tuple(globs) or None


def _by_reason(problems: Sequence[Skipped]) -> str:
    """How many there are of each kind of problem, the most frequent first."""
    found = Counter(problem.reason for problem in problems).most_common()
    told = [f"{reason} ({count})" for reason, count in found[:_SHOWN_REASONS]]
    others = sum(count for _, count in found[_SHOWN_REASONS:])
    return "; ".join((*told, *([f"other reasons ({others})"] if others else [])))


def show_report(report: IngestReport, *, quiet: bool, verbose: bool) -> None:
    """The report for people: what went wrong on stderr, the numbers on stdout."""
    problems = sorted((p for p in report.problems if p.failed or verbose), key=lambda p: p.uri)
    shown = problems if verbose else problems[:_SHOWN_PROBLEMS]
    for problem in shown:
        word = "failed" if problem.failed else "skipped"
        hint = f" ({problem.hint})" if problem.hint else ""
        fields = {"uri": problem.uri, "reason": problem.reason, "hint": problem.hint}
        line = f"{word}: {problem.uri}: {problem.reason}{hint}"
        notice(line, quiet=quiet, level="warning", event=word, **fields)
    if rest := problems[len(shown) :]:
        notice(f"... and {len(rest)} more failed: {_by_reason(rest)}", quiet=quiet)
    if left_out := [p for p in report.problems if not (p.failed or verbose)]:
        notice(f"skipped: {_by_reason(left_out)}", quiet=quiet)
    if rest or left_out:
        notice("--verbose names each file", quiet=quiet)
    if report.notes and not verbose:
        said = "1 note" if len(report.notes) == 1 else f"{len(report.notes)} notes"
        uri, text = report.notes[0]
        notice(f"{said} on what was read, with --verbose all; the first: {uri}: {text}", quiet=quiet)
    going = report.would_remove if verbose else report.would_remove[:_SHOWN_PROBLEMS]
    for uri in going:
        notice(f"would be removed: {uri}", quiet=quiet)
    if len(report.would_remove) > len(going):
        notice(f"... and {len(report.would_remove) - len(going)} more; --verbose shows all", quiet=quiet)
    verb = "would be " if report.dry_run else ""
    parts = [
        f"{number} {verb}{word}" if word in {"added", "updated", "removed", "moved"} else f"{number} {word}"
        for number, word in (
            (report.added, "added"),
            (report.updated, "updated"),
            (report.unchanged, "unchanged"),
            (report.removed, "removed"),
            (report.moved, "moved"),
            (report.skipped, "skipped"),
            (report.failed, "failed"),
        )
        if number or word in {"added", "unchanged"}
    ]
    out = stdout()
    out.print(f"documents: {', '.join(parts)}")
    if not report.dry_run:
        rate = report.tokens_embedded / report.stages["embed"] if report.stages["embed"] > 0 else 0
        speed = f", {rate:,.0f} tokens/s" if rate else ""
        out.print(
            f"chunks:    {report.chunks_added} added, {report.chunks_removed} removed, "
            f"{report.chunks_embedded} embedded{speed}, {report.chunks_reused} reused"
        )
        if report.boilerplate.documents:
            out.print(
                f"repeated:  {report.boilerplate.paragraphs} paragraphs that many documents begin or end with; left "
                f"out of {report.boilerplate.documents}, indexed once"
            )
        out.print(f"time:      {report.seconds:.1f} s into collection {report.collection}")
