"""Reranking through a server: Cohere's form (vLLM, llama.cpp, Infinity, Jina, Cohere itself) and TEI's.

Here requests are encoded and answers understood; sending is the business of whoever gives `send`. Nothing of an answer
is believed: one that lacks a text, names one twice or gives what is no number is refused.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from hybridrag.errors import ModelError
from hybridrag.models.batches import requests
from hybridrag.models.estimate import EstimatedTokenizer
from hybridrag.models.rerank_endpoints import EndpointRerankerModel

_TEXTS = 32
"""Texts of a request: what TEI takes at most (--max-client-batch-size)."""
_BYTES = 128_000
"""Bytes of text in a request, but for a lone longer one: what a slow server scores before the patience ends."""
_SPECIAL = 4
"""Tokens that a model puts around question and text, at most."""

Send = Callable[[bytes, int], bytes]
"""Sends a request's body, which holds so many texts, and returns the answer's body."""


class EndpointReranker:
    """A `Reranker` behind an address. Its scores are the server's own: logits, or probabilities.

    `cancel` ends what other threads are sending; `host` is where it goes.
    """

    runtime = "endpoint"

    def __init__(
        self, model: EndpointRerankerModel, *, send: Send, cancel: Callable[[], None] = lambda: None, host: str
    ) -> None:
        self.spec = model
        self.name = model.name
        self.device = host
        self._send = send
        self._cancel = cancel

    def load(self) -> None:
        """Asks the server to score one text, and so whether it is there and reranks."""
        self.rerank("Who approves travel?", ["Travel is approved by the team lead."])

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """A score for each text, in order.

        Raises ModelError for an answer that cannot be used, ProviderError where none comes, BlockedByPolicy where the
        texts may not be sent.
        """
        asked, fitting = self._fitting(question, texts)
        scores = [0.0] * len(texts)
        for rows in requests(fitting, texts=_TEXTS, size=_BYTES):
            sent = [fitting[row] for row in rows]
            answer = self._send(encode(self.spec, asked, sent), len(sent))
            for row, score in zip(rows, decode(answer, len(sent), model=self.name), strict=True):
                scores[row] = score
        return scores

    def cancel(self) -> None:
        self._cancel()

    def _fitting(self, question: str, texts: Sequence[str]) -> tuple[str, list[str]]:
        """Question and texts cut, by a guess on the safe side, so that no server has to refuse or shorten them."""
        tokenizer = EstimatedTokenizer(english=self.spec.english)
        room = self.spec.window - _SPECIAL

        def cut(text: str, most: int) -> str:
            if len(text) < most:
                return text or " "  # TEI and Cohere refuse an empty text
            tokens = tokenizer.offsets(text)
            return text if len(tokens) <= most else text[: tokens[most][0]]

        asked = cut(question, room // 2)
        left = room - len(tokenizer.offsets(asked))
        return asked, [cut(text, left) for text in texts]


def encode(model: EndpointRerankerModel, question: str, texts: Sequence[str]) -> bytes:
    """The request body: JSON in UTF-8, keys in a fixed order. A lone surrogate becomes a question mark."""
    body: dict[str, Any]
    if model.api == "tei":
        body = {"query": question, "texts": list(texts), "raw_scores": False, "truncate": True}
    else:
        body = {
            "model": model.served,
            "query": question,
            "documents": list(texts),
            "top_n": len(texts),
            "return_documents": False,
        }
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def decode(body: bytes, count: int, *, model: str) -> list[float]:
    """The score of each text in the order that was asked.

    Raises ModelError where the answer is not one finite number for each of `count` texts.
    """
    scores: list[float | None] = [None] * count
    for item in _results(body, model):
        index, score = (item.get("index"), _score(item)) if isinstance(item, dict) else (None, None)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
            _refuse(model, f"scored a text that was not asked ({count} were)")
        if scores[index] is not None:
            _refuse(model, f"scored text {index} twice and may lack another's score")
        if isinstance(score, bool) or not isinstance(score, int | float) or not _is_finite(score):
            _refuse(model, "gave a score that is not a number")
        scores[index] = float(score)
    found = [score for score in scores if score is not None]
    if len(found) < count:
        _refuse(model, f"scored {len(found)} of {count} texts")
    return found


def _score(item: dict[str, Any]) -> object:
    return item.get("relevance_score", item.get("score"))


def _is_finite(score: float) -> bool:
    try:
        return math.isfinite(score)
    except OverflowError:  # JSON has integers of any size
        return False


def _results(body: bytes, model: str) -> list[Any]:
    try:
        answer = json.loads(body, parse_constant=float)
    except (ValueError, RecursionError):
        _refuse(model, "gave an answer that is no JSON, or was cut short")
    found = answer.get("results", answer.get("data")) if isinstance(answer, dict) else answer
    if not isinstance(found, list):
        _refuse(model, "gave an answer without scores")
    return found


def _refuse(model: str, what: str) -> NoReturn:
    raise ModelError(
        f"the server behind {model} {what}",
        hint="check that the address is a rerank server's and the model a reranker; a proxy may be at fault. A "
        'text-embeddings-inference server is named tei:MODEL, or has rerank_api = "tei" in its [endpoints.NAME]',
    ) from None
