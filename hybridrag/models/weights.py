"""Whether a model folder's weights are there and whole. They load from safetensors only: a pickle is a program."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from hybridrag.errors import ModelError
from hybridrag.models.tensors import tensors

_WITH_WEIGHTS = {"Transformer", "Dense", "LayerNorm", "StaticEmbedding", "WeightedLayerPooling"}
_INDEX = ".safetensors.index.json"


def check_weights(folder: Path, modules: Iterable[tuple[str, Path]]) -> None:
    """Looks at the headers of all weights in a model's folder. `modules` are names of classes and their folders.

    Raises ModelError where weights are missing, cut short, or no safetensors, and for a download that was not finished.
    """
    for file in sorted(folder.rglob("*")):
        if file.name.endswith(".incomplete"):
            raise ModelError(
                f"the download of {file.with_suffix('')} was not finished",
                hint=f"fetch the model again, or remove {file.name} if all other files are there",
            )
        if file.name.endswith(_INDEX):
            _check_shards(file)
        elif file.suffix == ".safetensors":
            _check_length(file)
    for name, place in modules:
        if name in _WITH_WEIGHTS and not any(place.glob("*.safetensors")):
            raise ModelError(
                f"{place} has no weights as safetensors",
                hint="weights in other formats are programs and are not loaded; convert them to safetensors",
            )


def _check_length(file: Path) -> None:
    try:
        end = max((tensor.end for tensor in tensors(file)), default=0)
        size = file.stat().st_size
    except (OSError, ValueError, RecursionError) as exc:
        pointer = " (it is a pointer of git-lfs: run `git lfs pull`)" if _is_pointer(file) else ""
        raise ModelError(
            f"{file} is not a safetensors file{pointer} ({type(exc).__name__})", hint="fetch the model again"
        ) from exc
    if size < end:
        raise ModelError(f"{file} is cut short: {size:,} of {end:,} bytes", hint="fetch the model again")


def _is_pointer(file: Path) -> bool:
    try:
        with file.open("rb") as content:
            return content.read(23) == b"version https://git-lfs"
    except OSError:
        return False


def _check_shards(index: Path) -> None:
    try:
        names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        missing = sorted(name for name in names if not (index.parent / name).is_file())
    except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError) as exc:
        raise ModelError(f"{index} lists no weights ({type(exc).__name__})", hint="fetch the model again") from exc
    if missing:
        raise ModelError(
            f"{index.parent} lacks {len(missing)} of {len(names)} files of weights, {missing[0]} first",
            hint="its download was broken off; fetch the model again",
        )
