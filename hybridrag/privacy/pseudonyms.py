"""The map of one request: which mark stands for which value.

What is pseudonymised becomes `⟦EMAIL_1·a7f3⟧`: a type, a number, a letter for each further spelling of the same value
(`EMAIL_1b`), and the request's nonce. What is masked becomes `⟦SECRET·a7f3⟧`, what is hashed `⟦EMAIL-9f3a2c1b·a7f3⟧`:
they lead back to nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from hybridrag.errors import BlockedByPolicy
from hybridrag.privacy.plaintext.normalise import BARRIER, normalise
from hybridrag.types import Action

LONGEST_MARK = 32
"""Characters in the longest mark, brackets included."""

MARK = re.compile(
    r"⟦(?P<type>[A-Za-z]{1,10})(?:_(?P<id>[0-9]{1,5}[a-z]{0,2})|-(?P<hash>[0-9a-f]{8}))?·(?P<nonce>[0-9a-f]{4,10})⟧"
)
PERSON = "PERSON"
"""The type whose values are linked: a part of a name is the same person."""
_STRICTNESS: Mapping[Action, int] = {action: place for place, action in enumerate(get_args(Action))}
_MOST_SPELLINGS = 26 * 26
_MOST_NAMESAKES = 50
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the map with its type and the rule that found it."""

    text: str
    type: str
    rule: str


def strictness(action: Action) -> int:
    """0 for what is allowed, more for what is done more strictly."""
    return _STRICTNESS[action]


class Pseudonyms:
    """Values to marks and back. Lives in memory, for one request or one conversation.

    A value is treated alike everywhere: the strictest action that any text, and any type it was found under, asks for
    it holds in all of them.
    """

    def __init__(self, nonce: str, *, key: bytes = b"") -> None:
        """`key` is what values are hashed with."""
        self.nonce = nonce
        self._key = key
        self._values: dict[tuple[str, str], Value] = {}
        self._actions: dict[str, Action] = {}
        self._ids: dict[tuple[str, str], str] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._spellings: dict[tuple[str, int], int] = {}
        self._last: dict[str, int] = {}
        self._people = _People()
        self._given: dict[str, Value | None] = {}
        self._forms: dict[str, str] = {}
        self.size = 0
        """Grows with each value, and with each that is treated more strictly than before."""

    def continued(self, nonce: str) -> Pseudonyms:
        """The same values under the same numbers, with another nonce: the next request of a conversation."""
        after = Pseudonyms(nonce, key=self._key)
        after._values = dict(self._values)
        after._actions = dict(self._actions)
        after._ids = dict(self._ids)
        after._numbers = dict(self._numbers)
        after._spellings = dict(self._spellings)
        after._last = dict(self._last)
        after._people = self._people.copy()
        after.size = self.size
        for kind, text in self._values:
            after.mark(self._values[kind, text])
        return after

    def learn(self, values: Iterable[tuple[Value, Action]]) -> None:
        """Takes values in before their marks are asked for, whole names before parts of them."""
        found = list(values)
        for value, action in found:
            self._note(value, action)
        for value, _ in sorted(found, key=lambda each: -_words(each[0]) if each[0].type == PERSON else 0):
            self.mark(value)

    def mark(self, value: Value, action: Action = "pseudonymise") -> str:
        """The mark for `value`: always the same for the same spelling, under the strictest action asked so far."""
        key = self._note(value, action)
        kind, text = key
        action = self._actions[self._canonical(text)]
        if action == "pseudonymise":
            if key not in self._ids:
                self._ids[key] = self._identifier(kind, text)
            mark = f"⟦{kind}_{self._ids[key]}·{self.nonce}⟧"
            self._given[mark] = self._values[key]
            return mark
        mark = f"⟦{kind}-{self._hashed(kind, text)}·{self.nonce}⟧" if action == "hash" else f"⟦{kind}·{self.nonce}⟧"
        self._given[mark] = None
        return mark

    def action(self, value: Value) -> Action:
        """What is done with a value of the map, wherever it stands."""
        return self._actions[self._canonical(value.text)]

    def value(self, mark: re.Match[str]) -> Value | None:
        """What a mark stands for: exact id and nonce, any letter case of the type. None if it leads back to nothing."""
        return self._given.get(_spelled(mark))

    def is_given(self, mark: re.Match[str]) -> bool:
        """Whether the mark is one of this map, though it may lead back to nothing."""
        return _spelled(mark) in self._given

    def marks_in(self, text: str) -> Iterator[re.Match[str]]:
        """The marks of this map that occur in `text`, exactly as they were given out."""
        return (match for match in MARK.finditer(text) if match.group() in self._given)

    def values(self) -> Iterator[Value]:
        """Every value of the map, secrets too."""
        yield from self._values.values()

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

    def state(self) -> dict[str, Any]:
        """The map as JSON can hold it. It holds every value: it is for an encrypted file."""
        return {
            "nonce": self.nonce,
            "values": [
                [kind, text, value.type, value.rule, self.action(value), self._ids.get((kind, text), "")]
                for (kind, text), value in self._values.items()
            ],
        }

    @classmethod
    def of_state(cls, state: Mapping[str, Any], *, key: bytes = b"") -> Pseudonyms:
        """The map that `state` was taken from. Raises ValueError, TypeError or KeyError for anything else."""
        made = cls(str(state["nonce"]), key=key)
        for kind, text, type_, rule, action, identifier in state["values"]:
            value = Value(str(text), str(type_), str(rule))
            if action not in _STRICTNESS or _short(value.type) != kind:
                raise ValueError("no saved map")
            made._note(value, action)
            if identifier:
                made._take(kind, value.text, str(identifier))
            made.mark(value)
        return made

    def _note(self, value: Value, action: Action) -> tuple[str, str]:
        key = _short(value.type), value.text
        if key not in self._values:
            self._values[key] = value
            self.size += 1
        canonical = self._canonical(value.text)
        if strictness(action) > strictness(self._actions.setdefault(canonical, "allow")):
            self._actions[canonical] = action
            self.size += 1
        return key

    def _canonical(self, text: str) -> str:
        if text not in self._forms:
            self._forms[text] = _canonical(text)
        return self._forms[text]

    def _identifier(self, kind: str, text: str) -> str:
        canonical = self._canonical(text)
        number = self._numbers.get((kind, canonical))
        if number is None and kind == PERSON:
            number = self._people.number(text)
        if number is None or self._spellings[kind, number] > _MOST_SPELLINGS:
            number = self._last[kind] = self._last.get(kind, 0) + 1
            self._spellings[kind, number] = 0
        if number > 99_999:
            raise BlockedByPolicy(
                f"The request holds more than 99,999 different values of type {kind}.",
                hint="Ask with fewer passages; redact a large file in parts.",
            )
        self._numbers[kind, canonical] = number
        if kind == PERSON:
            self._people.add(number, text)
        spelling = self._spellings[kind, number]
        self._spellings[kind, number] += 1
        return f"{number}{_letters(spelling)}"

    def _take(self, kind: str, text: str, identifier: str) -> None:
        """Gives a value the id it had."""
        number = int(re.match(r"[0-9]{1,5}", identifier).group())  # type: ignore[union-attr]
        self._ids[kind, text] = identifier
        self._numbers[kind, self._canonical(text)] = number
        self._spellings[kind, number] = self._spellings.get((kind, number), 0) + 1
        self._last[kind] = max(self._last.get(kind, 0), number)
        if kind == PERSON:
            self._people.add(number, text)

    def _hashed(self, kind: str, text: str) -> str:
        told = f"{kind}\0{self._canonical(text)}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, told, hashlib.sha256).hexdigest()[:8]


class _People:
    """Which names may be one person's: "Smith" is John Smith where no other Smith is about."""

    def __init__(self) -> None:
        self._longest: dict[int, frozenset[str]] = {}
        self._holding: defaultdict[str, set[int]] = defaultdict(set)

    def copy(self) -> _People:
        made = _People()
        for number, words in self._longest.items():
            made._keep(number, words)
        return made

    def add(self, number: int, name: str) -> None:
        words = frozenset(_name_words(name))
        if len(words) > len(self._longest.get(number, ())):
            self._keep(number, words)

    def number(self, name: str) -> int | None:
        """The only person whose name holds this one, or is held by it; None for nobody, or for several."""
        words = frozenset(_name_words(name))
        if not words:
            return None
        # A name that many share links nobody, and looking through all of them would take long.
        rarest = min((self._holding.get(word, set()) for word in words), key=len)
        if any(len(self._holding.get(word, ())) > _MOST_NAMESAKES for word in words):
            near = rarest if len(rarest) <= _MOST_NAMESAKES else set()
        else:
            near = set().union(*(self._holding.get(word, ()) for word in words))
        found = [n for n in near if words <= self._longest[n] or self._longest[n] <= words]
        return found[0] if len(found) == 1 else None

    def _keep(self, number: int, words: frozenset[str]) -> None:
        self._longest[number] = words
        for word in words:
            self._holding[word].add(number)


def derive_nonce(texts: Sequence[str], key: bytes, *, wanted: str = "") -> str:
    """Four hexadecimal digits or more that occur in none of `texts`, the same for the same texts and key.

    `wanted` is taken where it occurs in none of them.
    """
    digest = hmac.new(key, b"pseudonym nonce\0", hashlib.sha256)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big") + encoded)
    seed = digest.digest()
    occupied = [lowered for text in texts for lowered in _searchable(text)]
    if wanted and not any(wanted in lowered for lowered in occupied):
        return wanted
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


def _spelled(mark: re.Match[str]) -> str:
    """The mark with its type in capitals, as it was given out."""
    return f"⟦{mark['type'].upper()}{mark.group()[1 + len(mark['type']) :]}"


def _canonical(text: str) -> str:
    return "".join(char for char in normalise(text).text.casefold() if char.isalnum()) or text


def _name_words(name: str) -> list[str]:
    return [word for word in _WORD.findall(normalise(name).text.casefold()) if len(word) > 1]


def _words(value: Value) -> int:
    return len(_WORD.findall(value.text))


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
