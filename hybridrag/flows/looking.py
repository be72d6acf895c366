"""Which documents of a source are to be indexed: its files are looked at, and read or opened where need be."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

from hybridrag.flows.changes import Plan
from hybridrag.flows.stages import Stages
from hybridrag.flows.tally import Tally
from hybridrag.ports import Parser
from hybridrag.sources import Entry, Vanished
from hybridrag.types import RawDocument, Skipped

_LONGEST_PATH = 2000
"""In bytes: PostgreSQL takes at most 2,704 for the index that keeps paths apart."""


class Looking:
    """One look at all files of a plan. Those that need not be indexed are told and counted."""

    def __init__(
        self, plan: Plan, *, parser: Parser, tally: Tally, stages: Stages, over: threading.Event, dry_run: bool
    ) -> None:
        """`over` is set where no more is wanted."""
        self._plan = plan
        self._parser = parser
        self._tally = tally
        self._stages = stages
        self._over = over
        self._dry_run = dry_run

    def changed(self) -> Generator[RawDocument, None, None]:
        """Documents that are new or other than what is indexed; in a dry run they are counted, and none is left."""
        plan = self._plan
        untouched = plan.untouched()
        self._as_they_were(untouched)
        for entry in plan.listing.entries:
            if self._over.is_set():
                return
            if entry.path in untouched:
                continue
            if not self._fits(entry.path):
                continue
            if problem := plan.unreadable_as_before(entry):
                self._tally.skipped_again(plan, entry.path, problem)
                self._inside_as_it_was(entry.path)
                continue
            raw = self._read(entry)
            if isinstance(raw, Vanished):
                self._tally.report.problem(raw)  # what was indexed of it stays until a listing shows that it is gone
                self._tally.looked_at(plan, [entry.path])
                self._problems_inside(entry.path)
            elif isinstance(raw, Skipped):
                self._tally.skipped(plan, entry.path, raw)
                if raw.failed:
                    self._problems_inside(entry.path)
                else:
                    plan.files.empty(entry.path)
            elif self._parser.holds_files(raw.media_type):
                yield from self._opened(raw)
            else:
                plan.files.empty(raw.path)
                yield from self._other_than_before(raw)

    def _other_than_before(self, raw: RawDocument) -> Iterator[RawDocument]:
        """The document, if it is to be indexed."""
        plan = self._plan
        if plan.same(raw):
            self._tally.unchanged(plan, {raw.path})
        elif problem := plan.as_unreadable_as_before(raw):
            self._tally.skipped_again(plan, raw.path, problem)
        elif self._dry_run:
            self._tally.indexed(plan, raw.path, raw.content_hash)
        else:
            yield raw

    def _opened(self, raw: RawDocument) -> Iterator[RawDocument]:
        """What is to be indexed of the files inside a file, and of itself, last: once it is indexed, they are."""
        plan = self._plan
        if plan.files.same(raw):
            self._inside_as_it_was(raw.path)
            if problem := plan.broken_as_before(raw):
                plan.files.broken.add(raw.path)
                self._tally.skipped_again(plan, raw.path, problem)
        else:
            for item in plan.files.inside(raw, self._parser):
                if self._over.is_set():
                    return
                path = item.uri.removeprefix(f"{plan.source.name}/")
                if isinstance(item, Skipped):
                    content_hash = raw.content_hash if path == raw.path else None
                    self._tally.skipped(plan, path, item, content_hash=content_hash)
                elif self._fits(path):
                    yield from self._other_than_before(item)
        plan.files.done(raw)
        if self._parser.holds_text(raw.media_type):
            yield from self._other_than_before(raw)
            return
        if raw.path in plan.known and raw.path not in plan.files.broken:
            plan.emptied.add(raw.path)  # from when it was a text
        self._tally.looked_at(plan, [raw.path])

    def _fits(self, path: str) -> bool:
        """Whether a path can be kept; one that cannot is told."""
        if len(path.encode()) <= _LONGEST_PATH:
            return True
        reason = f"its path is longer than {_LONGEST_PATH:,} bytes"
        uri = f"{self._plan.source.uri(path)[:200]}..."
        self._tally.skipped(self._plan, path, Skipped(uri, reason, "Give it a shorter name or id."))
        return False

    def _read(self, entry: Entry) -> RawDocument | Skipped:
        self._plan.see(entry)
        with self._stages.timed("read"):
            raw = self._plan.reader.read(entry)
        if isinstance(raw, RawDocument):
            self._tally.report.bytes_read += len(raw.content)
        return raw

    def _as_they_were(self, paths: set[str]) -> None:
        """Nothing has changed in these files, nor in the files inside of them."""
        plan = self._plan
        self._tally.unchanged(plan, {path for path in paths if path in plan.known})
        for path in paths if plan.remembered.containers else ():
            self._inside_as_it_was(path)
        self._tally.looked_at(plan, paths)

    def _inside_as_it_was(self, path: str) -> None:
        self._tally.unchanged(self._plan, set(self._plan.files.indexed(path)))
        self._problems_inside(path)

    def _problems_inside(self, path: str) -> None:
        for within, problem in self._plan.files.problems(path).items():
            self._tally.skipped_again(self._plan, within, problem)
