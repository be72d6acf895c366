"""The history of evaluations: what was measured of each collection, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from hybridrag.store.connection import connect, transaction
from hybridrag.store.queries import statement
from hybridrag.types import Collection

if TYPE_CHECKING:
    from hybridrag.store.connection import Connection

_CONFIGURATION = "configuration"
_PER_QUERY = "questions"


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
        """Keeps a run and returns its number. It is no baseline before `make_baseline`."""
        from psycopg.types.json import Jsonb

        with self._transaction() as tx:
            row = tx.execute(
                statement("insert_evaluation"),
                {
                    "collection": collection.id,
                    "generation": collection.generation.id,
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

    def make_baseline(self, number: int) -> None:
        """Has later runs that ask the same held against this one."""
        with self._transaction() as tx:
            tx.execute(statement("make_baseline"), {"id": number})

    def find(self, number: int) -> dict[str, Any] | None:
        """The run with that number, of whatever collection, or None."""
        with self._transaction(read_only=True) as tx:
            row = tx.execute(statement("find_evaluation"), {"id": number}).fetchone()
        return _object(row) if row else None

    def latest(self, collection: Collection, *, dataset: str, asked: str, mode: str) -> dict[str, Any] | None:
        """The latest baseline of a collection that asked the same in a mode."""
        key = {"collection": collection.id, "dataset": dataset, "asked": asked, "mode": mode}
        with self._transaction(read_only=True) as tx:
            row = tx.execute(statement("latest_evaluation"), key).fetchone()
        return _object(row) if row else None

    def latest_answers(self, collection: Collection, *, dataset: str, asked: str, mode: str) -> dict[str, Any] | None:
        """The latest baseline of a collection whose answers were to the same questions, and made in the same mode."""
        key = {"collection": collection.id, "dataset": dataset, "asked": asked, "mode": mode}
        with self._transaction(read_only=True) as tx:
            row = tx.execute(statement("latest_answers"), key).fetchone()
        return _object(row) if row else None

    def count(self, collection: Collection, *, dataset: str, but: int | None = None) -> int:
        """How many runs of a dataset there are `but` one, also those that asked other questions of it."""
        with self._transaction(read_only=True) as tx:
            key = {"collection": collection.id, "dataset": dataset, "but": but}
            row = tx.execute(statement("count_evaluations"), key).fetchone()
        return int(row["runs"]) if row else 0

    def reranker_gain(self, collection: Collection) -> RerankerGain | None:
        """What the reranker did to this collection's present vectors; None where nobody measured it."""
        key = {"collection": collection.id, "generation": collection.generation.id}
        with self._transaction(read_only=True) as tx:
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

    @contextmanager
    def _transaction(self, *, read_only: bool = False) -> Iterator[Connection]:
        with closing(connect(self._url)) as connection, transaction(connection, read_only=read_only) as tx:
            yield tx


def _object(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row["metrics"], _CONFIGURATION: row["configuration"], _PER_QUERY: row["per_query"], "id": row["id"]}
