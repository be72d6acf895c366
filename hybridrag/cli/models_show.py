"""`hybridrag models show`, and the words for a model's sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import printable, stdout
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from hybridrag.flows.models import Shown
    from hybridrag.models.catalogue import Entry

NO_LIMIT = 1_000_000
"""A window of so many tokens means that there is none."""
NAME = typer.Argument(metavar="NAME", help="NAME, NAME@REVISION, OWNER/NAME of the hub, or a folder.")


def show(context: typer.Context, name: Annotated[str, NAME]) -> int:
    """Tells everything about a model. Opens no connection.

    Examples: hybridrag models show bge-small-en-v1.5      hybridrag models show ./my-model --json
    """
    session = Session.of(context)
    from hybridrag.flows.models import names_reranker, show_reranker

    if names_reranker(name, session.settings):
        from hybridrag.cli.models_rerankers import print_reranker

        print_reranker(session, show_reranker(name, session.settings))
        return 0
    shown = session.wiring.show_model(name)
    if session.flags.json:
        session.json(_model_json(shown))
        return 0
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
    return 0


def _facts(shown: Shown) -> Iterator[tuple[str, str]]:
    from hybridrag.models.downloading import amount

    entry, spec, here = shown.entry, shown.spec, shown.here
    yield "name", shown.name if entry is None else entry.name
    if shown.repository:
        yield "repository", shown.repository
    if entry:
        yield "revision", f"{entry.revision} (pinned)"
        yield "good for", entry.good_for
        yield "parameters", short_number(entry.parameters)
    dimensions = spec.dimensions if spec else entry.dimensions if entry else 0
    window = spec.window if spec else entry.window if entry else 0
    yield "dimensions", f"{dimensions}{_cuts(entry)}"
    yield "window", f"{window_of(window)} tokens" if window < NO_LIMIT else "texts of any length"
    if pooling := _pooling(shown):
        yield "pooling", pooling
    yield "query prompt", _quoted(_query_prompt(shown))
    yield "document prompt", _quoted(_document_prompt(shown))
    if entry:
        count = f"{len(entry.languages)}: " if len(entry.languages) > 5 else ""
        yield "languages", count + " ".join(entry.languages)
        yield "licence", entry.licence
        yield "number formats", ", ".join(entry.formats)
        if entry.published_scifact is not None:
            yield "SciFact", f"nDCG@10 {entry.published_scifact:.3f}, as published"
    yield "own code", _own_code(shown)
    if here:
        yield "on this machine", f"{here.path} ({amount(here.size)})"
        if here.commit and (entry is None or here.commit != entry.revision):
            yield "revision here", here.commit
    else:
        assert entry is not None
        yield "on this machine", f"no; about {amount(_download(entry))} to fetch: hybridrag models pull {shown.name}"
    if shown.others:
        yield "other revisions", ", ".join(f"{shown.name.partition('@')[0]}@{commit[:12]}" for commit in shown.others)
    if shown.problem:
        yield "cannot be used", shown.problem
    if shown.fingerprint and shown.runtime:
        yield "fingerprint", shown.fingerprint
        yield (
            "runtime",
            shown.runtime + ("" if shown.ready else ", prepared at its first use (`models pull` does it too)"),
        )
    if entry:
        yield "source", entry.source


def _model_json(shown: Shown) -> dict[str, Any]:
    entry, spec, here = shown.entry, shown.spec, shown.here
    known = asdict(entry) if entry else {}
    return {
        "schema": "hybridrag.model/1",
        **known,
        "name": entry.name if entry else shown.name,
        "repository": shown.repository,
        "dimensions": spec.dimensions if spec else known.get("dimensions"),
        "window": spec.window if spec else known.get("window"),
        "pooling": _pooling(shown),
        "query_prompt": _query_prompt(shown),
        "document_prompt": _document_prompt(shown),
        "local": None
        if here is None
        else {"path": str(here.path), "origin": here.origin, "revision": here.commit, "bytes": here.size},
        "other_revisions": list(shown.others),
        "download_bytes": _download(entry) if entry and here is None else None,
        "fingerprint": shown.fingerprint,
        "runtime": shown.runtime,
        "prepared": shown.ready,
        "trusted": spec.trusted if spec else False,
        "problem": shown.problem or None,
    }


def _query_prompt(shown: Shown) -> str:
    return shown.spec.query_prompt if shown.spec else shown.entry.query_prompt if shown.entry else ""


def _document_prompt(shown: Shown) -> str:
    return shown.spec.document_prompt if shown.spec else shown.entry.document_prompt if shown.entry else ""


def _pooling(shown: Shown) -> str:
    if shown.entry:
        return shown.entry.pooling
    assert shown.spec is not None
    for kind, config in shown.spec.modules:
        if kind.endswith(".Pooling"):
            named = config.get("pooling_mode")
            # Switches before sentence-transformers 6, a name or a list of names since.
            switches = [key for key, on in config.items() if key.startswith("pooling_mode_") and on is True]
            switched = [key.removeprefix("pooling_mode_").removesuffix("_tokens") for key in switches]
            return ", ".join([named] if isinstance(named, str) else named or switched)
    return "static" if shown.spec.is_static else ""


def _own_code(shown: Shown) -> str:
    if shown.spec is not None and shown.spec.trusted:
        return "needed, and trusted"
    if shown.entry is None or not shown.entry.remote_code:
        return "none needed"
    return "needed: it runs only where your own settings list it under trusted_code"


def _cuts(entry: Entry | None) -> str:
    if entry is None or not entry.matryoshka:
        return ""
    sizes = ", ".join(map(str, entry.matryoshka))
    anything = f" and any length from {entry.matryoshka[0]}" if entry.matryoshka_any else ""
    return f", or cut to {sizes}{anything} (--dims)"


def _download(entry: Entry) -> int:
    """Bytes, about: most repositories hold four bytes a parameter, the large ones two."""
    return entry.parameters * (4 if entry.parameters < 500_000_000 else 2)


def short_number(number: int) -> str:
    """A number of parameters as people say it: 33M, 1.9M, 7.1B."""
    if number >= 1_000_000_000:
        return f"{number / 1e9:.1f}B"
    return f"{number / 1e6:.0f}M" if number >= 10_000_000 else f"{number / 1e6:.1f}M"


def window_of(tokens: int) -> str:
    return str(tokens) if tokens < NO_LIMIT else "any"


def _quoted(prompt: str) -> str:
    """A prompt in quotes, with escapes: its blanks and line ends count."""
    return json.dumps(prompt, ensure_ascii=False)
