"""Whether an answer says what was expected, judged on this machine: by words, numbers, names, negation and vectors.

No language model is asked. What the judge is worth is measured by `benchmarks/judge.py`
(`docs/decisions/0033-judging-answers.md`).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from hybridrag.evaluation.statements import BRIEF, Facts, contradiction, held, listed, trigrams_held, verbatim

if TYPE_CHECKING:
    from hybridrag.types import Vectors

Verdict = Literal["correct", "partial", "wrong"]
VERDICTS: tuple[Verdict, ...] = ("correct", "partial", "wrong")
Embed = Callable[[Sequence[str]], "Vectors"]
Weights = Mapping[str, float]

CORRECT = 0.5
"""An answer with at least this score is correct."""
PARTIAL = 0.2
"""One with at least this is partly right; any other is wrong."""
_WEIGHTS: Weights = {"bias": -4.2, "words": 5.9, "near": 4.3}
"""Logistic regression on the development half: see the decision."""
_FACT_WRONG = 0.45
"""The most that an answer scores that lacks a number, or contradicts what was expected: partly right, no more."""
_UNRELATED = (
    "The train to the coast leaves at noon from platform four.",
    "Preheat the oven and fold the egg whites into the batter.",
    "The parser returns a null pointer when the buffer is empty.",
    "Photosynthesis turns sunlight into chemical energy in leaves.",
    "The court dismissed the appeal for lack of evidence.",
    "Her violin concerto was first performed in Vienna.",
    "Interest rates rose by a quarter of a point last spring.",
    "Goalkeepers may not leave the line before the penalty is taken.",
)
"""Texts that have nothing to do with each other."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How much of the expected answer an answer gives, from 0 to 1, what that makes it, and why."""

    score: float
    verdict: Verdict
    reason: str


class Judge:
    """Judges answers with an embedding model of this machine; without one (`embed` is None) by their words alone.

    The same answer gets the same score whatever else is judged.
    """

    def __init__(self, embed: Embed | None, *, weights: Weights = _WEIGHTS) -> None:
        self._embed = embed
        self._weights = weights

    def judge(self, question: str, expected: Sequence[str], answer: Sequence[str]) -> Judgement:
        """Compares the sentences of an answer with those of the expected one.

        Words of the question count in neither, since every answer can repeat them. What an answer says besides lowers
        nothing, unless it contradicts.
        """
        signs = self.signs(question, expected, answer)
        if signs.verbatim:
            score = 1.0
        elif signs.brief:
            score = signs.words**2  # half a name is no name
        else:
            score = _logistic(sum(self._weights[name] * value for name, value in signs.as_features().items()))
        if signs.capped:
            score = min(score, _FACT_WRONG)
        if not any(text.strip() for text in answer):
            score = 0.0
        return Judgement(round(score, 4), verdict_of(score), signs.reason)

    def signs(self, question: str, expected: Sequence[str], answer: Sequence[str]) -> Signs:
        """What the judgement rests on."""
        asked, wanted, given = Facts.of([question]), Facts.of(expected), Facts.of(answer)
        telling = Counter({word: n for word, n in wanted.words.items() if word not in asked.words}) or wanted.words
        near = self._nearness(expected, answer) if self._embed is not None else trigrams_held(expected, answer)
        return Signs(
            words=held(telling, given.words),
            near=near,
            missing_numbers=frozenset(wanted.numbers - asked.numbers - given.numbers),
            missing_names=frozenset(name for name in wanted.names - asked.names if name not in given.words),
            brief=telling.total() <= BRIEF,
            contradiction=contradiction(question, expected, answer),
            verbatim=verbatim(expected, answer),
        )

    def _nearness(self, expected: Sequence[str], answer: Sequence[str]) -> float:
        """The mean over the expected sentences of the nearest cosine among the answer's, and the answer as a whole.

        Counted from what the model gives texts that have nothing to do with each other, which differs by model.
        """
        assert self._embed is not None
        sentences = [text for text in expected if text.strip()]
        others = [text for text in answer if text.strip()]
        if not sentences or not others:
            return 0.0
        others = list(dict.fromkeys([*others, " ".join(others)]))
        vectors = self._embed([*sentences, " ".join(sentences), *others])
        cosines = vectors[: len(sentences) + 1] @ vectors[len(sentences) + 1 :].T
        nearest = [round(float(row.max()), 4) for row in cosines]
        each, whole = sum(nearest[:-1]) / len(sentences), nearest[-1]
        return min(max((max(each, whole) - self._floor) / (1 - self._floor), 0.0), 1.0)

    @cached_property
    def _floor(self) -> float:
        """The mean cosine of unrelated texts."""
        assert self._embed is not None
        vectors = self._embed(_UNRELATED)
        number = len(_UNRELATED)
        mean = (float((vectors @ vectors.T).sum()) - number) / (number * (number - 1))
        return min(max(round(mean, 3), 0.0), 0.95)


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for an answer and against it.

    `words` is the share of the expected answer's own words that the answer holds, `near` the nearness of meaning, both
    from 0 to 1. `brief` tells that few words were expected, `verbatim` that the answer holds them all in their order.
    `contradiction` is what the answer says otherwise, empty where nothing was found.
    """

    words: float
    near: float
    missing_numbers: frozenset[str]
    missing_names: frozenset[str]
    brief: bool
    contradiction: str
    verbatim: bool

    def as_features(self) -> dict[str, float]:
        """Numbers from 0 to 1 by name, and the constant 1 as `bias`."""
        return {
            "bias": 1.0,
            "words": self.words,
            "near": self.near,
        }

    @property
    def capped(self) -> bool:
        """Whether a fact is missing or contradicted, so that the answer cannot be correct."""
        return bool(self.missing_numbers or self.contradiction)

    @property
    def reason(self) -> str:
        """What decided, in a few words for people."""
        if self.contradiction:
            return self.contradiction
        if self.missing_numbers:
            return f"lacks {listed(self.missing_numbers)}"
        if self.verbatim:
            return "holds the expected answer word for word"
        told = f"{self.words:.0%} of the expected words, nearness {self.near:.2f}"
        return f"{told}; lacks {listed(self.missing_names)}" if self.missing_names else told


def verdict_of(score: float) -> Verdict:
    """What a score stands for."""
    return "correct" if score >= CORRECT else "partial" if score >= PARTIAL else "wrong"


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-min(max(value, -50.0), 50.0)))
