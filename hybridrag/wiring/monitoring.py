"""Settings to the history of runs: what a run is held against, what is kept of that, and what is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import DatabaseError
from hybridrag.wiring.evaluating import CORPUS, HIDDEN

if TYPE_CHECKING:
    from hybridrag.evaluation import Run
    from hybridrag.evaluation.history import Entry
    from hybridrag.flows.compare import Held
    from hybridrag.flows.monitor import HeldAnswers, Outcome
    from hybridrag.store.evaluations import Baseline, Scope
    from hybridrag.wiring.evaluating import Evaluating, Target


class Monitoring:
    """What watches over quality, for one command."""

    def __init__(self, evaluating: Evaluating) -> None:
        self._evaluating = evaluating

    def hold(
        self, run: Run, target: Target, *, named: Run | None, metric: str
    ) -> tuple[Sequence[Held], tuple[str, ...]]:
        """The run against the one that was `named`, else each mode against the baseline that fits best.

        That is the latest to the same questions; else the latest that shares some of them; else one of the same corpus
        under another model. Each is told, and only the questions count that both were asked.
        """
        from hybridrag.flows.monitor import hold_modes

        def baselines(mode: str) -> list[Baseline]:
            return self._baselines(run, target, asked=run.asked, mode=mode)

        held, notes = hold_modes(
            run, named=named, baselines=baselines, load=cache(self._evaluating.saved), metric=metric
        )
        if (
            named is None
            and not held
            and self._evaluating.history.count(target.collection, dataset=run.dataset, but=run.id)
        ):
            notes = [*notes, f"earlier runs of {run.dataset} were made without --baseline, or did not ask the same"]
        return held, tuple(notes)

    def hold_answers(
        self, run: Run, target: Target, *, named: Run | None
    ) -> tuple[HeldAnswers | None, tuple[str, ...]]:
        """The run's answers against those of the run that was `named`, else of the baseline that fits best."""
        from hybridrag.flows.monitor import hold_answers

        assert run.answers is not None
        key = {"asked": run.answers.asked, "mode": run.answers.mode, "answers": True}
        return hold_answers(
            run, named=named, baselines=lambda: self._baselines(run, target, **key), load=cache(self._evaluating.saved)
        )

    def _baselines(self, run: Run, target: Target, **key: Any) -> list[Baseline]:
        filter_ = run.configuration.get("filter")
        others = self._same_corpus(target)
        return self._evaluating.history.baselines(
            target.collection, dataset=run.dataset, filter=filter_, others=others, **key
        )

    def _same_corpus(self, target: Target) -> list[int]:
        """The other hidden collections of a corpus: the same documents under another model or analysis."""
        if target.corpus is None:
            return []
        store, found = self._evaluating.wiring.store, []
        for row in store.list_collections():
            name = row["name"]
            if not name.startswith(HIDDEN) or (other := store.find_collection(name)) is None:
                continue
            sources = [row["source"] for row in store.list_sources(other)]
            if [(one.name, Path(one.root)) for one in sources] == [(CORPUS, target.corpus)]:
                found.append(other.id)
        return [number for number in found if number != target.collection.id]

    def settle(self, outcome: Outcome, *, baseline: bool) -> bool:
        """Keeps what came of a saved run; returns whether later ones are held against it, which `baseline` asks for."""
        number = outcome.run.id
        guards = baseline and outcome.guards
        if number is None:
            return False
        verdict = outcome.verdict or ("first" if guards else None)
        try:
            self._evaluating.history.settle(number, verdict=verdict, held=outcome.rows(), baseline=guards)
        except DatabaseError as exc:
            self._evaluating.wiring.notify(f"what came of the run is not kept: {exc.message}")
            return False
        return guards

    def entries(self, scope: Scope, *, since: datetime | None, limit: int | None) -> list[Entry]:
        """The latest runs, the earliest first."""
        from hybridrag.evaluation.history import Entry

        return [Entry.of(row) for row in reversed(self._evaluating.history.entries(scope, since=since, limit=limit))]

    def prune(self, scope: Scope, *, before: datetime) -> int:
        """Removes runs from before a moment, but for the baselines that guard now, and returns how many."""
        return self._evaluating.history.prune(scope, before=before)

    def scope(self, dataset: str | None, *, named: bool) -> Scope:
        """The runs of the chosen collection; where it was not `named`, also those of datasets' own collections."""
        from hybridrag.flows.history import dataset_names
        from hybridrag.store.evaluations import Scope

        collection = self._evaluating.wiring.settings.collection
        if named:
            collection = self._evaluating.wiring.collection().name
        datasets = None if dataset is None else dataset_names(dataset)
        return Scope(collection, None if named else HIDDEN, datasets)
