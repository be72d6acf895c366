"""Small models in the layouts of real ones, made here: random weights, so they take no room and need no network."""

from __future__ import annotations

import json
import string
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

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


def word_piece() -> Tokenizer:
    """An uncased WordPiece tokenizer that knows a few words whole, and every ASCII letter, digit and sign in pieces."""
    signs = [c for c in string.printable if c.isprintable() and not c.isspace() and not c.isupper()]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *sorted(set(_WORDS)), *signs, *(f"##{sign}" for sign in signs)]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    return tokenizer
