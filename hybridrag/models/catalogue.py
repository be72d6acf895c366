"""What is known of the models of the field: pinned revision, prompts, sizes, languages, licence. See catalogue.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from hybridrag.errors import UsageError


@dataclass(frozen=True, slots=True)
class Entry:
    """One model as its card describes it.

    `window` counts tokens, `dimensions` is the full length of a vector, `matryoshka` the shorter lengths the model was
    trained for, ascending. `languages` are ISO 639-1 codes. `formats` are the number formats it tolerates.
    `published_scifact` is nDCG@10, None where nobody published it.
    """

    name: str
    repository: str
    revision: str
    family: str
    architecture: str
    parameters: int
    dimensions: int
    window: int
    pooling: str
    query_prompt: str
    document_prompt: str
    matryoshka: tuple[int, ...]
    languages: tuple[str, ...]
    licence: str
    formats: tuple[str, ...]
    remote_code: bool
    good_for: str
    source: str
    aliases: tuple[str, ...] = ()
    package: str | None = None
    published_scifact: float | None = None
    matryoshka_any: bool = False
    matryoshka_layer_norm: bool = False
    code: bool = False

    def check_cut(self, name: str, dimensions: int) -> None:
        """Raises UsageError where the model, called `name`, was not trained for vectors of that length."""
        sizes = self.matryoshka
        if dimensions != self.dimensions and not (sizes and sizes[0] <= dimensions < self.dimensions):
            raise UsageError(
                f"the model {name} was not trained to be cut to {dimensions} dimensions",
                hint=f"its sizes are {', '.join(map(str, sizes))}" if sizes else "it has only its full size",
            )


@cache
def catalogue() -> Mapping[str, Entry]:
    """Every entry by name, in the file's order."""
    return MappingProxyType({name: _entry(name, table) for name, table in _tables().items() if name != _SETS})


def languages_named(named: str | list[str]) -> tuple[str, ...]:
    """The codes themselves, or those of the file's set of that name."""
    sets: dict[str, list[str]] = _tables()[_SETS]
    return tuple(sets[named] if isinstance(named, str) else named)


def read_tables(file: str) -> dict[str, dict[str, Any]]:
    """The tables of a TOML file beside this module."""
    return tomllib.loads(resources.files("hybridrag.models").joinpath(file).read_text(encoding="utf-8"))


def fields_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """A model's table with tuples for lists and codes for languages, as an entry's fields."""
    fixed = {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
    return fixed | {"languages": languages_named(table["languages"])}


_SETS = "languages"


@cache
def _tables() -> dict[str, dict[str, Any]]:
    return read_tables("catalogue.toml")


@cache
def entry_for(name: str) -> Entry | None:
    """The entry whose name, repository or alias is `name`, whatever the letter case."""
    wanted = name.lower()
    return _by_any_name().get(wanted)


@cache
def _by_any_name() -> Mapping[str, Entry]:
    return {
        known.lower(): entry
        for entry in catalogue().values()
        for known in (*entry.aliases, entry.repository, entry.name)  # the name last: it wins over another's alias
    }


def _entry(name: str, table: Mapping[str, Any]) -> Entry:
    return Entry(name=name, **fields_of(table))
