"""How sure a mean over questions is."""

from __future__ import annotations

from collections.abc import Sequence

_RESAMPLES = 2000


def mean_interval(values: Sequence[float], *, confidence: float = 0.95) -> tuple[float, float]:
    """The percentile bootstrap interval of a mean (Efron 1979), the same for the same values.

    Raises ValueError for no values.
    """
    import numpy as np

    if not values:
        raise ValueError("no values have no mean")
    data = np.asarray(values, dtype=np.float64)
    chosen = np.random.default_rng(0).integers(0, len(data), (_RESAMPLES, len(data)))
    means = data[chosen].mean(axis=1)
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)
