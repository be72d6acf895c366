"""Settings to what judges a candidate: a gate, a comparison of two generations, and the plan of a reindex."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.config import names_endpoint
from hybridrag.errors import UsageError
from hybridrag.types import Generation, GenerationStatus

if TYPE_CHECKING:
    from hybridrag.flows.compare_generations import Compared, CompareOptions
    from hybridrag.flows.evaluate import Asked, Asking
    from hybridrag.flows.gate import GateReport
    from hybridrag.flows.reindex_plan import Plan
    from hybridrag.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Judging:
    """The chosen collection's generations, judged. Nothing is opened before it is needed, and nothing is changed."""

    wiring: Wiring

    def gate(self, path: Path, *, active: Generation, candidate: Generation, asking: Asking) -> GateReport:
        """Puts a candidate to the gate of a file. Raises ConfigError for a file that is none, UsageError for questions
        that cannot be read.
        """
        from hybridrag.evaluation.gate import read_gate
        from hybridrag.flows.gate import judge

        gate = read_gate(path)
        before, after = self.statuses(active.id, candidate.id)
        wiring = self.wiring
        return judge(
            wiring.store,
            wiring.collection(),
            gate,
            active=before,
            candidate=after,
            search=wiring.search,
            asking=asking,
        )

    def compare(
        self,
        asked: Asked | None,
        *,
        before: GenerationStatus,
        after: GenerationStatus,
        options: CompareOptions,
        asking: Asking,
    ) -> Compared:
        """Asks two generations the same questions; without `asked`, such as are made from the collection."""
        from hybridrag.flows.compare_generations import compare_generations

        wiring = self.wiring
        return compare_generations(
            wiring.store,
            wiring.collection(),
            asked,
            before=before,
            after=after,
            options=options,
            search=wiring.search,
            asking=asking,
        )

    def statuses(self, before: int | None, after: int | None) -> tuple[GenerationStatus, GenerationStatus]:
        """Two generations by their numbers; None is the active one, and the newest that is built beside it.

        Raises UsageError where there is no such one, or both are the same.
        """
        from hybridrag.flows.promotion import candidate
        from hybridrag.store.generations import Generations

        collection = self.wiring.collection()
        found = Generations(self.wiring.store.open()).list(collection)
        first = candidate(found, collection.generation.id if before is None else before)
        second = candidate(found, after)
        if first is second:
            raise UsageError(
                f"generation {first.generation.id} cannot be compared with itself",
                hint="hybridrag reindex status shows the others",
            )
        return first, second

    def plan(self, *, chunk_tokens: int | None = None, text_search: str | None = None) -> Plan:
        """What it would take to make a new generation with the model that the user named. Nothing is fetched or sent.

        Raises ModelError where that model is not on this machine.
        """
        from hybridrag.flows.reindex_plan import PlanOptions, plan
        from hybridrag.store.sizes import Sizes
        from hybridrag.wiring.models import is_here
        from hybridrag.wiring.reindexing import Reindexing

        wiring, models = self.wiring, self.wiring.models
        self._check_here()
        wanted = Reindexing(wiring).wanted(chunk_tokens=chunk_tokens, text_search=text_search)
        collection = wiring.collection()
        new = Generation(0, wanted.model, wanted.fingerprint, wanted.dimensions, 0, wanted.text_search)
        spec = models.of(replace(collection, generation=new))
        options = PlanOptions(here=is_here(spec), texts_leave=models.texts_leave(spec), free=self._free())
        with Sizes.open(wiring.store.open(), collection) as sizes:
            return plan(
                sizes,
                collection,
                wanted,
                chunker=models.chunker(spec, wanted.chunk_tokens),
                embedder=models.embedder(spec),
                options=options,
            )

    def _check_here(self) -> None:
        """Raises ModelError where a model that the user named would have to be fetched first."""
        settings = self.wiring.settings
        if settings.origins["embedder"] not in {"default", ""} and not names_endpoint(settings.embedder):
            self.wiring.ground(text=None, questions=None).spec(settings.embedder)

    def _free(self) -> int | None:
        """Bytes free where the embedded server keeps its data; None for a server elsewhere."""
        if self.wiring.server is None:
            return None
        return shutil.disk_usage(self.wiring.settings.paths.data).free
