"""Whether two statements of the same words say opposite things: one denies, or has the opposite of a word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, partial

from hybridrag.answering.wording import content, forms_of, is_common

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
_OPPOSITES = (
    ("allow allowed permit permitted erlaubt gestattet zulässig 允许", "forbid forbidden prohibit prohibited disallow "
     "disallowed ban banned verboten untersagt unzulässig 禁止"),
    ("before prior vor vorher 之前", "after following nach nachher danach 之后"),
    ("minimum min least mindestens mindest 最小 最低 至少", "maximum max most höchstens maximal 最大 最高 至多 最多"),
    ("increase increased rise rose raise raised grow grew higher erhöhen erhöht steigen stieg gestiegen 增加 上升 提高",
     "decrease decreased decline declined fall fell reduce reduced drop dropped lower senken gesenkt sinken sank "
     "gesunken verringern 减少 下降 降低"),
    ("always immer stets 总是", "never nie niemals 从不"),
    ("all every alle jeder 所有", "none no keine keiner"),
    ("enable enabled aktiviert aktivieren 启用", "disable disabled deaktiviert deaktivieren 禁用"),
    ("required mandatory obligatory erforderlich verpflichtend vorgeschrieben 必须",
     "optional voluntary freiwillig 可选"),
    ("include includes included including einschließlich inbegriffen",
     "exclude excludes excluded excluding ausgeschlossen "
     "ausgenommen"),
    ("more mehr 多于", "less fewer weniger 少于"),
    ("above over exceed exceeds über oberhalb 高于", "below under unter unterhalb 低于"),
    ("first erste ersten erster", "last letzte letzten letzter final"),
    ("early earlier earliest früh früher", "late later latest spät später"),
    ("fast faster fastest quick quicker schnell schneller", "slow slower slowest langsam langsamer"),
    ("large larger largest big bigger biggest groß größer größte", "small smaller smallest klein kleiner kleinste"),
    ("high hoch höher", "low niedrig niedriger"),
    ("long longer longest lang länger", "short shorter shortest kurz kürzer"),
    ("best better besser beste", "worst worse schlechter schlechteste"),
    ("win won beat gewann gewonnen", "lose lost verlor verloren"),
    ("accept accepted accepts akzeptiert angenommen", "reject rejected rejects refuse refused abgelehnt"),
    ("start started begin began begins beginnt begann", "end ended ends finish finished stop stopped endet endete"),
    ("open opened opens offen geöffnet", "close closed closes shut geschlossen"),
    ("internal intern interne", "external extern externe"),
    ("public öffentlich", "private privat confidential vertraulich"),
    ("safe secure sicher", "unsafe insecure dangerous unsicher gefährlich"),
    ("true wahr", "false falsch"),
    ("add added adds hinzufügen", "remove removed removes delete deleted entfernen entfernt löschen"),
    ("approve approved genehmigt", "deny denied reject rejected abgelehnt"),
    ("north northern nord nördlich norden 北", "south southern süd südlich süden 南"),
    ("east eastern ost östlich osten 东", "west western westlich westen 西"),
    ("possible möglich", "impossible unmöglich"),
    ("buy buys bought purchase kaufen", "sell sells sold verkaufen"),
    ("old older oldest alt älter", "new newer newest young younger youngest neu jung jünger"),
    ("input eingabe", "output ausgabe"),
    ("synchronous sync", "asynchronous async"),
    ("positive positiv", "negative negativ"),
    ("gain gained profit gewinn", "loss verlust"),
    ("encrypted verschlüsselt", "unencrypted unverschlüsselt plaintext"),
    ("valid gültig", "invalid ungültig expired abgelaufen"),
    ("men male männer männlich", "women female frauen weiblich"),
    ("promote promotes promoted activate activates", "inhibit inhibits inhibited suppress suppresses suppressed"),
)  # fmt: skip
_NEAR = 0.6
"""The share of a claim's words that a sentence must hold for what it denies or opposes to count against the claim."""
_SAME = 0.8
"""From this share on, both ways, two sentences are the same but for a word or two."""
_CLAUSE = re.compile(
    r"[,;:.!?，；。：！？、]\s*|\s[-–—]\s|\b(?:but|however|while|whereas|although|aber|jedoch|während|sondern|但)\b"
)
_WORD = re.compile(r"[^\W\d_]+")
_CAPITALISED = re.compile(r"(?<=[a-zß-ÿ,] )[^\W\d_][^\W\d_]{2,}")


def contradiction(claim: str, sentences: Sequence[str]) -> str:
    """What a claim turns round of the sentences that it is nearest to, in words; empty where it turns round nothing."""
    if not sentences:
        return ""
    said = set(content(claim))
    nearest = max(sentences, key=lambda sentence: _shared(said, sentence))
    share = _shared(said, nearest)
    if share >= _SAME and _shared(set(content(nearest)), claim) >= _SAME:
        return _changed(claim, nearest)
    for clause in clauses(claim):
        words = set(content(clause))
        against = max(sentences, key=partial(_shared, words))
        if _denials(clause) and not _denies_in_any_way(against):
            return "it denies what they say"
    if share < _NEAR:
        return ""
    if not _denies_in_any_way(claim) and _denials(_clause_about(said, nearest)):
        return "they deny it"
    return _opposites(claim, nearest)


def _changed(claim: str, sentence: str) -> str:
    """What is turned round between two sentences that are the same but for a word or two: there every word counts."""
    denied, denies = _denials(sentence), _denials(claim)
    if denied != denies:
        return "it denies what they say" if denies > denied else "they deny it"
    known = {form for forms in content(sentence) for form in forms}
    for match in _CAPITALISED.finditer(claim):
        if (
            match[0][0].isupper()
            and not is_common(match[0])
            and not forms_of(match[0]) & known
            and match[0].casefold() not in sentence.casefold()
        ):
            return f"they do not name “{match[0]}”"
    return _opposites(claim, sentence)


def _clause_about(said: set[frozenset[str]], sentence: str) -> str:
    """The part of a sentence that shares most words with what is said."""
    return max(clauses(sentence) or [sentence], key=lambda part: len(said & set(content(part))))


def _shared(words: set[frozenset[str]], text: str) -> float:
    return len(words & set(content(text))) / len(words) if words else 0.0


def _denials(text: str) -> int:
    """How many words of a text deny something."""
    return len(_DENIAL.findall(_APPARENT.sub(" ", text)))


def _denies_in_any_way(text: str) -> bool:
    """Whether a text denies something, be it by a word's sense: unable, fails, forbidden, only."""
    return _denials(text) > 0 or _LEXICAL.search(text) is not None


def _opposites(claim: str, evidence: str) -> str:
    """A word that the claim has more often, while the evidence has its opposite more often, in words; empty if none."""
    said, found = _words(claim), _words(evidence)
    for pair in _sides():
        for here, there in (pair, pair[::-1]):
            mine, theirs = _held(said, here), _held(found, there)
            if len(mine) > len(_held(found, here)) and len(theirs) > len(_held(said, there)):
                return f"it says “{mine[0]}”, they say “{theirs[0]}”"
    return ""


def clauses(text: str) -> list[str]:
    """The parts of a sentence between its commas and the words that set one part against another."""
    return [part for part in _CLAUSE.split(text) if part.strip()]


def _words(text: str) -> list[tuple[str, frozenset[str]]]:
    return [(word, forms_of(word) | {word.casefold()}) for word in _WORD.findall(text)]


def _held(words: Sequence[tuple[str, frozenset[str]]], side: frozenset[str]) -> list[str]:
    """The words that stand on one side of a pair; of a text without blanks, the signs found in it."""
    found = [word for word, forms in words if forms & side]
    return found or [
        term for term in side if not term.isascii() and _SIGNS.match(term) and any(term in w for w, _ in words)
    ]


_SIGNS = re.compile("[\u3400-\u9fff]")


@cache
def _sides() -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    """Each pair with all forms of its words."""
    return tuple(
        (
            frozenset().union(*(forms_of(word) | {word} for word in one.split())),
            frozenset().union(*(forms_of(word) | {word} for word in other.split())),
        )
        for one, other in _OPPOSITES
    )
