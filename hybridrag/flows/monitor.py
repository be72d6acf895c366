"""Monitor: what comes of a run that is held against an earlier one, and whether later runs are held against it.

A run that fell never becomes a baseline, so an alarm goes on until its cause is mended. Neither does one whose
retrieval came out lower by however little, where the same was asked: many small falls add up, and are told in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hybridrag.evaluation import Difference, Run
from hybridrag.evaluation.answers import GUARDED, Change, changes
from hybridrag.evaluation.runs import difference_json
from hybridrag.flows.compare import Held, hold
from hybridrag.store.evaluations import Baseline

Verdict = Literal["first", "same", "better", "dropped", "accepted"]
ACCEPT = 1.0
"""The fall that may be lost where anything may: such a run is the new state, whatever it lost."""
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class HeldAnswers:
    """A run's answers held against those of a baseline, in each guarded figure."""

    baseline: Run
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run held against earlier ones: its modes, its answers, and what may be lost."""

    run: Run
    held: Sequence[Held] = ()
    answers: HeldAnswers | None = None
    max_drop: float = 0.01

    @property
    def changes(self) -> Sequence[Change]:
        return self.answers.changes if self.answers is not None else ()

    @property
    def fallen(self) -> list[Held]:
        """The modes that fell beyond chance by more than may be lost."""
        return [one for one in self.held if one.comparison.falls(self.max_drop)]

    @property
    def fallen_answers(self) -> list[Change]:
        return [one for one in self.changes if one.falls(self.max_drop)]

    @property
    def fell(self) -> bool:
        return bool(self.fallen or self.fallen_answers)

    @property
    def new(self) -> bool:
        """Whether something of the run had no baseline."""
        return len(self.held) < len(self.run.modes) or (self.run.answers is not None and not self.changes)

    @property
    def lower(self) -> list[str]:
        """Modes that came out lower than where the same was asked, however little. No baseline moves down by itself."""
        if self.max_drop >= ACCEPT:
            return []
        return [
            one.mode
            for one in self.held
            if one.baseline.asked == self.run.asked and one.comparison.main.mean < -_ROUNDING
        ]

    @property
    def guards(self) -> bool:
        """Whether the run may be a baseline."""
        return not self.fell and not self.lower

    @property
    def verdict(self) -> Verdict | None:
        """What came of it as a whole, None where nothing was there to hold it against."""
        words = {row["verdict"] for row in self.rows()}
        for word in ("dropped", "accepted", "better", "same"):
            if word in words:
                return word
        return None

    def rows(self) -> list[dict[str, Any]]:
        """What the history keeps: by mode and figure of answers, the run it was held against, and what came out."""
        rows = [
            {
                "mode": one.mode,
                "metric": one.comparison.metric,
                "run": one.baseline.id,
                "verdict": self._word(one.comparison.main, fell=one.comparison.falls(self.max_drop), better=1.0),
                **difference_json(one.comparison.main),
            }
            for one in self.held
        ]
        if self.answers is not None:
            rows += [
                {
                    "mode": "answers",
                    "metric": one.metric,
                    "run": self.answers.baseline.id,
                    "verdict": self._word(one.difference, fell=one.falls(self.max_drop), better=GUARDED[one.metric]),
                    **difference_json(one.difference),
                }
                for one in self.answers.changes
            ]
        return rows

    def _word(self, difference: Difference, *, fell: bool, better: float) -> Verdict:
        if fell:
            return "dropped"
        gained = better * difference.mean
        if difference.told and gained > 0:
            return "better"
        return "accepted" if difference.told and self.max_drop >= ACCEPT else "same"


def hold_modes(
    run: Run,
    *,
    named: Run | None,
    baselines: Callable[[str], Iterable[Baseline]],
    load: Callable[[int], Run],
    metric: str,
) -> tuple[Sequence[Held], Sequence[str]]:
    """Each mode of a run against the run that was `named`, else the first of its `baselines` that shares a question."""

    def baseline(mode: str) -> Run | None:
        if named is not None:
            return named
        for found in baselines(mode):
            earlier = load(found.id)
            if found.same or (_shares(earlier, run) and metric in earlier.summaries[mode].means):
                return earlier
        return None

    held, told = hold(run, baseline=baseline, metric=metric)
    notes = list(told)
    for earlier in {id(one.baseline): one.baseline for one in held}.values():
        before, now = (one.configuration.get("generation") for one in (earlier, run))
        same_model = earlier.configuration.get("fingerprint") == run.configuration.get("fingerprint")
        if same_model and earlier.collection == run.collection and before != now:
            notes.append(f"{earlier.label} was measured on generation {before}, this run on {now}")
    return held, tuple(dict.fromkeys(notes))


def hold_answers(
    run: Run, *, named: Run | None, baselines: Callable[[], Iterable[Baseline]], load: Callable[[int], Run]
) -> tuple[HeldAnswers | None, tuple[str, ...]]:
    """A run's answers against those of the run that was `named`, else of the first baseline with the same questions.

    None, with a note, where there are none.
    """
    assert run.answers is not None
    for earlier in [named] if named is not None else (load(found.id) for found in baselines()):
        if earlier.answers is None or not (found := changes(earlier.answers, run.answers)):
            continue
        notes = []
        for name in ("provider", "model", "judge"):
            before, now = getattr(earlier.answers, name), getattr(run.answers, name)
            if before != now:
                notes.append(f"{earlier.label} was answered by another {name}: {before or 'none'}")
        return HeldAnswers(earlier, found), tuple(notes)
    return None, ("the answers have nothing to be held against yet",)


def _shares(earlier: Run, run: Run) -> bool:
    return any(earlier.texts.get(question) == text for question, text in run.texts.items())
