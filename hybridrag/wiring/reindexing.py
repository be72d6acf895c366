"""Settings to what `reindex` needs: the generations of the chosen collection, and workers that fill them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import BlockedByPolicy, CollectionBusy, ModelError, UsageError
from hybridrag.types import Collection, Generation, GenerationStatus
from hybridrag.wiring.indexable import check_dimensions, check_text_search, lasting_name

if TYPE_CHECKING:
    from hybridrag.flows.evaluate import Asking
    from hybridrag.flows.gate import GateReport
    from hybridrag.flows.progress import Progress
    from hybridrag.flows.promotion import Collected
    from hybridrag.flows.reindex import Worked
    from hybridrag.models import EndpointModel, ModelSpec
    from hybridrag.store.generations import Generations, Lacking, Wanted
    from hybridrag.wiring import Wiring


class Reindexing:
    """What the `reindex` verbs do with the chosen collection. Another run is waited for up to `wait` seconds."""

    def __init__(self, wiring: Wiring, *, wait: float = 0) -> None:
        self._wiring = wiring
        self._wait = wait

    @cached_property
    def collection(self) -> Collection:
        """The chosen collection with its active generation as it was when this was first asked."""
        return self._wiring.collection()

    @cached_property
    def generations(self) -> Generations:
        from hybridrag.store.generations import Generations

        return Generations(self._wiring.store.open(), wait=self._wait)

    def status(self) -> list[GenerationStatus]:
        """Every generation of the collection, the oldest first."""
        return self.generations.list(self.collection)

    def candidate(self, number: int | None = None) -> GenerationStatus:
        """The generation that is meant: by its number, or the newest that is being built."""
        from hybridrag.flows.promotion import candidate

        return candidate(self.status(), number)

    def of(self, generation: Generation) -> Collection:
        """The collection, with another generation of it."""
        return replace(self.collection, generation=generation)

    # --- building ----------------------------------------------------------------------------------------------------

    def wanted(self, *, chunk_tokens: int | None = None, text_search: str | None = None) -> Wanted:
        """What a new generation would be made with: the model that the user named, and what is said of the chunks.

        The rest is as in the active generation. Where nothing is named, it is the model of the settings. Nothing is
        written.
        """
        from hybridrag.flows.chunked import chunking_parameters, digest
        from hybridrag.store.generations import Wanted

        if text_search is not None:
            check_text_search(text_search, said_by="--text-search")
        active = self.collection.generation
        spec, name = self._model(only_chunks=chunk_tokens is not None or text_search is not None)
        embedder = self._wiring.models.embedder(spec)
        check_dimensions(spec.name, embedder)
        tokens = chunk_tokens if chunk_tokens is not None else active.chunk_tokens
        stemming = text_search or active.text_search
        parameters = chunking_parameters(self._wiring.models.chunker(spec, tokens), stemming)
        return Wanted(name, embedder.fingerprint, embedder.dimensions, parameters, digest(parameters), stemming, tokens)

    def _model(self, *, only_chunks: bool) -> tuple[ModelSpec | EndpointModel, str]:
        """The model of the new generation, with its name. With `only_chunks` a model is changed by a flag only."""
        settings, models = self._wiring.settings, self._wiring.models
        flagged = {name for name in ("embedder", "dims", "precision") if settings.origins[name] == f"--{name}"}
        if "embedder" not in flagged and (only_chunks or flagged or settings.origins["embedder"] in {"default", ""}):
            if not flagged:
                return models.of(self.collection), self.collection.embedder
            own = self._wiring.under(replace(settings, embedder=self.collection.embedder)).models
            return own.chosen(), self.collection.embedder
        return models.chosen(), lasting_name(settings.embedder)

    def start(self, wanted: Wanted) -> GenerationStatus:
        """A generation with all it lacks in its queues; the one there is, where it was begun before."""
        self._refuse_what_leaves(self._wiring.models.find(wanted.model))
        generation = self.generations.start(self.collection, wanted)
        return self.candidate(generation.id)

    def work(self, status: GenerationStatus, *, progress: Progress) -> Worked:
        """Fills a generation until it lacks nothing. Others may do so at the same time."""
        from hybridrag.flows.reindex import Reindex
        from hybridrag.store.work import Worker

        models, collection = self._wiring.models, self.of(status.generation)
        spec = models.of(collection)
        self._refuse_what_leaves(spec)
        embedder = models.checked(spec, collection.generation, keep=True)
        if embedder.fingerprint != collection.generation.fingerprint:
            raise ModelError(
                f"the model {spec.name} on this machine is not that of generation {collection.generation.id}",
                hint=f"fetch the same revision of {collection.embedder}",
            )
        with ExitStack() as stack:
            worker = stack.enter_context(Worker.open(self._wiring.store.open(), collection))
            return Reindex(
                worker,
                store=self._wiring.store,
                generations=self.generations,
                chunker=models.chunker(spec, collection.generation.chunk_tokens),
                embedder=embedder,
                progress=progress,
                notify=self._wiring.notify,
            ).until_complete()

    def reinspect(self, *, progress: Progress) -> int:
        """Has documents searched that the present detectors have not searched; how many there were."""
        from hybridrag.flows.reinspect import reinspect

        return reinspect(self._wiring.store, self.collection, self._wiring.privacy.inspector, progress)

    def lacking(self) -> list[GenerationStatus]:
        """The generations that there is work for, those first that are to serve."""
        order = {"building": 0, "ready": 1, "active": 2, "retired": 3}
        found = [status for status in self.status() if not status.complete or status.generation.state == "building"]
        return sorted(found, key=lambda status: (order[status.generation.state], -status.generation.id))

    def _refuse_what_leaves(self, spec: ModelSpec | EndpointModel) -> None:
        if not self._wiring.models.texts_leave(spec):
            return
        guarded = self.generations.count_local_only(self.collection)
        if guarded:
            raise BlockedByPolicy(
                f"{guarded} documents of {self.collection.name!r} are labelled local-only, and the embedding model is "
                "remote; nothing was sent",
                hint="choose a model on this machine, or remove those documents from the collection",
            )

    def judge(self, gate: Path, status: GenerationStatus, *, asking: Asking) -> GateReport:
        """Puts a generation to the gate of a file, beside the active one. The report is kept, without its questions."""
        from hybridrag.flows.gate import gate_json
        from hybridrag.wiring.judging import Judging

        judging = Judging(self._wiring)
        found = judging.gate(gate, active=self.collection.generation, candidate=status.generation, asking=asking)
        self.generations.keep_gate(status.generation.id, gate_json(found, texts=False))
        return found

    # --- serving -----------------------------------------------------------------------------------------------------

    def promote(
        self,
        status: GenerationStatus,
        *,
        progress: Progress,
        share: int | None = None,
        force: bool = False,
        back: bool = False,
    ) -> GenerationStatus:
        """Has a generation serve, or answer a share of the questions; what changed meanwhile is brought in first.

        `back` takes a promotion back.
        """
        from hybridrag.flows.promotion import promote

        def catch_up(lacking: Lacking) -> None:
            self._wiring.notify(
                f"{lacking.documents:,} documents and {lacking.texts:,} texts changed since; bringing them in first"
            )
            self.work(status, progress=progress)

        promote(self.generations, self.collection, status, catch_up=catch_up, share=share, force=force, back=back)
        with suppress(CollectionBusy):  # a run that began since then does the same at its end
            self._settle(status.generation)
        return self.candidate(status.generation.id)

    def _settle(self, generation: Generation) -> None:
        """What a worker that was killed at its end left undone: vectors without a chunk go, and a sample is taken."""
        from hybridrag.flows.sampled import keep_sample

        with self._wiring.store.ingest_run(self.of(generation)) as run:
            run.drop_orphans()
            if run.lacks_sample():
                keep_sample(run)

    def rollback(self, *, progress: Progress) -> GenerationStatus:
        """Has the generation serve that served before."""
        from hybridrag.flows.promotion import previous

        # It has served, whatever a gate said of it later.
        return self.promote(previous(self.status()), progress=progress, force=True, back=True)

    def collect(self, *, grace: timedelta, named: Sequence[int] = (), dry_run: bool = False) -> Collected:
        """Removes generations: those `named`, or the retired ones whose grace period is over."""
        from hybridrag.flows.promotion import Collected, candidate, overdue

        found = self.status()
        collected = overdue(found, grace=grace)
        if named:
            collected = Collected(tuple(candidate(found, number) for number in dict.fromkeys(named)), ())
            if any(status.generation.state == "active" for status in collected.dropped):
                raise UsageError(
                    f"generation {self.collection.generation.id} serves the collection {self.collection.name!r}",
                    hint="promote another one first",
                )
        if collected.dropped and not dry_run:
            self.generations.drop(self.collection, [status.generation.id for status in collected.dropped])
        return collected
