"""What a run asks and what it is called, against a real index that the command line made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hybridrag.config import load
from hybridrag.errors import UsageError
from hybridrag.evaluation import Questions
from hybridrag.flows.compare import Measure, Saved, hold, parse_subject
from hybridrag.flows.evaluate import Asked, RunOptions, Unheard, Variant, _fingerprint, evaluate, read_questions
from hybridrag.types import Query, SearchResult
from hybridrag.wiring import Wiring
from tests.conftest import Prepared
from tests.evaluation.made import run_of_rankings

LEXICAL = (Variant("lexical", "lexical"),)
PLAIN = RunOptions(LEXICAL)


@pytest.fixture(scope="module")
def two_sources(prepared: Prepared) -> Prepared:
    cli = prepared.cli
    for name in ("one", "two"):
        (cli.home / name).mkdir()
        (cli.home / name / "readme.md").write_text(f"# {name}\n\nThe holiday of {name} is long.\n" * 40)
    rows = [{"_id": f"k{n}", "text": f"holiday number {n} of the list"} for n in range(3)]
    (cli.home / "list.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert cli("ingest", "one", "two", "list.jsonl").code == 0
    return prepared


@pytest.fixture
def wiring(two_sources: Prepared, tmp_path: Path) -> Iterator[Wiring]:
    """Two sources with a document of the same path, and one with ids of its own."""
    with two_sources.copy(tmp_path) as cli:
        made = Wiring(load(environ=cli.environment, cwd=cli.home), notify=lambda _: None, environ=cli.environment)
        yield made
        made.store.close()


def asked(**sources: list[str]) -> Asked:
    texts = {key: f"the holiday of {key}" for key in sources}
    return Asked("q", Questions(texts, {key: dict.fromkeys(names, 1) for key, names in sources.items()}), None)


def test_a_document_is_found_by_uri_path_or_id_and_ranked_once(wiring: Wiring) -> None:
    queries: list[Query] = []

    def search(query: Query) -> SearchResult:
        queries.append(query)
        return wiring.search(query)

    questions = asked(one=["one/readme.md"], two=["list/k1", "k2"])
    run = evaluate(
        wiring.store, wiring.collection(), questions, search=search, options=RunOptions(LEXICAL), asking=Unheard()
    )
    assert run.qrels == {"one": {"one/readme.md": 1}, "two": {"list/k1": 1, "list/k2": 1}}
    found = run.modes["lexical"]["one"].found
    assert found[0] == "one/readme.md"
    assert len(found) == len(set(found)) == 5
    assert run.modes["lexical"]["two"].values["recall@10"] == 1
    assert [query.text for query in queries] == [f"the holiday of {key}" for key in ("one", "one", "two")], "one warms"
    assert run.notes == ()


def test_the_modes_take_turns(wiring: Wiring) -> None:
    order: list[str] = []

    def search(query: Query) -> SearchResult:
        order.append(query.mode)
        return wiring.search(query)

    questions = asked(one=["one/readme.md"], two=["two/readme.md"], three=["k0"])
    both = (Variant.parse("hybrid"), *LEXICAL)
    evaluate(wiring.store, wiring.collection(), questions, search=search, options=RunOptions(both), asking=Unheard())
    assert order == ["hybrid", "lexical", "hybrid", "lexical", "lexical", "hybrid", "hybrid", "lexical"]


def test_what_was_asked_stays_the_same_when_a_document_goes(wiring: Wiring) -> None:
    def run(questions: Asked, options: RunOptions = PLAIN) -> tuple[str, dict[str, float]]:
        collection = wiring.collection()
        found = evaluate(wiring.store, collection, questions, search=wiring.search, options=options, asking=Unheard())
        return found.asked, {key: one.values["recall@10"] for key, one in found.modes["lexical"].items()}

    questions = asked(one=["one/readme.md"], two=["two/readme.md"])
    before, values = run(questions)
    assert values == {"one": 1, "two": 1}
    assert wiring.store.remove_source(wiring.collection(), "two")
    after, values = run(questions)
    assert values == {"one": 1, "two": 0}, "a document that is gone is not found"
    assert after == before
    assert run(asked(one=["one/readme.md"]))[0] != before
    assert run(questions, RunOptions(LEXICAL, limit=1))[0] != before
    assert run(questions, RunOptions(LEXICAL, filter="source:one"))[0] != before
    assert run(questions, RunOptions(LEXICAL, depth=10))[0] != before


def test_a_filter_does_not_hide_what_fell_out_of_the_index(wiring: Wiring) -> None:
    def run() -> tuple[str, dict[str, float]]:
        questions = asked(
            both=["one/readme.md", "two/readme.md"], two=["two/readme.md"], gone=["one/other.md", "one/readme.md"]
        )
        found = evaluate(
            wiring.store,
            wiring.collection(),
            questions,
            search=wiring.search,
            options=RunOptions(LEXICAL, filter="source:one"),
            asking=Unheard(),
        )
        return found.asked, {key: one.values["recall@10"] for key, one in found.modes["lexical"].items()}

    before, values = run()
    assert values["both"] == 1, "a document that does not pass is not wanted"
    assert "two" not in values
    assert values["gone"] == 0.5, "one that is not in the collection is"
    assert wiring.store.remove_source(wiring.collection(), "one")
    after, values = run()
    assert (after, values["both"]) == (before, 0)


def test_what_was_asked_does_not_hang_on_the_names_of_questions_nor_their_order() -> None:
    def fingerprint(questions: dict[str, str], **options: Any) -> str:
        told = Questions(questions, {key: {"a.md": 1} for key in questions})
        return _fingerprint(Asked("q", told, None), RunOptions(LEXICAL, **options))

    plain, other = {"1": "one", "2": "two"}, {"7": "two", "9": "one"}
    assert fingerprint(plain) == fingerprint(other)
    assert fingerprint(plain, filter="source:a") == fingerprint(other, filter="source:a")
    assert fingerprint(plain, limit=1) == fingerprint({**plain, "3": "three"}, limit=1)
    assert fingerprint(plain, limit=1) != fingerprint(other, limit=1)
    # Which questions a filter leaves is the collection's to say, and so which are the first of them.
    both = {"filter": "source:a", "limit": 1}
    assert fingerprint(plain, **both) != fingerprint({**plain, "3": "three"}, **both)
    assert fingerprint(plain, **both) != fingerprint(other, **both)


def test_a_reranked_mode_needs_a_reranker(wiring: Wiring) -> None:
    from hybridrag.errors import HybridragError

    variant = (Variant.parse("lexical+rerank"),)
    with pytest.raises(HybridragError):
        evaluate(
            wiring.store,
            wiring.collection(),
            asked(one=["one/readme.md"]),
            search=lambda query: replace(wiring.search(replace(query, rerank=False)), query=query),
            options=RunOptions(variant),
            asking=Unheard(),
        )


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("hybrid", Variant("hybrid")),
        ("dense", Variant("dense", "dense")),
        ("hybrid+score", Variant("hybrid+score", "hybrid", "score")),
        ("hybrid+rrf", Variant("hybrid+rrf", "hybrid", "rrf")),
        ("hybrid+rerank+rrf", Variant("hybrid+rrf+rerank", "hybrid", "rrf", True)),
        ("lexical+rerank", Variant("lexical+rerank", "lexical", rerank=True)),
    ],
)
def test_a_way_to_search_has_a_name(name: str, variant: Variant) -> None:
    assert Variant.parse(name) == variant


@pytest.mark.parametrize(
    "name", ["", "sparse", "dense+rrf", "hybrid+rrf+score", "hybrid+", "+rerank", "hybrid+rerank+rerank"]
)
def test_another_name_is_no_way_to_search(name: str) -> None:
    with pytest.raises(UsageError):
        Variant.parse(name)


def test_a_side_of_a_comparison_is_told_by_its_form(tmp_path: Path) -> None:
    assert parse_subject("dense") == Measure("dense", "chosen", "", Variant("dense", "dense"))
    assert parse_subject("model:ollama:bge-m3") == Measure(
        "model:ollama:bge-m3", "model", "ollama:bge-m3", Variant("hybrid")
    )
    assert parse_subject("collection:a", mode="dense") == Measure(
        "collection:a", "collection", "a", Variant("dense", "dense")
    )
    assert parse_subject("run:12", mode="dense") == Saved("run:12", 12, "dense")
    assert parse_subject("r.json") == Saved("r.json", Path("r.json"), "hybrid")
    assert parse_subject("run:" + "9" * 5000) == Saved("run:" + "9" * 5000, int("9" * 19), "hybrid")
    for wrong in ("x" * 5000, "run:", "run:-1", "run:²", "model:", "collection:", "nothing", ""):
        with pytest.raises(UsageError):
            parse_subject(wrong)


def test_what_else_changed_since_the_baseline_is_told() -> None:
    first, second = ["good", "a"], ["a", "good"]
    before = run_of_rankings(
        {"hybrid": [first] * 12}, configuration={"model": "m", "fusion": {"hybrid": "score"}}, id=1
    )
    after = run_of_rankings(
        {"hybrid": [second] * 12, "dense": [first] * 12},
        configuration={"model": "n", "fusion": {"hybrid": "rrf"}, "version": "9"},
    )
    held, notes = hold(after, baseline=lambda mode: before)
    (one,) = held
    assert one.mode == "hybrid"
    assert one.comparison.falls(0.01)
    assert any("made otherwise: fusion, model" in note for note in notes)
    assert any("dense has nothing to be held against" in note for note in notes)


def test_questions_without_answers_and_repeated_ones_are_told(tmp_path: Path) -> None:
    rows = [
        *({"question": "a?", "sources": ["a.md"]}, {"question": "a?", "sources": ["b.md"]}),
        {"question": "none?", "sources": []},
    ]
    file = tmp_path / "faq.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = read_questions(file)
    assert (found.name, found.corpus, len(found.questions.texts)) == ("faq", None, 2)
    assert len(found.notes) == 2
