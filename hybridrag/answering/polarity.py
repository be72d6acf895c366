"""Whether two statements of the same words say opposite things: one denies, or has the opposite of a word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial

from hybridrag.answering.opposites import opposites
from hybridrag.answering.wording import content, is_common, stem_of

_DENIAL = re.compile(
    r"\b(?:not|never|no|none|nobody|nothing|neither|nor|cannot|without|n't|nicht|nie|niemals|nichts|niemand|weder|ohne|"
    r"kein(?:e[mnrs]?)?|keinerlei|keineswegs|ne|pas|sans|jamais|sin|nunca|senza|ningún)\b|n['’]t\b|"
    r"(?<![分是要得好])不(?![同断仅久过])|没有|並非|并非|从未|未能|尚未|无法|無法|禁止|ません|ない\b",
    re.IGNORECASE,
)
_APPARENT = re.compile(
    r"\b(?:not only|no longer than|no more than|no less than|not more than|not just|no later than|"
    r"no matter|no fewer than|"
    r"nicht nur|whether or not|why not|if not|nicht mehr als|No\.\s?\d)\b",
    re.IGNORECASE,
)
_LEXICAL = re.compile(
    r"\b(?:un(?!i|der|til|less|ion)\w{4,}|in(?:capable|ability|sufficient|correct|valid|accurate|complete|"
    r"active|eligible)\w*|"
    r"im(?:possible|proper)\w*|non-?\w{4,}|dis(?:allow|abl|continu|agree|qualif|courag|approv)\w*|\w{3,}less|fail\w*|"
    r"lack\w*|absen\w*|prevent\w*|refus\w*|forbid\w*|forbad\w*|prohibit\w*|avoid\w*|stop\w*|exclud\w*|except\w*|"
    r"den(?:y|ies|ied)|reject\w*|instead|rather|only|hardly|rarely|seldom|unable|few|little|missing|false|ban\w{0,4}|"
    r"verbot\w*|unmöglich\w*|nur|kaum|selten|statt\w*|fehl\w*|verhinder\w*|lehn\w*|un\w{5,}|ausgenommen|"
    r"ausgeschlossen)\b",
    re.IGNORECASE,
)
_NEAR = 0.55
"""The share of a claim's words that a sentence must hold for what it denies to count against the claim."""
_RELATED = 0.4
"""The same for an opposite, which must be in so many words."""
_SAME = 0.8
"""From this share on, both ways, two sentences are the same but for a word or two."""
_CLAUSE = re.compile(
    r"[,;:.!?，；。：！？、]\s*|\s[-–—]\s|\b(?:but|however|while|whereas|although|aber|jedoch|während|sondern|但)\b"
)
_CONTRAST = re.compile(r"[;；]\s*|\b(?:but|however|while|whereas|although|aber|jedoch|während|sondern|但)\b")
_CONDITION = re.compile(r"\s*(?:if|unless|in case|wenn|falls|sofern|soweit|如果)\b", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_CAPITALISED = re.compile(r"(?<=[a-zß-ÿ,] )[^\W\d_][^\W\d_]{2,}")
_DISOWNED = re.compile(
    r"\b(?:false|untrue|a lie|hoax|myth|rumou?rs?|incorrectly|wrongly|allegedly|supposedly|formerly|"
    r"(?<!is )(?<!are )(?<!be )used to(?= \w)|unwahr|gelogen|lüge|gerüchte?|angeblich|fälschlich(?:erweise)?)\b|"
    r"谎言|谣言|据称|不实",
    re.IGNORECASE,
)
"""Words that take back what stands beside them: `It is false that ...`, `... used to lead ...`."""


def contradiction(claim: str, sentences: Sequence[str]) -> str:
    """What a claim turns round of the sentences that it is nearest to, in words; empty where it turns round nothing."""
    if not sentences:
        return ""
    said = set(content(claim))
    nearest = max(sentences, key=lambda sentence: _shared(said, sentence))
    share = _shared(said, nearest)
    if (disowned := _disowns(claim, sentences)) and not _denies_in_any_way(nearest):
        return f"it says “{disowned}”, they do not"
    if share >= _SAME and _shared(set(content(nearest)), claim) >= _SAME:
        return _changed(claim, nearest)
    for clause in clauses(claim):
        words = set(content(clause))
        word = _denied(clause)
        against = max(sentences, key=lambda sentence: _shared(words, sentence) + (word in content(sentence)) / 4)
        if _CONDITION.match(clause) and _shared(words, against) < _SAME:
            continue  # what holds where something is not: the passages may only say what holds where it is
        if _denials(clause) and not _denies_in_any_way(_bearing_on(word, against)):
            return "it denies what they say"
    about = _clause_about(said, nearest)
    if share >= _NEAR and not _denies_in_any_way(claim) and _denials(about) and not _CONDITION.match(about):
        return "they deny it"
    return opposites(claim, nearest) if share >= _RELATED else ""


def _disowns(claim: str, sentences: Sequence[str]) -> str:
    """A word of a claim that says of all the rest that it is not so, or no more, and stands in no sentence."""
    found = _DISOWNED.search(claim)
    return found[0] if found and not any(found[0].casefold() in each.casefold() for each in sentences) else ""


def gainsaid(question: str, rest: str, *, yes: bool, sentences: Sequence[str]) -> str:
    """How the sentence nearest to a question goes against the yes or no before `rest`, in words; empty if not."""
    if _denies_in_any_way(rest) or _denials(question):
        return ""
    asked, added = set(content(question)), set(content(rest))
    nearest = max(sentences, key=partial(_shared, asked | added), default="")
    share = _shared(asked, nearest)
    if yes and share >= _NEAR:
        about = max(
            clauses(nearest), key=lambda part: (len(added & set(content(part))), len(asked & set(content(part))))
        )
        return "they deny it" if _denials(about) else ""
    if not yes and share >= _SAME and not _DIGIT.search(question) and not _denies_in_any_way(nearest):
        return "it denies what they say"
    return ""


def leaves_open(question: str, *, yes: bool, sentences: Sequence[str]) -> bool:
    """Whether sentences do not settle a question so.

    A yes is not settled where a part of any denies, a no where a part of the nearest does not.
    """
    asked = set(content(question))
    parts = [[part for part in clauses(sentence) if asked & set(content(part))] for sentence in sentences]
    if yes:
        return any(_denies_in_any_way(part) for each in parts for part in each)
    nearest = max(range(len(sentences)), key=lambda n: _shared(asked, sentences[n]), default=None)
    return nearest is None or not all(_denies_in_any_way(part) for part in parts[nearest]) or not parts[nearest]


def _changed(claim: str, sentence: str) -> str:
    """What is turned round between two sentences that are the same but for a word or two: there every word counts."""
    denied, denies = _denials(sentence), _denials(claim)
    if denied != denies:
        return "it denies what they say" if denies > denied else "they deny it"
    known = set(content(sentence))
    for match in _CAPITALISED.finditer(claim):
        if (
            match[0][0].isupper()
            and not is_common(match[0])
            and stem_of(match[0]) not in known
            and match[0].casefold() not in sentence.casefold()
        ):
            return f"they do not name “{match[0]}”"
    return opposites(claim, sentence)


def _denied(clause: str) -> str:
    """The first word of meaning after a denial; empty where there is none."""
    denial = _DENIAL.search(clause)
    return next(iter(content(clause[denial.end() :])), "") if denial else ""


def _bearing_on(word: str, sentence: str) -> str:
    """What of a sentence could deny a word in it: all up to the end of its clause, but for the word itself."""
    for part in _CONTRAST.split(sentence):
        before = ""
        for piece in clauses(part):
            before += f", {piece}"
            if word in content(piece):
                return " ".join(other for other in before.split() if stem_of(other.strip(".,;:!?")) != word)
    return sentence


def _clause_about(said: set[str], sentence: str) -> str:
    """The part of a sentence that shares most words with what is said."""
    return max(clauses(sentence) or [sentence], key=lambda part: len(said & set(content(part))))


def _shared(words: set[str], text: str) -> float:
    return len(words & set(content(text))) / len(words) if words else 0.0


def _denials(text: str) -> int:
    """How many words of a text deny something."""
    return len(_DENIAL.findall(_APPARENT.sub(" ", text)))


def _denies_in_any_way(text: str) -> bool:
    """Whether a text denies something, be it by a word's sense: unable, fails, forbidden, only."""
    return _denials(text) > 0 or _LEXICAL.search(text) is not None


def clauses(text: str) -> list[str]:
    """The parts of a sentence between its commas and the words that set one part against another."""
    return [part for part in _CLAUSE.split(text) if part.strip()]
