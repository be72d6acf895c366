"""Two ways of answering the same questions, set side by side: how much they differ, how sure that is, and where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hybridrag.errors import UsageError
from hybridrag.evaluation.intervals import Difference, paired_difference
from hybridrag.evaluation.metrics import MAIN
from hybridrag.evaluation.runs import Outcome, Run


@dataclass(frozen=True, slots=True)
class Changed:
    """A question that got better or worse. A rank is None where the document is below the depth that was asked for.

    `instead` is the document that stands now where the best relevant one stood, or first where that was below `KEPT`.
    """

    question: str
    text: str
    before: float
    after: float
    ranks: Mapping[str, tuple[int | None, int | None]]
    instead: str | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`after` against `before`, by metric: both means, and the difference. `worse` and `better` list the most first."""

    before: str
    after: str
    metric: str
    means: Mapping[str, tuple[float, float]]
    differences: Mapping[str, Difference]
    worse: tuple[Changed, ...]
    better: tuple[Changed, ...]
    notes: tuple[str, ...] = ()

    @property
    def main(self) -> Difference:
        """The difference in the metric that the verdict is about."""
        return self.differences[self.metric]

    @property
    def sentence(self) -> str:
        """What came out, for people."""
        return verdict(self.main, before=self.before, after=self.after, metric=self.metric)

    def falls(self, at_most: float) -> bool:
        """Whether the fall is beyond chance, and larger than `at_most`."""
        return self.main.told and self.main.mean < -at_most

    def may_fall(self, at_most: float) -> bool:
        """Whether a fall larger than `at_most` cannot be ruled out: the interval reaches below."""
        return self.main.low < -at_most


def verdict(difference: Difference, *, before: str, after: str, metric: str) -> str:
    """A difference in a sentence."""
    interval = f"[{signed(difference.low)}, {signed(difference.high)}]"
    if not difference.told:
        return (
            f"no difference in {metric} can be told between {before} and {after} with {difference.questions} "
            f"questions: {signed(difference.mean)} {interval}, p = {difference.p:.2g}"
        )
    word = "better" if difference.mean > 0 else "worse"
    return (
        f"{after} is {word} than {before} by {short(abs(difference.mean))} {metric}: "
        f"{signed(difference.mean)} {interval}, p = {difference.p:.2g}, {difference.questions} questions"
    )


def compare_runs(
    before: Run,
    mode_before: str,
    after: Run,
    mode_after: str,
    *,
    names: tuple[str, str] | None = None,
    metric: str = MAIN,
) -> Comparison:
    """One mode of a run against one of another, or of the same, on the questions that both were asked.

    Raises UsageError where a run lacks the mode or the metric, or both share no question.
    """
    for run, mode in ((before, mode_before), (after, mode_after)):
        if mode not in run.modes:
            raise UsageError(f"{run.label} has no mode {mode}", hint=f"it has: {', '.join(run.modes)}")
    common = [question for question, text in after.texts.items() if before.texts.get(question) == text]
    if not common:
        raise UsageError(
            f"{before.label} and {after.label} share no question", hint="compare runs of the same questions"
        )
    pairs = {question: (before.modes[mode_before][question], after.modes[mode_after][question]) for question in common}
    first, second = pairs[common[0]]
    shared = [name for name in second.values if name in first.values]
    if metric not in shared:
        raise UsageError(f"there is no metric {metric}", hint=f"there are: {', '.join(shared)}")
    columns = {
        name: ([a.values[name] for a, _ in pairs.values()], [b.values[name] for _, b in pairs.values()])
        for name in shared
    }
    changed = [
        _changed(question, after.texts[question], *pairs[question], metric=metric)
        for question in common
        if pairs[question][0].values[metric] != pairs[question][1].values[metric]
    ]
    changed.sort(key=lambda one: one.after - one.before)
    label_before, label_after = names or (mode_before, mode_after)
    return Comparison(
        before=label_before,
        after=label_after,
        metric=metric,
        means={name: (sum(a) / len(a), sum(b) / len(b)) for name, (a, b) in columns.items()},
        differences={name: paired_difference(a, b) for name, (a, b) in columns.items()},
        worse=tuple(one for one in changed if one.after < one.before),
        better=tuple(one for one in reversed(changed) if one.after > one.before),
        notes=_notes(before, after, common),
    )


def signed(value: float) -> str:
    """A difference as people read it: +.012."""
    return ("-" if round(value, 3) < 0 else "+") + short(abs(value))


def short(value: float) -> str:
    """A share as people read it: .724, 1.000."""
    return f"{value:.3f}".removeprefix("0")


def _notes(before: Run, after: Run, common: list[str]) -> tuple[str, ...]:
    notes = []
    for run, other in ((before, after), (after, before)):
        if run is not other and (alone := len(run.texts) - len(common)):
            notes.append(f"{alone} questions of {run.label} are left out: {other.label} was not asked them")
    if sum(before.qrels[question] != after.qrels[question] for question in common):
        notes.append("the two were judged by different documents: what was relevant has changed, or its name")
    return tuple(notes)


def _changed(question: str, text: str, before: Outcome, after: Outcome, *, metric: str) -> Changed:
    documents = sorted({*before.ranks, *after.ranks}, key=lambda name: before.ranks.get(name, after.ranks.get(name, 0)))
    ranks = {name: (before.ranks.get(name), after.ranks.get(name)) for name in documents}
    place = min(before.ranks.values(), default=1)
    if place > len(after.found):
        place = 1
    instead = after.found[place - 1] if after.found else None
    return Changed(
        question=question,
        text=text,
        before=before.values[metric],
        after=after.values[metric],
        ranks=ranks,
        instead=None if instead in after.ranks else instead,
    )
