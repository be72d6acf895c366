"""Names models in the layouts of real ones, made here: small, and with no download."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

LABELS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "DATE")
KNOWN: Mapping[str, str] = {
    "ada": "B-PER",
    "grace": "B-PER",
    "lovelace": "I-PER",
    "hopper": "I-PER",
    "hop": "B-PER",
    "##per": "O",
    "lond": "B-LOC",
    "##on": "I-LOC",
    "york": "I-LOC",
    "new": "B-LOC",
    "monday": "DATE",
}
_OTHERS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "a", "met", "in", "and", "on", ".", ",", "x", "##x", "##s", "-"]


def vocabulary() -> list[str]:
    return [*_OTHERS, *KNOWN]


def write_tokenizer(folder: Path, words: Sequence[str]) -> None:
    tokenizer = Tokenizer(WordPiece({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    # As some published tokenizers have it; whoever reads whole texts must undo it.
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=16)
    tokenizer.save(str(folder / "tokenizer.json"))


def write_config(folder: Path, labels: Sequence[str] = LABELS, **more: object) -> None:
    config = {
        "model_type": "bert",
        "id2label": {str(number): label for number, label in enumerate(labels)},
        "max_position_embeddings": 64,
        "pad_token_id": 0,
    }
    (folder / "config.json").write_text(json.dumps(config | more), encoding="utf-8")


def write_lookup(folder: Path, *, place: str = "model.onnx", strength: float = 6.0, outer: str = "") -> Path:
    """A model that labels each known token by itself, however it stands: what it finds can be told beforehand.

    Its weights lie in the file `outer` where one is named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    words = vocabulary()
    table = np.zeros((len(words), len(LABELS)), np.float32)
    for number, word in enumerate(words):
        table[number, LABELS.index(KNOWN.get(word, "O"))] = strength
    weights = numpy_helper.from_array(table, "table")
    if outer:
        weights = TensorProto(name="table", data_type=TensorProto.FLOAT, dims=table.shape)
        weights.data_location = TensorProto.EXTERNAL
        for key, value in (("location", outer), ("offset", "0"), ("length", str(table.nbytes))):
            weights.external_data.add(key=key, value=value)
        (folder / outer).write_bytes(table.tobytes())
    write_graph(
        folder / place,
        [helper.make_node("Gather", ["table", "input_ids"], ["logits"])],
        [weights],
    )
    write_tokenizer(folder, words)
    write_config(folder)
    return folder


def write_graph(
    path: Path, nodes: Sequence[onnx.NodeProto], weights: Sequence[TensorProto], *, width: int = len(LABELS)
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
        for name in ("input_ids", "attention_mask", "token_type_ids")
    ]
    output = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "tokens", width])
    graph = helper.make_graph(list(nodes), "tiny", inputs, [output], list(weights))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(model.SerializeToString())


def write_gliner(folder: Path, *, safe: bool = True) -> Path:
    """A GLiNER with random weights: an encoder of one small BERT layer. Not `safe` is as a pickle."""
    import torch
    from gliner.config import UniEncoderSpanConfig
    from gliner.model import UniEncoderSpanGLiNER
    from transformers import PreTrainedTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    write_tokenizer(folder, [*vocabulary(), "person", "location", "organization", "street", "address"])
    make: Any = PreTrainedTokenizerFast
    tokenizer = make(
        tokenizer_file=str(folder / "tokenizer.json"),
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=512,
    )
    encoder = {
        "model_type": "bert",
        "hidden_size": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 512,
        "vocab_size": len(tokenizer),
    }
    config = UniEncoderSpanConfig(
        model_name="tiny", encoder_config=encoder, hidden_size=32, num_rnn_layers=1, dropout=0.0
    )
    torch.manual_seed(5)
    model = UniEncoderSpanGLiNER(config, tokenizer=tokenizer, backbone_from_pretrained=False)
    UniEncoderSpanGLiNER._resize_token_embeddings(model, config, tokenizer, True)
    model.save_pretrained(folder, safe_serialization=safe)
    return folder
