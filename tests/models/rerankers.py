"""Every family of rerankers, tiny: its real architecture, its kind of tokenizer, its repository's layout.

The weights are random, but large enough that question, text, their order and special tokens change the score visibly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer, pre_tokenizers
from tokenizers.processors import ByteLevel, TemplateProcessing

from hybridrag.models.network import keep
from hybridrag.models.rerank_convert import convert_reranker
from hybridrag.models.rerank_network import reranker_place
from hybridrag.models.rerank_pairs import PairTokenizer
from hybridrag.models.rerank_spec import RerankerSpec
from tests.models.families import SIZE, write_json
from tests.models.trained_tokenizers import TEXTS, deberta_unigram, modern_bpe, qwen_bpe, unigram, word_piece

QUESTION = "Who approves the hotel in Germany?"
LONG_QUESTION = "Which manager of which team approves the hotel and the meals of every night in Germany? " * 4
PASSAGES = (
    *TEXTS,
    "The finance team approves every hotel.",
    "Section 4: the manager pays.",
    "tests of [SEP] and <|im_end|>",
)
"""Short and long ones, an empty one, several scripts, and one that tries to end its part."""


PLAIN_MARKS = ("<think>", "</think>", "<tool_call>", "<|fim_prefix|>")
"""Tokens of Qwen's that its tokenizer does not call special."""


@dataclass(frozen=True)
class RerankerFamily:
    """How to make one: see `write`. `name` is the catalogue's for a language model, which is known by it.

    `window` goes to the tokenizer's file, as in real repositories. `pair` is the template of the post-processor that
    joins question and text, with their special tokens.
    """

    name: str
    config: str
    network: str
    settings: Mapping[str, Any]
    tokenizer: Callable[[], Tokenizer]
    tokenizer_config: Mapping[str, Any]
    window: int
    pair: str = ""
    labels: int = 1
    stored_as: str = "float32"

    @property
    def is_asked(self) -> bool:
        """Whether it is a language model."""
        return not self.pair

    def write(self, folder: Path) -> Path:
        """Makes the model in `folder`: no modules.json, as in most repositories."""
        folder.mkdir(parents=True, exist_ok=True)
        tokenizer = self.tokenizer()
        if self.pair:
            _join_pairs(tokenizer, self.pair)
        tokenizer.enable_truncation(16)  # as in real files: not the model's limit
        tokenizer.enable_padding(length=16)
        tokenizer.save(str(folder / "tokenizer.json"))
        write_json(folder / "tokenizer_config.json", {**self.tokenizer_config, "model_max_length": self.window})
        self._write_network(tokenizer.get_vocab_size(), folder)
        return folder

    def _write_network(self, vocabulary: int, folder: Path) -> None:
        import torch
        import transformers

        labels = {} if self.is_asked else {"num_labels": self.labels}
        config = getattr(transformers, self.config)(vocab_size=vocabulary, **self.settings, **labels)
        torch.manual_seed(sum(self.name.encode()))
        network = getattr(transformers, self.network)(config)
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.dim() > 1:
                    parameter.normal_(std=0.25)
                else:
                    parameter.add_(torch.randn_like(parameter) * 0.05)
            network.get_input_embeddings().weight.normal_(std=1)
        network.to(getattr(torch, self.stored_as)).save_pretrained(folder)


def _join_pairs(tokenizer: Tokenizer, pair: str) -> None:
    tokens = sorted({piece.partition(":")[0] for piece in pair.split() if not piece.startswith("$")})
    single = pair[: pair.index(" ", pair.index("$A") + 3)]
    specials = [(token, tokenizer.token_to_id(token)) for token in tokens]
    tokenizer.post_processor = TemplateProcessing(single=single, pair=pair, special_tokens=specials)


def _qwen() -> Tokenizer:
    """Qwen's tokenizer as the rerankers have it: nothing is added to a text, and the answers are whole tokens."""
    tokenizer = qwen_bpe()
    tokenizer.post_processor = ByteLevel(trim_offsets=False)
    tokenizer.add_tokens([AddedToken(word, single_word=True, normalized=False) for word in ("yes", "no")])
    tokenizer.add_tokens([AddedToken(token, normalized=False) for token in PLAIN_MARKS])
    assert len(pre_tokenizers.ByteLevel.alphabet()) == 256
    return tokenizer


_LAYERS = {"hidden_size": SIZE, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
_DECODER = {**_LAYERS, "num_key_value_heads": 2, "max_position_embeddings": 4096, "tie_word_embeddings": True}
_QWEN_TOKENS = {"tokenizer_class": "Qwen2Tokenizer", "add_bos_token": False, "pad_token": "<|endoftext|>"}
_TWO_TYPES = "[CLS] $A [SEP] $B:1 [SEP]:1"

FAMILIES = (
    RerankerFamily(
        name="bert",  # ms-marco-MiniLM
        config="BertConfig",
        network="BertForSequenceClassification",
        settings={**_LAYERS, "max_position_embeddings": 128},
        tokenizer=word_piece,
        tokenizer_config={"tokenizer_class": "BertTokenizer", "do_lower_case": True, "pad_token": "[PAD]"},
        window=96,
        pair=_TWO_TYPES,
    ),
    RerankerFamily(
        name="xlm-roberta",  # bge-reranker
        config="XLMRobertaConfig",
        network="XLMRobertaForSequenceClassification",
        settings={**_LAYERS, "max_position_embeddings": 130, "type_vocab_size": 1, "pad_token_id": 1},
        tokenizer=unigram,
        tokenizer_config={"tokenizer_class": "XLMRobertaTokenizer", "pad_token": "<pad>"},
        window=96,
        pair="<s> $A </s> </s> $B </s>",
    ),
    RerankerFamily(
        name="deberta-v2",  # mxbai-rerank v1
        config="DebertaV2Config",
        network="DebertaV2ForSequenceClassification",
        settings={
            **_LAYERS,
            "max_position_embeddings": 128,
            "relative_attention": True,
            "position_buckets": 8,
            "norm_rel_ebd": "layer_norm",
            "share_att_key": True,
            "pos_att_type": ["p2c", "c2p"],
            "position_biased_input": False,
            "type_vocab_size": 0,
            "pooler_hidden_size": SIZE,
        },
        tokenizer=deberta_unigram,
        tokenizer_config={"tokenizer_class": "DebertaV2Tokenizer", "do_lower_case": False, "pad_token": "[PAD]"},
        window=96,
        pair=_TWO_TYPES,
    ),
    RerankerFamily(
        name="modernbert",  # gte-reranker-modernbert
        config="ModernBertConfig",
        network="ModernBertForSequenceClassification",
        settings={
            **_LAYERS,
            "num_hidden_layers": 4,
            "local_attention": 16,
            "max_position_embeddings": 512,
            "classifier_pooling": "mean",
            "pad_token_id": 3,
            "cls_token_id": 1,
            "sep_token_id": 2,
            "bos_token_id": 1,
            "eos_token_id": 2,
        },
        tokenizer=modern_bpe,
        tokenizer_config={"tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "[PAD]"},
        window=96,
        pair="[CLS] $A [SEP] $B [SEP]",
    ),
    RerankerFamily(
        name="Qwen3-Reranker-0.6B",
        config="Qwen3Config",
        network="Qwen3ForCausalLM",
        settings={**_DECODER, "head_dim": 8},
        tokenizer=_qwen,
        tokenizer_config=_QWEN_TOKENS,
        window=600,
        stored_as="bfloat16",
    ),
    RerankerFamily(
        name="mxbai-rerank-base-v2",
        config="Qwen2Config",
        network="Qwen2ForCausalLM",
        settings=_DECODER,
        tokenizer=_qwen,
        tokenizer_config=_QWEN_TOKENS,
        window=600,
    ),
)


def family(name: str) -> RerankerFamily:
    return next(one for one in FAMILIES if one.name == name)


def reference(one: RerankerFamily, folder: Path, question: str, passages: Sequence[str]) -> list[float]:
    """The scores by others' code: sentence-transformers for classifiers, the cards' own code for language models."""
    return _asked(one, folder, question, passages) if one.is_asked else _classified(folder, question, passages)


def _classified(folder: Path, question: str, passages: Sequence[str]) -> list[float]:
    import torch
    from sentence_transformers import CrossEncoder

    encoder = CrossEncoder(str(folder), device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32})
    pairs = [(question, passage) for passage in passages]
    scores = encoder.predict(pairs, activation_fn=torch.nn.Identity(), show_progress_bar=False)
    return [float(score) for score in scores]


def _asked(one: RerankerFamily, folder: Path, question: str, passages: Sequence[str]) -> list[float]:
    """Each pair alone, without padding."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    network = AutoModelForCausalLM.from_pretrained(str(folder), dtype=torch.float32)
    network.train(mode=False)
    tokens = _qwen3_tokens if one.name.startswith("Qwen3") else _mxbai_tokens
    yes, no = ("yes", "no") if one.name.startswith("Qwen3") else ("1", "0")
    words = tokenizer.convert_tokens_to_ids(yes), tokenizer.convert_tokens_to_ids(no)
    scores = []
    for passage in passages:
        with torch.inference_mode():
            ids = torch.tensor([tokens(tokenizer, question, passage, one.window)])
            logits = network(input_ids=ids).logits[0, -1].float()
        scores.append(float(logits[words[0]] - logits[words[1]]))
    return scores


def _qwen3_tokens(tokenizer: Any, question: str, passage: str, window: int) -> list[int]:
    """github.com/QwenLM/Qwen3-Embedding, README: `format_instruction` and `process_inputs`."""
    prefix = (
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct "
        'provided. Note that the answer can only be "yes" or "no".<|im_end|>\n<|im_start|>user\n'
    )
    suffix = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    task = "Given a web search query, retrieve relevant passages that answer the query"
    before, after = (tokenizer.encode(text, add_special_tokens=False) for text in (prefix, suffix))
    text = f"<Instruct>: {task}\n<Query>: {question}\n<Document>: {passage}"
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"][: window - len(before) - len(after)]
    return [*before, *ids, *after]


def _mxbai_tokens(tokenizer: Any, question: str, passage: str, window: int) -> list[int]:
    """github.com/mixedbread-ai/mxbai-rerank, mxbai_rerank_v2.py: `prepare_inputs`."""

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    before = ids(
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n"
        "<|im_start|>user\n"
    )
    task = (
        "You are a search relevance expert who evaluates how well documents match search queries. For each "
        "query-document pair, carefully analyze the semantic relationship between them, then provide your binary "
        "relevance judgment (0 for not relevant, 1 for relevant).\nRelevance:"
    )
    after = [*ids("\n"), *ids(task), *ids("<|im_end|>\n<|im_start|>assistant\n")]
    pair = [*ids(f"query: {question}"), *ids("\n"), *ids(f"document: {passage}")]
    return [*before, *pair[: window - len(before) - len(after)], *after]


def convert_here(spec: RerankerSpec, cache: Path) -> None:
    """Makes the network for OpenVINO in this process: a child would load torch again for each."""
    answers = PairTokenizer(spec).answers() if spec.template is not None else None
    keep(
        reranker_place(spec, cache),
        lambda draft: convert_reranker(str(spec.path), str(draft), window=spec.window, answers=answers),
    )


def write_json_over(path: Path, **changes: Any) -> None:
    """Changes keys of the object in a JSON file."""
    write_json(path, {**json.loads(path.read_text()), **changes})
