"""A generation filled by several processes of this machine, watched by this one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridrag.flows.progress import Progress
    from hybridrag.store.generations import Lacking
    from hybridrag.store.work import Worker
    from hybridrag.types import GenerationStatus
    from hybridrag.wiring import Wiring
    from hybridrag.wiring.reindexing import Reindexing

_LOOK = 1.0
"""Seconds between two looks at the queues."""


def work_together(
    wiring: Wiring,
    reindexing: Reindexing,
    status: GenerationStatus,
    *,
    number: int,
    command: Sequence[str],
    progress: Progress,
) -> None:
    """Has `number` processes of a command, which works at this generation, fill it.

    This process works at nothing itself, and loads no model. Raises what any of them failed with.
    """
    from hybridrag.flows import workers
    from hybridrag.store.work import Worker

    with Worker.open(wiring.store.open(), reindexing.of(status.generation)) as looking:
        workers.run(number, command, watch=_watching(looking, progress), notify=wiring.notify)


def _watching(looking: Worker, progress: Progress) -> Callable[[], None]:
    """Tells how far they are, by what stands in the queues; begun anew where that grew, or documents became texts."""
    before, last = looking.waiting(), time.monotonic()
    _begin(progress, before)

    def watch() -> None:
        nonlocal before, last
        if time.monotonic() - last < _LOOK:
            return
        now = looking.waiting()
        done = before.documents - now.documents if now.documents else before.texts - now.texts
        if done < 0 or bool(now.documents) != bool(before.documents):
            _begin(progress, now)
        else:
            progress.advance(done, 0)
        before, last = now, time.monotonic()

    return watch


def _begin(progress: Progress, waiting: Lacking) -> None:
    """Documents are counted as long as some wait to be chunked, then texts."""
    if waiting.documents:
        progress.begin(waiting.documents, doing="chunking", unit="documents")
    else:
        progress.begin(waiting.texts, doing="embedding", unit="texts")
