"""How far long work is: a bar on stderr where that is a terminal, else a line now and then."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hybridrag.cli.console import notice, printable
from hybridrag.cli.milestones import Milestones
from hybridrag.flows.progress import Progress


@contextmanager
def progress(
    *, quiet: bool, verbose: bool, doing: str = "indexing", unit: str = "documents", before: str = "reading"
) -> Iterator[Progress]:
    """A bar with what is counted, tokens a second and time left; without a terminal, the same as milestones, which take
    the words for it."""
    if quiet or not sys.stderr.isatty():
        with Milestones(doing, unit, before=before, quiet=quiet) as milestones:
            yield _Plain(milestones, quiet=quiet or not verbose)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True, expand=True) as bar:
        yield _Bar(bar, doing=doing, before=before, verbose=verbose)


class _Plain:
    def __init__(self, milestones: Milestones, *, quiet: bool) -> None:
        self._milestones = milestones
        self._quiet = quiet

    def begin(self, documents: int, *, doing: str = "", unit: str = "") -> None:
        self._milestones.begin(documents, doing=doing, unit=unit)

    def advance(self, documents: int, tokens: int) -> None:
        self._milestones.advance(documents, tokens)

    def note(self, text: str) -> None:
        notice(text, quiet=self._quiet)


class _Bar:
    def __init__(self, bar: object, *, doing: str, before: str, verbose: bool) -> None:
        from rich.progress import Progress as Bar

        assert isinstance(bar, Bar)
        self._bar = bar
        self._doing = doing
        self._verbose = verbose
        self._task = bar.add_task(before or doing, total=None, rate="")
        self._lock = threading.Lock()
        self._tokens = 0
        self._started = time.monotonic()

    def begin(self, documents: int, *, doing: str = "", unit: str = "") -> None:
        with self._lock:
            self._tokens, self._started = 0, time.monotonic()
            described = f"{doing} {unit}" if doing else self._doing
            self._bar.reset(self._task, total=documents, description=described, rate="")

    def advance(self, documents: int, tokens: int) -> None:
        with self._lock:
            self._tokens += tokens
            rate = self._tokens / max(time.monotonic() - self._started, 0.001)
            shown = f"{rate:,.0f} tok/s" if self._tokens else ""
            self._bar.update(self._task, advance=documents, rate=shown)

    def note(self, text: str) -> None:
        if self._verbose:
            from rich.text import Text

            self._bar.console.print(Text(printable(text), style="dim"))
