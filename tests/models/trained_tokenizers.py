"""Small tokenizers of every kind that embedding models have, trained here, and the texts that families are given."""

from __future__ import annotations

import json
import math
from collections import Counter

from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE, Unigram, WordPiece
from tokenizers.processors import RobertaProcessing, TemplateProcessing
from tokenizers.trainers import BpeTrainer, WordPieceTrainer

TEXTS = (
    "the travel policy",
    "Who approves the hotel in Germany?",
    "x",
    "",
    " two  blanks and\nlines\t",
    "検索 of the office — Übernachtung für Gäste, тест поездки 🙂",
    "def add(left: int, right: int) -> int:\n    return left + right",
    "A meal allowance of 62 euro is paid for every night. " * 12,  # over every window here
    *(f"Section {number} of the leave policy, " * number for number in range(1, 6)),
)
QUERY_INSTRUCTION = "Represent this sentence for searching relevant passages: "
WEB_SEARCH = "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:"
CODE_SEARCH = "Represent this query for searching relevant code: "
_CORPUS = (
    *TEXTS,
    *(f"{QUERY_INSTRUCTION} {WEB_SEARCH} {CODE_SEARCH} query: passage: search_query: search_document:",) * 20,
    *("task: search result | query: title: none | text: Represent the document for retrieval: evidence",) * 20,
    *("the finance team pays for travel, meals and nights in the hotel that the manager approves.",) * 20,
)


def word_piece(
    *, first: str = "[CLS]", last: str = "[SEP]", pad: str = "[PAD]", mask: str = "[MASK]", lower_case: bool = True
) -> Tokenizer:
    """BERT's kind."""
    tokenizer = Tokenizer(WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=lower_case)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["<s>", "<pad>", "</s>", "[UNK]", mask] if pad == "<pad>" else [pad, "[UNK]", first, last, mask]
    tokenizer.train_from_iterator(
        _CORPUS, WordPieceTrainer(vocab_size=420, special_tokens=special, show_progress=False)
    )
    return _between(tokenizer, first, last)


def mpnet_word_piece() -> Tokenizer:
    tokenizer = word_piece(first="<s>", last="</s>", pad="<pad>", mask="<mask>")
    tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def unigram() -> Tokenizer:
    """XLM-RoBERTa's kind: SentencePiece."""
    tokenizer = _unigram(["<s>", "<pad>", "</s>", "<unk>"], unknown="<unk>", more=["<mask>"])
    return _between(tokenizer, "<s>", "</s>")


def t5_unigram() -> Tokenizer:
    tokenizer = _unigram(["<pad>", "</s>", "<unk>"], unknown="<unk>", more=["<extra_id_1>", "<extra_id_0>"])
    return _between(tokenizer, None, "</s>")


def deberta_unigram() -> Tokenizer:
    tokenizer = _unigram(["[PAD]", "[CLS]", "[SEP]", "[UNK]"], unknown="[UNK]", more=["[MASK]"])
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " "),
            normalizers.NFC(),
            normalizers.Strip(left=False, right=True),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Metaspace(prepend_scheme="always")])
    return _between(tokenizer, "[CLS]", "[SEP]")


def _unigram(special: list[str], *, unknown: str, more: list[str]) -> Tokenizer:
    words = Counter(f"▁{word}" for text in _CORPUS for word in text.split())
    letters = Counter(letter for text in _CORPUS for letter in text if not letter.isspace())
    pieces = [*words.most_common(), *((letter, 0) for letter in sorted(letters) if f"▁{letter}" not in words), ("▁", 0)]
    vocabulary = [(token, 0.0) for token in special]
    vocabulary += [(piece, -math.log(number + 2) - 6 * (count == 0)) for number, (piece, count) in enumerate(pieces)]
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=special.index(unknown)))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in (*special, *more)])
    return tokenizer


_QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def qwen_bpe() -> Tokenizer:
    """Qwen's kind: byte-level, with the end-of-text token appended by the post-processor."""
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    _train_bytes(tokenizer, [])
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in _QWEN_SPECIAL])
    return _between(tokenizer, None, "<|endoftext|>")


_QWEN_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")


def modern_bpe() -> Tokenizer:
    """ModernBERT's kind: byte-level, with [CLS] and [SEP]."""
    tokenizer = Tokenizer(BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    _train_bytes(tokenizer, ["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"])
    return _between(tokenizer, "[CLS]", "[SEP]")


def roberta_bpe() -> Tokenizer:
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    _train_bytes(tokenizer, ["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def _train_bytes(tokenizer: Tokenizer, special: list[str]) -> None:
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = BpeTrainer(vocab_size=500, initial_alphabet=alphabet, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(_CORPUS, trainer)


def mistral_bpe() -> Tokenizer:
    """Llama's kind: SentencePiece's BPE with bytes for unknown characters. Only `<s>` is added, as in e5-mistral."""
    tokenizer = _byte_fallback(["<unk>", "<s>", "</s>"])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    return _between(tokenizer, "<s>", None)


def gemma_bpe() -> Tokenizer:
    tokenizer = _byte_fallback(["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"])
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", behavior="merged_with_previous")
    return _between(tokenizer, "<bos>", "<eos>")


def _byte_fallback(special: list[str]) -> Tokenizer:
    learnt = Tokenizer(BPE())
    learnt.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    letters = BpeTrainer(vocab_size=400, limit_alphabet=70, show_progress=False)
    learnt.train_from_iterator(_CORPUS, letters)
    model = json.loads(learnt.to_str())["model"]
    words = sorted(model["vocab"], key=model["vocab"].__getitem__)
    order = [*special, *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    merges = [tuple(pair) for pair in model["merges"]]
    vocabulary = {token: number for number, token in enumerate(order)}
    tokenizer = Tokenizer(BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in special])
    return tokenizer


def _between(tokenizer: Tokenizer, first: str | None, last: str | None) -> Tokenizer:
    """Has the tokenizer put special tokens around a text."""
    tokens = [token for token in (first, last) if token is not None]
    template = " ".join(filter(None, (first, "$A", last)))
    specials = [(token, tokenizer.token_to_id(token)) for token in tokens]
    tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=specials)
    return tokenizer
