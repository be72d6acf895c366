"""What a network gives becomes unit vectors of the wanted length, or is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hybridrag.errors import ModelError, UsageError
from hybridrag.models import ModelSpec
from hybridrag.models.catalogue import catalogue
from hybridrag.models.checks import unit_vectors


def spec(entry: str | None = None, *, full: int = 8, dimensions: int = 8) -> ModelSpec:
    return ModelSpec(
        name=entry or "m",
        path=Path("m"),
        window=8,
        full_dimensions=full,
        dimensions=dimensions,
        query_prompt="",
        document_prompt="",
        modules=(),
        entry=catalogue()[entry] if entry else None,
    )


def vectors(rows: int = 3, width: int = 8) -> np.ndarray:
    return np.random.default_rng(0).normal(1.0, 2.0, size=(rows, width)).astype(np.float32)


def test_rows_have_length_one() -> None:
    unit = unit_vectors(vectors(), spec())
    assert unit.shape == (3, 8)
    assert unit.dtype == np.float32
    assert np.allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)


def test_a_cut_keeps_the_first_numbers_and_has_length_one_again() -> None:
    given = vectors()
    cut = unit_vectors(given, spec(dimensions=3))
    expected = given[:, :3] / np.linalg.norm(given[:, :3], axis=1, keepdims=True)
    assert np.allclose(cut, expected, atol=1e-6)


def test_nomic_normalises_before_the_cut_as_its_card_says() -> None:
    """The card: `F.layer_norm(embeddings, ...)`, then `[:, :dim]`, then `F.normalize`."""
    import torch

    given = vectors(width=768)
    nomic = spec("nomic-embed-text-v1.5", full=768, dimensions=256)
    tensor = torch.nn.functional.layer_norm(torch.from_numpy(given), (768,))[:, :256]
    expected = torch.nn.functional.normalize(tensor, dim=1).numpy()
    assert np.allclose(unit_vectors(given, nomic), expected, atol=1e-5)
    whole = replace(nomic, dimensions=768)
    assert np.allclose(unit_vectors(given, whole), given / np.linalg.norm(given, axis=1, keepdims=True), atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_a_row_without_direction_is_refused(bad: float) -> None:
    given = vectors()
    given[1] = bad
    with pytest.raises(ModelError, match="zero or not a number"):
        unit_vectors(given, spec())


def test_a_cut_that_leaves_nothing_is_refused() -> None:
    given = vectors()
    given[1, :3] = 0
    with pytest.raises(ModelError, match="zero or not a number"):
        unit_vectors(given, spec(dimensions=3))


@pytest.mark.parametrize("width", [7, 9])
def test_another_width_than_the_files_tell_is_refused(width: int) -> None:
    with pytest.raises(ModelError, match=f"gives {width} dimensions where its files say 8"):
        unit_vectors(vectors(width=width), spec())


def test_only_sizes_that_a_model_was_trained_for_are_taken() -> None:
    nomic = spec("nomic-embed-text-v1.5", full=768, dimensions=768)
    assert nomic.cut_to(256).dimensions == 256
    assert nomic.cut_to(768) == nomic
    for wrong in (0, 32, 769):
        with pytest.raises(UsageError):
            nomic.cut_to(wrong)
    with pytest.raises(UsageError, match="was not trained to be cut"):
        spec("bge-small-en-v1.5", full=384, dimensions=384).cut_to(128)
    assert spec(full=8).cut_to(4).dimensions == 4  # nobody knows: the user may
