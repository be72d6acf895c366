"""Names of firms, and what that looks like one is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrag.privacy.finders.organisations import organisations


def found(text: str) -> list[str]:
    return sorted({text[span.start : span.end] for span in organisations(text)})


FOUND = [
    ("The tender of Kestrel Freight GmbH was late.", ["Kestrel Freight GmbH"]),
    ("Sonnenfeld Maschinenbau GmbH & Co. KG", ["Sonnenfeld Maschinenbau GmbH & Co. KG"]),
    ("We sued Brightwater Holdings Ltd in May.", ["Brightwater Holdings Ltd"]),
    ("She left Larkspur & Finch LLP, then rested.", ["Larkspur & Finch LLP"]),
    ("Invoice from Northgate Supplies, Inc. attached", ["Northgate Supplies, Inc."]),
    ("Der Verein Waldfreunde Musterstadt e.V. lädt ein.", ["Verein Waldfreunde Musterstadt e.V."]),
    ("A deal with Pemberton & Sons was made.", ["Pemberton & Sons"]),
    ("I work for Corvantis and like it.", ["Corvantis"]),
    ("Sie arbeitet bei Velmora in Ulm.", ["Velmora"]),
    ("Employer: Zentrix\nCity: Bonn", ["Zentrix"]),
    ("Arbeitgeber: Holzwerk Tanngrund", ["Holzwerk Tanngrund"]),
    ("Quandora is a design agency.", ["Quandora"]),
    ("The lawyers Peterson, Kowalczyk and Jovanovic wrote.", ["Peterson, Kowalczyk and Jovanovic"]),
    ("Ask Hernandez-Kowalczyk for a quote.", ["Hernandez-Kowalczyk"]),
    ("We hired Tarnbrook Consulting last year.", ["Tarnbrook Consulting"]),
]


@pytest.mark.parametrize(("text", "names"), FOUND, ids=[text[:30] for text, _ in FOUND])
def test_found(text: str, names: list[str]) -> None:
    assert set(names) <= set(found(text))


LEFT = [
    "The company was founded long ago. The Group met.",
    "Python is a language. Docker is a tool.",
    "I work for a bank. He works at home.",
    "The Federal Ministry of Finance published the report.",
    "Das Amtsgericht hat entschieden.",
    "Use the Burrows-Wheeler transform.",
    "Company: optional\nVendor: none",
    "She joined in May. They left Paris.",
    "See Section 4 and Table A.",
]


@pytest.mark.parametrize("text", LEFT, ids=[text[:30] for text in LEFT])
def test_left_alone(text: str) -> None:
    assert found(text) == []


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="Ab GmbH&Co. KG,Inc\n-und works at Firma:", max_size=100))
def test_spans_lie_in_the_text(text: str) -> None:
    for span in organisations(text):
        assert 0 <= span.start < span.end <= len(text)
        assert span.type == "ORG"
