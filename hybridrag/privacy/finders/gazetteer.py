"""Lists of countries, regions, cities and peoples."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def countries() -> frozenset[str]:
    """Names of countries in English, German and their own languages, case folded."""
    return frozenset(name.casefold() for name in _lines("countries.txt", None))


@lru_cache(maxsize=1)
def places() -> frozenset[str]:
    """Names of countries, regions and large cities as they are written."""
    return (
        frozenset(_lines("countries.txt", None))
        | frozenset(_lines("regions.txt", "|"))
        | frozenset(_lines("cities.txt", "|"))
    )


@lru_cache(maxsize=1)
def peoples() -> frozenset[str]:
    """Nationalities and peoples, singular."""
    return frozenset(_lines("demonyms.txt", " "))


def _lines(name: str, separator: str | None) -> list[str]:
    text = (files("hybridrag.privacy.finders.data") / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return lines if separator is None else [entry.strip() for line in lines for entry in line.split(separator) if entry]
