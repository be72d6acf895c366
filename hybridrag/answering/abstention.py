"""Whether the documents answer a question at all, by how near and how fully the best passage speaks of it.

A passage is strong evidence where its vector is near the question's, where it holds the question's rare words, and
where these stand as near to each other as in the question. Hardly a passage about something else has all three. How
strong the best one looks where the answer is missing depends on the collection. It is measured there, without labels,
by asking for its own sentences with the document that says each left out. `docs/decisions/0029-abstention.md` has the
figures, and where the constants come from.
"""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field

Forms = tuple[str, ...]
"""A word, by the terms that the lexical index knows it by: one for each language of the collection, without repeats."""

UNCALIBRATED = 0.6
"""The threshold where a collection is too small to measure one."""
FEWEST = 20
"""Sentences below which their scores tell no threshold."""
_WORDS, _PAIRS = 1.4, 0.3
"""Parts of the score beside nearness, which counts once. Flat: half or twice as much loses at most .02 of AUC."""
_COMMON_SHARE = 0.25
"""Of a common word's idf, so much counts."""
_SATURATION, _LENGTH = 0.5, 0.75
"""As k1 and b of BM25. A word that stands there counts nearly whole the first time: it was said."""
_REACH = (-1, 1, 2, 3)
"""How many words on the next word of the question may stand: `cost of the trip` says what `trip cost` asks."""
_MISSING = 0.875
"""Of the sentences whose document is left out, so many are to fall below the threshold."""
_LEAST, _MOST = 0.45, 1.02
"""Bounds of a threshold. Above the upper one, answerable questions fall too: a tenth of those of the sets it was found
on. Where a collection's documents say the like of each other, its own sentences would ask for more."""
_HOPELESS = 0.25
"""Below this share of the threshold nothing speaks of the matter. A model may still make something of what is weak:
`Give me an overview` shares no word with what it asks for."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured of a collection. `floor` is the cosine of texts that have nothing to do with each other, for
    its embedding model; `sentences` is how many were asked for, 0 where there are too few to tell.
    """

    threshold: float = UNCALIBRATED
    floor: float = 0.0
    sentences: int = 0


@dataclass(frozen=True, slots=True)
class Answerability:
    """How strong the best evidence is, what it must reach, and below what no answer can be hoped for.

    `signals` are the parts of the score: `nearness`, `words` and `pairs`, each at most 1.
    """

    score: float
    threshold: float
    signals: Mapping[str, float] = field(default_factory=dict)

    @property
    def weak(self) -> bool:
        """Whether the documents do not seem to answer the question."""
        return self.score < self.threshold

    @property
    def hopeless(self) -> bool:
        """Whether not even a model that judges for itself should be asked."""
        return self.score < _HOPELESS * self.threshold


@dataclass(frozen=True, slots=True)
class Asked:
    """The words of a question in their order, and how much each says: its idf in the collection."""

    words: tuple[Forms, ...]
    weights: Mapping[Forms, float]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A chunk that was found: its cosine to the question, and its words in their order, title and headings included."""

    cosine: float
    words: Sequence[Forms]


def asked(words: Sequence[Forms], holding: Mapping[str, int], *, chunks: int, common: Container[Forms] = ()) -> Asked:
    """A question's words, where `holding` tells how many of the `chunks` hold a term. The weight is Lucene's idf.

    `common` are words that say little, though a small collection may lack them: `who`, `do`, `when`.
    """
    weights = {}
    for word in words:
        held = min(max(holding.get(form, 0) for form in word), chunks)
        idf = math.log1p((chunks - held + 0.5) / (held + 0.5))
        weights[word] = idf * _COMMON_SHARE if word in common else idf
    return Asked(tuple(words), weights)


def answerability(
    question: Asked, evidence: Sequence[Evidence], *, mean_length: float, calibration: Calibration
) -> Answerability:
    """What the strongest of the chunks says of the question. `mean_length` is that of the collection's, in words.

    Without evidence the score is 0.
    """
    signals = max(
        (_signals(question, each, mean_length=mean_length, floor=calibration.floor) for each in evidence),
        key=_score,
        default={"nearness": 0.0, "words": 0.0, "pairs": 0.0},
    )
    return Answerability(_score(signals), calibration.threshold, signals)


def calibrated(scores: Sequence[float], *, floor: float) -> Calibration:
    """The calibration for the scores that sentences reach where no document says them."""
    if len(scores) < FEWEST:
        return Calibration(floor=floor)
    place = min(math.ceil(_MISSING * len(scores)), len(scores) - 1)
    return Calibration(min(max(sorted(scores)[place], _LEAST), _MOST), floor, len(scores))


def _score(signals: Mapping[str, float]) -> float:
    # Rounded, since the last bits of a cosine depend on the threads, and the same question is to get the same answer.
    return round(signals["nearness"] + _WORDS * signals["words"] + _PAIRS * signals["pairs"], 4)


def _signals(question: Asked, evidence: Evidence, *, mean_length: float, floor: float) -> dict[str, float]:
    places: dict[str, set[int]] = defaultdict(set)
    sought = {form for word in question.weights for form in word}
    for place, word in enumerate(evidence.words):
        for form in sought.intersection(word):
            places[form].add(place)
    at = {word: set().union(*(places.get(form, ()) for form in word)) for word in question.weights}
    return {
        "nearness": max(0.0, evidence.cosine - floor) / (1 - floor) if floor < 1 else 0.0,
        "words": _words_held(question, at, length=len(evidence.words) / max(mean_length, 1.0)),
        "pairs": _pairs_held(question, at),
    }


def _words_held(question: Asked, at: Mapping[Forms, set[int]], *, length: float) -> float:
    """The share of the question's weight that a chunk holds, saturated as in BM25. `length` is 1 for the mean one."""
    penalty = _SATURATION * (1 - _LENGTH + _LENGTH * length)
    total = math.fsum(question.weights[word] for word in question.words)
    held = math.fsum(question.weights[word] * len(at[word]) / (len(at[word]) + penalty) for word in question.words)
    return held / total if total else 0.0


def _pairs_held(question: Asked, at: Mapping[Forms, set[int]]) -> float:
    """The share of the question's neighbouring words that stand near each other; a pair weighs as its lesser word."""
    pairs = dict.fromkeys(itertools.pairwise(question.words))
    weights = {pair: min(question.weights[word] for word in pair) for pair in pairs}
    total = math.fsum(weights.values())
    held = math.fsum(weight for (one, other), weight in weights.items() if _near(at[one], at[other]))
    return held / total if total else 0.0


def _near(first: set[int], second: set[int]) -> bool:
    fewer, reach = (first, _REACH) if len(first) <= len(second) else (second, tuple(-step for step in _REACH))
    others = second if fewer is first else first
    return any(place + step in others for place in fewer for step in reach)
