"""The identity of a vector: everything that decides it, as one SHA-256."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError
from hybridrag.models.own_code import code_files
from hybridrag.models.spec import ModelSpec, tokenizer_file
from hybridrag.models.tensors import tensors

STORAGE = "halfvec"


def fingerprint(spec: ModelSpec, *, cache: Path) -> str:
    """SHA-256 (hex) over canonical JSON of weights, tokenizer, modules, window, prompts, arithmetic and storage.

    The model's name has no part in it: a folder, a package and the hub may hold the same weights. `cache` is a folder
    where hashes are remembered by path, size and time, since hashing a large model takes longer than a query.
    """
    weights = sorted(spec.path.rglob("*.safetensors"))
    facts = {
        "weights": [_remembered(path, cache, _tensors_hash) for path in weights],
        "graph": [] if _has_network(spec, weights) else graph_hashes(spec, cache=cache),
        "tokenizer": _remembered(tokenizer_file(spec), cache, _file_hash),
        "tokenizing": {change: value for change, value in spec.tokenizing.items() if value},
        "code": [file_hash(path, cache=cache) for path in code_files(spec.path)] if spec.trusted else [],
        "modules": [[kind.rsplit(".", 1)[-1], _deciding(config)] for kind, config in spec.modules],
        "window": spec.window,
        "query_prompt": spec.query_prompt,
        "document_prompt": spec.document_prompt,
        "arithmetic": spec.arithmetic,
        "dimensions": spec.dimensions,
        "layer_norm": spec.normalises_before_cut,
        "storage": STORAGE,
    }
    canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def file_hash(path: Path, *, cache: Path) -> str:
    """SHA-256 (hex) of a file, remembered in `cache`."""
    return _remembered(path, cache, _file_hash)


def graph_hashes(spec: ModelSpec, *, cache: Path) -> list[str]:
    """The hashes of a shipped graph and the files with its weights; none where the folder ships no graph."""
    if spec.graph is None:
        return []
    files = sorted(path for path in spec.graph.parent.glob(f"{spec.graph.stem}*") if path.is_file())
    return [file_hash(path, cache=cache) for path in files]


def _has_network(spec: ModelSpec, weights: Sequence[Path]) -> bool:
    """Whether the weights of the network itself are here as safetensors, not only those of a layer behind it."""
    return any(path.parent == spec.path or path.parent.name.startswith("0_") for path in weights)


def _deciding(config: Mapping[str, Any]) -> dict[str, Any]:
    """A module's configuration without what only tells of its making."""
    noise = {"transformers_version", "torch_dtype", "dtype", "architectures", "auto_map"}
    return {key: value for key, value in config.items() if not key.startswith("_") and key not in noise}


def _tensors_hash(path: Path) -> str:
    """Hash of the tensors by name, whatever their order in the file (format: github.com/huggingface/safetensors)."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for tensor in tensors(path):
            digest.update(json.dumps([tensor.name, tensor.dtype, tensor.shape]).encode())
            file.seek(tensor.start)
            remaining = tensor.end - tensor.start
            while remaining:
                block = file.read(min(remaining, 1 << 20))
                if not block:
                    raise ValueError("cut short")
                digest.update(block)
                remaining -= len(block)
    return digest.hexdigest()


def _file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remembered(path: Path, cache: Path, compute: Any) -> str:
    try:
        stat = path.stat()
        # The time of change too: a copy may keep the time of modification, and a fine-tuned model has the same size.
        state = f"{path.resolve()}\0{stat.st_size}\0{stat.st_mtime_ns}\0{stat.st_ctime_ns}"
        key = hashlib.sha256(state.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        note = cache / "weights" / key
        with contextlib.suppress(OSError):
            text = note.read_bytes()
            if re.fullmatch(rb"[0-9a-f]{64}", text):
                return text.decode()
        value = str(compute(path))
    except (OSError, ValueError) as exc:
        raise ModelError(
            f"{path} cannot be read as a model file ({type(exc).__name__})", hint="fetch the model again"
        ) from exc
    # A cache that cannot be written costs time, not truth.
    with contextlib.suppress(OSError):
        note.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # One name for all: what a killed process left is written over. Two that write at once write the same.
        draft = note.with_name(f"{note.name}.draft")
        draft.write_text(value, encoding="ascii")
        draft.replace(note)
    return value
