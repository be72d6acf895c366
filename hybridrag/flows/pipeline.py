"""Stages that overlap: one thread prepares what the next needs, with a bound on what waits in between."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")
_LOOK = 0.1
"""Seconds after which a waiting thread looks whether the other side has gone."""


@contextmanager
def prefetched(items: Iterable[Item], *, depth: int) -> Iterator[Iterator[Item]]:
    """Iterates `items` in a thread of its own, at most `depth` items ahead.

    An exception of `items` reaches the reader in its place. Leaving the block stops the thread after the item it is at.
    """
    waiting: queue.Queue[Item | _End] = queue.Queue(maxsize=depth)
    stopped = threading.Event()

    def put(item: Item | _End) -> bool:
        while not stopped.is_set():
            try:
                waiting.put(item, timeout=_LOOK)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put(item):
                    return
            put(_End(None))
        except BaseException as exc:  # carried over to the reader, whatever it is
            put(_End(exc))

    def consume() -> Iterator[Item]:
        while True:
            item = waiting.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item

    thread = threading.Thread(target=produce, name="hybridrag-prepare", daemon=True)
    thread.start()
    try:
        yield consume()
    finally:
        stopped.set()
        thread.join()


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error
