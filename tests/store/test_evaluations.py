"""The history of runs: what is found again, what can be a baseline, and what a reranker was measured to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hybridrag.evaluation import Run, run_json, run_of
from hybridrag.evaluation.answers import Answered, Answers
from hybridrag.store import PostgresStore
from hybridrag.store.evaluations import FORGOTTEN, Evaluations, Scope, forget_document
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
    value = run_json(run, texts=False) | change
    number = history.save(where, value, at=NOON + timedelta(hours=hour))
    if baseline:
        history.settle(number, verdict="first", held=[], baseline=True)
    return number


def test_a_run_comes_back_as_it_was(store: PostgresStore, history: Evaluations) -> None:
    run = run_of_rankings({"hybrid": [FIRST, SECOND], "dense": [SECOND, SECOND]}, texts=["ä \\u0000?", "two"])
    number = save(history, collection(store), run)
    found = history.find(number)
    assert found is not None
    assert run_of(found) == run_of(run_json(run) | {"id": number})
    assert history.find(number + 1) is None


def test_what_a_run_is_held_against_comes_in_the_order_in_which_it_fits(
    store: PostgresStore, history: Evaluations
) -> None:
    here, there = collection(store), collection(store, "other")
    run = run_of_rankings({"hybrid": [FIRST], "dense": [FIRST]})
    first = save(history, here, run, baseline=True)
    second = save(history, here, run_of_rankings({"hybrid": [SECOND]}), hour=1, baseline=True)
    other = save(history, here, run, hour=2, baseline=True, asked="other questions")
    another = save(history, here, run, hour=2, baseline=True, dataset="another")
    away = save(history, there, run, hour=2, baseline=True)
    last = save(history, here, run, hour=3)

    def latest(mode: str, **change: Any) -> list[tuple[int, bool]]:
        key = {"dataset": "made", "asked": "hash", "filter": None} | change
        return [(found.id, found.same) for found in history.baselines(here, mode=mode, **key)]

    assert latest("hybrid") == [(second, True), (first, True), (other, False)]
    assert latest("hybrid", asked="other questions")[0] == (other, True)
    assert latest("hybrid", others=[there.id])[-1] == (away, True), "one's own come first"
    assert latest("dense", dataset="another") == [(another, True)]
    assert latest("lexical") == latest("hybrid", filter="path:a") == []
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


def test_the_history_tells_runs_without_their_questions(store: PostgresStore, history: Evaluations) -> None:
    here, hidden = collection(store), collection(store, "eval-made")
    run = run_of_rankings({"hybrid": [FIRST, SECOND]}, texts=["what of the secret?", "two"])
    first = save(history, here, run, baseline=True)
    second = save(history, here, run, hour=1, dataset="made:dev")
    third = save(history, hidden, run, hour=2, dataset="else")
    held = [{"mode": "hybrid", "metric": "ndcg@10", "run": first, "verdict": "dropped", "difference": -0.1}]
    history.settle(second, verdict="dropped", held=held, baseline=False)

    def listed(scope: Scope, **limits: Any) -> list[int]:
        return [row["id"] for row in history.entries(scope, **limits)]

    assert listed(Scope("default")) == [second, first]
    assert listed(Scope("default", "eval-")) == [third, second, first]
    assert listed(Scope("default", "eval-", ["made"])) == [second, first]
    assert listed(Scope("default", "eval-", ["made:dev"])) == [second]
    assert listed(Scope("default", "eval-"), since=NOON + timedelta(hours=1), limit=1) == [third]
    latest, earliest = history.entries(Scope("default"))
    assert (latest["verdict"], latest["held"], latest["baseline"]) == ("dropped", held, False)
    assert (earliest["verdict"], earliest["baseline"]) == ("first", True)
    assert "secret" not in json.dumps([latest["metrics"], latest["configuration"]])


def test_pruning_keeps_the_baselines_that_guard(store: PostgresStore, history: Evaluations) -> None:
    here = collection(store)
    both, one = run_of_rankings({"hybrid": [FIRST], "dense": [FIRST]}), run_of_rankings({"hybrid": [FIRST]})
    save(history, here, both, baseline=True)
    dense = save(history, here, both, hour=1, baseline=True)
    save(history, here, one, hour=2, baseline=True)
    hybrid = save(history, here, one, hour=3, baseline=True)
    save(history, here, one, hour=4)
    asked = save(history, here, one, hour=2, baseline=True, asked="asked since")
    save(history, here, one, hour=2, baseline=True, asked="asked no more")
    kept = save(history, here, one, hour=9, asked="asked since")
    alone = save(history, here, one, hour=0, baseline=True, dataset="alone")
    answers = {"mode": "extractive", "asked": "a", "questions": []}
    answered = save(history, here, both, hour=0, baseline=True, answers=answers)
    assert history.prune(Scope("default", None, ["nothing"]), before=NOON + timedelta(hours=8)) == 0
    assert history.prune(Scope("default"), before=NOON + timedelta(hours=8)) == 4
    left = {row["id"] for row in history.entries(Scope("default"))}
    assert left == {dense, hybrid, asked, kept, alone, answered}
    assert history.prune(Scope("default"), before=NOON + timedelta(hours=8)) == 0


def test_a_forgotten_document_is_in_no_run(store: PostgresStore, history: Evaluations, database_url: str) -> None:
    import psycopg
    from psycopg.rows import dict_row

    name, here, there = 'docs/"sécret".md', collection(store), collection(store, "other")
    about = run_of_rankings({"hybrid": [[name, "a"]]}, texts=["the word of the canary?"], relevant=name)
    beside = run_of_rankings(
        {"hybrid": [[name, "good"], ["good"]]},
        notes=(f"the first: {name}", "kept"),
        configuration={"filter": f"path:{name}", "model": "m"},
        answers=Answers(
            mode="extractive",
            provider=None,
            model=None,
            judge="words",
            asked="a",
            by_question={
                "1": Answered(question="the word of the canary?", sources=(name,)),
                "2": Answered(question="another?", sources=("good",), cited=("good", name)),
            },
        ),
    )
    first = save(history, here, about, baseline=True)
    second = save(history, here, beside, baseline=True)
    third = save(history, here, run_of_rankings({"hybrid": [FIRST]}), baseline=True)
    elsewhere = save(history, there, about, baseline=True)
    figures = {row["id"]: row["metrics"]["modes"] for row in history.entries(Scope("default"))}
    with psycopg.connect(database_url, row_factory=dict_row) as connection:
        connection.execute("set search_path = hybridrag, public")
        assert forget_document(connection, here.id, [name, "sécret.md", ""]) == 2
        assert forget_document(connection, here.id, [name]) == 0
        rows = connection.execute("select e::text as row from evaluation e where id <> %s", (elsewhere,)).fetchall()
    assert len(rows) == 3
    assert not any("cret" in row["row"] or "canary" in row["row"] for row in rows)
    left = history.find(second)
    assert left is not None
    run = run_of(left)
    assert [one.found for one in run.modes["hybrid"].values()] == [(FORGOTTEN, "good"), ("good",)]
    assert run.modes["hybrid"]["0"].values == beside.modes["hybrid"]["0"].values
    assert run.notes == (FORGOTTEN, "kept")
    assert run.answers is not None
    assert [one.cited for one in run.answers.by_question.values()] == [("good", FORGOTTEN)]
    after = {row["id"]: row for row in history.entries(Scope("default"))}
    assert {number: row["metrics"]["modes"] for number, row in after.items()} == figures, "figures stay as measured"
    assert [after[number]["baseline"] for number in (first, second, third)] == [False, True, True]
    untouched = history.find(elsewhere)
    assert untouched is not None
    assert run_of(untouched).texts == about.texts
