"""A text as the tokens of a names model, with the place of each, in windows that the model can read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridrag.errors import BlockedByPolicy

_PART = 64
"""Characters: tokenizers split by backtracking expressions, which never see more than this at a time."""
_PARTS_AT_ONCE = 4096
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Tokens:
    """`ids[i]` stands for `text[starts[i]:ends[i]]`."""

    ids: list[int]
    starts: list[int]
    ends: list[int]


class NerTokenizer:
    """The `tokenizer.json` of a model, without truncation and padding. Threads may share it."""

    def __init__(self, file: Path) -> None:
        """Raises BlockedByPolicy where it cannot be read or adds tokens elsewhere than at the ends."""
        from tokenizers import Tokenizer

        try:
            self._tokenizer: Any = Tokenizer.from_file(str(file))
            self._tokenizer.no_truncation()
            self._tokenizer.no_padding()
            # "[SEP]" in a document is text, not the end of what the model reads.
            self._tokenizer.encode_special_tokens = True
            bare: list[int] = self._tokenizer.encode("a", add_special_tokens=False).ids
            whole: list[int] = self._tokenizer.encode("a").ids
        except Exception as exc:  # the library raises plain Exception
            raise BlockedByPolicy(
                f"The tokenizer of the names model, {file.name}, cannot be read; nothing was sent.",
                hint=f"Fetch the model's folder {file.parent} again.",
            ) from exc
        at = next((i for i in range(len(whole) - len(bare) + 1) if whole[i : i + len(bare)] == bare), None)
        if at is None or not bare:
            raise BlockedByPolicy(
                "The tokenizer of the names model joins texts in a way that is not known; nothing was sent.",
                hint="Choose another model. BERT, RoBERTa, XLM-RoBERTa and DeBERTa exports work.",
            )
        self.before: list[int] = whole[:at]
        self.after: list[int] = whole[at + len(bare) :]

    def tokens(self, text: str) -> Tokens:
        """The tokens of `text`, however long it is; those that stand for no character are left out."""
        ids: list[int] = []
        starts: list[int] = []
        ends: list[int] = []
        # The tokenizer takes UTF-8, which has no lone surrogates.
        parts = list(_parts(_SURROGATES.sub("\ufffd", text)))
        for first in range(0, len(parts), _PARTS_AT_ONCE):
            some = parts[first : first + _PARTS_AT_ONCE]
            encoded = self._tokenizer.encode_batch([part for _, part in some], add_special_tokens=False)
            for (offset, _), encoding in zip(some, encoded, strict=True):
                for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
                    if start < end:
                        ids.append(token)
                        starts.append(offset + start)
                        ends.append(offset + end)
        return Tokens(ids, starts, ends)


def windows(count: int, *, size: int) -> Sequence[tuple[int, int]]:
    """(start, end) of windows of at most `size` over `count` tokens; each shares a quarter with its neighbour."""
    step = max(1, size - size // 4)
    last = max(1, -(-max(0, count - size) // step) + 1)
    return [(k * step, min(k * step + size, count)) for k in range(last)] if count else []


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """(offset, part): `text` cut before blanks where there are any, so that words stay whole."""
    start = 0
    while len(text) - start > _PART:
        limit = start + _PART
        cut = max(text.rfind(" ", start + 1, limit), text.rfind("\n", start + 1, limit))
        cut = cut if cut > 0 else limit
        yield start, text[start:cut]
        start = cut
    if start < len(text):
        yield start, text[start:]
