"""Real text to measure with: chunks of a collection, of files, of a dataset, or of what is installed anyway."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.chunking import embed_text
from hybridrag.errors import UsageError
from hybridrag.evaluation import Dataset, Questions, load_beir, load_questions
from hybridrag.flows.selection import SourceOptions, select
from hybridrag.ports import Chunker, Parser
from hybridrag.sources import open_source
from hybridrag.types import Document, Skipped

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore
    from hybridrag.types import Collection as Index

MOST_QUESTIONS = 300
"""Enough to tell a difference of .02, few enough to ask any model."""


@dataclass(frozen=True, slots=True)
class Held:
    """A document of a library: the names that questions may call it by, the first of them its own, and its chunks.

    Chunks are as a model is given them, title and headings in front, also where ingest found these too long.
    """

    names: tuple[str, ...]
    chunks: Callable[[], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Library:
    """Documents in an order that means nothing, so that the first of them are a fair sample. `origin` says whose."""

    origin: str
    documents: Sequence[Held]

    def sample(self, most: int) -> list[str]:
        """At most so many chunks, in an order that means nothing."""
        texts = [text for text, _ in self._chunks(self.documents, enough=most)]
        _mixed(texts)
        return texts[:most]

    def asked(self, questions: Questions, *, most: int) -> Asked:
        """What questions are asked of: all documents that answer them, and others up to `most` chunks in all.

        Raises UsageError where no question is about a document of this library.
        """
        names = {name: held.names[0] for held in self.documents for name in held.names}
        names |= {held.names[0]: held.names[0] for held in self.documents}  # its own name is nobody else's
        known = questions.about(names).first(MOST_QUESTIONS)
        if not known.texts:
            raise UsageError(
                f"no question is about a document of {self.origin}",
                hint="their sources must be paths of documents, as `hybridrag documents list` shows them",
            )
        wanted = set(known.documents)
        answering = [held for held in self.documents if held.names[0] in wanted]
        others = [held for held in self.documents if held.names[0] not in wanted]
        texts = [*self._chunks(answering)]
        texts += self._chunks(others, enough=most - len(texts))
        return Asked([text for text, _ in texts], [owner for _, owner in texts], known, len(questions.texts))

    @staticmethod
    def _chunks(documents: Sequence[Held], *, enough: int | None = None) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        for held in documents:
            if enough is not None and len(found) >= enough:
                break
            found.extend((text, held.names[0]) for text in held.chunks())
        return found


@dataclass(frozen=True, slots=True)
class Asked:
    """Chunks with the document of each, and questions judged by these documents. `given` is how many there were."""

    texts: Sequence[str]
    owners: Sequence[str]
    questions: Questions
    given: int


def collection_library(store: PostgresStore, collection: Index) -> Library:
    """What a collection holds, cut as it is there."""

    def held(row: dict[str, Any]) -> Held:
        document = row["document"]

        def chunks() -> list[str]:
            whole = store.show_document(collection, document.source, document.path)
            if whole is None:
                return []
            return [_given(document.title, chunk, whole["text"]) for chunk in whole["chunks"]]

        also = (document.external_id,) if document.external_id else ()
        return Held((document.uri, document.path, *also), chunks)

    rows = store.list_documents(collection)
    _mixed(rows)
    return Library(f"the collection {collection.name}", [held(row) for row in rows])


def path_library(path: str, *, limit: int, chunker: Chunker, parser: Parser) -> Library:
    """What a folder or a file holds, but for files of over `limit` bytes. Raises UsageError where there is none."""
    (selection,) = select([path], [], SourceOptions())
    reader = open_source(selection.source, limit=limit)
    entries = [*reader.list().entries]
    _mixed(entries)

    def held(entry: Any) -> Held:
        def chunks() -> list[str]:
            raw = reader.read(entry)
            document = raw if isinstance(raw, Skipped) else parser.parse(raw)
            return [] if isinstance(document, Skipped) else [c.embed_text for c in chunker.chunk(document)]

        return Held((selection.source.uri(entry.path), entry.path), chunks)

    return Library(path, [held(entry) for entry in entries])


def dataset_library(dataset: Dataset, *, chunker: Chunker) -> Library:
    """The corpus of a dataset."""
    documents = [
        Held((key,), _chunked(chunker, Document(dataset.name, key, text, title or key, "text/plain", b"")))
        for key, title, text in dataset.documents()
    ]
    _mixed(documents)
    return Library(dataset.name, documents)


def packages_library(*, chunker: Chunker) -> Library:
    """The descriptions of the installed Python packages: Markdown about software, there on every machine."""
    documents = []
    for package in sorted(metadata.distributions(), key=lambda found: str(found.name)):
        told = package.metadata
        text = str(told["Description"] or told.get_payload() or "")  # type: ignore[attr-defined]  # it is a message
        name = str(package.name)
        documents.append(Held((name,), _chunked(chunker, Document("packages", name, text, name, "text/markdown", b""))))
    _mixed(documents)
    return Library("the descriptions of installed packages", documents)


def questions_of(path: Path) -> Questions | Dataset:
    """The questions of a file, or a BEIR folder, which brings its own documents. Raises UsageError for others."""
    return load_beir(path) if path.is_dir() else load_questions(path)


def _chunked(chunker: Chunker, document: Document) -> Callable[[], list[str]]:
    return lambda: [chunk.embed_text for chunk in chunker.chunk(document)] if document.text.strip() else []


def _given(title: str, chunk: dict[str, Any], text: str) -> str:
    """What the model was given; the text alone of a chunk that another version made."""
    cut = text[chunk["start_offset"] : chunk["end_offset"]]
    return embed_text(title, tuple(chunk["headings"]), cut, bytes(chunk["text_hash"]), head=chunk["head"]) or cut


def _mixed(items: list[Any]) -> None:
    random.Random(0).shuffle(items)  # noqa: S311  # the same order every time is what is wanted
