"""The runtime that fits a model and this machine, chosen when the first text comes."""

from __future__ import annotations

import importlib.util
import platform
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hybridrag.errors import ConfigError, ModelError
from hybridrag.models.network import is_kept
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
from hybridrag.models.runtime import Precision, Runtime
from hybridrag.models.spec import ModelSpec
from hybridrag.models.static_runtime import StaticEmbedder
from hybridrag.models.torch_runtime import TorchEmbedder

if TYPE_CHECKING:
    from hybridrag.types import Vectors

_FEW = 16
"""Up to so many texts are a question rather than an ingest."""
RuntimeName = Literal["auto", "openvino", "torch"]


class AutomaticEmbedder(Runtime):
    """An `Embedder` that is a token table, OpenVINO on a CPU, or torch.

    All three share the fingerprint: their vectors agree to cosine .999 and better. `wanted` overrules the choice where
    there is one. `notify` tells of work that is done once a machine.
    """

    def __init__(
        self,
        spec: ModelSpec,
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
        self._chosen: Runtime | None = None

    @property
    def runtime(self) -> str:
        """`static`, `openvino` or `torch`, as chosen."""
        return self._runtime().runtime

    @property
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`, as chosen."""
        return self._runtime().device

    def compute(self, texts: list[str]) -> Vectors:
        runtime = self._runtime(many=len(texts) > _FEW)
        if self._cancelled.is_set():
            runtime.cancel()
        return runtime.compute(texts)

    def cancel(self) -> None:
        super().cancel()
        if self._chosen is not None:
            self._chosen.cancel()

    def load(self) -> None:
        self._runtime(many=True).load()

    def _runtime(self, *, many: bool = False) -> Runtime:
        with self._choosing:
            if self._chosen is None:
                self._chosen = self._choose(many=many)
            return self._chosen

    def _choose(self, *, many: bool) -> Runtime:
        first = first_choice(self.spec, device=self._device, wanted=self._wanted)
        if first == "static":
            return StaticEmbedder(self.spec, cache=self._cache)
        torch = TorchEmbedder(self.spec, cache=self._cache, device=self._device, precision=self.precision)
        if self._wanted == "torch":
            if self.spec.arithmetic == "int8":
                raise ConfigError("torch does not compute in int8 here", hint="set runtime to openvino or auto")
            return torch
        if first == "torch":
            return torch
        if not is_kept(self.spec, cache=self._cache):
            self._notify(f"preparing the model {self.name} for this machine (once)")
        embedder = OpenVinoEmbedder(self.spec, cache=self._cache, precision=self.precision)
        try:
            embedder.load(many=many)
        except ModelError as exc:
            self.go_on()  # an interrupt may be what ended it
            if self._wanted == "openvino" or self.spec.arithmetic == "int8" or not importlib.util.find_spec("torch"):
                raise
            self._notify(f"{exc.message}; torch runs it instead")
            return torch
        return embedder


def first_choice(spec: ModelSpec, *, device: str, wanted: RuntimeName) -> str:
    """`static`, `openvino` or `torch`: what is tried first, told without loading anything."""
    return "static" if spec.is_static else network_choice(device=device, wanted=wanted)


def network_choice(*, device: str, wanted: RuntimeName) -> Literal["openvino", "torch"]:
    """What tries first to run a network here: OpenVINO on a CPU, where it is installed."""
    if wanted != "auto":
        return wanted
    return "openvino" if _uses_cpu(device) and importlib.util.find_spec("openvino") is not None else "torch"


def _uses_cpu(device: str) -> bool:
    """Whether a CPU will be used, told without importing torch: by the drivers' device files and the platform."""
    if device != "auto":
        return device == "cpu"
    if platform.system() == "Darwin":
        return platform.machine() != "arm64"
    return not any(Path(file).exists() for file in ("/dev/nvidia0", "/dev/dxg", "/dev/kfd"))
