"""The order of passages in a prompt: documents by their best one, each as it reads."""

from __future__ import annotations

import itertools
from dataclasses import replace
from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from hybridrag.answering.ordering import ordered
from hybridrag.answering.reduction import Reduced
from hybridrag.types import Passage
from tests.answering.hits import chunk


def evidence(*places: tuple[int, int]) -> list[Reduced]:
    """Passages by rank, each with the number of its document and where it begins there."""
    found = []
    for marker, (document, start) in enumerate(places, start=1):
        stored = chunk("Some text.")
        reference = replace(stored.document, id=uuid5(stored.document.id, str(document)))
        found.append(Reduced.whole(Passage(marker, replace(stored, document=reference, start=start), "Some text.")))
    return found


def markers(found: list[Reduced]) -> list[int]:
    return [each.passage.marker for each in found]


def test_the_passages_of_a_document_stand_side_by_side_as_they_read() -> None:
    assert markers(ordered(evidence((1, 500), (2, 0), (1, 0), (2, 900), (3, 0)))) == [3, 1, 2, 4, 5]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5))))
def test_for_any_passages_none_is_lost_documents_hold_together_and_the_best_is_first(
    places: list[tuple[int, int]],
) -> None:
    found = ordered(evidence(*places))
    assert sorted(markers(found)) == list(range(1, len(places) + 1))
    documents = [each.passage.chunk.document.id for each in found]
    assert sum(one != other for one, other in itertools.pairwise(documents)) == max(len(set(documents)) - 1, 0)
    best = {
        document: min(m for m, d in zip(markers(found), documents, strict=True) if d == document)
        for document in documents
    }
    ranks = list(dict.fromkeys(best[document] for document in documents))
    assert ranks == sorted(ranks)
    for one, other in itertools.pairwise(found):
        if one.passage.chunk.document.id == other.passage.chunk.document.id:
            assert one.passage.chunk.start <= other.passage.chunk.start
