"""What folds into a better hit, and what never may: the two are as near to each other for a model."""

from __future__ import annotations

import uuid
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.retrieval.diversity import collapsed, diversified
from hybridrag.types import Arm, DocumentRef, Hit, Label, StoredChunk

LONG = (
    "The meal allowance for a full day of travel is 62 euros. It is paid without receipts, together with the salary\n"
    "of the next month. Whoever is invited to a meal does not get the allowance for it, and says so in the claim."
)


def hit(text: str, *, path: str = "a.md", headings: tuple[str, ...] = ("Travel",), title: str = "Travel") -> Hit:
    document = DocumentRef(
        uuid.uuid5(uuid.NAMESPACE_URL, path), "handbook", path, title, "text/markdown", Label.INTERNAL, None, {}
    )
    chunk = StoredChunk(uuid.uuid4(), document, 0, 0, len(text), text, headings, None, len(text.split()))
    return Hit(1, 1.0, chunk, {"dense": Arm(1, 0.5)})


def texts(hits: tuple[Hit, ...]) -> list[str]:
    return [found.chunk.text for found in hits]


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        (LONG, LONG),
        (LONG, " ".join(LONG.split())),
        (LONG, LONG.replace(" ", "\n")),
        (LONG, LONG.replace("allowance", "allow-\nance")),
        (LONG, "> " + LONG.replace("\n", "\n> ")),
        (LONG, "## " + LONG.replace("62 euros", "**62 euros**").replace("claim", "`claim`")),
        (LONG.replace("receipts", "“receipts”"), LONG.replace("receipts", '"receipts"')),
        (LONG.replace(". ", ".\n- "), LONG.replace(". ", ".\n• ")),
        ("tweets = [ { 'a' : 1 } ] " + LONG, "tweets = [\n    {'a': 1}\n] " + LONG),
        (
            "出張の食費は一日六十二ユーロです。領収書なしで支払われます。",
            "出張の食費は一日\n六十二ユーロです。領収書なしで\n支払われます。",
        ),
        ("Handbook of travel. Page header.\n\n" + LONG, LONG),
        (LONG + " Ask the finance team.", LONG),
    ],
)
def test_the_same_words_in_the_same_order_fold(better: str, worse: str) -> None:
    found = collapsed([hit(better, path="a.md"), hit(worse, path="copy/b.md")])
    assert texts(found) == [better]
    assert [chunk.text for chunk in found[0].also] == [worse]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LONG, LONG.replace("62", "63")),
        (LONG, LONG.replace("62", "6.2")),
        (LONG, LONG.replace("62 euros", "-62 euros")),
        (LONG, LONG.replace("does not get", "does get")),
        (LONG, LONG.replace("without", "with")),
        (LONG, LONG.replace("meal", "hotel")),
        (LONG, LONG + " This holds from 2027."),
        (LONG + " No claim is paid twice.", LONG + " Claim is paid twice."),
        ("GET /v1/users " + LONG, "GET /v2/users " + LONG),
        ("GET /users " + LONG, "POST /users " + LONG),
        ("1. " + LONG, "2. " + LONG),
        ("> 5 days: " + LONG, "5 days: " + LONG),
        ("10⁵ " + LONG, "105 " + LONG),
        ("- " + LONG, "+ " + LONG),
        ("2**3 " + LONG, "23 " + LONG),
        ("if a == b: " + LONG, "if a != b: " + LONG),
        ("| Ketch | 189 | yes |", "| Sloop | 289 | yes |"),
        ("Not " + LONG, LONG),
        ("None of this holds for guests: " + LONG, LONG),
        ("1.62 is the factor. " + LONG, "62 is the factor. " + LONG),
        (LONG[:-1] + ", unless it was a breakfast.", LONG[:-1]),
    ],
)
def test_what_says_another_thing_stays(one: str, other: str) -> None:
    assert texts(collapsed([hit(one), hit(other)])) == [one, other]


def test_a_longer_text_after_the_shorter_stays() -> None:
    longer = LONG + " Ask the finance team."
    assert texts(collapsed([hit(LONG), hit(longer)])) == [LONG, longer]


def test_a_short_text_means_what_its_headings_make_of_it() -> None:
    windows, linux = hit("Not supported.", headings=("Windows",)), hit("Not supported.", headings=("Linux",))
    assert len(collapsed([windows, linux])) == 2
    assert len(collapsed([windows, hit("Not supported.", headings=("Windows",), path="b.md")])) == 1
    assert len(collapsed([windows, hit("Not supported.", headings=("Windows",), title="Other")])) == 2


def test_numbers_in_headings_keep_versions_apart() -> None:
    first, second = hit(LONG, headings=("API v1", "Meals")), hit(LONG, headings=("API v2", "Meals"))
    assert len(collapsed([first, second])) == 2
    assert len(collapsed([first, hit(LONG, headings=("Old API", "Meals"))])) == 1


def test_rows_mean_what_their_columns_make_of_them() -> None:
    rows = "\n".join(f"| {year} | {year % 7} | {year % 5} |" for year in range(1990, 2020))
    heads = ("| Year | Cats | Dogs |\n|---|---|---|", "| Year | Cars | Vans |\n|---|---|---|")

    def folded(one: Hit, head: str) -> int:
        other = hit(rows, path="b.md")
        return len(collapsed([one, replace(other, chunk=replace(other.chunk, head=head))]))

    whole = hit(f"{heads[0]}\n{rows}")
    later = replace(whole, chunk=replace(whole.chunk, text=rows, head=heads[0]))
    assert [folded(one, head) for one in (whole, later) for head in heads] == [1, 2, 1, 2]


def test_the_best_stays_and_ranks_are_counted_anew() -> None:
    other = LONG.replace("62", "70")
    hits = [hit(LONG), hit(LONG, path="b.md"), hit(other), hit(LONG, path="c.md"), hit(other, path="d.md")]
    found = collapsed(hits)
    assert [(f.rank, f.chunk.id) for f in found] == [(1, hits[0].chunk.id), (2, hits[2].chunk.id)]
    assert [[c.document.path for c in f.also] for f in found] == [["b.md", "c.md"], ["d.md"]]


@given(st.lists(st.text(st.sampled_from("ab1. \n#-“>*食`\udc80"), min_size=1, max_size=12), max_size=12))
def test_no_hit_is_lost_and_doing_it_twice_changes_nothing(given_texts: list[str]) -> None:
    hits = [hit(text) for text in given_texts]
    found = collapsed(hits)
    assert sorted(c.id for f in found for c in (f.chunk, *f.also)) == sorted(h.chunk.id for h in hits)
    assert [f.chunk.id for f in found] == [h.chunk.id for h in hits if h.chunk.id in {f.chunk.id for f in found}]
    assert [f.rank for f in found] == list(range(1, len(found) + 1))
    assert collapsed(found) == found


def unit(angle: float) -> list[float]:
    return [float(np.cos(angle)), float(np.sin(angle))]


def test_a_twin_waits_for_what_differs() -> None:
    vectors = np.array([unit(0), unit(0.01), unit(1.5)], dtype=np.float32)
    assert diversified([3.0, 2.9, 2.0], vectors, 3, 0.5) == [0, 2, 1]
    assert diversified([3.0, 2.9, 2.0], vectors, 3, 1.0) == [0, 1, 2]
    assert diversified([3.0, 2.9, 2.0], vectors, 1, 0.5) == [0]


def test_the_scale_of_the_scores_does_not_matter() -> None:
    vectors = np.array([unit(angle) for angle in (0, 0.1, 0.2, 1.0, 1.4)], dtype=np.float32)
    scores = [2.0, 1.5, 1.4, 0.2, -3.0]
    assert diversified(scores, vectors, 5, 0.7) == diversified([100 * s - 7 for s in scores], vectors, 5, 0.7)


@given(st.lists(st.tuples(st.floats(-5, 5), st.floats(0, 6.2)), max_size=12), st.integers(0, 15), st.floats(0, 1))
def test_each_is_chosen_at_most_once(rows: list[tuple[float, float]], k: int, trade_off: float) -> None:
    vectors = np.array([unit(angle) for _, angle in rows], dtype=np.float32).reshape(-1, 2)
    scores = [score for score, _ in rows]
    chosen = diversified(scores, vectors, k, trade_off)
    assert len(chosen) == len(set(chosen)) == min(k, len(rows))
    if chosen:
        assert scores[chosen[0]] == max(scores)
    if trade_off == 1:
        assert [scores[place] for place in chosen] == pytest.approx(
            sorted(scores, reverse=True)[: len(chosen)], abs=1e-9
        )
