"""Stages that overlap: one thread prepares what the next needs, with a bound on what waits in between."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


@contextmanager
def prefetched(items: Iterable[Item], *, ahead: int, weight: Callable[[Item], int]) -> Iterator[Iterator[Item]]:
    """Iterates `items` in a thread of its own, which makes the next one while less than `ahead` waits, by `weight`.

    An exception of `items` reaches the reader in its place. Leaving the block stops the thread after the item it is at,
    and a generator is closed then. An interrupt does not wait for either: a long text takes its time.
    """
    waiting: _Waiting[Item] = _Waiting(ahead)

    def produce() -> None:
        try:
            with closing(items) if isinstance(items, Generator) else nullcontext():
                for item in items:
                    if not waiting.put(item, weight(item)):
                        return
            waiting.end(None)
        except BaseException as exc:  # carried over to the reader, whatever it is
            waiting.end(exc)

    thread = threading.Thread(target=produce, name="hybridrag-prepare", daemon=True)
    thread.start()
    try:
        yield waiting.taken()
    except Exception:
        waiting.stop()
        thread.join()
        raise
    except BaseException:
        waiting.stop()
        raise
    waiting.stop()
    thread.join()


def mapped(
    items: Iterable[Item],
    function: Callable[[Item], Result],
    *,
    workers: int,
    weight: Callable[[Item], int],
    most: int,
) -> Generator[tuple[Item, Result], None, None]:
    """Each item with what `function` makes of it, in order, made by so many threads.

    Further items are begun while those that are not yet taken weigh less than `most`, or there is none. Closing it ends
    the threads: what is not begun then never is.
    """
    underway: deque[tuple[Item, int, Future[Result]]] = deque()
    total = 0
    pool = ThreadPoolExecutor(workers, thread_name_prefix="hybridrag-parse")
    try:
        for item in items:
            underway.append((item, weight(item), pool.submit(function, item)))
            total += underway[-1][1]
            while underway and (total >= most or underway[0][2].done()):
                first, weighs, made = underway.popleft()
                total -= weighs
                yield first, made.result()
        while underway:
            last, _, made = underway.popleft()
            yield last, made.result()
    finally:
        pool.shutdown(cancel_futures=True)


class _Waiting(Generic[Item]):
    """What is prepared and not yet taken."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._items: deque[tuple[Item, int]] = deque()
        self._weight = 0
        self._ended = False
        self._error: BaseException | None = None
        self._stopped = False
        self._changed = threading.Condition()

    def put(self, item: Item, weight: int) -> bool:
        """Adds an item, then waits until another may be made. False where nobody wants one any more."""
        with self._changed:
            self._items.append((item, weight))
            self._weight += weight
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._weight < self._most or self._stopped)
            return not self._stopped

    def end(self, error: BaseException | None) -> None:
        with self._changed:
            self._ended, self._error = True, error
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def taken(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._ended)
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item, weight = self._items.popleft()
                self._weight -= weight
                self._changed.notify_all()
            yield item
