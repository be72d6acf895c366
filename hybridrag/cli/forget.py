"""`hybridrag documents forget`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import agrees, one_line, shown_bytes, stdout
from hybridrag.cli.options import DryRun
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from hybridrag.flows.forget import Forgotten

_PLACES = {
    "documents": "documents, with text, title, headings and metadata",
    "chunks": "chunks, of all chunk sets",
    "vectors": "vectors, of all generations",
    "detections": "detected values (their places)",
    "waiting_documents": "documents waiting to be chunked",
    "waiting_texts": "texts waiting to be embedded",
    "lexical_indexes": "lexical indexes, written anew without their words",
    "samples": "samples of vectors",
    "gates": "gate reports that named them",
    "gate_questions": "gate reports, their questions",
    "evaluations": "evaluations that named them",
    "problems": "problems of runs",
    "messages": "messages of runs",
    "conversations": "saved conversations that cited them",
    "turns": "turns of those",
    "payloads": "kept requests that held them",
    "temporary_folders": "temporary folders of processes that were killed",
}
_SHOWN = 20


def forget(
    context: typer.Context,
    uris: Annotated[
        list[str] | None,
        typer.Argument(metavar="URI...", help="SOURCE/PATH, a glob of those, or a file inside a source."),
    ] = None,
    filter_: Annotated[
        str, typer.Option("--filter", metavar="EXPR", help="All documents that pass; as for search.")
    ] = "",
    purge: Annotated[
        bool, typer.Option("--purge", help="Rewrite the database's files, so that they hold it no more.")
    ] = False,
    keep_out: Annotated[
        bool, typer.Option("--keep-out/--no-keep-out", help="Have its source leave it out from now on.")
    ] = True,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> int:
    """Removes documents from everywhere that the program keeps anything of them.

    The files themselves stay. Run again what was broken off: it completes the rest.

    Examples: hybridrag documents forget handbook/staff/ann.md --purge      hybridrag documents forget 'hr/**' --dry-run
    """
    from hybridrag.flows.forget import Options
    from hybridrag.retrieval import parse_filter
    from hybridrag.wiring.forgetting import ForgetDocuments

    wanted = parse_filter(filter_)
    if not uris and wanted is None:
        raise UsageError("which documents? nothing is named", hint="give a URI, a glob of URIs, or --filter EXPR")
    session = Session.of(context)
    session.say_collection()
    forgetting = ForgetDocuments(session.wiring)
    meant = forgetting.meant(uris or (), wanted)
    named = meant.documents
    if not dry_run and not yes and _is_many(named, uris) and not _confirmed(named):
        session.notice("nothing was forgotten")
        return 0
    done = forgetting.forget(meant, Options(keep_out=keep_out, purge=purge, dry_run=dry_run))
    if session.flags.json:
        session.json(forgotten_json(done))
    else:
        _show(done)
    for line in _told(done):
        session.notice(line)
    return 0


def forgotten_json(done: Forgotten) -> dict[str, Any]:
    """The `hybridrag.forget/1` object: what an answer to a request for erasure can rest on."""
    from hybridrag.flows.forget import OUT_OF_REACH

    purged = done.purged
    return {
        "schema": "hybridrag.forget/1",
        "collection": done.collection,
        "dry_run": done.dry_run,
        "at": done.at.isoformat(),
        "documents": [
            {"uri": each.uri, "id": each.id, "indexed": each.indexed, "source": each.source, "file": each.file}
            for each in done.documents
        ],
        "removed": {place: done.removed[place] for place in _PLACES},
        "purged": None
        if purged is None
        else {
            "tables": purged.tables,
            "bytes_before": purged.bytes_before,
            "bytes_after": purged.bytes_after,
            "wal_segments": purged.segments,
        },
        "left": done.left,
        "out_of_reach": list(OUT_OF_REACH),
    }


def _is_many(named: Sequence[tuple[str, str]], uris: list[str] | None) -> bool:
    """Whether more goes than one document that was named as such."""
    return len(named) > 1 or not uris


def _confirmed(named: Sequence[tuple[str, str]]) -> bool:
    """Whether the user says yes. Raises UsageError where nobody can be asked."""
    if not named:
        return True
    count = "1 document" if len(named) == 1 else f"{len(named):,} documents"
    if not sys.stdin.isatty():
        raise UsageError(f"this would forget {count}, and nobody can be asked", hint="add --yes if it is meant")
    for source, path in named[:_SHOWN]:
        sys.stderr.write(one_line(f"  {source}/{path}") + "\n")
    if len(named) > _SHOWN:
        sys.stderr.write(f"  ... and {len(named) - _SHOWN:,} more; --dry-run --json lists all\n")
    return agrees(f"Forget {count} everywhere? There is no way back.")


def _show(done: Forgotten) -> None:
    out = stdout()
    for each in done.documents:
        state = "" if each.indexed else " (not indexed)"
        out.print(f"{'would forget' if done.dry_run else 'forgot'} {one_line(each.uri)}{state}")
    for place, meaning in _PLACES.items():
        if done.removed[place]:
            out.print(f"{done.removed[place]:>8,}  {meaning}")
    if done.purged:
        out.print(
            f"rewrote {done.purged.tables} tables ({shown_bytes(done.purged.bytes_before)}, now "
            f"{shown_bytes(done.purged.bytes_after)}) and {done.purged.segments} segments of the write-ahead log"
        )


def _told(done: Forgotten) -> list[str]:
    """What the user has to know beyond the counts."""
    from hybridrag.flows.forget import OUT_OF_REACH

    lines = []
    if not done.documents:
        lines.append("no document is meant by that; what earlier ones left was looked after")
    elif not any(done.removed[place] for place in _PLACES if place != "temporary_folders"):
        lines.append("nothing was found of it")
    stay = {each.uri for each in done.documents if each.source == "kept out"}
    for each in done.documents:
        if any(each.uri[:end] in stay for end, letter in enumerate(each.uri) if letter == "/"):
            continue  # told with the file that it lies in
        if each.file:
            back = {
                "kept out": "its source leaves it out from now on",
                "offered": "the next sync brings it back unless it is removed there",
                "gone": "",
            }[each.source]
            lines.append(f"{each.uri} still lies in {each.file}; {back}")
        elif each.source == "kept out":
            lines.append(f"{each.uri}: whether it is still there was not seen; its source leaves it out from now on")
    lines += [f"not removed: {line}" for line in done.left]
    if not done.purged and not done.dry_run:
        lines.append("the database's files keep deleted text until it is written over; --purge rewrites them now")
    lines.append(f"out of reach: {'; '.join(OUT_OF_REACH)}")
    return lines
