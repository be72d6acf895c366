"""How far a run of questions is: a bar on stderr where that is a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hybridrag.cli.milestones import Milestones
from hybridrag.flows.evaluate import Asking, Unheard

if TYPE_CHECKING:
    from rich.progress import Progress


@contextmanager
def asking(*, quiet: bool) -> Iterator[Asking]:
    """The bar appears when questions begin, so that whatever comes before may have one of its own."""
    if quiet:
        yield Unheard()
        return
    if not sys.stderr.isatty():
        with Milestones("asking", "questions", quiet=False) as milestones:
            yield _Plain(milestones)
        return
    bar = _Bar()
    try:
        yield bar
    finally:
        bar.end()


class _Plain:
    def __init__(self, milestones: Milestones) -> None:
        self._milestones = milestones

    def begin(self, questions: int) -> None:
        self._milestones.begin(questions)

    def advance(self) -> None:
        self._milestones.advance(1)


class _Bar:
    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._done = 0
        self._started = 0.0

    def begin(self, questions: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.end()
        self._bar = Progress(
            TextColumn("asking"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            expand=True,
        )
        self._task = self._bar.add_task("", total=questions, rate="")
        self._done, self._started = 0, time.monotonic()
        self._bar.start()

    def advance(self) -> None:
        if self._bar is None:
            return
        self._done += 1
        rate = self._done / max(time.monotonic() - self._started, 0.001)
        self._bar.update(self._task, advance=1, rate=f"{rate:,.0f}/s")

    def end(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
