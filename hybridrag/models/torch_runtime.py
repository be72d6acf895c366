"""Embedding with sentence-transformers on CPU, CUDA or MPS.

The library loads the model with its pooling and normalisation; the batches are ours. Texts are sorted by length and cut
into batches under a token budget, so little is padding, and on a CPU one single-threaded worker a core takes them,
which is faster than all cores on each batch (`docs/decisions/0004-embedding-loop.md`).
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.batches import batches, padded
from hybridrag.models.checks import wrong_width
from hybridrag.models.runtime import Precision, Runtime
from hybridrag.models.spec import ModelSpec
from hybridrag.models.torch_model import best_device, fast_formats, load_model, number_format

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hybridrag.models.batches import Tokens
    from hybridrag.types import Vectors

BATCH_TOKENS = {"cpu": 2048, "mps": 16_384, "cuda": 65_536}


class TorchEmbedder(Runtime):
    """An `Embedder` on torch. The model is loaded when the first text comes; the fingerprint needs no torch."""

    runtime = "torch"

    def __init__(self, spec: ModelSpec, *, cache: Path, device: str = "auto", precision: Precision = "auto") -> None:
        super().__init__(spec, cache=cache, precision=precision)
        self._device = device
        self._loading = threading.Lock()
        self._loaded: Any = None

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`, as chosen."""
        return str(self._model().device.type)

    def load(self) -> None:
        """Loads the model now rather than at the first text."""
        self._model()

    def compute(self, texts: list[str]) -> Vectors:
        import numpy as np

        model = self._model()
        ids = self._tokenizer.model_ids(texts)
        vectors: Vectors = np.zeros((len(texts), self.spec.full_dimensions), dtype=np.float32)

        def run(rows: list[int], prompt: int) -> None:
            self.go_on()
            tokens, mask = padded(
                [ids[index] for index in rows], padding_id=self._tokenizer.padding_id, most=self.spec.window
            )
            found = self._forward(model, tokens, mask, prompt)
            if found.shape != (len(rows), vectors.shape[1]):
                raise wrong_width(self.spec, found=found.shape[-1])
            vectors[rows] = found

        kind = model.device.type
        work = [
            ([alike[row] for row in rows], prompt)
            for prompt, alike in self._by_prompt(texts).items()
            for rows in batches([len(ids[index]) for index in alike], BATCH_TOKENS.get(kind, 16_384))
        ]
        if kind == "cpu" and len(work) > 1:
            on_every_core(run, work)
        else:
            for rows, prompt in work:
                run(rows, prompt)
        return vectors

    def _forward(self, model: Any, tokens: Tokens, mask: Tokens, prompt: int) -> Vectors:
        """What the model gives for a batch, `(n, width) float32`. The first `prompt` tokens are not pooled."""
        import torch

        given = {"input_ids": torch.from_numpy(tokens), "attention_mask": torch.from_numpy(mask)}
        features: dict[str, Any] = {name: value.to(model.device, non_blocking=True) for name, value in given.items()}
        with torch.inference_mode():
            try:
                output = model(features | ({"prompt_length": prompt} if prompt else {}))
            except IndexError as exc:
                raise ModelError(
                    f"the tokenizer of {self.name} has tokens, or its window places, that its network has not",
                    hint="its files do not fit together; fetch it again",
                ) from exc
            if "sentence_embedding" not in output:
                raise ModelError(
                    f"the model {self.name} gives no sentence embeddings", hint="its modules lack a pooling layer"
                )
            found: Vectors = output["sentence_embedding"].float().cpu().numpy()
        return found

    def _by_prompt(self, texts: list[str]) -> dict[int, list[int]]:
        """Indices of texts, by how many of their first tokens the pooling leaves out: 0 for nearly every model."""
        groups: dict[int, list[int]] = {}
        lengths: dict[str, int] = {}
        if not self.spec.pools_prompt:
            prompts = sorted(filter(None, {self.spec.query_prompt, self.spec.document_prompt}), key=len, reverse=True)
            lengths = {prompt: self._tokenizer.prompt_length(prompt) for prompt in prompts}
        for index, text in enumerate(texts):
            length = next((tokens for prompt, tokens in lengths.items() if text.startswith(prompt)), 0)
            groups.setdefault(length, []).append(index)
        return groups

    def _model(self) -> Any:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Any:
        spec = self.spec
        device = self._device if self._device != "auto" else best_device()
        check_device(device)
        if spec.graph is not None and not spec.modules:
            raise ModelError(f"the model {spec.name} ships a graph only, which torch does not run", hint="use openvino")
        dtype = number_format(
            device.partition(":")[0],
            precision=self.precision,
            tolerated=spec.entry.formats if spec.entry else None,
            able=fast_formats(device),
        )
        return load_model(spec.path, name=spec.name, device=device, dtype=dtype, trusted=spec.trusted)


def on_every_core(run: Callable[..., None], work: Sequence[tuple[Any, ...]]) -> None:
    """`run` with each of the arguments in `work`, by one single-threaded worker a core."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(run, *zip(*work, strict=True)))
    finally:
        torch.set_num_threads(threads)


def check_device(device: str) -> None:
    import torch

    kind, present = device.partition(":")[0], {"cpu"}
    present |= {"cuda"} if torch.cuda.is_available() else set()
    present |= {"mps"} if torch.backends.mps.is_available() else set()
    if kind not in present:
        raise ModelError(f"device is {device}, but this machine has none", hint="set device = auto")
