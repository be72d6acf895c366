"""Gate: a candidate and the active generation are asked the questions of a gate file; may the candidate serve?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hybridrag.errors import UsageError
from hybridrag.evaluation import Run, compare_runs
from hybridrag.evaluation.gate import ACTIVE, CANDIDATE, Gate, Regression, doubts, failures
from hybridrag.evaluation.overlap import Overlap
from hybridrag.flows.compare_generations import label, overlap_json, side_by_side, side_json
from hybridrag.flows.evaluate import Asked, Asking, read_questions
from hybridrag.flows.judged import judged
from hybridrag.types import Collection, GenerationStatus, Query

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore
    from hybridrag.types import SearchResult

SCHEMA = "hybridrag.gate/1"
_WORST = 20
"""Questions listed that lost most."""


@dataclass(frozen=True, slots=True)
class GateReport:
    """What came of a gate. `reasons` are the demands that were not met, as sentences; there are none where it passed.

    `run` has both generations as the modes ACTIVE and CANDIDATE; None where no question could be asked. `left_out` are
    questions that no document answers.
    """

    gate: Gate
    active: GenerationStatus
    candidate: GenerationStatus
    reasons: tuple[str, ...]
    run: Run | None
    notes: tuple[str, ...]
    left_out: int = 0

    @property
    def passed(self) -> bool:
        return not self.reasons


def judge(
    store: PostgresStore,
    collection: Collection,
    gate: Gate,
    *,
    active: GenerationStatus,
    candidate: GenerationStatus,
    search: Callable[[Query], SearchResult],
    asking: Asking,
) -> GateReport:
    """Asks both generations in turns. What cannot be judged fails: it never passes in silence.

    Raises UsageError where the questions cannot be read, and GenerationGone where a generation is dropped meanwhile.
    """
    asked, left_out = _usable(gate)
    reasons = [*_incomplete(candidate)]
    if not asked.questions.texts:
        return GateReport(
            gate,
            active,
            candidate,
            (*reasons, f"no document answers any question of {gate.questions}"),
            None,
            asked.notes,
            left_out,
        )
    try:
        # Judged documents that the index lacks, lacks for both: the run notes them. Where it has none, nothing is told.
        judged(store, collection, asked.questions, own_ids=asked.corpus is not None, expression="")
    except UsageError as exc:  # none of them is
        return GateReport(gate, active, candidate, (*reasons, exc.message), None, asked.notes, left_out)
    run = side_by_side(
        store,
        collection,
        asked,
        active=active.generation,
        candidate=candidate.generation,
        mode=gate.mode,
        depth=gate.depth,
        search=search,
        asking=asking,
    )
    reasons += failures(gate, run)
    notes = [note for note in (*run.notes, *doubts(gate, run)) if note not in reasons]
    return GateReport(gate, active, candidate, tuple(reasons), run, tuple(notes), left_out)


def gate_json(report: GateReport, *, texts: bool = True) -> dict[str, Any]:
    """The `hybridrag.gate/1` object. Without `texts` it holds no question, as it is kept in the database."""
    gate, run = report.gate, report.run
    value: dict[str, Any] = {
        "schema": SCHEMA,
        "passed": report.passed,
        "reasons": list(report.reasons),
        "gate": {
            "file": str(gate.file),
            "questions": str(gate.questions),
            "minimum": dict(gate.minimum),
            "max_regression": dict(gate.max_regression),
            "minimum_questions": gate.minimum_questions,
            "max_p95_ms": gate.max_p95_ms,
        },
        "questions": len(run.texts) if run else 0,
        "left_out": report.left_out,
        "metric": gate.metric,
        "mode": gate.mode,
        "confidence": gate.confidence,
        "active": side_json(report.active, run.summaries[ACTIVE] if run else None),
        "candidate": side_json(report.candidate, run.summaries[CANDIDATE] if run else None),
        "differences": {},
        "overlap": None,
        "worse_questions": 0,
        "better_questions": 0,
        "worse": [],
        "notes": list(report.notes),
    }
    if run is None:
        return value
    comparison = compare_runs(run, ACTIVE, run, CANDIDATE, metric=gate.metric)
    worst = comparison.worse[:_WORST] if texts else ()
    return value | {
        "dataset": run.dataset,
        "differences": {name: _regression_json(run, name, gate.confidence) for name in gate.metrics},
        "overlap": overlap_json(Overlap.of(run, ACTIVE, CANDIDATE)),
        "worse_questions": len(comparison.worse),
        "better_questions": len(comparison.better),
        "worse": [
            {"question": one.text, "before": round(one.before, 5), "after": round(one.after, 5)} for one in worst
        ],
    }


def _incomplete(candidate: GenerationStatus) -> Iterator[str]:
    if not candidate.complete:
        yield (
            f"{label(candidate.generation)} is not complete: {candidate.waiting_documents} documents are to be "
            f"chunked, {candidate.waiting_texts} texts to be embedded"
        )


def _usable(gate: Gate) -> tuple[Asked, int]:
    """The questions that some document answers, which alone tell of retrieval, and how many others there are."""
    asked = read_questions(gate.questions, unanswerable=True)
    qrels = asked.questions.qrels
    kept = asked.questions.of(key for key, grades in qrels.items() if any(grade > 0 for grade in grades.values()))
    left_out = len(qrels) - len(kept.texts)
    note = (f"{left_out} questions are left out: no document answers them",) if left_out else ()
    return replace(asked, questions=kept, notes=(*asked.notes, *note)), left_out


def _regression_json(run: Run, metric: str, confidence: float) -> dict[str, Any]:
    found = Regression.of(run, metric, confidence)
    rounded = {"difference": found.mean, "low": found.low, "high": found.high}
    return {name: round(value, 5) + 0.0 for name, value in rounded.items()}  # never -0.0
