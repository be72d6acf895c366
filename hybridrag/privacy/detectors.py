"""The detectors that come with the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hybridrag.ports import Detector
from hybridrag.privacy.finders.addresses import addresses
from hybridrag.privacy.finders.assignments import assignments
from hybridrag.privacy.finders.births import ages, birthdates
from hybridrag.privacy.finders.dates import strict_dates
from hybridrag.privacy.finders.domains import domains
from hybridrag.privacy.finders.emails import emails
from hybridrag.privacy.finders.file_names import file_names
from hybridrag.privacy.finders.formats import formats
from hybridrag.privacy.finders.handles import handles
from hybridrag.privacy.finders.hosts import hosts
from hybridrag.privacy.finders.ibans import ibans
from hybridrag.privacy.finders.labelled import labelled
from hybridrag.privacy.finders.licences import licences
from hybridrag.privacy.finders.machines import machines
from hybridrag.privacy.finders.numbers import numbers
from hybridrag.privacy.finders.organisations import organisations
from hybridrag.privacy.finders.persons import persons
from hybridrag.privacy.finders.places import places_in_context, strict_places
from hybridrag.privacy.finders.postcodes import postcodes
from hybridrag.privacy.finders.secrets import credentials
from hybridrag.privacy.finders.strict_names import strict_names
from hybridrag.privacy.finders.wallets import wallets
from hybridrag.types import Span


def builtin_detectors() -> tuple[Detector, ...]:
    """What searches every text; see docs/privacy.md for the types."""
    return (structured(), identifiers(), secrets(), places(), names())


def strict_detectors() -> tuple[Detector, ...]:
    """What is added for confidential text: listed places, dates, and every capitalised word that may be a name."""
    return (listed_places(), capitalised())


def structured() -> Detector:
    """Values with a format of their own: EMAIL, PHONE, CARD, IBAN, SSN, IP."""
    return _Rules("structured", "3", (emails, numbers, ibans, hosts))


def identifiers() -> Detector:
    """ID, ACCOUNT, PASSPORT, LICENCE, PLATE, MAC, CRYPTO, DOMAIN, USER: what a label, a form or a check digit tells."""
    return _Rules("identifiers", "2", (labelled, formats, licences, machines, wallets, domains, handles))


def places() -> Detector:
    """ADDRESS, ZIP, BIRTHDATE, AGE, and PLACE where somebody lives, comes from or goes to."""
    return _Rules("places", "2", (addresses, postcodes, birthdates, ages, places_in_context))


def listed_places() -> Detector:
    """PLACE and DATE for strict mode: listed countries, regions, large cities and peoples, and dates to the day."""
    return _Rules("listed-places", "1", (strict_places, strict_dates))


def names() -> Detector:
    """PERSON and ORG by lists and context."""
    return _Rules("names", "3", (persons, organisations, file_names))


def capitalised() -> Detector:
    """PERSON and NAME for strict mode: capitalised words that the text never has in lower case."""
    return _Rules("capitalised", "1", (strict_names,))


def secrets() -> Detector:
    """SECRET: tokens, private keys, passwords."""
    return _Rules("secrets", "3", (credentials, assignments))


@dataclass(frozen=True, slots=True)
class _Rules:
    """Several finders as one detector."""

    name: str
    version: str
    finders: tuple[Callable[[str], Iterator[Span]], ...]

    def detect(self, text: str) -> Iterable[Span]:
        """Spans of `text`, which may overlap. Raises where a library is missing; the gateway then blocks."""
        for finder in self.finders:
            yield from finder(text)
