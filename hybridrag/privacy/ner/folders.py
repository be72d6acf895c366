"""The folder of a names model: what is read of it, what tells it from another one, and why one is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hybridrag.errors import BlockedByPolicy


def read_object(folder: Path, name: str, *, remedy: str) -> dict[str, Any]:
    """The JSON object in a file of the folder. Raises BlockedByPolicy where there is none."""
    try:
        found = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise unfit(folder, f"has no {name} that can be read", remedy) from exc
    if not isinstance(found, dict):
        raise unfit(folder, f"has no {name} that can be read", remedy)
    return found


def digest(settings: object, files: Iterable[Path]) -> str:
    """SHA-256 (hex, 32 digits) of all that decides what is found: settings by their `repr`, and the files' contents."""
    total = hashlib.sha256(repr(settings).encode())
    for path in files:
        with path.open("rb") as file:
            total.update(hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()[:32]


def unfit(folder: Path, what: str, remedy: str) -> BlockedByPolicy:
    """The refusal of a folder that `what` is said of."""
    return BlockedByPolicy(f"The names model in {folder} {what}; nothing was sent.", hint=remedy)
