"""What a safetensors file holds, from its header alone (format: github.com/huggingface/safetensors)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST_HEADER = 100_000_000
"""Bytes, as the format's own library allows."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """`file[start:end]` holds the values."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int


def tensors(path: Path) -> list[Tensor]:
    """The tensors of a file, by name. Raises ValueError for another format, OSError for an unreadable file."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > _LONGEST_HEADER:
            raise ValueError("no safetensors header")
        header: dict[str, Any] = json.loads(file.read(length))
    base = 8 + length
    try:
        header.pop("__metadata__", None)
        return [
            Tensor(name, entry["dtype"], tuple(entry["shape"]), *(base + int(at) for at in entry["data_offsets"]))
            for name, entry in sorted(header.items())
        ]
    except (AttributeError, KeyError, TypeError) as exc:
        raise ValueError("no safetensors header") from exc
