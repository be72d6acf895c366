"""Bank accounts that are no IBAN: what names them, in English, German and other languages."""

from __future__ import annotations

import pytest

from hybridrag.privacy.finders.labelled import labelled
from hybridrag.privacy.finders.machines import machines


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("account number 12345678", "12345678"),
        ("Acct no: 0012-3456-78", "0012-3456-78"),
        ("my account 12345678 is empty", "12345678"),
        ("sort code: 12-34-56", "12-34-56"),
        ("Sort code 123456", "123456"),
        ("routing number 111000025", "111000025"),
        ("ABA: 111000024", "111000024"),
        ("Konto-Nr. 1234567, bei uns", "1234567"),
        ("Kontonummer: 0532 013 000", "0532 013 000"),
        ("Kto.-Nr.: 532013000", "532013000"),
        ("BLZ 370 400 44", "370 400 44"),
        ("Bankleitzahl: 37040044", "37040044"),
        ("IFSC: SBIN0001234", "SBIN0001234"),
        ("BSB 062-000", "062-000"),
        ("CLABE 032180000118359719", "032180000118359719"),
        ("CBU 2850590940090418135201", "2850590940090418135201"),
        ("número de cuenta 2100-0418-45-0200051332", "2100-0418-45-0200051332"),
        ("rekeningnummer 12.34.56.789", "12.34.56.789"),
        ("numer konta 61 1090 1014 0000 0712 1981 2874", "61 1090 1014 0000 0712 1981 2874"),
        ("Gläubiger-ID: DE98ZZZ09999999999", "DE98ZZZ09999999999"),
    ],
)
def test_a_named_account_is_found(text: str, value: str) -> None:
    start = text.index(value)
    spans = [span for span in labelled(text) if span.type == "ACCOUNT"]
    assert any(span.start <= start and start + len(value) <= span.end + 1 for span in spans)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("BIC: DEUTDEFF500", "DEUTDEFF500"),
        ("BIC DEUTDEFF", "DEUTDEFF"),
        ("SWIFT code is COBADEFFXXX", "COBADEFFXXX"),
        ("Swift/BIC:\nCOBA DE FF", "COBA DE FF"),
    ],
)
def test_a_named_bank_code_is_found(text: str, value: str) -> None:
    assert [text[span.start : span.end] for span in machines(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "On account of 3 reasons, 12 people left.",
        "The account was opened in 2019 with $125000.",
        "Create 2 accounts. 123456 users did.",
        "In the swift language guide, BICYCLES and basic SETTINGS.",
    ],
)
def test_the_words_alone_find_nothing(text: str) -> None:
    assert [*labelled(text), *machines(text)] == []
