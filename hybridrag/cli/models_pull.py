"""`hybridrag models pull`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hybridrag.cli.console import printable
from hybridrag.cli.models_show import NAME
from hybridrag.cli.session import Session

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from hybridrag.flows.models import Pulled
    from hybridrag.models.downloading import Transfer


def pull(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help=NAME.help)],
    convert: Annotated[
        bool,
        typer.Option("--convert/--no-convert", help="Prepare them for this machine as well, as the first use would."),
    ] = True,
) -> int:
    """Fetches models ahead of their first use, checks them and prepares them for this machine.

    A broken download goes on where it stopped.

    Examples: hybridrag models pull bge-small-en-v1.5      hybridrag models pull OWNER/NAME@v1.0 --no-convert
    """
    session = Session.of(context)
    from hybridrag.flows.models import check_name

    for name in names:
        check_name(name, session.settings)  # a typo is told before anything large is fetched
    with _transfer(quiet=session.flags.quiet) as transfer:
        pulled = [session.wiring.pull_model(name, transfer=transfer) for name in names]
    rows = []
    # All are fetched before the first is loaded: the libraries that load them close the way to the hub.
    for done in pulled:
        embedder = session.wiring.models.prepare(done.name) if convert else None
        rows.append(_pulled_json(done, embedder.runtime if embedder else None, embedder.device if embedder else None))
        if not session.flags.json:
            sys.stdout.write(_pulled_line(done, embedder.runtime if embedder else None) + "\n")
            sys.stdout.flush()
    if session.flags.json:
        session.json({"schema": "hybridrag.pull/1", "models": rows})
    return 0


def _pulled_line(done: Pulled, runtime: str | None) -> str:
    from hybridrag.models.downloading import amount

    came = {
        "folder": "a folder of yours, nothing to fetch",
        "package": "here already, in an installed package",
        "hub": f"{amount(done.fetched)} fetched" if done.fetched else "here already",
    }[done.here.origin]
    at = f" at {done.here.commit[:12]}" if done.here.commit else ""
    ready = f"; ready to run ({runtime})" if runtime else ""
    return f"{printable(done.name)}: {came}{at}{ready}"


def _pulled_json(done: Pulled, runtime: str | None, device: str | None) -> dict[str, Any]:
    return {
        "name": done.name,
        "repository": done.repository,
        "revision": done.here.commit,
        "origin": done.here.origin,
        "path": str(done.here.path),
        "bytes": done.here.size,
        "fetched_bytes": done.fetched,
        "runtime": runtime,
        "device": device,
    }


@contextmanager
def _transfer(*, quiet: bool) -> Iterator[Transfer]:
    """A bar with bytes, rate and time left, where stderr is a terminal."""
    if quiet or not sys.stderr.isatty():
        from hybridrag.models.downloading import Unseen

        yield Unseen()
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        yield _Bytes(bar)


class _Bytes:
    """A `Transfer` on a bar: one model at a time."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._task: TaskID | None = None

    def begin(self, name: str, *, total: int, done: int) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(printable(name), total=total, completed=done)

    def advance(self, size: int) -> None:
        if self._task is not None:
            self._bar.advance(self._task, size)
