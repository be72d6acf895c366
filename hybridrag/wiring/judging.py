"""Settings to what judges a candidate: a gate, a comparison of two generations, and the plan of a reindex."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import UsageError
from hybridrag.types import Generation, GenerationStatus

if TYPE_CHECKING:
    from hybridrag.flows.compare_generations import Compared, CompareOptions
    from hybridrag.flows.evaluate import Asked, Asking
    from hybridrag.flows.gate import GateReport
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
        """Two generations by their numbers; None is the active one, and the newest of the others.

        Raises UsageError where there is no such one, or both are the same.
        """
        from hybridrag.store import GenerationGone
        from hybridrag.store.generations import Generations

        collection = self.wiring.collection()
        found = {one.generation.id: one for one in Generations(self.wiring.store.open()).list(collection)}
        for number in (before, after):
            if number is not None and number not in found:
                raise GenerationGone(collection.name, number)
        first = found[collection.generation.id if before is None else before]
        if after is None:
            after = self._candidate(found, first, collection.name)
        if first.generation.id == after:
            raise UsageError(
                f"generation {after} cannot be compared with itself", hint="hybridrag reindex status shows the others"
            )
        return first, found[after]

    def _candidate(self, found: dict[int, GenerationStatus], active: GenerationStatus, collection: str) -> int:
        others = [one.generation for one in found.values() if one is not active]
        if not others:
            raise UsageError(
                f"the collection {collection!r} has no second generation",
                hint="make one: hybridrag reindex start --embedder MODEL",
            )
        # One that was active before is the way back, and no candidate, while there is another.
        return max(others, key=lambda one: (one.state != "retired", one.id)).id
