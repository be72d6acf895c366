"""Every family of embedding models, tiny: its real architecture, its kind of tokenizer, its repository's layout.

The weights are random, but large enough that texts, prompts, poolings and special tokens change the vector visibly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from tests.models.trained_tokenizers import (
    CODE_SEARCH,
    QUERY_INSTRUCTION,
    WEB_SEARCH,
    deberta_unigram,
    gemma_bpe,
    mistral_bpe,
    modern_bpe,
    mpnet_word_piece,
    qwen_bpe,
    roberta_bpe,
    t5_unigram,
    unigram,
    word_piece,
)

SIZE = 32
"""Length of a token's vector in every network here."""
_SWITCHES = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens", "weightedmean_tokens", "lasttoken")


@dataclass(frozen=True)
class Family:
    """How to make one: see `write`.

    `name` is the catalogue's for the models that it holds. `config` and `network` are names in transformers; `settings`
    what the configuration takes besides the vocabulary's size. `tokenizer` makes the tokenizer, `tokenizer_config` is
    its file beside it. `query` and `document` are the prompts of the model's card, `stored` those that the repository's
    own file holds. `dense` lists the widths of dense layers after the pooling. `reference` is what
    sentence-transformers must be told to load the model rightly. A model that is not `convertible` runs on torch only.
    """

    name: str
    config: str
    network: str
    settings: Mapping[str, Any]
    tokenizer: Callable[[], Tokenizer]
    tokenizer_config: Mapping[str, Any]
    pooling: tuple[str, ...] = ("mean_tokens",)
    query: str = ""
    document: str = ""
    stored: Mapping[str, str] = field(default_factory=dict)
    dense: tuple[int, ...] = ()
    layer_norm: bool = False
    normalize: bool = True
    include_prompt: bool = True
    lower_case: bool = False
    window: int | None = 96
    stored_as: str = "float32"
    shards: bool = False
    auto_map: Mapping[str, str] = field(default_factory=dict)
    reference: Mapping[str, Any] = field(default_factory=dict)
    convertible: bool = True

    def write(self, folder: Path) -> Path:
        """Makes the model in `folder`, in the layout of a sentence-transformers repository."""
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = self.tokenizer()
        # As in real files: the tokenizer's own limit and padding are not the model's.
        tokenizer.enable_truncation(16)
        tokenizer.enable_padding(length=16)
        tokenizer.save(str(folder / "tokenizer.json"))
        write_json(folder / "tokenizer_config.json", {"model_max_length": 512, **self.tokenizer_config})
        _write_network(self, tokenizer.get_vocab_size(), folder)
        _write_modules(self, folder)
        return folder


def _write_network(family: Family, vocabulary: int, folder: Path) -> None:
    import torch
    import transformers

    config = getattr(transformers, family.config)(vocab_size=vocabulary, **family.settings)
    torch.manual_seed(sum(family.name.encode()))
    network = getattr(transformers, family.network)(config)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.dim() > 1:
                parameter.normal_(std=0.25)
            else:  # norms and biases: near where the architecture starts them
                parameter.add_(torch.randn_like(parameter) * 0.05)
        network.get_input_embeddings().weight.normal_(std=1)  # what tells texts apart
    size = {"max_shard_size": "20KB"} if family.shards else {}
    network.to(getattr(torch, family.stored_as)).save_pretrained(folder, **size)
    if family.auto_map:
        path = folder / "config.json"
        write_json(path, {**json.loads(path.read_text()), "auto_map": dict(family.auto_map)})


def _write_modules(family: Family, folder: Path) -> None:
    modules: list[tuple[str, Mapping[str, Any]]] = [("Transformer", {})]
    modules.append(
        (
            "Pooling",
            {
                "word_embedding_dimension": SIZE,
                **{f"pooling_mode_{name}": name in family.pooling for name in _SWITCHES},
                "include_prompt": family.include_prompt,
            },
        )
    )
    width = SIZE * len(family.pooling)
    for wide in family.dense:
        sizes = {"in_features": width, "out_features": wide, "bias": False}
        modules.append(("Dense", {**sizes, "activation_function": "torch.nn.modules.linear.Identity"}))
        width = wide
    if family.layer_norm:
        modules.append(("LayerNorm", {"dimension": width}))
    if family.normalize:
        modules.append(("Normalize", {}))
    random = np.random.default_rng(7)
    listed = []
    for number, (kind, config) in enumerate(modules):
        path = f"{number}_{kind}" if number else ""
        listed.append(
            {"idx": number, "name": str(number), "path": path, "type": f"sentence_transformers.models.{kind}"}
        )
        (folder / path).mkdir(exist_ok=True)
        if config:
            write_json(folder / path / "config.json", config)
        if kind == "Dense":
            shape = (config["out_features"], config["in_features"])
            save({"linear.weight": random.normal(scale=0.3, size=shape)}, folder / path)
        if kind == "LayerNorm":
            numbers = random.normal(scale=0.5, size=(2, width))
            save({"norm.weight": 1 + numbers[0], "norm.bias": numbers[1]}, folder / path)
    write_json(folder / "modules.json", listed)
    write_json(
        folder / "sentence_bert_config.json", {"max_seq_length": family.window, "do_lower_case": family.lower_case}
    )
    write_json(
        folder / "config_sentence_transformers.json",
        {"prompts": dict(family.stored), "default_prompt_name": None, "similarity_fn_name": "cosine"},
    )


def save(tensors: Mapping[str, Any], folder: Path) -> None:
    """Writes float32 tensors as a module's weights."""
    whole = {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in tensors.items()}
    save_file(whole, str(folder / "model.safetensors"), metadata={"format": "pt"})


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")


# --- families --------------------------------------------------------------------------------------------------------

_LAYERS = {"hidden_size": SIZE, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
_BERT = {**_LAYERS, "max_position_embeddings": 128}
_XLM_R = {**_BERT, "max_position_embeddings": 130, "type_vocab_size": 1, "pad_token_id": 1}
_MODERN = {
    **_LAYERS,
    "num_hidden_layers": 4,
    "local_attention": 16,  # texts are longer than what a token sees
    "max_position_embeddings": 512,
    "pad_token_id": 3,
    "cls_token_id": 1,
    "sep_token_id": 2,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_DECODER = {**_LAYERS, "num_key_value_heads": 2, "max_position_embeddings": 512}
_BERT_TOKENS = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "pad_token": "[PAD]"}
_XLM_R_TOKENS = {"tokenizer_class": "XLMRobertaTokenizer", "pad_token": "<pad>"}
_MODERN_TOKENS = {"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]", "cls_token": "[CLS]"}
_QWEN_TOKENS = {
    "tokenizer_class": "Qwen2Tokenizer",
    "add_bos_token": False,
    "padding_side": "left",
    "eos_token": "<|im_end|>",
    "pad_token": "<|endoftext|>",
    "model_max_length": 131072,
}


def _bert(name: str, **more: Any) -> Family:
    parts: dict[str, Any] = {"tokenizer": word_piece, "tokenizer_config": _BERT_TOKENS, "settings": _BERT} | more
    return Family(name=name, config="BertConfig", network="BertModel", **parts)


def _xlm_r(name: str, **more: Any) -> Family:
    parts: dict[str, Any] = {"config": "XLMRobertaConfig", "network": "XLMRobertaModel", "settings": _XLM_R} | more
    return Family(name=name, tokenizer=unigram, tokenizer_config=_XLM_R_TOKENS, **parts)


def _modern(name: str, **more: Any) -> Family:
    return Family(
        name=name,
        config="ModernBertConfig",
        network="ModernBertModel",
        settings=_MODERN,
        tokenizer=modern_bpe,
        tokenizer_config=_MODERN_TOKENS,
        **more,
    )


def _last_token(name: str, config: str, network: str, **more: Any) -> Family:
    parts: dict[str, Any] = {"tokenizer": qwen_bpe, "tokenizer_config": _QWEN_TOKENS, "settings": _DECODER} | more
    return Family(name=name, config=config, network=network, pooling=("lasttoken",), **parts)


def _t5(name: str, **more: Any) -> Family:
    return Family(
        name=name,
        config="T5Config",
        network="T5EncoderModel",
        settings={"d_model": SIZE, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4},
        tokenizer=t5_unigram,
        tokenizer_config={"tokenizer_class": "T5Tokenizer", "extra_ids": 2, "pad_token": "<pad>"},
        **more,
    )


CATALOGUED = (
    _bert("bge-small-en-v1.5", pooling=("cls_token",), query=QUERY_INSTRUCTION),
    _bert("e5-small-v2", query="query: ", document="passage: "),
    _bert("all-MiniLM-L6-v2"),
    _bert("gte-small"),
    _xlm_r("bge-m3", pooling=("cls_token",)),
    _xlm_r("snowflake-arctic-embed-l-v2.0", pooling=("cls_token",), query="query: ", stored={"query": "query: "}),
    _xlm_r("multilingual-e5-base", query="query: ", document="passage: "),
    _xlm_r(
        "snowflake-arctic-embed-m-v2.0",
        config="GteConfig",
        network="GteModel",
        settings={**_XLM_R, "rope_parameters": {"rope_type": "default", "rope_theta": 160000.0}},
        pooling=("cls_token",),
        query="query: ",
        stored={"query": "query: "},
        auto_map={"AutoConfig": "configuration_hf_alibaba_nlp_gte.GteConfig", "AutoModel": "modeling_gte.GteModel"},
    ),
    Family(
        name="all-mpnet-base-v2",
        config="MPNetConfig",
        network="MPNetModel",
        settings={**_BERT, "max_position_embeddings": 130},
        tokenizer=mpnet_word_piece,
        tokenizer_config={"tokenizer_class": "MPNetTokenizer", "do_lower_case": True, "pad_token": "<pad>"},
    ),
    _modern("granite-embedding-small-english-r2", pooling=("cls_token",)),
    _modern("gte-modernbert-base", pooling=("cls_token",)),
    Family(
        name="nomic-embed-text-v1.5",
        config="NomicBertConfig",
        network="NomicBertModel",
        settings={**_BERT, "max_position_embeddings": 64},  # fewer than the window, as in the real one
        tokenizer=word_piece,
        tokenizer_config=_BERT_TOKENS,
        query="search_query: ",
        document="search_document: ",
        auto_map={
            "AutoConfig": "nomic-ai/nomic-bert-2048--configuration_hf_nomic_bert.NomicBertConfig",
            "AutoModel": "nomic-ai/nomic-bert-2048--modeling_hf_nomic_bert.NomicBertModel",
        },
    ),
    _last_token(
        "Qwen3-Embedding-0.6B",
        "Qwen3Config",
        "Qwen3Model",
        settings={**_DECODER, "head_dim": 8},
        query=WEB_SEARCH,
        stored={"query": WEB_SEARCH, "document": ""},
        stored_as="bfloat16",
        shards=True,
    ),
    _last_token("nomic-embed-code", "Qwen2Config", "Qwen2Model", query=CODE_SEARCH, stored={"query": CODE_SEARCH}),
    _last_token(
        "e5-mistral-7b-instruct",
        "MistralConfig",
        "MistralModel",
        settings={**_DECODER, "sliding_window": 24},
        tokenizer=mistral_bpe,
        tokenizer_config={
            "tokenizer_class": "LlamaTokenizer",
            "add_eos_token": True,
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "pad_token": "</s>",
            "padding_side": "left",
        },
        query=f"{WEB_SEARCH} ",
        stored={"web_search_query": f"{WEB_SEARCH} "},
        # transformers 5 forgets the end token, which the pooling is to read.
        reference={"processor_kwargs": {"add_bos_token": True, "add_eos_token": True}},
        shards=True,
    ),
    Family(
        name="embeddinggemma-300m",
        config="Gemma3TextConfig",
        network="Gemma3TextModel",
        settings={
            **_DECODER,
            "num_hidden_layers": 3,
            "head_dim": 8,
            "query_pre_attn_scalar": 8,
            "sliding_window": 32,
            "layer_types": ["sliding_attention", "sliding_attention", "full_attention"],
            "use_bidirectional_attention": True,
        },
        tokenizer=gemma_bpe,
        tokenizer_config={
            "tokenizer_class": "GemmaTokenizer",
            "bos_token": "<bos>",
            "eos_token": "<eos>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "padding_side": "right",
        },
        query="task: search result | query: ",
        document="title: none | text: ",
        stored={
            "query": "task: search result | query: ",
            "document": "title: none | text: ",
            "STS": "task: sentence similarity | query: ",
        },
        dense=(64, SIZE),
    ),
)

OTHERS = (
    _xlm_r(
        "jina-v3-native",  # the class in transformers; the hub's jina-embeddings-v3 needs code of its own
        config="JinaEmbeddingsV3Config",
        network="JinaEmbeddingsV3Model",
        settings={**_XLM_R, "rope_parameters": {"rope_type": "default", "rope_theta": 20000.0}},
        query="Represent the query for retrieving evidence documents: ",
        document="Represent the document for retrieval: ",
        stored={
            "query": "Represent the query for retrieving evidence documents: ",
            "document": "Represent the document for retrieval: ",
        },
    ),
    _modern("modernbert-mean", query="search_query: ", stored={"query": "search_query: "}),
    Family(
        name="roberta",
        config="RobertaConfig",
        network="RobertaModel",
        settings=_XLM_R,
        tokenizer=roberta_bpe,
        tokenizer_config={"tokenizer_class": "RobertaTokenizer", "model_max_length": 64},
        window=None,
    ),
    Family(
        name="distilbert",
        config="DistilBertConfig",
        network="DistilBertModel",
        settings={"dim": SIZE, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "max_position_embeddings": 128},
        tokenizer=word_piece,
        tokenizer_config={**_BERT_TOKENS, "tokenizer_class": "DistilBertTokenizer"},
        normalize=False,
    ),
    _t5("sentence-t5", dense=(48,)),
    _t5(
        "instructor",
        query=QUERY_INSTRUCTION,
        document="Represent the document for retrieval: ",
        stored={"query": QUERY_INSTRUCTION, "document": "Represent the document for retrieval: "},
        include_prompt=False,
        convertible=False,
    ),
    Family(
        name="deberta-v2",
        config="DebertaV2Config",
        network="DebertaV2Model",
        settings={
            **_BERT,
            "relative_attention": True,
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
        },
        tokenizer=deberta_unigram,
        tokenizer_config={"tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": False, "pad_token": "[PAD]"},
    ),
    _bert("max", pooling=("max_tokens",), layer_norm=True),
    _bert("weighted-mean", pooling=("weightedmean_tokens",), normalize=False),
    _bert("root-of-length", pooling=("mean_sqrt_len_tokens",)),
    _bert("side-by-side", pooling=("cls_token", "max_tokens", "mean_tokens"), dense=(24,)),
    _bert(
        "lower-case",
        tokenizer=lambda: word_piece(lower_case=False),
        tokenizer_config={**_BERT_TOKENS, "do_lower_case": False},
        lower_case=True,
    ),
    _bert(
        # tokenizer.json keeps capitals; transformers believes tokenizer_config.json
        "contradicting",
        tokenizer=lambda: word_piece(lower_case=False),
    ),
)
"""What is not in the catalogue works too."""
FAMILIES = CATALOGUED + OTHERS


# --- tables ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """A static model: `model2vec` as that library stores it, whole or `quantised`, or as sentence-transformers does."""

    name: str
    folder: str = ""
    quantised: bool = False

    def write(self, path: Path) -> Path:
        """Makes the model in `path`."""
        tokenizer, place = word_piece(), path / self.folder
        place.mkdir(parents=True)
        tokenizer.save(str(place / "tokenizer.json"))
        random = np.random.default_rng(5)
        rows = random.normal(size=(tokenizer.get_vocab_size(), SIZE)).astype(np.float32)
        if self.folder:
            save({"embedding.weight": rows}, place)
        elif self.quantised:
            tensors: dict[str, Any] = {
                "embeddings": random.integers(-127, 128, size=(90, SIZE)).astype(np.int8),
                "mapping": random.integers(0, 90, size=len(rows)),
                "weights": random.uniform(0.2, 2, size=len(rows)).astype(np.float32),
            }
            save_file(tensors, str(place / "model.safetensors"))
        else:
            save({"embeddings": rows}, place)
        if not self.folder:
            config = {"model_type": "model2vec", "architectures": ["StaticModel"], "hidden_dim": SIZE}
            write_json(path / "config.json", {**config, "seq_length": 1000000, "normalize": True})
        kinds = [(self.folder or ".", "StaticEmbedding"), ("1_Normalize", "Normalize")]
        listed = [
            {"idx": number, "name": str(number), "path": place, "type": f"sentence_transformers.models.{kind}"}
            for number, (place, kind) in enumerate(kinds)
        ]
        write_json(path / "modules.json", listed)
        return path


TABLES = (Table("potion-base-4M"), Table("quantised", quantised=True), Table("static", folder="0_StaticEmbedding"))
