"""Documents written straight into a store, with vectors of the test's choosing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

from hybridrag.retrieval.analysis import analyser_of, document_terms
from hybridrag.store import PostgresStore
from hybridrag.types import Chunk, Chunked, Collection, Document, Embedded, Label, Source, chunk_id

if TYPE_CHECKING:
    from hybridrag.types import Vector

DIMENSIONS = 16


@dataclass
class Corpus:
    """A collection in a database of its own."""

    store: PostgresStore
    collection: Collection
    sources: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def create(url: str, *, name: str = "default", text_search: str = "auto") -> Corpus:
        store = PostgresStore(url)
        collection = store.create_collection(
            name,
            embedder="none",
            fingerprint="f" * 64,
            dimensions=DIMENSIONS,
            text_search=text_search,
            parameters={},
        )
        return Corpus(store, collection)

    def add(
        self,
        path: str,
        *texts: str,
        source: str = "handbook",
        label: Label = Label.INTERNAL,
        metadata: dict[str, Any] | None = None,
        media_type: str = "text/markdown",
        language: str | None = "en",
    ) -> list[Chunk]:
        """One document of the given chunks."""
        document = Document(
            source=source,
            path=path,
            text="\n".join(texts),
            title=PurePosixPath(path).name or "-",
            media_type=media_type,
            content_hash=hashlib.sha256("\n".join(texts).encode()).digest(),
            metadata=metadata or {},
            label=label,
            language=language,
        )
        chunked = self._chunked(document, texts)
        self._write(source, [chunked])
        return list(chunked.chunks)

    def add_all(self, documents: Mapping[str, Sequence[str]], *, source: str = "handbook") -> None:
        """Documents by path, each of the given chunks, in one transaction."""
        self._write(
            source,
            [
                self._chunked(
                    Document(source, path, "\n".join(texts), path, "text/markdown", path.encode(), language="en"), texts
                )
                for path, texts in documents.items()
            ],
        )

    def _chunked(self, document: Document, texts: Sequence[str]) -> Chunked:
        chunks = _chunks(document, texts)
        analyser = analyser_of(document.language, self.collection.text_search)
        terms = tuple(document_terms(chunk.embed_text, analyser) for chunk in chunks)
        return Chunked(document, tuple(chunks), analyser, terms)

    def _write(self, source: str, batch: Sequence[Chunked]) -> None:
        """A vector is written where the store has none for a text."""
        if source not in self.sources:
            self.sources[source] = self.store.save_source(self.collection, Source(source, "folder", f"/{source}"))
        wanted = {chunk.text_hash: chunk for item in batch for chunk in item.chunks}
        with self.store.ingest_run(self.collection) as run:
            known = run.known_hashes(list(wanted))
            missing = {text_hash: chunk for text_hash, chunk in wanted.items() if text_hash not in known}
            vectors = [Embedded(text_hash, vector(chunk.text)) for text_hash, chunk in missing.items()]
            run.write(self.sources[source], batch, vectors, chunking="c")

    def remove(self, *paths: str, source: str = "handbook") -> tuple[int, int]:
        with self.store.ingest_run(self.collection) as run:
            removed = run.remove(self.sources[source], list(paths))
            run.settle(lambda _: None)
        return removed

    def vectors(self) -> int:
        """How many vectors are stored."""
        with self.store.snapshot(self.collection.name) as snapshot:
            table = f"vectors_{self.collection.generation.id}"
            row = snapshot.tx.execute(f"select count(*) as n from {table}").fetchone()
        assert row is not None
        return int(row["n"])


def vector(text: str) -> Vector:
    """A unit vector that depends on the text alone."""
    seed = int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:8])
    values = np.random.default_rng(seed).normal(size=DIMENSIONS).astype(np.float32)
    unit: Vector = values / np.linalg.norm(values)
    return unit


def _chunks(document: Document, texts: Sequence[str]) -> list[Chunk]:
    chunks: list[Chunk] = []
    start = 0
    for ordinal, text in enumerate(texts):
        chunks.append(
            Chunk(
                id=chunk_id(document.id, start, start + len(text), text),
                ordinal=ordinal,
                start=start,
                end=start + len(text),
                text=text,
                embed_text=text,
                tokens=len(text.split()),
            )
        )
        start += len(text) + 1
    return chunks
