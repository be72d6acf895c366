"""Recommend: the models that may be used, ranked by how well they find and what they cost here. Pure.

    score = 100 * nDCG@10 + log2(tokens/s / 1000) / 2 - log2(query ms / 10) / 2 - log2(memory / 1 GB) / 2

So twice the speed, of documents and queries, is worth as much as a hundredth of nDCG, and half the memory half of that.
The constraints come first: what violates one is not ranked, however good it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Literal

PERMISSIVE = frozenset({"Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "CC-BY-4.0", "CC0-1.0"})
"""SPDX identifiers of licences that let anybody use a model for anything."""
_LEAST = 1e-3
"""No figure counts as smaller: a logarithm needs more than nothing."""
Known = Literal["measured", "published", "estimated"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number and how it is known. `interval` of 95% where it is a mean that was measured."""

    value: float
    known: Known
    interval: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model as it would run here.

    `languages` are ISO 639-1 codes, None where nobody tells; `licence` an SPDX identifier, None likewise. `own_code`
    means that it needs code of its own that the user does not trust, `broken` why it does not run here. `memory` and
    `disk` are bytes, `query_ms` milliseconds in a warm process. `quality` is nDCG@10, None where nobody measured it.
    """

    name: str
    parameters: int
    disk: int
    languages: frozenset[str] | None
    licence: str | None
    own_code: bool
    for_code: bool
    here: bool
    memory: Figure
    tokens_per_second: Figure
    query_ms: Figure
    quality: Figure | None
    broken: str = ""

    @property
    def score(self) -> float:
        """What it is ranked by, in hundredths of nDCG. Unknown quality counts as none."""
        found = 100 * self.quality.value if self.quality else 0.0
        speed = log2(max(self.tokens_per_second.value / 1000, _LEAST))
        wait = log2(max(self.query_ms.value / 10, _LEAST))
        size = log2(max(self.memory.value / 1e9, _LEAST))
        return found + (speed - wait - size) / 2


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a model must be. `languages` must all be among its own; `max_memory` counts bytes."""

    languages: tuple[str, ...] = ()
    permissive: bool = True
    code: bool = False
    max_query_ms: float = 1000.0
    max_memory: float = 8e9


@dataclass(frozen=True, slots=True)
class Excluded:
    """A model that may not be used, and every reason."""

    candidate: Candidate
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ranking:
    """What may be used, best first, and what may not."""

    ranked: Sequence[Candidate]
    excluded: Sequence[Excluded]


def rank(candidates: Iterable[Candidate], wishes: Wishes) -> Ranking:
    """The candidates by score; those made for code first where that is wanted, those of unknown quality last."""
    ranked, excluded = [], []
    for candidate in candidates:
        reasons = objections(candidate, wishes)
        if reasons:
            excluded.append(Excluded(candidate, reasons))
        else:
            ranked.append(candidate)

    def place(candidate: Candidate) -> tuple[bool, bool, float, str]:
        unfit = wishes.code and not candidate.for_code
        return unfit, candidate.quality is None, -candidate.score, candidate.name

    return Ranking(sorted(ranked, key=place), sorted(excluded, key=lambda found: found.candidate.name))


def objections(candidate: Candidate, wishes: Wishes) -> tuple[str, ...]:
    """Why a model may not be used, for people; none where it may."""
    return (*lasting_objections(candidate, wishes), *_too_dear(candidate, wishes))


def lasting_objections(candidate: Candidate, wishes: Wishes) -> tuple[str, ...]:
    """Those that no measurement could change."""
    found = []
    if wishes.languages and candidate.languages is None:
        found.append("its languages are not known")
    elif missing := [code for code in wishes.languages if code not in (candidate.languages or ())]:
        found.append(f"does not know {', '.join(missing)}")
    if wishes.permissive and candidate.licence not in PERMISSIVE:
        found.append(f"its licence, {candidate.licence or 'unknown'}, is not permissive (--licence any)")
    if candidate.own_code:
        found.append("needs code of its own, which is not trusted (trusted_code in your settings)")
    if candidate.for_code and not wishes.code:
        found.append("made for source code (--code)")
    if candidate.broken:
        found.append(f"does not run here: {candidate.broken}")
    return tuple(found)


def _too_dear(candidate: Candidate, wishes: Wishes) -> tuple[str, ...]:
    found = []
    if candidate.query_ms.value > wishes.max_query_ms:
        found.append(f"a query takes more than {wishes.max_query_ms:,.0f} ms here (--max-latency-ms)")
    if candidate.memory.value > wishes.max_memory:
        found.append(f"takes more than {wishes.max_memory / 1e9:,.1f} GB of memory (--max-memory)")
    return tuple(found)


def why(candidate: Candidate, first: Candidate) -> str:
    """What a ranked model gains and loses against the first of the ranking, for people."""
    if candidate is first:
        return "the best of nDCG, speed and memory together"
    parts = []
    if candidate.quality is None:
        parts.append("nobody published how well it finds")
    elif first.quality is not None:
        difference = candidate.quality.value - first.quality.value
        parts.append(f"{difference:+.3f} nDCG".replace("0.", ".", 1) if round(difference, 3) else "the same nDCG")
    speed = candidate.tokens_per_second.value / max(first.tokens_per_second.value, _LEAST)
    parts.append(
        f"{speed:,.1f}x as fast"
        if speed >= 1.05
        else f"{1 / max(speed, _LEAST):,.1f}x slower"
        if speed < 0.95
        else "as fast"
    )
    memory = candidate.memory.value / max(first.memory.value, _LEAST)
    if not 0.8 < memory < 1.25:
        parts.append(f"{memory:,.1f}x the memory")
    return ", ".join(parts)


# --- quality ---------------------------------------------------------------------------------------------------------


def qualities(measured: Mapping[str, Figure], published: Mapping[str, float | None]) -> dict[str, Figure | None]:
    """A figure for each name in `published`: what was measured, or else what was published.

    Figures of two datasets are on two scales. So where some models were measured, the others get the lower of two
    guesses: their published distance to the measured ones kept as it is, and their published misses (`1 - nDCG`) scaled
    by what the measured ones miss here. The first hides no loss on easy questions, the second promises no more than
    there is to gain.
    """
    both = [
        (figure.value, told)
        for name, figure in measured.items()
        if (told := published.get(name)) is not None and told < 1
    ]
    here, there = (sum(values) / len(both) for values in zip(*both, strict=True)) if both else (0.0, 0.0)

    def figure(name: str, told: float | None) -> Figure | None:
        if name in measured:
            return measured[name]
        if told is None or (measured and not both):
            return None
        if not measured:
            return Figure(told, "published")
        guess = min(here + told - there, 1 - (1 - told) * (1 - here) / (1 - there))
        return Figure(min(max(guess, 0.0), 1.0), "estimated")

    return {name: figure(name, told) for name, told in published.items()}
