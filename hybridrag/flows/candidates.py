"""The models that may be recommended: what the catalogue says of each, and what was measured of those that are here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hybridrag.errors import ModelError, UsageError
from hybridrag.flows.bench import Tell, bench, job_of
from hybridrag.flows.figures import BenchOptions, Measured
from hybridrag.flows.ground import Ground
from hybridrag.flows.machine import cores
from hybridrag.flows.recommend import Candidate, Figure, Ranking, Wishes, lasting_objections, qualities, rank
from hybridrag.flows.sample import Asked
from hybridrag.models import ModelSpec
from hybridrag.models.catalogue import Entry, catalogue
from hybridrag.models.cost import Speed, compute, compute_of, cost, guessed_speed
from hybridrag.models.locate import place_of
from hybridrag.models.measure import AUTOMATIC
from hybridrag.models.own_code import lists_some_revision

_TEXTS = 100
_SECONDS = 2.0
"""What a model is measured with: enough to tell twice the speed from once."""
_SHARE = 0.1
"""A language of at least this share of the documents must be one of the model's; the main one always."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """`current` is the model in use; `languages` counts the collection's documents, empty where nobody knows.

    `measured` are the models that were measured, by name; `asked` what their quality was measured with.
    """

    ranking: Ranking
    wishes: Wishes
    collection: str | None
    current: str | None
    languages: Mapping[str, int]
    measured: Sequence[str]
    asked: Asked | None

    @property
    def best(self) -> Candidate | None:
        return self.ranking.ranked[0] if self.ranking.ranked else None


def recommend(ground: Ground, wishes: Wishes, *, corpus: int, tell: Tell) -> Recommendation:
    """Weighs the catalogue, and the model in use where that is another one. Measures those that are on this machine.

    Without languages in `wishes`, those of the collection's documents are wished for. `corpus` is the most chunks that
    questions are asked of. Raises UsageError where the questions are about nothing here.
    """
    counted = _counted(ground)
    if not wishes.languages:
        wishes = replace(wishes, languages=_required(counted))
    survey = _Survey(ground, wishes, corpus=corpus, tell=tell)
    return Recommendation(
        ranking=rank(survey.candidates(), wishes),
        wishes=wishes,
        collection=ground.collection.name if ground.collection else None,
        current=survey.current.name if survey.current else None,
        languages=counted,
        measured=[*survey.costs],
        asked=survey.asked,
    )


def _counted(ground: Ground) -> dict[str, int]:
    if ground.collection is None or ground.open_store is None:
        return {}
    found = ground.open_store().count_languages(ground.collection)
    return {language: number for language, number in found.items() if language is not None}


def _required(counted: Mapping[str, int]) -> tuple[str, ...]:
    known = sum(counted.values())
    ordered = sorted(counted, key=lambda language: (-counted[language], language))
    return tuple(language for language in ordered if language == ordered[0] or counted[language] >= _SHARE * known)


class _Survey:
    """The candidates, and what was measured of those that are here."""

    def __init__(self, ground: Ground, wishes: Wishes, *, corpus: int, tell: Tell) -> None:
        self.costs: dict[str, Measured] = {}
        self.asked: Asked | None = None
        self.current = self._in_use(ground, tell)
        self._ground = ground
        self._tell = tell
        self._corpus = corpus
        self._broken: dict[str, str] = {}
        self._computes: list[tuple[float, Speed]] = []
        self._measure(self._worth_measuring(wishes))

    def candidates(self) -> list[Candidate]:
        """All of them, in the catalogue's order, a model in use that is not in it last."""
        measured = {
            name: Figure(found.quality.ndcg, "measured", found.quality.interval)
            for name, found in self.costs.items()
            if found.quality is not None
        }
        found = [self._candidate(entry) for entry in catalogue().values()]
        if self.current is not None and self.current.entry is None:
            found.append(self._own(self.current))
        published = {candidate.name: None for candidate in found} | {
            entry.name: entry.published_scifact for entry in catalogue().values()
        }
        known = qualities(measured, published)
        return [replace(candidate, quality=known[candidate.name]) for candidate in found]

    # --- measuring ---------------------------------------------------------------------------------------------------

    @staticmethod
    def _in_use(ground: Ground, tell: Tell) -> ModelSpec | None:
        try:
            return ground.current()
        except (ModelError, UsageError) as exc:  # not here, or behind an address
            tell(exc.message)
            return None

    def _worth_measuring(self, wishes: Wishes) -> list[ModelSpec]:
        """The models here that may be recommended; and a network by which to guess, where none of them is one."""
        found = []
        for entry in catalogue().values():
            candidate = self._candidate(entry)
            if candidate.here and not lasting_objections(candidate, wishes):
                found += self._spec(entry)
        if self.current is not None and self.current.entry is None:
            found.append(self.current)
        if all(spec.is_static for spec in found):
            others = [entry for entry in catalogue().values() if place_of(entry) and entry.architecture != "static"]
            own = [self.current] if self.current is not None and not self.current.is_static else []
            found += [*own, *(spec for entry in others for spec in self._spec(entry))][:1]
        return found

    def _spec(self, entry: Entry) -> list[ModelSpec]:
        try:
            return [self._ground.spec(entry.name)]
        except ModelError as exc:
            self._broken[entry.name] = exc.message
            return []

    def _measure(self, specs: Sequence[ModelSpec]) -> None:
        if not specs:
            return
        self._tell("reading texts")
        _, texts = self._ground.sample(specs[0], most=_TEXTS)
        self.asked = self._ground.asked(specs[0], most=self._corpus)
        options = BenchOptions(seconds=_SECONDS, starts=1)
        for spec in specs:
            job = job_of(spec, self._ground.settings, texts, self.asked)
            try:
                (found,) = bench(
                    job,
                    spec,
                    asked=self.asked,
                    options=options,
                    tell=lambda step, name=spec.name: self._tell(f"{Path(name).name}: {step}"),  # type: ignore[misc]
                    chosen=[AUTOMATIC],
                ).measured
            except ModelError as exc:
                self._broken[_name(spec)] = exc.message
                continue
            self.costs[_name(spec)] = found
            own = compute(spec.entry) if spec.entry else compute_of(spec)
            self._computes.append((own, Speed(found.tokens_per_second.median, found.query_ms.median)))

    # --- candidates --------------------------------------------------------------------------------------------------

    def _candidate(self, entry: Entry) -> Candidate:
        expected, known = cost(entry), self.costs.get(entry.name)
        speed = guessed_speed(expected.compute, self._computes, cores=cores())
        trusted = lists_some_revision(self._ground.settings.trusted_code, entry.name)
        return Candidate(
            name=entry.name,
            parameters=entry.parameters,
            disk=expected.disk,
            languages=frozenset(entry.languages),
            licence=entry.licence,
            own_code=entry.remote_code and not trusted,
            for_code=entry.code,
            here=place_of(entry) is not None,
            quality=None,
            broken=self._broken.get(entry.name, ""),
            **_figures(known, speed, memory=expected.memory),
        )

    def _own(self, spec: ModelSpec) -> Candidate:
        """The model in use that the catalogue does not know."""
        sizes = [file.stat().st_size for file in spec.path.rglob("*") if file.is_file()]
        own = compute_of(spec)
        speed = guessed_speed(own, self._computes, cores=cores())
        return Candidate(
            name=spec.name,
            parameters=sum(sizes) // 4,
            disk=sum(sizes),
            languages=None,
            licence=None,
            own_code=False,
            for_code=False,
            here=True,
            quality=None,
            broken=self._broken.get(spec.name, ""),
            **_figures(self.costs.get(spec.name), speed, memory=sum(sizes)),
        )


def _figures(known: Measured | None, speed: Speed, *, memory: int) -> dict[str, Figure]:
    if known is None:
        return {
            "tokens_per_second": Figure(speed.tokens_per_second, "estimated"),
            "query_ms": Figure(speed.query_ms, "estimated"),
            "memory": Figure(memory, "estimated"),
        }
    return {
        "tokens_per_second": Figure(known.tokens_per_second.median, "measured"),
        "query_ms": Figure(known.query_ms.median, "measured"),
        "memory": Figure(known.memory.process + known.memory.device, "measured"),
    }


def _name(spec: ModelSpec) -> str:
    return spec.entry.name if spec.entry else spec.name
