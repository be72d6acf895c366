"""What is known of the rerankers of the field: pinned revision, window, languages, licence. See rerankers.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from hybridrag.models.catalogue import fields_of, read_tables


@dataclass(frozen=True, slots=True)
class RerankerEntry:
    """One reranker as its card describes it.

    `revision` is empty where no commit is known: then the newest is fetched. `window` counts the tokens of question and
    text together. `template` names the way in which a language model is asked (`rerank_templates.py`); empty for a
    network that gives a score itself. `formats` are the number formats that it tolerates.
    """

    name: str
    repository: str
    revision: str
    family: str
    architecture: str
    parameters: int
    window: int
    languages: tuple[str, ...]
    licence: str
    formats: tuple[str, ...]
    good_for: str
    source: str
    template: str = ""
    aliases: tuple[str, ...] = ()


@cache
def rerankers() -> Mapping[str, RerankerEntry]:
    """Every entry by name, in the file's order."""
    tables = read_tables("rerankers.toml")
    return MappingProxyType({name: RerankerEntry(name=name, **fields_of(table)) for name, table in tables.items()})


def reranker_for(name: str) -> RerankerEntry | None:
    """The entry whose name, repository or alias is `name`, whatever the letter case."""
    wanted = name.lower()
    for entry in rerankers().values():
        if wanted in {known.lower() for known in (entry.name, entry.repository, *entry.aliases)}:
            return entry
    return None
