"""Reranking on CPUs with OpenVINO: no torch in the process."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.models.batches import batches
from hybridrag.models.openvino_runtime import (
    BATCH_TOKENS,
    FEW,
    LENGTH_STEP,
    CompiledNetwork,
    compile_network,
    cpu_format,
)
from hybridrag.models.rerank_network import reranker_network
from hybridrag.models.rerank_pairs import Pair, PairTokenizer
from hybridrag.models.rerank_runtime import RerankRuntime
from hybridrag.models.rerank_spec import RerankerSpec
from hybridrag.models.runtime import Precision

if TYPE_CHECKING:
    from hybridrag.models.rerank_runtime import Scores


class OpenVinoReranker(RerankRuntime):
    """A `Reranker` on OpenVINO. The network is made at the model's first use here, and loaded at the first pair."""

    device = "cpu"
    runtime = "openvino"

    def __init__(
        self,
        spec: RerankerSpec,
        *,
        cache: Path,
        precision: Precision = "auto",
        tokenizer: PairTokenizer | None = None,
    ) -> None:
        super().__init__(spec, cache=cache, precision=precision, tokenizer=tokenizer)
        self._loading = threading.Lock()
        self._network: CompiledNetwork | None = None

    def load(self, *, many: bool = True) -> None:
        self._tokenizer.load()
        self._loaded(many=many)

    def compute(self, pairs: list[Pair]) -> Scores:
        import numpy as np

        scores: Scores = np.zeros(len(pairs), dtype=np.float32)
        work = list(batches([len(pair.ids) for pair in pairs], BATCH_TOKENS))
        network = self._loaded(many=len(work) > FEW)

        def run(rows: list[int]) -> None:
            self.go_on()
            self.put(scores, rows, network.infer(self.inputs([pairs[row] for row in rows], multiple=LENGTH_STEP)))

        network.run(run, work)
        return scores

    def _loaded(self, *, many: bool) -> CompiledNetwork:
        with self._loading:
            if self._network is None or (many and self._network.streams == 1):
                file = reranker_network(self.spec, cache=self._cache, tokenizer=self._tokenizer)
                format_ = cpu_format(self.spec, self.precision)
                self._network = compile_network(file, name=self.name, format_=format_, many=many)
            return self._network
