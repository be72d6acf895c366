"""The fingerprint changes with everything that decides a vector, and with nothing else."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from hybridrag.errors import ModelError
from hybridrag.models import find_model, open_embedder
from hybridrag.models.fingerprint import fingerprint
from tests.models.tiny import write_bert_model


def of(folder: Path, cache: Path) -> str:
    return fingerprint(find_model(str(folder), offline=True), cache=cache)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def copy(tmp_path: Path, tiny_bert: Path) -> Path:
    return Path(shutil.copytree(tiny_bert, tmp_path / "elsewhere" / "copy"))


def test_it_does_not_depend_on_the_place(tiny_bert: Path, copy: Path, cache: Path) -> None:
    assert of(tiny_bert, cache) == of(copy, cache)
    spec = find_model(str(tiny_bert), offline=True)
    assert open_embedder(spec, cache=cache).fingerprint == of(copy, cache)


def test_it_does_not_depend_on_the_order_of_tensors_or_on_file_metadata(copy: Path, cache: Path) -> None:
    before = of(copy, cache)
    file = copy / "model.safetensors"
    content = file.read_bytes()
    write_reversed(file)
    assert file.read_bytes() != content
    assert of(copy, cache) == before


def write_reversed(file: Path) -> None:
    """The same tensors, last first, and other metadata: what another writer of the format might make."""
    tensors = load_file(file)
    header: dict[str, object] = {"__metadata__": {"format": "np", "by": "somebody else"}}
    data = b""
    for name in sorted(tensors, reverse=True):
        value = tensors[name].tobytes()
        offsets = [len(data), len(data) + len(value)]
        header[name] = {"dtype": "F32", "shape": list(tensors[name].shape), "data_offsets": offsets}
        data += value
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(len(text).to_bytes(8, "little") + text + data)
    assert all((load_file(file)[name] == tensors[name]).all() for name in tensors)


def test_it_does_not_depend_on_what_only_tells_of_the_making(copy: Path, cache: Path) -> None:
    before = of(copy, cache)
    config = json.loads((copy / "config.json").read_text())
    made = {"_name_or_path": "/home/ada/model", "transformers_version": "9.9", "torch_dtype": "float16"}
    (copy / "config.json").write_text(json.dumps({**config, **made}))
    assert of(copy, cache) == before


def _json(name: str, **values: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        file = folder / name
        file.write_text(json.dumps({**json.loads(file.read_text()), **values}))

    return change


def _weight(folder: Path) -> None:
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def _shape(folder: Path) -> None:
    file = folder / "model.safetensors"
    content = file.read_bytes()
    file.write_bytes(content.replace(b'"shape":[64,32]', b'"shape":[32,64]'))
    assert file.read_bytes() != content


def _vocabulary(folder: Path) -> None:
    file = folder / "tokenizer.json"
    file.write_text(file.read_text().replace('"travel"', '"trovel"'))


@pytest.mark.parametrize(
    "change",
    [
        _weight,
        _shape,
        _vocabulary,
        _json("sentence_bert_config.json", max_seq_length=63),
        _json("config_sentence_transformers.json", prompts={"query": "what : ", "document": "policy : "}),
        _json("config_sentence_transformers.json", prompts={"query": "who : ", "document": "passage : "}),
        _json("1_Pooling/config.json", pooling_mode="cls"),
        _json("config.json", hidden_act="relu"),
        _json("config.json", layer_norm_eps=1e-3),
    ],
    ids=["weight", "shape", "tokenizer", "window", "query", "document", "pooling", "activation", "epsilon"],
)
def test_it_changes_with_what_decides_a_vector(copy: Path, cache: Path, change: Callable[[Path], None]) -> None:
    before = of(copy, cache)
    change(copy)
    assert of(copy, cache) != before


def test_every_weight_file_counts(tmp_path: Path, cache: Path) -> None:
    folder = write_bert_model(tmp_path / "dense", dense=24)
    before = of(folder, cache)
    content = bytearray((folder / "2_Dense" / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / "2_Dense" / "model.safetensors").write_bytes(content)
    assert of(folder, cache) != before


# --- remembered hashes -----------------------------------------------------------------------------------------------


def test_hashes_are_remembered(tiny_bert: Path, cache: Path) -> None:
    first = of(tiny_bert, cache)
    notes = sorted((cache / "weights").iterdir())
    assert len(notes) == 2  # weights and tokenizer
    swapped = dict(zip(notes, reversed([note.read_text() for note in notes]), strict=True))
    for note, text in swapped.items():
        note.write_text(text)
    assert of(tiny_bert, cache) != first, "the notes were not read"


@pytest.mark.parametrize("damage", [b"", b"x" * 64, b"\xff" * 64, b"0" * 63, b"0" * 65, b"A" * 64])
def test_a_damaged_note_is_made_again(tiny_bert: Path, cache: Path, damage: bytes) -> None:
    first = of(tiny_bert, cache)
    for note in (cache / "weights").iterdir():
        note.write_bytes(damage)
    assert of(tiny_bert, cache) == first
    assert all(len(note.read_bytes()) == 64 for note in (cache / "weights").iterdir())


def test_a_file_that_kept_its_size_and_its_time_is_seen(copy: Path, cache: Path) -> None:
    before = of(copy, cache)
    file = copy / "model.safetensors"
    stat = file.stat()
    _weight(copy)
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file.stat().st_size == stat.st_size
    assert of(copy, cache) != before


def test_a_cache_that_cannot_be_written_changes_nothing(tiny_bert: Path, cache: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    assert of(tiny_bert, blocked / "cache") == of(tiny_bert, cache)


def test_weights_cut_short_are_an_error(copy: Path, cache: Path) -> None:
    file = copy / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        of(copy, cache)


def test_it_is_a_sha256(tiny_bert: Path, tiny_model: Path, cache: Path) -> None:
    for folder in (tiny_bert, tiny_model):
        value = of(folder, cache)
        assert len(value) == 64
        assert np.all([c in "0123456789abcdef" for c in value])
