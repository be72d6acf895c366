"""What an index can be made with: vectors it can hold, an analyser that there is, a model by a name that lasts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.config import MOST_DIMENSIONS
from hybridrag.errors import ConfigError, ModelError, UsageError

if TYPE_CHECKING:
    from hybridrag.ports import Embedder


def check_dimensions(model: str, embedder: Embedder) -> None:
    """Raises ModelError where a model's vectors are longer than an index can hold."""
    if embedder.dimensions > MOST_DIMENSIONS:
        raise ModelError(
            f"the model {model} gives {embedder.dimensions:,} dimensions; an index holds at most {MOST_DIMENSIONS:,}",
            hint="keep fewer with --dims N, if the model was trained for that",
        )


def check_text_search(name: str, *, said_by: str = "text_search") -> None:
    """Raises ConfigError where a setting names no analyser, UsageError where it is `said_by` an option."""
    from hybridrag.retrieval import ANALYSERS

    if name not in ("auto", *ANALYSERS):
        kind = UsageError if said_by.startswith("-") else ConfigError
        raise kind(
            f"{said_by} is {name!r}, which is no analyser",
            hint=f"auto (by each document's language), or one of {', '.join(ANALYSERS)}",
        )


def lasting_name(model: str) -> str:
    """The name under which an index keeps a model: of a folder the absolute path, else the name as it was given."""
    return str(Path(model).resolve()) if Path(model).is_dir() else model
