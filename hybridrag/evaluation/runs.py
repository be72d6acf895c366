"""A run: the same questions asked of one collection in one or several modes, with how each question fared.

Runs are written as `hybridrag.eval/1` objects, by `--json` and into the database, and read back to be compared.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from hybridrag.errors import UsageError
from hybridrag.evaluation.answers import Answers, answers_json, answers_of
from hybridrag.evaluation.files import read_text
from hybridrag.evaluation.intervals import Difference, half_and_most, mean_interval, paired_difference
from hybridrag.evaluation.metrics import MAIN, measured

SCHEMA = "hybridrag.eval/1"
KEPT = 10
"""Documents of a ranking that are kept, whatever was asked for."""
ARMS = ("dense", "lexical")
_MOST = 2**53
"""No number of a run is larger."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one question fared: the first documents found, the rank of each relevant one that was found, its metrics."""

    found: tuple[str, ...]
    ranks: Mapping[str, int]
    values: Mapping[str, float]
    ms: float

    @staticmethod
    def of(ranking: tuple[str, ...], grades: Mapping[str, int], *, depth: int, ms: float) -> Outcome:
        """`ranking` holds at most `depth` documents, best first; `ms` is how long the search took."""
        places = {name: rank for rank, name in enumerate(ranking, start=1) if grades.get(name, 0) > 0}
        return Outcome(ranking[:KEPT], places, measured(ranking, grades, depth=depth), ms)


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over all questions with their 95% intervals, by metric, and the latency in milliseconds."""

    means: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    p50_ms: float
    p95_ms: float

    @staticmethod
    def of(outcomes: Mapping[str, Outcome]) -> Summary:
        columns = {
            name: [one.values[name] for one in outcomes.values()] for name in next(iter(outcomes.values())).values
        }
        half, most = half_and_most([one.ms for one in outcomes.values()])
        return Summary(
            means={name: sum(values) / len(values) for name, values in columns.items()},
            intervals={name: mean_interval(values) for name, values in columns.items()},
            p50_ms=half,
            p95_ms=most,
        )


@dataclass(frozen=True)
class Run:
    """What was asked of which collection, and the outcomes by mode and question. Every mode answers every question.

    `asked` is a hash of questions, judgements and filter: runs with the same one asked the same. `texts` and `qrels`
    hold the questions that count, `documents` is the number of documents in the collection. `configuration` tells what
    served: model, filter, depth and so on. `id` is the run's number in the history, None where it is not kept.
    `answers` are there if questions were also answered; only then there may be no modes.
    """

    dataset: str
    asked: str
    collection: str
    documents: int
    texts: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    modes: Mapping[str, Mapping[str, Outcome]]
    configuration: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: int | None = None
    answers: Answers | None = None

    @property
    def label(self) -> str:
        """How people tell it from others."""
        number = f"run {self.id}" if self.id is not None else "a run"
        return f"{number} of {self.at.astimezone():%Y-%m-%d %H:%M} on {self.collection}"

    @cached_property
    def summaries(self) -> Mapping[str, Summary]:
        """By mode."""
        return {mode: Summary.of(outcomes) for mode, outcomes in self.modes.items()}

    @cached_property
    def differences(self) -> Mapping[tuple[str, str], Mapping[str, Difference]]:
        """How much a mode is above another, by metric: each hybrid above the better arm, and what reranking adds."""
        arm = self.better_arm()
        pairs = [(arm, hybrid) for hybrid in self.hybrids() if arm] + self.reranked()
        return {(before, after): self._differences(before, after) for before, after in pairs}

    def numbered(self, number: int) -> Run:
        """The run as the history knows it, with all that is worked out already."""
        kept = replace(self, id=number)
        worked_out: dict[str, Any] = {
            name: self.__dict__[name] for name in ("summaries", "differences") if name in self.__dict__
        }
        kept.__dict__.update(worked_out)
        return kept

    def better_arm(self, metric: str = MAIN) -> str | None:
        """The arm whose mean is higher, None where both were not asked."""
        if not all(arm in self.modes for arm in ARMS):
            return None
        return max(ARMS, key=lambda arm: self.summaries[arm].means[metric])

    def hybrids(self) -> list[str]:
        """The modes that use both arms, as they were given."""
        return [mode for mode in self.modes if mode.partition("+")[0] == "hybrid"]

    def reranked(self) -> list[tuple[str, str]]:
        """Pairs of a mode and the same mode reranked."""
        return [(mode, f"{mode}+rerank") for mode in self.modes if f"{mode}+rerank" in self.modes]

    def _differences(self, before: str, after: str) -> Mapping[str, Difference]:
        first, second = self.modes[before], self.modes[after]
        return {
            name: paired_difference(
                [first[question].values[name] for question in self.texts],
                [second[question].values[name] for question in self.texts],
            )
            for name in self.summaries[after].means
        }


def load_run(file: Path) -> Run:
    """A run that `--json` printed. Raises UsageError where the file holds none."""
    text = read_text(file)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise UsageError(f"{file} is not JSON", hint="give what `hybridrag eval run --json` printed") from None
    try:
        return run_of(value)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise UsageError(
            f"{file} is no {SCHEMA} object with its questions", hint="give what `hybridrag eval run --json` printed"
        ) from None


# --- the form it is written in ---------------------------------------------------------------------------------------


def run_json(run: Run, *, texts: bool = True) -> dict[str, Any]:
    """The `hybridrag.eval/1` object; without `texts` it holds no word of an answer."""
    return {
        "schema": SCHEMA,
        "id": run.id,
        "at": run.at.isoformat(),
        "dataset": run.dataset,
        "asked": run.asked,
        "collection": run.collection,
        "documents": run.documents,
        "queries": len(run.texts),
        "configuration": dict(run.configuration),
        "notes": list(run.notes),
        "modes": {mode: summary_json(summary) for mode, summary in run.summaries.items()},
        "differences": [
            {"before": before, "after": after, **{name: difference_json(one) for name, one in found.items()}}
            for (before, after), found in run.differences.items()
        ],
        **({"answers": answers_json(run.answers, texts=texts)} if run.answers is not None else {}),
        "questions": [_question_json(run, question) for question in run.texts],
    }


def summary_json(summary: Summary) -> dict[str, Any]:
    return {
        **{name: round(value, 5) for name, value in summary.means.items()},
        "p50_ms": round(summary.p50_ms, 2),
        "p95_ms": round(summary.p95_ms, 2),
        "ci95": {name: [round(end, 5) for end in ends] for name, ends in summary.intervals.items()},
    }


def difference_json(difference: Difference) -> dict[str, Any]:
    return {
        "difference": round(difference.mean, 5) + 0.0,  # never -0.0
        "ci95": [round(difference.low, 5) + 0.0, round(difference.high, 5) + 0.0],
        "p": round(difference.p, 5),
        "questions": difference.questions,
        "told": difference.told,
    }


def _question_json(run: Run, question: str) -> dict[str, Any]:
    return {
        "id": question,
        "question": run.texts[question],
        "relevant": dict(run.qrels[question]),
        "modes": {
            mode: {
                **outcomes[question].values,  # in full: two runs that did the same must not differ when read back
                "ms": round(outcomes[question].ms, 2),
                "found": list(outcomes[question].found),
                "ranks": dict(outcomes[question].ranks),
            }
            for mode, outcomes in run.modes.items()
        },
    }


def run_of(value: Any) -> Run:
    """The run that an object tells. Raises as `load_run` catches for any other."""
    answers = answers_of(value["answers"]) if value.get("answers") else None
    if value["schema"] != SCHEMA or (answers is None and not (value["questions"] and value["modes"])):
        raise ValueError(SCHEMA)
    rows = {_text(row["id"]): row for row in value["questions"]}
    modes = {_text(mode): {key: _outcome(row["modes"][mode]) for key, row in rows.items()} for mode in value["modes"]}
    if len({frozenset(one.values) for outcomes in modes.values() for one in outcomes.values()}) > 1:
        raise ValueError("questions with other metrics")
    at = datetime.fromisoformat(value["at"])
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    at.astimezone()  # as it will be shown; a time at the end of all years has none here
    return Run(
        dataset=_text(value["dataset"]),
        asked=_text(value["asked"]),
        collection=_text(value["collection"]),
        documents=_number(value["documents"]),
        texts={key: _text(row["question"]) for key, row in rows.items()},
        qrels={
            key: {_text(name): _number(grade, least=-_MOST) for name, grade in row["relevant"].items()}
            for key, row in rows.items()
        },
        modes=modes,
        configuration=dict(value["configuration"]),
        notes=tuple(_text(note) for note in value["notes"]),
        at=at,
        id=None if value["id"] is None else _number(value["id"], least=1),
        answers=answers,
    )


def _outcome(row: Any) -> Outcome:
    values = {_text(name): float(number) for name, number in row.items() if name not in {"ms", "found", "ranks"}}
    ms = float(row["ms"])
    if MAIN not in values or not all(0 <= number <= 1 for number in values.values()) or not 0 <= ms <= _MOST:
        raise ValueError("metrics")
    ranks = {_text(name): _number(rank, least=1) for name, rank in row["ranks"].items()}
    return Outcome(tuple(_text(name) for name in row["found"]), ranks, values, ms)


def _number(value: Any, *, least: int = 0) -> int:
    if not isinstance(value, int) or not least <= value <= _MOST:
        raise ValueError("number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value
