"""Where known values stand in a text, in any spelling: as whole tokens, letter case and separators aside.

Used twice: to mask a value everywhere once any detector found it anywhere, and as the canary over the final payload.
One pass over the text, however many values there are (Aho and Corasick 1975).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from hybridrag.privacy.plaintext.encoded import decoded_blobs
from hybridrag.privacy.plaintext.normalise import BARRIER, normalise
from hybridrag.privacy.pseudonyms import PERSON, Value
from hybridrag.privacy.scanning import SECRET
from hybridrag.types import Span

_TOKEN = re.compile(r"[^\W_]+")
_NAME = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_ENDING = re.compile(r"(?:['’ʼ]?e?s|e?n)?\d{0,3}", re.IGNORECASE)
"""Of a genitive or plural, and a number behind a name (`smith2`)."""
_LEAST_INFLECTED = 4
_LONGEST = 256
"""Characters: detectors find again what is longer, and a text of nothing but its own repetitions is one such value."""
_WIDEST_GAP = 4
_STOP = "\0"
CANARY = "canary"
"""The rule of what is found because it is a value of the map."""


class Occurrences:
    """Finds a set of values. A number or password too plain to tell from ordinary ones is left to the detectors, and so
    is what is longer than any name, number or address.

    Letter case counts only for words that are ordinary ones in lower case: "Young" is looked for, "young" is not. The
    parts of a person's name stand for the person, and a name may have an ending (`Smiths`).
    """

    def __init__(self, values: Iterable[Value]) -> None:
        written: dict[str, Value] = {}
        lowered: dict[str, Value] = {}
        compact: dict[str, Value] = {}
        for value in values:
            normal = normalise(value.text).text.strip()
            if len(normal) > _LONGEST:
                continue
            plain = _lower(normal)
            if _is_ordinary(normal, value.type):
                written.setdefault(normal, value)
            elif _telling(plain, value.type):
                lowered.setdefault(plain, value)
                for form in _compact_forms(plain, value.type):
                    compact.setdefault(form, value)
            for part, as_written in _parts(normal, value.type):
                if as_written:
                    written.setdefault(part, value)
                else:
                    lowered.setdefault(_lower(part), value)
        self._written = _automaton(written)
        self._lowered = _automaton(lowered)
        self._compact = _automaton(compact)

    def find(self, text: str, *, rule: str = CANARY) -> Iterator[Span]:
        """Spans of `text` that hold one of the values, also in base64 or hexadecimal, typed as the value."""
        if self._written is self._lowered is self._compact is None:
            return
        normal = normalise(text)
        for start, end, value in self._matches(normal.text):
            yield Span(*normal.original(start, end), value.type, rule)
        for start, end, plain in decoded_blobs(normal.text):
            for _, _, value in self._matches(normalise(plain).text):
                yield Span(*normal.original(start, end), value.type, rule)

    def _matches(self, text: str) -> Iterator[tuple[int, int, Value]]:
        """Where the values stand in a normalised text."""
        lowered = _lower(text)
        for automaton, form in ((self._written, text), (self._lowered, lowered)):
            if automaton is not None:
                for last, (length, value) in automaton.iter(form):
                    end = _end(form, last + 1 - length, last + 1)
                    if end is not None:
                        yield last + 1 - length, end, value
        # Most texts hold none of these even if gaps of any width are closed, and that is told sooner.
        if self._compact is not None and next(self._compact.iter("".join(_TOKEN.findall(lowered))), None) is not None:
            compact, starts, sources = _compacted(lowered)
            for last, (length, value) in self._compact.iter(compact):
                start = _source(last + 1 - length, starts, sources)
                end = _source(last, starts, sources) + 1
                if _whole(lowered, start, end):
                    yield start, end, value


def _automaton(needles: dict[str, Value]) -> Any:
    """None where there is nothing to be found."""
    if not needles:
        return None
    import ahocorasick

    automaton = ahocorasick.Automaton()
    for needle, value in needles.items():
        automaton.add_word(needle, (len(needle), value))
    automaton.make_automaton()
    return automaton


def _is_ordinary(normal: str, kind: str) -> bool:
    """Whether the value is one word that is an ordinary one in lower case."""
    return kind != SECRET and normal.isalpha() and len(normal) > 1 and _is_word(normal)


def _is_word(word: str) -> bool:
    from hybridrag.privacy.finders.name_lists import THING, WORD, flags

    return bool(flags(word) & (WORD | THING))


def _telling(plain: str, kind: str) -> bool:
    """Whether the value can be told from ordinary text: "admin" as a password must not mask every admin."""
    letters = sum(char.isalpha() for char in plain)
    digits = sum(char.isdigit() for char in plain)
    if kind == SECRET:
        return (digits > 0 and letters + digits >= 6) or letters + digits >= 16
    if digits == 0:
        return letters > 2
    return "@" in plain or digits >= 5 or letters + digits >= 5


def _parts(normal: str, kind: str) -> Iterator[tuple[str, bool]]:
    """The words of a person's name that stand for the person, and whether only as they are written: short ones, and a
    family name that is an ordinary word. A given name that is one (Will, Grace) stands for nobody."""
    if kind != PERSON or " " not in normal:
        return
    words = [word for word in _NAME.findall(normal) if word[0].isupper()]
    family = words[:1] if "," in normal else words[-1:]
    for word in words:
        ordinary = _is_word(word)
        if word in family and (ordinary or len(word) < 4):
            yield word, True
        elif not ordinary and len(word) > 2:
            yield word, len(word) < 4


def _compact_forms(plain: str, kind: str) -> Iterator[str]:
    """Without separators; and for numbers their digits, with and without what follows a first letter (extensions)."""
    compact = "".join(_TOKEN.findall(plain))
    if len(compact) >= 8:
        yield compact
    if kind == SECRET or "@" in plain or sum(char.isalpha() for char in plain) > 4:
        return
    for part in (plain, re.split(r"[^\W\d_]", plain, maxsplit=1)[0]):
        digits = "".join(char for char in part if char.isdigit())
        if len(digits) >= 8:
            yield digits


def _lower(text: str) -> str:
    """Lower case, one character for one."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c if len(c.lower()) != 1 else c.lower() for c in text)


def _end(text: str, start: int, end: int) -> int | None:
    """Where a match ends that is a whole token, an ending of a name included; None for a part of a word."""
    if _whole(text, start, end):
        return end
    if end - start < _LEAST_INFLECTED or not text[start:end].replace("-", "").replace(" ", "").isalpha():
        return None
    ending = _ENDING.match(text, end)
    return ending.end() if ending and _whole(text, start, ending.end()) else None


def _whole(text: str, start: int, end: int) -> bool:
    left = start > 0 and text[start].isalnum() and text[start - 1].isalnum()
    right = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
    return not left and not right


def _compacted(text: str) -> tuple[str, list[int], list[int]]:
    """Letters and digits alone, with where each run begins there and in `text`. A wide gap or a pseudonym parts."""
    out: list[str] = []
    starts: list[int] = []
    sources: list[int] = []
    length = done = 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        gap = text[done:start]
        if len(gap) > _WIDEST_GAP or BARRIER in gap:
            out.append(_STOP)
            length += 1
        starts.append(length)
        sources.append(start)
        out.append(match.group())
        length += end - start
        done = end
    return "".join(out), starts, sources


def _source(position: int, starts: list[int], sources: list[int]) -> int:
    run = bisect_right(starts, position) - 1
    return sources[run] + position - starts[run]
