"""How near passages are to a claim: by the words they share, by their vectors, and for its strangest stretch alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hybridrag.answering.testimony import Testimony
from hybridrag.answering.wording import has_blanks

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

_EMBEDDED = 8_000
"""Characters that are embedded for one sentence, beyond what was embedded for those before it."""
_EMBEDDED_AT_ONCE = 24
"""Sentences of passages that a claim is compared with."""
_CUT = 600
"""Characters of a passage's sentence that are embedded: MiniLM reads 256 tokens."""
_TOGETHER = 4
"""Sentences whose vectors are summed where a claim gathers what several say."""
_STRETCH = 6
"""Words of a claim that must not all be strange to the evidence."""
_STRETCH_COSINE = 0.7
_STRANGE = 0.5
"""The least that a stretch must have: its share of words, and this much of its cosine."""
_COSINE, _SAID, _AROUND = 1.0, 0.5, 0.5
_ENOUGH = 0.95
"""The least sum of the weighted signals: that of 19 of 20 true answers (0030)."""
_SURE = 0.6
"""A stretch with this share of its words in the evidence is not looked into any further."""
_STOCK = (
    "The train to the coast leaves every morning.",
    "Add two spoons of sugar and stir the dough.",
    "The court dismissed the appeal last year.",
    "Restart the server after you change a setting.",
    "Whales feed on very small animals in cold water.",
    "Employees hand in their receipts within a month.",
)
"""Sentences on different matters: their cosine to each other is that of strangers, which differs between models."""


@dataclass(frozen=True, slots=True)
class Signals:
    """How near evidence is to a claim, from 0 to 1, and the `stretch` of the claim that has least in the evidence.

    By vectors; by the share of its words in the chosen sentences (`said`) and in the whole passages (`around`); and for
    that stretch alone, by words and by vectors.
    """

    cosine: float
    said: float
    around: float
    weakest: float
    weakest_cosine: float
    stretch: str = ""

    @property
    def strength(self) -> float:
        return _COSINE * self.cosine + _SAID * self.said + _AROUND * self.around

    @property
    def enough(self) -> bool:
        return self.strength >= _ENOUGH and self.weakest + _STRETCH_COSINE * self.weakest_cosine >= _STRANGE


@dataclass(frozen=True, slots=True)
class Fact:
    """What must occur in a passage for a claim to rest on it: `said` are words for it."""

    said: str
    occurs_in: Callable[[Testimony], bool]


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence to be checked: its words with their places, what each weighs, and the facts in it.

    `text` holds the question too where the sentence is too short to tell what it is about; there its facts weigh
    `sure`, since they may be all that it says. `says` is the yes or no before it, and `bare` whether that is all.
    """

    text: str
    words: Sequence[tuple[int, str]]
    weights: Mapping[str, float]
    facts: Sequence[Fact]
    sure: float = 0.0
    says: Literal["yes", "no", ""] = ""
    bare: bool = False

    @property
    def alone(self) -> bool:
        """Whether one passage must say it all: what is read with its question cannot be put together from several."""
        return self.bare or self.sure > 0


class Nearness:
    """The signals of claims and passages. Each text is embedded once."""

    def __init__(self, embed: Callable[[Sequence[str]], Vectors]) -> None:
        self._embed = embed
        self._vectors: dict[str, Vector] = {}
        self._strangers: float | None = None

    def signals(self, claim: Claim, offered: Sequence[Testimony], rests: Mapping[int, Sequence[int]]) -> Signals:
        sure = sum(claim.sure for fact in claim.facts if any(map(fact.occurs_in, offered))) if claim.sure else 0.0
        total = sum(claim.weights.values()) + claim.sure * len(claim.facts)
        said: set[str] = set()
        around: set[str] = set()
        for testimony in offered:
            around |= testimony.context_words.union(*testimony.words)
            for place in rests.get(testimony.passage.marker, ()):
                said |= testimony.words[place]
            said |= testimony.context_words

        def share(held: set[str]) -> float:
            if not total:
                return 1.0
            return (sure + sum(weight for word, weight in claim.weights.items() if word in held)) / total

        cosine = self._cosine(claim.text, offered, rests)
        return Signals(cosine, share(said), share(around), *self._weakest(claim, around, offered, rests))

    def _cosine(self, said: str, offered: Sequence[Testimony], rests: Mapping[int, Sequence[int]]) -> float:
        texts = [t.sentence(place)[:_CUT] for t in offered for place in rests.get(t.passage.marker, ())]
        texts = texts[:_EMBEDDED_AT_ONCE] or [t.sentence(0)[:_CUT] for t in offered[:4] if t.spans]
        vectors = self._embedded([said[: 2 * _CUT], *texts])
        query = vectors[0]
        near = sorted(((float(v @ query), i) for i, v in enumerate(vectors[1:])), reverse=True)
        if not near:
            return 0.0
        best, together = near[0][0], vectors[1 + near[0][1]]
        for _, index in near[1:_TOGETHER]:
            more = together + vectors[1 + index]
            cosine = float(more @ query) / (float(more @ more) ** 0.5 or 1.0)
            if cosine > best:
                best, together = cosine, more
        strange = self._strange()
        return max(0.0, (best - strange) / (1 - strange))

    def _weakest(
        self,
        claim: Claim,
        held: set[str],
        offered: Sequence[Testimony],
        rests: Mapping[int, Sequence[int]],
    ) -> tuple[float, float, str]:
        """The least share that any stretch of the claim's words has of them in the evidence, and its own cosine."""
        each = [(at, claim.weights[word], word in held) for at, word in claim.words]
        size = min(_STRETCH if has_blanks(claim.text) else 2 * _STRETCH, len(each))
        if not size:
            return 1.0, 1.0, ""
        shares = []
        for first in range(len(each) - size + 1):
            part = each[first : first + size]
            total = sum(weight for _, weight, _ in part) or 1.0
            shares.append((sum(weight for _, weight, has in part if has) / total, first))
        share, first = min(shares)
        if share >= _SURE:
            return share, 1.0, ""
        end = each[first + size][0] if first + size < len(each) else len(claim.text)
        stretch = claim.text[each[first][0] : end].strip()
        return share, self._cosine(stretch, offered, rests), stretch[:80]

    def _strange(self) -> float:
        if self._strangers is None:
            vectors = self._embed(list(_STOCK))
            cosines = vectors @ vectors.T
            n = len(_STOCK)
            self._strangers = min(0.9, max(0.0, (float(cosines.sum()) - n) / (n * (n - 1))))
        return self._strangers

    def _embedded(self, texts: Sequence[str]) -> list[Vector]:
        left = _EMBEDDED
        new = []
        for text in dict.fromkeys(texts):
            if text not in self._vectors and len(text) <= left:
                left -= len(text)
                new.append(text)
        if new:
            self._vectors |= dict(zip(new, self._embed(new), strict=True))
        return [self._vectors[text] for text in texts if text in self._vectors]
