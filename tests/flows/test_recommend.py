"""The ranking of models: constraints hold whatever the figures, and what is better never ranks lower."""

from __future__ import annotations

from dataclasses import replace
from math import isclose

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hybridrag.flows.recommend import PERMISSIVE, Candidate, Figure, Wishes, objections, qualities, rank, why

LANGUAGES = ["de", "en", "fr", "zh"]
LICENCES = ["Apache-2.0", "MIT", "CC-BY-NC-4.0", "LicenseRef-Gemma", None]


def figures(least: float, most: float) -> st.SearchStrategy[Figure]:
    known = st.sampled_from(["measured", "published", "estimated"])
    return st.builds(Figure, st.floats(least, most), known)


CANDIDATES = st.builds(
    Candidate,
    name=st.sampled_from("abcdefghijkl"),
    parameters=st.integers(0, 10**10),
    disk=st.integers(0, 10**11),
    languages=st.none() | st.frozensets(st.sampled_from(LANGUAGES)),
    licence=st.sampled_from(LICENCES),
    own_code=st.booleans(),
    for_code=st.booleans(),
    here=st.booleans(),
    memory=figures(0, 1e12),
    tokens_per_second=figures(0, 1e7),
    query_ms=figures(0, 1e5),
    quality=st.none() | figures(0, 1),
)
WISHES = st.builds(
    Wishes,
    languages=st.lists(st.sampled_from(LANGUAGES), unique=True).map(tuple),
    permissive=st.booleans(),
    code=st.booleans(),
    max_query_ms=st.floats(0, 1e5),
    max_memory=st.floats(0, 1e12),
)


def model(name: str = "model", **changes: object) -> Candidate:
    plain = Candidate(
        name=name,
        parameters=30_000_000,
        disk=120_000_000,
        languages=frozenset({"en"}),
        licence="MIT",
        own_code=False,
        for_code=False,
        here=False,
        memory=Figure(5e8, "estimated"),
        tokens_per_second=Figure(10_000, "estimated"),
        query_ms=Figure(5, "estimated"),
        quality=Figure(0.7, "published"),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@given(st.lists(CANDIDATES, max_size=12), WISHES)
def test_what_is_ranked_keeps_every_constraint(candidates: list[Candidate], wishes: Wishes) -> None:
    found = rank(candidates, wishes)
    for candidate in found.ranked:
        assert set(wishes.languages) <= (candidate.languages or set())
        assert not wishes.permissive or candidate.licence in PERMISSIVE
        assert not candidate.own_code
        assert wishes.code or not candidate.for_code
        assert candidate.query_ms.value <= wishes.max_query_ms
        assert candidate.memory.value <= wishes.max_memory


@given(st.lists(CANDIDATES, max_size=12), WISHES, st.randoms())
def test_everybody_is_ranked_or_told_why_not_whatever_the_order(
    candidates: list[Candidate], wishes: Wishes, random: object
) -> None:
    found = rank(candidates, wishes)
    assert len(found.ranked) + len(found.excluded) == len(candidates)
    assert all(excluded.reasons for excluded in found.excluded)
    again = [*candidates]
    random.shuffle(again)  # type: ignore[attr-defined]
    names = [candidate.name for candidate in found.ranked]
    assert [candidate.name for candidate in rank(again, wishes).ranked] == names


@given(
    CANDIDATES,
    WISHES,
    st.floats(0.001, 0.5),
    st.floats(1.01, 100),
    st.floats(1.01, 100),
    st.floats(1.01, 100),
)
def test_what_is_better_in_all_ways_never_ranks_lower(
    worse: Candidate, wishes: Wishes, quality: float, speed: float, wait: float, memory: float
) -> None:
    better = replace(
        worse,
        name="z",  # equal ones go by name, and this one comes last
        quality=Figure(min(1.0, (worse.quality.value if worse.quality else 0) + quality), "published"),
        tokens_per_second=Figure(worse.tokens_per_second.value * speed, "measured"),
        query_ms=Figure(worse.query_ms.value / wait, "measured"),
        memory=Figure(worse.memory.value / memory, "measured"),
    )
    assume(worse.quality is None or better.quality != worse.quality)
    ranked = rank([worse, better], wishes).ranked
    if worse in ranked:
        assert [*ranked] == [better, worse]


@pytest.mark.parametrize(
    ("changes", "wishes", "reason"),
    [
        ({"languages": frozenset({"en"})}, {"languages": ("de", "en")}, "does not know de"),
        ({"languages": None}, {"languages": ("en",)}, "languages are not known"),
        ({"licence": "CC-BY-NC-4.0"}, {}, "CC-BY-NC-4.0"),
        ({"own_code": True}, {}, "code of its own"),
        ({"for_code": True}, {}, "--code"),
        ({"broken": "no weights"}, {}, "no weights"),
        ({"query_ms": Figure(50, "measured")}, {"max_query_ms": 49}, "49 ms"),
        ({"memory": Figure(3e9, "measured")}, {"max_memory": 2e9}, "2.0 GB"),
    ],
)
def test_each_constraint_is_told(changes: dict[str, object], wishes: dict[str, object], reason: str) -> None:
    unlimited = {"languages": (), "permissive": True, "code": False, "max_query_ms": 1e9, "max_memory": 1e15}
    (told,) = objections(model(**changes), Wishes(**{**unlimited, **wishes}))  # type: ignore[arg-type]
    assert reason in told


def test_the_score_is_what_is_documented() -> None:
    plain = model()
    twice = replace(plain, tokens_per_second=Figure(20_000, "measured"), query_ms=Figure(2.5, "measured"))
    half = replace(plain, memory=Figure(2.5e8, "measured"))
    found = replace(plain, quality=Figure(0.71, "measured"))
    assert isclose(twice.score - plain.score, 1)
    assert isclose(half.score - plain.score, 0.5)
    assert isclose(found.score - plain.score, 1)


def test_models_for_code_come_first_where_code_is_wanted() -> None:
    prose, code = model("prose", quality=Figure(0.9, "published")), model("code", for_code=True, quality=None)
    ranked = rank([prose, code], Wishes(code=True)).ranked
    assert [candidate.name for candidate in ranked] == ["code", "prose"]


def test_unknown_quality_comes_last() -> None:
    fast = model("fast", quality=None, tokens_per_second=Figure(1e6, "measured"))
    ranked = rank([fast, model("slow", quality=Figure(0.01, "published"))], Wishes()).ranked
    assert [candidate.name for candidate in ranked] == ["slow", "fast"]


def test_what_was_measured_moves_what_was_published() -> None:
    published = {"here": 0.6, "better": 0.8, "worse": 0.4, "unknown": None}
    plain = qualities({}, published)
    assert plain["better"] == Figure(0.8, "published")
    assert plain["unknown"] is None

    easy = qualities({"here": Figure(0.9, "measured")}, published)
    assert easy["here"] == Figure(0.9, "measured")
    assert easy["unknown"] is None
    # Half the published misses are half of the measured ones; what is lost in print is lost here.
    assert easy["better"] is not None
    assert isclose(easy["better"].value, 0.95)
    assert easy["worse"] is not None
    assert isclose(easy["worse"].value, 0.7)
    assert easy["worse"].known == "estimated"

    assert qualities({"unknown": Figure(0.9, "measured")}, published)["here"] is None


@given(
    st.dictionaries(st.sampled_from("abc"), st.tuples(st.floats(0, 1), st.floats(0, 0.99)), min_size=1),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_better_published_figure_gives_no_worse_guess(
    known: dict[str, tuple[float, float]], one: float, other: float
) -> None:
    measured = {name: Figure(here, "measured") for name, (here, _) in known.items()}
    published = {name: told for name, (_, told) in known.items()} | {"low": min(one, other), "high": max(one, other)}
    found = qualities(measured, published)
    assert found["low"] is not None
    assert found["high"] is not None
    assert 0 <= found["low"].value <= found["high"].value <= 1


def test_what_a_model_gains_and_loses_is_told() -> None:
    first = model("first")
    other = model("other", quality=Figure(0.728, "published"), tokens_per_second=Figure(2_500, "estimated"))
    assert "best" in why(first, first)
    assert why(other, first) == "+.028 nDCG, 4.0x slower"
    assert why(model("third", quality=None), first) == "nobody published how well it finds, as fast"
