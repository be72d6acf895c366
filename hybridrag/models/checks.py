"""Vectors are checked before anything is written: PostgreSQL has no cosine for a zero vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridrag.errors import ModelError
from hybridrag.models.spec import ModelSpec

if TYPE_CHECKING:
    from hybridrag.types import Vectors


def unit_vectors(vectors: Vectors, spec: ModelSpec) -> Vectors:
    """The rows cut to the model's dimensions, with L2 norm 1: `(n, full_dimensions)` to `(n, dimensions)`.

    Raises ModelError where the width is not the one the model's files tell, or a row is zero or not a number.
    """
    import numpy as np

    if vectors.ndim != 2 or vectors.shape[1] != spec.full_dimensions:
        raise wrong_width(spec, found=vectors.shape[-1])
    if spec.normalises_before_cut:
        vectors = (vectors - vectors.mean(axis=1, keepdims=True)) / np.sqrt(vectors.var(axis=1, keepdims=True) + 1e-5)
    kept = vectors[:, : spec.dimensions]
    norms = np.linalg.norm(kept, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or (norms < 1e-6).any():
        raise ModelError(
            f"the model {spec.name} gave a vector that is zero or not a number; nothing was stored",
            hint="the model's files may be damaged, or its number format too narrow here; try precision = float32",
        )
    unit: Vectors = kept / norms
    return unit


def wrong_width(spec: ModelSpec, *, found: int) -> ModelError:
    """The error for vectors that are longer or shorter than the model's files say."""
    return ModelError(
        f"the model {spec.name} gives {found} dimensions where its files say {spec.full_dimensions}",
        hint="its configuration is damaged; fetch it again",
    )
