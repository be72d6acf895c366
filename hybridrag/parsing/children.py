"""The child processes of a parser: lent to one thread at a time, and replaced where one fails."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from queue import LifoQueue
from typing import Any

from hybridrag.isolated.process import EndedError, TimedOutError
from hybridrag.parsing import formats, refusals
from hybridrag.parsing.child import Child, Means
from hybridrag.parsing.parsed import UnreadableError

_GIB = 1024**3


class Children:
    """As many as `workers` that parse, each started by the first file that needs it, and those that unpack beside them.

    What is lent to one thread is no other's. `timeout_s` is how long an answer may take, in seconds.
    """

    def __init__(self, means: Means, *, workers: int, timeout_s: float) -> None:
        self._means = means
        self._timeout_s = timeout_s
        self._places = [Place(means) for _ in range(workers)]
        self._idle: LifoQueue[Place] = LifoQueue()
        for place in reversed(self._places):
            self._idle.put(place)
        self._spare: list[Place] = []
        self._opened: set[Place] = set()
        self._closing = threading.Event()

    def __len__(self) -> int:
        """How many processes there are."""
        places = (*self._places, *self._spare, *self._opened)
        return sum(place.alive for place in places)

    @property
    def pid(self) -> int | None:
        """The process id of a running one that parses, or None."""
        return next((place.child.process.pid for place in self._places if place.child and place.alive), None)

    @contextmanager
    def lent(self) -> Iterator[Place]:
        """One that parses; waits until there is one."""
        place = self._idle.get()
        try:
            yield place
        finally:
            self._idle.put(place)

    @contextmanager
    def lent_beside(self) -> Iterator[Place]:
        """One more, whatever the others do: what it gives is parsed meanwhile, and may have to be opened itself."""
        place = self._spare.pop() if self._spare else Place(self._means)
        self._opened.add(place)
        try:
            yield place
        finally:
            self._opened.discard(place)
            if self._closing.is_set():
                place.drop()
            else:
                self._spare.append(place)

    def answer(
        self, place: Place, header: dict[str, Any], content: bytes, *, again: bool = True
    ) -> tuple[dict[str, Any], bytes]:
        """A child's answer. `again` says that it may be asked of another child, where the first had served others.

        Raises UnreadableError where there is none.
        """
        deaths = 0
        reading = formats.format_of(header["media_type"]) if header["ask"] == "parse" else None
        pictures = reading is not None and reading.pictures
        while True:
            child = place.running()
            fresh = child.answered == 0 or not again
            try:
                answer, body = child.ask(header, content, timeout_s=self._timeout_s, pictures=pictures)
                if "fault" not in answer:
                    return answer, body
                trouble = self._fault(answer["fault"])
            except TimedOutError:
                place.drop()
                reason = f"took longer than {self._timeout_s:g} s to parse"
                raise UnreadableError(reason, hint=refusals.LEAVE_OUT) from None
            except EndedError as error:
                trouble = self._crash(error.signal)
                # Somebody else may have ended it, the kernel for want of memory say: what a file does, it does twice.
                deaths += fresh
                fresh = deaths > 1 or not again
            except BaseException:  # interrupted half-way
                place.drop()
                raise
            place.drop()
            if self._closing.is_set():
                raise UnreadableError("was given up: the run ended")
            if fresh:
                raise trouble
            # The child had served other files, and what they left behind must not be blamed on this one: once more.

    def end(self) -> None:
        """Ends them all; a document that another thread is parsing is given up, not waited for."""
        self._closing.set()
        for place in (*self._places, *self._opened):
            place.kill()
        while self._spare:
            self._spare.pop().drop()
        taken = [self._idle.get() for _ in self._places]
        for place in taken:
            place.drop()
            self._idle.put(place)
        self._closing.clear()

    def _fault(self, kind: object) -> UnreadableError:
        if kind == "memory":
            return UnreadableError(f"needs more than {self._memory} of memory to parse", hint=refusals.LEAVE_OUT)
        return refusals.fault()

    def _crash(self, number: int) -> UnreadableError:
        name = signal.Signals(number).name if number in set(signal.Signals) else "no signal"
        reason = f"crashed the parser ({name}), perhaps for want of memory (limit {self._memory})"
        return UnreadableError(reason, hint=refusals.LEAVE_OUT)

    @property
    def _memory(self) -> str:
        return f"{self._means.memory / _GIB:.1f} GiB"


class Place:
    """Where one child at a time stands."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.child: Child | None = None

    @property
    def alive(self) -> bool:
        return self.child is not None and self.child.process.alive

    def running(self) -> Child:
        """The child that stands here, or a new one. Raises UnreadableError where none can be started."""
        if not self.alive:
            self.drop()
        if self.child is None:
            try:
                self.child = Child(self._means)
            except OSError:
                raise UnreadableError("the parser process could not be started") from None
        return self.child

    def kill(self) -> None:
        if child := self.child:
            child.process.kill()

    def drop(self) -> None:
        if self.child is not None:
            self.child.process.end()
            self.child = None
