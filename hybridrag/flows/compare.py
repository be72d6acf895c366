"""Compare: two ways to search on the same questions, or a run against the one that was saved before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hybridrag.errors import UsageError
from hybridrag.evaluation import MAIN, Comparison, Run, compare_runs, load_run
from hybridrag.evaluation.datasets import is_file
from hybridrag.flows.evaluate import Variant

Place = Literal["chosen", "model", "collection"]
_SILENT = {"version", "generation", "depth", "limit", "filter", "fusion"}
"""What is not asked of all modes alike, or says nothing of quality."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Something to be measured now: a way to search the chosen collection, one by name, or one of another model."""

    label: str
    place: Place
    name: str
    variant: Variant


@dataclass(frozen=True, slots=True)
class Saved:
    """Something that was measured before: a number in the history, or a file. `mode` is the one of it that is meant."""

    label: str
    run: int | Path
    mode: str


Subject = Measure | Saved


def parse_subject(text: str, *, mode: str = "hybrid") -> Subject:
    """What one side of a comparison is. `mode` is for those that name no mode. Raises UsageError."""
    kind, colon, name = text.partition(":")
    if colon and kind in {"model", "collection"}:
        if not name:
            raise UsageError(f"{text} names no {kind}", hint=f"for example: {kind}:NAME")
        place: Place = "model" if kind == "model" else "collection"
        return Measure(text, place, name, Variant.parse(mode))
    if colon and kind == "run":
        if not name.isascii() or not name.isdecimal():
            raise UsageError(f"{text}: a run is named by its number", hint="for example: run:12")
        return Saved(text, run_number(name), Variant.parse(mode).name)
    if text.endswith(".json") or is_file(Path(text)):
        return Saved(text, Path(text), Variant.parse(mode).name)
    try:
        variant = Variant.parse(text)
    except UsageError as exc:
        raise UsageError(
            f"{text!r} is nothing that can be compared",
            hint=f"{exc.hint}; or model:NAME, collection:NAME, run:NUMBER, or a FILE.json that `eval run` printed",
        ) from None
    return Measure(text, "chosen", "", variant)


def compare(
    before: Subject,
    after: Subject,
    *,
    measure: Callable[[Place, str, tuple[Variant, ...]], Run],
    saved: Callable[[int], Run],
    metric: str = MAIN,
) -> Comparison:
    """`after` against `before`. `measure` is called once for each place, with all that is to be measured there.

    Raises UsageError where both are the same, or share no question.
    """
    if before == after:
        raise UsageError(f"both sides are {before.label}", hint="name two different ones")
    wanted: dict[tuple[Place, str], list[Variant]] = {}
    for subject in (before, after):
        if isinstance(subject, Measure):
            wanted.setdefault((subject.place, subject.name), []).append(subject.variant)
    earlier = {subject: _earlier(subject, saved, metric) for subject in (before, after) if isinstance(subject, Saved)}
    runs = {key: measure(*key, tuple(variants)) for key, variants in wanted.items()}

    def of(subject: Subject) -> tuple[Run, str]:
        if isinstance(subject, Measure):
            return runs[subject.place, subject.name], subject.variant.name
        return earlier[subject], subject.mode

    (run_before, mode_before), (run_after, mode_after) = of(before), of(after)
    found = compare_runs(
        run_before, mode_before, run_after, mode_after, names=(before.label, after.label), metric=metric
    )
    told = dict.fromkeys((*found.notes, *(note for run in runs.values() for note in run.notes)))
    return replace(found, notes=tuple(told))


def run_number(digits: str) -> int:
    """The number of a run. No run has one of more than 18 digits: such a number stands for none."""
    return int(digits[:19])


def check_run(run: Run, modes: Sequence[str], metric: str) -> None:
    """Raises UsageError where a run has none of the modes, or not the metric: before anything is held against it."""
    common = [mode for mode in modes if mode in run.modes]
    if not common:
        raise UsageError(f"{run.label} has no mode {', '.join(modes)}", hint=f"it has: {', '.join(run.modes)}")
    known = run.summaries[common[0]].means
    if metric not in known:
        raise UsageError(f"{run.label} has no metric {metric}", hint=f"it has: {', '.join(known)}")


def _earlier(subject: Saved, saved: Callable[[int], Run], metric: str) -> Run:
    run = load_run(subject.run) if isinstance(subject.run, Path) else saved(subject.run)
    check_run(run, [subject.mode], metric)
    return run


@dataclass(frozen=True, slots=True)
class Held:
    """A mode of a run held against its baseline."""

    mode: str
    baseline: Run
    comparison: Comparison


def hold(
    run: Run, *, baseline: Callable[[str], Run | None], metric: str = MAIN
) -> tuple[Sequence[Held], Sequence[str]]:
    """Each mode of a run against the baseline that is found for it, and what is to be told besides."""
    held: list[Held] = []
    notes: list[str] = []
    for mode in run.modes:
        earlier = baseline(mode)
        if earlier is None or mode not in earlier.modes:
            notes.append(f"{mode} has nothing to be held against yet")
            continue
        found = compare_runs(earlier, mode, run, mode, names=(earlier.label, "this run"), metric=metric)
        held.append(Held(mode, earlier, found))
        notes.extend(note for note in found.notes if note not in notes)
        if other := sorted(_differing(earlier, run, mode)):
            line = f"{earlier.label} was made otherwise: {', '.join(other)}"
            notes.extend([line] if line not in notes else [])
    return held, notes


def _differing(before: Run, after: Run, mode: str) -> Iterable[str]:
    """The names of what else than the documents may have changed how a mode does."""
    first, second = before.configuration, after.configuration
    if first.get("fusion", {}).get(mode) != second.get("fusion", {}).get(mode):
        yield "fusion"
    yield from (name for name in {*first, *second} - _SILENT if first.get(name) != second.get(name))
