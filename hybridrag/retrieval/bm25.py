"""BM25 over postings, exact: every chunk that holds a term of the question gets its score.

Robertson and Zaragoza 2009, k1 1.2 and b .75, with Lucene's idf, which is never negative. The forms that a word takes
in the languages of a collection count as one term. Frequencies are of the collection as it is now: what is buried
counts for nothing. A filter changes which chunks are found and not their scores.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.types import LexicalIndex, Postings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K1 = 1.2
B = 0.75


@dataclass(frozen=True, slots=True)
class Ranking:
    """The scores of all chunks for one question: float32, shape `(last number + 1,)`, 0 without a term of it."""

    scores: NDArray[np.float32]

    def best(self, limit: int, *, among: NDArray[np.int32] | None = None) -> dict[int, float]:
        """The `limit` best chunks with a score, by number, best first; `among` are those that pass a filter."""
        import numpy as np

        numbers = np.flatnonzero(self.scores) if among is None else among[self.scores[among] > 0]
        scores = self.scores[numbers]
        if len(numbers) > limit:
            # All that are as good as the last one that fits, so that of equal ones the first numbers win.
            least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
            numbers, scores = numbers[scores >= least], scores[scores >= least]
        order = np.lexsort((numbers, -scores))[:limit]
        return dict(zip(numbers[order].tolist(), scores[order].tolist(), strict=True))

    def of(self, numbers: Sequence[int]) -> dict[int, float]:
        """The scores of those of the chunks that have one."""
        return {number: float(self.scores[number]) for number in numbers if self.scores[number] > 0}


def bm25(question: Mapping[tuple[str, ...], int], postings: Mapping[str, Postings], index: LexicalIndex) -> Ranking:
    """The ranking for a question: its terms, each as the forms of a word, with how often it asks for them."""
    import numpy as np

    scores = np.zeros(index.last + 1, dtype=np.float32)
    alive = None
    if len(index.buried):
        alive = np.ones(index.last + 1, dtype=bool)
        alive[index.buried] = False
    mean_length = max(index.terms / index.chunks, 1.0) if index.chunks else 1.0
    for forms, asked in question.items():
        found = _together(list(_living(forms, postings, alive)))
        if found is None:
            continue
        holding = len(found.numbers)
        weight = asked * math.log(1 + (index.chunks - holding + 0.5) / (holding + 0.5)) * (K1 + 1)
        penalty = found.lengths * np.float32(K1 * B / mean_length) + np.float32(K1 * (1 - B))
        scores[found.numbers] += np.float32(weight) * found.frequencies / (found.frequencies + penalty)
    return Ranking(scores)


def _living(
    forms: Sequence[str], postings: Mapping[str, Postings], alive: NDArray[np.bool_] | None
) -> Iterator[Postings]:
    for form in forms:
        if (found := postings.get(form)) is None:
            continue
        if alive is not None:
            kept = alive[found.numbers]
            found = Postings(found.numbers[kept], found.frequencies[kept], found.lengths[kept])
        if len(found.numbers):
            yield found


def _together(parts: Sequence[Postings]) -> Postings | None:
    """Several forms as one term: a chunk that holds more than one has their frequencies added."""
    import numpy as np

    if len(parts) < 2:
        return parts[0] if parts else None
    numbers, first, inverse = np.unique(
        np.concatenate([part.numbers for part in parts]), return_index=True, return_inverse=True
    )
    frequencies = np.bincount(inverse, weights=np.concatenate([part.frequencies for part in parts]))
    lengths = np.concatenate([part.lengths for part in parts])[first]
    return Postings(numbers, frequencies.astype(np.float32), lengths)
