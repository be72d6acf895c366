"""Parsers that other packages bring: found by name, loaded only in the child, and held to what they promise.

An entry of the group is a callable. It is called without arguments, or with the folder that the settings name
(`NAME:FOLDER`), and returns an object with

    media_types: frozenset[str]                               what it reads
    version: str                                              changes whenever the same bytes may parse differently
    parse(content: bytes, media_type: str) -> Parsed          or raises UnreadableError, in words of its own

with `Parsed` and `UnreadableError` of `hybridrag.parsing.parsed`. It is loaded when a child starts, so what is heavy it
imports in `parse`, which runs under the limits of the child: no network, no keys, bounded memory and time.
`tests/contract/test_parser.py` is what to run.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hybridrag.entries import entries_of, installed
from hybridrag.errors import ConfigError
from hybridrag.parsing import formats
from hybridrag.parsing.parsed import Parsed, UnreadableError, one_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "hybridrag.parsers"
_NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_.-]*)(?::(.+))?", re.DOTALL)
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")


# --- the parent: nothing of a package is imported ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chosen:
    """A parser that the user named: where it is (`module:attribute`), and the folder that it is to be given."""

    name: str
    entry: str
    folder: str = ""


def choose(written: Iterable[str]) -> tuple[Chosen, ...]:
    """The parsers that the settings name, in order. Raises ConfigError for one that no package, or several, bring."""
    return tuple(_chosen(text) for text in dict.fromkeys(written))


def _chosen(written: str) -> Chosen:
    named = _NAMED.fullmatch(written)
    if named is None:
        raise ConfigError(f"parsers: {written[:60]!r} is no parser's name", hint="NAME, or NAME:FOLDER")
    folder = Path(named[2]).expanduser() if named[2] else None
    if folder is not None and not (folder.is_absolute() and folder.is_dir()):
        raise ConfigError(f"parsers: there is no folder {folder} for {named[1]}", hint="write its whole path")
    entry = _entry(named[1])
    return Chosen(named[1], f"{entry.module}:{entry.attr}", str(folder) if folder else "")


def _entry(name: str) -> EntryPoint:
    found = entries_of(GROUP, name)
    if not found:
        known = ", ".join(installed(GROUP)) or "none"
        raise ConfigError(
            f"there is no parser {name!r}",
            hint=f"install the package that brings it, or take it out of the settings (installed: {known})",
        )
    if len(found) > 1:
        raise ConfigError(
            f"several packages bring a parser {name!r}",
            hint=f"uninstall all but one of: {', '.join(entry.value for entry in found)}",
        )
    return found[0]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a child told of one parser."""

    name: str
    version: str
    media_types: frozenset[str]

    @property
    def made_by(self) -> str:
        return f"{self.name}:{self.version}"


@dataclass(frozen=True, slots=True)
class Claims:
    """Which of the chosen parsers reads what: of two that read the same, the first one named."""

    claims: tuple[Claim, ...] = ()

    @staticmethod
    def told(answer: dict[str, Any]) -> Claims:
        """What a child answered. Raises ConfigError where it could not load one, or makes no sense."""
        try:
            if "parser" in answer:
                raise ConfigError(
                    f"the parser {one_line(answer['parser'], limit=60)!r} {one_line(answer['trouble'], limit=200)}",
                    hint="install what it needs (docs/parsers.md tells how), update it, or take it out of the settings",
                )
            return Claims(tuple(_checked(*each) for each in answer["parsers"]))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ConfigError(
                "the parsers of the settings could not be loaded", hint="check: parsers = [...]"
            ) from None

    def of(self, media_type: str) -> Claim | None:
        """Who reads a media type, if not the program itself."""
        return next((claim for claim in self.claims if media_type in claim.media_types), None)

    def beside(self, reading: formats.Format) -> str:
        """What marks a built-in reading from which other parsers have taken media types: what it read of those before
        is read anew, and once it has been, what it still reads is not."""
        taken = {name for claim in self.claims for name in claim.media_types if formats.format_of(name) is reading}
        return f" beside:{hashlib.sha256(' '.join(sorted(taken)).encode()).hexdigest()[:8]}" if taken else ""


def _checked(name: Any, version: Any, media_types: Any) -> Claim:
    types = frozenset(str(each) for each in media_types)
    if not types or not all(map(_MEDIA_TYPE.fullmatch, types)):
        raise ValueError
    return Claim(one_line(name, limit=60), one_line(version), types)


# --- the child --------------------------------------------------------------------------------------------------------


class FileParser(Protocol):
    """What an entry point returns."""

    @property
    def media_types(self) -> frozenset[str]: ...

    @property
    def version(self) -> str: ...

    def parse(self, content: bytes, media_type: str) -> Parsed: ...


class NotLoadedError(Exception):
    """A parser that cannot be used: `name` is what the settings call it, `trouble` our own words."""

    def __init__(self, name: str, trouble: str) -> None:
        super().__init__(name)
        self.name = name
        self.trouble = trouble


class Loaded:
    """The parsers of other packages in this process."""

    def __init__(self, chosen: Sequence[Chosen]) -> None:
        """Raises NotLoadedError."""
        self._parsers = {each.name: _load(each) for each in chosen}

    @property
    def told(self) -> list[tuple[str, str, list[str]]]:
        """Name, version and media types of each, for `Claims`."""
        return [(name, str(found.version), sorted(found.media_types)) for name, found in self._parsers.items()]

    def parse(self, content: bytes, media_type: str) -> Parsed | None:
        """The document in the bytes, or None where none of these parsers reads them.

        Raises UnreadableError; any other exception is a fault of the parser.
        """
        name = next((name for name, found in self._parsers.items() if media_type in found.media_types), None)
        if name is None:
            return None
        parsed = self._parsers[name].parse(content, media_type)
        if not isinstance(parsed, Parsed):
            raise UnreadableError(f"the parser {name} gave no document", hint="Update the package that brings it.")
        return formats.finished(parsed)


def _load(chosen: Chosen) -> FileParser:
    module, _, attribute = chosen.entry.partition(":")
    try:
        made: Any = import_module(module)
        for part in attribute.split("."):
            made = getattr(made, part)
        found: FileParser = made(chosen.folder) if chosen.folder else made()
        told = (found.version, found.media_types)
    except ModuleNotFoundError as error:
        raise NotLoadedError(
            chosen.name, f"needs {one_line(error.name or '?', limit=60)}, which is not installed"
        ) from error
    except Exception as error:
        raise NotLoadedError(chosen.name, f"cannot be loaded ({type(error).__name__[:60]})") from error
    if not isinstance(told[0], str) or not told[0].strip() or not isinstance(told[1], frozenset) or not told[1]:
        raise NotLoadedError(chosen.name, "has no version, or reads no media types")
    if not all(isinstance(each, str) and _MEDIA_TYPE.fullmatch(each) for each in told[1]):
        raise NotLoadedError(chosen.name, "reads something that is no media type")
    if not callable(getattr(found, "parse", None)):
        raise NotLoadedError(chosen.name, "has no parse")
    return found
