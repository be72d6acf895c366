"""Embedding through a server that speaks OpenAI's format (Ollama, vLLM, TEI, OpenAI itself).

Here requests are encoded and answers understood; sending is the business of whoever gives `send`. Nothing of an answer
is believed: a server that gives too few vectors, none that are numbers, or other ones than at the start is refused
before anything is stored.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from hybridrag.errors import ModelError
from hybridrag.models.batches import requests
from hybridrag.models.endpoints import EndpointModel
from hybridrag.models.fingerprint import STORAGE
from hybridrag.models.probes import AGREEMENT, PROBES
from hybridrag.ports import Tokenizer

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

_TEXTS = 31
"""Texts of a request, so that with the canary they are the 32 that TEI takes at most (--max-client-batch-size)."""
_BYTES = 128_000
"""Bytes of text in a request, but for a lone longer one: what a slow server embeds before the patience ends."""
_CANARY = 3
"""The probe that goes along with every request: short, and not in English."""

Send = Callable[[bytes, int], bytes]
"""Sends a request's body, which holds so many texts, and returns the answer's body."""


class EndpointEmbedder:
    """An `Embedder` behind an address. May be used by several threads at once, which is how requests overlap.

    `tokenizer` opens the model's tokenizer, or what stands for it, when a text may be too long for the model's window.
    `cancel` ends what other threads are sending; `host` is where it goes.
    """

    runtime = "endpoint"

    def __init__(
        self,
        model: EndpointModel,
        *,
        send: Send,
        tokenizer: Callable[[], Tokenizer],
        cancel: Callable[[], None] = lambda: None,
        host: str,
    ) -> None:
        self.spec = model
        self.name = model.name
        self.device = host
        self._send = send
        self._open_tokenizer = tokenizer
        self._cancel = cancel
        self._probing = threading.Lock()
        self._probes: Vectors | None = None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the model's name as the server knows it, prompts, dimensions and storage.

        The address has no part in it: a server may move. What the name really stands for is told by the probes. Asks
        the server where the dimensions are not known.
        """
        facts = {
            "served": self.spec.served.removesuffix(":latest"),
            "query_prompt": self.spec.query_prompt,
            "document_prompt": self.spec.document_prompt,
            "normalised": True,
            "dimensions": self.dimensions,
            "storage": STORAGE,
        }
        canonical = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @property
    def dimensions(self) -> int:
        """How much of each vector is kept. Asks the server where that is all it gives."""
        return int(self.probes().shape[1]) if self.spec.dimensions is None else self.spec.dimensions

    def load(self) -> None:
        """Asks the server for the probes, and so whether it is there and knows the model."""
        self.probes()

    def probes(self) -> Vectors:
        """The vectors of `PROBES`, as documents, asked for once: shape `(16, dimensions)`."""
        with self._probing:
            if self._probes is None:
                self._probes = self._ask([self._whole(self.spec.document_prompt + probe) for probe in PROBES])
            return self._probes

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self.embed([self.spec.document_prompt + text for text in texts])

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self.embed([self.spec.query_prompt + text])[0]
        return vector

    def embed(self, texts: list[str]) -> Vectors:
        """Unit vectors of texts as they are, no prompt added: shape `(len(texts), dimensions)`, in order.

        Raises ModelError for an answer that cannot be used, ProviderError where none comes, BlockedByPolicy where the
        texts may not be sent.
        """
        import numpy as np

        probes = self.probes()
        canary = self._whole(self.spec.document_prompt + PROBES[_CANARY])
        fitting = [self._whole(text) for text in texts]
        vectors: Vectors = np.empty((len(texts), self.dimensions), dtype=np.float32)
        for rows in requests(fitting, texts=_TEXTS, size=_BYTES):
            found = self._ask([*(fitting[row] for row in rows), canary])
            if found.shape[1] != probes.shape[1] or not float(found[-1] @ probes[_CANARY]) >= AGREEMENT:
                raise ModelError(
                    f"the vectors of {self.name} changed while it was at work; nothing of this request was stored",
                    hint="the server was given another model, or several with different ones share its address; run "
                    "again when it is at rest",
                )
            vectors[rows] = found[:-1]
        return vectors

    def cancel(self) -> None:
        self._cancel()

    def _ask(self, texts: Sequence[str]) -> Vectors:
        answer = self._send(encode(self.spec, texts), len(texts))
        return _unit_vectors(decode(answer, len(texts), model=self.name), self.spec)

    def _whole(self, text: str) -> str:
        """`text` as far as the model's window goes: some servers refuse what is longer. An empty one as a blank."""
        if len(text) < self.spec.window:
            return text or " "  # OpenAI and TEI refuse an empty text
        tokenizer = self._tokenizer
        room = self.spec.window - (tokenizer.count([""])[0] - len([*tokenizer.offsets(self.spec.document_prompt)]))
        tokens = [*tokenizer.offsets(text)]
        return text if len(tokens) <= room else text[: tokens[max(room, 1)][0]]

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return self._open_tokenizer()


def encode(model: EndpointModel, texts: Sequence[str]) -> bytes:
    """The request body: JSON in UTF-8, keys in a fixed order. A lone surrogate becomes a question mark."""
    body: dict[str, Any] = {"model": model.served, "input": list(texts), "encoding_format": "float"}
    if model.requested:
        body["dimensions"] = model.requested
    return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def decode(body: bytes, count: int, *, model: str) -> Vectors:
    """The vectors of an answer in the order of the texts that were asked: shape `(count, n)`, float32, as they came.

    Raises ModelError where it is not one whole vector of numbers, equally long, for each of `count` texts.
    """
    import numpy as np

    rows: list[Any] = [None] * count
    for item in _data(body, model):
        index, embedding = (item.get("index"), item.get("embedding")) if isinstance(item, dict) else (None, None)
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < count:
            _refuse(model, f"gave a vector for no text that was asked ({count} were)")
        if rows[index] is not None:
            _refuse(model, f"gave two vectors for text {index} and may lack another's")
        rows[index] = _from_base64(embedding, model) if isinstance(embedding, str) else embedding
    missing = sum(row is None for row in rows)
    if missing:
        _refuse(model, f"gave {count - missing} vectors for {count} texts")
    try:
        vectors = np.asarray(rows)
    except ValueError:
        _refuse(model, "gave vectors of different lengths")
    if vectors.dtype.kind not in "fiu" or vectors.ndim != 2 or not vectors.shape[1]:
        _refuse(model, "gave something in a vector that is not a number")
    with np.errstate(over="ignore"):  # too large a number becomes infinite, which is refused next
        narrow: Vectors = vectors.astype(np.float32)
    return narrow


def _data(body: bytes, model: str) -> list[Any]:
    try:
        answer = json.loads(body, parse_constant=float)
    except (ValueError, RecursionError):
        _refuse(model, "gave an answer that is no JSON, or was cut short")
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        _refuse(model, "gave an answer without embeddings")
    return data


def _from_base64(text: str, model: str) -> Any:
    """The numbers of OpenAI's other encoding: float32, little-endian."""
    import numpy as np

    try:
        return np.frombuffer(base64.b64decode(text, validate=True), dtype="<f4")
    except (binascii.Error, ValueError):
        _refuse(model, "gave something in a vector that is not a number")


def _unit_vectors(vectors: Vectors, model: EndpointModel) -> Vectors:
    """The rows cut to what is kept of them, with L2 norm 1."""
    import numpy as np

    width = vectors.shape[1]
    kept = vectors[:, : model.dimensions or width]
    if model.dimensions is not None and width < model.dimensions:
        _refuse(model.name, f"gave vectors of {width} dimensions where {model.dimensions} are needed")
    with np.errstate(over="ignore"):
        norms = np.linalg.norm(kept, axis=1, keepdims=True)
    if not np.isfinite(norms).all():
        _refuse(model.name, "gave something in a vector that is not a number")
    if (norms < 1e-6).any():
        _refuse(model.name, "gave a vector that is zero")
    unit: Vectors = kept / norms
    return unit


def _refuse(model: str, what: str) -> NoReturn:
    raise ModelError(
        f"the server behind {model} {what}; nothing of it was stored",
        hint="check that the address is an embedding server's and the model an embedding model; a proxy in between may "
        "be at fault",
    ) from None
