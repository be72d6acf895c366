"""Questions made from chunks without a model: short, as people type them into a search box, and never a whole sentence.

keywords     words of an informative sentence in their order, without the rarest one or two
definition   "An index is a ..." asks "what is an index"
heading      the path of headings: "Installation > Proxy" asks "installation proxy"
docstring    the first line of a function's documentation, as keywords

The rarest words are left out because they would hand the lexical arm its answer: a person who asks does not know them
yet. What remains must still be about the chunk: questions that chunks of other documents fit as well are dropped.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hybridrag.evaluation.generated import GeneratedQuestion, Material, one_line, shortened
from hybridrag.evaluation.vocabulary import Terms, Vocabulary, Word

Sentences = Callable[[str], Sequence[tuple[int, int]]]
"""A text to the spans of its sentences."""

_LEAST_WORDS = 3
_MOST_WORDS = 5
_TOPIC_WORDS = 2
"""Of title and headings, before the words of a sentence: people begin with what it is about."""
_SENTENCE_WORDS = 5
"""Content words of a sentence that is worth a question."""
_MOST_SENTENCE = 400
_MOST_SIGNS = 0.06
"""Share of a sentence's characters that prose needs for brackets, slashes and the like; code and tables need more."""
_COMMON_IN_HEADINGS = 0.3
"""Headings have few words that say nothing, and need the common ones."""
_TWINS = 3
"""A chunk that stands in more documents is boilerplate."""


@dataclass(frozen=True, slots=True)
class Made:
    """Questions, and how many attempts failed for which reason."""

    questions: tuple[GeneratedQuestion, ...]
    dropped: Counter[str]


def pseudo_questions(materials: Sequence[Material], *, count: int, terms: Terms, sentences: Sentences) -> Made:
    """At most `count` questions, one for each chunk before a second for any, in a mix of methods.

    Deterministic: the same chunks in the same order give the same questions.
    """
    maker = _Maker(materials, terms, sentences)
    waiting: dict[int, list[_Candidate]] = {}
    made: list[GeneratedQuestion] = []
    before = -1
    while before < len(made) < count:
        before = len(made)
        for number, material in enumerate(materials):
            if len(made) == count:
                break
            if number not in waiting:
                waiting[number] = list(maker.candidates(material))
            question = maker.best(material, waiting[number])
            if question is not None:
                made.append(question)
    return Made(tuple(made), maker.dropped)


@dataclass(frozen=True, slots=True)
class _Candidate:
    method: str
    question: str
    answer: str


class _Maker:
    """Makes candidates, and takes those that are new and about their chunk."""

    def __init__(self, materials: Sequence[Material], terms: Terms, sentences: Sentences) -> None:
        self.dropped: Counter[str] = Counter()
        self._vocabulary = Vocabulary(materials, terms)
        self._sentences = {
            material.chunk.id: [plain(material.chunk.text[a:b]) for a, b in sentences(material.chunk.text)]
            for material in materials
        }
        # The same sentence in different chunks of two documents is boilerplate, and asks for neither of them.
        said = {
            (sentence.casefold(), frozenset(material.sources))
            for material in materials
            for sentence in self._sentences[material.chunk.id]
        }
        self._documents_saying = Counter(sentence for sentence, _ in said)
        self._most_equals = max(1, len(materials) // 1000)
        self._asked: set[frozenset[str]] = set()
        self._by_method: Counter[str] = Counter()

    def candidates(self, material: Material) -> Iterator[_Candidate]:
        """Every question that the chunk could give, the best of each method first."""
        if len(material.sources) > _TWINS:
            self.dropped["its chunk stands in many documents"] += 1
            return
        own = [s for s in self._sentences[material.chunk.id] if self._documents_saying[s.casefold()] == 1]
        prose = [sentence for sentence in own if is_prose(sentence)]
        documented = docstrings(material.chunk.text)
        for sentence in prose:
            question = definition(sentence, material.language)
            if question:
                yield _Candidate("definition", question, sentence)
        for line in documented:
            words = self._vocabulary.content_words(line, material)
            if len(words) > _LEAST_WORDS:
                yield _Candidate("docstring", _keywords(words), line)
        topic = self._vocabulary.content_words(_path(material), material)
        worded = ((sentence, self._vocabulary.content_words(sentence, material)) for sentence in prose)
        rated = sorted(
            ((s, words) for s, words in worded if len(words) >= _SENTENCE_WORDS), key=_interest, reverse=True
        )
        for sentence, words in rated:
            yield _Candidate("keywords", _keywords(words, topic=topic), sentence)
        if prose:
            yield from self._heading(material, prose)
        elif not documented:
            self.dropped["no sentence worth a question"] += 1

    def best(self, material: Material, candidates: list[_Candidate]) -> GeneratedQuestion | None:
        """The next good candidate, of the method that was least used so far; the others wait for another round."""
        while candidates:
            chosen = min(candidates, key=lambda c: self._by_method[c.method])
            candidates.remove(chosen)
            key = self._vocabulary.key(chosen.question, material.language)
            if key in self._asked:
                self.dropped["asked before"] += 1
            elif self._vocabulary.equals(chosen.question, material) > self._most_equals:
                self.dropped["other documents fit it as well"] += 1
            else:
                self._asked.add(key)
                self._by_method[chosen.method] += 1
                answer = shortened(chosen.answer)
                return GeneratedQuestion(
                    chosen.question, answer, material.sources, str(material.chunk.id), chosen.method
                )
        return None

    def _heading(self, material: Material, prose: Sequence[str]) -> Iterator[_Candidate]:
        words = self._vocabulary.content_words(_path(material), material, common=_COMMON_IN_HEADINGS)
        if 2 <= len(words) <= 8:
            question = _joined(words)
            asked = self._vocabulary.key(question, material.language)
            answer = max(prose, key=lambda sentence: len(asked & self._vocabulary.key(sentence, material.language)))
            yield _Candidate("heading", question, answer)


def _keywords(words: Sequence[Word], *, topic: Sequence[Word] = ()) -> str:
    """What it is about, then words of a sentence in their order.

    Not the rarest of them, and rather those that stand in their chunk more than once.
    """
    about = _in_order(topic, sorted(topic, key=lambda word: word.chunks)[:_TOPIC_WORDS])
    rarest_first = sorted(words, key=lambda word: (word.chunks, -len(word.text)))
    others = rarest_first[1 if len(words) < 6 else 2 :]
    said = {word.text.casefold() for word in about}
    others = [word for word in others if word.text.casefold() not in said]
    kept = sorted(others, key=lambda word: word.here < 2)[: _MOST_WORDS - len(about)]
    return _joined([*about, *_in_order(words, kept)])


def _in_order(words: Sequence[Word], kept: Sequence[Word]) -> list[Word]:
    return [word for word in words if word in kept]


def _joined(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)


def _path(material: Material) -> str:
    """Title and headings without what is only a file's name."""
    return " ".join(plain(part) for part in material.path if not _FILE_NAME.search(part))


def _interest(rated: tuple[str, Sequence[Word]]) -> tuple[int, int]:
    """How many words of a sentence its chunk is about; not how rare they are, which would favour names and slips."""
    _, words = rated
    return sum(word.here > 1 for word in words), min(len(words), 12)


# --- forms -----------------------------------------------------------------------------------------------------------

_FILE_NAME = re.compile(r"^\S+\.\w{1,5}$")
_MARKDOWN = (
    (re.compile(r"!?\[([^\]\n]{0,200})\]\([^)\n]{0,500}\)"), r"\1"),
    (re.compile(r"\{\s{0,3}[#.][^}\n]{0,100}\}|<[^<>\n]{1,200}>|https?://\S+"), " "),
    (re.compile(r"^\s*(?:[-*+•>]|#{1,6}|\d{1,3}[.)])\s+"), ""),
    (re.compile(r"\*\*|__|[*`]|\"{3}|'{3}"), ""),
)
_SIGNS = re.compile(r"[{}=<>;|\\$_()\[\]/@#^~]")
_PAIR = re.compile(r"\w[\"']\s?:\s")
"""`"key": value` is data, whatever the value says."""
_SENTENCE = re.compile(r"^[^\s|#]\S*.{20,}[.!?。！？]['\"”’»)]?$", re.DOTALL)
_SHORT_SENTENCE = re.compile(r"^\S{10,}[.!?。！？]$", re.DOTALL)
"""Scripts without spaces say as much in fewer characters."""
_DEFINITIONS = {
    "en": (
        re.compile(
            r"^(?P<what>(?:(?:An?|The) )?[^\W\d_][\w'’-]*(?: [\w'’-]+){0,3})(?: \([\w -]+\))? "
            r"(?P<verb>is|are) (?:an?|the|one) \w"
        ),
        re.compile(
            r"(?i)^(?:this|that|these|those|it|they|there|we|you|he|she|i|here|what|which|who|each|all|if|when)\b"
        ),
        "what {verb} {what}",
    ),
    "de": (
        re.compile(
            r"^(?P<what>(?:(?:Der|Die|Das|Eine?) )?[^\W\d_][\w-]*(?: [\w-]+){0,3})(?: \([\w -]+\))? (?P<verb>ist|sind) "
            r"(?:ein|eine|der|die|das) \w"
        ),
        re.compile(r"(?i)^(?:dies\w*|das (?:ist|sind)|es|sie|er|wir|ihr|ich|hier|da|jede\w*|alle\w*|wenn|was|wer)\b"),
        "was {verb} {what}",
    ),
}
"""By language: a definition, how a sentence begins that only points back, and the question."""
_DOCSTRINGS = (
    re.compile(
        r"(?m)^\s*(?:async\s+def|def|class)\s[^\n]*(?:\n[^\n\"']*){0,12}?\n\s*[rRuU]?(?:\"\"\"|''')\s*([^\n\"']{12,300})"
    ),
    re.compile(r"/\*\*[ \t]*(?:\n\s*\*[ \t]*)?([^\n*@/][^\n@]{12,300})"),
    re.compile(
        r"(?m)^\s*///\s*([^\n@<]{12,300})\n(?:\s*///[^\n]*\n)*\s*(?:pub|fn|func|class|public|struct|enum|export)\b"
    ),
)


def plain(sentence: str) -> str:
    """A sentence without Markdown, tags and addresses, on one line."""
    for pattern, replacement in _MARKDOWN:
        sentence = pattern.sub(replacement, sentence)
    return one_line(sentence)


def is_prose(sentence: str) -> bool:
    """Whether it is a whole sentence of words: no heading, no row of a table, no code."""
    if len(sentence) > _MOST_SENTENCE or not (_SENTENCE.match(sentence) or _SHORT_SENTENCE.match(sentence)):
        return False
    if _PAIR.search(sentence):
        return False
    letters = sum(character.isalpha() or character.isspace() for character in sentence)
    return letters >= 0.8 * len(sentence) and len(_SIGNS.findall(sentence)) <= _MOST_SIGNS * len(sentence)


def definition(sentence: str, language: str | None) -> str | None:
    """What a sentence defines, as a question; None where it defines nothing."""
    form = _DEFINITIONS.get(language or "")
    match = form[0].match(sentence) if form else None
    if form is None or match is None or form[1].match(sentence):
        return None
    what = match["what"]
    first = what.split(" ", 1)[0]
    if first in {"A", "An", "The", "Der", "Die", "Das", "Ein", "Eine"}:
        what = what[0].lower() + what[1:]
    return form[2].format(verb=match["verb"], what=what)


def docstrings(text: str) -> list[str]:
    """The first lines of what documents functions and classes in a piece of code, in their order."""
    found = [match for pattern in _DOCSTRINGS for match in pattern.finditer(text)]
    return [one_line(match[1]) for match in sorted(found, key=lambda match: match.start())]


def promising(materials: Sequence[Material], sentences: Sentences) -> list[Material]:
    """The chunks that hold a sentence or a documented function, and no boilerplate; all of them where none does."""

    def holds_something(material: Material) -> bool:
        text = material.chunk.text
        return any(is_prose(plain(text[start:end])) for start, end in sentences(text)) or bool(docstrings(text))

    return [m for m in materials if len(m.sources) <= _TWINS and holds_something(m)] or list(materials)
