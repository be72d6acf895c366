"""The map of one request: which mark stands for which value.

A mark is `⟦EMAIL_1·a7f3⟧`: a type, a number, a letter for each further spelling of the same value (`EMAIL_1b`), and the
request's nonce. A secret becomes `⟦SECRET·a7f3⟧`, which leads back to nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.normalise import BARRIER, normalise
from hybridrag.privacy.scanning import SECRET

LONGEST_MARK = 32
"""Characters in the longest mark, brackets included."""

MARK = re.compile(r"⟦(?P<type>[A-Za-z]{1,10})(?:_(?P<id>[0-9]{1,5}[a-z]{0,2}))?·(?P<nonce>[0-9a-f]{4,10})⟧")


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the map with its type and the rule that found it."""

    text: str
    type: str
    rule: str


class Pseudonyms:
    """Values to marks and back. Lives in memory, for one request or one conversation."""

    def __init__(self, nonce: str) -> None:
        self.nonce = nonce
        self._marks: dict[tuple[str, str], str] = {}
        self._values: dict[str, Value] = {}
        self._secrets: dict[str, Value] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._spellings: dict[tuple[str, int], int] = {}
        self._last: dict[str, int] = {}

    @property
    def size(self) -> int:
        """How many values the map holds."""
        return len(self._values) + len(self._secrets)

    def mark(self, value: Value) -> str:
        """The mark for `value`: always the same for the same spelling."""
        if value.type == SECRET:
            self._secrets.setdefault(value.text, value)
            return f"⟦{SECRET}·{self.nonce}⟧"
        kind = _short(value.type)
        known = self._marks.get((kind, value.text))
        if known is None:
            known = f"⟦{kind}_{self._identifier(kind, value.text)}·{self.nonce}⟧"
            self._marks[kind, value.text] = known
            self._values[known] = value
        return known

    def value(self, mark: re.Match[str]) -> Value | None:
        """What a mark stands for: exact id and nonce, any letter case of the type. None if it is not of this map."""
        if mark["id"] is None:
            return None
        return self._values.get(f"⟦{mark['type'].upper()}_{mark['id']}·{mark['nonce']}⟧")

    def is_secret(self, mark: re.Match[str]) -> bool:
        return mark["id"] is None and mark["type"].upper() == SECRET and mark["nonce"] == self.nonce

    def marks_in(self, text: str) -> Iterator[re.Match[str]]:
        """The marks of this map that occur in `text`, exactly as they were given out."""
        for match in MARK.finditer(text):
            if match.group() in self._values or (self._secrets and match.group() == f"⟦{SECRET}·{self.nonce}⟧"):
                yield match

    def values(self) -> Iterator[Value]:
        """Every value of the map, secrets too."""
        yield from self._values.values()
        yield from self._secrets.values()

    def guarded(self, text: str) -> str:
        """`text`, of the same length, with barriers in place of this map's marks."""
        if "⟦" not in text:
            return text
        out: list[str] = []
        done = 0
        for match in self.marks_in(text):
            out += (text[done : match.start()], BARRIER * (match.end() - match.start()))
            done = match.end()
        out.append(text[done:])
        return "".join(out)

    def _identifier(self, kind: str, text: str) -> str:
        canonical = "".join(char for char in normalise(text).text.casefold() if char.isalnum()) or text
        number = self._numbers.get((kind, canonical))
        if number is None or self._spellings[kind, number] > 26 * 26:
            number = self._last[kind] = self._last.get(kind, 0) + 1
            self._numbers[kind, canonical] = number
            self._spellings[kind, number] = 0
        if number > 99_999:
            raise BlockedByPolicy(
                f"The request holds more than 99,999 different values of type {kind}.", hint="Ask with fewer passages."
            )
        spelling = self._spellings[kind, number]
        self._spellings[kind, number] += 1
        return f"{number}{_letters(spelling)}"


def derive_nonce(texts: Sequence[str], key: bytes) -> str:
    """Four hexadecimal digits or more that occur in none of `texts`, the same for the same texts and key."""
    digest = hmac.new(key, b"pseudonym nonce\0", hashlib.sha256)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    seed = digest.digest()
    occupied = [lowered for text in texts for lowered in _searchable(text)]
    # A text can hold every short nonce on purpose; it cannot hold all the long ones.
    for attempt, length in enumerate([4] * 64 + [7] * 64 + [10] * 64):
        drawn = hmac.new(seed, attempt.to_bytes(4, "big"), hashlib.sha256).hexdigest()
        # A letter first: a mark beside digits then never reads as a number.
        nonce = "abcdef"[int(drawn[-1], 16) % 6] + drawn[: length - 1]
        if not any(nonce in lowered for lowered in occupied):
            return nonce
    raise BlockedByPolicy(
        "No pseudonym mark could be found that does not occur in the request.",
        hint="One of the passages looks made to collide with pseudonyms; ask with --filter to leave it out.",
    )


def _searchable(text: str) -> Iterable[str]:
    lowered = text.lower()
    normal = normalise(text).text.lower()
    return (lowered,) if normal == lowered else (lowered, normal)


def _short(kind: str) -> str:
    """A type as a mark writes it: ten capital letters at most."""
    return "".join(char for char in kind.upper() if "A" <= char <= "Z")[:10] or "VALUE"


def _letters(number: int) -> str:
    """0 is nothing, 1 is b, 25 is z, 26 is aa: spellings after the first."""
    if number == 0:
        return ""
    if number < 26:
        return chr(97 + number)
    first, second = divmod(number - 26, 26)
    return chr(97 + first) + chr(97 + second)
