"""Answers to questions, judged: how each fared, what that makes together, and the form that it is kept in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from hybridrag.evaluation.intervals import Difference, half_and_most, mean_interval, paired_difference
from hybridrag.evaluation.judge import VERDICTS, Judgement, Verdict

Outcome = Verdict | Literal["declined"]
METRICS = (
    "correctness",
    "citation_precision",
    "citation_recall",
    "source@3",
    "grounded",
    "declined",
    "declined_in_vain",
)
"""The figures of answers. All are better when higher, but `declined_in_vain`."""
GUARDED: Mapping[str, float] = {"correctness": 1.0, "declined": 1.0, "declined_in_vain": -1.0}
"""What is held against a baseline, and the sign of what is better."""
_CITED = 3
"""Citations that a reader looks at: the expected source should be among their documents."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Tokens of a request and its reply, and US dollars; None where no price is known."""

    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Answered:
    """How one question was answered. `sources` are the documents that answer it: none means that it is to be declined.

    `cited` are the documents of its citations, one for each, in order. `supported` tells whether a passage bears out
    every sentence. Milliseconds count from the question; `first_token_ms` is None where nothing streamed. `failure`
    tells why there is no answer at all; then nothing else counts.
    """

    question: str
    sources: tuple[str, ...]
    expected: str | None = None
    answer: str = ""
    declined: bool = False
    complete: bool = True
    cited: tuple[str, ...] = ()
    supported: bool = False
    judgement: Judgement | None = None
    spent: Spent | None = None
    ms: float = 0.0
    first_token_ms: float | None = None
    failure: str = ""

    @property
    def values(self) -> dict[str, float]:
        """The metrics that this answer has a value of."""
        if self.failure:
            return {}
        found = {} if self.declined else {"grounded": float(self.supported)}
        if not self.sources:
            return found | {"declined": float(self.declined)}
        found |= {
            "declined_in_vain": float(self.declined),
            "citation_recall": sum(source in self.cited for source in self.sources) / len(self.sources),
            "source@3": float(any(document in self.sources for document in self.cited[:_CITED])),
        }
        if self.cited:
            found["citation_precision"] = sum(document in self.sources for document in self.cited) / len(self.cited)
        if self.judgement is not None:
            found["correctness"] = self.judgement.score
        return found

    @property
    def verdict(self) -> Outcome | None:
        """What it is worth beside the expected answer, None where none is expected or nothing came."""
        if self.failure or self.judgement is None or not self.sources:
            return None
        return "declined" if self.declined else self.judgement.verdict


@dataclass(frozen=True)
class Answers:
    """All answers of a run by question. `asked` is a hash of what was asked; `judge` says how they were judged.

    `stopped` tells why not all questions were asked, empty where they were.
    """

    mode: Literal["extractive", "provider"]
    provider: str | None
    model: str | None
    judge: str
    asked: str
    by_question: Mapping[str, Answered]
    stopped: str = ""
    notes: tuple[str, ...] = field(default=())

    @cached_property
    def means(self) -> Mapping[str, float]:
        """The mean of each metric that some answer has a value of."""
        return {name: sum(values) / len(values) for name, values in self._columns.items()}

    @cached_property
    def intervals(self) -> Mapping[str, tuple[float, float]]:
        """The 95% interval of each mean."""
        return {name: mean_interval(values) for name, values in self._columns.items()}

    @property
    def counts(self) -> Mapping[str, int]:
        """How many answers have a value of each metric."""
        return {name: len(values) for name, values in self._columns.items()}

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How many answers got each verdict, of those that were expected to say something."""
        given = Counter(one.verdict for one in self.by_question.values())
        every: tuple[Outcome, ...] = (*VERDICTS, "declined")
        return {verdict: given[verdict] for verdict in every}

    @property
    def failed(self) -> Mapping[str, str]:
        """Why there is no answer, by question."""
        return {key: one.failure for key, one in self.by_question.items() if one.failure}

    @property
    def spent(self) -> Spent | None:
        """All tokens, and all dollars where every price is known; None where no answer has tokens."""
        known = [one.spent for one in self.by_question.values() if one.spent is not None]
        if not known:
            return None
        costs = [one.cost_usd for one in known]
        return Spent(
            sum(one.prompt_tokens for one in known),
            sum(one.completion_tokens for one in known),
            None if None in costs else sum(cost for cost in costs if cost is not None),
        )

    @property
    def latency(self) -> Mapping[str, float]:
        """Milliseconds at the median and at 95%: whole answers, and first tokens where answers streamed."""
        whole = [one.ms for one in self.by_question.values() if not one.failure]
        first = [one.first_token_ms for one in self.by_question.values() if one.first_token_ms is not None]
        found: dict[str, float] = {}
        for name, values in (("", whole), ("first_token_", first)):
            if values:
                found[f"{name}p50_ms"], found[f"{name}p95_ms"] = half_and_most(values)
        return found

    @cached_property
    def _columns(self) -> Mapping[str, Sequence[float]]:
        rows = [one.values for one in self.by_question.values()]
        columns = {name: [row[name] for row in rows if name in row] for name in METRICS}
        return {name: values for name, values in columns.items() if values}


@dataclass(frozen=True, slots=True)
class Change:
    """How a guarded metric differs from a baseline, on the questions that have it in both."""

    metric: str
    before: float
    after: float
    difference: Difference

    def falls(self, at_most: float) -> bool:
        """Whether it got worse beyond chance, by more than `at_most`."""
        return self.difference.told and GUARDED[self.metric] * self.difference.mean < -at_most


def changes(before: Answers, after: Answers) -> list[Change]:
    """Each guarded metric of `after` beside that of `before`, where both share a question that has it."""
    found = []
    for metric in GUARDED:
        pairs = [
            (earlier.values[metric], one.values[metric])
            for key, one in after.by_question.items()
            if (earlier := before.by_question.get(key)) is not None
            and earlier.question == one.question
            and metric in earlier.values
            and metric in one.values
        ]
        if pairs:
            first, second = [a for a, _ in pairs], [b for _, b in pairs]
            difference = paired_difference(first, second)
            found.append(Change(metric, sum(first) / len(first), sum(second) / len(second), difference))
    return found


# --- the form it is written in ---------------------------------------------------------------------------------------


def answers_json(answers: Answers, *, texts: bool = True) -> dict[str, Any]:
    """The `answers` object of `hybridrag.eval/1`; without `texts` it holds no word of an answer or a document."""
    spent = answers.spent
    return {
        "mode": answers.mode,
        "provider": answers.provider,
        "model": answers.model,
        "judge": answers.judge,
        "asked": answers.asked,
        "queries": len(answers.by_question),
        "answerable": sum(bool(one.sources) for one in answers.by_question.values()),
        "unanswerable": sum(not one.sources for one in answers.by_question.values()),
        "failed": len(answers.failed),
        "stopped": answers.stopped,
        **{name: round(value, 5) for name, value in answers.means.items()},
        "ci95": {name: [round(end, 5) for end in ends] for name, ends in answers.intervals.items()},
        "counts": dict(answers.counts),
        "verdicts": dict(answers.verdicts),
        "usage": _spent_json(spent),
        **{name: round(value, 2) for name, value in answers.latency.items()},
        "notes": list(answers.notes),
        "questions": [_answered_json(key, one, texts=texts) for key, one in answers.by_question.items()],
    }


def _answered_json(key: str, one: Answered, *, texts: bool) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": key,
        "question": one.question,
        "sources": list(one.sources),
        "cited": list(one.cited),
        "declined": one.declined,
        "complete": one.complete,
        "supported": one.supported,
        "score": None if one.judgement is None else one.judgement.score,
        "verdict": one.verdict,
        "usage": _spent_json(one.spent),
        "ms": round(one.ms, 2),
        "first_token_ms": None if one.first_token_ms is None else round(one.first_token_ms, 2),
        "failed": bool(one.failure),
    }
    if texts:
        row |= {
            "expected": one.expected,
            "answer": one.answer,
            "reason": None if one.judgement is None else one.judgement.reason,
            "failure": one.failure,
        }
    return row


def _spent_json(spent: Spent | None) -> dict[str, Any]:
    return {
        "prompt_tokens": spent.prompt_tokens if spent else None,
        "completion_tokens": spent.completion_tokens if spent else None,
        "cost_usd": spent.cost_usd if spent else None,
    }


def answers_of(value: Any) -> Answers:
    """The answers that an object tells, with or without their texts. Raises as `load_run` catches for any other."""
    mode = value["mode"]
    if mode not in ("extractive", "provider"):
        raise ValueError("mode")
    return Answers(
        mode=mode,
        provider=_optional(value["provider"]),
        model=_optional(value["model"]),
        judge=str(value["judge"]),
        asked=str(value["asked"]),
        by_question={str(row["id"]): _answered(row) for row in value["questions"]},
        stopped=str(value["stopped"]),
        notes=tuple(str(note) for note in value["notes"]),
    )


def _answered(row: Any) -> Answered:
    score, failed = row["score"], bool(row["failed"])
    if score is not None and not 0 <= score <= 1:
        raise ValueError("score")
    verdict: Verdict = row["verdict"] if row["verdict"] in VERDICTS else "wrong"
    return Answered(
        question=str(row["question"]),
        sources=tuple(str(name) for name in row["sources"]),
        expected=_optional(row.get("expected")),
        answer=str(row.get("answer", "")),
        declined=bool(row["declined"]),
        complete=bool(row["complete"]),
        cited=tuple(str(name) for name in row["cited"]),
        supported=bool(row["supported"]),
        judgement=None if score is None else Judgement(float(score), verdict, str(row.get("reason") or "")),
        spent=_spent(row["usage"]),
        ms=_milliseconds(row["ms"]),
        first_token_ms=None if row["first_token_ms"] is None else _milliseconds(row["first_token_ms"]),
        failure=str(row.get("failure") or "failed") if failed else "",
    )


def _spent(row: Any) -> Spent | None:
    if row["prompt_tokens"] is None:
        return None
    cost = row["cost_usd"]
    return Spent(int(row["prompt_tokens"]), int(row["completion_tokens"]), None if cost is None else float(cost))


def _milliseconds(value: Any) -> float:
    if not 0 <= float(value) < 2**53:
        raise ValueError("milliseconds")
    return float(value)


def _optional(value: Any) -> str | None:
    return None if value is None else str(value)
