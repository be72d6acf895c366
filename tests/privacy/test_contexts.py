"""Values that only the words around them give away: in dialogues, lists and letters; and what looks like them."""

from __future__ import annotations

import pytest

from hybridrag.privacy.detectors import builtin_detectors
from hybridrag.privacy.scanning import scan

FOUND = [
    ("Dial 4417 2093 after six.", "4417 2093", "PHONE"),
    ("I tried 44172093 three times and no one picked up.", "44172093", "PHONE"),
    ("Sie erreichen mich unter 62 440 81.", "62 440 81", "PHONE"),
    ("Im Notfall: (07731) 44902 118", "(07731) 44902 118", "PHONE"),
    ("B: And your phone number?\nA: It is 417 2093.", "417 2093", "PHONE"),
    ("T: 6118250364\nF: 6118250365", "6118250365", "PHONE"),
    ("olga@brenner-holz.example;55203417;Linz", "55203417", "PHONE"),
    ("Olga;Linz;552 0 341\nIvo;Graz;552 0 342", "552 0 341", "PHONE"),
    ("Is your licence number to hand?\nOf course. Here: H4410932.", "H4410932", "LICENCE"),
    ("The constable kept her licence (WDLQRST604BX).", "WDLQRST604BX", "LICENCE"),
    ("A van, registration KX61 TRF, drove off.", "KX61 TRF", "PLATE"),
    ("Plate KL 07 CB 4410 was noted.", "KL 07 CB 4410", "PLATE"),
    ("My login is wendyhart for now.", "wendyhart", "USER"),
    ("They sell it on brandmeyer.net too.", "brandmeyer.net", "DOMAIN"),
    ("We visited oldbarn-books.info again.", "oldbarn-books.info", "DOMAIN"),
    ("Zip code - 90731", "90731", "ZIP"),
    ("PLZ / Ort: 04416 Markkleeberg", "04416", "ZIP"),
    ("Frau Edda Krull (58) sah den Wagen.", "58", "AGE"),
    ("Lodger (Tamsin Okwuosa, born 3 May 1990)", "Tamsin Okwuosa", "PERSON"),
    ("Passenger: Yrsa Vintner. Seat 4A.", "Yrsa Vintner", "PERSON"),
    ('{"surname": "Quilliam", "port": 8080}', "Quilliam", "PERSON"),
    ("- Yrsa Vintner: +44 20 7946 0991", "Yrsa Vintner", "PERSON"),
    ("<td>Yrsa Vintner</td><td>yrsa@vintner.example</td>", "Yrsa Vintner", "PERSON"),
    ("Danke Yrsa! Bis bald.", "Yrsa", "PERSON"),
    ("Wer ist Yrsa?", "Yrsa", "PERSON"),
    ("Name: Vintner, Yrsa\nOrt: Linz", "Vintner, Yrsa", "PERSON"),
    ("We heard from Yrsa T. van Ostrander today.", "Yrsa T. van Ostrander", "PERSON"),
    ("Der Rat zahlte an Kovalinka d.o.o. im Mai.", "Kovalinka d.o.o.", "ORG"),
    ("According to Brellinga, prices rose.", "Brellinga", "ORG"),
    ("Der Umzug in die Ilse-Kolbe-Str. 14 war teuer.", "Ilse-Kolbe-Str. 14", "ADDRESS"),
    ("Rua dos Moinhos, S/N, Braga", "Rua dos Moinhos, S/N", "ADDRESS"),
    ("Pay GB82 WEST 1234 5698 7654 32 today.", "GB82 WEST 1234 5698 7654 32", "IBAN"),
    ("Tax id: ODYwOTU3NDI3MTk=", "ODYwOTU3NDI3MTk=", "ID"),
]
KEPT = [
    "The job ran 44172093 times.",
    "Released under the MIT License, version 2.0, in 2019.",
    "Call foo(44172093) or logger.info, then read README.md.",
    "Port 8080 and step 12 of 44 are documented.",
    "The plate is 12 mm thick; registration opens in May.",
    "Wir sprechen über Datenbankverbindungen und Speicherplatz.",
    "Is the cache warm? Ask the scheduler.",
    "We tell users that asp.net and socket.io differ.",
]


@pytest.mark.parametrize(("text", "value", "kind"), FOUND, ids=[value for _, value, _ in FOUND])
def test_the_words_around_it_tell(text: str, value: str, kind: str) -> None:
    start = text.index(value)
    inside = bytearray(len(text))
    kinds = set()
    for span in scan(text, builtin_detectors()):
        inside[span.start : span.end] = b"\1" * (span.end - span.start)
        if span.start < start + len(value) and start < span.end:
            kinds.add(span.type)
    assert all(inside[at] or not text[at].isalnum() for at in range(start, start + len(value)))
    assert kind in kinds


@pytest.mark.parametrize("text", KEPT)
def test_what_looks_like_it_stays(text: str) -> None:
    assert scan(text, builtin_detectors()) == ()
