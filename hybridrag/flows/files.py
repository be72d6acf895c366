"""Files that hold other files: archives, mailboxes, messages. What is inside of them counts as the source's documents.

A file is done once all in it was indexed, or told; that is noted at the end of a run, and it is opened again only when
something has changed. Nothing that was indexed of one that is broken is taken for gone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Generator, Iterator, Set
from contextlib import closing
from dataclasses import dataclass, field
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
_MOST = 100_000
"""Files inside one, at all depths together, that are taken."""
_TOLD = 100
"""Of those that cannot be had, so many are told one by one; the others are counted, by what is the matter with them."""
_REASONS = 3
"""Reasons that are told of the others."""


class Files:
    """Those of one plan, and what a run has found in them. Paths are the source's."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._opened: set[str] = set()
        self.broken: set[str] = set()
        self._done: dict[str, Container] = {}
        self.container_of: dict[str, str] = {}

    # --- what is known -----------------------------------------------------------------------------------------------

    def held(self, path: str) -> Container | None:
        """What a file was when all in it was indexed, with the same filters; None where it must be opened."""
        held = self._plan.remembered.containers.get(path)
        return held if held is not None and held.processing == self._processing and self._whole(path) else None

    def outdated(self, path: str) -> bool:
        """Whether a file was opened before, and must be again."""
        return path in self._plan.remembered.containers and self.held(path) is None

    def indexed(self, path: str) -> Collection[str]:
        """The documents that are indexed of a file's inside."""
        return self._indexed.get(path, ())

    def problems(self, path: str) -> dict[str, Problem]:
        """The problems of what lies in a file."""
        return self._problems.get(shortened(path), {})

    def offers(self, path: str, container: str | None, offered: Set[str]) -> bool:
        """Whether a document is still there, as far as this run knows: as a file that is `offered`, or inside of one.

        `container` is where it was, if in a file. An archive may have become a folder, and a folder an archive.
        """
        if path in offered or path in self.container_of:
            return True
        if container not in offered:
            return False
        if container not in self._opened:
            return True
        return any(path.startswith(f"{broken}/") for broken in self.broken) and self._wanted(path)

    # --- what is found -----------------------------------------------------------------------------------------------

    def done(self, raw: RawDocument) -> None:
        """All in the file was offered, as far as it can be had."""
        self._done[raw.path] = Container(raw.content_hash, self._plan.stamps.get(raw.path), self._processing)

    def empty(self, path: str) -> None:
        """A file holds no others, whatever it held before."""
        self._opened.add(path)

    def same(self, raw: RawDocument) -> bool:
        """Whether what is in the file is known as it would be found now."""
        held = self.held(raw.path)
        if held is None or held.content_hash != raw.content_hash:
            return False
        return not (self._plan.verify and (self._plan.broken_as_before(raw) or self.problems(raw.path)))

    def inside(self, raw: RawDocument, parser: Parser) -> Iterator[RawDocument | Skipped]:
        """The documents inside a file, those inside of them too, and what cannot be had."""
        self._opened.add(raw.path)
        told, others = 0, _Others()
        with closing(self._members(raw, parser, depth=1)) as members:
            for number, member in enumerate(members, start=1):
                if number > _MOST:
                    self.broken.add(raw.path)
                    reason = f"holds more than {_MOST:,} files: the others were left out"
                    yield Skipped(raw.uri, reason, "Unpack it, and index that.", parser=parser.unpacker)
                    break
                item = self._once(member, raw)
                if isinstance(item, RawDocument) or item.uri == raw.uri or self._is_known(item):
                    yield item
                elif told < _TOLD:
                    told += 1
                    yield item
                else:
                    others.add(item)
        if others.reasons:
            yield others.told(raw.uri)

    def changed(self, stale: Set[str]) -> dict[str, Container]:
        """Files that are done now and were not before, or otherwise. `stale` are documents that are gone, and kept."""
        before, left = self._plan.remembered.containers, self._containers_of(stale)
        return {path: found for path, found in self._done.items() if before.get(path) != found and path not in left}

    def undone(self, stale: Set[str]) -> set[str]:
        """Files that were done before, and are gone now, hold no others any more, or not what is indexed of them."""
        offered = {entry.path for entry in self._plan.listing.entries}
        before, plan = self._plan.remembered.containers, self._plan
        gone = {
            path
            for path in before
            if path not in offered and plan.selection.covers(path) and not plan.listing.protects(path)
        }
        return gone | ((self._opened - set(self._done) | self._containers_of(stale)) & set(before))

    def _containers_of(self, documents: Set[str]) -> set[str]:
        found = (self._plan.known[path].container for path in documents)
        return {container for container in found if container is not None}

    def _once(self, item: RawDocument | Skipped, outermost: RawDocument) -> RawDocument | Skipped:
        """A document under a path that none before it had."""
        if isinstance(item, Skipped):
            return item
        if item.path in self.container_of:
            return Skipped(item.uri, "a second file of the same name", "Give it another name in its archive.")
        self.container_of[item.path] = outermost.path
        return item

    def _is_known(self, item: Skipped) -> bool:
        return self._plan.path_of(item) in self._plan.known

    def _members(self, raw: RawDocument, parser: Parser, *, depth: int) -> Generator[RawDocument | Skipped, None, None]:
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

    def _whole(self, path: str) -> bool:
        """Whether all that is known of the files inside a file would come out the same."""
        known, making = self._plan.known, self._plan.making
        return all(making.made(known[inside]) for inside in self.indexed(path)) and all(
            self._plan.made_again(problem) for problem in self.problems(path).values()
        )

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


@dataclass(slots=True)
class _Others:
    """Files inside one that cannot be had either, counted by the reason; `failed` says that with some something is
    wrong.
    """

    reasons: Counter[str] = field(default_factory=Counter)
    failed: bool = False

    def add(self, item: Skipped) -> None:
        self.reasons[item.reason] += 1
        self.failed = self.failed or item.failed

    def told(self, uri: str) -> Skipped:
        """One problem for all of them, under a name that no file has."""
        most = "; ".join(f"{reason} ({count:,})" for reason, count in self.reasons.most_common(_REASONS))
        more = "; and others" if len(self.reasons) > _REASONS else ""
        reason = f"{self.reasons.total():,} more files in it cannot be had: {most}{more}"
        return Skipped(f"{uri}/(others)", reason, "Unpack it to look at them.", self.failed)
