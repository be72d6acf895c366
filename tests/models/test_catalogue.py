"""The catalogue as data: complete, well-formed, and to the letter what the models' cards say.

Read here with tomllib alone, so that a fault of the loader cannot hide a fault of the file.
"""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

KINDS: dict[str, type | tuple[type, ...]] = {
    "repository": str,
    "revision": str,
    "family": str,
    "architecture": str,
    "parameters": int,
    "dimensions": int,
    "window": int,
    "pooling": str,
    "query_prompt": str,
    "document_prompt": str,
    "matryoshka": list,
    "languages": (str, list),
    "licence": str,
    "formats": list,
    "remote_code": bool,
    "good_for": str,
    "source": str,
    "aliases": list,
}
OPTIONAL: dict[str, type] = {
    "package": str,
    "matryoshka_any": bool,
    "matryoshka_layer_norm": bool,
    "code": bool,
    "published_scifact": float,
}

# ISO 639-1, all 183 two-letter codes.
ISO_639_1 = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo "
    "es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka "
    "kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng "
    "nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su "
    "sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)

# What users of the field expect to find, by family.
EXPECTED = {
    "MiniLM": ["all-MiniLM-L6-v2"],
    "BGE": ["bge-small-en-v1.5", "bge-base-en-v1.5", "bge-large-en-v1.5", "bge-m3"],
    "E5": ["e5-small-v2", "e5-base-v2", "e5-large-v2", "multilingual-e5-small", "e5-mistral-7b-instruct"],
    "GTE": ["gte-small", "gte-base", "gte-large", "gte-modernbert-base"],
    "Nomic": ["nomic-embed-text-v1.5", "nomic-embed-code"],
    "Qwen3": ["Qwen3-Embedding-0.6B", "Qwen3-Embedding-4B", "Qwen3-Embedding-8B"],
    "EmbeddingGemma": ["embeddinggemma-300m"],
    "Jina": ["jina-embeddings-v3"],
    "Granite": ["granite-embedding-small-english-r2"],
    "Arctic": ["snowflake-arctic-embed-xs", "snowflake-arctic-embed-m", "snowflake-arctic-embed-l-v2.0"],
    "model2vec": ["potion-base-4M", "potion-retrieval-32M", "potion-multilingual-128M"],
}

SENTENCE = "Represent this sentence for searching relevant passages: "
CODE = "Represent this query for searching relevant code: "
WEB = "Instruct: Given a web search query, retrieve relevant passages that answer the query\n"
# Query prompt and document prompt, from huggingface.co/REPOSITORY: the card's usage section, and where the repository
# has one its config_sentence_transformers.json.
PROMPTS = {
    "all-MiniLM-L6-v2": ("", ""),
    "bge-small-en-v1.5": (SENTENCE, ""),
    "bge-base-en-v1.5": (SENTENCE, ""),
    "bge-large-en-v1.5": (SENTENCE, ""),
    # Card: "no longer requires adding instructions to the queries".
    "bge-m3": ("", ""),
    "e5-small-v2": ("query: ", "passage: "),
    "e5-base-v2": ("query: ", "passage: "),
    "e5-large-v2": ("query: ", "passage: "),
    "multilingual-e5-small": ("query: ", "passage: "),
    "multilingual-e5-base": ("query: ", "passage: "),
    "multilingual-e5-large": ("query: ", "passage: "),
    # Cards: f'Instruct: {task_description}\nQuery: {query}', with a blank before the query.
    "multilingual-e5-large-instruct": (WEB + "Query: ", ""),
    "e5-mistral-7b-instruct": (WEB + "Query: ", ""),
    "gte-base": ("", ""),
    "gte-modernbert-base": ("", ""),
    "gte-multilingual-base": ("", ""),
    "nomic-embed-text-v1.5": ("search_query: ", "search_document: "),
    "nomic-embed-text-v2-moe": ("search_query: ", "search_document: "),
    "nomic-embed-code": (CODE, ""),
    "CodeRankEmbed": (CODE, ""),
    # Cards: f'Instruct: {task_description}\nQuery:{query}', without a blank.
    "Qwen3-Embedding-0.6B": (WEB + "Query:", ""),
    "Qwen3-Embedding-4B": (WEB + "Query:", ""),
    "Qwen3-Embedding-8B": (WEB + "Query:", ""),
    "embeddinggemma-300m": ("task: search result | query: ", "title: none | text: "),
    "jina-embeddings-v3": (
        "Represent the query for retrieving evidence documents: ",
        "Represent the document for retrieval: ",
    ),
    "granite-embedding-small-english-r2": ("", ""),
    "snowflake-arctic-embed-m": (SENTENCE, ""),
    "snowflake-arctic-embed-m-v1.5": (SENTENCE, ""),
    "snowflake-arctic-embed-m-v2.0": ("query: ", ""),
    "snowflake-arctic-embed-l-v2.0": ("query: ", ""),
    "mxbai-embed-large-v1": (SENTENCE, ""),
    "potion-base-4M": ("", ""),
}
# nDCG@10, github.com/embeddings-benchmark/results.
SCIFACT = {
    "all-MiniLM-L6-v2": 0.645,
    "bge-small-en-v1.5": 0.713,
    "bge-base-en-v1.5": 0.743,
    "bge-large-en-v1.5": 0.746,
    "e5-small-v2": 0.689,
    "e5-base-v2": 0.719,
    "e5-large-v2": 0.722,
    "nomic-embed-text-v1.5": 0.703,
    "Qwen3-Embedding-0.6B": 0.697,
    "multilingual-e5-small": 0.676,
    "potion-base-4M": 0.460,
}


def _read() -> dict[str, Any]:
    text = resources.files("hybridrag.models").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


SETS: dict[str, list[str]] = _read().get("languages", {})
MODELS: dict[str, dict[str, Any]] = {name: table for name, table in _read().items() if name != "languages"}
each_model = pytest.mark.parametrize("name", MODELS)


def languages(model: dict[str, Any]) -> list[str]:
    named = model["languages"]
    return SETS[named] if isinstance(named, str) else list(named)


@each_model
def test_every_key_is_there_and_of_its_kind(name: str) -> None:
    model = MODELS[name]
    assert KINDS.keys() <= model.keys() <= KINDS.keys() | OPTIONAL.keys()
    for key, value in model.items():
        kind = KINDS.get(key) or OPTIONAL[key]
        assert isinstance(value, kind), key
        assert not (kind is int and isinstance(value, bool)), key


@each_model
def test_the_revision_is_a_whole_commit(name: str) -> None:
    assert re.fullmatch(r"[0-9a-f]{40}", MODELS[name]["revision"])


def test_no_two_models_share_a_revision() -> None:
    assert Counter(model["revision"] for model in MODELS.values()).most_common(1)[0][1] == 1


@each_model
def test_repository_and_card_belong_together(name: str) -> None:
    repository = MODELS[name]["repository"]
    assert re.fullmatch(r"[\w.-]+/[\w.-]+", repository)
    assert MODELS[name]["source"] == f"https://huggingface.co/{repository}"
    assert repository.partition("/")[2] == name


@pytest.mark.parametrize("family", EXPECTED)
def test_the_models_of_the_field_are_there(family: str) -> None:
    assert set(EXPECTED[family]) <= {name for name, model in MODELS.items() if model["family"] == family}


def test_no_name_means_two_models() -> None:
    names = [
        known.lower() for name, model in MODELS.items() for known in (name, model["repository"], *model["aliases"])
    ]
    assert [known for known, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize("name", PROMPTS)
def test_prompts_are_the_cards_to_the_letter(name: str) -> None:
    assert (MODELS[name]["query_prompt"], MODELS[name]["document_prompt"]) == PROMPTS[name]


@each_model
def test_matryoshka_sizes_ascend_below_the_whole(name: str) -> None:
    model = MODELS[name]
    sizes = model["matryoshka"]
    assert all(isinstance(size, int) and size > 0 for size in sizes)
    assert sizes == sorted(set(sizes))
    assert not sizes or sizes[-1] < model["dimensions"]
    assert sizes or not model.get("matryoshka_any", False), "a range needs its least size"


@each_model
def test_languages_are_iso_codes(name: str) -> None:
    codes = languages(MODELS[name])
    assert codes
    assert len(codes) == len(set(codes))
    assert set(codes) <= set(ISO_639_1.split())


def test_every_set_of_languages_is_used() -> None:
    used = {model["languages"] for model in MODELS.values() if isinstance(model["languages"], str)}
    assert used == SETS.keys()


@each_model
def test_numbers_are_possible(name: str) -> None:
    model = MODELS[name]
    assert 1_000_000 < model["parameters"] < 10_000_000_000
    assert 64 <= model["dimensions"] <= 4096
    assert model["window"] >= 128
    assert 0 < model.get("published_scifact", 0.5) < 1


@each_model
def test_formats_are_known_and_float32_is_among_them(name: str) -> None:
    formats = MODELS[name]["formats"]
    assert "float32" in formats
    assert len(formats) == len(set(formats))
    assert set(formats) <= {"float32", "bfloat16", "float16"}


def test_embeddinggemma_has_no_float16() -> None:
    # Its card: "EmbeddingGemma activations do not support `float16`."
    assert MODELS["embeddinggemma-300m"]["formats"] == ["float32", "bfloat16"]


@each_model
def test_a_static_model_is_static_in_every_respect(name: str) -> None:
    model = MODELS[name]
    assert model["pooling"] in {"mean", "cls", "last", "static"}
    assert (model["pooling"] == "static") == (model["architecture"] == "static") == (model["family"] == "model2vec")


@each_model
def test_licences_are_spdx_identifiers(name: str) -> None:
    assert MODELS[name]["licence"] in {"MIT", "Apache-2.0", "CC-BY-NC-4.0", "LicenseRef-Gemma"}


@each_model
def test_what_loads_without_remote_code_has_a_class_in_transformers(name: str) -> None:
    from transformers import CONFIG_MAPPING

    model = MODELS[name]
    if model["architecture"] not in {*CONFIG_MAPPING.keys(), "static"}:
        assert model["remote_code"]


def test_models_that_load_silently_wrong_are_marked() -> None:
    # transformers has classes of these names, without the experts of the one and the adapters of the other.
    assert MODELS["nomic-embed-text-v2-moe"]["remote_code"]
    assert MODELS["jina-embeddings-v3"]["remote_code"]


@pytest.mark.parametrize("name", SCIFACT)
def test_published_figures(name: str) -> None:
    assert MODELS[name]["published_scifact"] == SCIFACT[name]


def test_the_packaged_model_is_what_the_catalogue_says() -> None:
    from safetensors import safe_open

    [(name, model)] = [(name, model) for name, model in MODELS.items() if "package" in model]
    assert name == "all-MiniLM-L6-v2"
    found = importlib.util.find_spec(model["package"])
    assert found is not None
    assert found.origin is not None
    folder = Path(found.origin).parent / "model"
    config = json.loads((folder / "config.json").read_text())
    pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
    assert (config["model_type"], config["hidden_size"]) == (model["architecture"], model["dimensions"])
    assert json.loads((folder / "sentence_bert_config.json").read_text())["max_seq_length"] == model["window"]
    assert pooling[f"pooling_mode_{model['pooling']}_tokens"] is True
    with safe_open(folder / "model.safetensors", framework="np") as weights:
        sizes = {key: weights.get_tensor(key).size for key in weights.keys() if "position_ids" not in key}  # noqa: SIM118
    assert sum(sizes.values()) == model["parameters"]
