"""Signs of life of long work where stderr is no terminal: a line now and then, for the logs of cron, systemd and CI."""

from __future__ import annotations

import contextlib
import threading
import time
from types import TracebackType
from typing import Any

from hybridrag.cli.console import notice

INTERVAL = 10.0
"""Seconds between two lines: short work tells nothing, and an hour of work a few hundred lines."""


class Milestones:
    """Counts what is done and tells it every `INTERVAL` seconds while a `with` block runs, whatever the work waits for.

    `doing` and `unit` are the words for it: "indexing" and "documents". `before` is what is done until `begin`; nothing
    is told of it where it is empty. Methods may be called from several threads.
    """

    def __init__(self, doing: str, unit: str, *, before: str = "", quiet: bool) -> None:
        self._doing = doing
        self._before = before
        self._unit = unit
        self._quiet = quiet
        self._total: int | None = None
        self._done = 0
        self._tokens = 0
        self._told = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._tell_now_and_then, name="milestones", daemon=True)

    def __enter__(self) -> Milestones:
        if not self._quiet:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._quiet:
            return
        self._thread.join()
        if self._told and kind is None:
            self._tell()  # the last word of what was told is how it ended

    def begin(self, total: int, *, doing: str = "", unit: str = "") -> None:
        """So much is to be done; begins again where it was called before, under other words where some are given."""
        with self._lock:
            self._doing, self._unit = doing or self._doing, unit or self._unit
            self._total, self._done, self._tokens, self._started = total, 0, 0, time.monotonic()

    def advance(self, done: int, tokens: int = 0) -> None:
        """So much more is done."""
        with self._lock:
            self._done += done
            self._tokens += tokens

    def _tell_now_and_then(self) -> None:
        while not self._ended.wait(INTERVAL):
            if self._total is None and not self._before:
                continue
            self._told = True
            with contextlib.suppress(OSError, ValueError):  # nobody reads it any more; the work goes on
                self._tell()

    def _tell(self) -> None:
        with self._lock:
            total, done, tokens, doing, unit = self._total, self._done, self._tokens, self._doing, self._unit
            seconds = max(time.monotonic() - self._started, 0.001)
        told = [f"{done:,} of {total:,} {unit}" if total is not None else self._before]
        fields: dict[str, Any] = {"seconds": round(seconds, 1), unit: done, "total": total}
        if tokens:
            told.append(f"{tokens:,} tokens ({tokens / seconds:,.0f}/s)")
            fields |= {"tokens": tokens, "tokens_per_second": round(tokens / seconds)}
        if total is not None and 0 < done < total:
            left = round(seconds / done * (total - done))
            told.append(f"{left:,} s left")
            fields["seconds_left"] = left
        line = f"{doing}: {', '.join(told)}, after {seconds:,.0f} s"
        notice(line, quiet=False, event="progress", **fields)
