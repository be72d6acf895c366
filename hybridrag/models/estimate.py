"""Counting tokens without the tokenizer: what is known of a model behind an address is often only its name.

The estimate errs on the side of too many, so that a chunk fits the window. Measured against the WordPiece tokenizer of
all-MiniLM-L6-v2, which falls into small pieces on everything that is not English (figures in
`docs/decisions/0009-embedding-endpoints.md`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from math import ceil

_VERSION = 1
"""Of the estimate: another one where anything below changes."""
_SPECIAL = 2
"""Tokens that a model puts around a text: one at its beginning and one at its end."""
_PIECE = re.compile(r"[^\W\d_]+|\d+|_|[^\w\s]")
_STRETCH = re.compile(r"(?s).{2000}\S{0,2000}|.+")
"""Characters judged together: English or not."""
_ENGLISH = frozenset({"the", "and", "to", "that", "this", "with", "for", "from", "are", "which", "you", "your", "it"})
"""Frequent in English, and seldom words of another language."""
_ENGLISH_SHARE = 0.1
_ENGLISH_LETTERS = 4.5
"""Letters of an English word to a token; vocabularies hold most of its words whole."""
_LETTERS = 2.8
"""Letters of a word in another language of Latin letters to a token; words of up to three letters are one."""
_DIGITS = 2
_LAST_LATIN = "\u024f"
_LAST_OF_TWO = "\u06ff"
"""Up to here scripts of which a token of a multilingual vocabulary holds two letters and more: Greek, Cyrillic,
Armenian, Hebrew, Arabic. Not measured here; the window assumed of an unknown model has room for twice the guess."""


class EstimatedTokenizer:
    """A `Tokenizer` that guesses. `document_prompt` stands before each document and is counted with it.

    `english` says that the vocabulary is an English one: of other scripts it holds single letters.
    """

    def __init__(self, document_prompt: str = "", *, english: bool = False) -> None:
        self._english = english
        self._around = _SPECIAL + len(self._spans(document_prompt))

    @property
    def identity(self) -> str:
        return f"estimated/{_VERSION}/{self._around}/{'english' if self._english else 'any'}"

    def offsets(self, text: str) -> Sequence[tuple[int, int]]:
        """The span of each guessed token in `text`."""
        return self._spans(text)

    def count(self, texts: Sequence[str]) -> list[int]:
        """Guessed tokens of each text, special tokens and the document prompt included."""
        return [self._around + len(self._spans(text)) for text in texts]

    def _spans(self, text: str) -> list[tuple[int, int]]:
        return [span for stretch in _STRETCH.finditer(text) for span in self._tokens(stretch[0], stretch.start())]

    def _tokens(self, text: str, base: int) -> Iterator[tuple[int, int]]:
        pieces = list(_PIECE.finditer(text))
        words = [piece[0].lower() for piece in pieces if piece[0].isascii() and piece[0].isalpha()]
        prose = sum(word in _ENGLISH for word in words) > _ENGLISH_SHARE * len(words)
        for piece in pieces:
            number = _tokens_of(piece[0], english_prose=prose, english_model=self._english)
            length = len(piece[0])
            start = base + piece.start()
            yield from ((start + length * i // number, start + length * (i + 1) // number) for i in range(number))


def _tokens_of(piece: str, *, english_prose: bool, english_model: bool) -> int:
    """How many tokens a word, a number or a sign takes: never more than it has characters."""
    length = len(piece)
    if piece[0].isdigit():
        return ceil(length / _DIGITS)
    if not piece[0].isalpha() or length == 1:
        return 1
    if (last := max(piece)) > _LAST_LATIN:
        return length if english_model or last > _LAST_OF_TWO else ceil(length / 2)
    # Capitals inside a word are those of joined words, or of keys and encoded bytes.
    capitals = 0 if piece.isupper() else sum(map(str.isupper, piece))
    if english_prose and piece.isascii():
        return max(ceil(length / _ENGLISH_LETTERS), capitals)
    return max(1 if length <= 3 else ceil(length / _LETTERS), capitals)
