"""Names of persons written without a capital, where nothing but the context tells them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.name_contexts import Announced
from hybridrag.privacy.finders.name_lists import GIVEN, NAME, THING, WORD, flags
from hybridrag.types import Span

_LOWERED = re.compile(r"[^\W\d_]{2,24}(?: [^\W\d_]{2,24})?")
_LETTERS = re.compile(r"[^\W\d_]+")


def small_names(text: str, context: Announced) -> Iterator[Span]:
    """Given names without a capital: after the plainest introductions, "my name is nina", and who speaks in a chat."""
    for position in context.introduced:
        match = _LOWERED.match(text, position, position + 50)
        if match is None:
            continue
        first, _, second = match.group().partition(" ")
        if len(first) > 2 and _is_name(first):
            yield Span(
                position,
                match.end() if second and _is_name(second) else position + len(first),
                "PERSON",
                "person-lower-case",
            )
    speakers = {text[start:end] for start, end in context.turns if text[start:end].islower()}
    speakers = {word for word in speakers if len(word) > 2 and flags(word) & GIVEN and _is_name(word)}
    if speakers and len(context.turns) > 1:
        for found in _LETTERS.finditer(text):
            if found.group() in speakers:
                yield Span(*found.span(), "PERSON", "person-speaker")


def _is_name(word: str) -> bool:
    value = flags(word)
    return bool(value & NAME) and not value & (WORD | THING)
