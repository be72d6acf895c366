"""The static runtime: a mean of rows, as model2vec computes it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pytest
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from hybridrag.errors import ModelError
from hybridrag.models import find_model
from hybridrag.models.static_runtime import StaticEmbedder
from tests.models.tiny import write_static_model

if TYPE_CHECKING:
    from hybridrag.types import Vector


def embedder(folder: Path) -> StaticEmbedder:
    return StaticEmbedder(find_model(str(folder), offline=True), cache=folder / "cache")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_static_model(tmp_path / "model", dimensions=16, seed=3)


def test_a_vector_is_the_mean_of_its_tokens_rows(model: Path) -> None:
    table = load_file(model / "model.safetensors")["embeddings"]
    ids = Tokenizer.from_file(str(model / "tokenizer.json")).encode("the travel policy", add_special_tokens=False).ids
    expected = table[ids].mean(axis=0)
    (found,) = embedder(model).embed_documents(["the travel policy"])
    assert np.allclose(found, expected / np.linalg.norm(expected), atol=1e-6)
    assert np.allclose(found, embedder(model).embed_query("the travel policy"))


def test_unknown_tokens_are_left_out(model: Path) -> None:
    known, mixed = embedder(model).embed_documents(["travel policy", "travel 検 policy 索"])
    assert np.allclose(known, mixed)


def test_a_text_of_unknown_tokens_has_a_vector_too(model: Path) -> None:
    vectors = embedder(model).embed_documents(["検索", ""])
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)


def test_order_is_kept_and_neighbours_change_nothing(model: Path) -> None:
    texts = ["travel", "the hotel in germany " * 30, "meal", "backup of the server", "travel"]
    vectors = embedder(model).embed_documents(texts)
    order = random.Random(2).sample(range(len(texts)), len(texts))
    shuffled = embedder(model).embed_documents([texts[i] for i in order])
    assert np.array_equal(vectors[order], shuffled)
    assert np.array_equal(vectors[1], embedder(model).embed_documents([texts[1]])[0])
    assert embedder(model).embed_documents([]).shape == (0, 16)


def test_prompts_are_put_in_front(model: Path) -> None:
    prompts = {"query": "who approves ", "document": "policy of "}
    (model / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    prompted = embedder(model)
    assert np.array_equal(prompted.embed_query("travel"), embedder_without_prompts(model, "who approves travel"))
    assert np.array_equal(prompted.embed_documents(["travel"])[0], embedder_without_prompts(model, "policy of travel"))


def embedder_without_prompts(model: Path, text: str) -> Vector:
    (model / "config_sentence_transformers.json").unlink(missing_ok=True)
    return embedder(model).embed_query(text)


def test_a_clustered_table_is_unfolded(model: Path) -> None:
    table = load_file(model / "model.safetensors")["embeddings"]
    plain = embedder(model).embed_documents(["travel policy", "a hotel"])
    rng = np.random.default_rng(1)
    order = rng.permutation(len(table))
    weights = rng.uniform(0.5, 2, size=len(table)).astype(np.float32)
    rows = (table / weights[:, None])[order]
    tensors: dict[str, npt.NDArray[Any]] = {
        "embeddings": rows.copy(),
        "mapping": np.argsort(order),
        "weights": weights,
    }
    save_file(tensors, str(model / "model.safetensors"))
    assert np.allclose(embedder(model).embed_documents(["travel policy", "a hotel"]), plain, atol=1e-5)


def test_a_text_of_tokens_without_a_vector_has_one_too(model: Path) -> None:
    """As in potion-base-4M in int8, where "a" and "." have become zeros."""
    table = load_file(model / "model.safetensors")["embeddings"]
    ids = Tokenizer.from_file(str(model / "tokenizer.json")).encode("a", add_special_tokens=False).ids
    table[ids] = 0
    save_file({"embeddings": table}, str(model / "model.safetensors"))
    nothing, empty = embedder(model).embed_documents(["a", ""])
    assert np.allclose(nothing, empty)


@pytest.mark.parametrize("format", ["F16", "BF16", "I8"])
def test_tables_in_other_number_formats(model: Path, format: str) -> None:
    texts = ["travel policy", "a hotel"]
    plain = embedder(model).embed_documents(texts)
    table = load_file(model / "model.safetensors")["embeddings"]
    stored = {
        "F16": table.astype("<f2"),
        "BF16": (table.view("<u4") >> 16).astype("<u2"),
        "I8": np.round(table * 30).astype("i1"),
    }[format]
    offsets = [0, stored.nbytes]
    header = json.dumps({"embeddings": {"dtype": format, "shape": list(table.shape), "data_offsets": offsets}}).encode()
    (model / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + stored.tobytes())
    found = embedder(model).embed_documents(texts)
    assert (found * plain).sum(axis=1).min() > 0.999


def test_tokens_of_another_model_are_refused(model: Path) -> None:
    table = load_file(model / "model.safetensors")["embeddings"]
    save_file({"embeddings": table[:-1].copy()}, str(model / "model.safetensors"))
    with pytest.raises(ModelError, match="and its tokenizer") as caught:
        embedder(model).embed_query("travel")
    assert "not of the same model" in caught.value.hint


@pytest.mark.parametrize("value", [0.0, float("nan"), float("inf")])
def test_a_vector_without_direction_is_refused(model: Path, value: float) -> None:
    table = load_file(model / "model.safetensors")["embeddings"]
    save_file({"embeddings": np.full_like(table, value)}, str(model / "model.safetensors"))
    with pytest.raises(ModelError, match="zero or not a number"):
        embedder(model).embed_documents(["travel policy"])


def test_weights_without_a_table_are_an_error(model: Path) -> None:
    save_file({"other": np.ones((3, 16), dtype=np.float32)}, str(model / "model.safetensors"))
    with pytest.raises(ModelError, match="no table of token vectors"):
        embedder(model).embed_query("travel")
