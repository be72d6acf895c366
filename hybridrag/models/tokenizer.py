"""The embedding model's own tokenizer, without torch."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.configuration import WORD_PIECE_NORMALIZER
from hybridrag.models.spec import ModelSpec, tokenizer_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_STRETCH = re.compile(r"(?s).{32768}\S{0,32768}|.+")
_TOGETHER = 8
"""Stretches tokenised at once, by as many threads as there are cores."""


class FastTokenizer:
    """A `tokenizers` file with its own truncation and padding off: the limits in such files are not the model's."""

    def __init__(self, spec: ModelSpec) -> None:
        self.spec = spec

    @property
    def identity(self) -> str:
        """SHA-256 (hex) of the file, of what is changed of it, and of the prompt that is counted with each text."""
        digest = hashlib.sha256(tokenizer_file(self.spec).read_bytes())
        digest.update(json.dumps([self.spec.tokenizing, self.spec.document_prompt], sort_keys=True).encode())
        return digest.hexdigest()

    def offsets(self, text: str) -> Iterator[tuple[int, int]]:
        """The span of each token in `text`, special tokens left out.

        A long text is taken in stretches that end at white space where there is any, some at a time: as a whole it
        would need more than a hundred bytes of memory a character.
        """
        stretches = _STRETCH.finditer(text)
        while group := [(match.start(), match[0]) for match in islice(stretches, _TOGETHER)]:
            encodings = self._whole.encode_batch([stretch for _, stretch in group], add_special_tokens=False)
            for (base, _), encoding in zip(group, encodings, strict=True):
                yield from ((base + start, base + end) for start, end in encoding.offsets)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens the model is given for each text: special tokens and the document prompt included."""
        prompt = self.spec.document_prompt
        return [len(encoding) for encoding in self._whole.encode_batch_fast([prompt + text for text in texts])]

    def model_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """What the model is given for full texts (prompt in front): special tokens included, cut at the window."""
        return [encoding.ids for encoding in self._cut.encode_batch_fast(list(texts))]

    def plain_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text, no special ones, uncut."""
        return [encoding.ids for encoding in self._whole.encode_batch_fast(list(texts), add_special_tokens=False)]

    def prompt_length(self, prompt: str) -> int:
        """Tokens that stand before a text for its prompt: the special ones in front are counted, those behind not."""
        (ids,), (around,) = self.model_ids([prompt]), self.model_ids([""])
        return len(ids) - (1 if ids and ids[-1] in around else 0)

    @property
    def size(self) -> int:
        """How many tokens there are."""
        return int(self._whole.get_vocab_size())

    @property
    def padding_id(self) -> int:
        """The id that fills short rows of a batch; any will do under the mask, so 0 where the file names none."""
        for token in ("[PAD]", "<pad>", "<|endoftext|>"):
            found: int | None = self._cut.token_to_id(token)
            if found is not None:
                return found
        return 0

    @property
    def unknown_id(self) -> int | None:
        """The id of the token for what the vocabulary does not hold, if there is one."""
        for token in ("[UNK]", "<unk>"):
            found: int | None = self._whole.token_to_id(token)
            if found is not None:
                return found
        return None

    @cached_property
    def _whole(self) -> Tokenizer:
        return _load(self.spec)

    @cached_property
    def _cut(self) -> Tokenizer:
        tokenizer = _load(self.spec)
        tokenizer.enable_truncation(self.spec.window, direction=self.spec.tokenizing.get("cut", "right"))
        return tokenizer


def _load(spec: ModelSpec) -> Tokenizer:
    return load_tokenizer(tokenizer_file(spec), spec.tokenizing)


def load_tokenizer(path: Path, changes: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer in a file without truncation and padding, with what other files change of it (`tokenizing`).

    Raises ModelError where the file is none.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as exc:  # the library raises bare Exception for a broken file
        raise ModelError(f"{path} is not a tokenizer ({type(exc).__name__})", hint="fetch the model again") from exc
    tokenizer.no_truncation()
    tokenizer.no_padding()
    _change(tokenizer, changes, path)
    return tokenizer


def _change(tokenizer: Tokenizer, changes: Mapping[str, Any], path: Path) -> None:
    """Has the tokenizer do what the model's other files say, as transformers and sentence-transformers would."""
    from tokenizers import normalizers

    normalizer = tokenizer.normalizer
    if "word_piece" in changes and isinstance(normalizer, normalizers.BertNormalizer):
        switches = {**WORD_PIECE_NORMALIZER, **changes["word_piece"]}
        normalizer = normalizers.BertNormalizer(
            lowercase=switches["do_lower_case"],
            strip_accents=switches["strip_accents"],
            handle_chinese_chars=switches["tokenize_chinese_chars"],
        )
        tokenizer.normalizer = normalizer
    if "lower_case" in changes:
        first = [normalizers.Lowercase()]
        tokenizer.normalizer = normalizers.Sequence(first if normalizer is None else [*first, normalizer])
    if "eos" in changes:
        _end_with(tokenizer, changes["eos"], path)


def _end_with(tokenizer: Tokenizer, token: str, path: Path) -> None:
    """Has the tokenizer put `token` after a text, where it does not do so already."""
    from tokenizers.processors import TemplateProcessing

    probe, last = tokenizer.encode("a"), tokenizer.token_to_id(token)
    if last is None:
        raise ModelError(
            f"the tokenizer in {path.parent} has no token {token[:40]!r} to end a text with",
            hint="fetch the model again",
        )
    special = [name if mark else "" for name, mark in zip(probe.tokens, probe.special_tokens_mask, strict=True)]
    before = list(takewhile(bool, special))
    behind = list(takewhile(bool, reversed(special[len(before) :])))[::-1]
    if behind[-1:] == [token]:
        return
    around = {name: tokenizer.token_to_id(name) for name in (*before, *behind, token)}
    tokenizer.post_processor = TemplateProcessing(
        single=[*before, "$A", *behind, token], special_tokens=list(around.items())
    )
