"""The live objects of `eval generate`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridrag.evaluation.pseudo_questions import Made
    from hybridrag.flows.generate import Asking, Plan, Sample
    from hybridrag.types import Filter
    from hybridrag.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Generating:
    """Questions for the chosen collection. Nothing is opened before it is needed."""

    wiring: Wiring

    def draw(self, *, count: int, seed: int, wanted: Filter | None) -> Sample:
        """Chunks to ask about."""
        from hybridrag.flows.generate import draw

        return draw(self.wiring.store, self.wiring.settings.collection, count=count, seed=seed, wanted=wanted)

    def made_locally(self, sample: Sample, *, count: int) -> Made:
        from hybridrag.flows.generate import made_locally

        return made_locally(sample, count=count)

    def plan(self, sample: Sample, *, count: int) -> Plan:
        """What would be sent to the chosen provider."""
        from hybridrag.flows.generate import plan

        return plan(sample, count=count, local=self.wiring.provider.destination().local)

    def asking(self, sample: Sample) -> Asking:
        from hybridrag.flows.generate import Asking

        return Asking(
            collection=sample.collection.name,
            gateway=self.wiring.gateway,
            open_provider=self.wiring.provider.open,
            plain=self.wiring.provider.plain,
            known=self.wiring.known(sample.collection),
            spending=self.wiring.spending,
            notify=self.wiring.notify,
        )
