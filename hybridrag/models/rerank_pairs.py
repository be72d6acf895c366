"""A question and a text as what a reranker's network is given: token ids, and which of the two each belongs to."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hybridrag.config import LEAST_WINDOW
from hybridrag.errors import ModelError
from hybridrag.models.rerank_spec import RerankerSpec
from hybridrag.models.rerank_templates import Template
from hybridrag.models.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from tokenizers import AddedToken, Tokenizer


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

    Tokens that the tokenizer's vocabulary was given on top, such as `[SEP]`, `<|im_end|>` or `</think>`, are read as
    plain characters in question and text, whether it calls them special or not: a document must not be able to end its
    part and to speak for the reranker. Words and blanks that were added stay whole. May be used by several threads.
    """

    def __init__(self, spec: RerankerSpec) -> None:
        self.spec = spec
        self._loading = threading.Lock()
        self._read: _Read | None = None

    def load(self) -> None:
        """Reads the tokenizer now, which the first pair does otherwise. Raises ModelError where it is none."""
        self._loaded()

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
        tokenizer = self._loaded().tokenizer
        relevant, irrelevant = map(tokenizer.token_to_id, (template.relevant, template.irrelevant))
        if relevant is None or irrelevant is None:
            raise ModelError(
                f"the tokenizer in {self.spec.path} has no token {template.relevant!r} or {template.irrelevant!r}",
                hint="its files belong to another model; fetch it again",
            )
        return relevant, irrelevant

    @property
    def padding_id(self) -> int:
        """The id that fills short rows of a batch: the network's own, else one that the tokenizer has for it. Any will
        do under the mask."""
        return self._loaded().padding_id

    def _classified(self, question: str, texts: Sequence[str]) -> list[Pair]:
        frame = self._loaded().frame
        assert frame is not None
        room = self.spec.window - frame.size
        asked = self._ids([question])[0][: room // 2]
        return [frame.around(asked, text[: room - len(asked)]) for text in self._ids(texts)]

    def _ids(self, texts: Sequence[str]) -> list[list[int]]:
        read = self._loaded()
        encodings = read.tokenizer.encode_batch([_readable(text) for text in texts], add_special_tokens=False)
        return [[token for token in encoding.ids if token not in read.control] for encoding in encodings]

    def _asked(self, template: Template, question: str, texts: Sequence[str]) -> list[Pair]:
        before, after = self._loaded().fixed
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
        offsets = self._loaded().tokenizer.encode(text, add_special_tokens=False).offsets
        return text if len(offsets) <= most else text[: offsets[most][0]]

    def _loaded(self) -> _Read:
        with self._loading:
            if self._read is None:
                self._read = self._load()
            return self._read

    def _load(self) -> _Read:
        spec = self.spec
        tokenizer = load_tokenizer(spec.path / "tokenizer.json", spec.tokenizing)
        # First what is meant to hold special tokens, then they become plain characters.
        frame = _frame(tokenizer, spec) if spec.template is None else None
        fixed = ([], []) if spec.template is None else _fixed(tokenizer, spec, spec.template)
        added = tokenizer.get_added_tokens_decoder()
        named = map(tokenizer.token_to_id, ("[PAD]", "<pad>", "<|endoftext|>"))
        return _Read(
            tokenizer=_plain(tokenizer),
            control=frozenset(number for number, token in added.items() if _is_control(token)),
            padding_id=next((it for it in (spec.padding_id, *named) if it is not None), 0),
            frame=frame,
            fixed=fixed,
        )


@dataclass(frozen=True, slots=True)
class _Read:
    """A tokenizer that reads question and text, and what is put around them: `frame` for a classifier, `fixed` (before
    and after the pair) for a language model. `control` holds the ids that neither question nor text may have.
    """

    tokenizer: Tokenizer
    control: frozenset[int]
    padding_id: int
    frame: _Frame | None
    fixed: tuple[list[int], list[int]]


def _plain(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, changed so that it finds no control token in a text."""
    from tokenizers import AddedToken

    found = tokenizer.get_added_tokens_decoder().values()
    control = [token for token in found if _is_control(token) and not token.special]
    tokenizer.add_special_tokens(
        [AddedToken(token.content, special=True, normalized=token.normalized) for token in control]
    )
    tokenizer.encode_special_tokens = True
    return tokenizer


def _is_control(token: AddedToken) -> bool:
    """Whether an added token may mean more to the network than its characters do.

    The unknown one is not: SentencePiece has it among its words, and finds it in texts.
    """
    if token.special:
        return token.content not in {"[UNK]", "<unk>"}
    return any(not (character.isalnum() or character.isspace() or character == "\u2581") for character in token.content)


def _fixed(tokenizer: Tokenizer, spec: RerankerSpec, template: Template) -> tuple[list[int], list[int]]:
    """What stands before and after every pair of a language model."""
    before, after = (
        [token for piece in pieces for token in tokenizer.encode(piece, add_special_tokens=False).ids]
        for pieces in (template.before, template.after)
    )
    if spec.window < len(before) + len(after) + LEAST_WINDOW:
        raise ModelError(f"the window of {spec.name} has no room for its template", hint="fetch it again")
    return before, after


def _frame(tokenizer: Tokenizer, spec: RerankerSpec) -> _Frame:
    """Read from a pair of one word each, as the tokenizer's own post-processor joins it."""
    first, second = (tokenizer.encode(word, add_special_tokens=False) for word in ("a", "b"))
    joined = tokenizer.post_process(first, second, True)
    special = joined.special_tokens_mask
    asked = special.index(0) if 0 in special else 0
    end = len(special) - (special[::-1].index(0) if 0 in special else 0)
    told = end - len(second)
    found = (joined.ids[asked : asked + len(first)], joined.ids[told:end])
    if not first.ids or not second.ids or asked + len(first) > told or found != (first.ids, second.ids):
        raise ModelError(
            f"the tokenizer in {spec.path} does not join a question and a text",
            hint="its files are damaged, or it is no reranker's; fetch it again, or choose another",
        )
    parts = ((0, asked), (asked + len(first), told), (end, len(special)))
    before, between, behind = (Pair(joined.ids[start:stop], joined.type_ids[start:stop]) for start, stop in parts)
    frame = _Frame(before, between, behind, types=(joined.type_ids[asked], joined.type_ids[told]))
    if spec.window < frame.size + LEAST_WINDOW // 2:
        raise ModelError(
            f"the window of {spec.name} has no room for a question and a text",
            hint="its files are damaged: fetch it again, or choose another",
        )
    return frame


def _readable(text: str) -> str:
    """The text without lone surrogates, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode()
