"""The runtime that fits a reranker and this machine, chosen when the first pair comes."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import ModelError
from hybridrag.models.automatic import RuntimeName, network_choice
from hybridrag.models.rerank_network import is_reranker_kept
from hybridrag.models.rerank_openvino import OpenVinoReranker
from hybridrag.models.rerank_pairs import Pair
from hybridrag.models.rerank_runtime import RerankRuntime
from hybridrag.models.rerank_spec import RerankerSpec
from hybridrag.models.rerank_torch import TorchReranker
from hybridrag.models.runtime import Precision

if TYPE_CHECKING:
    from hybridrag.models.rerank_runtime import Scores


def open_reranker(
    spec: RerankerSpec,
    *,
    cache: Path,
    device: str = "auto",
    runtime: RuntimeName = "auto",
    precision: Precision = "auto",
    notify: Callable[[str], None] = lambda _: None,
) -> AutomaticReranker:
    """The reranker of a spec. Nothing is loaded before the first pair."""
    return AutomaticReranker(spec, cache=cache, device=device, wanted=runtime, precision=precision, notify=notify)


class AutomaticReranker(RerankRuntime):
    """A `Reranker` that is OpenVINO on a CPU, or torch.

    `wanted` overrules the choice. `notify` tells of work that is done once a machine.
    """

    def __init__(
        self,
        spec: RerankerSpec,
        *,
        cache: Path,
        device: str = "auto",
        precision: Precision = "auto",
        wanted: RuntimeName = "auto",
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        super().__init__(spec, cache=cache, precision=precision)
        self._device = device
        self._wanted = wanted
        self._notify = notify
        self._choosing = threading.Lock()
        self._chosen: RerankRuntime | None = None

    @property
    def runtime(self) -> str:
        """`openvino` or `torch`, as chosen."""
        return self._runtime().runtime

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`, as chosen."""
        return self._runtime().device

    def load(self) -> None:
        self._runtime().load()

    def compute(self, pairs: list[Pair]) -> Scores:
        runtime = self._runtime()
        if self._cancelled.is_set():
            runtime.cancel()
        return runtime.compute(pairs)

    def cancel(self) -> None:
        super().cancel()
        if self._chosen is not None:
            self._chosen.cancel()

    def _runtime(self) -> RerankRuntime:
        with self._choosing:
            if self._chosen is None:
                self._chosen = self._choose()
            return self._chosen

    def _choose(self) -> RerankRuntime:
        spec, cache, precision, tokenizer = self.spec, self._cache, self.precision, self._tokenizer
        torch = TorchReranker(spec, cache=cache, device=self._device, precision=precision, tokenizer=tokenizer)
        if network_choice(device=self._device, wanted=self._wanted) == "torch":
            return torch
        if not is_reranker_kept(spec, cache=cache):
            self._notify(f"preparing the reranker {self.name} for this machine (once)")
        reranker = OpenVinoReranker(spec, cache=cache, precision=precision, tokenizer=tokenizer)
        try:
            reranker.load()
        except ModelError as exc:
            self.go_on()  # an interrupt may be what ended it
            if self._wanted == "openvino" or not importlib.util.find_spec("torch"):
                raise
            self._notify(f"{exc.message}; torch runs it instead")
            return torch
        return reranker
