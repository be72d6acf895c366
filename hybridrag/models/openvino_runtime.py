"""Embedding on CPUs with OpenVINO: no torch in the process, several times its speed (docs/decisions/0004)."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.batches import batches, padded
from hybridrag.models.checks import wrong_width
from hybridrag.models.network import network_file
from hybridrag.models.openvino_library import import_openvino
from hybridrag.models.runtime import Precision, Runtime
from hybridrag.models.spec import ModelSpec

if TYPE_CHECKING:
    from hybridrag.models.rerank_spec import RerankerSpec
    from hybridrag.types import Vectors

BATCH_TOKENS = 1024
LENGTH_STEP = 16
"""Lengths are rounded up to it: 5% faster than exact ones, whose many shapes each need kernels of their own."""
FEW = 4
"""Up to so many batches are computed one after the other by all cores, more by one core each."""
_HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}


class OpenVinoEmbedder(Runtime):
    """An `Embedder` on OpenVINO. The network is made at the model's first use here, and loaded at the first text."""

    device = "cpu"
    runtime = "openvino"

    def __init__(self, spec: ModelSpec, *, cache: Path, precision: Precision = "auto") -> None:
        super().__init__(spec, cache=cache, precision=precision)
        self._loading = threading.Lock()
        self._network: CompiledNetwork | None = None

    def load(self, *, many: bool = True) -> None:
        """Makes and loads the network now, for `many` texts or for a question. Raises ModelError where that fails."""
        self._loaded(many=many)

    def compute(self, texts: list[str]) -> Vectors:
        import numpy as np

        vectors: Vectors = np.zeros((len(texts), self.spec.full_dimensions), dtype=np.float32)
        ids = self._tokenizer.model_ids(texts)
        work = list(batches([len(row) for row in ids], BATCH_TOKENS))
        network = self._loaded(many=len(work) > FEW)

        def run(rows: list[int]) -> None:
            self.go_on()
            tokens, mask = padded(
                [ids[index] for index in rows],
                padding_id=self._tokenizer.padding_id,
                multiple=LENGTH_STEP,
                most=self.spec.window,
            )
            found = network.infer({"input_ids": tokens, "attention_mask": mask})
            if found.shape != (len(rows), vectors.shape[1]):
                raise wrong_width(self.spec, found=found.shape[-1])
            vectors[rows] = found

        network.run(run, work)
        return vectors

    def _loaded(self, *, many: bool) -> CompiledNetwork:
        with self._loading:
            if self._network is None or (many and self._network.streams == 1):
                file = network_file(self.spec, cache=self._cache)
                int8 = {"DYNAMIC_QUANTIZATION_GROUP_SIZE": "128"} if self.spec.arithmetic == "int8" else {}
                format_ = cpu_format(self.spec, self.precision)
                self._network = compile_network(file, name=self.name, format_=format_, many=many, options=int8)
            return self._network


class CompiledNetwork:
    """A compiled network with a request for each stream and one more, so that the next is filled while all compute."""

    def __init__(self, compiled: Any, *, streams: int) -> None:
        self.streams = streams
        self._inputs = {name for given in compiled.inputs for name in given.get_names()}
        self._library = threading.Lock()
        self._requests: SimpleQueue[Any] = SimpleQueue()
        for _ in range(streams + 1):
            self._requests.put(compiled.create_infer_request())
        self._workers = ThreadPoolExecutor(streams + 1, thread_name_prefix="hybridrag-openvino")

    def infer(self, given: Mapping[str, Any]) -> Any:
        """What the network gives for a batch; of the inputs `given` by name, those that it has.

        May be called by several threads; only the computing runs at the same time.
        """
        inputs = {name: value for name, value in given.items() if name in self._inputs}
        request = self._requests.get()
        try:
            # One thread at a time: two that make their first tensors at once wait for each other for ever, one for the
            # interpreter's lock and one for the library's static variables (OpenVINO 2026.4, seen).
            with self._library:
                request.start_async(inputs, share_inputs=True)
            request.wait()
            with self._library:
                return request.get_output_tensor(0).data.copy()
        finally:
            self._requests.put(request)

    def run(self, task: Any, work: Sequence[list[int]]) -> None:
        """`task` for each batch. Nothing of it is under way when this returns or raises."""
        if len(work) == 1:
            task(work[0])
            return
        futures = [self._workers.submit(task, rows) for rows in work]
        try:
            for future in futures:
                future.result()
        finally:
            for future in futures:
                future.cancel()
            for future in futures:
                if not future.cancelled():
                    future.exception()


def compile_network(
    network: Path, *, name: str, format_: str, many: bool, options: Mapping[str, str] = MappingProxyType({})
) -> CompiledNetwork:
    """The network in a file, ready to compute in a number format: with a stream a core for `many` batches, else one.

    Raises ModelError where it cannot be loaded.
    """
    openvino = import_openvino()
    core = openvino.Core()
    # Where an earlier version kept what it compiled, for all formats.
    shutil.rmtree(network.parent / "compiled", ignore_errors=True)
    streams = _cores() if many else 1
    settings = {
        "INFERENCE_PRECISION_HINT": _HINTS[format_],
        "NUM_STREAMS": str(streams),
        # What compiling found out is kept: a cold query waits 50 ms for the network instead of 170. A folder for each
        # format: OpenVINO takes what it kept for float32 for bfloat16 too, where rotary positions over 256 are then
        # rounded (2026.4, seen).
        "CACHE_DIR": str(network.parent / f"compiled-{_HINTS[format_]}"),
        "CACHE_MODE": "OPTIMIZE_SIZE",
        **options,
    }
    try:
        compiled = core.compile_model(str(network), "CPU", settings)
    except RuntimeError as exc:
        raise ModelError(
            f"the network of {name} in {network.parent} cannot be loaded", hint="remove that folder: it is made again"
        ) from exc
    return CompiledNetwork(compiled, streams=streams)


def cpu_format(spec: ModelSpec | RerankerSpec, precision: Precision) -> str:
    """The number format in which OpenVINO computes a model here."""
    capabilities = import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    tolerated = spec.entry.formats if spec.entry else tuple(_HINTS)
    return number_format(precision, capabilities=capabilities, tolerated=tolerated)


def number_format(precision: Precision, *, capabilities: Sequence[str], tolerated: Sequence[str]) -> str:
    """The number format for a CPU with OpenVINO's `capabilities` and a model that tolerates some formats.

    bfloat16 where the processor computes in it; elsewhere it would be emulated, slowly. Raises ModelError for one that
    cannot be had.
    """
    able = {"float32"} | {name for name, word in (("bfloat16", "BF16"), ("float16", "FP16")) if word in capabilities}
    if precision == "auto":
        return "bfloat16" if "bfloat16" in able and "bfloat16" in tolerated else "float32"
    if precision not in able:
        raise ModelError(
            f"this processor does not compute in {precision}",
            hint=f"set precision to auto, or {' or '.join(sorted(able))}",
        )
    if precision not in tolerated:
        raise ModelError(f"the model does not tolerate {precision}", hint="set precision to auto")
    return precision


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
