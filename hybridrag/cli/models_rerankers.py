"""Rerankers in `hybridrag models list --rerankers` and `hybridrag models show`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hybridrag.cli.console import printable, stdout

if TYPE_CHECKING:
    from hybridrag.cli.session import Session
    from hybridrag.flows.models import ListedReranker, ShownReranker


def print_list(session: Session, lines: list[ListedReranker]) -> None:
    """A table, a line for each reranker, or JSON."""
    if session.flags.json:
        session.json({"schema": "hybridrag.rerankers/1", "rerankers": [_line_json(line) for line in lines]})
        return
    if not lines:
        session.notice("no reranker of the catalogue is all of that")
        return
    from rich.table import Table

    from hybridrag.cli.models_show import short_number, window_of

    console = stdout()
    if not console.is_terminal:
        console.width = 400  # a line for each model, however long
    table = Table(box=None, pad_edge=False)
    for title in ("name", "window", "parameters", "languages", "licence", "here", "good for"):
        table.add_column(title, justify="right" if title in {"window", "parameters"} else "left")
    for line in lines:
        entry = line.entry
        table.add_row(
            entry.name + (" (set)" if line.is_set else ""),
            window_of(entry.window),
            short_number(entry.parameters),
            " ".join(entry.languages) if len(entry.languages) <= 2 else str(len(entry.languages)),
            entry.licence,
            "-" if line.path is None else "yes",
            entry.good_for,
        )
    console.print(table)


def print_reranker(session: Session, shown: ShownReranker) -> None:
    """All that is known of one, or JSON."""
    if session.flags.json:
        session.json(_reranker_json(shown))
        return
    from rich.table import Table

    console = stdout()
    if not console.is_terminal:
        console.width = 2000
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(overflow="fold")
    for fact, value in _facts(shown):
        table.add_row(fact, printable(value))
    console.print(table)


def _line_json(line: ListedReranker) -> dict[str, Any]:
    return {**asdict(line.entry), "local": str(line.path) if line.path else None, "set": line.is_set}


def _facts(shown: ShownReranker) -> Iterator[tuple[str, str]]:
    from hybridrag.cli.models_show import short_number, window_of
    from hybridrag.models.downloading import amount

    entry, here = shown.entry, shown.here
    yield "name", shown.name if entry is None else entry.name
    yield "kind", "reranker"
    if shown.repository:
        yield "repository", shown.repository
    if entry:
        yield "revision", f"{entry.revision} (pinned)" if entry.revision else "the newest (none is pinned)"
        yield "good for", entry.good_for
        yield "parameters", short_number(entry.parameters)
    if shown.window:
        yield "window", f"{window_of(shown.window)} tokens, question and text together"
    if entry:
        count = f"{len(entry.languages)}: " if len(entry.languages) > 5 else ""
        yield "languages", count + " ".join(entry.languages)
        yield "licence", entry.licence
        yield "number formats", ", ".join(entry.formats)
    if here:
        yield "on this machine", f"{here.path} ({amount(here.size)})"
        if here.commit and (entry is None or here.commit != entry.revision):
            yield "revision here", here.commit
    else:
        yield "on this machine", f"no: hybridrag models pull {shown.name}"
    if shown.others:
        yield "other revisions", ", ".join(f"{shown.name.partition('@')[0]}@{commit[:12]}" for commit in shown.others)
    if shown.problem:
        yield "cannot be used", shown.problem
    if shown.runtime:
        prepared = "" if shown.ready else ", prepared at its first use (`models pull` does it too)"
        yield "runtime", shown.runtime + prepared
    if entry:
        yield "source", entry.source


def _reranker_json(shown: ShownReranker) -> dict[str, Any]:
    entry, here = shown.entry, shown.here
    return {
        "schema": "hybridrag.reranker/1",
        **(asdict(entry) if entry else {}),
        "name": entry.name if entry else shown.name,
        "repository": shown.repository,
        "window": shown.window or None,
        "local": None
        if here is None
        else {"path": str(here.path), "origin": here.origin, "revision": here.commit, "bytes": here.size},
        "other_revisions": list(shown.others),
        "runtime": shown.runtime,
        "prepared": shown.ready,
        "problem": shown.problem or None,
    }
