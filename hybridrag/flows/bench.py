"""Bench: what a model costs on this machine in every way of running it, all of them measured in turns.

Each way has a process of its own (`models.measure`). The ways take turns with the same texts, so that whatever else the
machine is doing falls on all alike.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hybridrag.config import Settings
from hybridrag.errors import ModelError
from hybridrag.evaluation import dense_ndcg, mean_interval
from hybridrag.flows.figures import BenchOptions, Failed, Measured, ModelBench, Quality, Spread
from hybridrag.flows.ground import Ground
from hybridrag.flows.sample import Asked
from hybridrag.models import FastTokenizer, ModelSpec
from hybridrag.models.measure import DEFAULT, REFERENCE, Facts, Job, Memory, Probe, Way, free_memory, ways, write_job

if TYPE_CHECKING:
    from hybridrag.types import Vectors

_ROUNDS = 3
_MOST_ROUNDS = 15
_TRIAL = 16
_TRIALS = 3
"""So many texts, so often, tell about how fast a way is before anything counts."""
_QUERIES = 20
_OVERHEAD = 700_000_000
_COPIES = 3
"""Bytes of memory that a way may take at most: so many, and its weights so many times. Measured: about half of it."""
Tell = Callable[[str], None]
Found = TypeVar("Found")


def bench_models(
    names: Sequence[str], ground: Ground, *, options: BenchOptions, tell: Tell
) -> tuple[str, list[ModelBench]]:
    """Whose texts were measured with, and each model measured; without names the collection's or the settings' model.

    Raises ModelError where a model is not on this machine, UsageError where there is no text.
    """
    specs = [ground.spec(name) for name in dict.fromkeys(names)] or [ground.current()]
    tell("reading texts")
    origin, texts = ground.sample(specs[0], most=options.chunks)
    asked = ground.asked(specs[0], most=options.corpus)
    return origin, [
        bench(job_of(spec, ground.settings, texts, asked), spec, asked=asked, options=options, tell=tell)
        for spec in specs
    ]


def job_of(spec: ModelSpec, settings: Settings, texts: Sequence[str], asked: Asked | None) -> Job:
    """A model with the texts it is measured with."""
    return Job(
        model=spec.name,
        cache=settings.paths.cache,
        dimensions=spec.dimensions,
        texts=texts,
        corpus=asked.texts if asked else (),
        questions=[*asked.questions.texts.values()] if asked else (),
        trusted=settings.trusted_code,
        device=settings.device,
    )


def bench(
    job: Job, spec: ModelSpec, *, asked: Asked | None, options: BenchOptions, tell: Tell, chosen: Sequence[Way] = ()
) -> ModelBench:
    """Measures a model in every way that this machine has, or in the `chosen` ones.

    `asked` is what the job's corpus and questions are. Raises ModelError where no way can run the model.
    """
    with tempfile.TemporaryDirectory(prefix="hybridrag-bench-") as folder:
        tokens = [min(count, spec.window) for count in FastTokenizer(spec).count(job.texts)]
        turns = _Turns(write_job(job, Path(folder)), tokens, asked, options=options, tell=tell)
        usable = turns.prepare(chosen or ways(spec))
        together = _need(spec) * len(usable) < free_memory()
        for group in [usable] if together else [[way] for way in usable]:
            turns.measure(group)
        if not turns.taken:
            reasons = "; ".join(f"{failed.way.name}: {failed.reason}" for failed in turns.failed)
            raise ModelError(
                f"nothing here can run the model {spec.name}" + (f" ({reasons})" if reasons else ""),
                hint="is openvino or torch installed? `hybridrag doctor` tells what is missing",
            )
        measured = turns.results()
    return ModelBench(
        model=spec.name,
        texts=turns.first,
        tokens=sum(tokens[: turns.first]),
        rounds=min(len(taken.seconds) for taken in turns.taken.values()),
        together=together,
        measured=measured,
        failed=turns.failed,
        asked=asked,
    )


def _need(spec: ModelSpec) -> int:
    """Bytes of memory that a way may take at most, roughly."""
    weights = sum(file.stat().st_size for file in spec.path.rglob("*.safetensors"))
    graph = sum(file.stat().st_size for file in spec.graph.parent.glob(f"{spec.graph.stem}*")) if spec.graph else 0
    return _OVERHEAD + _COPIES * max(weights, graph)


@dataclass(slots=True)
class _Taken:
    """What was measured of one way until now."""

    starts: list[Facts]
    cold: list[float]
    seconds: list[float]
    vectors: Vectors | None = None
    query_ms: Sequence[float] = ()
    memory: Memory | None = None
    quality: Quality | None = None


class _Turns:
    """Ways taking turns. One that fails leaves, and the others go on."""

    def __init__(
        self, job: Path, tokens: Sequence[int], asked: Asked | None, *, options: BenchOptions, tell: Tell
    ) -> None:
        self.taken: dict[Way, _Taken] = {}
        self.failed: list[Failed] = []
        self.first = 0
        self._job = job
        self._tokens = tokens
        self._asked = asked
        self._options = options
        self._tell = tell

    def prepare(self, chosen: Sequence[Way]) -> list[Way]:
        """Has networks made that are made once a machine, so that no start pays for it. Returns what can run."""
        usable = []
        for way in chosen:
            if way.kind in {"openvino", "auto"}:
                self._tell(f"preparing {way.name}")
                try:
                    Probe(self._job, way).close()
                except ModelError as exc:
                    self.failed.append(Failed(way, exc.message))
                    continue
            usable.append(way)
        return usable

    def measure(self, group: Sequence[Way]) -> None:
        with ExitStack() as stack:
            probes = self._started(group, stack)
            if not self.first and probes:
                self.first = self._affordable(probes)
            self._tell(f"warming up with {self.first} texts")
            for way, vectors in self._each(probes, lambda probe: probe.vectors("texts", first=self.first)).items():
                self.taken[way].vectors = vectors
            self._rounds(probes)
            self._tell("single queries and memory")
            for way, times in self._each(probes, lambda probe: probe.query_ms(times=_QUERIES)).items():
                self.taken[way].query_ms = times
            for way, memory in self._each(probes, Probe.memory).items():
                self.taken[way].memory = memory
            if self._asked is not None:
                for way, quality in self._each(probes, self._quality).items():
                    self.taken[way].quality = quality

    def results(self) -> list[Measured]:
        reference = self._reference()
        return [
            _measured(way, taken, sum(self._tokens[: self.first]), self.first, reference)
            for way, taken in self.taken.items()
        ]

    def _started(self, group: Sequence[Way], stack: ExitStack) -> dict[Way, Probe]:
        """Every way started as often as wanted, in turns; the last processes stay."""
        running: dict[Way, Probe] = {}
        alive = list(group)
        for number in range(1, self._options.starts + 1):
            for way in list(alive):
                self._tell(f"start {number} of {self._options.starts}: {way.name}")
                try:
                    probe = Probe(self._job, way)
                except ModelError as exc:
                    self._drop(way, exc)
                    alive.remove(way)
                    continue
                taken = self.taken.setdefault(way, _Taken([], [], []))
                taken.cold.append(probe.cold_seconds)
                taken.starts.append(probe.facts)
                if number < self._options.starts:
                    probe.close()
                else:
                    running[way] = stack.enter_context(probe)
        return running

    def _affordable(self, probes: dict[Way, Probe]) -> int:
        """How many texts the slowest way embeds in its share of the time, and a few at least."""
        self._tell("trying how fast they are")
        few = min(_TRIAL, len(self._tokens))
        tried = [self._each(probes, lambda probe: probe.seconds("texts", first=few)) for _ in range(_TRIALS)]
        slowest = max((min(found[way] for found in tried) for way in probes), default=1.0)
        return max(few, min(len(self._tokens), int(few * self._options.seconds / slowest)))

    def _rounds(self, probes: dict[Way, Probe]) -> None:
        spent = longest = 0.0
        budget = self._options.seconds * len(probes)
        for number in range(1, _MOST_ROUNDS + 1):
            if number > _ROUNDS and spent + longest > budget:
                break
            self._tell(f"round {number}")
            found = self._each(probes, lambda probe: probe.seconds("texts", first=self.first))
            for way, seconds in found.items():
                self.taken[way].seconds.append(seconds)
            longest = max(longest, sum(found.values()))
            spent += sum(found.values())

    def _quality(self, probe: Probe) -> Quality:
        assert self._asked is not None
        self._tell(f"questions: {probe.way.name}")
        values = asked_of(probe, self._asked)
        return Quality(statistics.fmean(values), mean_interval(values))

    def _reference(self) -> Vectors | None:
        taken = self.taken.get(DEFAULT)
        if taken is None or taken.starts[-1].format == "float32":
            return None if taken is None else taken.vectors
        self._tell("the reference: float32")
        try:
            with Probe(self._job, REFERENCE) as probe:
                return probe.vectors("texts", first=self.first)
        except ModelError:
            return None

    def _each(self, probes: dict[Way, Probe], task: Callable[[Probe], Found]) -> dict[Way, Found]:
        """`task` for each probe in turn; those that fail leave."""
        found = {}
        for way, probe in list(probes.items()):
            try:
                found[way] = task(probe)
            except ModelError as exc:
                self._drop(way, exc)
                probes.pop(way).close()
        return found

    def _drop(self, way: Way, exc: ModelError) -> None:
        self.failed.append(Failed(way, exc.message))
        self.taken.pop(way, None)


def asked_of(probe: Probe, asked: Asked) -> list[float]:
    """nDCG@10 of each question, by dense search over the whole corpus of the probe's job."""
    grades: Sequence[Mapping[str, int]] = [asked.questions.qrels[question] for question in asked.questions.texts]
    return dense_ndcg(probe.vectors("corpus"), asked.owners, probe.vectors("questions"), grades)


def _measured(way: Way, taken: _Taken, tokens: int, texts: int, reference: Vectors | None) -> Measured:
    assert taken.memory is not None  # those that failed have left
    cosines = None
    if reference is not None and taken.vectors is not None:
        cosines = (reference * taken.vectors).sum(axis=1)
    rates = [1 / seconds for seconds in taken.seconds]
    return Measured(
        way=way,
        facts=taken.starts[-1],
        cold_seconds=Spread.of(taken.cold),
        load_ms=Spread.of([facts.load_ms for facts in taken.starts]),
        numpy_ms=Spread.of([facts.numpy_ms for facts in taken.starts]),
        tokens_per_second=Spread.of(rates).of_each(tokens),
        texts_per_second=Spread.of(rates).of_each(texts),
        query_ms=Spread.of(taken.query_ms),
        memory=taken.memory,
        least_cosine=None if cosines is None else float(cosines.min()),
        mean_cosine=None if cosines is None else float(cosines.mean()),
        quality=taken.quality,
    )
