"""Every identifier of python-stdnum: with right check digits, with a slip, beside its label, and alone."""

from __future__ import annotations

import ast
import doctest
import pkgutil
import random
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from types import ModuleType

import pytest
import stdnum

from hybridrag.privacy.detectors import identifiers, structured
from hybridrag.privacy.finders.accounts import ACCOUNTS
from hybridrag.privacy.finders.checksums import valid_in
from hybridrag.privacy.finders.formats import formats, pension_number
from hybridrag.privacy.finders.identities import IDENTITIES
from hybridrag.privacy.finders.kinds import Kind
from hybridrag.privacy.finders.labelled import labelled
from hybridrag.types import Span

KINDS = (*IDENTITIES, *ACCOUNTS)

# Numbers of things that anyone may know: goods, books, works, securities, substances, ships, trades, postal areas.
PUBLIC = frozenset(
    [
        *("at.postleitzahl", "es.postal_code", "nl.postcode", "se.postnummer", "nl.brin"),
        *(
            "casrn",
            "cfi",
            "cusip",
            "figi",
            "isin",
            "gb.sedol",
            "de.wkn",
            "lei",
            "ean",
            "gs1_128",
            "grid",
            "isan",
            "isbn",
        ),
        *("isil", "ismn", "isni", "isrc", "issn", "imo", "iso6346", "it.aic"),
        *("eu.nace", "eu.ecnumber", "eu.eic", "eu.banknote", "eu.excise"),
    ]
)
# Found by a detector of their own, without a label.
ELSEWHERE = frozenset(["bitcoin"])
ALGORITHMS = re.compile(r"luhn|damm|verhoeff|iso7064\..*")


def modules() -> dict[str, ModuleType]:
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for info in pkgutil.walk_packages(stdnum.__path__, "stdnum."):
            module = import_module(info.name)
            if hasattr(module, "is_valid"):
                found[info.name.removeprefix("stdnum.")] = module
    return found


MODULES = modules()
LABELLED = {module: kind for kind in KINDS for module in kind.modules}


def test_every_module_of_the_library_is_covered_or_public() -> None:
    names = {name for name in MODULES if not ALGORITHMS.fullmatch(name)}
    assert names - PUBLIC - ELSEWHERE == set(LABELLED) & names
    assert len(set(LABELLED)) >= 204
    assert set(LABELLED) <= names


def right(module: ModuleType, number: str) -> bool:
    try:
        return bool(module.is_valid(number))
    except LookupError:
        return False


def examples(module: ModuleType) -> Iterator[str]:
    """Right numbers out of the library's own documentation."""
    for example in doctest.DocTestParser().get_examples(module.__doc__ or ""):
        try:
            tree = ast.parse(example.source)
        except SyntaxError:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and right(module, node.value):
                yield node.value.strip()


def generated(name: str) -> list[str]:
    """Up to six right numbers of the module: documented ones, and others made by changing digits until one is right."""
    module = MODULES[name]
    chance = random.Random(name)
    seeds = sorted({number.upper() for number in examples(module) if usual(number.upper())})[:3]
    made = list(seeds)
    for seed in seeds:
        digits = [place for place, char in enumerate(seed) if char.isdigit()]
        for _ in range(400):
            chars = list(seed)
            for place in chance.sample(digits, min(3, len(digits))):
                chars[place] = chance.choice("0123456789")
            number = "".join(chars)
            if number not in made and usual(number) and right(module, number):
                made.append(number)
                break
    return made


def usual(number: str) -> bool:
    """Written with single blanks and signs as people do, and long enough to be told from a count or a year."""
    return (
        re.fullmatch(r"[A-Z]{0,3}[0-9A-Z]+(?:[ ./-][0-9A-Z]+)*", number) is not None
        and sum(char.isdigit() for char in number) >= 5
        and not re.search(r"[A-Z]{4}", number[1:])
        and not re.fullmatch(r"[0-9]{1,4}[.][0-9]{1,3}", number)
    ) or name_like(number)


def name_like(number: str) -> bool:
    """Codes built on a name: codice fiscale, CURP, RFC."""
    return re.fullmatch(r"[0-9]{0,2}[A-Z]{4,6}[0-9]{2,6}[0-9A-Z]{2,10}", number) is not None


def covers(spans: Iterable[Span], text: str, value: str) -> bool:
    start = text.index(value)
    marked = {place for span in spans for place in range(span.start, span.end)}
    return all(place in marked for place in range(start, start + len(value)) if text[place].isalnum())


def slipped(number: str) -> str:
    """The number with another last digit."""
    place = max(place for place, char in enumerate(number) if char.isdigit())
    return number[:place] + str((int(number[place]) + 3) % 10) + number[place + 1 :]


WITHOUT_EXAMPLES = frozenset(
    # The library documents none in a usual form.
    [
        "mu.nid",
        "bic",
        "iso9362",
        "fi.associationid",
        "de.handelsregisternummer",
        "be.ogm_vcs",
        "mac",
        "es.cae",
        "fr.rcs",
    ]
)


@pytest.mark.parametrize("name", sorted(LABELLED))
def test_a_named_number_is_found_right_or_wrong(name: str) -> None:
    made = generated(name)
    assert made or name in WITHOUT_EXAMPLES
    kind = LABELLED[name]
    for number in made:
        for value in (number, slipped(number)):
            for label in (*kind.labels, *kind.acronyms):
                for text in (f"{label}: {value}", f"His {label} is {value}.", f"{label.upper()}:\n{value}\n"):
                    assert covers(labelled(text), text, value), text


def test_a_label_is_known_in_its_other_spellings() -> None:
    for text in (
        "STEUER-ID 86095742719",
        "Steuer ID: 86 095 742 719",
        "steuer_id=86095742719",
        "Steueridentifikationsnummer lautet 86095742719",
        "numero de securite sociale 295109912611193",
        "Drivers License # D1234567",
        "drivers' license no: D1234567",
        "PASSPORT NO. C01X00T47",
        "Reisepass-Nr.: C01X00T47",
        "ИНН 7707083893",
        "инн: 7707083893",
        "身份证号码:11010519491231002X",
        "주민등록번호 971013-9019902",
        "תעודת זהות 039337423",
        "943 476 5919 (NHS number)",
        "C01X00T47 is my passport number",
        "756.9217.0769.85 ist meine AHV-Nummer",
    ):
        value = max(re.findall(r"[A-Z]?\d[\dA-Z .-]{5,}", text), key=len).strip(" .")
        assert covers(labelled(text), text, value), text


@pytest.mark.parametrize(
    "text",
    [
        "My mother put 12 eggs in the pan 3 times.",
        "It is a sin 2 many people forgive.",
        "The passport was introduced in 2006 and revised in 2014-2019.",
        "You need a driver license or 2 other documents.",
        "Apache License 2.0, MIT License 2018-2020",
        "The tax number rose by 12500% in 3 years.",
        "VAT of 19% or 7% applies; the VAT was 12.50 in all.",
        "95% CI 1.061-1.352, p = 0.002",
        "The account number field takes 10 digits.",
        "The passport must be valid on 12.03.2027 at 10:30.",
        "IC50 was 12500, RC 2.0.1 came in 2011.",
        "Each insurance number costs $125000.",
        "Identity cards: see section 4.2.",
    ],
)
def test_a_label_without_a_number_finds_nothing(text: str) -> None:
    assert list(labelled(text)) == []


ALONE = [
    *("12345678Z", "X2482300W", "RSSMRA85T10A562S", "BOXW310820HNERXN09", "AAPPV8261K", "27AAPFU0939F1ZV"),
    *("390.533.447-05", "16.727.230/0001-97", "12.531.909-2", "20-05536168-2", "971013-9019902"),
    *("360426199101010071", "2 95 10 99 126 111 93", "295109912611193", "131052-308T", "131052A308T", "811228-9874"),
    *("710319/2745", "1630615123457", "0101006500006", "7503305044089", "34201-0891231-8", "770305-02-1234"),
    *("3-1006-00445-63-5", "001-1391820-5", "V-11470283-4", "756.9217.0769.85", "CHE-100.155.212"),
    *("6433435F", "NL004495445B01", "DE136695976", "FR40303265045", "15070649C103", "15 070649 C 103"),
    *("181/815/08155", "AB123456C", "AB 12 34 56 C", "MORGA657054SM9IJ"),
]


@pytest.mark.parametrize("number", ALONE)
def test_a_form_of_its_own_needs_no_label(number: str) -> None:
    text = f"We have {number} on file."
    assert covers(formats(text), text, number)


def test_the_form_alone_is_not_enough_where_a_check_digit_is_wrong() -> None:
    for number in ALONE:
        if number.startswith(
            ("AB", "MORGA", "181", "34201", "7703", "AAPPV", "15", "NL")
        ):  # no check digit, or not the last digit
            continue
        wrong = [n for n in (re.sub(r"\d(?=\D*$)", str(d), number) for d in range(10)) if n != number]
        quiet = [n for n in wrong if not list(formats(f"We have {n} on file."))]
        assert len(quiet) >= 5, number


def test_pension_number_follows_the_published_example() -> None:
    assert pension_number("15070649C103")
    assert not any(pension_number(f"15070649C10{digit}") for digit in "012456789")


LEFT = [
    "ISBN 978-3-16-148410-0, ISBN 0-306-40615-2, ISSN 2049-3630, EAN 4006381333931",
    "doi:10.1038/s41586-021-03819-2, arXiv:1706.03762, PMID 11598196, NCT02362776",
    "Order 4711-0815 of 2023-10-05, invoice RE-2024-00123, ticket #123456, article 100-200-300",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8, build 20240131.4, Python 3.12.1, kernel 6.1.0-18-amd64",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "uuid 550e8400-e29b-41d4-a716-446655440000",
    "Size 1,234,567,890 bytes, 12 345 678 KB, 1 000 000 000 people, pp. 1021-1034, Vol. 12 (3), 45-67",
    "48.137154, 11.576124 and 51°30'26\"N 0°7'39\"W",
    "timestamp 1700000000, 1700000000123, 2024-01-31T12:30:45.123456Z",
    "The years 1998 1999 2000 2001 and 2010/2011/2012; 24/7; 9/11; 1/2/3",
    "UTF-8, ISO-8859-1, RFC 2616, HTTP/1.1 200, X-100, A-10, HLA-B 27, IL-2, COVID-19, SARS-CoV-2, T-1000",
    "0x1F600, 0xDEADBEEF, #FF8800, U+1F600, e = 2.718281828459045, pi = 3.14159265358979",
    "for i in range(1000000): total += 123456789 * i % 1000000007",
    "00:00:00:00:00:00 and ff:ff:ff:ff:ff:ff",
]


@pytest.mark.parametrize("text", LEFT)
def test_numbers_that_name_nobody_stay(text: str) -> None:
    assert [text[span.start : span.end] for span in identifiers().detect(text)] == []


def test_the_library_sees_64_characters_at_most_and_its_slips_do_not_unmask() -> None:
    assert not valid_in("de.idnr", "8" * 65)
    # The county table of cn.ric has gaps on which the module raises; what cannot be refuted counts as right.
    assert isinstance(valid_in("cn.ric", "360426199101010071"), bool)


HOSTILE: list[tuple[str, Callable[[int], str]]] = [
    ("digits", lambda n: "1234567890" * (n // 10)),
    ("groups", lambda n: "1234 5678 " * (n // 10)),
    ("dashes", lambda n: "-" * n),
    ("plus", lambda n: "+" * n),
    ("schemes", lambda n: "http://" * (n // 7)),
    ("at", lambda n: "@" * n),
    ("labels", lambda n: "passport " * (n // 9)),
    ("labels with digits", lambda n: "SIN 1 passport 12 " * (n // 18)),
    ("capitals", lambda n: "A1" * (n // 2)),
    ("base58", lambda n: "1A2b3C4d5E" * (n // 10)),
    ("hosts", lambda n: "a." * (n // 2)),
    ("angles", lambda n: "P<" * (n // 2)),
    ("scripts", lambda n: "身份证" * (n // 3)),
    ("brackets", lambda n: "(0" * (n // 2)),
    ("hex", lambda n: "0x" * (n // 2)),
    ("colons", lambda n: "a1:" * (n // 3)),
    ("single digits", lambda n: "1 " * (n // 2) + "fax"),
    ("areas", lambda n: "(030)" * (n // 5)),
    ("zeros", lambda n: "0 " * (n // 2)),
    ("words", lambda n: "phone " * (n // 6)),
    ("octets", lambda n: "1." * (n // 2)),
    ("mails", lambda n: "a@b." * (n // 4)),
    ("wrapped mails", lambda n: "a@b\n.com " * (n // 9)),
    ("mentions", lambda n: " a at b" * (n // 7)),
    ("accounts", lambda n: "DE12 " * (n // 5)),
]


@pytest.mark.parametrize(("name", "make"), HOSTILE, ids=[name for name, _ in HOSTILE])
def test_hostile_text_takes_work_in_proportion_to_its_length(name: str, make: Callable[[int], str]) -> None:
    """Counted in spans and in calls of Python functions, not in seconds."""
    small, large = calls(make(4_000)), calls(make(32_000))
    assert large <= 10 * small + 2_000


def calls(text: str) -> int:
    """How many functions the finders enter for `text`, those of the interpreter included."""
    count = 0

    def counting(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    detectors = (structured(), identifiers())
    for detector in detectors:
        list(detector.detect("warm up: passport 1234567, phone 030 1234567"))
    before = sys.getprofile()
    sys.setprofile(counting)
    try:
        for detector in detectors:
            for _ in detector.detect(text):
                pass
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "text", ["1234567890" * 100_000, "-" * 1_000_000, "+" * 1_000_000, "http://" * 150_000, "@" * 1_000_000]
)
def test_a_megabyte_of_one_sign_is_searched_to_its_end(text: str) -> None:
    assert calls(text) <= len(text)


def test_kinds_are_consistent() -> None:
    types = {"ID", "ACCOUNT", "PASSPORT", "LICENCE", "PLATE", "SSN", "MAC", "IBAN"}
    for kind in KINDS:
        assert isinstance(kind, Kind)
        assert kind.type in types
        assert 1 <= kind.low <= kind.high <= 46
        assert kind.labels or kind.acronyms
