"""What a model folder tells of itself, and what is said where it is damaged."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

from hybridrag.errors import ModelError
from hybridrag.models import find_model
from tests.models.tiny import write_bert_model, write_static_model


def write(path: Path, value: Any) -> None:
    path.write_text(value if isinstance(value, str) else json.dumps(value))


@pytest.fixture
def bert(tmp_path: Path, tiny_bert: Path) -> Path:
    """A folder that a test may damage."""
    return Path(shutil.copytree(tiny_bert, tmp_path / "bert"))


def test_window_dimensions_and_prompts(tiny_bert: Path) -> None:
    spec = find_model(str(tiny_bert), offline=True)
    assert (spec.window, spec.dimensions) == (64, 32)
    assert (spec.query_prompt, spec.document_prompt) == ("who : ", "policy : ")
    assert not spec.is_static


def test_the_real_one() -> None:
    spec = find_model("all-MiniLM-L6-v2", offline=True)
    assert (spec.window, spec.dimensions, spec.query_prompt, spec.document_prompt) == (256, 384, "", "")


def test_a_static_model(tiny_model: Path) -> None:
    spec = find_model(str(tiny_model), offline=True)
    assert spec.is_static
    assert spec.dimensions == 64


@pytest.mark.parametrize(
    ("pooling", "dimensions"),
    [
        ({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}, 32),
        ({"word_embedding_dimension": 32, "pooling_mode_cls_token": True}, 32),
        ({"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True}, 64),
        ({"embedding_dimension": 32, "pooling_mode": "mean", "include_prompt": True}, 32),
        ({"embedding_dimension": 32, "pooling_mode": ["cls", "mean", "max"]}, 96),
        ({}, 32),
    ],
)
def test_dimensions_follow_the_pooling(bert: Path, pooling: dict[str, Any], dimensions: int) -> None:
    write(bert / "1_Pooling" / "config.json", pooling)
    assert find_model(str(bert), offline=True).dimensions == dimensions


def test_a_dense_layer_decides_the_dimensions(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "dense", pooling=["mean", "cls"], dense=24)
    assert find_model(str(folder), offline=True).dimensions == 24


@pytest.mark.parametrize(
    ("told", "tokenizer", "network", "window"),
    [
        (64, 512, 128, 64),
        (None, 512, 128, 128),
        (None, 48, 128, 48),
        (None, 1e30, 128, 128),
        (None, None, 128, 128),
        (None, None, None, 8192),
    ],
)
def test_the_window_is_the_models_own(
    bert: Path, told: int | None, tokenizer: float | None, network: int | None, window: int
) -> None:
    config = json.loads((bert / "config.json").read_text())
    write(bert / "sentence_bert_config.json", {"max_seq_length": told})
    write(bert / "tokenizer_config.json", {"model_max_length": tokenizer})
    write(bert / "config.json", {**config, "max_position_embeddings": network})
    assert find_model(str(bert), offline=True).window == window


def test_a_folder_named_like_a_catalogue_model_has_its_prompts(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "e5-small-v2")
    spec = find_model(str(folder), offline=True)
    assert (spec.query_prompt, spec.document_prompt) == ("query: ", "passage: ")


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("modules.json", "no modules.json"),
        ("tokenizer.json", "no tokenizer.json"),
        ("model.safetensors", "no weights as safetensors"),
    ],
)
def test_a_missing_file_is_named(bert: Path, file: str, message: str) -> None:
    (bert / file).unlink()
    (bert / "pytorch_model.bin").write_bytes(b"a pickle is a program")
    with pytest.raises(ModelError, match=message) as caught:
        find_model(str(bert), offline=True)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("modules.json", "{"),
        ("modules.json", "[]"),
        ("modules.json", {"type": "Transformer"}),
        ("modules.json", [{"path": ""}]),
        ("modules.json", ["Transformer"]),
        ("modules.json", "[" * 100_000),
        ("config.json", "[]"),
        ("config.json", "\0"),
        ("1_Pooling/config.json", "no json"),
        ("config_sentence_transformers.json", {"prompts": {"query": 7}}),
        ("config_sentence_transformers.json", {"prompts": ["query"]}),
        ("sentence_bert_config.json", '"text"'),
    ],
)
def test_a_damaged_file_is_named(bert: Path, file: str, content: Any) -> None:
    write(bert / file, content)
    with pytest.raises(ModelError, match=file.rsplit("/", maxsplit=1)[-1]) as caught:
        find_model(str(bert), offline=True)
    assert caught.value.hint


def test_a_folder_that_does_not_tell_its_dimensions(bert: Path) -> None:
    write(bert / "config.json", {"model_type": "bert"})
    write(bert / "1_Pooling" / "config.json", {"pooling_mode": "mean"})
    with pytest.raises(ModelError, match="how long its vectors are"):
        find_model(str(bert), offline=True)


@pytest.mark.parametrize("header", [b"", b"[]", b'{"a":1}', b'{"a":{}}', b"\xff" * 64])
@pytest.mark.parametrize("length", [0, None, 2**40, 2**64 - 1])
def test_damaged_weights_are_named(tmp_path: Path, header: bytes, length: int | None) -> None:
    folder = write_static_model(tmp_path / "model", dimensions=8, seed=1)
    told = len(header) if length is None else length
    (folder / "model.safetensors").write_bytes(told.to_bytes(8, "little") + header)
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        find_model(str(folder), offline=True)


def test_a_static_table_is_found_among_other_tensors(tmp_path: Path) -> None:
    folder = write_static_model(tmp_path / "model", dimensions=8, seed=1)
    tensors = {"a_vector": np.ones(3, dtype=np.float32), "embeddings": np.ones((5, 12), dtype=np.float32)}
    save_file(tensors, str(folder / "model.safetensors"))
    assert find_model(str(folder), offline=True).dimensions == 12
