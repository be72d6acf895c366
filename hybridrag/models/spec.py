"""What a model folder says of itself: window, pooling, prompts, dimensions. Read from its JSON files, without torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.locate import ModelFolder
from hybridrag.models.tensors import tensors

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
    modules = tuple(_module(path, listed) for listed in _read_modules(path / "modules.json"))
    prompts = _prompts(path / "config_sentence_transformers.json")
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


def _module(path: Path, listed: Any) -> tuple[str, Mapping[str, Any]]:
    try:
        kind, folder = str(listed["type"]), path / str(listed["path"])
    except (TypeError, KeyError):
        raise _damaged(path / "modules.json", "names a module without type or path") from None
    if not kind.startswith("sentence_transformers."):
        # Version 5 of the library runs such code from a local folder without being asked; a project file may name one.
        raise ModelError(
            f"the model in {path} needs code of its own ({kind[:80]}), which is not run",
            hint="choose a model made of sentence-transformers modules",
        )
    return kind, _read_object(folder / "config.json")


def _prompts(path: Path) -> Mapping[str, str]:
    prompts = _read_object(path).get("prompts") or {}
    if not isinstance(prompts, dict) or not all(isinstance(prompt, str) for prompt in prompts.values()):
        raise _damaged(path, "holds prompts that are no texts")
    return prompts


def _window(path: Path) -> int:
    """The model's own limit; where sentence-transformers was told none, what both tokenizer and network can take."""
    limits = [
        _limit(_read_object(path / "sentence_bert_config.json").get("max_seq_length")),
        min(
            _limit(_read_object(path / "tokenizer_config.json").get("model_max_length")),
            _limit(_read_object(path / "config.json").get("max_position_embeddings")),
        ),
    ]
    return next((limit for limit in limits if limit < _NO_LIMIT), 8192)


def _limit(value: object) -> int:
    return int(value) if isinstance(value, int | float) and 0 < value < _NO_LIMIT else _NO_LIMIT


def _dimensions(path: Path, modules: tuple[tuple[str, Mapping[str, Any]], ...]) -> int:
    """The length of a vector, from the last module that says one, without loading the weights."""
    size = 0
    for kind, config in modules:
        name = kind.rsplit(".", 1)[-1]
        if name == "Transformer":
            size = _size(config, "hidden_size", "dim") or 0
        elif name == "Pooling":
            width = _size(config, "word_embedding_dimension", "embedding_dimension") or size
            size = width * _pooling_modes(config)
        elif name == "Dense":
            size = _size(config, "out_features") or size
        elif name == "StaticEmbedding":
            size = _table_width(path)
    if size < 1:
        raise ModelError(f"{path} does not tell how long its vectors are", hint="save it with sentence-transformers")
    return size


def _size(config: Mapping[str, Any], *names: str) -> int | None:
    return next((config[name] for name in names if isinstance(config.get(name), int)), None)


def _pooling_modes(config: Mapping[str, Any]) -> int:
    """How many poolings are put side by side: switches before sentence-transformers 6, a name or a list since."""
    named = config.get("pooling_mode")
    if isinstance(named, list):
        return max(len(named), 1)
    switches = sum(1 for key, on in config.items() if key.startswith("pooling_mode_") and on is True)
    return max(switches, 1)


def _table_width(path: Path) -> int:
    """The second dimension of the first matrix in the first safetensors file."""
    file = min(path.rglob("*.safetensors"))
    try:
        return next((tensor.shape[1] for tensor in tensors(file) if len(tensor.shape) == 2), 0)
    except (OSError, ValueError) as exc:
        raise ModelError(f"{file} is not a safetensors file ({type(exc).__name__})", hint="fetch it again") from exc


def _first(*texts: str | None) -> str:
    return next((text for text in texts if text is not None), "")


def _read_modules(path: Path) -> list[Any]:
    modules = _read_json(path)
    if not isinstance(modules, list) or not modules:
        raise _damaged(path, "holds no list of modules")
    return modules


def _read_object(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file; an empty one where the file is missing, as most of these files may be."""
    value = _read_json(path) if path.exists() else {}
    if not isinstance(value, dict):
        raise _damaged(path, "holds no JSON object")
    return value


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise _damaged(path, f"cannot be read ({type(exc).__name__})") from None


def _damaged(path: Path, what: str) -> ModelError:
    return ModelError(f"{path} {what}", hint="fetch the model again")
