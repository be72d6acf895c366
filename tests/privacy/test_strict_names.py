"""Strict mode: capitalised words the text never has in lower case; ordinary words stay where a capital says nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrag.privacy.detectors import builtin_detectors, strict_detectors
from hybridrag.privacy.finders.strict_names import german_noun, strict_names
from hybridrag.privacy.scanning import scan


def found(text: str) -> list[str]:
    return sorted({text[span.start : span.end] for span in strict_names(text)})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("We drove to Quillanmouth and met the Zorvians.", ["Quillanmouth", "Zorvians"]),
        ("I prefer Uruguayan food.", ["Uruguayan"]),
        ("The offer of Nordic Veltrix Reports was good.", ["Nordic Veltrix Reports"]),
        ("Wir fahren mit dem Zug nach Quellenbüttel und ich besuche Grimbold.", ["Grimbold", "Quellenbüttel"]),
        ("Heidelberg ist schön und die Stadt mag ich.", ["Heidelberg"]),
    ],
)
def test_found(text: str, names: list[str]) -> None:
    assert set(names) <= set(found(text))


@pytest.mark.parametrize(
    "text",
    [
        "Running costs rise. Payment is due in March. The bank may charge you.",
        "Tokens are counted. A model reads tokens.",
        "Die Rechnung wird mit der Lieferung verschickt, und das Schreiben liegt bei der Verwaltung.",
        "Please send the PDF by SMS, not the CSV.",
        "Die Gesellschaft ist zur Zahlung der Versicherungsprämie verpflichtet und nicht befreit.",
    ],
)
def test_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_word_that_the_text_has_in_lower_case_is_no_name() -> None:
    assert found("The Frobnicator turns. Every frobnicator turns.") == []
    assert found("The Frobnicator turns.") == ["Frobnicator"]


def test_it_tells_persons_from_what_it_cannot_name() -> None:
    text = "We met Catherine in Quillanmouth."
    assert {(span.type, text[span.start : span.end]) for span in strict_names(text)} == {
        ("PERSON", "Catherine"),
        ("NAME", "Quillanmouth"),
    }
    assert {span.rule for span in strict_names(text)} == {"strict-capitalised"}


@pytest.mark.parametrize(
    "word", ["Versicherungsnummer", "Krankenkassen", "Freundlichkeit", "Bürgschaften", "Mietkaution"]
)
def test_german_nouns_are_ordinary(word: str) -> None:
    assert german_noun(word.lower().replace("ü", "u"))


@pytest.mark.parametrize("word", ["grimbold", "quellenbuttel", "heidelberg", "rosenstein"])
def test_german_names_are_not(word: str) -> None:
    assert not german_noun(word)


def test_strict_detectors_add_to_the_built_in_ones() -> None:
    text = "We met the Zorvians."
    assert scan(text, builtin_detectors()) == ()
    assert [span.type for span in scan(text, (*builtin_detectors(), *strict_detectors()))] == ["NAME"]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=120))
def test_spans_lie_in_the_text(text: str) -> None:
    for span in strict_names(text):
        assert 0 <= span.start < span.end <= len(text)
