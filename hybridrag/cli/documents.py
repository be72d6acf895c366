"""`hybridrag documents list|show|forget`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli import documents_duplicates, forget
from hybridrag.cli.console import local_time, one_line, printable, stdout
from hybridrag.cli.session import Session
from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from hybridrag.flows.boilerplate import LeftOut

app = typer.Typer(help="What is indexed.", no_args_is_help=True)
app.command("forget")(forget.forget)
app.command("duplicates")(documents_duplicates.duplicates)


@app.command("list")
def list_(
    context: typer.Context,
    filter_: Annotated[str, typer.Option("--filter", metavar="EXPR", help="As for search.")] = "",
    problems: Annotated[
        bool, typer.Option("--problems", help="What could not be indexed as it is now, and since when.")
    ] = False,
) -> int:
    """Shows the documents of a collection. Example: hybridrag documents list --filter type:pdf"""
    from hybridrag.retrieval import parse_filter

    session = Session.of(context)
    wanted = parse_filter(filter_)
    session.say_collection()
    if problems:
        if filter_:
            raise UsageError("--problems takes no --filter: what is not indexed has nothing to be filtered by")
        return _problems(session)
    rows = session.wiring.store.list_documents(session.wiring.collection(), wanted)
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.documents/1",
                "collection": session.settings.collection,
                "documents": [
                    {
                        "id": str(row["id"]),
                        "uri": row["document"].uri,
                        "title": row["title"],
                        "media_type": row["media_type"],
                        "label": row["label"],
                        "language": row["language"],
                        "external_id": row["external_id"],
                        "characters": row["characters"],
                        "chunks": row["chunks"],
                        "indexed_at": row["indexed_at"].isoformat(),
                    }
                    for row in rows
                ],
            }
        )
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("document", "title", "label", "language", "chunks"):
        table.add_column(title, overflow="fold", justify="right" if title == "chunks" else "left")
    for row in rows:
        table.add_row(
            one_line(row["document"].uri),
            one_line(row["title"]),
            row["label"],
            row["language"] or "",
            str(row["chunks"]),
        )
    stdout().print(table)
    return 0


def _problems(session: Session) -> int:
    from hybridrag.store.problems import open_problems

    store, collection = session.wiring.store, session.wiring.collection()
    found = open_problems(store.url, collection)
    if session.flags.json:
        session.json(
            {
                "schema": "hybridrag.problems/1",
                "collection": collection.name,
                "problems": [
                    {
                        "uri": each.uri,
                        "reason": each.reason,
                        "hint": each.hint,
                        "failed": each.failed,
                        "since": each.since.isoformat(),
                    }
                    for each in found
                ],
            }
        )
        return 0
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("document", "state", "reason", "since"):
        table.add_column(title, overflow="fold")
    for each in found:
        word, hint = "failed" if each.failed else "left out", f" ({each.hint})" if each.hint else ""
        table.add_row(one_line(each.uri), word, one_line(f"{each.reason}{hint}"), local_time(each.since))
    stdout().print(table)
    return 0


@app.command("show")
def show(
    context: typer.Context,
    uri: Annotated[str, typer.Argument(metavar="URI", help="SOURCE/PATH, or a file inside a source.")],
) -> int:
    """Shows one document as it was read. Example: hybridrag documents show handbook/travel/rules.md"""
    from hybridrag.flows.boilerplate import left_out_of
    from hybridrag.flows.naming import meanings

    session = Session.of(context)
    store, collection = session.wiring.store, session.wiring.collection()
    sources = [row["source"] for row in store.list_sources(collection)]
    meant = list(meanings(uri, sources))
    for source, path in meant:
        row = store.show_document(collection, source, path)
        if row is not None:
            break
    else:
        raise _not_indexed(session, uri, [f"{source}/{path}" for source, path in meant])
    found = left_out_of(store.url, collection, row)
    if session.flags.json:
        session.json(_document_json(row, found))
        return 0
    stdout().print(printable(row["text"]), soft_wrap=True)
    if found.spans:
        characters = sum(end - start for start, end in found.spans)
        session.notice(
            f"{characters:,} characters of it many documents repeat: they are indexed with {', '.join(found.kept_in)}; "
            "--json tells which"
        )
    return 0


def _not_indexed(session: Session, uri: str, meant: list[str]) -> UsageError:
    """Why a document cannot be shown: what is wrong with it, or that it is a folder or an archive of others."""
    from hybridrag.store.problems import open_problems

    store, collection = session.wiring.store, session.wiring.collection()
    for each in open_problems(store.url, collection):
        if each.uri in meant:
            return UsageError(
                f"{each.uri} is not indexed: {each.reason}", hint=each.hint or "nothing of it can be shown"
            )
    within = [row["document"].uri for row in store.list_documents(collection)]
    for folder in meant:
        if inside := [other for other in within if other.startswith(f"{folder}/")]:
            several = "1 document" if len(inside) == 1 else f"{len(inside):,} documents"
            return UsageError(f"{folder} holds {several}; name one of them", hint=f"the first is {inside[0]}")
    return UsageError(f"no document {uri} is indexed", hint="see `hybridrag documents list`")


def _document_json(row: dict[str, Any], found: LeftOut) -> dict[str, Any]:
    return {
        "schema": "hybridrag.document/1",
        "id": str(row["id"]),
        "uri": row["document"].uri,
        "title": row["title"],
        "media_type": row["media_type"],
        "label": row["label"],
        "language": row["language"],
        "external_id": row["external_id"],
        "metadata": row["metadata"],
        "content_hash": row["content_hash"],
        "text": row["text"],
        "pages": [{"number": number, "start": start, "end": end} for number, start, end in row["pages"]],
        "headings": [{"start": start, "level": level, "title": title} for start, level, title in row["headings"]],
        "blocks": [dict(zip(("kind", "start", "end", "head"), block, strict=True)) for block in row["blocks"]],
        "left_out": [{"start": start, "end": end} for start, end in found.spans],
        "kept_in": list(found.kept_in),
        "chunks": [
            {
                "id": str(chunk["id"]),
                "start": chunk["start_offset"],
                "end": chunk["end_offset"],
                "page": chunk["page"],
                "headings": chunk["headings"],
                "table": chunk["head"] or None,
                "tokens": chunk["tokens"],
            }
            for chunk in row["chunks"]
        ],
    }
