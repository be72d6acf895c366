"""Text that many documents repeat at their edges stays in the chunks of one of them, and out of those of the others.

A run ends with this: what is repeated is told anew from what the collection holds, and documents whose chunks do not
follow it are chunked again from their stored text. Batch by batch, so a run that is killed is completed by the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hybridrag.chunking import BOILERPLATE_VERSION, edges, left_out
from hybridrag.flows.chunked import chunked_as
from hybridrag.retrieval import SKETCH_VERSION, sketch
from hybridrag.types import Block, Document, Embedded, Heading, Likeness

if TYPE_CHECKING:
    from uuid import UUID

    from hybridrag.flows.progress import Progress
    from hybridrag.ports import Chunker, Embedder
    from hybridrag.store.repeated import Repeated
    from hybridrag.store.writing import IngestRun
    from hybridrag.types import Chunked, Collection

VERSION = 1_000 * BOILERPLATE_VERSION + SKETCH_VERSION
_DOCUMENTS = 32
"""Documents in one transaction."""


@dataclass(slots=True)
class Boilerplate:
    """What is repeated after a run: paragraphs, and documents chunked without them. The others tell what it took."""

    paragraphs: int = 0
    documents: int = 0
    chunks_added: int = 0
    chunks_removed: int = 0
    chunks_embedded: int = 0
    tokens_embedded: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Spans of a document's text that its chunks leave out, and the URIs of documents that are chunked with them."""

    spans: tuple[tuple[int, int], ...]
    kept_in: tuple[str, ...]


def likeness(document: Document) -> Likeness:
    """What a document is compared with others by."""
    found = sketch(document.text)
    return Likeness(VERSION, edges(document), found.words, found.digest, found.hashes)


def leave_out_repeated(
    run: IngestRun, *, chunker: Chunker, embedder: Embedder, processing: str, progress: Progress, wanted: bool
) -> Boilerplate:
    """Has the chunks of every document follow what is repeated now; where that is not `wanted`, all hold all of it.

    `processing` tells what the chunker makes. Nothing is embedded whose vector is there.
    """
    repeated, done = run.repeated, Boilerplate()
    state = f"{VERSION} {processing} {wanted}"
    if repeated.settled(state):
        done.paragraphs, done.documents = repeated.count()
        return done
    compare(repeated)
    otherwise = repeated.renew(wanted=wanted)
    if otherwise:
        progress.note(f"{len(otherwise):,} documents are chunked anew: what they repeat of others has changed")
    for first in range(0, len(otherwise), _DOCUMENTS):
        batch = [
            chunked_as(document, chunker, run.collection.text_search, left_out=hashes)
            for document, hashes in repeated.to_chunk(otherwise[first : first + _DOCUMENTS])
        ]
        vectors = _embedded(run, embedder, batch, done)
        done.chunks_removed += repeated.rechunk(batch, vectors, processing=processing)
        done.chunks_added += sum(len(item.chunks) for item in batch)
    repeated.settle(state)
    done.paragraphs, done.documents = repeated.count()
    return done


def left_out_of(url: str, collection: Collection, row: Mapping[str, Any]) -> LeftOut:
    """What a document, as the store shows it, is chunked without."""
    from hybridrag.store.repeated import kept_elsewhere

    kept = kept_elsewhere(url, collection, row["id"])
    document = Document(
        source=row["source"],
        path=row["path"],
        text=row["text"],
        title=row["title"],
        media_type=row["media_type"],
        content_hash=b"",
        headings=tuple(Heading(*heading) for heading in row["headings"]),
        blocks=tuple(Block(*block) for block in row["blocks"]),
    )
    spans = left_out(document, {each.hash for each in kept})
    return LeftOut(spans, tuple(sorted({each.uri for each in kept if each.uri})) if spans else ())


def compare(repeated: Repeated) -> None:
    """Tells the likeness of documents that have none: they were stored by an earlier version."""
    last: UUID | None = None
    while documents := repeated.to_compare(_DOCUMENTS, VERSION, after=last):
        repeated.compared({document.id: likeness(document) for document in documents})
        last = documents[-1].id


def _embedded(run: IngestRun, embedder: Embedder, batch: Sequence[Chunked], done: Boilerplate) -> list[Embedded]:
    """Vectors of the chunks that have none."""
    wanted = {chunk.text_hash: chunk for item in batch for chunk in item.chunks}
    known = run.known_hashes(list(wanted))
    missing = [chunk for text_hash, chunk in wanted.items() if text_hash not in known]
    if not missing:
        return []
    vectors = embedder.embed_documents([chunk.embed_text for chunk in missing])
    done.chunks_embedded += len(missing)
    done.tokens_embedded += sum(chunk.tokens for chunk in missing)
    return [Embedded(chunk.text_hash, vector) for chunk, vector in zip(missing, vectors, strict=True)]
