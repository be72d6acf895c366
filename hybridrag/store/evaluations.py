"""The history of evaluations: what was measured of each collection, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hybridrag.store.connection import transaction_on
from hybridrag.store.queries import statement
from hybridrag.types import Collection

if TYPE_CHECKING:
    from hybridrag.store.connection import Connection

_CONFIGURATION = "configuration"
_PER_QUERY = "questions"
FORGOTTEN = "(forgotten)"
"""What stands where a document was named that is forgotten."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose runs are meant: those of a collection, with `hidden` also of all whose names begin with that.

    `datasets` are names, None for all; a name also means the splits of that dataset.
    """

    collection: str
    hidden: str | None = None
    datasets: Sequence[str] | None = None

    def parameters(self) -> dict[str, Any]:
        return {
            "collection": self.collection,
            "hidden": self.hidden is not None,
            "prefix": self.hidden or "",
            "datasets": None if self.datasets is None else list(self.datasets),
        }


@dataclass(frozen=True, slots=True)
class Baseline:
    """A run that another may be held against. `same` says that it asked the very same."""

    id: int
    same: bool


@dataclass(frozen=True, slots=True)
class RerankerGain:
    """What a reranker changed in nDCG@10 when it was last measured, with its 95% interval."""

    reranker: str | None
    dataset: str
    at: datetime
    difference: float
    low: float
    high: float
    questions: int
    told: bool
    """Whether the difference is beyond chance."""


class Evaluations:
    """Saved runs, as `hybridrag.eval/1` objects. Each call has a connection of its own.

    The database is one that a store has opened before, and so brought up to date.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def save(self, collection: Collection, run: Mapping[str, Any], *, at: datetime) -> int:
        """Keeps a run and returns its number. It is no baseline before `settle`.

        It belongs to the generation that its configuration names, where that is not the one that serves.
        """
        from psycopg.types.json import Jsonb

        with transaction_on(self._url) as tx:
            row = tx.execute(
                statement("insert_evaluation"),
                {
                    "collection": collection.id,
                    "generation": run[_CONFIGURATION].get("generation", collection.generation.id),
                    "dataset": run["dataset"],
                    "asked": run["asked"],
                    "at": at,
                    "configuration": Jsonb(run[_CONFIGURATION]),
                    "metrics": Jsonb({k: v for k, v in run.items() if k not in {_CONFIGURATION, _PER_QUERY}}),
                    "per_query": Jsonb(run[_PER_QUERY]),
                },
            ).fetchone()
        assert row is not None  # the statement always returns one
        return int(row["id"])

    def settle(self, number: int, *, verdict: str | None, held: Sequence[Mapping[str, Any]], baseline: bool) -> None:
        """Keeps what came of a run, and with `baseline` has later runs held against it."""
        from psycopg.types.json import Jsonb

        values = {"id": number, "verdict": verdict, "held": Jsonb(list(held)), "baseline": baseline}
        with transaction_on(self._url) as tx:
            tx.execute(statement("settle_evaluation"), values)

    def find(self, number: int) -> dict[str, Any] | None:
        """The run with that number, of whatever collection, or None."""
        with transaction_on(self._url, read_only=True) as tx:
            row = tx.execute(statement("find_evaluation"), {"id": number}).fetchone()
        return _object(row) if row else None

    def baselines(
        self,
        collection: Collection,
        *,
        dataset: str,
        asked: str,
        mode: str,
        filter: str | None,
        others: Sequence[int] = (),
        answers: bool = False,
    ) -> list[Baseline]:
        """At most ten baselines of a mode, what fits best first; with `answers`, of answers made in that mode.

        Those of this collection come before those of `others`, to the same questions before others, later before
        earlier. All were measured with the same filter.
        """
        key = {
            "collection": collection.id,
            "collections": [collection.id, *others],
            "dataset": dataset,
            "asked": asked,
            "mode": mode,
            "filter": filter,
        }
        with transaction_on(self._url, read_only=True) as tx:
            rows = tx.execute(statement("list_answer_baselines" if answers else "list_baselines"), key).fetchall()
        return [Baseline(int(row["id"]), bool(row["same"])) for row in rows]

    def entries(self, scope: Scope, *, since: datetime | None = None, limit: int | None = None) -> list[dict[str, Any]]:
        """The latest `limit` runs, the latest first, without their questions.

        Keys: id, collection, dataset, asked, at, baseline, verdict, held, configuration, metrics.
        """
        with transaction_on(self._url, read_only=True) as tx:
            key = {**scope.parameters(), "since": since, "limit": limit}
            return tx.execute(statement("list_evaluations"), key).fetchall()

    def prune(self, scope: Scope, *, before: datetime) -> int:
        """Removes runs from before a moment and returns how many; never the baselines that guard now."""
        with transaction_on(self._url) as tx:
            return len(tx.execute(statement("prune_evaluations"), {**scope.parameters(), "before": before}).fetchall())

    def count(self, collection: Collection, *, dataset: str, but: int | None = None) -> int:
        """How many runs of a dataset there are `but` one, also those that asked other questions of it."""
        with transaction_on(self._url, read_only=True) as tx:
            key = {"collection": collection.id, "dataset": dataset, "but": but}
            row = tx.execute(statement("count_evaluations"), key).fetchone()
        return int(row["runs"]) if row else 0

    def reranker_gain(self, collection: Collection) -> RerankerGain | None:
        """What the reranker did to this collection's present vectors; None where nobody measured it."""
        key = {"collection": collection.id, "generation": collection.generation.id}
        with transaction_on(self._url, read_only=True) as tx:
            row = tx.execute(statement("latest_reranked"), key).fetchone()
        if row is None:
            return None
        found = row["difference"]["ndcg@10"]
        low, high = found["ci95"]
        return RerankerGain(
            reranker=row["reranker"],
            dataset=row["dataset"],
            at=row["at"],
            difference=found["difference"],
            low=low,
            high=high,
            questions=found["questions"],
            told=found["told"],
        )


def forget_document(tx: Connection, collection: int, names: Sequence[str]) -> int:
    """Removes a document from the history of a collection, in the caller's transaction; returns how many runs had it.

    `names` are all that it goes by: URI, path, and the id that a dataset gave. Questions that it answers go whole,
    since their texts may quote it; in rankings, citations, notes and filters `FORGOTTEN` takes its place. The figures
    of each run stay as they were measured. A run that has no question left is no baseline any more.
    """
    from psycopg.types.json import Jsonb

    known = {name for name in names if name}
    numbers = tx.execute(statement("evaluations_naming"), {"collection": collection, "names": sorted(known)}).fetchall()
    for number in numbers:  # one at a time: a run may hold megabytes
        row = tx.execute(statement("find_evaluation"), number).fetchone()
        if row is None:
            continue
        left = [_without(one, known) for one in row["per_query"] if not _is_about(one.get("relevant"), known)]
        configuration, metrics = dict(row["configuration"]), dict(row["metrics"])
        configuration["filter"] = _unnamed(configuration.get("filter"), known)
        metrics["notes"] = [_unnamed(note, known) for note in metrics.get("notes", [])]
        answered = True
        if answers := metrics.get("answers"):
            metrics["answers"] = answers = {
                **answers,
                "stopped": _unnamed(answers.get("stopped"), known),
                "notes": [_unnamed(note, known) for note in answers.get("notes", [])],
                "questions": [
                    {**one, "cited": [FORGOTTEN if name in known else name for name in one["cited"]]}
                    for one in answers["questions"]
                    if not _is_about(one["sources"], known)
                ],
            }
            answered = bool(answers["questions"])
        values = {
            "id": number["id"],
            "configuration": Jsonb(configuration),
            "metrics": Jsonb(metrics),
            "per_query": Jsonb(left),
            "guards": answered and bool(left or not row["per_query"]),
        }
        tx.execute(statement("rewrite_evaluation"), values)
    return len(numbers)


def _is_about(judged: Any, names: set[str]) -> bool:
    return any(name in names for name in judged or ())


def _without(question: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    modes = {
        mode: {**one, "found": [FORGOTTEN if name in names else name for name in one["found"]]}
        for mode, one in question["modes"].items()
    }
    return {**question, "modes": modes}  # `ranks` are those of relevant documents, and this one is none


def _unnamed(text: str | None, names: set[str]) -> str | None:
    return FORGOTTEN if text is not None and any(name in text for name in names) else text


def _object(row: Mapping[str, Any]) -> dict[str, Any]:
    value = {**row["metrics"], _CONFIGURATION: row["configuration"], _PER_QUERY: row["per_query"], "id": row["id"]}
    return value if row["per_query"] else {**value, "modes": {}, "differences": []}
