"""Ingest: what sources hold now becomes what the index holds.

Documents are read, parsed, chunked, embedded and stored at the same time (`indexing`), so memory does not grow with
them. Stamps of files and content hashes decide what is new, changed or unchanged (`changes`, `looking`). A batch of
documents becomes visible as a whole, with its vectors, or not at all; what vanished is removed last. A run that is
killed anywhere is completed by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybridrag.flows.boilerplate import leave_out_repeated
from hybridrag.flows.changes import Making, Plan, state_of
from hybridrag.flows.chunked import chunking_parameters, digest
from hybridrag.flows.indexing import Indexing
from hybridrag.flows.ingest_report import IngestReport, Refused
from hybridrag.flows.labels import relabelled
from hybridrag.flows.languages import language_warnings
from hybridrag.flows.progress import Progress
from hybridrag.flows.repeating import Repeating
from hybridrag.flows.sampled import keep_sample
from hybridrag.flows.selection import Selection
from hybridrag.flows.stages import Stages
from hybridrag.flows.tally import Tally
from hybridrag.ports import Chunker, Embedder, Parser
from hybridrag.sources import Listing, Reader
from hybridrag.store.writing import Remembered
from hybridrag.types import Label, Source

if TYPE_CHECKING:
    from hybridrag.models import catalogue
    from hybridrag.privacy.inspection import Inspector
    from hybridrag.store.writing import IngestRun


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """`globs` are labels from settings; `prune` removes what vanished from its source.

    `verify` reads every file, whatever its stamp. `apart` has a source that is refused not keep the others from being
    brought up to date: it is in the report then. `verb` is what the run is called in the history. `texts_leave` says
    that the model is remote and is sent raw text: documents labelled `local-only` are not for it. `boilerplate_once`
    has text that many documents repeat in the chunks of one of them only.
    """

    prune: bool = True
    strict: bool = False
    allow_mass_delete: bool = False
    dry_run: bool = False
    globs: tuple[tuple[str, Label], ...] = ()
    texts_leave: bool = False
    boilerplate_once: bool = True
    verify: bool = False
    apart: bool = False
    verb: str = "ingest"


class Ingest:
    """One ingest into one held collection."""

    def __init__(
        self,
        run: IngestRun,
        *,
        parser: Parser,
        chunker: Chunker,
        embedder: Embedder,
        open_inspector: Callable[[], Inspector],
        open_reader: Callable[[Source, Mapping[str, str]], Reader],
        progress: Progress,
        options: IngestOptions,
        entry: catalogue.Entry | None,
    ) -> None:
        """`entry` is what the catalogue knows of the model; None where it does not know it."""
        self._run = run
        self._chunker = chunker
        self._embedder = embedder
        self._open_reader = open_reader
        self._progress = progress
        self._options = options
        self._entry = entry
        self._chunking = chunking_parameters(chunker, run.collection.text_search)
        self._making = Making(parser.versions, digest(self._chunking), parser.unpacker, parser.holds_files)
        self._stages = Stages()
        self.report = IngestReport(collection=run.collection.name, dry_run=options.dry_run)
        self._tally = Tally(self.report, progress)
        chunked_once = options.boilerplate_once and not options.dry_run
        self._repeating = Repeating(run.repeated) if chunked_once else None
        self._indexing = Indexing(
            run,
            parser=parser,
            chunker=chunker,
            embedder=embedder,
            open_inspector=open_inspector,
            repeating=self._repeating,
            chunking=self._making.chunking,
            tally=self._tally,
            stages=self._stages,
            options=options,
        )

    def into(self, selections: Sequence[tuple[int, Selection]], *, remember: Callable[[Source], int]) -> IngestReport:
        """Brings the collection up to date with the selections, each given with its source's id, 0 for a new one.

        `remember` stores a source and returns its id. It is called once it is sure that nothing speaks against the run.

        Raises RefusedForSafety where too much would be removed: before anything is changed where documents are gone,
        before anything is removed where they are empty. With `apart` the report tells of it instead.
        """
        started = time.perf_counter()
        record = self._run.recorded(self._options.verb, self.report.run_id, self.report.counts)
        with nullcontext() if self._options.dry_run else record:
            self._bring_up_to_date(selections, remember)
        self.report.seconds = time.perf_counter() - started
        self.report.stages = self._stages.seconds
        if self._entry is not None:
            self.report.warnings = language_warnings(
                self._indexing.languages, known=self._entry.languages, model=self._entry.name
            )
        return self.report

    def _bring_up_to_date(self, selections: Sequence[tuple[int, Selection]], remember: Callable[[Source], int]) -> None:
        plans = [plan for plan in (self._plan(*selected) for selected in selections) if not self._refused(plan)]
        plans = [plan for plan in plans if self._remembered(plan, remember)]
        listed = sum(len(plan.known if plan.still else plan.listing.entries) for plan in plans)
        self._progress.begin(listed)
        if self._repeating is not None:
            self._repeating.expect(listed)
        for plan in plans:
            self._index(plan)
        plans = [plan for plan in plans if not self._refused(plan)]
        for plan in plans:
            self._finish(plan, removed=self._remove_unwanted(plan))
        self.report.moved = self._tally.moved
        if not self._options.dry_run:
            self._leave_out_repeated()
            self._run.settle(self._progress.note)
            if self.report.chunks_added or self.report.chunks_removed or self._run.lacks_sample():
                keep_sample(self._run)

    def _remembered(self, plan: Plan, remember: Callable[[Source], int]) -> bool:
        """Whether there is anything of a source, which then has an id."""
        source = plan.to_remember
        if source is not None and not self._options.dry_run:
            plan.source_id = remember(source)
        return source is not None

    def _index(self, plan: Plan) -> None:
        self._indexing.index(plan)
        if self._options.dry_run:
            return
        if changed := relabelled(plan, self._options.globs):
            self._run.relabel(plan.source.name, changed)
        if plan.restamped:
            self._run.restamp(plan.source_id, plan.restamped)

    def _leave_out_repeated(self) -> None:
        """What many documents repeat stays in the chunks of one of them."""
        self.report.boilerplate = done = leave_out_repeated(
            self._run,
            chunker=self._chunker,
            embedder=self._embedder,
            processing=self._making.chunking,
            progress=self._progress,
            wanted=self._options.boilerplate_once,
        )
        self.report.chunks_added += done.chunks_added
        self.report.chunks_removed += done.chunks_removed
        self.report.chunks_embedded += done.chunks_embedded
        self.report.chunks_reused += done.chunks_added - done.chunks_embedded
        self.report.tokens_embedded += done.tokens_embedded

    # --- planning ----------------------------------------------------------------------------------------------------

    def _plan(self, source_id: int, selection: Selection) -> Plan:
        source, verify = selection.source, self._options.verify
        remembered = self._run.manifest(source_id) if source_id else Remembered()
        seen = {} if verify else self._making.stamps_of(remembered)
        reader = self._open_reader(replace(source, only=selection.only or source.only), seen)
        stamp = None if selection.only else reader.stamp()
        still = (
            stamp is not None
            and not verify
            and remembered.stamp == state_of(source, stamp, self._making, remembered.documents)
        )
        settled = stamp is not None and stamp.settled(time.time_ns())
        plan = Plan(
            source_id,
            selection,
            reader,
            Listing(()) if still else reader.list(),
            remembered,
            self._making,
            verify=verify,
            still=still,
            file_stamp=stamp if settled else None,
        )
        if still:
            for path, problem in remembered.problems.items():
                self._tally.skipped_again(plan, path, problem)
        else:
            self._tell_listed(plan)
        return plan

    def _tell_listed(self, plan: Plan) -> None:
        """Tells what was wrong when a source was listed, and keeps it where it is worth knowing later."""
        source = plan.source
        # Naming what is gone is how a single document is removed: no failure, if it was there.
        removed = {source.uri(path) for path in plan.listing.missing if self._options.prune and plan.holds(path)}
        if plan.listing.absent and plan.unwanted(prune=self._options.prune):
            removed.add(source.name)  # that it is refused, or removed, says it all
        for problem in plan.listing.problems:
            if problem.uri in removed:
                continue
            path = plan.path_of(problem)
            if path in plan.never_had:
                reason = f"{problem.reason}; nothing of it was ever indexed, so it is not remembered"
                self.report.problem(replace(problem, reason=reason))
                continue
            self.report.problem(problem)
            if problem.failed or source.kind == "jsonl":
                plan.keep_problem(path, problem)
            if plan.unread and problem.uri == source.name and self._options.apart:
                self.report.unread.append(problem)

    def _refused(self, plan: Plan) -> bool:
        """Whether a source stays as it is because too much would be removed. Raises RefusedForSafety unless `apart`."""
        if self._options.allow_mass_delete:
            return False
        refusal = plan.refused(prune=self._options.prune, collection=self.report.collection)
        if refusal is None:
            return False
        if not self._options.apart:
            raise refusal
        self.report.refused.append(Refused(plan.source.name, refusal.message, refusal.hint))
        return True

    def _remove_unwanted(self, plan: Plan) -> list[str]:
        unwanted = sorted(plan.unwanted(prune=self._options.prune))
        self._tally.gone(plan, unwanted)
        if unwanted and self._options.dry_run:
            self.report.removed += len(unwanted)
            self.report.would_remove += [plan.source.uri(path) for path in unwanted]
        elif unwanted:
            documents, chunks = self._run.remove(plan.source_id, unwanted)
            self.report.removed += documents
            self.report.chunks_removed += chunks
        return unwanted

    def _finish(self, plan: Plan, *, removed: Sequence[str]) -> None:
        if self._options.dry_run:
            return
        device, stale = plan.listing.device, plan.stale(removed)
        self._run.finish(
            plan.source_id,
            up_to_date=plan.whole and not plan.unread,
            parameters=self._chunking,
            stamp=plan.state(removed, stale=stale),
            device=None if device is None else str(device),
            solved=plan.solved(),
            found=plan.new_problems(),
            opened=plan.files.undone(stale),
            packed=plan.files.changed(stale),
        )
