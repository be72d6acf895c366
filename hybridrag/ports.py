"""The seams: what a station needs from outside, as Protocols.

Parsers, embedders, detectors and chat providers can be added by other packages through the entry-point groups
`hybridrag.parsers`, `hybridrag.embedders`, `hybridrag.detectors` and `hybridrag.providers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from hybridrag.types import (
    ChatModel,
    Chunk,
    Completion,
    Destination,
    Document,
    Limits,
    Member,
    Outbound,
    Prompt,
    RawDocument,
    Skipped,
    Span,
)

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors


class Parser(Protocol):
    """Bytes to text with structure. May be called from several threads."""

    @property
    def workers(self) -> int:
        """How many documents it parses at once."""

    @property
    def unpacker(self) -> str:
        """Changes whenever other files may come out of the same bytes."""

    @property
    def versions(self) -> frozenset[str]:
        """What `Document.parser` and `Skipped.parser` may say of what need not be parsed again."""

    def parse(self, raw: RawDocument) -> Document | Skipped:
        """The document, or why there is none. Raises for no content, however broken."""

    def holds_text(self, media_type: str) -> bool:
        """Whether `parse` may find a document in such a file."""

    def holds_files(self, media_type: str) -> bool:
        """Whether such a file may hold others: an archive, a mailbox, a message with attachments."""

    def members(self, raw: RawDocument) -> Iterator[Member | Skipped]:
        """The files inside a file, one by one, and those of them that cannot be had. Raises for no content.

        A `Skipped` under the file's own URI comes last: what else it may hold is not known.
        """

    def close(self) -> None:
        """Ends any child process."""


class Tokenizer(Protocol):
    """The embedding model's own tokenizer, without truncation or padding."""

    @property
    def identity(self) -> str:
        """Changes whenever the same text may be counted or divided otherwise."""

    def offsets(self, text: str) -> Iterable[tuple[int, int]]:
        """The span of each token in `text`, in order, special tokens left out. They may be made while they are read."""

    def count(self, texts: Sequence[str]) -> list[int]:
        """How many tokens the model is given for each text: special tokens and document prompt included."""


class Chunker(Protocol):
    """A document to chunks, by structure, none over the model's window."""

    @property
    def parameters(self) -> dict[str, str | int]:
        """Everything that decides the chunks; part of the chunk set's identity."""

    def chunk(self, document: Document) -> tuple[Chunk, ...]: ...


class Embedder(Protocol):
    """Texts to unit vectors under one fingerprint."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of everything that decides a vector."""

    @property
    def dimensions(self) -> int: ...

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape `(len(texts), dimensions)`, in order.

        Raises ModelError for NaN, zero or misshapen output.
        """

    def embed_query(self, text: str) -> Vector:
        """The vector, shape `(dimensions,)`, of a question, with the model's query prompt."""

    def cancel(self) -> None:
        """Makes other threads give up what they embed, with an error, after the batch they are at. For interrupts."""


class Reranker(Protocol):
    """Scores texts against a question, each pair by itself, more exactly and more slowly than the search arms."""

    @property
    def name(self) -> str: ...

    def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """A finite score for each text, in order; more is better, the scale is the model's own.

        Raises ModelError where the model gives none.
        """

    def cancel(self) -> None:
        """As for an embedder."""


class Detector(Protocol):
    """Finds values that must not leave."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def detect(self, text: str) -> Iterable[Span]:
        """Spans of `text`; may overlap. Any exception blocks the request."""


class Ledger(Protocol):
    """The record of what left. An append that returns is on disk."""

    def intent(self, destination: Destination, body: bytes, facts: dict[str, object], limits: Limits) -> str:
        """Records that `body` is about to be sent; returns the entry's id. Raises if it cannot be written.

        `facts["shares"]` tells how many characters of each document `body` holds, by the document's hash. Raises
        BudgetSpent, with the refusal recorded, where more would have left today than `limits` allow.
        """

    def outcome(self, entry: str, outcome: str, facts: dict[str, object]) -> None:
        """Records how it ended: sent, failed, blocked."""


class ChatProvider(Protocol):
    """A chat model over HTTP, in two halves with the gateway between them."""

    @property
    def destination(self) -> Destination: ...

    @property
    def chat_model(self) -> ChatModel: ...

    def encode(self, prompt: Prompt) -> bytes:
        """The exact request body. Pure: the same prompt gives the same bytes."""

    def send(self, outbound: Outbound) -> Iterator[str | Completion]:
        """Streams the reply's text, then one `Completion`. Raises ProviderError or ProviderUnavailable."""
