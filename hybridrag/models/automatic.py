"""The runtime that fits a model and this machine, chosen when the first text comes."""

from __future__ import annotations

import importlib.util
import platform
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import ModelError
from hybridrag.models.convert import is_converted
from hybridrag.models.fingerprint import fingerprint
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
from hybridrag.models.spec import ModelSpec
from hybridrag.models.static_runtime import StaticEmbedder
from hybridrag.models.torch_runtime import TorchEmbedder

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors


class AutomaticEmbedder:
    """An `Embedder` that is a token table, OpenVINO on a CPU, or torch.

    All three share the fingerprint: their vectors agree to cosine .9999. Its fingerprint and its dimensions are known
    without loading anything. `notify` tells of work that is done once a machine.
    """

    def __init__(
        self, spec: ModelSpec, *, cache: Path, device: str = "auto", notify: Callable[[str], None] = lambda _: None
    ) -> None:
        self.spec = spec
        self.name = spec.name
        self._cache = cache
        self._device = device
        self._notify = notify
        self._choosing = threading.Lock()
        self._chosen: OpenVinoEmbedder | StaticEmbedder | TorchEmbedder | None = None

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.spec, cache=self._cache)

    @property
    def dimensions(self) -> int:
        return self.spec.dimensions

    @property
    def runtime(self) -> str:
        """`static`, `openvino` or `torch`, as chosen."""
        return self._runtime.runtime

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`, as chosen."""
        return self._runtime.device

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self._runtime.embed_documents(texts)

    def embed_query(self, text: str) -> Vector:
        return self._runtime.embed_query(text)

    def load(self) -> None:
        """Makes everything ready for the first text, which otherwise does it."""
        self._runtime.load()

    @property
    def _runtime(self) -> OpenVinoEmbedder | StaticEmbedder | TorchEmbedder:
        with self._choosing:
            if self._chosen is None:
                self._chosen = self._choose()
            return self._chosen

    def _choose(self) -> OpenVinoEmbedder | StaticEmbedder | TorchEmbedder:
        if self.spec.is_static:
            return StaticEmbedder(self.spec, cache=self._cache)
        if _on_cpu(self._device) and importlib.util.find_spec("openvino") is not None:
            if not is_converted(self.fingerprint, cache=self._cache):
                self._notify(f"preparing the model {self.name} for this machine (once)")
            embedder = OpenVinoEmbedder(self.spec, cache=self._cache)
            try:
                embedder.load()
            except ModelError as exc:
                self._notify(f"{exc.message}; torch runs it instead")
            else:
                return embedder
        return TorchEmbedder(self.spec, cache=self._cache, device=self._device)


def _on_cpu(device: str) -> bool:
    """Whether a CPU will be used, told without importing torch: by the drivers' device files and the platform."""
    if device != "auto":
        return device == "cpu"
    if platform.system() == "Darwin":
        return platform.machine() != "arm64"
    return not any(Path(file).exists() for file in ("/dev/nvidia0", "/dev/dxg", "/dev/kfd"))
