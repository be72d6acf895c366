"""Values that a word beside them names: "Steuer-ID 12 345 678 903", "passport: X1234567", "943 476 5919 (NHS number)".

One automaton holds every label. What stands beside a hit is read from a window of 64 characters. A label is enough: the
value is taken with a wrong check digit too. Only a label that is also a common word ("pan", "sin") wants a sign or a
number word after it, or else a right check digit.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from hybridrag.privacy.finders.accounts import ACCOUNTS
from hybridrag.privacy.finders.checksums import valid_in
from hybridrag.privacy.finders.identities import IDENTITIES
from hybridrag.privacy.finders.kinds import Kind
from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.types import Span

_WINDOW = 64
_MOST_WORDS = 6
_DIGIT = re.compile(rb"[0-9]")
_FOREIGN = re.compile("[\u0370-\u1fff\u3040-\ud7ff]")


def labelled(text: str) -> Iterator[Span]:
    """The numbers in `text` that a label names, of every type in the tables; spans may overlap."""
    data = view(text)
    if _DIGIT.search(data) is None:
        return
    for hit in _hits(text, data):
        found = _value_after(data, hit) or _value_before(data, hit)
        if found is not None:
            kind = hit.kinds[0]
            yield Span(*found, kind.type, f"{kind.name}-labelled")


@dataclass(frozen=True, slots=True)
class _Hit:
    """A label at `start:end`. `sure` is false for a word that may mean something else here, `capital` says that it is
    written as an acronym."""

    start: int
    end: int
    kinds: tuple[Kind, ...]
    sure: bool
    capital: bool

    @property
    def low(self) -> int:
        return min(kind.low for kind in self.kinds)

    @property
    def high(self) -> int:
        return max(kind.high for kind in self.kinds)


# --- labels ----------------------------------------------------------------------------------------------------------

_JOINT = rb"[ \t_-]{0,2}"
_NUMBER_WORD = rb"(?:number|numbers|num|nummer|no|nr|n\xe9mero|numero|code|id|is|ist|was|lautet|es|est|\xe9|e)"
_REFERRING = rb"[ ]{1,2}(?:[(\[]|is (?:my|the|his|her|our) |ist (?:meine|die|seine|ihre) |as (?:my |the )?)"
_SURE = re.compile(rb"[^A-Za-z0-9\xe9]{0,3}[:=#]|[ \t.'\"*(-]{1,3}" + _NUMBER_WORD + rb"\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Labels:
    pattern: bytes
    foreign: bytes
    kinds: dict[bytes, tuple[Kind, ...]]
    acronyms: frozenset[bytes]


@lru_cache(maxsize=1)
def _labels() -> _Labels:
    kinds: dict[bytes, list[Kind]] = {}
    strong: set[bytes] = set()
    weak: set[bytes] = set()
    foreign: set[str] = set()
    for kind in (*IDENTITIES, *ACCOUNTS):
        for label, into in [*((label, strong) for label in kind.labels), *((name, weak) for name in kind.acronyms)]:
            if _FOREIGN.search(label):
                foreign |= {label, label.upper(), label.lower(), label.capitalize()}
                kinds.setdefault(label.casefold().encode(), []).append(kind)
                continue
            for spelling in {label, _plain(label)}:
                written = view(spelling).lower()
                into.add(written)
                listed = kinds.setdefault(_key(written), [])
                if kind not in listed:
                    listed.append(kind)
    weak -= strong
    # A common word only counts with a digit close by; the automaton looks for it, not this program.
    near = rb"[^A-Za-z0-9]{1,4}(?:" + _NUMBER_WORD + rb"[^A-Za-z0-9]{1,4}){0,2}(?:[A-Za-z]{1,6}[ -]?){0,2}[0-9]"
    words = _alternatives(weak)
    pattern = rb"(?i)(?:^|[^A-Za-z\xe9])(?:(%s)|(%s)%s)|[0-9][A-Za-z]?%s(%s)\b" % (
        *(_alternatives(strong), words, near),
        *(_REFERRING, words),
    )
    names = sorted(foreign, key=len, reverse=True)
    return _Labels(
        pattern,
        b"|".join(re.escape(name.encode()) for name in names),
        {key: tuple(listed) for key, listed in kinds.items()},
        frozenset(view(name) for kind in (*IDENTITIES, *ACCOUNTS) for name in kind.acronyms),
    )


def _plain(label: str) -> str:
    """The label without accents, as it is typed on another keyboard."""
    return "".join(char for char in unicodedata.normalize("NFKD", label) if not unicodedata.combining(char))


def _key(written: bytes) -> bytes:
    return written.lower().translate(None, b" \t_-")


def _alternatives(words: set[bytes]) -> bytes:
    longest = sorted(words, key=lambda word: (-len(word), word))
    return b"|".join(_JOINT.join(map(_escaped, re.split(rb"[ _-]", word))) for word in longest)


def _escaped(word: bytes) -> bytes:
    return re.escape(word).replace(b"'", b"'?")


def _hits(text: str, data: bytes) -> Iterator[_Hit]:
    labels = _labels()
    for match in compiled(labels.pattern).finditer(data):
        group = match.lastindex
        start, end = match.span(group)
        while data[end : end + 1] in {b"s", b"S"} and data[end + 1 : end + 2] in {b" ", b":"}:
            end += 1
        if data[end : end + 1].isalpha() or data[end : end + 1] == b"\xe9":
            # "kontonummern", "passports", "ibanez": an ending makes a longer word of it.
            stem = re.match(rb"(?:nummern?|number|nr|no|en|er|s)?(?![A-Za-z\xe9])", data[end : end + 10].lower())
            if stem is None or not stem.end():
                continue
            end += stem.end()
        kinds = _kinds(labels, match.group(group))
        if kinds:
            sure = group != 2 or _SURE.match(data[end : end + 24]) is not None
            yield _Hit(start, end, kinds, sure, capital=data[start:end] in labels.acronyms)
    if not text.isascii():
        yield from _foreign_hits(text, labels)


def _kinds(labels: _Labels, written: bytes) -> tuple[Kind, ...]:
    key = _key(written)
    return labels.kinds.get(key) or labels.kinds.get(key.replace(b"drivers", b"driver's"), ())


def _foreign_hits(text: str, labels: _Labels) -> Iterator[_Hit]:
    """Labels in other scripts, which the byte view cannot tell apart."""
    encoded = text.encode("utf-8", "surrogatepass")
    position = done = 0
    for match in compiled(labels.foreign).finditer(encoded):
        first, last = match.span()
        position += len(encoded[done:first].decode("utf-8", "surrogatepass"))
        label = encoded[first:last].decode()
        start, done = position, last
        position += len(label)
        kinds = labels.kinds.get(label.casefold().encode(), ())
        spaced = text[start].isalpha() and unicodedata.category(text[start]) in {"Lu", "Ll"}
        if kinds and not (spaced and (text[start - 1 : start].isalpha() or text[position : position + 1].isalpha())):
            yield _Hit(start, position, kinds, sure=True, capital=False)


# --- values ----------------------------------------------------------------------------------------------------------

_TOKEN = re.compile(rb"[A-Za-z0-9]+")
_WORDS = re.compile(rb"[A-Za-z\xe9\xa5]+")
_INNER = re.compile(rb"[*]{1,5}|[ ]?[-/][ ]?|[ ]{1,2}|[._]|[.][ ]|[ ]?[|][ ]?")
# "Your licence number? - Of course. It is ...": an answer may begin with a sentence of its own.
_STOP = re.compile(
    rb"(?<!sure)(?<!Sure)(?<!Yes)(?<!yes)(?<!course)(?<!Okay)(?<!OK)(?<!Ja)(?<!ja)(?<!Klar)"
    rb"(?<!nat\xe9rlich)[.!] +[A-Z][a-z]"
    rb"|\n[^\n]*\n[^\n]*\n|\x00"
)
_DATED = re.compile(rb"\d{1,2}[./-]\d{1,2}[./-](?:19|20)\d\d\b|(?:19|20)\d\d-\d\d-\d\d\b|\d{1,2}:\d\d\b")
_MONEY = re.compile(rb"[$][ ]?$")
# Codes with more letters than digits, as Washington's licences and some passports have them.
_CODE = re.compile(rb"(?=[A-Z*]*[0-9][A-Z*]*[0-9])[A-Z0-9*]{7,20}")
_FIGURE = re.compile(rb"(?:1\d|20)\d\d(?: ?[-/] ?(?:1\d|20)\d\d)?$|\d{1,4}[.]\d{1,3}(?: ?- ?\d{1,4}[.]\d{1,3})?$")
_UNIT = re.compile(rb"[ ]?(?:%|kb|mb|gb|years?|days?|hours?|months?|times|users?|people|characters)\b", re.IGNORECASE)
_NUMBER_WORDS = frozenset({b"ID", b"NO", b"NR", b"IS", b"NUM", b"IST", b"OF", b"THE", b"MY", b"CODE", b"NUMBER", b"IN"})
_REFERRED = re.compile(_REFERRING + rb"$", re.IGNORECASE)


def _value_after(data: bytes, hit: _Hit) -> tuple[int, int] | None:
    window = data[hit.end : hit.end + _WINDOW]
    stop = _STOP.search(window)
    limit = len(window) if stop is None else stop.end() if stop.group().startswith(b"\n") else stop.start() + 1
    tokens = list(_TOKEN.finditer(window, 0, limit))
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if len(_WORDS.findall(window[: token.start()])) > _MOST_WORDS or window.count(b"\n", 0, token.start()) > 2:
            return None
        if _DIGIT.search(token.group()) is None:
            index += 1
            continue
        dated = _DATED.match(window, token.start())
        if dated is not None:
            while index < len(tokens) and tokens[index].start() < dated.end():
                index += 1
            continue
        last = _last_token(window, tokens, index, hit.high)
        start, end = _opening(window, tokens, index), tokens[last].end()
        if _fits(data, hit, hit.end + start, hit.end + end):
            return hit.end + start, _token_end(data, hit.end + end)
        index = last + 1
    return None


def _opening(window: bytes, tokens: list[re.Match[bytes]], index: int) -> int:
    """The start of the value: capitals that stand before its first digits belong to it ("DE 123", "CHE-123")."""
    start = tokens[index].start()
    while index and len(tokens[index - 1].group()) <= 5:
        before = tokens[index - 1]
        gap = window[before.end() : start]
        letter = len(before.group()) == 1 and gap == b"-" and before.group().isalpha()
        if not (before.group().isupper() or letter) or gap.strip(b"*") not in {b"", b" ", b"-", b".", b"/"}:
            break
        start = before.start()
        index -= 1
    return start


def _last_token(window: bytes, tokens: list[re.Match[bytes]], first: int, high: int) -> int:
    size = len(tokens[first].group())
    last = first
    for index in range(first + 1, len(tokens)):
        token = tokens[index].group()
        gap = window[tokens[last].end() : tokens[index].start()]
        size += len(token)
        numeric = _DIGIT.search(token) is not None
        if size > high or _INNER.fullmatch(gap) is None or not (numeric or (token.isupper() and len(token) <= 3)):
            break
        if not numeric and token in _NUMBER_WORDS and gap.startswith(b" "):
            break
        last = index
    return last


def _token_end(data: bytes, end: int) -> int:
    """The window may have cut a long token."""
    while data[end : end + 1].isalnum():
        end += 1
    return end


def _fits(data: bytes, hit: _Hit, start: int, end: int) -> bool:
    written = data[start:end]
    size = len(written.translate(None, b" -/._|\t"))
    digits = len(_DIGIT.findall(written))
    # One character too few or too many is a slip; the label still names the number.
    if size < max(2, hit.low - 1) or not (_numeric(digits, size, hit.low) or _CODE.fullmatch(written)):
        return False
    if _FIGURE.match(written) or _MONEY.search(data[max(0, start - 2) : start]) or _UNIT.match(data[end : end + 12]):
        return False
    coded = _CODE.fullmatch(written) is not None
    if hit.sure or (hit.capital and hit.low <= size <= hit.high and size >= 7 and (digits >= 4 or coded)):
        return True
    modules = [module for kind in hit.kinds for module in kind.modules]
    number = written.decode("ascii", "replace")
    return any(valid_in(module, number) for module in modules) if modules else digits >= max(6, hit.low)


def _numeric(digits: int, size: int, low: int) -> bool:
    return digits >= min(4, low) and 2 * digits >= min(size, 8)


def _value_before(data: bytes, hit: _Hit) -> tuple[int, int] | None:
    """ "943 476 5919 (NHS number)", "X1234567 is my passport number"."""
    begin = max(0, hit.start - _WINDOW)
    window = data[begin : hit.start]
    referred = _REFERRED.search(window)
    if referred is None:
        return None
    tokens = list(_TOKEN.finditer(window, 0, referred.start()))
    if not tokens or tokens[-1].end() != referred.start():
        return None
    if not any(_DIGIT.search(token.group()) for token in tokens[-2:]):
        return None
    first = len(tokens) - 1
    size = len(tokens[first].group())
    while first:
        token = tokens[first - 1]
        size += len(token.group())
        gap = window[token.end() : tokens[first].start()]
        if size > hit.high or _INNER.fullmatch(gap) is None or not (_DIGIT.search(token.group()) or _short(token)):
            break
        first -= 1
    start, end = begin + tokens[first].start(), begin + tokens[-1].end()
    if _DATED.match(data[start:end]) or not _fits(data, hit, start, end):
        return None
    return start, end


def _short(token: re.Match[bytes]) -> bool:
    return token.group().isupper() and len(token.group()) <= 3
