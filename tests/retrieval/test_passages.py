"""Neighbours joined: the text is the document's, nothing is lost, the best comes first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.retrieval.passages import Stretch, by_document, merged_passages
from hybridrag.types import Arm, DocumentRef, Hit, Label, StoredChunk

TEXTS = {path: "".join(chr(0x4E00 + (n * 7 + len(path)) % 900) for n in range(400)) for path in ("a.md", "bb.md")}


def document(path: str) -> DocumentRef:
    return DocumentRef(
        uuid.uuid5(uuid.NAMESPACE_URL, path), "handbook", path, path, "text/markdown", Label.INTERNAL, None, {}
    )


TEXT_OF = {document(path).id: text for path, text in TEXTS.items()}


def chunk(path: str, start: int, end: int, *, page: int | None = None) -> StoredChunk:
    found = document(path)
    span = TEXTS[path][start:end]
    number = uuid.uuid5(found.id, f"{start}:{end}")
    return StoredChunk(number, found, start, start, end, span, (f"heading {start}",), page, 2 * (end - start))


def hits(*chunks: StoredChunk) -> tuple[Hit, ...]:
    return tuple(
        Hit(rank, 1 / rank, found, {"dense": Arm(rank, 1 / rank)}) for rank, found in enumerate(chunks, start=1)
    )


def read(stretches: Sequence[Stretch]) -> list[str]:
    return [TEXT_OF[wanted.document][wanted.start : wanted.end] for wanted in stretches]


def unread(stretches: Sequence[Stretch]) -> list[str]:
    raise AssertionError(stretches)


def spans(found: Sequence[Hit]) -> list[tuple[str, int, int]]:
    return [(hit.chunk.document.path, hit.chunk.start, hit.chunk.end) for hit in found]


def test_neighbours_become_one_passage_that_is_the_best_ones() -> None:
    found = merged_passages(hits(chunk("a.md", 52, 90, page=2), chunk("bb.md", 0, 9), chunk("a.md", 10, 50)), read)
    assert spans(found) == [("a.md", 10, 90), ("bb.md", 0, 9)]
    best = found[0]
    assert best.chunk == replace(
        chunk("a.md", 52, 90, page=2),
        start=10,
        end=90,
        text=TEXTS["a.md"][10:90],
        tokens=160,
        parts=(chunk("a.md", 10, 50), chunk("a.md", 52, 90, page=2)),
    )
    assert (best.rank, best.score, best.arms) == (1, 1.0, {"dense": Arm(1, 1.0)})
    assert found[1].rank == 2


def test_texts_are_read_once_and_only_where_something_merges() -> None:
    asked = []

    def counting(stretches: Sequence[Stretch]) -> list[str]:
        asked.append(len(stretches))
        return read(stretches)

    near = [chunk("a.md", 0, 5), chunk("bb.md", 0, 5), chunk("a.md", 5, 9), chunk("bb.md", 5, 9), chunk("a.md", 300, 9)]
    assert len(merged_passages(hits(*near[:4]), counting, gap=1)) == 2
    assert asked == [2]
    assert merged_passages(hits(*near[:2]), unread) == hits(*near[:2])
    assert merged_passages((), unread) == ()


@pytest.mark.parametrize(("gap", "merged"), [(9, False), (10, True)])
def test_a_gap_at_most(gap: int, merged: bool) -> None:
    found = merged_passages(hits(chunk("a.md", 0, 20), chunk("a.md", 30, 50)), read, gap=gap)
    assert spans(found) == ([("a.md", 0, 50)] if merged else [("a.md", 0, 20), ("a.md", 30, 50)])


@pytest.mark.parametrize(("longest", "merged"), [(49, False), (50, True)])
def test_a_passage_is_at_most_so_long(longest: int, merged: bool) -> None:
    found = merged_passages(hits(chunk("a.md", 0, 20), chunk("a.md", 20, 50)), read, longest=longest)
    assert len(found) == (1 if merged else 2)


def test_the_best_takes_in_the_better_neighbour_first() -> None:
    middle, left, right = chunk("a.md", 100, 200), chunk("a.md", 0, 100), chunk("a.md", 200, 300)
    assert spans(merged_passages(hits(middle, right, left), read, longest=200)) == [
        ("a.md", 100, 300),
        ("a.md", 0, 100),
    ]
    assert spans(merged_passages(hits(middle, left, right), read, longest=200)) == [
        ("a.md", 0, 200),
        ("a.md", 200, 300),
    ]


def test_one_that_lies_between_joins_both() -> None:
    found = merged_passages(hits(chunk("a.md", 0, 90), chunk("a.md", 200, 290), chunk("a.md", 90, 200)), read, gap=0)
    assert spans(found) == [("a.md", 0, 290)]


def test_tokens_of_overlaps_count_once_and_those_of_gaps_too() -> None:
    overlapping = merged_passages(hits(chunk("a.md", 0, 60), chunk("a.md", 40, 100)), read)
    assert overlapping[0].chunk.tokens == 200
    apart = merged_passages(hits(chunk("a.md", 0, 40), chunk("a.md", 60, 100)), read)
    assert apart[0].chunk.tokens == 200


def test_copies_elsewhere_stay_and_copies_inside_go() -> None:
    first, second, third = hits(chunk("a.md", 0, 50), chunk("a.md", 60, 90), chunk("a.md", 50, 60))
    copy, other = chunk("bb.md", 3, 9), chunk("bb.md", 30, 39)
    given_hits = (
        replace(first, also=(copy, chunk("a.md", 52, 58))),
        replace(second, also=(other, copy)),
        replace(third, also=()),
    )
    (found,) = merged_passages(given_hits, read)
    assert found.also == (copy, other)


SPANS = st.lists(
    st.tuples(st.sampled_from(sorted(TEXTS)), st.integers(0, 390), st.integers(1, 60)), max_size=14, unique=True
).map(lambda rows: list({(path, at, min(at + n, 400)): None for path, at, n in rows}))


@given(SPANS, st.integers(0, 40), st.integers(1, 200))
def test_a_passage_is_the_documents_text_and_none_is_lost(
    rows: list[tuple[str, int, int]], gap: int, longest: int
) -> None:
    before = hits(*(chunk(*row) for row in rows))
    found = merged_passages(before, read, gap=gap, longest=longest)
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
    order = [hit.chunk.id for hit in before]
    places = [order.index(hit.chunk.id) for hit in found]
    assert places == sorted(places)
    for hit in found:
        whole = TEXT_OF[hit.chunk.document.id]
        assert hit.chunk.text == whole[hit.chunk.start : hit.chunk.end]
        original = before[order.index(hit.chunk.id)]
        assert (hit.score, hit.arms, hit.chunk.headings) == (original.score, original.arms, original.chunk.headings)
        assert hit.chunk == original.chunk or hit.chunk.end - hit.chunk.start <= longest
    for one in before:
        assert any(
            hit.chunk.document == one.chunk.document
            and hit.chunk.start <= one.chunk.start <= one.chunk.end <= hit.chunk.end
            for hit in found
        )


@given(SPANS)
def test_a_document_comes_once_with_all_its_chunks(rows: list[tuple[str, int, int]]) -> None:
    before = hits(*(chunk(*row) for row in rows))
    found = by_document(before)
    assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
    assert [hit.chunk.document.path for hit in found] == list(dict.fromkeys(path for path, _, _ in rows))
    for hit in found:
        own = [one.chunk for one in before if one.chunk.document == hit.chunk.document]
        assert [hit.chunk, *hit.also] == own


def test_a_document_lists_its_own_copies_and_not_those_of_others() -> None:
    first, second = hits(chunk("a.md", 0, 50), chunk("a.md", 60, 90))
    own, others = chunk("a.md", 200, 230), chunk("bb.md", 0, 50)
    (found,) = by_document([replace(first, also=(others, own)), second])
    assert found.also == (own, second.chunk)
