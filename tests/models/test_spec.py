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


@pytest.mark.parametrize(
    ("model", "tokenizer", "window"),
    [("bert", 512, 128), ("roberta", 512, 126), ("xlm-roberta", 512, 126), ("roberta", 100, 100)],
)
def test_positions_that_are_never_used_are_no_part_of_the_window(
    bert: Path, model: str, tokenizer: int, window: int
) -> None:
    config = json.loads((bert / "config.json").read_text())
    write(bert / "sentence_bert_config.json", {"max_seq_length": None})
    write(bert / "tokenizer_config.json", {"model_max_length": tokenizer})
    write(bert / "config.json", {**config, "model_type": model})
    assert find_model(str(bert), offline=True).window == window


def test_old_models_call_their_configuration_after_the_network(bert: Path) -> None:
    (bert / "sentence_bert_config.json").rename(bert / "sentence_distilbert_config.json")
    assert find_model(str(bert), offline=True).window == 64


def test_the_catalogues_window_is_the_most(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "all-MiniLM-L6-v2")
    write(folder / "sentence_bert_config.json", {"max_seq_length": 512})
    assert find_model(str(folder), offline=True).window == 256


@pytest.mark.parametrize(
    ("prompts", "query", "document"),
    [
        ({"query": "q: ", "passage": "p: "}, "q: ", "p: "),
        ({"query": None, "corpus": "c: "}, "", "c: "),
        ({"document": "", "passage": "p: "}, "", ""),
        ({"web_search_query": "q: "}, "", ""),
    ],
)
def test_prompts_by_their_usual_names(bert: Path, prompts: dict[str, Any], query: str, document: str) -> None:
    write(bert / "config_sentence_transformers.json", {"prompts": prompts})
    spec = find_model(str(bert), offline=True)
    assert (spec.query_prompt, spec.document_prompt) == (query, document)


def test_a_length_that_the_folder_cuts_to(bert: Path) -> None:
    write(bert / "config_sentence_transformers.json", {"truncate_dim": 16})
    spec = find_model(str(bert), offline=True)
    assert (spec.full_dimensions, spec.dimensions) == (32, 16)


@pytest.mark.parametrize("width", ["hidden_size", "dim", "d_model", "n_embd"])
def test_the_width_has_many_names(bert: Path, width: str) -> None:
    write(bert / "config.json", {"model_type": "bert", width: 48})
    write(bert / "1_Pooling" / "config.json", {"pooling_mode": "mean"})
    assert find_model(str(bert), offline=True).full_dimensions == 48


def test_what_other_files_change_of_the_tokenizer(bert: Path) -> None:
    assert not find_model(str(bert), offline=True).tokenizing
    write(bert / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": True})
    eos = {"add_eos_token": True, "eos_token": {"content": "<end>"}, "truncation_side": "left"}
    write(bert / "tokenizer_config.json", {"tokenizer_class": "LlamaTokenizerFast", **eos})
    assert find_model(str(bert), offline=True).tokenizing == {"eos": "<end>", "cut": "left", "lower_case": True}
    # transformers 4 did not obey it elsewhere.
    write(bert / "tokenizer_config.json", {"tokenizer_class": "Qwen2Tokenizer", "add_eos_token": True})
    assert find_model(str(bert), offline=True).tokenizing == {"lower_case": True}


# --- models that are refused -----------------------------------------------------------------------------------------


def test_a_download_that_was_not_finished(bert: Path) -> None:
    part = bert / ".cache" / "huggingface" / "download" / "model.safetensors.0123.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half")
    with pytest.raises(ModelError, match="was not finished") as caught:
        find_model(str(bert), offline=True)
    assert part.name in caught.value.hint


def test_weights_that_are_cut_short(bert: Path) -> None:
    file = bert / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    with pytest.raises(
        ModelError, match=rf"model\.safetensors is cut short: {len(whole) - 1:,} of {len(whole):,} bytes"
    ):
        find_model(str(bert), offline=True)


def test_weights_of_which_a_part_is_missing(bert: Path) -> None:
    weights = {"a": "model-00001-of-00003.safetensors", "b": "model-00002-of-00003.safetensors"}
    weights["c"] = "model-00003-of-00003.safetensors"
    (bert / "model.safetensors").rename(bert / weights["b"])
    write(bert / "model.safetensors.index.json", {"weight_map": weights})
    with pytest.raises(ModelError, match=r"lacks 2 of 3 files of weights, model-00001-of-00003\.safetensors first"):
        find_model(str(bert), offline=True)


@pytest.mark.parametrize("content", ["{", "[]", {"weight_map": ["a"]}, {}])
def test_a_damaged_list_of_weights(bert: Path, content: Any) -> None:
    write(bert / "model.safetensors.index.json", content)
    with pytest.raises(ModelError, match=r"model\.safetensors\.index\.json"):
        find_model(str(bert), offline=True)


def test_a_pointer_of_git_lfs(bert: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 90\n"
    (bert / "model.safetensors").write_text(pointer)
    with pytest.raises(ModelError, match="git lfs pull"):
        find_model(str(bert), offline=True)


def test_weights_of_a_dense_layer_are_needed_too(tmp_path: Path) -> None:
    folder = write_bert_model(tmp_path / "dense", dense=24)
    (folder / "2_Dense" / "model.safetensors").rename(folder / "2_Dense" / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"2_Dense has no weights as safetensors"):
        find_model(str(folder), offline=True)


@pytest.mark.parametrize("kind", ["Router", "Asym", "CLIPModel", "WordEmbeddings", "BoW", "MultiVectorMask"])
def test_modules_that_are_not_for_this(bert: Path, kind: str) -> None:
    modules = json.loads((bert / "modules.json").read_text())
    modules[0]["type"] = f"sentence_transformers.models.{kind}"
    write(bert / "modules.json", modules)
    with pytest.raises(ModelError, match=f"has a module {kind}") as caught:
        find_model(str(bert), offline=True)
    assert "Pooling" in caught.value.hint


def test_a_table_followed_by_a_network(tmp_path: Path) -> None:
    folder = write_static_model(tmp_path / "model", dimensions=8, seed=1)
    modules = json.loads((folder / "modules.json").read_text())
    modules[1]["type"] = "sentence_transformers.models.Dense"
    write(folder / "modules.json", modules)
    with pytest.raises(ModelError, match="has a module Dense"):
        find_model(str(folder), offline=True)


def test_a_model_for_chat_messages(bert: Path) -> None:
    method = {"method": "forward", "method_output_name": "last_hidden_state"}
    write(bert / "sentence_bert_config.json", {"modality_config": {"text": method}})
    assert find_model(str(bert), offline=True).window == 128
    write(bert / "sentence_bert_config.json", {"modality_config": {"text": method, "message": method}})
    with pytest.raises(ModelError, match="chat messages"):
        find_model(str(bert), offline=True)


@pytest.mark.parametrize("kind", ["SparseEncoder", "CrossEncoder"])
def test_another_kind_of_model(bert: Path, kind: str) -> None:
    write(bert / "config_sentence_transformers.json", {"model_type": kind})
    with pytest.raises(ModelError, match=f"holds a {kind}"):
        find_model(str(bert), offline=True)


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
