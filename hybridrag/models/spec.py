"""What a model folder says of itself: window, pooling, prompts, dimensions. Read from its JSON files, without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.locate import ModelFolder

_NO_LIMIT = 1_000_000
"""Tokenizer files write absurd numbers (1e30) where a model has no limit of its own."""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A located model, understood.

    `window` is the most tokens of one input, special tokens and prompt included. `modules` are the folder's
    sentence-transformers modules in order: class path and configuration.
    """

    name: str
    path: Path
    window: int
    dimensions: int
    query_prompt: str
    document_prompt: str
    modules: tuple[tuple[str, Mapping[str, Any]], ...]

    @property
    def is_static(self) -> bool:
        """A table of token vectors (model2vec) rather than a network."""
        return bool(self.modules) and self.modules[0][0].rsplit(".", 1)[-1] == "StaticEmbedding"


def read_spec(folder: ModelFolder) -> ModelSpec:
    """The spec of a model folder. Raises ModelError naming the file that is missing or cannot be used."""
    path = folder.path
    if not (path / "modules.json").is_file():
        raise ModelError(
            f"{path} is no sentence-transformers model: it has no modules.json",
            hint="save the model with SentenceTransformer.save, or name one of the catalogue",
        )
    if not (path / "tokenizer.json").is_file() and not (path / "0_StaticEmbedding" / "tokenizer.json").is_file():
        raise ModelError(f"{path} has no tokenizer.json", hint="save the model again with its fast tokenizer")
    if not any(path.rglob("*.safetensors")):
        raise ModelError(
            f"{path} has no weights as safetensors",
            hint="weights in other formats are programs and are not loaded; convert them to safetensors",
        )
    modules = tuple(
        (str(module["type"]), _read_json(path / module["path"] / "config.json", default={}))
        for module in _read_json(path / "modules.json")
    )
    prompts = _read_json(path / "config_sentence_transformers.json", default={}).get("prompts") or {}
    entry = folder.entry
    return ModelSpec(
        name=folder.name,
        path=path,
        window=_window(path),
        dimensions=_dimensions(path, modules),
        query_prompt=_first(entry.query_prompt, prompts.get("query")),
        document_prompt=_first(entry.document_prompt, prompts.get("document"), prompts.get("passage")),
        modules=modules,
    )


def tokenizer_file(spec: ModelSpec) -> Path:
    """Where the fast tokenizer lies."""
    top = spec.path / "tokenizer.json"
    return top if top.is_file() else spec.path / "0_StaticEmbedding" / "tokenizer.json"


def _window(path: Path) -> int:
    candidates = [
        _read_json(path / "sentence_bert_config.json", default={}).get("max_seq_length"),
        _read_json(path / "tokenizer_config.json", default={}).get("model_max_length"),
        _read_json(path / "config.json", default={}).get("max_position_embeddings"),
    ]
    limits = [int(limit) for limit in candidates if isinstance(limit, int | float) and 0 < limit < _NO_LIMIT]
    return limits[0] if limits else 8192


def _dimensions(path: Path, modules: tuple[tuple[str, Mapping[str, Any]], ...]) -> int:
    """The length of a vector, from the last module that says one, without loading the weights."""
    size = 0
    for kind, config in modules:
        name = kind.rsplit(".", 1)[-1]
        if name == "Transformer":
            size = int(config.get("hidden_size") or config.get("dim") or 0)
        elif name == "Pooling":
            modes = sum(1 for key, on in config.items() if key.startswith("pooling_mode_") and on is True)
            size = int(config.get("word_embedding_dimension") or config.get("embedding_dimension") or size) * max(
                modes, 1
            )
        elif name == "Dense":
            size = int(config.get("out_features") or size)
        elif name == "StaticEmbedding":
            size = _table_width(path)
    if size < 1:
        raise ModelError(f"{path} does not tell how long its vectors are", hint="save it with sentence-transformers")
    return size


def _table_width(path: Path) -> int:
    """The second dimension of the first matrix in the first safetensors file (format: huggingface/safetensors)."""
    file = min(path.rglob("*.safetensors"))
    try:
        with file.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    except (OSError, ValueError, MemoryError) as exc:
        raise ModelError(f"{file} is not a safetensors file ({type(exc).__name__})", hint="fetch it again") from exc
    shapes = [entry["shape"] for name, entry in sorted(header.items()) if name != "__metadata__"]
    return next((int(shape[1]) for shape in shapes if len(shape) == 2), 0)


def _first(*texts: str | None) -> str:
    return next((text for text in texts if text is not None), "")


def _read_json(path: Path, default: Any = None) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if default is not None:
            return default
        raise ModelError(f"{path} is missing", hint="fetch the model again") from None
    except (OSError, ValueError) as exc:
        raise ModelError(f"{path} cannot be read ({type(exc).__name__})", hint="fetch the model again") from None
