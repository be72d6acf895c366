"""Dates of birth, ages, and the dates of strict mode: what is taken, to the character, and what is left."""

from __future__ import annotations

import pytest

from hybridrag.privacy.finders.births import ages, birthdates
from hybridrag.privacy.finders.dates import strict_dates
from tests.privacy.hostile import is_linear

DATES = [
    "12.03.1980",
    "12. 3. 1980",
    "12/03/1980",
    "3/12/1980",
    "12-03-1980",
    "1980-03-12",
    "1980/03/12",
    "12 March 1980",
    "12th of March 1980",
    "March 12, 1980",
    "March 12th, 1980",
    "Mar. 12, 1980",
    "12-Mar-1980",
    "12. März 1980",
    "12. Jänner 1980",
    "12 mars 1980",
    "1er mai 1980",
    "12 de marzo de 1980",
    "12 marzo 1980",
    "12 de março de 1980",
    "12 maart 1980",
    "12 sierpnia 1980",
]
BIRTHS = [
    "She was born on {} in Oslo.",
    "DOB: {}",
    "D.O.B. {}",
    "Date of birth (as in the passport): {}",
    "date_of_birth={}",
    '"birthdate": "{}"',
    "birthday is {}.",
    "geb. {}",
    "geboren am {} in Jena",
    "Geburtsdatum: {}",
    "Anna Beck (* {})",
    "née le {}",
    "Fecha de nacimiento: {}",
    "Data di nascita {}",
    "the birth date they wrote down was {}",
    "Born: Monday, {}",
]


@pytest.mark.parametrize("date", DATES)
@pytest.mark.parametrize("form", BIRTHS)
def test_a_date_beside_a_word_of_birth(form: str, date: str) -> None:
    text = form.format(date)
    assert date in {text[span.start : span.end] for span in birthdates(text)}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("He was born in 1961.", "1961"),
        ("Geburtsjahr: 1958", "1958"),
        ("DOB 19800312", "19800312"),
        ("My birthday is on 4 July.", "4 July"),
        ("born July 4th in Ohio", "July 4th"),
    ],
)
def test_years_and_days_alone(text: str, found: str) -> None:
    assert [text[span.start : span.end] for span in birthdates(text)] == [found]


@pytest.mark.parametrize(
    "text",
    [
        "The contract of 12 March 1980 is void.",
        "Released 2024-03-12.",
        "infants born between 1997 and 2002",
        "The birth of virology in the laboratory came in 1892.",
        "* 3.11.2 fixes the parser",
        "Version 12.03.1980",
        "a newborn weighs 3500 g",
    ],
)
def test_other_dates_are_no_births(text: str) -> None:
    assert not list(birthdates(text))


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("He is 42 years old.", "42"),
        ("a 42-year-old teacher", "42"),
        ("a 7 yr old boy", "7"),
        ("Lena, 31 y/o", "31"),
        ("F, 54yo, smoker", "54"),
        ("aged 42, of Leeds", "42"),
        ("at the age of 103", "103"),
        ("Age: 8", "8"),
        ('"age": 35,', "35"),
        ("Grandpa turned 42", "42"),
        ("turning 30, at last", "30"),
        ("when he was 19, he left", "19"),
        ("I'm 27 and tired", "27"),
        ("der 42-jährige Lehrer", "42"),
        ("eine 42jährige", "42"),
        ("Er ist 42 Jahre alt.", "42"),
        ("Alter: 42", "42"),
        ("im Alter von 42 Jahren", "42"),
        ("Sie wurde 80.", "80"),
        ("Ich bin 33.", "33"),
        ("il a 42 ans", "42"),
        ("tiene 42 años", "42"),
        ("ha 42 anni", "42"),
        ("An 18 month old child", "18"),
    ],
)
def test_an_age(text: str, age: str) -> None:
    assert {text[span.start : span.end] for span in ages(text)} == {age}


@pytest.mark.parametrize(
    "text",
    [
        "It took 42 years.",
        "page 42",
        "Im 16. Jahrhundert",
        "stage 3 of 4",
        "It is 42% full.",
        "turn 300 degrees",
        "the average 12",
        "max-age=3600",
        "in 42 days",
        "a 5 year plan",
        "This is 42.",
    ],
)
def test_other_numbers_are_no_ages(text: str) -> None:
    assert not list(ages(text))


@pytest.mark.parametrize("date", DATES)
def test_strict_mode_takes_every_date_to_the_day(date: str) -> None:
    text = f"Signed on {date}, in haste."
    assert [text[span.start : span.end] for span in strict_dates(text)] == [date]


def test_strict_mode_takes_the_time_too() -> None:
    text = "When: 2021-04-05 10:11:12"
    assert [text[span.start : span.end] for span in strict_dates(text)] == ["2021-04-05 10:11:12"]


@pytest.mark.parametrize("text", ["in 1980", "March 1980", "version 3.11.2", "10.0.0.1", "1.2.3-4", "12/03", "may 5"])
def test_strict_mode_leaves_years_months_and_releases(text: str) -> None:
    assert not list(strict_dates(text))


@pytest.mark.parametrize(
    "piece", ["1", "1.", "born ", "born 1", "* 1.1.1980 ", "age ", "12 March ", "42 years ", "*", "I'm 4 "]
)
def test_hostile_text_takes_linear_time(piece: str) -> None:
    for finder in (birthdates, ages, strict_dates):
        assert is_linear(finder, piece)
