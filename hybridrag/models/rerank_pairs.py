"""A question and a text as what a reranker's network is given: token ids, and which of the two each belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from hybridrag.errors import ModelError
from hybridrag.models.rerank_spec import RerankerSpec
from hybridrag.models.rerank_templates import Template
from hybridrag.models.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True, slots=True)
class Pair:
    """Token ids of a pair; `types` is 0 for the question's part and 1 for the text's, where the network tells them
    apart."""

    ids: list[int]
    types: list[int]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The special tokens around question and text, and the types of these two."""

    first: Pair
    between: Pair
    last: Pair
    types: tuple[int, int]

    @property
    def size(self) -> int:
        return sum(len(part.ids) for part in (self.first, self.between, self.last))

    def around(self, asked: list[int], told: list[int]) -> Pair:
        asked_types, told_types = [self.types[0]] * len(asked), [self.types[1]] * len(told)
        return Pair(
            [*self.first.ids, *asked, *self.between.ids, *told, *self.last.ids],
            [*self.first.types, *asked_types, *self.between.types, *told_types, *self.last.types],
        )


class PairTokenizer:
    """Pairs that fit the window. The question stays whole up to half of it, and is cut alike for all texts, so that
    their scores can be compared; the text loses its end.

    Special tokens inside question and text are read as plain characters: a document must not be able to end its part
    and to speak for the reranker.
    """

    def __init__(self, spec: RerankerSpec) -> None:
        self.spec = spec

    def pairs(self, question: str, texts: Sequence[str]) -> list[Pair]:
        """A pair for each text, in order."""
        if self.spec.template is None:
            return self._classified(question, texts)
        return self._asked(self.spec.template, question, texts)

    def answers(self) -> tuple[int, int]:
        """The ids of the tokens for `relevant` and `irrelevant` of a language model's template."""
        template = self.spec.template
        if template is None:
            raise ValueError("a classifier answers with no token")
        relevant, irrelevant = map(self._tokenizer.token_to_id, (template.relevant, template.irrelevant))
        if relevant is None or irrelevant is None:
            raise ModelError(
                f"the tokenizer in {self.spec.path} has no token {template.relevant!r} or {template.irrelevant!r}",
                hint="its files belong to another model; fetch it again",
            )
        return relevant, irrelevant

    @cached_property
    def padding_id(self) -> int:
        """The id that fills short rows of a batch; any will do under the mask."""
        named = (self._tokenizer.token_to_id(token) for token in ("[PAD]", "<pad>", "<|endoftext|>"))
        return next((found for found in named if found is not None), 0)

    def _classified(self, question: str, texts: Sequence[str]) -> list[Pair]:
        frame = self._frame
        room = self.spec.window - frame.size
        asked = self._ids([question])[0][: room // 2]
        return [frame.around(asked, text[: room - len(asked)]) for text in self._ids(texts)]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        encodings = self._tokenizer.encode_batch([_readable(text) for text in texts], add_special_tokens=False)
        return [[token for token in encoding.ids if token not in self._special] for encoding in encodings]

    def _asked(self, template: Template, question: str, texts: Sequence[str]) -> list[Pair]:
        before, after = self._fixed
        room = self.spec.window - len(before) - len(after)
        asked = self._cut(_readable(question), room // 2)
        rows: list[list[int]] = [[] for _ in texts]
        for piece in template.pair:
            written = [piece.format(question=asked, passage=text) for text in texts]
            for row, ids in zip(rows, self._ids(written), strict=True):
                row.extend(ids)
        whole = [[*before, *row[:room], *after] for row in rows]
        return [Pair(ids, [0] * len(ids)) for ids in whole]

    def _cut(self, text: str, most: int) -> str:
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return text if len(offsets) <= most else text[: offsets[most][0]]

    @cached_property
    def _fixed(self) -> tuple[list[int], list[int]]:
        """What stands before and after every pair of a language model: here special tokens are meant."""
        template, tokenizer = self.spec.template, self._load()
        assert template is not None
        before, after = (
            [token for piece in pieces for token in tokenizer.encode(piece, add_special_tokens=False).ids]
            for pieces in (template.before, template.after)
        )
        if self.spec.window < len(before) + len(after) + 32:
            raise ModelError(f"the window of {self.spec.name} has no room for its template", hint="fetch it again")
        return before, after

    @cached_property
    def _frame(self) -> _Frame:
        """Read from a pair of one word each, as the tokenizer's own post-processor joins it."""
        tokenizer = self._tokenizer
        first, second = (tokenizer.encode(word, add_special_tokens=False) for word in ("a", "b"))
        joined = tokenizer.post_process(first, second, True)
        special = joined.special_tokens_mask
        asked, end = special.index(0), len(special) - special[::-1].index(0)
        told = end - len(second)
        parts = ((0, asked), (asked + len(first), told), (end, len(special)))
        before, between, behind = (Pair(joined.ids[start:stop], joined.type_ids[start:stop]) for start, stop in parts)
        return _Frame(
            before,
            between,
            behind,
            types=(joined.type_ids[asked], joined.type_ids[told]),
        )

    @cached_property
    def _special(self) -> frozenset[int]:
        """The special tokens but the unknown one: SentencePiece has them among its words, and finds them in texts."""
        added = self._tokenizer.get_added_tokens_decoder()
        return frozenset(
            number for number, token in added.items() if token.special and token.content not in {"[UNK]", "<unk>"}
        )

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        tokenizer = self._load()
        tokenizer.encode_special_tokens = True
        return tokenizer

    def _load(self) -> Tokenizer:
        return load_tokenizer(self.spec.path / "tokenizer.json", self.spec.tokenizing)


def _readable(text: str) -> str:
    """The text without lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode()
