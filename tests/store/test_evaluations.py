"""The history of runs: what is found again, what can be a baseline, and what a reranker was measured to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hybridrag.evaluation import Run, run_json, run_of
from hybridrag.store import PostgresStore
from hybridrag.store.evaluations import Evaluations
from hybridrag.types import Collection
from tests.evaluation.made import run_of_rankings

FIRST, SECOND = ["good", "a"], ["a", "good"]
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[PostgresStore]:
    store = PostgresStore(database_url)
    yield store
    store.close()


@pytest.fixture
def history(store: PostgresStore) -> Evaluations:
    return Evaluations(store.url)


def collection(store: PostgresStore, name: str = "default") -> Collection:
    return store.create_collection(
        name, embedder="m", fingerprint="f", dimensions=16, text_search="plain", parameters={}
    )


def save(
    history: Evaluations, where: Collection, run: Run, *, hour: int = 0, baseline: bool = False, **change: Any
) -> int:
    value = run_json(run) | change
    number = history.save(where, value, at=NOON + timedelta(hours=hour))
    if baseline:
        history.make_baseline(number)
    return number


def test_a_run_comes_back_as_it_was(store: PostgresStore, history: Evaluations) -> None:
    run = run_of_rankings({"hybrid": [FIRST, SECOND], "dense": [SECOND, SECOND]}, texts=["ä \\u0000?", "two"])
    number = save(history, collection(store), run)
    found = history.find(number)
    assert found is not None
    assert run_of(found) == run_of(run_json(run) | {"id": number})
    assert history.find(number + 1) is None


def test_the_latest_that_asked_the_same_is_the_baseline(store: PostgresStore, history: Evaluations) -> None:
    here, there = collection(store), collection(store, "other")
    run = run_of_rankings({"hybrid": [FIRST], "dense": [FIRST]})
    first = save(history, here, run, baseline=True)
    second = save(history, here, run_of_rankings({"hybrid": [SECOND]}), hour=1, baseline=True)
    save(history, here, run, hour=2, baseline=True, asked="other questions")
    save(history, here, run, hour=2, baseline=True, dataset="another")
    save(history, there, run, hour=2, baseline=True)
    last = save(history, here, run, hour=3)

    def latest(mode: str) -> int | None:
        found = history.latest(here, dataset="made", asked="hash", mode=mode)
        return found["id"] if found else None

    assert (latest("hybrid"), latest("dense"), latest("lexical")) == (second, first, None)
    assert history.count(here, dataset="made") == 4
    assert history.count(here, dataset="made", but=last) == 3
    assert history.count(here, dataset="nothing") == 0


def test_what_a_reranker_did_is_told_of_the_present_vectors(
    store: PostgresStore, history: Evaluations, database_url: str
) -> None:
    import psycopg

    where = collection(store)
    save(history, where, run_of_rankings({"hybrid": [SECOND] * 12, "dense": [FIRST] * 12}))
    assert history.reranker_gain(where) is None
    modes = {"hybrid": [SECOND] * 12, "hybrid+rerank": [FIRST] * 12}
    save(history, where, run_of_rankings(modes, configuration={"reranker": "r"}), hour=1)
    save(history, where, run_of_rankings({"hybrid": [SECOND] * 12}), hour=2)
    gain = history.reranker_gain(where)
    assert gain is not None
    assert (gain.reranker, gain.dataset, gain.questions, gain.told) == ("r", "made", 12, True)
    assert gain.low <= gain.difference <= gain.high
    assert gain.difference == pytest.approx(0.369, abs=1e-3)
    worse = {"hybrid": [FIRST] * 12, "hybrid+rerank": [SECOND] * 12}
    save(history, where, run_of_rankings(worse), hour=3)
    latest = history.reranker_gain(where)
    assert latest is not None
    assert latest.difference < 0
    with psycopg.connect(database_url) as connection:  # the vectors are made anew
        connection.execute("update hybridrag.evaluation set generation_id = null")
    assert history.reranker_gain(where) is None


def test_history_goes_with_its_collection(store: PostgresStore, history: Evaluations, database_url: str) -> None:
    import psycopg

    number = save(history, collection(store), run_of_rankings({"hybrid": [FIRST]}))
    with psycopg.connect(database_url) as connection:
        connection.execute("delete from hybridrag.generation; delete from hybridrag.collection")
    assert history.find(number) is None
