"""Places: in personal context by default, every listed one in strict mode."""

from __future__ import annotations

import pytest

from hybridrag.privacy.finders.gazetteer import countries, peoples, places
from hybridrag.privacy.finders.places import places_in_context, strict_places
from tests.privacy.hostile import is_linear


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("She lives in Quedlinburg with two cats.", "Quedlinburg"),
        ("He was born and raised in Saint Albans.", "Saint Albans"),
        ("They relocated from New Zealand.", "New Zealand"),
        ("My mother comes from Rio de Janeiro.", "Rio de Janeiro"),
        ("He grew up near Stoke-on-Trent.", "Stoke-on-Trent"),
        ("a citizen of Peru", "Peru"),
        ("she's currently in Odense, resting", "Odense"),
        ("Our son is heading to Trondheim on Monday", "Trondheim"),
        ("They went on a trip to Malta", "Malta"),
        ("Er wohnt in Bad Tölz.", "Bad Tölz"),
        ("Sie wohnt seit 1990 in Görlitz.", "Görlitz"),
        ("geboren in Łódź", "Łódź"),
        ("Sie stammt aus Österreich.", "Österreich"),
        ("Letztes Jahr zog er nach Kiel.", "Kiel"),
        ("City: Gdynia", "Gdynia"),
        ("Wohnort: Pirna", "Pirna"),
        ('"country": "Estonia"', "Estonia"),
        ("Il habite à Besançon", "Besançon"),
        ("Vive en Cádiz", "Cádiz"),
        ("He settled in the Netherlands.", "the Netherlands"),
        ("The office in Herning 7400 is closed.", "Herning 7400"),
    ],
)
def test_a_place_where_somebody_lives_or_comes_from(text: str, place: str) -> None:
    assert {text[span.start : span.end] for span in places_in_context(text)} == {place}


@pytest.mark.parametrize(
    "text",
    [
        "Germany exports cars.",
        "The value is returned from Connect.",
        "# TODO: move to BaseTreeItem",
        "Length of stay in the ICU was 14 days.",
        "The meeting moved to Monday.",
        "If you come from the API docs",
        "in ISO 8601 format",
        "moved to LDL",
        "born in March",
        "lives in harmony",
    ],
)
def test_prose_and_code_keep_their_names(text: str) -> None:
    assert not list(places_in_context(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Sales in France and the USA fell.", ["France", "USA"]),
        ("From Köln to New York City by train", ["Köln", "New York City"]),
        ("Three Norwegians met a Pole.", ["Norwegians", "Pole"]),
        ("die französische Botschaft in Südafrika", ["französische", "Südafrika"]),
        ("offices in Lower Saxony and TEXAS", ["Lower Saxony", "TEXAS"]),
        ("two estonians sang", ["estonians"]),
    ],
)
def test_strict_mode_takes_every_listed_place_and_people(text: str, found: list[str]) -> None:
    assert sorted(text[span.start : span.end] for span in strict_places(text)) == sorted(found)


@pytest.mark.parametrize("text", ["Please polish the turkey.", "Frankly, Chinatown-like", "Romeo and Parisian"])
def test_strict_mode_wants_whole_words_with_a_capital(text: str) -> None:
    assert not list(strict_places(text))


def test_the_lists_are_whole() -> None:
    assert len(countries()) > 400
    assert len(places()) > 1000
    assert len(peoples()) > 250
    assert not any(name.startswith("#") for name in places() | peoples())


@pytest.mark.parametrize(
    "piece", ["lives in ", "lives in A ", "A", "Berlin ", "born in Ab 1234 ", "City: ", "is in the A-", "é"]
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    for finder in (places_in_context, strict_places):
        assert is_linear(finder, piece)
