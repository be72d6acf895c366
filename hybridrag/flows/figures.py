"""What measuring a model finds: figures for each way of running it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from hybridrag.flows.sample import Asked
from hybridrag.models.measure import DEFAULT, Facts, Memory, Way


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """`seconds` is what a way's turn may take, `starts` how often each is started.

    `chunks` is the most texts that are measured with, `corpus` the most that questions are asked of.
    """

    seconds: float = 10.0
    starts: int = 3
    chunks: int = 300
    corpus: int = 2000


@dataclass(frozen=True, slots=True)
class Spread:
    """What was measured several times."""

    median: float
    least: float
    most: float

    @staticmethod
    def of(values: Sequence[float]) -> Spread:
        return Spread(statistics.median(values), min(values), max(values))

    def of_each(self, per: float) -> Spread:
        """The same in another unit: `per` for each one."""
        return Spread(self.median * per, self.least * per, self.most * per)


@dataclass(frozen=True, slots=True)
class Quality:
    """Mean nDCG@10 of dense search, and its interval of 95%."""

    ndcg: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way costs. Cosines are to sentence-transformers in float32, None where that cannot run here."""

    way: Way
    facts: Facts
    cold_seconds: Spread
    load_ms: Spread
    numpy_ms: Spread
    tokens_per_second: Spread
    texts_per_second: Spread
    query_ms: Spread
    memory: Memory
    least_cosine: float | None
    mean_cosine: float | None
    quality: Quality | None


@dataclass(frozen=True, slots=True)
class Failed:
    """A way that cannot run this model here."""

    way: Way
    reason: str


@dataclass(frozen=True, slots=True)
class ModelBench:
    """A model measured on `texts` texts of `tokens` tokens. `together` says whether the ways took turns."""

    model: str
    texts: int
    tokens: int
    rounds: int
    together: bool
    measured: Sequence[Measured]
    failed: Sequence[Failed]
    asked: Asked | None = None

    def times_default(self, way: Way) -> float | None:
        """How many times as fast as sentence-transformers' own `encode`; None where that was not measured."""
        rates = {found.way: found.tokens_per_second.median for found in self.measured}
        return rates[way] / rates[DEFAULT] if DEFAULT in rates else None
