"""What runs a network: models found, understood and run. `open_embedder` is the way in."""

from __future__ import annotations

from pathlib import Path

from hybridrag.models.locate import locate
from hybridrag.models.spec import ModelSpec, read_spec
from hybridrag.models.static_runtime import StaticEmbedder
from hybridrag.models.tokenizer import FastTokenizer
from hybridrag.models.torch_runtime import TorchEmbedder

__all__ = ["FastTokenizer", "ModelSpec", "StaticEmbedder", "TorchEmbedder", "find_model", "open_embedder"]


def find_model(name: str, *, offline: bool) -> ModelSpec:
    """The spec of a model by name or folder. Raises ModelError where it cannot be had."""
    return read_spec(locate(name, offline=offline))


def open_embedder(spec: ModelSpec, *, cache: Path, device: str = "auto") -> TorchEmbedder | StaticEmbedder:
    """The embedder that fits a spec. Weights are loaded with the first text."""
    if spec.is_static:
        return StaticEmbedder(spec, cache=cache)
    return TorchEmbedder(spec, cache=cache, device=device)
