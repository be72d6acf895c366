"""Reranking with torch on CPU, CUDA or MPS."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.batches import batches
from hybridrag.models.rerank_pairs import Pair, PairTokenizer
from hybridrag.models.rerank_runtime import RerankRuntime
from hybridrag.models.rerank_scorer import load_scorer
from hybridrag.models.rerank_spec import RerankerSpec
from hybridrag.models.runtime import Precision
from hybridrag.models.torch_model import best_device, fast_formats, number_format
from hybridrag.models.torch_runtime import BATCH_TOKENS, check_device, on_every_core

if TYPE_CHECKING:
    from hybridrag.models.rerank_runtime import Scores


class TorchReranker(RerankRuntime):
    """A `Reranker` on torch. The model is loaded when the first pair comes."""

    runtime = "torch"

    def __init__(
        self,
        spec: RerankerSpec,
        *,
        cache: Path,
        device: str = "auto",
        precision: Precision = "auto",
        tokenizer: PairTokenizer | None = None,
    ) -> None:
        super().__init__(spec, cache=cache, precision=precision, tokenizer=tokenizer)
        self._wanted_device = device
        self._loading = threading.Lock()
        self._scorer: Any = None

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`, as chosen."""
        return self._torch_device().partition(":")[0]

    def load(self) -> None:
        self._tokenizer.load()
        self._loaded()

    def compute(self, pairs: list[Pair]) -> Scores:
        import numpy as np
        import torch

        scorer, device = self._loaded(), self._torch_device()
        scores: Scores = np.zeros(len(pairs), dtype=np.float32)

        def run(rows: list[int]) -> None:
            self.go_on()
            inputs = self.inputs([pairs[row] for row in rows])
            tensors = {name: torch.from_numpy(part).to(device, non_blocking=True) for name, part in inputs.items()}
            with torch.inference_mode():
                self.put(scores, rows, scorer(**tensors).cpu().numpy())

        work = list(batches([len(pair.ids) for pair in pairs], BATCH_TOKENS.get(self.device, 16_384)))
        if self.device == "cpu" and len(work) > 1:
            on_every_core(run, [(rows,) for rows in work])
        else:
            for rows in work:
                run(rows)
        return scores

    def _torch_device(self) -> str:
        return self._wanted_device if self._wanted_device != "auto" else best_device()

    def _loaded(self) -> Any:
        with self._loading:
            if self._scorer is None:
                self._scorer = self._load()
            return self._scorer

    def _load(self) -> Any:
        spec, device = self.spec, self._torch_device()
        check_device(device)
        if spec.graph is not None and not any(spec.path.glob("*.safetensors")):
            raise ModelError(
                f"the reranker {spec.name} ships a graph only, which torch does not run", hint="use openvino"
            )
        dtype = number_format(
            device.partition(":")[0],
            precision=self.precision,
            tolerated=spec.entry.formats if spec.entry else None,
            able=fast_formats(device),
        )
        answers = None if spec.template is None else self._tokenizer.answers()
        return load_scorer(spec.path, name=spec.name, device=device, dtype=dtype, answers=answers, trusted=spec.trusted)
