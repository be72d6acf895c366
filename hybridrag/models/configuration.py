"""The JSON files of a model folder, read without its libraries: prompts, window, what they change of a tokenizer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hybridrag.errors import ModelError

NO_LIMIT = 1_000_000
"""Tokenizer files write absurd numbers (1e30) where a model has no limit of its own."""
WORD_PIECE_NORMALIZER = {"do_lower_case": True, "strip_accents": None, "tokenize_chinese_chars": True}
"""What transformers takes for granted with tokenizers of BERT's kind, whatever their tokenizer.json says."""
_WORD_PIECE_CLASSES = {"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MPNetTokenizer"}
_EOS_CLASSES = {"LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "CohereTokenizer"}
"""Tokenizers whose `add_eos_token` transformers 4, with which the models were made, obeyed."""


def tokenizing(path: Path) -> Mapping[str, Any]:
    """What a model's other files change of its tokenizer.json.

    `word_piece`: it has a normalizer of BERT's kind with the usual switches, except these; `eos`: this token ends every
    text; `cut`: a long text loses its `left` end; `lower_case`: texts are put in lower case first.
    """
    config = read_object(path / "tokenizer_config.json")
    kind = str(config.get("tokenizer_class", "")).removesuffix("Fast")
    changes: dict[str, Any] = {}
    if kind in _WORD_PIECE_CLASSES:
        usual = WORD_PIECE_NORMALIZER
        changes["word_piece"] = {key: config[key] for key in usual if config.get(key, usual[key]) != usual[key]}
    # e5-mistral's tokenizer.json adds no end token, which its pooling reads; transformers 5 forgets it.
    if kind in _EOS_CLASSES and config.get("add_eos_token") is True:
        named = config.get("eos_token") or read_object(path / "special_tokens_map.json").get("eos_token") or "</s>"
        changes["eos"] = str(named["content"] if isinstance(named, dict) else named)
    if config.get("truncation_side") == "left":
        changes["cut"] = "left"
    if transformer_config(path).get("do_lower_case") is True:
        changes["lower_case"] = True
    return changes


def prompts(path: Path, told: Mapping[str, Any]) -> Mapping[str, str]:
    """The prompts by name in `told`, which is the folder's config_sentence_transformers.json."""
    found = told.get("prompts") or {}
    if not isinstance(found, dict) or not all(prompt is None or isinstance(prompt, str) for prompt in found.values()):
        raise damaged(path / "config_sentence_transformers.json", "holds prompts that are no texts")
    return {name: prompt for name, prompt in found.items() if prompt is not None}


def window(path: Path) -> int:
    """The model's own limit; where sentence-transformers was told none, what both tokenizer and network can take."""
    network = read_object(path / "config.json")
    positions = limit(network.get("max_position_embeddings"))
    if network.get("model_type") in _COUNT_FROM_PADDING and positions < NO_LIMIT:
        positions -= 2
    limits = [
        limit(transformer_config(path).get("max_seq_length")),
        min(limit(read_object(path / "tokenizer_config.json").get("model_max_length")), positions),
    ]
    return next((most for most in limits if most < NO_LIMIT), 8192)


_COUNT_FROM_PADDING = {"roberta", "xlm-roberta", "xlm-roberta-xl", "camembert", "mpnet", "data2vec-text"}
"""Networks whose first position is 2, after the padding token's id: two of their positions are never used."""


def transformer_config(path: Path) -> Mapping[str, Any]:
    """What sentence-transformers' Transformer module was told. Old models call the file after their network."""
    for name in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"):
        if found := read_object(path / f"sentence_{name}_config.json"):
            return found
    return {}


def limit(value: object) -> int:
    """A number of tokens or dimensions; `NO_LIMIT` for what is none, or absurd."""
    return int(value) if isinstance(value, int | float) and 0 < value < NO_LIMIT else NO_LIMIT


def read_object(path: Path) -> Mapping[str, Any]:
    """The object in a JSON file; an empty one where the file is missing, as most of these files may be."""
    value = read_json(path) if path.exists() else {}
    if not isinstance(value, dict):
        raise damaged(path, "holds no JSON object")
    return value


def read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise damaged(path, f"cannot be read ({type(exc).__name__})") from None


def damaged(path: Path, what: str) -> ModelError:
    return ModelError(f"{path} {what}", hint="fetch the model again")
