"""How much a question needs each candidate: by the words they share, by the nearness of their vectors, by rank."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from hybridrag.answering.candidates import Candidate
from hybridrag.answering.wording import has_blanks

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

_FAR_SHARE = 0.3
"""A unit goes if neither it nor the one before or after it is at least this share as near as the nearest one."""
_RANK_SHARE = 0.25
"""Weight of a passage's place in the ranking, as for the extractive answer."""
_NEIGHBOUR = 0.9
"""A neighbour scores at least this share of a unit: a sentence often needs the one before it."""
_EMBEDDED = 8_000
"""UTF-8 bytes that are embedded for one question: some 1,900 tokens, 70 ms with MiniLM on two cores."""


def scores_of(
    candidates: Sequence[Candidate], question: str, query: Vector, embed: Callable[[Sequence[str]], Vectors]
) -> list[float]:
    """How much the question needs each: nearness of itself and of its passage's nearest, and its passage's rank.

    What is far from the question, as are the units before and after it, has 0.
    """
    shared = shares_of([candidate.context for candidate in candidates], question)
    cosines = _cosines(candidates, _with_passage(candidates, shared), query, embed)
    own = [cosine + share for cosine, share in zip(cosines, shared, strict=True)]
    near, around = list(own), list(own)
    for one, other in itertools.pairwise(candidates):
        if one.place != other.place:
            continue
        for this, beside in ((one.number, other.number), (other.number, one.number)):
            around[this] = max(around[this], own[beside])
            if one.unit.block == other.unit.block or one.number in other.needs:
                near[this] = max(near[this], _NEIGHBOUR * own[beside])
    far = _FAR_SHARE * max(around[candidate.number] for candidate in candidates if candidate.alone)
    return [
        score if nearest >= far else 0.0 for score, nearest in zip(_with_passage(candidates, near), around, strict=True)
    ]


def _with_passage(candidates: Sequence[Candidate], nearness: Sequence[float]) -> list[float]:
    best: dict[int, float] = {}
    for candidate, near in zip(candidates, nearness, strict=True):
        best[candidate.place] = max(near, best.get(candidate.place, 0.0))
    return [
        near + best[candidate.place] + _RANK_SHARE / (1 + candidate.place)
        for candidate, near in zip(candidates, nearness, strict=True)
    ]


def shares_of(texts: Sequence[str], question: str) -> list[float]:
    """The share of a question's words that each text holds, rare words counting more, from 0 to 1.

    Words that none of them holds do not count. The weight is the BM25 family's, log(1 + n / (df + 0.5)).
    """
    asked = words_of(question)
    held = [asked & words_of(text) for text in texts]
    holding = Counter(word for words in held for word in words)
    # Sorted, since the order of a set of words changes from run to run, and with it the last bit of a sum.
    weights = {word: math.log1p(len(texts) / (holding[word] + 0.5)) for word in sorted(holding)}
    total = sum(weights.values())
    return [sum(weights[word] for word in sorted(words)) / total if total else 0.0 for words in held]


def _cosines(
    candidates: Sequence[Candidate],
    prior: Sequence[float],
    query: Vector,
    embed: Callable[[Sequence[str]], Vectors],
) -> list[float]:
    """Cosines to the question, none below 0. Of much text only the best by `prior` is embedded.

    The rest is given the mean of what was embedded of its passage, or 0.
    """
    contexts: dict[str, int] = {}
    left = _EMBEDDED
    for candidate in sorted(candidates, key=lambda c: (-prior[c.number], c.number)):
        size = len(candidate.context.encode("utf-8", "replace"))
        if candidate.context not in contexts and size <= left:
            left -= size
            contexts[candidate.context] = len(contexts)
    # Rounded, since the last bits may depend on the threads, and the same request is to be the same bytes.
    near = [max(round(float(cosine), 4), 0.0) for cosine in embed(list(contexts)) @ query] if contexts else []
    known = {c.number: near[contexts[c.context]] for c in candidates if c.context in contexts}
    sums: dict[int, tuple[float, int]] = {}
    for candidate in candidates:
        if candidate.number in known:
            total, count = sums.get(candidate.place, (0.0, 0))
            sums[candidate.place] = (total + known[candidate.number], count + 1)
    means = {place: total / count for place, (total, count) in sums.items()}
    return [known.get(c.number, means.get(c.place, 0.0)) for c in candidates]


def words_of(text: str) -> set[str]:
    """Words of three letters or more, and pairs of characters where words are written without blanks."""
    words = re.findall(r"\w+", text.casefold())
    found = {word for word in words if len(word) > 2 and has_blanks(word)}
    return found.union(*({word[i : i + 2] for i in range(len(word) - 1)} for word in words if not has_blanks(word)))
