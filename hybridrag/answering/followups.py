"""Questions that lean on what was said before, made to stand by themselves. For retrieval only: nobody is shown them.

Rules of words in English and German decide, without a model (figures: `docs/decisions/0032-conversations.md`). In
another language only what is shorter than a question leans: its own words would not be known to lead back.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from hybridrag.types import Turn

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_MOST_TERMS = 12
"""Words that are carried over, at most."""
_MUCH = 3
"""Words from which a question says much by itself."""
_MOST_NAMES = 4
"""Words of names that are carried over from an answer."""


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_ASKING = _set(
    "what who whom whose which when where why how "
    "was wer wen wem wessen welche welcher welches welchen welchem wann wo warum weshalb wieso wie wohin woher wieviel "
    "womit wofür wodurch worauf woran worin worüber wozu wonach wovon"
)
_OPENING = _set("and or but so then also und oder aber dann also auch")
_PREPOSITIONS = _set(
    "in on at for with without by from to of about under over during after before between within per "
    "im am an auf für mit ohne von vom zu zum zur bei beim nach vor unter über während seit zwischen aus gegen ab"
)
_AUXILIARIES = _set(
    "is are was were be been being am do does did has have had can could will would shall should may might must "
    "ist sind war waren sein wird werden wurde wurden worden hat haben hatte hatten kann können konnte konnten "
    "muss müssen musste mussten soll sollen sollte sollten darf dürfen durfte will wollen wollte gibt gab tut tun"
)
_POINTING = _set(
    "he she they him them his hers their theirs its it her himself herself itself themselves "
    "derselbe dieselbe dasselbe seine seiner seinen seinem seines ihre ihrer ihren ihrem ihres ihr"
)
"""Lead back to a name that stands before them, in this question or in an earlier one."""
_POINTING_DE = _set(
    "er ihn ihm ihnen sie dessen deren dort "
    "dafür davon damit darüber dazu dabei daran darauf darin daraus dadurch danach davor dagegen deswegen deshalb"
)
"""The same where every noun is written like a name: they lead back within the question only over a comma."""
_WHO = _set("who whom wer wen wem")
_SOMEBODY = _set("he she him his her himself herself er ihn ihm")
_SHOWING = _set("this these those dieser diese dieses diesen diesem jener jene jenes jenen jenem")
_OTHERS = _set(
    "else other others another same former latter more one ones "
    "sonst andere anderen anderer anderes weitere gleiche gleichen mehr noch"
)
"""Lead back in a short question only."""
_EXPLETIVE = re.compile(
    r"it (?:\w+ ){0,2}(?:take|takes|took|cost|costs|possible|allowed|permitted|necessary) (?:\w+ ){0,6}to\b"
)
"""`How long does it take to get a visa?`"""
_FUNCTION = (
    _ASKING
    | _OPENING
    | _PREPOSITIONS
    | _AUXILIARIES
    | _POINTING
    | _POINTING_DE
    | _SHOWING
    | _OTHERS
    | _set(
        "the a an that there here hier da es i you we me us my our your not no yes any some all many much long often "
        "far old exactly please tell as than if because while into out up down off such just only "
        "der die das den dem des ein eine einen einem einer eines ich du wir uns mich mir mein meine unser nicht kein "
        "keine ja nein viel viele vielen lange oft weit alt genau bitte sich als wenn weil dass denn nur man so etwa"
    )
)


def standalone(question: str, turns: Sequence[Turn]) -> str:
    """What to search for: the question as it is, or, where it leans on the last turn, and that one's terms."""
    if not turns or not leans(question):
        return question
    terms = _carried(question, turns[-1])
    return f"{question} {' '.join(terms)}" if terms else question


def leans(question: str) -> bool:
    """Whether a question does not say by itself what it is about."""
    words = list(_WORD.finditer(question))
    lower = [word[0].casefold() for word in words]
    content = [number for number, word in enumerate(lower) if word not in _FUNCTION]
    if not content:
        return True
    asks = any(word in _ASKING for word in lower)
    if lower[0] in _OPENING and len(content) <= 4:
        return True
    if len(content) == 1 and not _named(words, content[0]) and not _defines(lower):
        return True
    if not asks and lower[0] in _PREPOSITIONS and len(content) <= 3:
        return True
    if len(content) <= 2 and any(word in _OTHERS for word in lower):
        return True
    return any(_points(question, words, number, content) for number in range(len(words)))


def _points(question: str, words: Sequence[re.Match[str]], number: int, content: Sequence[int]) -> bool:
    """Whether a word leads back beyond the question: nothing before it in the question could be meant."""
    word, last = words[number][0], number == len(words) - 1
    lower = word.casefold()
    if lower in _DOUBTFUL:
        return number > 0 and _DOUBTFUL[lower](words, number, last)
    if number > 0 and word[0].isupper():  # the German for you: Sie, Ihre
        return False
    if lower in _POINTING_DE:
        return "," not in question[: words[number].start()] and not question.startswith(",", words[number].end())
    if lower in _POINTING or lower in _SHOWING:
        named = any(_named(words, before) for before in content if before < number)
        return not named and not _EXPLETIVE.match(question, words[number].start())
    return False


_DOUBTFUL: Mapping[str, Callable[[Sequence[re.Match[str]], int, bool], bool]] = {
    "that": lambda words, number, last: last or words[number - 1][0].casefold() in _AUXILIARIES,
    "there": lambda words, number, last: last and words[number - 1][0].casefold() not in _AUXILIARIES,
    "das": lambda words, number, last: last or words[number + 1][0][0].islower(),
}
"""Words that lead back in some places only: `Is that so?`, `Who works there?`, `Wer hat das gesagt?`."""


def _named(words: Sequence[re.Match[str]], number: int) -> bool:
    """Whether a word looks like a name (in German, a noun too). The first word always does, and is none."""
    return number > 0 and (words[number][0][0].isupper() or words[number][0][0].isdigit())


def _defines(lower: Sequence[str]) -> bool:
    """`What is inflation?`"""
    return len(lower) > 1 and lower[0] in _ASKING and lower[1] in {"is", "are", "was", "were", "ist", "sind", "does"}


def _carried(question: str, turn: Turn) -> list[str]:
    """What the last turn is about and the question does not hold.

    A question that says much by itself needs only the names; one of few words all that was asked about. One that puts
    a name of its own in the place of another (`in Germany?`) is not given that one.
    """
    words = list(_WORD.finditer(question))
    asked = {word[0].casefold() for word in words}
    telling = [number for number, word in enumerate(words) if word[0].casefold() not in _FUNCTION]
    names = _names(turn.query)
    if asked & _SOMEBODY and _WHO & {word.casefold() for word in _WORD.findall(turn.question)}:
        names += _names(turn.answer)[:_MOST_NAMES]
    terms = [word for word in _WORD.findall(turn.query) if word.casefold() not in _FUNCTION]
    if not asked & _ASKING and any(_named(words, number) for number in telling):
        found = [term for term in terms if term not in names] or names
    elif len(telling) < _MUCH and names:
        found = names + terms
    else:
        found = names or terms
    return list(dict.fromkeys(word for word in found if word.casefold() not in asked))[:_MOST_TERMS]


def _names(text: str) -> list[str]:
    words = list(_WORD.finditer(text))
    return [
        match[0]
        for number, match in enumerate(words)
        if _named(words, number) and match[0].casefold() not in _FUNCTION and not _ends(text, words[number - 1].end())
    ]


def _ends(text: str, position: int) -> bool:
    """Whether a sentence ends there."""
    return text.startswith((".", "!", "?", "\n", ":"), position)
