"""Names of persons: what is found by lists and context, and what that looks like a name is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrag.privacy.finders.persons import persons
from tests.privacy.hostile import is_linear


def found(text: str) -> list[str]:
    return sorted({text[span.start : span.end] for span in persons(text)})


FOUND = [
    # given and family names
    ("We met Catherine in the hall.", ["Catherine"]),
    ("Yesterday Ines Falkenrath signed the lease.", ["Ines Falkenrath"]),
    ("The report was written by Duqo Abdurakhmanov.", ["Duqo Abdurakhmanov"]),
    ("A letter from Will Robertson arrived.", ["Will Robertson"]),
    ("It was Mary Jane Holloway-Pratt who called.", ["Mary Jane Holloway-Pratt"]),
    ("Ludwig van der Meulen wohnt nebenan.", ["Ludwig van der Meulen"]),
    ("Das hat Karl-Heinz Obermeier bezahlt.", ["Karl-Heinz Obermeier"]),
    ("Die Wohnung gehört Agnieszka Wójcik.", ["Agnieszka Wójcik"]),
    # initials
    ("Signed by J. R. Thornbury today.", ["J. R. Thornbury"]),
    ("I know Wilma R. Dunmore well.", ["Wilma R. Dunmore"]),
    ("Author: P. Kowalski", ["P. Kowalski"]),
    # titles; the title itself stays
    ("Please ask Dr. Quillfeather.", ["Quillfeather"]),
    ("Frau Prof. Dr. Zwirnlein kommt.", ["Zwirnlein"]),
    ("Sehr geehrter Herr Kollege Brandhuber,", ["Brandhuber"]),
    ("Ask Mr. Young about it.", ["Young"]),
    # labels
    ("Name: Tamsin Ollerenshaw\nCity: Leeds", ["Tamsin Ollerenshaw"]),
    ("Patientin: Gerlinde Haberkorn, geb. 1950", ["Gerlinde Haberkorn"]),
    ("| Ansprechpartner | Xaver Hinterhuber |", ["Xaver Hinterhuber"]),
    # greetings and signatures
    ("Dear Wrenfield,\nthank you.", ["Wrenfield"]),
    ("Liebe Hannelore, danke!", ["Hannelore"]),
    ("Yours sincerely,\nFergus Mactavish", ["Fergus Mactavish"]),
    ("Mit freundlichen Grüßen\n\nGundula Pfefferkorn", ["Gundula Pfefferkorn"]),
    ("/s/ Thaddeus Okonjo", ["Thaddeus Okonjo"]),
    # introductions, kin, speech
    ("Hello, my name is Xoliswa.", ["Xoliswa"]),
    ("Ich heiße Grimbold und wohne hier.", ["Grimbold"]),
    ("My kid Florence is ill.", ["Florence"]),
    ('"Never," said Quintrell.', ["Quintrell"]),
    ("Usmanur lives in the north.", ["Usmanur"]),
    ("What's your name? Yngvild", ["Yngvild"]),
    ("my name is katarina", ["katarina"]),
    ("wir nennen ihn nie so, ich heiße matthias", ["matthias"]),
    # several in a row
    ("The founders are Kerekes, Michaela and Jovanović.", ["Jovanović", "Kerekes", "Michaela"]),
    ("Present: Sunniva Halvorsen, Mbali Zunguwa, Piotr Maj", ["Mbali Zunguwa", "Piotr Maj", "Sunniva Halvorsen"]),
    # dialogue
    ("Nicole: Come in.\nHope: Thank you.", ["Hope", "Nicole"]),
    ("[09:14] jonas: morning\n[09:15] priya: hi jonas", ["jonas", "priya"]),
    # what is found once is found again
    ("Ines Falkenrath called. Later Falkenrath wrote.", ["Falkenrath", "Ines Falkenrath"]),
    ("Mr. Quillfeather left. QUILLFEATHER returned.", ["QUILLFEATHER", "Quillfeather"]),
    ("Contact arvid.tollund@example.org. Then Tollund came.", ["Tollund"]),
    ("Write to Young <m.y@example.org>.", ["Young"]),
    # an address below
    ("Zsuzsi Kóbor\n12 Any Street\nTown", ["Zsuzsi Kóbor"]),
    # no capitals at all
    ("i spoke to sandra ostrowski about it", ["sandra ostrowski"]),
    # another script
    ("Договор подписал Иван Петров.", ["Иван Петров"]),
    ("Antoinette's brother called.", ["Antoinette"]),
]


@pytest.mark.parametrize(("text", "names"), FOUND, ids=[text[:30] for text, _ in FOUND])
def test_found(text: str, names: list[str]) -> None:
    assert found(text) == names


LEFT = [
    "We use Bayes' theorem and the Gauss distribution.",
    "Run Docker and Jenkins, then deploy to Jupyter.",
    "Python, Java and Ruby are languages. Ask Claude.",
    "In April and May the numbers rose; June was better.",
    "Will this work? Mark the box. Hope for the best, Grace under pressure.",
    "Der Koch kauft Stein und Holz, der Wolf schläft im Wald.",
    "San Francisco and Santa Barbara lie near the James River.",
    "The Wilcoxon test and the Hodgkin lymphoma of the Martin model.",
    "Name: string\nUser: admin\nTo: be defined\nAuthor: optional",
    "Chelsea won; Jordan and Georgia are countries.",
    "Die Bundesregierung hat die Rechnung an das Ministerium geschickt.",
    "Vitamin D. Then hepatitis B. However, section A. Next.",
    "Note: see below.\nWarning: hot.\nExample: none.",
    "FastAPI uses OpenAPI, JSON Schema and Pydantic models.",
    "Dear customer, dear Sir or Madam, liebe Kundinnen und Kunden,",
    "Am Montag fand die Sitzung im Rathaus statt.",
    "def main(args): return Config(name=None)",
]


@pytest.mark.parametrize("text", LEFT, ids=[text[:30] for text in LEFT])
def test_left_alone(text: str) -> None:
    assert found(text) == []


def test_a_possessive_is_not_part_of_the_name() -> None:
    text = "It was Catherine's idea and Björn’s money."
    assert found(text) == ["Björn", "Catherine"]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="Anna Müller.,:\n-'@<>IJ. dervonMr", max_size=120))
def test_spans_lie_in_the_text_and_are_words(text: str) -> None:
    for span in persons(text):
        assert 0 <= span.start < span.end <= len(text)
        assert span.type == "PERSON"
        assert any(char.isalpha() for char in text[span.start : span.end])


@pytest.mark.parametrize(
    "unit",
    [
        "A",
        "A ",
        "J. ",
        "Anna ",
        "Anna, ",
        "Anna and ",
        "Xyz ",
        "Mr. ",
        "name: ",
        "-A",
        "O'",
        "anna ",
        "Anna\n",
        "é",
        "A-",
        "von ",
    ],
)
def test_hostile_text_takes_linear_time(unit: str) -> None:
    assert is_linear(persons, unit, size=40_000, times=8, bound=30)
