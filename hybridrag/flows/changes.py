"""What is to be done with a source: which of its documents are unchanged, gone, or known not to be readable."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Mapping, Set
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hybridrag.errors import RefusedForSafety
from hybridrag.flows.chunked import digest
from hybridrag.flows.files import Files
from hybridrag.flows.selection import Selection
from hybridrag.parsing.formats import read_pictures
from hybridrag.sources import Entry, Listing, Reader, Stamp
from hybridrag.store.problems import Problem, shortened
from hybridrag.store.writing import Known, Remembered
from hybridrag.types import RawDocument, Skipped

if TYPE_CHECKING:
    from hybridrag.types import Source

_MASS_DELETE = 10
"""Up to so many documents may vanish at once without question, whatever their share."""
_SHARE, _SHARE_ELSEWHERE = 2, 10
"""More may vanish up to one part in so many; fewer where the source's root is suddenly on another device."""


@dataclass(frozen=True, slots=True)
class Making:
    """What is used now: the versions of the parsers, a digest of what makes chunks, and what opens files of files.

    `opens` tells of a media type whether such a file may hold others.
    """

    texts: frozenset[str]
    chunking: str
    files: str
    opens: Callable[[str], bool]

    def made(self, known: Known) -> bool:
        """Whether a document was made with the same."""
        return known.processing in self.texts and known.chunked == self.chunking

    def stamps_of(self, remembered: Remembered) -> dict[str, str]:
        """The stamps, by path, of documents that need not be read, or tried, again as long as they have them."""
        made = {path: known.stamp for path, known in remembered.documents.items() if known.stamp and self.made(known)}
        tried = remembered.problems.items()
        return made | {path: each.stamp for path, each in tried if each.stamp and each.processing in self.texts}


@dataclass(slots=True)
class Plan:
    """One selection on its way. All sets and mappings are of paths.

    `still` says that the source is one file that is as it was when all of it was indexed: nothing is listed then.
    `verify` takes no stamp for an answer: everything is read, and what could not be parsed is tried again. `uncounted`
    are the source's own files that progress does not know to be done.
    """

    source_id: int
    selection: Selection
    reader: Reader
    listing: Listing
    remembered: Remembered
    making: Making
    verify: bool
    still: bool = False
    file_stamp: Stamp | None = None
    unchanged: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    stamps: dict[str, str] = field(default_factory=dict)
    restamped: dict[str, str] = field(default_factory=dict)
    problems: dict[str, Problem] = field(default_factory=dict)
    files: Files = field(init=False)
    uncounted: set[str] = field(init=False)

    def __post_init__(self) -> None:
        self.files = Files(self)
        self.uncounted = set(self.known if self.still else (entry.path for entry in self.listing.entries))

    @property
    def source(self) -> Source:
        return self.selection.source

    def path_of(self, problem: Skipped) -> str:
        """What the problem is about, inside the source; empty where that is the source as a whole."""
        return problem.uri.removeprefix(self.source.name).removeprefix("/")

    @property
    def known(self) -> Mapping[str, Known]:
        """What is indexed of the source, by path."""
        return self.remembered.documents

    # --- unchanged or not --------------------------------------------------------------------------------------------

    def untouched(self) -> set[str]:
        """Documents whose files have the stamps they had when they were read: they need not be read."""
        if self.still:
            return set(self.known)
        if self.verify:
            return set()
        return {entry.path for entry in self.listing.entries if self._untouched(entry)}

    def _untouched(self, entry: Entry) -> bool:
        if entry.stamp is None:
            return False
        known, stamp = self.known.get(entry.path), str(entry.stamp)
        if known is None or self.making.opens(known.media_type):
            held = self.files.held(entry.path)
            if held is None or held.stamp != stamp or shortened(entry.path) in self.remembered.problems:
                return False
        return known is None or (
            known.stamp == stamp and entry.media_type in {None, known.media_type} and self.making.made(known)
        )

    def see(self, entry: Entry) -> None:
        """Takes the stamp of a file that is about to be read, where any later change will give it another one."""
        if entry.stamp is not None and entry.stamp.settled(time.time_ns()):
            self.stamps[entry.path] = str(entry.stamp)

    def same(self, raw: RawDocument) -> bool:
        """Whether what was read is what is indexed, made as it would be now. Its stamp is kept then."""
        known = self.known.get(raw.path)
        if known is None or (known.content_hash, known.media_type) != (raw.content_hash, raw.media_type):
            return False
        if known.container != raw.container:
            return False
        if not self.making.made(known):
            return False
        stamp = self.stamps.get(raw.path)
        if stamp is not None and stamp != known.stamp:
            self.restamped[raw.path] = stamp
        return True

    def had_pictures_read(self, raw: RawDocument) -> bool:
        """Whether the same file is indexed with the text of its pictures, which a run that cannot read them keeps."""
        known = self.known.get(raw.path)
        return known is not None and known.content_hash == raw.content_hash and read_pictures(known.processing)

    # --- problems ----------------------------------------------------------------------------------------------------

    def unreadable_as_before(self, entry: Entry) -> Problem | None:
        """Why a file could not be parsed that has not been touched since, nor is to be opened again, or None."""
        problem = self._tried(entry.path)
        if problem is None or entry.stamp is None or problem.stamp != str(entry.stamp):
            return None
        known = self.known.get(entry.path)
        if known is not None and known.stamp == problem.stamp and self.making.made(known):
            return None  # its text is indexed: what could not be had is something in it
        return None if self.files.outdated(entry.path) else problem

    def as_unreadable_as_before(self, raw: RawDocument) -> Problem | None:
        """Why the same content could not be parsed before, or None."""
        problem = self._tried(raw.path)
        same = problem is not None and problem.content_hash == raw.content_hash
        return problem if same and not self.broken_as_before(raw) else None

    def broken_as_before(self, raw: RawDocument) -> Problem | None:
        """Why not all files inside the same content could be had before, or None."""
        problem = self.remembered.problems.get(shortened(raw.path))
        if problem is None or problem.content_hash != raw.content_hash:
            return None
        return problem if problem.processing == self.making.files else None

    def _tried(self, path: str) -> Problem | None:
        problem = self.remembered.problems.get(shortened(path))
        if problem is None or problem.content_hash is None or self.verify:
            return None
        return problem if self.made_again(problem) else None

    def made_again(self, problem: Problem) -> bool:
        """Whether the same would come of it again, if the content is the same."""
        return problem.content_hash is None or problem.processing in self.making.texts

    def keep_problem(self, path: str, skipped: Skipped, *, content_hash: bytes | None = None) -> None:
        """Notes a problem as it stands in the end; `content_hash` says that it lies in the content."""
        in_content = content_hash is not None
        self.problems[shortened(path)] = Problem(
            skipped.reason,
            skipped.hint,
            skipped.failed,
            content_hash,
            self.stamps.get(path) if in_content else None,
            skipped.parser if in_content else None,
            skipped.needs_ocr,
        )

    def solved(self) -> set[str]:
        """Problems that were known and are no more, as far as this run has looked."""
        before = self.remembered.problems
        return {path for path in before if path not in self.problems and (not path or self.selection.covers(path))}

    def new_problems(self) -> dict[str, Problem]:
        """Problems that were not known as they are."""
        return {path: found for path, found in self.problems.items() if self.remembered.problems.get(path) != found}

    # --- what is gone ------------------------------------------------------------------------------------------------

    def holds(self, path: str) -> bool:
        """Whether something is indexed of a file or a folder."""
        below = "" if self.source.kind == "web" else f"{path}/"  # a page with another below it is no folder of that
        places = (known.container or at for at, known in self.known.items())
        return any(place == path or (below and place.startswith(below)) for place in places)

    def unwanted(self, *, prune: bool) -> set[str]:
        """Indexed documents that this run is to remove, as far as it has looked."""
        return self._gone() | self.emptied if prune else set(self.emptied)

    def _gone(self) -> set[str]:
        """Indexed documents that the source no longer offers, as far as this run could look."""
        if self.still or self.source.kind == "stdin":
            return set()
        if self._absent:
            return set(self.known)
        offered = {entry.path for entry in self.listing.entries}
        return {
            path
            for path, known in self.known.items()
            if not self.files.offers(path, known.container, offered)
            and self.selection.covers(known.container or path)
            and not self.listing.protects(path)
        }

    @property
    def never_had(self) -> frozenset[str]:
        """Places that were given for the first time and could not be looked at: pages of the web by their paths, the
        whole source by the empty one. A mistyped address is no source."""
        if self.source.kind == "web":
            return self.selection.new.difference(entry.path for entry in self.listing.entries).difference(self.known)
        new = self.unread and not self.source_id
        return frozenset({""} if new and any(not self.path_of(each) for each in self.listing.problems) else ())

    @property
    def to_remember(self) -> Source | None:
        """The source as it is to be remembered, without what was never had; None where no more than that was given."""
        never = self.never_had
        if "" in never or (never and never.issuperset(self.selection.only)):
            return None
        return replace(self.source, only=tuple(path for path in self.source.only if path not in never))

    @property
    def whole(self) -> bool:
        """Whether all of the source is looked at."""
        only = self.selection.only
        return not only or (bool(self.source.only) and set(self.source.only) <= set(only))

    @property
    def unread(self) -> bool:
        """Whether nothing of the source could be looked at."""
        return "" in self.listing.unlisted and not self.listing.entries and self.source.kind != "stdin"

    @property
    def _absent(self) -> bool:
        """Whether all of the source is looked at, and its folder or file is not there."""
        return self.listing.absent and not self.selection.only

    def refused(self, *, prune: bool, collection: str) -> RefusedForSafety | None:
        """Why so much must not be removed of a collection without a word of the user's, or None."""
        unwanted, known = len(self.unwanted(prune=prune)), len(self.known)
        if self._absent and unwanted:
            name = shlex.quote(self.source.name)
            return RefusedForSafety(
                f"{self.source.root}, where source {self.source.name!r} has its {known} documents, is not there; "
                "nothing was removed",
                hint=f"if a disk is missing, mount it and run again; if it has moved: hybridrag sources add NEW "
                f"--source {name} -c {collection}; if it is gone for good: hybridrag sources remove {name} "
                f"-c {collection}",
            )
        # A disk that is not mounted leaves an empty folder behind.
        emptied = unwanted == known > 1 and not self.selection.only
        share = _SHARE_ELSEWHERE if self._elsewhere else _SHARE
        if not emptied and unwanted <= max(_MASS_DELETE, known // share):
            return None
        other = "; its folder is on another device than before" if self._elsewhere else ""
        return RefusedForSafety(
            f"{unwanted} of the {known} documents of source {self.source.name!r} are no longer there, or empty{other}; "
            "nothing was removed",
            hint="if that is meant, add --allow-mass-delete; if a disk is missing, mount it and run again; "
            "--no-prune keeps what is no longer there",
        )

    @property
    def _elsewhere(self) -> bool:
        before, now = self.remembered.device, self.listing.device
        return before is not None and now is not None and before != str(now)

    # --- what is remembered ------------------------------------------------------------------------------------------

    def stale(self, removed: Collection[str]) -> set[str]:
        """Documents that are gone, and were not removed."""
        return self._gone().difference(removed)

    def state(self, removed: Collection[str], *, stale: Set[str]) -> str | None:
        """What tells later that a file of many documents is unchanged; None where it must be listed again."""
        if self.still:
            return self.remembered.stamp
        failed = any(problem.failed for problem in self.problems.values())
        complete = not self.selection.only and not failed and not stale
        if self.file_stamp is None or not complete or not self.file_stamp.settled(time.time_ns()):
            return None
        return state_of(self.source, self.file_stamp, self.making, (set(self.known) | self.written) - set(removed))


def state_of(source: Source, stamp: Stamp, making: Making, documents: Collection[str]) -> str:
    """A digest of a file of many documents, of what they are made with, and of how many of them are indexed."""
    made_of = {"stamp": str(stamp), "only": source.only, "documents": len(documents)}
    return digest({**made_of, "texts": sorted(making.texts), "chunking": making.chunking})
