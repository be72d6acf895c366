"""Numbers and dates in different spellings are the same; different ones are not."""

from __future__ import annotations

import pytest

from hybridrag.answering.dates import dates_of
from hybridrag.answering.figures import borne_out, figures_of, periods_of, rates_of


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1,500", "1.500"), ("1.5k", "1500"), ("1 500", "1500"), ("$5 million", "USD 5,000,000"),
        ("5MB", "5 megabytes"),
        ("2 hours", "120 minutes"), ("40 %", "40 per cent"), ("twenty-five", "25"), ("zwölf", "12"),
        ("10万", "100000"),
        ("about 1,000", "1,020"), ("200K", "200,000"), ("1,50 €", "1.50 euros"), ("-5 °C", "minus 5 °C"),
        ("三十", "30"),
    ],
)  # fmt: skip
def test_spellings_of_one_number_are_equal(one: str, other: str) -> None:
    (figure,) = figures_of(one)
    assert borne_out(figure, figures_of(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5 MB", "5 GB"), ("30 days", "30 weeks"), ("$5", "€5"), ("1,500", "1,600"), ("-5", "5"),
        ("5 million", "5 billion"),
        ("1,000", "1,020"), ("40 %", "40 dollars"), ("4", "4o"), ("15天", "20天"),
    ],
)  # fmt: skip
def test_different_amounts_are_not(one: str, other: str) -> None:
    (figure,) = figures_of(one)
    assert not borne_out(figure, figures_of(other))


SPELLINGS = [
    "3 May 2024",
    "2024-05-03",
    "May 3rd, 2024",
    "3. Mai 2024",
    "03.05.2024",
    "2024年5月3日",
    "3rd of May 2024",
]


@pytest.mark.parametrize("one", SPELLINGS)
@pytest.mark.parametrize("other", SPELLINGS)
def test_spellings_of_one_date_agree(one: str, other: str) -> None:
    (mine,), (theirs,) = dates_of(one), dates_of(other)
    assert mine.agrees(theirs, frozenset())


@pytest.mark.parametrize("other", ["4 May 2024", "2024-06-03", "3. Mai 2023", "May 2024"])
def test_another_date_does_not(other: str) -> None:
    (mine,), (theirs,) = dates_of("3 May 2024"), dates_of(other)
    assert not mine.agrees(theirs, frozenset())


def test_a_date_without_its_year_agrees_where_the_year_stands_near() -> None:
    (mine,), (theirs,) = dates_of("3 May 2024"), dates_of("May 3")
    assert mine.agrees(theirs, frozenset({2024}))
    assert not mine.agrees(theirs, frozenset({2023}))
    assert theirs.agrees(mine, frozenset())


def test_a_time_of_day_has_one_meaning() -> None:
    assert {date.minute for text in ("14:30", "2:30 pm", "14 Uhr 30") for date in dates_of(text)} == {870}


@pytest.mark.parametrize("text", ["vom 10.11. an", "am 10. November", "bis 10.11.", "November 10"])
def test_a_day_and_a_month_are_a_date_without_their_year(text: str) -> None:
    (date,) = dates_of(text)
    assert date.readings == {(None, 11, 10)}


def test_a_number_at_the_end_of_a_sentence_is_no_date() -> None:
    assert not dates_of("The version is 3.11.")


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("100 requests per minute", "minute"),
        ("62 euros a day", "day"),
        ("1.200 Euro je Jahr", "year"),
        ("$5/month", "month"),
    ],
)
def test_what_recurs_has_a_period(text: str, period: str) -> None:
    assert [name for _, name in rates_of(text)] == [period]


def test_a_span_of_time_is_no_period() -> None:
    assert not rates_of("It takes three months, or a week at the least.")
    assert periods_of("A monthly fee for three weeks") == {"month"}
