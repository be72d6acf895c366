"""How sure a mean over questions is, and a difference between two ways of answering the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_RESAMPLES = 2000
_PERMUTATIONS = 10_000
_AT_ONCE = 2_000_000
"""Numbers drawn together: 16 MB, however many questions there are."""
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """A mean difference over `questions`, its 95% interval, and how likely chance alone makes one as large (`p`)."""

    mean: float
    low: float
    high: float
    p: float
    questions: int

    @property
    def told(self) -> bool:
        """Whether there is a difference: the interval leaves 0 out, and the test agrees.

        The bootstrap alone is too sure of few questions: three that all gained a little have an interval above 0.
        """
        return (self.low > 0 or self.high < 0) and self.p < 0.05


def half_and_most(values: Sequence[float]) -> tuple[float, float]:
    """What half of the values, and 95% of them, do not pass: latencies, say. There is at least one."""
    import numpy as np

    half, most = np.percentile(values, [50, 95])
    return float(half), float(most)


def mean_interval(values: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float]:
    """The percentile bootstrap interval of a mean (Efron 1979), the same for the same values.

    Raises ValueError for no values.
    """
    import numpy as np

    if not values:
        raise ValueError("no values have no mean")
    data = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(0)
    means = np.concatenate(
        [data[random.integers(0, len(data), (rows, len(data)))].mean(axis=1) for rows in _blocks(_RESAMPLES, len(data))]
    )
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def paired_difference(before: Sequence[float], after: Sequence[float]) -> Difference:
    """How much `after` is above `before`, question by question, in the same order.

    The test is the paired randomisation test, two-sided (Smucker, Allan and Carterette 2007). Raises ValueError for no
    questions or unequal numbers.
    """
    import numpy as np

    differences = np.array([b - a for a, b in zip(before, after, strict=True)], dtype=np.float64)
    low, high = mean_interval(differences.tolist())
    mean = float(differences.mean())
    return Difference(mean, low, high, _chance(differences, mean), len(differences))


def _chance(differences: NDArray[np.float64], mean: float) -> float:
    """How often signs thrown at random give a mean at least as far from 0. The one that was seen is counted in."""
    import numpy as np

    random = np.random.default_rng(0)
    moved = differences[differences != 0]
    if not len(moved):
        return 1.0
    as_far = 0
    for rows in _blocks(_PERMUTATIONS, len(moved)):
        signs = random.integers(0, 2, (rows, len(moved)), dtype=np.int8) * 2.0 - 1.0
        as_far += int((np.abs(signs @ moved) / len(differences) >= abs(mean) - _ROUNDING).sum())
    return (as_far + 1) / (_PERMUTATIONS + 1)


def _blocks(rows: int, columns: int) -> list[int]:
    most = max(1, _AT_ONCE // columns)
    return [min(most, rows - done) for done in range(0, rows, most)]
