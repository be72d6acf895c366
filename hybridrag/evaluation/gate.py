"""The gate: what a candidate must show before it may take the active generation's place, and whether it did.

A gate file is TOML and may arrive with a repository, so it is read strictly: it names questions and demands, and can
say nothing else. A demand on a metric is a number, which is about `metric`, or a table of them by metric.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridrag.errors import ConfigError, UsageError
from hybridrag.evaluation.comparison import short, signed
from hybridrag.evaluation.files import look, read_text
from hybridrag.evaluation.intervals import mean_interval
from hybridrag.evaluation.metrics import MAIN, measured
from hybridrag.evaluation.runs import Run
from hybridrag.types import Mode

ACTIVE, CANDIDATE = "active", "candidate"
"""What the two are called in a run, as its modes."""
METRICS = tuple(measured((), {}))
MODES: dict[str, Mode] = {"hybrid": "hybrid", "dense": "dense", "lexical": "lexical"}
_SHALLOW, _DEEP = 10, 100
"""Documents asked for: what a search returns, and what metrics at 100 look at."""
_FEW = 30
"""Questions below which a bootstrap interval is narrower than it ought to be."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Gate:
    """What a candidate is asked, and what it must reach. `questions` is a BEIR folder or a question file.

    `minimum` are means that it must reach, by metric. `max_regression` is what it may lose, by metric: the lower end of
    the paired interval of candidate minus active, at `confidence`, must not be below minus this. `max_p95_ms` bounds
    its latency: 95 of 100 questions are answered within so many milliseconds.
    """

    file: Path
    questions: Path
    metric: str = MAIN
    mode: Mode = "hybrid"
    confidence: float = 0.95
    minimum: Mapping[str, float] = field(default_factory=dict)
    max_regression: Mapping[str, float] = field(default_factory=dict)
    minimum_questions: int = 1
    max_p95_ms: float | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """Those that something is demanded of, and the one it is all about."""
        return tuple(dict.fromkeys((self.metric, *self.minimum, *self.max_regression)))

    @property
    def depth(self) -> int:
        """How many documents to ask for."""
        return depth_for(*self.metrics)


@dataclass(frozen=True, slots=True)
class Regression:
    """Candidate minus active in one metric: the mean over all questions, with its interval at `confidence`."""

    mean: float
    low: float
    high: float
    confidence: float

    @staticmethod
    def of(run: Run, metric: str, confidence: float) -> Regression:
        before, after = run.modes[ACTIVE], run.modes[CANDIDATE]
        differences = [after[question].values[metric] - before[question].values[metric] for question in run.texts]
        low, high = mean_interval(differences, confidence=confidence)
        return Regression(sum(differences) / len(differences), low, high, confidence)


def depth_for(*metrics: str) -> int:
    """Documents to ask for; as many as a search returns where that is enough, so that latency is that of a search."""
    return _SHALLOW if all(name in measured((), {}, depth=_SHALLOW) for name in metrics) else _DEEP


# --- the file --------------------------------------------------------------------------------------------------------


def read_gate(file: Path) -> Gate:
    """The gate that a file describes. Raises ConfigError naming the file, the key, and what is allowed there."""
    tree = _tree(file)
    for key in tree:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            raise ConfigError(
                f"{file}: {key!r} is no key of a gate file",
                hint=f"did you mean {near[0]}?" if near else f"there are: {', '.join(_KEYS)}",
            )
    found = {key: _KEYS[key](value, _Said(file, key)) for key, value in tree.items()}
    if "questions" not in found:
        raise ConfigError(f"{file} names no questions", hint='for example: questions = "questions.jsonl"')
    metric = found.get("metric", MAIN)
    for key in ("minimum", "max_regression"):
        if isinstance(found.get(key), float):
            found[key] = {metric: found[key]}
    gate = Gate(file=file, **found)
    if not (gate.minimum or gate.max_regression or gate.max_p95_ms is not None):
        raise ConfigError(
            f"{file} demands nothing of a candidate: every one would pass",
            hint="give at least one of: minimum, max_regression, max_p95_ms",
        )
    return gate


def _tree(file: Path) -> dict[str, Any]:
    try:
        if look(file) is None:
            raise ConfigError(f"there is no gate file {file}", hint="docs/gate.md tells what to write into one")
        return tomllib.loads(read_text(file))
    except UsageError as exc:
        raise ConfigError(f"the gate file {exc.message}", hint=exc.hint) from None
    except (ValueError, RecursionError) as exc:  # its message names line and column
        raise ConfigError(f"{file} is not valid TOML: {exc}", hint="mend the line it names") from None


@dataclass(frozen=True, slots=True)
class _Said:
    """Where a value stands, for messages."""

    file: Path
    key: str

    def wrong(self, value: object, allowed: str) -> ConfigError:
        kind = {dict: "a table", list: "a list", bool: str(value).lower()}.get(type(value), repr(value)[:80])
        return ConfigError(f"{self.file}: {self.key} is {kind}", hint=f"it must be {allowed}")


def _questions(value: object, said: _Said) -> Path:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise said.wrong(value, "the path of a BEIR folder or a question file, from the gate file's own folder")
    path = said.file.parent / value
    try:
        there = look(path)
    except UsageError as exc:
        raise ConfigError(f"{said.file}: questions: {exc.message}", hint=exc.hint) from None
    if there is None:
        raise ConfigError(
            f"{said.file}: questions names {path}, and there is nothing",
            hint="a path is taken from the gate file's own folder",
        )
    return path


def _metric(value: object, said: _Said) -> str:
    if not isinstance(value, str) or value not in METRICS:
        raise said.wrong(value, f"one of {', '.join(METRICS)}")
    return value


def _mode(value: object, said: _Said) -> Mode:
    if not isinstance(value, str) or value not in MODES:
        raise said.wrong(value, f"one of {', '.join(MODES)}")
    return MODES[value]


def _number(value: object, said: _Said, allows: Callable[[float], bool], allowed: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not allows(value):
        raise said.wrong(value, allowed)
    return float(value)


def _by_metric(allows: Callable[[float], bool], allowed: str) -> Callable[[object, _Said], float | Mapping[str, float]]:
    def read(value: object, said: _Said) -> float | Mapping[str, float]:
        if not isinstance(value, dict):
            return _number(value, said, allows, f"{allowed}, or a table of such numbers by metric")
        for name in value:
            if name not in METRICS:
                raise ConfigError(
                    f"{said.file}: {said.key} names the metric {name!r}",
                    hint=f'there are: {", ".join(METRICS)}; write them as "{MAIN}" = 0.5, in quotes',
                )
        return {
            name: _number(one, _Said(said.file, f"{said.key}.{name}"), allows, allowed) for name, one in value.items()
        }

    return read


def _confidence(value: object, said: _Said) -> float:
    return _number(value, said, lambda number: 0.5 <= number <= 0.999, "a number from 0.5 to 0.999")


def _minimum_questions(value: object, said: _Said) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1_000_000:
        raise said.wrong(value, "a whole number from 1 to 1,000,000")
    return value


def _milliseconds(value: object, said: _Said) -> float:
    return _number(value, said, lambda number: 0 < number <= 3_600_000, "milliseconds, above 0")


_KEYS: dict[str, Callable[[Any, _Said], Any]] = {
    "questions": _questions,
    "metric": _metric,
    "mode": _mode,
    "minimum": _by_metric(lambda number: 0 < number <= 1, "a number above 0, up to 1"),
    "max_regression": _by_metric(lambda number: 0 <= number < 1, "a number from 0 to below 1"),
    "confidence": _confidence,
    "minimum_questions": _minimum_questions,
    "max_p95_ms": _milliseconds,
}


# --- the verdict -----------------------------------------------------------------------------------------------------


def failures(gate: Gate, run: Run) -> Iterator[str]:
    """Every demand that the candidate of a run does not meet, each as a sentence with its numbers."""
    different = len(set(run.texts.values()))
    if different < gate.minimum_questions:
        yield f"there are {different} different questions, and the gate asks for at least {gate.minimum_questions}"
    candidate = run.summaries[CANDIDATE]
    for metric, least in gate.minimum.items():
        if candidate.means[metric] < least - _ROUNDING:
            yield f"{metric} of the candidate is {short(candidate.means[metric])}, below the minimum of {least:g}"
    for metric, most in gate.max_regression.items():
        found = Regression.of(run, metric, gate.confidence)
        if found.low < -most - _ROUNDING:
            before, after = run.summaries[ACTIVE].means[metric], candidate.means[metric]
            yield (
                f"a loss of more than {most:g} {metric} cannot be ruled out: {short(before)} became {short(after)}, "
                f"{signed(found.mean)} [{signed(found.low)}, {signed(found.high)}] at {gate.confidence:g} confidence, "
                f"{len(run.texts)} questions"
            )
    if gate.max_p95_ms is not None and candidate.p95_ms > gate.max_p95_ms:
        yield (
            f"5 of 100 questions take the candidate longer than {candidate.p95_ms:.1f} ms; the gate allows "
            f"{gate.max_p95_ms:g} ms (active: {run.summaries[ACTIVE].p95_ms:.1f} ms)"
        )


def doubts(gate: Gate, run: Run) -> Iterator[str]:
    """What makes a verdict worth less than it looks."""
    if gate.max_regression and len(set(run.texts.values())) < _FEW:
        yield f"with fewer than {_FEW} questions an interval is narrower than it ought to be: ask more"
