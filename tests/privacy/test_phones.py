"""Telephone numbers of every region of the library's metadata, in the forms people write; and cards and IBANs."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import phonenumbers
import pytest
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType

from hybridrag.privacy.finders.ibans import ibans
from hybridrag.privacy.finders.numbers import numbers
from hybridrag.types import Span

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = (PhoneNumberType.FIXED_LINE, PhoneNumberType.MOBILE, PhoneNumberType.TOLL_FREE, PhoneNumberType.VOIP)
BARE = ("{}", "The list has {} on it.", "Schmidt, {}, Berlin", "- {}")
TOLD = ("Phone: {}", "Tel. {}", "my phone number is {}", "Telefon: {} (Büro)", "mobile {}", "You can reach us at {}.")


def in_region(region: str, kinds: Iterable[int] = KINDS) -> Iterator[PhoneNumber]:
    """Example numbers, and valid ones made from them by other last digits."""
    chance = random.Random(region)
    for kind in kinds:
        example = phonenumbers.example_number_for_type(region, kind)
        if example is None:
            continue
        yield example
        national = phonenumbers.national_significant_number(example)
        for _ in range(2):
            digits = national[:-3] + f"{chance.randrange(1000):03}"
            number = phonenumbers.parse(digits, region)
            if phonenumbers.is_valid_number_for_region(number, region):
                yield number


def international(number: PhoneNumber) -> Iterator[str]:
    spaced = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    yield spaced
    yield phonenumbers.format_number(number, PhoneNumberFormat.E164)
    yield spaced.replace(" ", "-")
    yield spaced.replace(" ", ".")
    yield spaced.replace("+", "00")
    yield spaced.replace("+", "00 ")
    yield spaced.replace("+", "(+", 1).replace(" ", ") ", 1)
    for extension in (" ext. 12", " x123", ";ext=5", " DW 12"):
        yield spaced + extension


def covered(spans: Iterable[Span], text: str, value: str) -> bool:
    start = text.index(value)
    marked = {place for span in spans for place in range(span.start, span.end)}
    return all(place in marked for place in range(start, start + len(value)) if text[place].isalnum())


def digits_of(value: str) -> str:
    return "".join(char for char in value if char.isdigit())


@pytest.mark.parametrize("region", REGIONS)
def test_international_forms_are_found_with_and_without_a_word(region: str) -> None:
    for number in in_region(region):
        for value in international(number):
            for sentence in BARE[:2]:
                text = sentence.format(value)
                assert covered(numbers(text), text, value), text


@pytest.mark.parametrize("region", REGIONS)
def test_national_forms_are_found_beside_a_word(region: str) -> None:
    for number in in_region(region):
        value = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        # Six digits in pairs are a date as well, and five or fewer need a sign between word and number.
        if len(digits_of(value)) < 7 or value.count(".") > 1:
            continue
        for sentence in TOLD:
            text = sentence.format(value)
            assert covered(numbers(text), text, value), text


@pytest.mark.parametrize(
    "region", ["DE", "GB", "FR", "IT", "AT", "US", "CA", "AU", "BE", "SE", "JP", "TR", "RO", "ZA", "KR"]
)
def test_typical_national_forms_are_found_alone(region: str) -> None:
    found = total = 0
    for number in in_region(region, KINDS[:2]):
        value = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        # Service numbers without a trunk prefix look like any number.
        if number.country_code != 1 and not value.lstrip("(").startswith("0"):
            continue
        for sentence in BARE:
            text = sentence.format(value)
            total += 1
            found += covered(numbers(text), text, value)
    assert total > 0
    assert found == total


@pytest.mark.parametrize(
    "value",
    [
        "0351/123 45-67",
        "(0 30) 12 34 56",
        "+49 (0) 171 1234567",
        "+49 (0)30 123456-78",
        "0171 - 123 45 67",
        "0 89 / 12 34 56 78",
        "612 34 56 78",
        "98765 43210",
        "(11) 96123-4567",
        "(71) 4233-6306",
        "771-2345",
        "27 12 72 46",
    ],
)
def test_national_groupings_are_found_alone(value: str) -> None:
    text = f"Schmidt, {value}, Berlin"
    assert covered(numbers(text), text, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Tel.: 4262", "4262"),
        ("Durchwahl -45", "-45"),
        ("Phone: 42 621", "42 621"),
        ("my registered 668 5702", "668 5702"),
        ("Her new number is 467 3395", "467 3395"),
        ("meine Nummer lautet 4673395", "4673395"),
        ("emergency contact: 467 3395", "467 3395"),
    ],
)
def test_short_local_numbers_are_found_beside_a_word(text: str, value: str) -> None:
    assert covered(numbers(text), text, value)


@pytest.mark.parametrize(
    "text",
    [
        "Mol Biol Cell 2001 12 3114 3125",
        "pp. 989-1002 and 1021-1034; 3000-5000 units; 1998-2004",
        "J. Biol. Chem. 266, 12442-12448",
        "leverage ratio (1) 5.82 6.65",
        "Nature 45(12) 3456-3460",
        "The years 1998 1999 2000 2001",
        "12 345 678 people, 1 000 000 000 bytes",
        "1250-1316, 2014-2023, 100-200-300",
        "version 3.12.1, 6.1.0-18, 2024.01.31",
        "ISBN 978-3-16-148410-0, ISSN 2049-3630",
        "2023-10-05 12:30:45.123456",
        "phone 4 ports, 50% off, model 771",
        "10 20 30 40 50 and 1-2-3-4-5-6-7",
    ],
)
def test_other_numbers_stay(text: str) -> None:
    assert [text[span.start : span.end] for span in numbers(text) if span.type == "PHONE"] == []


# First digits and lengths of the networks' published ranges.
BRANDS = [("4", 16), ("4", 13), ("4", 19), ("51", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("36", 14)]
BRANDS += [("6011", 16), ("65", 16), ("644", 16), ("62", 16), ("62", 19), ("3528", 16), ("5018", 12), ("6304", 13)]
BRANDS += [("6759", 16), ("6799", 19), ("2200", 16), ("9792", 16), ("300", 14), ("5067", 16), ("6062", 16)]


def with_check_digit(prefix: str, length: int, seed: int) -> str:
    """A number with a right Luhn digit."""
    chance = random.Random(f"{prefix}{length}{seed}")
    body = prefix + "".join(chance.choice("0123456789") for _ in range(length - len(prefix) - 1))
    total = 0
    for place, char in enumerate(reversed(body)):
        digit = int(char) * (2 if place % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return body + str(-total % 10)


@pytest.mark.parametrize(("prefix", "length"), BRANDS)
def test_cards_of_every_network_are_found(prefix: str, length: int) -> None:
    for seed in range(20):
        card = with_check_digit(prefix, length, seed)
        for value in (card, " ".join(card[i : i + 4] for i in range(0, length, 4))):
            for text in (f"paid with {value}.", f"Kreditkarte: {value}"):
                assert any(s.type == "CARD" and covered([s], text, value) for s in numbers(text)), text
        wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
        text = f"My credit card number is {wrong}"
        assert covered(numbers(text), text, wrong)


@pytest.mark.parametrize(
    "value",
    [
        "de89370400440532013000",
        "DE89 3704 0044 0532 0130 01",
        "gb82 west 1234 5698 7654 33",
        "FR76-3000-6000-0112-3456-7890-189",
        "NO93 8601 1117 947",
    ],
)
def test_an_iban_is_found_in_small_letters_and_with_a_slip_beside_the_word(value: str) -> None:
    text = f"Meine IBAN: {value}."
    assert covered(ibans(text), text, value)


@pytest.mark.parametrize("text", ["SSN 123456789", "My social security number is 123 45 6789", "ITIN: 912-90-3456"])
def test_social_security_numbers_are_found_in_other_spellings(text: str) -> None:
    spans = [span for span in numbers(text) if span.type == "SSN"]
    assert [digits_of(text[span.start : span.end]) for span in spans][:1] == [digits_of(text)]
