"""The runtime that fits a model and this machine, chosen when the first text comes."""

from __future__ import annotations

import importlib.util
import platform
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.errors import ModelError
from hybridrag.models.convert import is_converted
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
from hybridrag.models.runtime import Runtime
from hybridrag.models.spec import ModelSpec
from hybridrag.models.static_runtime import StaticEmbedder
from hybridrag.models.torch_runtime import TorchEmbedder

if TYPE_CHECKING:
    from hybridrag.types import Vectors


class AutomaticEmbedder(Runtime):
    """An `Embedder` that is a token table, OpenVINO on a CPU, or torch.

    All three share the fingerprint: their vectors agree to cosine .9999. `notify` tells of work that is done once a
    machine.
    """

    def __init__(
        self, spec: ModelSpec, *, cache: Path, device: str = "auto", notify: Callable[[str], None] = lambda _: None
    ) -> None:
        super().__init__(spec, cache=cache)
        self._device = device
        self._notify = notify
        self._choosing = threading.Lock()
        self._chosen: Runtime | None = None

    @property
    def runtime(self) -> str:
        """`static`, `openvino` or `torch`, as chosen."""
        return self._runtime.runtime

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`, as chosen."""
        return self._runtime.device

    def embed(self, texts: list[str]) -> Vectors:
        return self._runtime.embed(texts)

    def load(self) -> None:
        self._runtime.load()

    @property
    def _runtime(self) -> Runtime:
        with self._choosing:
            if self._chosen is None:
                self._chosen = self._choose()
            return self._chosen

    def _choose(self) -> Runtime:
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
