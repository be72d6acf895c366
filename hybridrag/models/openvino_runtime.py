"""Embedding on CPUs with OpenVINO: no torch in the process, two to three times its speed (docs/decisions/0004)."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.batches import batches
from hybridrag.models.checks import checked, wrong_width
from hybridrag.models.convert import converted
from hybridrag.models.runtime import Runtime
from hybridrag.models.spec import ModelSpec

if TYPE_CHECKING:
    from hybridrag.types import Vectors

_BATCH_TOKENS = 2048


class OpenVinoEmbedder(Runtime):
    """An `Embedder` on OpenVINO. The model is converted at its first use here, and loaded at the first text."""

    device = "cpu"
    runtime = "openvino"

    def __init__(self, spec: ModelSpec, *, cache: Path) -> None:
        super().__init__(spec, cache=cache)
        self._loading = threading.Lock()
        self._loaded: Any = None

    def load(self) -> None:
        """Converts and loads the model now. Raises ModelError where it cannot be converted."""
        self._network()

    def embed(self, texts: list[str]) -> Vectors:
        import numpy as np

        vectors: Vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        if not texts:
            return vectors
        queue = self._network()
        ids = self._tokenizer.model_ids(texts)
        failures: list[int] = []

        def collect(request: Any, rows: list[int]) -> None:
            found = request.get_output_tensor(0).data
            if found.shape[1] != self.dimensions:
                failures.append(found.shape[1])
            else:
                vectors[rows] = found

        queue.set_callback(collect)
        try:
            for rows in batches([len(row) for row in ids], _BATCH_TOKENS):
                longest = len(ids[rows[0]])
                tokens = np.full((len(rows), longest), self._tokenizer.padding_id, dtype=np.int64)
                mask = np.zeros((len(rows), longest), dtype=np.int64)
                for row, index in enumerate(rows):
                    tokens[row, : len(ids[index])] = ids[index]
                    mask[row, : len(ids[index])] = 1
                queue.start_async({"input_ids": tokens, "attention_mask": mask}, rows)
        finally:
            # Also when interrupted: a request that ends while the interpreter does aborts the process.
            queue.wait_all()
        if failures:
            raise wrong_width(self.name, found=failures[0], expected=self.dimensions)
        return checked(vectors, self.name)

    def _network(self) -> Any:
        with self._loading:
            if self._loaded is None:
                self._loaded = _compile(converted(self.spec, self.fingerprint, cache=self._cache), self.name)
            return self._loaded


def _compile(network: Path, name: str) -> Any:
    """A queue of requests, two for each stream: one computes while the next is filled."""
    # OpenVINO's telemetry forks a child that calls an analytics host; without the module there is none.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    core = openvino.Core()
    # bfloat16 where the processor computes in it; elsewhere it would be emulated, slowly.
    precision = "bf16" if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES") else "f32"
    streams = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        compiled = core.compile_model(
            str(network), "CPU", {"INFERENCE_PRECISION_HINT": precision, "NUM_STREAMS": str(streams)}
        )
    except RuntimeError as exc:
        raise ModelError(
            f"the converted model {name} in {network.parent} cannot be loaded",
            hint="remove that folder: it is made again",
        ) from exc
    return openvino.AsyncInferQueue(compiled, streams * 2)
