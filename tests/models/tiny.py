"""Small models in the layouts of real ones, made here: random weights, so they take no room and need no network."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

_WORDS = [
    "the",
    "a",
    "of",
    "to",
    "and",
    "in",
    "is",
    "it",
    "for",
    "on",
    "with",
    "as",
    "by",
    "at",
    "from",
    "that",
    "this",
    "an",
    "are",
    "was",
    "be",
    "or",
    "not",
    "who",
    "what",
    "when",
    "where",
    "how",
    "travel",
    "meal",
    "allowance",
    "hotel",
    "expenses",
    "approve",
    "approves",
    "manager",
    "team",
    "lead",
    "finance",
    "days",
    "leave",
    "policy",
    "password",
    "database",
    "server",
    "backup",
    "error",
    "code",
    "invoice",
    "customer",
    "price",
    "discount",
    "release",
    "version",
    "api",
    "key",
    "token",
    "document",
    "file",
    "page",
    "section",
    "company",
    "office",
    "remote",
    "work",
    "home",
    "security",
    "incident",
    "report",
    "data",
    "retention",
    "germany",
    "euro",
    "pounds",
    "night",
    "cost",
]


def write_static_model(folder: Path, *, dimensions: int, seed: int) -> Path:
    """A model2vec folder: a WordPiece tokenizer over common words and letters, and a table of random vectors.

    The mean of random vectors is near for texts that share words, so search finds what a person would expect.
    """
    tokenizer = word_piece()
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.random.default_rng(seed).normal(size=(tokenizer.get_vocab_size(), dimensions)).astype(np.float32)
    save_file({"embeddings": table}, str(folder / "model.safetensors"))
    config = {"model_type": "model2vec", "architectures": ["StaticModel"], "hidden_dim": dimensions, "normalize": True}
    (folder / "config.json").write_text(json.dumps(config))
    modules = [
        {"idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding"},
        {"idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    return folder


def write_bert_model(
    folder: Path,
    *,
    pooling: str | list[str] = "mean",
    dense: int | None = None,
    seed: int = 1,
    prompts: dict[str, str] | None = None,
) -> Path:
    """A BERT of two layers in the sentence-transformers layout: 32 dimensions (or `dense`), a window of 64 tokens.

    `pooling` is a mode, or a list of modes put side by side. As in real model files, the tokenizer's own limit is not
    the model's: it cuts at 16.
    """
    tokenizer = word_piece()
    specials = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=specials)
    tokenizer.enable_truncation(16)
    tokenizer.enable_padding(length=16)
    config = {
        "model_type": "bert",
        "architectures": ["BertModel"],
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "hidden_act": "gelu",
        "max_position_embeddings": 128,
        "type_vocab_size": 2,
        "vocab_size": tokenizer.get_vocab_size(),
        "pad_token_id": 0,
    }
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), "Normalize"]
    modules: list[dict[str, Any]] = [
        {"idx": i, "name": str(i), "path": f"{i}_{kind}" if i else "", "type": f"sentence_transformers.models.{kind}"}
        for i, kind in enumerate(kinds)
    ]
    random = np.random.default_rng(seed)
    for module in modules:
        (folder / module["path"]).mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    _write_json(folder / "config.json", config)
    _write_json(folder / "modules.json", modules)
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    _write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"})
    _write_json(folder / "config_sentence_transformers.json", {"prompts": prompts or {}})
    _write_json(folder / "1_Pooling" / "config.json", {"embedding_dimension": 32, "pooling_mode": pooling})
    save_file(_bert_weights(config, random), str(folder / "model.safetensors"), metadata={"format": "pt"})
    if dense:
        width = 32 * (len(pooling) if isinstance(pooling, list) else 1)
        sizes = {"in_features": width, "out_features": dense, "bias": True}
        _write_json(
            folder / "2_Dense" / "config.json", {**sizes, "activation_function": "torch.nn.modules.activation.Tanh"}
        )
        weights = {"linear.weight": _normal(random, dense, width), "linear.bias": _normal(random, dense)}
        save_file(weights, str(folder / "2_Dense" / "model.safetensors"), metadata={"format": "pt"})
    return folder


def _bert_weights(config: dict[str, Any], random: np.random.Generator) -> dict[str, NDArray[np.float32]]:
    """Random tensors under the names that transformers gives a `BertModel`."""
    size, inner = config["hidden_size"], config["intermediate_size"]
    tables = {"word": config["vocab_size"], "position": config["max_position_embeddings"], "token_type": 2}
    weights = {f"embeddings.{name}_embeddings.weight": _normal(random, rows, size) for name, rows in tables.items()}
    linear = {"pooler.dense": (size, size)}
    norms = ["embeddings.LayerNorm"]
    for number in range(config["num_hidden_layers"]):
        layer = f"encoder.layer.{number}"
        linear |= {f"{layer}.attention.self.{name}": (size, size) for name in ("query", "key", "value")}
        linear |= {f"{layer}.attention.output.dense": (size, size)}
        linear |= {f"{layer}.intermediate.dense": (inner, size), f"{layer}.output.dense": (size, inner)}
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
    for name, shape in linear.items():
        weights |= {f"{name}.weight": _normal(random, *shape), f"{name}.bias": _normal(random, shape[0])}
    for name in norms:
        weights |= {f"{name}.weight": 1 + _normal(random, size), f"{name}.bias": _normal(random, size)}
    return weights


def _normal(random: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return random.normal(scale=0.2, size=shape).astype(np.float32)


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value))


def word_piece() -> Tokenizer:
    """An uncased WordPiece tokenizer that knows a few words whole, and every ASCII letter, digit and sign in pieces."""
    signs = [c for c in string.printable if c.isprintable() and not c.isspace() and not c.isupper()]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(set(_WORDS)), *signs, *(f"##{sign}" for sign in signs)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer
