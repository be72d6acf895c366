"""What runs a network: models found, understood and run. `find_model` and `open_embedder` are the way in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hybridrag.models.automatic import AutomaticEmbedder
from hybridrag.models.locate import locate
from hybridrag.models.spec import ModelSpec, read_spec
from hybridrag.models.tokenizer import FastTokenizer

__all__ = ["AutomaticEmbedder", "FastTokenizer", "ModelSpec", "find_model", "open_embedder"]


def find_model(name: str, *, offline: bool) -> ModelSpec:
    """The spec of a model by name or folder. Raises ModelError where it cannot be had."""
    return read_spec(locate(name, offline=offline))


def open_embedder(
    spec: ModelSpec, *, cache: Path, device: str = "auto", notify: Callable[[str], None] = lambda _: None
) -> AutomaticEmbedder:
    """The embedder of a model. Nothing is loaded before the first text."""
    return AutomaticEmbedder(spec, cache=cache, device=device, notify=notify)
