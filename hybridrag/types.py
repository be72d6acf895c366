"""The nouns. Every station hands the next one of these, never a half-filled one.

    Source -> RawDocument -> Document | Skipped -> Chunk -> Embedded -> (store)
    Query -> Hit -> Passage -> Draft -> Prompt -> Outbound -> Answer

All are frozen. Offsets count Unicode code points of `Document.text`; pages count from 1.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    """One embedding: shape `(dimensions,)`, float32, L2 norm 1."""
    Vectors = NDArray[np.float32]
    """Embeddings of n texts, in their order: shape `(n, dimensions)`, float32, rows of L2 norm 1."""

Metadata = Mapping[str, Any]
Mode = Literal["hybrid", "dense", "lexical"]
Fusion = Literal["score", "rrf"]
"""How the two arms become one ranking: by their scores, or by reciprocal ranks (RRF)."""
Unit = Literal["chunk", "passage", "document"]
"""What a hit is: a chunk, neighbouring chunks as one passage, or a document by its best chunk."""
SourceKind = Literal["folder", "jsonl", "stdin", "web"]
BlockKind = Literal["table", "code", "list"]
ROWS = frozenset({"text/csv", "text/tab-separated-values"})
"""Media types of which each line is a row of a table."""


class Label(StrEnum):
    """How far a document may travel, from least to most guarded."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    LOCAL_ONLY = "local-only"

    @property
    def strictness(self) -> int:
        return list(Label).index(self)

    @staticmethod
    def parse(text: str) -> Label:
        """The label a person wrote; `restricted` and `secret` read as `local-only`. Raises ValueError if unknown."""
        name = text.strip().lower().replace("_", "-").replace(" ", "-")
        return Label.LOCAL_ONLY if name in {"restricted", "secret"} else Label(name)

    @staticmethod
    def strictest(*labels: Label) -> Label:
        return max(labels, key=lambda label: label.strictness)


# --- ingest ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """A place documents come from, remembered by a collection under a name.

    `root` is an absolute path on this machine (a folder, or a JSONL file), empty for stdin, and the scheme, host and
    port of web pages. `only` holds the paths inside the root that were given one by one; empty means everything under
    it.
    """

    name: str
    kind: SourceKind
    root: str
    only: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    label: Label = Label.INTERNAL
    label_globs: tuple[tuple[str, Label], ...] = ()

    def uri(self, path: str) -> str:
        return f"{self.name}/{path}"


@dataclass(frozen=True, slots=True)
class RawDocument:
    """The bytes of one document and where they came from.

    `path` is the place inside the source, with forward slashes. `content_hash` is SHA-256 over the bytes and over the
    given title and metadata, so that a change of either is seen. `container` is the path of the source's own file that
    the bytes lie in, where they have none to themselves.
    """

    source: str
    path: str
    content: bytes
    media_type: str
    content_hash: bytes
    modified: datetime | None = None
    external_id: str | None = None
    title: str | None = None
    metadata: Metadata = field(default_factory=dict)
    container: str | None = None

    @property
    def uri(self) -> str:
        return f"{self.source}/{self.path}"


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside another one: an archive, a mailbox, a message.

    `name` is its place there, with forward slashes, as it is written: it is not to be trusted.
    """

    name: str
    content: bytes
    modified: datetime | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A document that could not be indexed, and why. `failed` is False where nothing is wrong (an empty file, say).

    `parser` is what tried to read it, empty where nothing did. `needs_ocr` says that it holds pictures of text, which
    nothing reads on this machine now.
    """

    uri: str
    reason: str
    hint: str = ""
    failed: bool = True
    parser: str = ""
    needs_ocr: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """`text[start:end]` is page `number` (from 1)."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading that begins at `start`; `level` is 1 for the topmost."""

    start: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Block:
    """`text[start:end]` is a table, a code block or a list: where it must be cut, it is cut between its parts.

    `head` is where the head of a table ends, with which each of its rows is to be read: its caption and its header row,
    a rule below that included. It is `start` where there is none, and for other kinds.
    """

    kind: BlockKind
    start: int
    end: int
    head: int


@dataclass(frozen=True, slots=True)
class Document:
    """Text with its structure. `title` is never empty; `language` is the ISO 639-1 code of most of the text.

    `blocks` are in order and do not overlap. `parser` tells what made the text: the parser's version. `left_out` are
    spans of the text, in order, that no chunk is to hold: they stand in many documents, and in the chunks of one.
    `unread` tells why pictures of text in it were not read.
    """

    source: str
    path: str
    text: str
    title: str
    media_type: str
    content_hash: bytes
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()
    blocks: tuple[Block, ...] = ()
    parser: str = ""
    metadata: Metadata = field(default_factory=dict)
    label: Label = Label.INTERNAL
    external_id: str | None = None
    modified: datetime | None = None
    date: datetime | None = None
    language: str | None = None
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[int, int], ...] = ()
    unread: Skipped | None = None

    @property
    def uri(self) -> str:
        return f"{self.source}/{self.path}"

    @property
    def id(self) -> uuid.UUID:
        return document_id(self.source, self.path)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of a document: `document.text[start:end] == text`, always.

    `embed_text` is what the model is given (title and headings, `head` and the text, without the model's own prompt);
    `tokens` counts it with the model's tokenizer, special tokens and prompt included, and is never over the model's
    window. `head` is the head of a table, as it stands in the document, where the chunk goes on with rows of it.
    """

    id: uuid.UUID
    ordinal: int
    start: int
    end: int
    text: str
    embed_text: str
    tokens: int
    headings: tuple[str, ...] = ()
    page: int | None = None
    head: str = ""

    @property
    def text_hash(self) -> bytes:
        """SHA-256 of what the model is given: the key under which its vector is kept."""
        return hashlib.sha256(self.embed_text.encode()).digest()


@dataclass(frozen=True, slots=True)
class Embedded:
    """A text hash and its vector."""

    text_hash: bytes
    vector: Vector


@dataclass(frozen=True, slots=True)
class Span:
    """`text[start:end]` holds a value of `type` (EMAIL, PHONE, ...), found by `rule`."""

    start: int
    end: int
    type: str
    rule: str


@dataclass(frozen=True, slots=True)
class Inspection:
    """The values found in a whole document, offsets in its text. `fingerprint` tells who searched, and how."""

    fingerprint: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a document is compared with others by.

    `edges` are hashes of the paragraphs near its beginning and its end, `words` counts its words, `digest` is of all of
    them in their order, `sketch` of their sequences; the last two are empty where there is no word. `version` tells
    what made them.
    """

    version: int
    edges: tuple[int, ...]
    words: int
    digest: bytes
    sketch: bytes


@dataclass(frozen=True, slots=True)
class Chunked:
    """A document with all its chunks, ready to be embedded and stored as one.

    `terms` are the frequencies of each chunk's terms, in the chunks' order, as `analyser` found them. `inspection` is
    None where the document could not be searched; it will be before anything of it leaves. `left_out` are the hashes
    of the paragraphs that were not to be chunked, in rising order. `likeness` is None where it is stored already.
    """

    document: Document
    chunks: tuple[Chunk, ...]
    analyser: str
    terms: tuple[Mapping[str, int], ...]
    inspection: Inspection | None = None
    left_out: tuple[int, ...] = ()
    likeness: Likeness | None = None


def document_id(source: str, path: str) -> uuid.UUID:
    """The id of a document: UUIDv5 of its source's name and its path inside it."""
    return uuid.uuid5(_NAMESPACE, f"{source}\0{path}")


def lines_of_head(head: str) -> list[str]:
    """The lines of a table's head that say something: its caption and the names of its columns, no rules."""
    return [line.strip() for line in head.splitlines() if any(map(str.isalnum, line))]


def chunk_id(document: uuid.UUID, start: int, end: int, text: str) -> uuid.UUID:
    """The id of a chunk: UUIDv5 of its document, span and text."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    return uuid.uuid5(document, f"{start}:{end}:{digest}")


_NAMESPACE = uuid.UUID("6f0d9a52-7e0e-5d57-9d0c-3f0b5a0a7c11")


# --- collections -----------------------------------------------------------------------------------------------------


GenerationState = Literal["building", "ready", "active", "retired"]
"""`building`: not yet complete. `ready`: was complete, and may be promoted. `retired`: was active; the way back."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One collection's vectors under one model fingerprint. `id` is a number, unique in the database.

    `model` is the model's name as the user gave it. A generation is made of a chunk set: `chunk_tokens` is the most
    that a chunk of it holds, None for what is usual; `text_search` is how its words are stemmed: `auto` by each
    document's language, `plain` not at all, or a language.
    """

    id: int
    model: str
    fingerprint: str
    dimensions: int
    chunk_set: int
    text_search: str = "auto"
    chunk_tokens: int | None = None
    state: GenerationState = "active"
    share: int = 0


@dataclass(frozen=True, slots=True)
class GenerationStatus:
    """What there is of a generation, and what it lacks.

    `documents` and `chunks` are those of its chunk set; `waiting_documents` are still to be chunked, `waiting_texts` to
    be embedded. `bytes` are on disk: its vectors and their index. `gate` is the report of the last gate it was put to.
    """

    generation: Generation
    created_at: datetime
    promoted_at: datetime | None
    retired_at: datetime | None
    documents: int
    chunks: int
    vectors: int
    waiting_documents: int
    waiting_texts: int
    bytes: int
    gate: Mapping[str, Any] | None

    @property
    def complete(self) -> bool:
        return not (self.waiting_documents or self.waiting_texts)


@dataclass(frozen=True, slots=True)
class Collection:
    """A named index, with the generation that is meant: the active one, unless another was asked for."""

    id: int
    name: str
    generation: Generation

    @property
    def embedder(self) -> str:
        """The model's name as the user gave it."""
        return self.generation.model

    @property
    def text_search(self) -> str:
        """How words are stemmed."""
        return self.generation.text_search


# --- search ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LexicalIndex:
    """What the lexical arm knows of a collection as a whole: its living chunks, and the terms in them, counted.

    Chunks are numbered up to `last`. `buried` holds the numbers of those that are gone, and still stand in postings.
    `analysers` are those that its texts went through.
    """

    chunks: int
    terms: int
    last: int
    analysers: tuple[str, ...]
    buried: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Postings:
    """Where a term stands: chunk numbers, each once, its frequency there, and each chunk's length in terms.

    Three arrays of one length; the numbers int32, the others float32.
    """

    numbers: NDArray[np.int32]
    frequencies: NDArray[np.float32]
    lengths: NDArray[np.float32]


Comparison = Literal[":", "=", "!=", "<", "<=", ">", ">="]


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition on a document: `field` is path, source, type, label, language, title, date or `meta.KEY`.

    `:` matches a glob, `=` and `!=` the value as it stands, the others an order: dates, numbers, labels by strictness.
    """

    field: str
    comparison: Comparison
    value: str


@dataclass(frozen=True, slots=True)
class And:
    """All parts hold; there are at least two."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Some part holds; there are at least two."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold. A document that lacks the field does not hold, so it is found by `not`."""

    part: Filter


Filter: TypeAlias = Clause | And | Or | Not


@dataclass(frozen=True, slots=True)
class Query:
    """A question to the index. `k` is the number of hits wanted, each a `unit`; documents pass `filter` first.

    `diverse` puts hits that differ from the better ones before others that are as good (MMR). `generation` asks one by
    its number, whatever serves now.
    """

    text: str
    k: int = 10
    mode: Mode = "hybrid"
    filter: Filter | None = None
    fusion: Fusion = "score"
    rerank: bool = False
    diverse: bool = False
    unit: Unit = "chunk"
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """What a hit tells of its document."""

    id: uuid.UUID
    source: str
    path: str
    title: str
    media_type: str
    label: Label
    external_id: str | None
    metadata: Metadata

    @property
    def uri(self) -> str:
        return f"{self.source}/{self.path}"


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """A chunk as it comes back from the index, with its document.

    A passage of neighbouring chunks has this form too: `text` spans them all, the rest is the best chunk's, and `parts`
    are the chunks as they are, in reading order.
    """

    id: uuid.UUID
    document: DocumentRef
    ordinal: int
    start: int
    end: int
    text: str
    headings: tuple[str, ...]
    page: int | None
    tokens: int
    head: str = ""
    parts: tuple[StoredChunk, ...] = ()

    @property
    def opening(self) -> str:
        """The head of the table whose rows the text begins with: of a passage, that of its first chunk."""
        return self.parts[0].head if self.parts else self.head

    @property
    def pages(self) -> tuple[int, ...]:
        """The pages it stands on, in order: a passage may go over several, a chunk does not."""
        return tuple(sorted({part.page for part in self.parts or (self,) if part.page is not None}))


@dataclass(frozen=True, slots=True)
class Arm:
    """Where one search arm placed a chunk. `rank` counts from 1 and is None where only another arm found it."""

    rank: int | None
    score: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that answers a query. `arms` holds the score of each arm that took part, by name.

    `also` are chunks that say nearly the same and are not listed themselves, best first.
    """

    rank: int
    score: float
    chunk: StoredChunk
    arms: Mapping[str, Arm]
    also: tuple[StoredChunk, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first, with the generation that served them and the time of each step in milliseconds.

    `weights` are the arms' parts in the score, by name; `reranker` the name of the model that ordered the hits anew.
    """

    query: Query
    collection: str
    generation: Generation
    hits: tuple[Hit, ...]
    timings_ms: Mapping[str, float]
    weights: Mapping[str, float] = field(default_factory=dict)
    reranker: str | None = None


# --- ask -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document offered as evidence under a number (`marker`, from 1): `text` lies in its chunk."""

    marker: int
    chunk: StoredChunk
    text: str


Action = Literal["allow", "pseudonymise", "hash", "mask", "block"]
"""What is done with a value, from the least strict to the strictest. Only what is pseudonymised comes back."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """What became of a value: `span` of the original, the policy's `action`, and the `text` that stands there now."""

    span: Span
    action: Action
    text: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a message before it is redacted, with the label of the document it comes from.

    `known` are spans of `text` that were found in the whole document, beyond what the piece itself shows. `ours` is
    true for what the program itself says: it is searched too, but no name is suspected in it.
    """

    text: str
    label: Label = Label.INTERNAL
    known: tuple[Span, ...] = ()
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Redacted:
    """Text with its sensitive values replaced, and each replacement in order; what is allowed stands there too."""

    text: str
    replacements: tuple[Replacement, ...] = ()

    @property
    def spans(self) -> tuple[Span, ...]:
        """Offsets in the original of what was replaced."""
        return tuple(done.span for done in self.replacements if done.action != "allow")

    @property
    def blocked(self) -> tuple[Span, ...]:
        """What must not leave in any form: a request with any of them is not sent."""
        return tuple(done.span for done in self.replacements if done.action == "block")


Role = Literal["system", "user", "assistant"]
REPLY = 2_000
"""Tokens of a reply, at most; what a model thinks first counts among them."""


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A prompt before it is redacted: each message's role and the pieces it is made of."""

    messages: tuple[tuple[Role, tuple[Piece, ...]], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Each message as it would stand without redaction."""
        return tuple("".join(piece.text for piece in pieces) for _, pieces in self.messages)


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a chat model is asked, before any provider's format. `max_tokens` bounds the reply."""

    messages: tuple[Message, ...]
    max_tokens: int = REPLY
    temperature: float = 0.0

    @property
    def texts(self) -> tuple[str, ...]:
        """What each message says."""
        return tuple(message.content for message in self.messages)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a request goes. `local` is true for loopback and for addresses that the user listed as local.

    `zero_retention` says that nothing of a request is kept there, and `retention` what that rests on, as the end of a
    sentence.
    """

    provider: str
    url: str
    model: str
    local: bool
    zero_retention: bool = False
    retention: str = "nothing is known of it"


@dataclass(frozen=True, slots=True)
class Portion:
    """How much of a document a request holds: characters, before anything was replaced."""

    uri: str
    label: Label
    characters: int


@dataclass(frozen=True, slots=True)
class Limits:
    """Characters of documents that may leave in a UTC day, this request included; None for no bound.

    `documents` goes by the hash that the ledger knows a document by; `names` are shown for them in messages.
    """

    day: int | None = None
    documents: Mapping[str, int | None] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def bounded(self) -> bool:
        return self.day is not None or any(limit is not None for limit in self.documents.values())


@dataclass(frozen=True, slots=True)
class Outbound:
    """The exact bytes of a request, sealed for one destination. Only `hybridrag.privacy` makes one."""

    body: bytes
    destination: Destination
    ledger_id: str


@dataclass(frozen=True, slots=True)
class Completion:
    """How a reply ended: the provider's finish reason, and its token counts where it told them."""

    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens: of the prompt, and of the reply."""

    prompt: float
    completion: float


@dataclass(frozen=True, slots=True)
class ChatModel:
    """What is known of a chat model: the tokens it takes, prompt and reply together, and its price. None is unknown."""

    context: int | None = None
    price: Price | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """The tokens of a request and its reply, who counted them, and what they cost; None where no price is known.

    `estimate` is an upper bound, made where neither the provider told nor a vocabulary is on this machine.
    """

    prompt_tokens: int
    completion_tokens: int
    counted: Literal["provider", "tokenizer", "estimate"]
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation and its answer, as the user saw both, under the strictest label they rest on.

    `query` is what was searched for: the question, made to stand by itself.
    """

    question: str
    query: str
    answer: str
    label: Label


@dataclass(frozen=True, slots=True)
class Quote:
    """Words of a document as they stand there, from `start` of its text on."""

    start: int
    text: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A marker in an answer, resolved to a chunk, and the words of it that are cited: one quote or more, in order."""

    marker: int
    chunk: StoredChunk
    quotes: tuple[Quote, ...]

    @property
    def start(self) -> int:
        """Where the first quote begins in the document's text."""
        return self.quotes[0].start

    @property
    def quote(self) -> str:
        """The quotes in one line of text, for people."""
        return " … ".join(quote.text for quote in self.quotes)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of an answer. `markers` are those whose passages bear it out, `claimed` all that it was written with.

    `supported` means that the cited passages say it, or, where it cites none, some passage; `reason` tells why not.
    """

    text: str
    markers: tuple[int, ...]
    supported: bool
    claimed: tuple[int, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with its evidence. `complete` is False where the provider ended early; `redactions` counts by type."""

    question: str
    text: str
    mode: Literal["provider", "extractive"]
    sentences: tuple[Sentence, ...]
    citations: tuple[Citation, ...]
    abstained: bool
    complete: bool
    warnings: tuple[str, ...]
    provider: str | None
    model: str | None
    usage: Usage | None
    redactions: Mapping[str, int]
    ledger_id: str | None
    timings_ms: Mapping[str, float]

    @property
    def grounded(self) -> bool:
        return bool(self.sentences) and all(s.supported for s in self.sentences)
