"""The detectors that come with the program."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from hybridrag.ports import Detector
from hybridrag.privacy.assignments import assignments
from hybridrag.privacy.emails import emails
from hybridrag.privacy.hosts import hosts
from hybridrag.privacy.ibans import ibans
from hybridrag.privacy.numbers import numbers
from hybridrag.privacy.secrets import credentials
from hybridrag.types import Span


def builtin_detectors() -> tuple[Detector, ...]:
    """E-mail addresses, telephone, card, bank and social security numbers, internet addresses, and credentials."""
    return (structured(), secrets())


def structured() -> Detector:
    """Values with a format of their own: EMAIL, PHONE, CARD, IBAN, SSN, IP."""
    return _Rules("structured", "1", (emails, numbers, ibans, hosts))


def secrets() -> Detector:
    """SECRET: tokens, private keys, passwords."""
    return _Rules("secrets", "1", (credentials, assignments))


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
