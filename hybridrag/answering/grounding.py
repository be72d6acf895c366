"""Whether passages really say what a sentence of an answer claims: hard rules for facts, nearness for the rest.

Numbers, dates, names, identifiers and addresses must occur, nothing may be denied that is said, and words and vectors
must be near enough. Constants and figures: `docs/decisions/0030-grounding.md`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from hybridrag.answering.claims import is_claim
from hybridrag.answering.dates import dates_of
from hybridrag.answering.figures import figures_of, rates_of
from hybridrag.answering.names import Held, is_german, names_of
from hybridrag.answering.nearness import Claim, Fact, Nearness, Signals
from hybridrag.answering.polarity import contradiction, gainsaid, leaves_open
from hybridrag.answering.replies import can_be_affirmed, reply_of
from hybridrag.answering.testimony import Testimony
from hybridrag.answering.wording import content, placed_content
from hybridrag.types import Passage

if TYPE_CHECKING:
    from hybridrag.types import Vectors

__all__ = ["Grounding", "Verdict", "is_claim"]

_LONGEST = 4_000
"""Characters of a sentence: a longer one cannot be checked, and is not borne out."""
_LEADING = re.compile(
    r"\s*(?:[-*+•]\s+|\d{1,3}[.)]\s+|#{1,6}\s+|>\s*)*+"
    r"(?:(?:according to|based on|laut|gemäß) (?:the|den|dem|your) [\w ]{3,40}, )?",
    re.IGNORECASE,
)
_LOOKED_AT = 400
"""Characters of each passage that tell its language."""
_MOST = 4
"""Sentences of a passage that a claim may rest on."""
_QUOTE = 700
"""Characters that a quote may span to take in more than the best sentence."""
_ASKED, _ONLY_ASKED = 0.3, 0.05
"""The share of their weight that words of the question have, and those of them that no passage holds."""
_ADDS = 0.15
"""The share of a claim's words that a passage must add where others bear the claim out without it."""
_NAMED = 3
"""Passages that are named for a sentence without markers."""
_SHORT = 2
"""Words up to which a sentence is read with its question."""
_GAIN = 0.04
"""What a further sentence must add to a claim's words to be taken in."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether passages bear a sentence out. `markers` are those that do, `quotes` the span of each one's text.

    `reason` tells why it is not borne out, and is empty where it is.
    """

    supported: bool
    markers: tuple[int, ...] = ()
    reason: str = ""
    quotes: Mapping[int, tuple[int, int]] = field(default_factory=dict)


class Grounding:
    """Checks the sentences of one answer against its passages. Sentences of passages are embedded once, when needed.

    `question` is what was asked: an answer may repeat its names, but not its figures. A sentence of a word or two is
    read with it, and a bare yes or no stands for it.
    """

    def __init__(
        self, passages: Sequence[Passage], *, embed: Callable[[Sequence[str]], Vectors], question: str = ""
    ) -> None:
        self._testimonies = {passage.marker: Testimony(passage) for passage in passages}
        self._nearness = Nearness(embed)
        self._question = question[:_LONGEST].strip()
        self._asked = Held(self._question)
        self._asked_words = set(content(self._question))
        self._all = Held("\n".join(testimony.everything for testimony in self._testimonies.values()))
        beginnings = (testimony.text[:_LOOKED_AT] for testimony in self._testimonies.values())
        self._nouns = is_german("\n".join((self._question, *beginnings))) is True
        every = [words for testimony in self._testimonies.values() for words in testimony.words]
        self._sentences = len(every)
        self._holding = Counter(word for words in every for word in words)

    def check(self, sentence: str, markers: Sequence[int]) -> Verdict:
        """Whether the passages of `markers` together, or all where there are none, say what the sentence claims."""
        if len(sentence) > _LONGEST:
            return Verdict(False, reason="it is too long to be checked")
        cited = [self._testimonies[m] for m in dict.fromkeys(markers) if m in self._testimonies]
        offered = cited if markers else list(self._testimonies.values())
        if not offered:
            return Verdict(False, reason="it cites no passage that exists" if markers else "there are no passages")
        claim = self._claim(sentence)
        if not claim.weights and not claim.facts:
            return Verdict(False, reason="it says nothing that could be looked up")
        for fact in claim.facts:
            if not any(map(fact.occurs_in, offered)):
                return Verdict(False, reason=f"{fact.said} is not in {_places(offered, cited=bool(markers))}")
        rests = {t.passage.marker: places for t in offered if (places := self._places(claim, t))}
        return self._judged(claim, offered, rests, cited=bool(markers))

    # --- what is claimed -----------------------------------------------------------------------------------------

    def _claim(self, sentence: str) -> Claim:
        reply = reply_of(sentence[_leading(sentence) :].strip())
        if reply.says and not content(reply.rest) and not figures_of(reply.rest) and can_be_affirmed(self._question):
            words = placed_content(self._question)
            weights = {word: self._weight(word, asked=False) for _, word in words}
            facts = list(self._facts(self._question, asked=True))
            return Claim(self._question, words, weights, facts, says=reply.says, bare=True)
        text = reply.rest
        # A number is a fact, and its unit with it: neither is looked for as a word.
        counted = [(figure.start, figure.end) for figure in figures_of(text)]
        words = [(at, word) for at, word in placed_content(text) if not _inside(at, counted)]
        facts = list(self._facts(text))
        sure = 0.0
        if self._asked_words and (words or facts) and len(words) <= _SHORT:
            words = [*words, *((len(text) + 1 + at, word) for at, word in placed_content(self._question))]
            text, sure = f"{text} {self._question}", math.log1p(self._sentences)
        return Claim(text, words, {word: self._weight(word) for _, word in words}, facts, sure, reply.says)

    def _weight(self, word: str, *, asked: bool = True) -> float:
        """That of the BM25 family, log(1 + n / (df + .5)), over the sentences of all passages."""
        weight = math.log1p(max(self._sentences, 10) / (self._holding[word] + 0.5))
        if not asked or word not in self._asked_words:
            return weight
        return weight * (_ASKED if self._holding[word] else _ONLY_ASKED)

    def _facts(self, text: str, *, asked: bool = False) -> Iterator[Fact]:
        """What must occur in the passages; the names of the question only where it is `asked` itself."""
        found = dates_of(text)
        whole = {text[date.start : date.end] for date in found}  # 01.10.2025 is no version
        names = [name for name in names_of(text, self._all, nouns=self._nouns) if name.text not in whole]
        codes = [(name.start, name.end) for name in names if name.kind != "name"]
        dates = [date for date in found if not _inside(date.start, codes)]
        spans = [(date.start, date.end) for date in dates]
        for date in dates:
            kind = "the time" if date.minute is not None else "the date"
            yield Fact(f"{kind} {text[date.start : date.end]}", partial(Testimony.has_date, date=date))
        counted = _counted(text)
        for figure in figures_of(text, [*spans, *codes]):
            if (asked or not figure.loose) and not (not figure.dimension and counted in figure.bare):
                said = text[figure.start : figure.end]
                yield Fact(f"the number {said}", partial(Testimony.has_figure, figure=figure))
        for said, period in rates_of(text):
            yield Fact(f"“{said}”", partial(Testimony.has_rate, period=period))
        for name in names:
            if not _inside(name.start, spans) and (asked or not self._asked.holds(name)):
                what = "the name" if name.kind == "name" else f"the {name.kind}"
                yield Fact(f"{what} {name.text[:60]}", partial(Testimony.has_name, name=name))

    def _judged(
        self, claim: Claim, offered: Sequence[Testimony], rests: Mapping[int, Sequence[int]], *, cited: bool
    ) -> Verdict:
        alone = {
            t.passage.marker: self._nearness.signals(claim, [t], rests) for t in offered if t.passage.marker in rests
        }
        enough = [t for t in offered if t.passage.marker in alone and self._enough(claim, t, alone, rests)]
        if not enough:
            together = self._nearness.signals(claim, offered, rests)
            where = _places(offered, cited=cited)
            if together.enough and (turned := self._turned(claim, offered, rests)):
                return Verdict(False, reason=f"{turned} ({where})")
            if claim.alone or not together.enough:
                missing = f"“{together.stretch}”" if together.stretch and not claim.alone else "it"
                verb = "does" if len(offered) == 1 or not cited else "do"
                return Verdict(False, reason=f"{where} {verb} not say {missing}")
        if not rests:
            return Verdict(False, reason=f"{_places(offered, cited=cited)} does not say it")
        bearing = self._bearing(claim, offered, enough, alone, cited=cited)
        quotes = {t.passage.marker: self._quote(claim, t, rests[t.passage.marker]) for t in bearing}
        return Verdict(True, tuple(quotes), quotes=quotes)

    def _enough(
        self, claim: Claim, testimony: Testimony, alone: Mapping[int, Signals], rests: Mapping[int, Sequence[int]]
    ) -> bool:
        """Whether a passage bears the claim out all by itself."""
        return (
            all(fact.occurs_in(testimony) for fact in claim.facts)
            and alone[testimony.passage.marker].enough
            and not self._turned(claim, [testimony], rests)
        )

    def _turned(self, claim: Claim, offered: Sequence[Testimony], rests: Mapping[int, Sequence[int]]) -> str:
        """What the claim turns round of the sentences that it rests on; one taken as it stands turns nothing."""
        sentences = [t.sentence(place) for t in offered for place in rests.get(t.passage.marker, ())]
        if claim.bare:
            return "they leave it open" if leaves_open(claim.text, yes=claim.says == "yes", sentences=sentences) else ""
        plain = " ".join(claim.text.split())
        if any(plain in " ".join(testimony.text.split()) for testimony in offered):
            return ""
        if claim.says and can_be_affirmed(self._question):
            against = gainsaid(self._question, claim.text, yes=claim.says == "yes", sentences=sentences)
            if against:
                return against
        return contradiction(claim.text, sentences)

    def _bearing(
        self,
        claim: Claim,
        offered: Sequence[Testimony],
        enough: Sequence[Testimony],
        alone: Mapping[int, Signals],
        *,
        cited: bool,
    ) -> list[Testimony]:
        """The passages that bear the claim out: those that do alone, and those that add to what the others say."""
        ranked = sorted(
            (t for t in offered if t.passage.marker in alone), key=lambda t: -alone[t.passage.marker].strength
        )
        bearing = list(enough) if cited else [t for t in ranked if t in enough][:_NAMED]
        said: set[str] = set().union(*(_said(t) for t in bearing))
        least = _ADDS if enough else _GAIN
        total = sum(claim.weights.values()) or 1.0
        for testimony in ranked:
            if testimony in bearing or (enough and not cited):
                continue
            gain = sum(w for word, w in claim.weights.items() if word in _said(testimony) - said) / total
            facts = any(f.occurs_in(testimony) and not any(map(f.occurs_in, bearing)) for f in claim.facts)
            if gain >= least or facts or not bearing:
                bearing.append(testimony)
                said |= _said(testimony)
        return sorted(bearing, key=lambda t: t.passage.marker)

    def _quote(self, claim: Claim, testimony: Testimony, places: Sequence[int]) -> tuple[int, int]:
        """The best sentence, with others of the few it rests on where they are near and say something more."""
        quoted = [places[0]]
        said = set(testimony.words[places[0]])
        total = sum(claim.weights.values()) or 1.0
        for place in places[1:]:
            start, end = testimony.span([*quoted, place])
            gain = sum(w for word, w in claim.weights.items() if word in testimony.words[place] - said) / total
            if end - start <= _QUOTE and gain >= _ADDS:
                quoted.append(place)
                said |= testimony.words[place]
        return testimony.span(quoted)

    # --- what bears it out ---------------------------------------------------------------------------------------

    def _places(self, claim: Claim, testimony: Testimony) -> list[int]:
        """The few sentences of a passage that hold most of the claim's words together, best first."""
        left = set(claim.weights)
        chosen: list[int] = []
        total = sum(claim.weights.values()) or 1.0
        numbers = set(re.findall(r"\d+", claim.text))

        def digits(place: int) -> int:
            return len(numbers.intersection(re.findall(r"\d+", testimony.sentence(place)))) if numbers else 0

        shares = {n: words & left for n, words in enumerate(testimony.words) if words & left or digits(n)}
        while shares and len(chosen) < _MOST:
            gains = {
                place: (sum(claim.weights[w] for w in shared & left) + digits(place))
                / math.sqrt(8 + len(testimony.words[place]))
                for place, shared in shares.items()
            }
            best = max(gains, key=lambda place: (gains[place], -place))
            if chosen and sum(claim.weights[w] for w in shares[best] & left) < _GAIN * total:
                break
            chosen.append(best)
            left -= shares.pop(best)
        if not chosen and not claim.weights and testimony.spans:
            parts = re.findall(r"\w+", claim.text.casefold())
            held = [
                sum(part in testimony.sentence(n).casefold() for part in parts) for n in range(len(testimony.spans))
            ]
            chosen.append(held.index(max(held)))
        return chosen


def _said(testimony: Testimony) -> set[str]:
    return testimony.context_words.union(*testimony.words)


def _counted(text: str) -> int:
    """How many things a claim lists itself: `three ways: one, two and three` needs no passage that counts them."""
    return len(re.findall(r",(?!\d)|、", text)) + len(re.findall(r"\b(?:and|or|und|oder)\b|和|或", text))


def _leading(sentence: str) -> int:
    match = _LEADING.match(sentence)
    return match.end() if match else 0


def _inside(at: int, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start <= at < end for start, end in spans)


def _places(offered: Sequence[Testimony], *, cited: bool) -> str:
    numbers = ", ".join(str(testimony.passage.marker) for testimony in offered)
    if not cited:
        return "any passage"
    return f"passage {numbers}" if len(offered) == 1 else f"passages {numbers}"
