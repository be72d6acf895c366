"""A collection is measured for what it does not answer, once, and again when it has changed much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from hybridrag.answering.abstention import FEWEST, UNCALIBRATED, Calibration
from hybridrag.errors import UsageError
from hybridrag.flows.abstain import calibration_of, judged
from hybridrag.flows.extract import extract
from hybridrag.flows.search import search
from hybridrag.models.probes import PROBES
from hybridrag.store.abstention import KeptCalibration, find_calibration, keep_calibration
from hybridrag.types import Label, Query
from tests.store.corpus import Corpus, vector

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

THINGS = ("anchor", "bottle", "candle", "dragon", "engine", "feather", "garden", "hammer", "island", "jacket", "kettle")
PLACES = ("harbour", "castle", "village", "station", "library", "theatre", "market")


@pytest.fixture
def corpus(database_url: str) -> Iterator[Corpus]:
    made = Corpus.create(database_url)
    yield made
    made.store.close()


class Recording:
    """An embedder whose vectors depend on the text alone, and which keeps what it was given."""

    name = "recording"
    fingerprint = "f" * 64
    dimensions = 16

    def __init__(self) -> None:
        self.given: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        self.given += texts
        return np.stack([vector(text) for text in texts])

    def embed_query(self, text: str) -> Vector:
        return vector(text)

    def cancel(self) -> None: ...


def fill(corpus: Corpus, *, documents: int, label: Label = Label.INTERNAL) -> None:
    """So many documents of a sentence each."""
    said = {
        f"{number}.md": [
            f"The old {THINGS[number % len(THINGS)]} number {number} was carried to the "
            f"{PLACES[number % len(PLACES)]} by two people."
        ]
        for number in range(documents)
    }
    if label is Label.INTERNAL:
        corpus.add_all(said)
    else:
        for path, texts in said.items():
            corpus.add(path, *texts, label=label)


def measured(corpus: Corpus, embedder: Recording, *, texts_leave: bool = False) -> Calibration:
    return calibration_of(corpus.store, "default", open_embedder=lambda _: embedder, texts_leave=texts_leave)


def test_a_collection_is_measured_once(corpus: Corpus) -> None:
    fill(corpus, documents=40)
    embedder = Recording()
    first = measured(corpus, embedder)
    assert FEWEST <= first.sentences <= 40
    assert set(PROBES) <= set(embedder.given)
    given = len(embedder.given)
    assert measured(corpus, embedder) == first
    assert len(embedder.given) == given


def test_it_is_measured_again_when_it_has_changed_much(corpus: Corpus) -> None:
    fill(corpus, documents=40)
    embedder = Recording()
    first = measured(corpus, embedder)
    corpus.add("one.md", "A single document more changes nothing of all this here.")
    assert measured(corpus, embedder) == first
    corpus.remove(*(f"{number}.md" for number in range(30)))
    given = len(embedder.given)
    assert measured(corpus, embedder).sentences < first.sentences
    assert len(embedder.given) > given


def test_a_small_collection_has_the_threshold_for_those_that_cannot_be_measured(corpus: Corpus) -> None:
    fill(corpus, documents=3)
    found = measured(corpus, Recording())
    assert (found.threshold, found.sentences) == (UNCALIBRATED, 0)


def test_an_empty_collection_can_be_asked_too(corpus: Corpus) -> None:
    assert measured(corpus, Recording()).sentences == 0
    found = search(corpus.store, "default", Query("anything"), open_embedder=lambda _: Recording())
    assert judged(found, store=corpus.store, calibration=Calibration()).hopeless


def test_an_unknown_collection_is_told(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        calibration_of(corpus.store, "nowhere", open_embedder=lambda _: Recording())


def test_a_remote_model_sees_no_local_only_sentence(corpus: Corpus) -> None:
    fill(corpus, documents=30, label=Label.LOCAL_ONLY)
    remote, local = Recording(), Recording()
    measured(corpus, remote, texts_leave=True)
    assert sorted(remote.given) == sorted(PROBES)
    corpus.remove(*(f"{number}.md" for number in range(12)))
    measured(corpus, local)
    assert len(local.given) > len(PROBES)


def test_the_calibration_goes_with_its_generation(corpus: Corpus) -> None:
    kept = KeptCalibration(threshold=0.7, floor=0.1, sentences=50, chunks=0)
    keep_calibration(corpus.store.open(), corpus.collection.generation, kept)
    again = KeptCalibration(threshold=0.8, floor=0.1, sentences=60, chunks=0)
    keep_calibration(corpus.store.open(), corpus.collection.generation, again)
    with corpus.store.snapshot("default") as snapshot:
        assert find_calibration(snapshot) == again


@pytest.mark.parametrize("unit", ["chunk", "passage"])
def test_a_question_in_the_documents_words_is_stronger_than_another(corpus: Corpus, unit: str) -> None:
    fill(corpus, documents=40)
    calibration = measured(corpus, Recording())

    def score(question: str) -> float:
        found = search(
            corpus.store,
            "default",
            Query(question, unit=unit),  # type: ignore[arg-type]
            open_embedder=lambda _: Recording(),
        )
        return judged(found, store=corpus.store, calibration=calibration).score

    assert score("was the dragon number 3 carried to the station") > score("which budget approves quarterly invoices")


def test_without_the_dense_arm_nothing_is_too_weak(corpus: Corpus) -> None:
    fill(corpus, documents=5)
    found = search(corpus.store, "default", Query("old dragon", mode="lexical"), open_embedder=lambda _: Recording())
    assert found.hits
    assert not judged(found, store=corpus.store, calibration=Calibration(threshold=0.9)).weak


def test_what_is_too_weak_is_not_answered(corpus: Corpus) -> None:
    fill(corpus, documents=5)
    found = search(corpus.store, "default", Query("the old dragon"), open_embedder=lambda _: Recording())
    strict = judged(found, store=corpus.store, calibration=Calibration(threshold=9))
    lax = judged(found, store=corpus.store, calibration=Calibration(threshold=-9))
    declined, answered = (
        extract("the old dragon", found, open_embedder=Recording, judged=verdict) for verdict in (strict, lax)
    )
    assert declined.abstained
    assert not declined.citations
    assert not answered.abstained
    assert len(answered.citations) <= 3
    for citation in answered.citations:
        assert all(quote.text in citation.chunk.text for quote in citation.quotes)
