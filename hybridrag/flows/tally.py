"""What became of each document of a run: told, counted in the report, and noted in its plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from hybridrag.flows.changes import Plan
from hybridrag.flows.ingest_report import IngestReport
from hybridrag.flows.progress import Progress
from hybridrag.store.problems import Problem, shortened
from hybridrag.types import Skipped


class Tally:
    """That of one run."""

    def __init__(self, report: IngestReport, progress: Progress) -> None:
        self.report = report
        self.progress = progress
        self._came: Counter[bytes] = Counter()
        self._went: Counter[bytes] = Counter()

    def indexed(self, plan: Plan, path: str, content_hash: bytes) -> None:
        """It is in the index as it is now, or would be after a dry run."""
        if path in plan.known:
            self.report.updated += 1
        else:
            self.report.added += 1
            self._came[content_hash] += 1

    def unchanged(self, plan: Plan, paths: set[str]) -> None:
        plan.unchanged |= paths
        self.report.unchanged += len(paths)
        self.looked_at(plan, paths)

    def skipped(self, plan: Plan, path: str, why: Skipped, *, content_hash: bytes | None = None) -> None:
        """It is not indexed as it is now; `content_hash` says that this lies in its content."""
        plan.keep_problem(path, why, content_hash=content_hash)
        self._tell(plan, path, why)

    def skipped_again(self, plan: Plan, path: str, problem: Problem) -> None:
        """The same as when the same was tried before."""
        plan.problems[shortened(path)] = replace(problem, stamp=plan.stamps.get(path, problem.stamp))
        self._tell(plan, path, problem.told(plan.source.uri(path)))

    def gone(self, plan: Plan, paths: Collection[str]) -> None:
        """They are to be removed."""
        self._went.update(plan.known[path].content_hash for path in paths)

    @property
    def moved(self) -> int:
        """How many came with the content of one that went."""
        return (self._came & self._went).total()

    def looked_at(self, plan: Plan, paths: Collection[str]) -> None:
        """Counts the source's own files, each once: how many lie inside of them is not known beforehand."""
        counted = plan.uncounted.intersection(paths)
        plan.uncounted -= counted
        self.progress.advance(len(counted), 0)

    def _tell(self, plan: Plan, path: str, skipped: Skipped) -> None:
        if path in plan.known:
            # A picture says what it said, on a machine or in a cron job that finds no OCR too.
            if skipped.failed or skipped.needs_ocr:
                skipped = replace(skipped, reason=f"{skipped.reason}; the version indexed before is kept")
            else:
                plan.emptied.add(path)
        self.report.problem(skipped)
        self.looked_at(plan, [path])
