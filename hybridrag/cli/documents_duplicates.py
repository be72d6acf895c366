"""`hybridrag documents duplicates`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import one_line, stdout
from hybridrag.cli.session import Session
from hybridrag.cli.sources import unknown_source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hybridrag.flows.duplicates import Duplicate, Group


def duplicates(
    context: typer.Context,
    exact: Annotated[bool, typer.Option("--exact", help="Only documents with the same words.")] = False,
    near: Annotated[bool, typer.Option("--near", help="Only documents of which some differ in a few words.")] = False,
    threshold: Annotated[
        float, typer.Option("--threshold", metavar="SHARE", help="How much near ones have in common, .8 to 1.")
    ] = 0.9,
    source: Annotated[
        list[str] | None, typer.Option("--source", metavar="NAME", help="Only the documents of these sources.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Groups to show: 20, with --json all.")
    ] = None,
) -> int:
    """Shows documents that say the same, whatever their formats. Example: hybridrag documents duplicates --near"""
    from hybridrag.flows.duplicates import Kind, duplicates
    from hybridrag.store.duplicates import Comparison

    session = Session.of(context)
    session.say_collection()
    store, collection = session.wiring.store, session.wiring.collection()
    known = store.list_sources(collection)
    for name in source or ():
        if name not in {row["source"].name for row in known}:
            raise unknown_source(collection.name, name, known)
    kinds: list[Kind] = ["exact", "near"] if exact == near else ["exact"] if exact else ["near"]
    with Comparison.open(store.url, collection) as comparison:
        groups = duplicates(comparison, kinds=kinds, threshold=threshold, sources=source or ())
    if session.flags.json:
        shown = groups[:limit]
        session.json({**_summary(collection.name, threshold, groups), "groups": [_group_json(each) for each in shown]})
        return 0
    _show(groups, limit or _SHOWN)
    return 0


_SHOWN = 20


def _summary(collection: str, threshold: float, groups: Sequence[Group]) -> dict[str, Any]:
    return {
        "schema": "hybridrag.duplicates/1",
        "collection": collection,
        "threshold": threshold,
        "total": {
            "groups": len(groups),
            "documents": sum(len(group.documents) for group in groups),
            "repeated_characters": sum(group.repeated for group in groups),
        },
    }


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "kind": group.kind,
        "repeated_characters": group.repeated,
        "documents": [
            {
                "id": str(each.compared.document.id),
                "uri": each.compared.document.uri,
                "title": each.compared.document.title,
                "media_type": each.compared.document.media_type,
                "similarity": round(each.similarity, 4),
                "exact": each.exact,
                "newest": each.newest,
                "longest": each.longest,
                "date": each.compared.dated.isoformat() if each.compared.dated else None,
                "characters": each.compared.characters,
                "words": each.compared.words,
                "content_hash": each.compared.content_hash,
            }
            for each in group.documents
        ],
    }


def _show(groups: Sequence[Group], limit: int) -> None:
    from rich.table import Table

    out = stdout()
    if not groups:
        out.print("no two documents say the same")
        return
    table = Table(box=None, pad_edge=False)
    for title in ("document", "alike", "characters", "date", ""):
        right = title in ("alike", "characters")
        table.add_column(title, overflow="fold", justify="right" if right else "left")
    for group in groups[:limit]:
        for place, each in enumerate(group.documents):
            table.add_row(
                one_line(each.compared.document.uri),
                _alike(each, first=not place),
                f"{each.compared.characters:,}",
                f"{each.compared.dated:%Y-%m-%d}" if each.compared.dated else "",
                ", ".join(word for word, holds in (("newest", each.newest), ("longest", each.longest)) if holds),
                end_section=place == len(group.documents) - 1,
            )
        table.add_row()
    out.print(table)
    if len(groups) > limit:
        out.print(f"... and {len(groups) - limit:,} more groups; --limit shows more, --json all")
    more = sum(len(group.documents) - 1 for group in groups)
    repeated = sum(group.repeated for group in groups)
    named = "1 group" if len(groups) == 1 else f"{len(groups):,} groups"
    out.print(f"{named}: {more:,} documents repeat another, {repeated:,} characters")


def _alike(each: Duplicate, *, first: bool) -> str:
    if first:
        return ""
    return "same" if each.exact else f"{each.similarity:.1%}"
