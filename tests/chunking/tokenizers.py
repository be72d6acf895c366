"""Three kinds of real tokenizers as the chunker meets them: WordPiece, the one of MiniLM, and byte-level BPE."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteLevelDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.processors import TemplateProcessing
from tokenizers.trainers import BpeTrainer

from hybridrag.models import FastTokenizer, ModelSpec, find_model
from tests.models.tiny import word_piece

PROMPT = "passage: the office "


@cache
def tokenizer(kind: str) -> FastTokenizer:
    """`word_piece` has special tokens and a document prompt, `minilm` is real, `byte_bpe` merges over spaces."""
    if kind == "minilm":
        return FastTokenizer(find_model("all-MiniLM-L6-v2", offline=True))
    if kind == "word_piece":
        return _fast(_with_specials(word_piece()), prompt=PROMPT)
    return _fast(_byte_bpe(), prompt="")


KINDS = ("word_piece", "minilm", "byte_bpe")


def _with_specials(tokenizer: Tokenizer) -> Tokenizer:
    specials = [(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=specials)
    return tokenizer


def _byte_bpe() -> Tokenizer:
    """Without a split at white space, so that merges run over words, and a part of a text may need more tokens."""
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = ByteLevelDecoder()
    trainer = BpeTrainer(
        vocab_size=600, initial_alphabet=ByteLevel.alphabet(), special_tokens=["<s>", "</s>"], show_progress=False
    )
    tokenizer.train_from_iterator(
        ["the meal allowance of the travel policy is paid for by the finance team. "] * 40, trainer
    )
    specials = [(token, tokenizer.token_to_id(token)) for token in ("<s>", "</s>")]
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=specials)
    return tokenizer


def _fast(tokenizer: Tokenizer, *, prompt: str) -> FastTokenizer:
    with TemporaryDirectory() as folder:
        tokenizer.save(f"{folder}/tokenizer.json")
        made = FastTokenizer(
            ModelSpec(
                name="tokenizer",
                path=Path(folder),
                window=512,
                full_dimensions=1,
                dimensions=1,
                query_prompt="",
                document_prompt=prompt,
                modules=(),
            )
        )
        made.count(["reads the file while it is there"])
    return made
