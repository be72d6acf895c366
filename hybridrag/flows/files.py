"""Files that hold other files: archives, mailboxes, messages. What is inside of them counts as the source's documents.

A file is done once all in it was indexed; that is noted at the end of a run. One that broke off is opened again by the
next run, and nothing that was indexed of it is taken for gone meanwhile.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Set
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.flows.chunked import digest
from hybridrag.sources import inner
from hybridrag.store.containers import Container
from hybridrag.store.problems import Problem, shortened
from hybridrag.types import RawDocument, Skipped

if TYPE_CHECKING:
    from hybridrag.flows.changes import Plan
    from hybridrag.ports import Parser

_DEEPEST = 3
"""Files in files in files: what lies deeper was made to keep a reader busy."""


class Files:
    """Those of one plan, and what a run has found in them. Paths are the source's."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._inside: dict[str, set[str]] = {}
        self.broken: set[str] = set()
        self._done: dict[str, Container] = {}
        self.container_of: dict[str, str] = {}

    # --- what is known -----------------------------------------------------------------------------------------------

    def held(self, path: str) -> Container | None:
        """What a file was when all in it was indexed, with the same filters; None where it must be opened."""
        held = self._plan.remembered.containers.get(path)
        return held if held is not None and held.processing == self._processing else None

    def whole(self, path: str) -> bool:
        """Whether all that is known of the files inside a file would come out the same."""
        known, making = self._plan.known, self._plan.making
        return all(making.made(known[inside]) for inside in self.indexed(path)) and all(
            self._plan.made_again(problem) for problem in self.problems(path).values()
        )

    def indexed(self, path: str) -> Collection[str]:
        """The documents that are indexed of a file's inside."""
        return self._indexed.get(path, ())

    def problems(self, path: str) -> dict[str, Problem]:
        """The problems of what lies in a file."""
        return self._problems.get(shortened(path), {})

    def offers(self, path: str, container: str, offered: Set[str]) -> bool:
        """Whether a document inside a file is still there, as far as this run knows."""
        if container not in offered:
            return False
        if container not in self._inside or path in self._inside[container]:
            return True
        return any(path.startswith(f"{broken}/") for broken in self.broken)

    # --- what is found -----------------------------------------------------------------------------------------------

    def done(self, raw: RawDocument) -> None:
        """All in the file was offered, unless it broke."""
        if raw.path not in self.broken:
            stamp = self._plan.stamps.get(raw.path)
            self._done[raw.path] = Container(raw.content_hash, stamp, self._processing)

    def same(self, raw: RawDocument) -> bool:
        """Whether what is in the file is indexed as it would be now."""
        held = self.held(raw.path)
        return held is not None and held.content_hash == raw.content_hash and self.whole(raw.path)

    def inside(self, raw: RawDocument, parser: Parser) -> Iterator[RawDocument | Skipped]:
        """The documents inside a file, those inside of them too, and what cannot be had."""
        found = self._inside.setdefault(raw.path, set())
        for item in self._members(raw, parser, depth=1):
            if isinstance(item, Skipped):
                yield item
            elif item.path in found:
                yield Skipped(item.uri, "a second file of the same name", "Give it another name in its archive.")
            else:
                found.add(item.path)
                self.container_of[item.path] = raw.path
                yield item

    def changed(self) -> dict[str, Container]:
        """Files that are done now and were not before, or otherwise."""
        before = self._plan.remembered.containers
        return {path: found for path, found in self._done.items() if before.get(path) != found}

    def undone(self) -> set[str]:
        """Files that were done before, and are broken or gone now."""
        offered = {entry.path for entry in self._plan.listing.entries}
        gone = {
            path
            for path in self._plan.remembered.containers
            if path not in offered and self._plan.selection.covers(path) and not self._plan.listing.protects(path)
        }
        return gone | (self.broken & set(self._plan.remembered.containers))

    def _members(self, raw: RawDocument, parser: Parser, *, depth: int) -> Iterator[RawDocument | Skipped]:
        if depth > _DEEPEST:
            reason = f"lies more than {_DEEPEST} files deep in other files"
            yield Skipped(raw.uri, reason, "Unpack it, and index that.", parser=parser.unpacker)
            return
        for member in parser.members(raw):
            if isinstance(member, Skipped):
                if member.uri == raw.uri:
                    self.broken.add(raw.path)
                    yield member
                elif self._wanted(member.uri.removeprefix(f"{raw.source}/")):
                    yield member
                continue
            item = inner(raw, member)
            path = item.path if isinstance(item, RawDocument) else item.uri.removeprefix(f"{raw.source}/")
            if not self._wanted(path):
                continue
            if isinstance(item, RawDocument) and parser.holds_files(item.media_type):
                yield from self._members(item, parser, depth=depth + 1)
                if not parser.holds_text(item.media_type):
                    continue
            yield item

    def _wanted(self, path: str) -> bool:
        return self._plan.reader.wants(path)

    @cached_property
    def _indexed(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for path, known in self._plan.known.items():
            if known.container is not None:
                found[known.container].append(path)
        return found

    @cached_property
    def _problems(self) -> dict[str, dict[str, Problem]]:
        found: dict[str, dict[str, Problem]] = defaultdict(dict)
        for path, problem in self._plan.remembered.problems.items():
            for end, char in enumerate(path):
                if char == "/":
                    found[path[:end]][path] = problem
        return found

    @cached_property
    def _processing(self) -> str:
        source = self._plan.source
        return digest({"files": self._plan.making.files, "include": source.include, "exclude": source.exclude})
