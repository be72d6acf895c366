"""The user's own words: terms and patterns that are always masked, and terms that stay readable."""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from hybridrag.errors import BlockedByPolicy
from hybridrag.ports import Detector
from hybridrag.privacy.plaintext.normalise import normalise
from hybridrag.privacy.policy import NAME, NAMED, TYPE
from hybridrag.scripts import HANGUL, UNSPACED
from hybridrag.types import Span

DENIED = "DENIED"
SUSPICIONS = frozenset({*NAMED, NAME})
"""The types that an allow list may keep readable: names, which are guessed. No number and no secret is a guess."""
_EXPRESSION = "re:"
_LARGEST_FILE = 64 << 20
# Scripts that put no blanks between words, or hang endings on names (Hangul), are searched sign by sign.
_SIGNS = UNSPACED + HANGUL
_WORD = re.compile(rf"[{_SIGNS}]|[^\W_{_SIGNS}]+")
_MOST_SIGNS = 3
_WIDEST_GAP = 100
"""Characters between two words of a term: at most so many signs (an ampersand, a hyphen), and blanks."""


def own_detectors(dictionaries: Mapping[str, Sequence[Path]], deny: Sequence[str]) -> tuple[Detector, ...]:
    """Detectors for the terms of `dictionaries` (TYPE to files) and for `deny`: terms, and RE2 expressions after `re:`.

    A file holds a term a line in UTF-8; empty lines and those that begin with `#` say nothing. Raises BlockedByPolicy
    for a file that cannot be read or holds no term, and for an expression that cannot be used.
    """
    terms: dict[str, str] = {}
    for kind, paths in sorted(dictionaries.items()):
        if not TYPE.match(kind):
            raise _blocked(
                f"The dictionary {kind[:20]!r} has no usable type", "Use up to 10 capital letters: CUSTOMER."
            )
        for path in paths:
            terms.update(dict.fromkeys(_read(path), kind))
    expressions = [entry.removeprefix(_EXPRESSION) for entry in deny if entry.startswith(_EXPRESSION)]
    terms.update((entry, DENIED) for entry in deny if not entry.startswith(_EXPRESSION))
    found: list[Detector] = []
    if terms:
        found.append(_terms(terms))
    if expressions:
        found.append(_patterns(expressions))
    return tuple(found)


class Allowed:
    """Terms that stay readable where a detector only suspects a name. `version` tells one list from another."""

    def __init__(self, terms: Iterable[str]) -> None:
        """Raises BlockedByPolicy for a term without a letter or digit."""
        self._terms = frozenset(_key(term) for term in terms)
        self.version = _digest(sorted(self._terms))

    def spare(self, detector: Detector) -> Detector:
        """`detector` without the spans of a suspected name that are one of the terms, letter case aside."""
        return _Sparing(detector, self) if self._terms else detector

    def keeps(self, text: str, span: Span) -> bool:
        """Whether `span` of `text` stays readable."""
        return span.type in SUSPICIONS and _joined(_WORD.findall(text[span.start : span.end])) in self._terms


@dataclass(frozen=True, slots=True)
class _Sparing:
    detector: Detector
    allowed: Allowed

    @property
    def name(self) -> str:
        return self.detector.name

    @property
    def version(self) -> str:
        return f"{self.detector.version}-{self.allowed.version}"

    def detect(self, text: str) -> Iterator[Span]:
        return (span for span in self.detector.detect(text) if not self.allowed.keeps(text, span))


@dataclass(frozen=True, slots=True)
class _Terms:
    """Finds terms as whole words, letter case aside, with blanks, hyphens or the like between words or none at all.

    Linear in the text, whatever the number of terms.
    """

    version: str
    automaton: Any = field(repr=False)
    name: str = "dictionary"

    def detect(self, text: str) -> Iterator[Span]:
        """Spans of `text`, which may overlap."""
        words = _WORD.findall(text)
        matches = list(self.automaton.iter(_joined(words))) if words else []
        if not matches:
            return
        places = [match.span() for match in _WORD.finditer(text)]
        # Where each word begins in what was searched.
        begins = list(accumulate((len(word.casefold()) + 1 for word in words), initial=1))
        for last, (length, count, kind) in matches:
            first = bisect_right(begins, last - length + 2) - 1
            final = first + count - 1
            if not any(_parts(text, end, start) for (_, end), (start, _) in pairwise(places[first : final + 1])):
                yield Span(places[first][0], places[final][1], kind, f"dictionary-{kind.lower()}")


@dataclass(frozen=True, slots=True)
class _Patterns:
    version: str
    expressions: tuple[Any, ...] = field(repr=False)
    name: str = "deny"

    def detect(self, text: str) -> Iterator[Span]:
        """Spans of `text`, type DENIED; those of different expressions may overlap. A match of nothing is none."""
        data = text.encode("utf-8", "replace")
        place = _characters(data, ascii_only=len(data) == len(text))
        for expression in self.expressions:
            for match in expression.finditer(data):
                if match.start() < match.end():
                    yield Span(place(match.start()), place(match.end()), DENIED, "deny-pattern")


def _terms(terms: Mapping[str, str]) -> _Terms:
    import ahocorasick

    automaton = ahocorasick.Automaton()
    kinds = {_key(term): kind for term, kind in terms.items()}
    for key, kind in kinds.items():
        automaton.add_word(key, (len(key), key.count("\n") - 1, kind))
    automaton.make_automaton()
    return _Terms(_digest(sorted(kinds.items())), automaton)


def _patterns(expressions: Sequence[str]) -> _Patterns:
    import re2

    options = re2.Options()
    options.max_mem = 64 << 20
    options.log_errors = False
    made = []
    for expression in expressions:
        try:
            made.append(re2.compile(expression, options))
        except re2.error as exc:
            raise _blocked(
                f"The expression {expression[:60]!r} of `deny` is not one of RE2",
                "See https://github.com/google/re2/wiki/Syntax; there are no backreferences and no lookaround.",
            ) from exc
    return _Patterns(_digest(expressions), tuple(made))


def _read(path: Path) -> Iterator[str]:
    hint = "It must be a text file in UTF-8 with a term a line."
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise _blocked(f"The dictionary {path} is larger than {_LARGEST_FILE >> 20} MB", hint)
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError) as exc:
        raise _blocked(f"The dictionary {path} cannot be read ({type(exc).__name__})", hint) from exc
    terms = [term for line in lines if (term := line.strip()) and not term.startswith("#")]
    if not terms:
        raise _blocked(f"The dictionary {path} holds no term", "Write one a line, or take it out of `dictionaries`.")
    yield from terms


def _key(term: str) -> str:
    """The term as it stands in what is searched. Raises BlockedByPolicy where no word would be left of it."""
    words = _WORD.findall(normalise(term).text)
    if not words:
        raise _blocked("A term of a dictionary, `deny` or `allow` has no letter or digit", "Deny it by `re:` instead.")
    return _joined(words)


def _joined(words: Sequence[str]) -> str:
    return "\n" + "\n".join(words).casefold() + "\n"


def _parts(text: str, end: int, start: int) -> bool:
    """Whether what stands between two words keeps them from being one term: anything but blanks and a few signs."""
    if start - end > _WIDEST_GAP:
        return True
    signs = "".join(text[end:start].split())
    return len(signs) > _MOST_SIGNS or not _BRIDGES.issuperset(signs)


_BRIDGES = frozenset("-_.'’,&+/·´`\u0300\u0301\u0302\u0303\u0308\u030a\u0327")


def _characters(data: bytes, *, ascii_only: bool) -> Callable[[int], int]:
    """From offsets in UTF-8 to offsets in the text."""
    if ascii_only:
        return lambda offset: offset
    import numpy as np

    begins = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80
    counts = np.concatenate(([0], np.cumsum(begins)))
    return lambda offset: int(counts[offset])


def _digest(content: object) -> str:
    return hashlib.sha256(repr(content).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _blocked(what: str, hint: str) -> BlockedByPolicy:
    return BlockedByPolicy(f"{what}; nothing was sent.", hint=hint)
