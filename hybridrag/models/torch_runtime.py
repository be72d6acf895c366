"""Embedding with sentence-transformers on CPU, CUDA or MPS.

The library loads the model with its pooling and normalisation; the batches are ours. Texts are sorted by length and cut
into batches under a token budget, so little is padding, and on a CPU one single-threaded worker a core takes them,
which is faster than all cores on each batch (`docs/decisions/0004-embedding-loop.md`).
"""

from __future__ import annotations

import logging
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.batches import batches
from hybridrag.models.checks import checked, wrong_width
from hybridrag.models.runtime import Runtime
from hybridrag.models.spec import ModelSpec

if TYPE_CHECKING:
    import torch

    from hybridrag.types import Vectors

_BATCH_TOKENS = {"cpu": 2048, "mps": 16_384, "cuda": 65_536}


class TorchEmbedder(Runtime):
    """An `Embedder` on torch. The model is loaded when the first text comes; the fingerprint needs no torch."""

    runtime = "torch"

    def __init__(self, spec: ModelSpec, *, cache: Path, device: str = "auto") -> None:
        super().__init__(spec, cache=cache)
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

    def embed(self, texts: list[str]) -> Vectors:
        import numpy as np

        model = self._model()
        vectors: Vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        if texts:
            self._embed_batches(model, texts, vectors)
        return checked(vectors, self.name)

    def _embed_batches(self, model: Any, texts: list[str], vectors: Vectors) -> None:
        import torch

        ids = self._tokenizer.model_ids(texts)
        device = model.device
        pad = self._tokenizer.padding_id

        def run(rows: list[int]) -> None:
            longest = len(ids[rows[0]])
            tokens = torch.full((len(rows), longest), pad, dtype=torch.long)
            mask = torch.zeros((len(rows), longest), dtype=torch.long)
            for row, index in enumerate(rows):
                tokens[row, : len(ids[index])] = torch.as_tensor(ids[index])
                mask[row, : len(ids[index])] = 1
            with torch.inference_mode():
                output = model({"input_ids": tokens.to(device), "attention_mask": mask.to(device)})
                if "sentence_embedding" not in output:
                    raise ModelError(
                        f"the model {self.name} gives no sentence embeddings", hint="its modules lack a pooling layer"
                    )
                found = torch.nn.functional.normalize(output["sentence_embedding"].float(), dim=-1).cpu().numpy()
            if found.shape[1] != self.dimensions:
                raise wrong_width(self.name, found=found.shape[1], expected=self.dimensions)
            vectors[rows] = found

        work = list(batches([len(row) for row in ids], _BATCH_TOKENS.get(device.type, 16_384)))
        if device.type != "cpu" or len(work) == 1:
            for rows in work:
                run(rows)
            return
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                list(pool.map(run, work))
        finally:
            torch.set_num_threads(threads)

    def _model(self) -> Any:
        with self._loading:
            if self._loaded is None:
                self._loaded = _load(self.spec, self._device)
            return self._loaded


def _load(spec: ModelSpec, device: str) -> Any:
    _quieten()
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()  # type: ignore[no-untyped-call]  # the variable above is too late where a hub client was imported before

    chosen = device if device != "auto" else _best_device(torch)
    if chosen.startswith("cuda") and not torch.cuda.is_available():
        raise ModelError("device is cuda, but this machine has none", hint="set device = auto")
    try:
        model = SentenceTransformer(
            str(spec.path),
            device=chosen,
            trust_remote_code=False,
            local_files_only=True,
            model_kwargs={"dtype": _number_format(chosen, torch), "use_safetensors": True},
        )
    except Exception as exc:  # whatever the model's files make the libraries raise
        raise ModelError(
            f"the model {spec.name} in {spec.path} cannot be loaded ({type(exc).__name__})",
            hint="fetch it again, or choose another with --embedder; --debug shows the cause",
        ) from exc
    model.eval()
    return model


def _quieten() -> None:
    """Hub clients and tokenizers talk on stderr and look for updates; neither is wanted here."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
    # Every model is a local folder by now, so no library has a reason to ask the hub.
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    for name in ("transformers", "sentence_transformers", "huggingface_hub"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"(transformers|sentence_transformers|torch)(\..*)?")


def _best_device(torch: Any) -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _number_format(device: str, torch: Any) -> torch.dtype:
    """bfloat16 where the hardware computes in it: two to three times float32, same vectors to cosine .9999."""
    if device.startswith("cuda"):
        fast = torch.cuda.is_bf16_supported()
    elif device == "cpu":
        probes = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
        fast = any(getattr(torch.cpu, probe, bool)() for probe in probes)
    else:
        fast = False
    return torch.bfloat16 if fast else torch.float32  # type: ignore[no-any-return]
