"""Vectors are checked before anything is written: PostgreSQL has no cosine for a zero vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridrag.errors import ModelError

if TYPE_CHECKING:
    from hybridrag.types import Vectors


def checked(vectors: Vectors, model: str) -> Vectors:
    """`vectors` as they are. Raises ModelError where a row is zero or holds something that is not a number."""
    import numpy as np

    norms = np.linalg.norm(vectors, axis=1)
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise ModelError(
            f"the model {model} gave a vector that is zero or not a number; nothing was stored",
            hint="the model's files may be damaged, or its number format too narrow here; try device = cpu",
        )
    return vectors


def wrong_width(model: str, *, found: int, expected: int) -> ModelError:
    """The error for vectors that are longer or shorter than the model's files say."""
    return ModelError(
        f"the model {model} gives {found} dimensions where its files say {expected}",
        hint="its configuration is damaged; fetch it again",
    )
