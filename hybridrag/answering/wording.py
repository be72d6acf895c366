"""The words of a text that carry its meaning, as stems that another text with other endings shares."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

from hybridrag.answering.figures import NUMBER_WORDS
from hybridrag.scripts import UNSPACED

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_UNSPACED = re.compile(f"[{UNSPACED}]+")
_LONGEST = 64
COMMON = frozenset(
    re.findall(
        r"\S+",
        """
    a about above after again all also although an and another any are as at be because been before being below
    between both but by can could did do does doing done down during each either else etc even ever every few for
    from further get gets had has have having he her here hers him his how however i if in into is it its itself
    just may me might more most much must my no nor not now of off on once one only onto or other our out over own
    per rather s same shall she should since so some such t than that the their them then there therefore these they
    this those through thus to too under until up upon us via was we were what when where whether which while who
    whom whose why will with within without would yes you your according additionally answer document documents
    passage passages says states said moreover furthermore namely including include includes example aber alle allem
    allen aller alles als also am an andere anderen auch auf aus bei beim bis da dabei dadurch daher damit dann das
    dass dazu dem den denn der deren des dessen die dies diese diesem diesen dieser dieses doch dort du durch ein
    eine einem einen einer eines er es etwa etwas für gegen hat hatte hatten hier ich ihm ihn ihr ihre ihrem ihren
    ihrer im in indem ins ist ja jede jedem jeden jeder jedes jedoch kann kein keine können konnte man mehr mit muss
    müssen nach nein nicht noch nur ob oder ohne sehr sein seine seinem seinen seiner seit sich sie sind so sobald
    sollte sondern sowie über um und uns unter vom von vor war waren was weil welche welcher welches wenn wer werden
    wie wird wo wurde wurden zu zum zur zwischen während bereits zudem außerdem laut dokument dokumente beispiel
    pro je seitens seiten insgesamt künftig falls sofern ihnen euch verfügung
    """,
    )
)
"""Words of English and German that say nothing by themselves. Few passages cannot tell them by their frequency."""


@lru_cache(maxsize=20_000)
def stem_of(word: str) -> str:
    """What a word is compared by: the German stem of its English stem, without accents: one for both languages."""
    english, german = _stemmers()
    return _plain(german.stemWord(english.stemWord(word[:_LONGEST].casefold())))


def is_common(word: str) -> bool:
    """Whether a word says nothing by itself, or is a number."""
    folded = word.casefold()
    return folded in COMMON or folded in NUMBER_WORDS


def has_blanks(text: str) -> bool:
    """Whether the words of a text have blanks between them."""
    return text.isascii() or _UNSPACED.search(text) is None


def content(text: str) -> list[str]:
    """The stem of each word of a text that says something, each once, in order of the first.

    Where words have no blanks between them, pairs of characters take their place. Numbers are left to `figures_of`.
    """
    return list(dict.fromkeys(word for _, word in placed_content(text)))


def placed_content(text: str) -> list[tuple[int, str]]:
    """The same with where each stands, and again for each time that it does."""
    found: list[tuple[int, str]] = []
    for match in _WORD.finditer(text):
        word = match[0]
        if word.isascii() or not _UNSPACED.search(word):
            bare = re.sub(r"['’].*", "", word)
            if len(bare) > 1 and not is_common(bare) and not is_common(word):
                found.append((match.start(), stem_of(bare)))
            continue
        for run in _UNSPACED.finditer(word):
            pairs = [run[0][i : i + 2] for i in range(len(run[0]) - 1)] or [run[0]]
            found.extend((match.start() + run.start() + i, pair) for i, pair in enumerate(pairs))
    return found


@cache
def _stemmers() -> tuple[Any, ...]:
    import Stemmer

    return tuple(Stemmer.Stemmer(language, 0) for language in ("english", "german"))


def _plain(word: str) -> str:
    if word.isascii():
        return word
    return "".join(c for c in unicodedata.normalize("NFD", word) if not "\u0300" <= c <= "\u036f") or word
