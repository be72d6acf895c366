"""What `doctor` looks at: one probe for each part of an installation."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from hybridrag.errors import ModelError
from hybridrag.wiring.doctor_database import DatabaseProbes
from hybridrag.wiring.doctor_parsing import ParsingProbes
from hybridrag.wiring.doctor_privacy import PrivacyProbes
from hybridrag.wiring.models import is_here

if TYPE_CHECKING:
    from hybridrag.wiring import Wiring


class Probes:
    """Each method tells what it found well, raises a Concern, or fails with a HybridragError."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def all(self) -> list[tuple[str, Callable[[], str]]]:
        first, then = ("settings", "database"), ("model", "collection", "reranker")
        return [
            *((name, getattr(self, name)) for name in first),
            *DatabaseProbes(self._wiring).all(),
            *((name, getattr(self, name)) for name in then),
            *ParsingProbes(self._wiring).all(),
            *PrivacyProbes(self._wiring).all(),
        ]

    def settings(self) -> str:
        layers = dict.fromkeys(origin for origin in self._wiring.settings.origins.values() if origin != "default")
        return "from " + ", ".join(layers) if layers else "all defaults"

    def database(self) -> str:
        self._wiring.store.migrate()
        versions = self._wiring.store.versions()
        kind = "embedded" if self._wiring.server is not None else "configured"
        return f"{kind} PostgreSQL {versions['server']} with pgvector {versions['pgvector']}"

    def model(self) -> str:
        spec = self._wiring.models.chosen()
        embedder = self._wiring.models.embedder(spec)
        embedder.load()
        started = time.perf_counter()
        vector = embedder.embed_query("ready?")
        where = f"{embedder.runtime} on {embedder.device}"
        if not is_here(spec):
            took = (time.perf_counter() - started) * 1000
            place = "local" if self._wiring.models.endpoint(spec).local else "remote"
            where = f"endpoint, {place}, {embedder.device} answers in {took:.0f} ms, its vectors are steady"
        return f"{spec.name}: {len(vector)} dimensions, window {spec.window} tokens, {where}"

    def collection(self) -> str:
        from hybridrag.flows.doctor import Concern

        name = self._wiring.settings.collection
        rows = {row["name"]: row for row in self._wiring.store.list_collections()}
        if name not in rows:
            raise Concern(f"there is no collection {name!r} yet", f"hybridrag ingest -c {name} PATH")
        collection = self._wiring.collection()
        embedder = self._wiring.models.embedder_of(collection)
        if embedder.fingerprint != collection.generation.fingerprint:
            raise ModelError(
                f"the model of {name!r} on this machine is not the one that made it",
                hint=f"fetch the same revision of {collection.embedder}",
            )
        agree = ", its probes agree" if embedder.check() else ""
        size = f"{rows[name]['documents']} documents, {rows[name]['chunks']} chunks"
        return f"{name}: {size}, {collection.embedder}{agree}"

    def reranker(self) -> str:
        """A reranker can make hits worse, so one that is always used should have been measured."""
        from hybridrag.flows.doctor import Concern

        settings = self._wiring.settings
        reranker = self._wiring.models.rerankers.chosen
        if reranker is None:
            return "none: hits are in the order of the fusion"
        reranker.rerank("ready?", ["ready"])
        if not settings.rerank:
            return f"{reranker.name}, used with --rerank"
        measure = "hybridrag eval compare hybrid hybrid+rerank QUESTIONS"
        if self._wiring.store.find_collection(settings.collection) is None:
            return f"{reranker.name}, used by every search"
        gain = self._wiring.evaluating.reranker_gain()
        if gain is None or gain.reranker != reranker.name:
            raise Concern(f"{reranker.name} is used by every search, and was never measured here", measure)
        if not (gain.told and gain.difference > 0):
            raise Concern(
                f"{reranker.name} is used by every search, and was not better on {gain.dataset} "
                f"({gain.difference:+.3f} nDCG@10)",
                f"set rerank = false, or measure again: {measure}",
            )
        return f"{reranker.name}, used by every search; {gain.difference:+.3f} nDCG@10 on {gain.dataset}"
