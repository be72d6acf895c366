"""Names, identifiers and addresses in a sentence: what a passage must hold for the sentence to rest on it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hybridrag.answering.wording import is_common, stem_of
from hybridrag.scripts import HANGUL, UNSPACED

_LATIN = rf"[^\W\d_{UNSPACED}{HANGUL}]"
"""Letters of scripts that put blanks between words."""
_RUN = re.compile(r"[^\s\u3000-\u9fff\"“”„‘«»()\[\]{}<>|,;!?，。；！？、（）《》【】*]+")
_CODE = re.compile(r"`([^`\n]{1,200})`")
_ADDRESS = re.compile(r"(?:[a-z][a-z+.-]*://|www\.)\S|[^@\s]+@[^@\s]+\.\w", re.IGNORECASE)
_AMOUNT = re.compile(r"[$€£¥~≈+-]?\d[\d.,:'’/–-]*(?:[a-zA-Zµ%°]{1,4}|-[^\W\d_]+)?")
_VERSION = re.compile(r"v?\d+(?:\.\d+){2,}", re.IGNORECASE)
_IDENTIFIER = re.compile(
    r"(?=.*[^\W\d_])(?:.*_.*|.*\d.*|--?[a-z].*|[~.]{0,2}/\w.*|.*[^\W\d_]/[^\W\d_]+/.*|"
    r"[^\W\d_]{2,}(?:\.[a-z]{2,})+|.*[a-zß-ÿ][A-Z].*|.*\w::\w.*)"
)
_PART = re.compile(rf"(?:{_LATIN}|\d)+|[^\W_]")
_WORD = re.compile(rf"(?<![\w@]){_LATIN}(?:{_LATIN}|\d)*(?:[.&'’-](?:{_LATIN}|\d)+)*")
_BEGINS = re.compile(r"(?:^|[.!?:|•\n]|[-–—] |\d[.)])[\s*_\"'“„‘«(\[#>-]*\Z")
_GERMAN = re.compile(
    r"\b(?:der|die|das|und|ist|nicht|ein|eine[mnrs]?|den|dem|des|mit|für|von|vom|zu|zur|zum|auf|am|ab|bis|im|um|wird|"
    r"werden|wurden?|sind|kann|können|sich|als|bei|oder|nach|aus|hat|haben|war|waren|keine?[mnrs]?|ich|du|wir|ihr|sie|"
    r"auch|nur|ja|nein|muss|müssen|darf|dürfen|gibt|steht|stehen|durch|über|wenn|dass|pro|je|beim|ins|dies|diese[mnrs]?"
    r")\b",
)
_ENGLISH = re.compile(
    r"\b(?:the|of|and|is|are|to|for|with|by|not|you|it|be|on|at|has|have|from|that|this|as|or|can|must|will|were)\b"
)
_MEASURES = {
    "millionen",
    "milliarden",
    "prozent",
    "euro",
    "dollar",
    "anfang",
    "ende",
    "mitte",
    "stunden",
    "tage",
    "jahre",
}
_COMMON_NOUN = re.compile(
    r".*(?:ing|ion|ions|ity|ties|ness|ment|ments|ance|ence|ency|ly|ers|ors|ees|ures?|ship|ism|age|al|ware|work|s)\Z"
)
_ARTICLE = re.compile(
    r"\b(?:d(?:er|ie|as|en|em|es)|ein(?:e[mnrs]?)?|im|am|zum|zur|vom|beim|\w+(?:e[mnrs]?))\s\Z", re.IGNORECASE
)
_ADJECTIVE = re.compile(
    r"(?:.*(?:lich|ig|isch|bar|sam|haft|los|end|ell|al|iv|är|rn|t)|neu|alt|groß|klein|hoh|all|viel|einig|weiter|"
    r"mehrer|privat|ander)e[mnrs]?\Z",
    re.IGNORECASE,
)
_PLACED = re.compile(r"\b(?:Herrn?|Frau|Dr\.|Prof\.|[Ii]n|[Aa]us|[Nn]ach|[Bb]ei|[Vv]on)\s\Z")
_GERMAN_NOUN = re.compile(
    r"(?:ung|heit|keit|schaft|ion|tät|nis|tum|ling|ment|en|er|el|e|s|ik|ie|eit|aft|auf|all|and|rt|ld|cht|uss|ang|ug)\Z"
)
_VERB = re.compile(
    r"(?:is|was|has|will|can|does|did|had|may|must|would|could|should|also|then|later|never|"
    r"[a-z]{3,}(?:ed|[^siuc\W]s))\Z"
)

_SLOT = re.compile(rf"\b([a-zäöüß]{{1,20}}) (?=([A-ZÄÖÜ]{_LATIN}{{1,40}})\b[ ,.]{{0,2}}([a-zäöüß]{{0,20}}))")
"""A capitalised word between two that have none, or before the end."""

_LONGEST_WORD = 64

Kind = Literal["name", "identifier", "address"]


@dataclass(frozen=True, slots=True)
class Name:
    """`text[start:end]` of a sentence, which names something. Each of its `words` must stand in the evidence."""

    start: int
    end: int
    kind: Kind
    text: str
    words: tuple[str, ...]


class Held:
    """The words, codes and addresses of some evidence, for looking up names in it."""

    def __init__(self, text: str) -> None:
        folded = text.casefold()
        self._text = folded
        parts = _PART.findall(folded)
        self._line = f" {' '.join(parts)} "
        self._words = set(parts)
        self._stems = {stem_of(word) for word in self._words}
        self._cut = {word[:length] for word in self._words for length in range(max(4, len(word) - 3), len(word))}
        self._ends = {word[-n:] for word in self._words if len(word) < _LONGEST_WORD for n in range(5, len(word))}
        self._initials = "".join(word[0] for word in parts)
        written = set(re.findall(r"[^\W\d_]+", text))
        self._lower = written & self._words
        self._capital = {word for word in written if word[0].isupper()}
        self._slots: dict[tuple[str, str], set[str]] = {}
        for match in _SLOT.finditer(text):
            self._slots.setdefault((match[1], match[3]), set()).add(match[2])

    def holds(self, name: Name) -> bool:
        if name.kind == "address":
            return _address(name.text) in self._text
        if name.kind == "identifier":
            parts = _PART.findall(name.text.casefold())
            return f" {' '.join(parts)} " in self._line or f" {''.join(parts)} " in self._line
        return all(self._holds_word(word) for word in name.words) or self._initialled(name)

    def _holds_word(self, word: str) -> bool:
        folded = re.sub(r"['’]s?\Z", "", word.casefold())
        parts = _PART.findall(folded)
        if len(parts) > 1:
            return all(self._holds_word(part) for part in parts) or "".join(parts) in self._words
        if not parts or parts[0] in self._words or stem_of(parts[0]) in self._stems:
            return True
        (one,) = parts
        shorter = any(one[:length] in self._words for length in range(max(4, len(one) - 3), len(one)))
        return shorter or (len(one) >= 4 and one in self._cut) or self._acronym(word)

    def _acronym(self, word: str) -> bool:
        """Whether a word in capitals is made of the first letters of words that stand side by side."""
        letters = re.sub(r"\W", "", word)
        return len(letters) > 1 and letters.isupper() and letters.casefold() in self._initials

    def _initialled(self, name: Name) -> bool:
        """Whether the evidence has only the initials of a name of several words."""
        return len(name.words) > 2 and "".join(word[0] for word in name.words).casefold() in self._words

    def only_names(self, word: str) -> bool:
        """Whether the word stands there, and always with a capital."""
        return word in self._capital and word.casefold() not in self._lower

    def ousted(self, match: re.Match[str]) -> set[str]:
        """The capitalised words that stand there between the two words that this one has beside it in its text."""
        text = match.string
        around = _SLOT.match(text, _word_before(text, match.start()))
        return self._slots.get((around[1], around[3]), set()) if around and around.start(2) == match.start() else set()

    def akin(self, word: str) -> bool:
        """Whether the word is made of one that stands there, or the other way round: Urlaubsantrag, Antrag."""
        folded = word.casefold()[:_LONGEST_WORD]
        pieces = {folded[-n:] for n in range(5, len(folded))} | {folded[:n] for n in range(5, len(folded))}
        return bool(pieces & self._words) or (len(folded) > 4 and folded in self._ends)

    def lowers(self, word: str) -> bool:
        """Whether the word stands there without a capital, and so is no name by itself."""
        return word.casefold() in self._lower


def is_german(text: str) -> bool | None:
    """Whether a text is in German, where every noun has a capital; None where nothing tells."""
    german, english = len(_GERMAN.findall(text[:8_000])), len(_ENGLISH.findall(text[:8_000]))
    return None if german == english else german > english


def names_of(text: str, held: Held, *, nouns: bool = False) -> list[Name]:
    """The names, identifiers and addresses of a sentence. `held` tells words from names: a name is never lower-case.

    `nouns` tells whether nouns have capitals, as in German, where the sentence does not show its language.
    """
    found = list(_codes(text))
    taken = bytearray(len(text))
    for name in found:
        taken[name.start : name.end] = b"\1" * (name.end - name.start)
    german = is_german(text)
    return [*found, *_capitalised(text, taken, held, nouns=nouns if german is None else german)]


def _address(text: str) -> str:
    return re.sub(r"\A[a-z][a-z+.-]{0,20}://", "", text.casefold()).rstrip("/")


def _codes(text: str) -> Iterator[Name]:
    for match in _RUN.finditer(text):
        run = match[0].strip("`'’").rstrip(".:…'’`")
        run = re.sub(r"['’]s\Z", "", run).strip("`")
        if not run or len(run) > 2_000:
            continue
        start = match.start() + match[0].index(run)
        if _ADDRESS.match(run):
            yield Name(start, start + len(run), "address", run, (run,))
        elif _is_identifier(run):
            yield Name(start, start + len(run), "identifier", run, (run,))
    for match in _CODE.finditer(text):
        for part in re.finditer(r"[^\W\d_]\w+", match[1]):
            yield Name(match.start(1) + part.start(), match.start(1) + part.end(), "identifier", part[0], (part[0],))


def _is_identifier(run: str) -> bool:
    if _AMOUNT.fullmatch(run):
        return bool(_VERSION.fullmatch(run)) and run.count(".") > 1 and "," not in run
    return bool(run.isascii() and len(run) < 200 and (_IDENTIFIER.fullmatch(run) or _VERSION.fullmatch(run)))


def _capitalised(text: str, taken: bytearray, held: Held, *, nouns: bool) -> Iterator[Name]:
    """Words with a capital that does not come of where they stand. In German, where nouns have one, only some."""
    run: list[re.Match[str]] = []
    words = [match for match in _WORD.finditer(text) if not any(taken[match.start() : match.end()])]
    for match in words:
        joined = bool(run) and re.fullmatch(r"[ \u00a0]|['’]s ", text[run[-1].end() : match.start()])
        if run and not (joined and match[0][0].isupper()):
            yield from _named(text, run, match if joined else None, nouns, held)
            run = []
        if match[0][0].isupper():
            run.append(match)
    if run:
        yield from _named(text, run, None, nouns, held)


def _named(
    text: str, run: list[re.Match[str]], following: re.Match[str] | None, nouns: bool, held: Held
) -> Iterator[Name]:
    begins = bool(_BEGINS.search(text[max(0, run[0].start() - 12) : run[0].start()]))
    words = [match for match in run if not is_common(match[0]) and len(match[0]) > 1]
    first = run[0] if begins else None
    if nouns:
        words = _surely_named(text, words, first, held)
    elif first is not None and words and words[0] is first and not _in_capitals(first[0]):
        alone = len(words) == 1
        verb = following is not None and _VERB.match(following[0])
        if alone and not held.only_names(first[0]) and (not verb or _COMMON_NOUN.match(first[0])):
            words = []
    words = [word for word in words if len(words) > 1 or not held.lowers(word[0])]
    if words:
        start, end = words[0].start(), words[-1].end()
        yield Name(start, end, "name", text[start:end], tuple(word[0] for word in words))


def _surely_named(text: str, run: list[re.Match[str]], first: re.Match[str] | None, held: Held) -> list[re.Match[str]]:
    """Of capitalised German words side by side those that are no noun: a noun follows an article, and stands alone."""
    words = [word for word in run if word[0].casefold() not in _MEASURES]
    if len(words) > 1 and words[0] is first and _ADJECTIVE.match(first[0]) and not held.only_names(first[0]):
        words = words[1:]
    before = text[max(0, words[0].start() - 16) : words[0].start()] if words else ""
    if len(words) > 1:
        return words[1:] if _ARTICLE.search(before) else words
    if not words or held.akin(words[0][0]):
        return []
    if _PLACED.search(before) and not _GERMAN_NOUN.search(words[0][0]):
        return words
    if not _ARTICLE.search(before) and any(other not in text for other in held.ousted(words[0])):
        return words
    return [word for word in words if _in_capitals(word[0])]


def _word_before(text: str, at: int) -> int:
    """Where the word before a place begins."""
    return text.rfind(" ", 0, max(0, at - 1)) + 1


def _in_capitals(word: str) -> bool:
    return len(word) > 1 and word.isupper()
