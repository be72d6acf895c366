"""What people and mark-up put between the characters of a value: `[at]`, `(dot)`, tags, emphasis, letters spaced out,
digits as words, words divided at the end of a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.patterns import LETTER, WORD, compiled, view
from hybridrag.privacy.plaintext.offsets import Edits, rewrite

_OPEN, _CLOSE = rb"[ \t]{0,2}[\[({<]\s{0,2}", rb"\s{0,2}[\])}>][ \t]{0,2}"
_DIGITS = {
    "zero": "0", "oh": "0", "null": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "eins": "1", "ein": "1", "zwei": "2", "zwo": "2", "drei": "3", "vier": "4",
    "fünf": "5", "fuenf": "5", "funf": "5", "sechs": "6", "sieben": "7", "acht": "8", "neun": "9",
}  # fmt: skip
_DIGIT = (
    rb"(?:zero|oh|null|one|two|three|four|five|six|seven|eight|nine"
    rb"|eins|ein|zwei|zwo|drei|vier|f\xe9nf|fuenf|funf|sechs|sieben|acht|neun)"
)
_PART = rb"(?:double|triple|doppel|dash|hyphen|minus|strich|bindestrich|dot|punkt|" + _DIGIT[3:]
_INLINE = rb"b|i|u|s|em|strong|span|wbr|font|mark|small|big|code|tt|kbd|samp|sub|sup|abbr|bdi|bdo|ins|del|a|q|nobr|var"
_EMPHASIS = rb"(?:[*]{1,3}|`|~~)"

# Each alternative has a group of its own, which says what becomes of it.
_RULES: tuple[tuple[str, bytes], ...] = (
    ("@", _OPEN + rb"(?:at|\xe9t|@|arroba)" + _CLOSE),
    (".", _OPEN + rb"(?:dot|punkt|point|punto|[.])" + _CLOSE),
    ("-", _OPEN + rb"(?:dash|hyphen|minus|strich|-)" + _CLOSE),
    ("_", _OPEN + rb"(?:underscore|unterstrich|_)" + _CLOSE),
    ("@", rb"[ \t][-_*|][ \t]?at[ \t]?[-_*|][ \t]"),
    (".", rb"[ \t][-_*|][ \t]?dot[ \t]?[-_*|][ \t]"),
    ("", rb"<!--[^<>]{0,200}-->|</?(?:" + _INLINE + rb")(?:\s[^<>]{0,200})?/?>"),
    ("emphasis", rb"[" + WORD + rb"@.+-](?:" + _EMPHASIS + rb"[" + WORD + rb"@.+-]+)+"),
    ("@", rb"_{1,2}@_{0,2}|@_{1,2}"),
    (".", rb"_{1,2}[.]_{1,2}"),
    ("digits", rb"\b" + _DIGIT + rb"(?:[ \t,.-]{1,3}" + _PART + rb"){5,}\b"),
    ("divided", rb"[" + LETTER + rb"]-[ \t]?\r?\n[ \t>]{0,8}[" + LETTER + rb"]"),
    ("spaced", rb"(?:^|[ \t\n])(?:[^\s\x00][ \t]{1,3}){5,}[^\s\x00]"),
    (
        "address",
        rb"\b(?:["
        + WORD
        + rb"_-]{1,32}[ \t]{1,2}(?:dot|punkt)[ \t]{1,2}){1,4}["
        + WORD
        + rb"_-]{1,32}[ \t]{1,2}(?:at|\xe9t)[ \t]{1,2}["
        + WORD
        + rb"-]{1,32}(?:[ \t]{1,2}(?:dot|punkt)[ \t]{1,2}["
        + WORD
        + rb"-]{1,32}){1,3}",
    ),
)
_WORDING = rb"(?i)" + rb"|".join(rb"(" + pattern + rb")" for _, pattern in _RULES)
# The last rule makes the automaton many times larger, and hardly any text holds the word that it needs.
_SAID_DOT = rb"(?i)[ \t](?:dot|punkt)[ \t]"
_WITHOUT_ADDRESS = rb"(?i)" + rb"|".join(rb"(" + pattern + rb")" for _, pattern in _RULES[:-1])
_MARKUP = re.compile(r"[*`~]+")
_SPOKEN = re.compile(r"[^\W\d_]+")
_DIVISION = re.compile(r"-\s+>?\s*", re.ASCII)
_SAID_SIGN = re.compile(r"[ \t]+(?:dot|punkt|at|ät)[ \t]+", re.IGNORECASE)
_TELLING = re.compile(r"[^\W\d_]|[-.:@/]")


def plainly_worded(text: str) -> tuple[str, Edits | None]:
    """`text` with all of that undone, and the way back."""
    return rewrite(text, _plain(text))


def _plain(text: str) -> Iterator[tuple[int, int, str]]:
    data = view(text)
    wording = _WITHOUT_ADDRESS if compiled(_SAID_DOT).search(data) is None else _WORDING
    for match in compiled(wording).finditer(data):
        start, end = match.span()
        kind = _RULES[match.lastindex - 1][0]
        if len(kind) <= 1:
            yield start, end, kind
        elif kind == "digits":
            yield start, end, _said(text[start:end])
        elif kind == "spaced":
            yield from _closed_up(text, start, end)
        elif kind == "address":
            for sign in _SAID_SIGN.finditer(text, start, end):
                yield sign.start(), sign.end(), "@" if sign.group().strip().lower() in {"at", "ät"} else "."
        else:
            signs = _MARKUP if kind == "emphasis" else _DIVISION
            for sign in signs.finditer(text, start + 1, end):
                yield sign.start(), sign.end(), ""


def _said(words: str) -> str:
    """The digits of a number that is spelled out: "four one double one dash two" is 4111-2."""
    out: list[str] = []
    times = 1
    for word in _SPOKEN.findall(words.lower()):
        if word in _DIGITS:
            out.append(_DIGITS[word] * times)
        elif word in {"dash", "hyphen", "minus", "strich", "bindestrich"}:
            out.append("-")
        elif word in {"dot", "punkt"}:
            out.append(".")
        times = {"double": 2, "doppel": 2, "triple": 3}.get(word, 1)
    said = "".join(out)
    # Nobody says nine or ten digits one by one that are not such a number: give it the form that detectors know.
    if len(said) == 9 and said.isdigit():
        return f"{said[:3]}-{said[3:5]}-{said[5:]}"
    if len(said) == 10 and said.isdigit() and said[0] not in "01":
        return f"{said[:3]}-{said[3:6]}-{said[6:]}"
    return said


_GAP = re.compile(r"[ \t]+")


def _closed_up(text: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Single characters with blanks between, as "j o h n": a wider gap parts words, and bare numbers stay."""
    start += text[start].isspace()
    if end < len(text) and text[end].isalnum():
        end -= 2  # the last one begins a word
    if not _TELLING.search(text, start, end):
        return
    words = _TITLE_WORDS.fullmatch(text, start, end) is not None
    for gap in _GAP.finditer(text, start, end):
        parted = gap.end() - gap.start() > 1 or (words and _begins_word(text[gap.start() - 1], text[gap.end()]))
        yield gap.start(), gap.end(), " " if parted else ""


# "4 8 E l m R o a d": words with capitals and numbers, whose blanks went lost among the others.
_TITLE_WORDS = re.compile(r"(?:\d(?: \d){0,4} ?)?[^\W\d_](?: [^\W\d_])+(?: [\d,.])*")


def _begins_word(left: str, right: str) -> bool:
    """Whether a word or a number begins between the two: a capital or a digit after a small letter, a capital after a
    digit."""
    return (left.islower() and (right.isupper() or right.isdigit())) or (left.isdigit() and right.isupper())
