"""The plan of a reindex: what there is to embed, how long that takes here, and what it needs on disk.

Nothing is written, and nothing leaves this machine. Texts and tokens are counted where the new generation shares a
chunk set that is there; else documents are chunked as they would be: all of a small collection, and of a larger one a
sample. A document is drawn as often as its text is long, so that each draw stands for the same share of all text.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from hybridrag.flows.chunked import chunked_as
from hybridrag.flows.reindex_disk import Disk, disk_for
from hybridrag.types import Chunk, Collection, Document

if TYPE_CHECKING:
    from hybridrag.ports import Chunker, Embedder
    from hybridrag.store.generations import Wanted
    from hybridrag.store.sizes import ChunkFigures, Sizes

_DRAWS = 300
_FEW_DRAWS = 40
"""Where only texts to measure the model with are wanted."""
_MOST_CHARACTERS = 20_000
"""Of a document that is drawn: its beginning tells how densely it is written."""
_TOGETHER = 50
_MEASURED_SECONDS = 4.0
_WARM = 8
_LEAST_TRIED = 32


@dataclass(frozen=True, slots=True)
class Amount:
    """What a new generation needs: `texts` that differ, with their tokens, and how many of them have a vector that can
    be copied. `exact` where they were counted, else they are estimated."""

    chunks: int
    texts: int
    tokens: int
    reused_texts: int
    reused_tokens: int
    exact: bool

    @property
    def texts_to_embed(self) -> int:
        return self.texts - self.reused_texts

    @property
    def tokens_to_embed(self) -> int:
        return self.tokens - self.reused_tokens


@dataclass(frozen=True, slots=True)
class Speed:
    """Tokens a second that the model embeds here, measured with so many `texts` of the collection."""

    tokens_per_second: float
    texts: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a reindex would take. `chunk_set` is the one it would share, None where documents are chunked anew.

    `seconds_chunking` and `seconds_embedding` are of one machine like this one; None where that was not measured.
    `obstacles` are what keeps it from beginning, as sentences. `cost_usd` is None where no price is known.
    """

    collection: Collection
    wanted: Wanted
    documents: int
    chunk_set: int | None
    amount: Amount
    speed: Speed | None
    seconds_chunking: float
    seconds_embedding: float | None
    disk: Disk
    texts_leave: bool
    cost_usd: float | None
    obstacles: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def seconds(self) -> float | None:
        return None if self.seconds_embedding is None else self.seconds_chunking + self.seconds_embedding


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """`here` tells that the model runs in this process, where it is measured; `texts_leave`, that it gets texts on
    another machine. `free` is the space on the disk of the data, in bytes. `whole` is how much text, in bytes, is
    chunked as a whole; of more a sample is.
    """

    here: bool
    texts_leave: bool
    free: int | None
    whole: int = 1_500_000


def plan(
    sizes: Sizes, collection: Collection, wanted: Wanted, *, chunker: Chunker, embedder: Embedder, options: PlanOptions
) -> Plan:
    """What it would take to make the generation that is `wanted`. The model is measured where it is here."""
    figures = sizes.text_figures()
    chunk_set = sizes.chunk_set_alike(wanted)
    alike = sizes.generations_of_model(wanted.fingerprint)
    counted = chunk_set is not None and not sizes.waiting_documents(chunk_set)
    sample = _Sample(sizes, chunker, wanted.text_search, few=counted, whole=options.whole)
    active = sizes.chunk_figures(collection.generation.chunk_set)
    if chunk_set is not None and counted:
        found = sizes.texts(chunk_set, generations=alike)
        chunks = sizes.chunk_figures(chunk_set).chunks
        amount = Amount(chunks, found.texts, found.tokens, found.known, found.known_tokens, exact=True)
    else:
        known = sizes.known(sample.hashes, generations=alike)
        amount = sample.amount(known, active)
    speed = _measured(embedder, sample.chunks) if options.here and amount.texts_to_embed else None
    embedding = amount.tokens_to_embed / speed.tokens_per_second if speed else None
    chunking = 0.0 if chunk_set is not None else sample.seconds_for_all
    disk = disk_for(
        amount.chunks, amount.texts, active, wanted.dimensions, own_chunks=chunk_set is None, free=options.free
    )
    return Plan(
        collection=collection,
        wanted=wanted,
        documents=figures.documents,
        chunk_set=chunk_set,
        amount=amount,
        speed=speed,
        seconds_chunking=chunking,
        seconds_embedding=embedding if amount.texts_to_embed else 0.0,
        disk=disk,
        texts_leave=options.texts_leave,
        cost_usd=None if options.texts_leave and amount.texts_to_embed else 0.0,
        obstacles=tuple(
            _obstacles(
                collection,
                serves=sizes.serves(wanted),
                unheaded=figures.unheaded if chunk_set is None else 0,
                local_only=figures.local_only if options.texts_leave else 0,
                disk=disk,
            )
        ),
        notes=tuple(_notes(wanted, amount, options)),
    )


def _obstacles(collection: Collection, *, serves: bool, unheaded: int, local_only: int, disk: Disk) -> list[str]:
    found = []
    if serves:
        found.append(f"the collection is embedded so already: generation {collection.generation.id}")
    if unheaded:
        found.append(
            f"{unheaded:,} documents were stored by an earlier version, without what chunking them anew takes: "
            f"hybridrag sync -c {collection.name}"
        )
    if local_only:
        found.append(
            f"{local_only:,} documents are labelled local-only, and the embedding model is remote: they may not be sent"
        )
    if disk.free is not None and disk.free < disk.peak:
        found.append(f"the disk has {disk.free / 1e6:,.0f} MB free; about {disk.peak / 1e6:,.0f} MB are needed")
    return found


def _notes(wanted: Wanted, amount: Amount, options: PlanOptions) -> list[str]:
    if options.here or not amount.texts_to_embed:
        return []
    found = [f"how fast {wanted.model} answers is not measured: that would send texts to it"]
    if options.texts_leave:
        found.append(
            f"no price of {wanted.model} is known here: multiply its price for a million tokens by "
            f"{amount.tokens_to_embed / 1e6:,.2f}"
        )
    return found


# --- chunking a sample -----------------------------------------------------------------------------------------------


class _Sample:
    """Documents chunked as they would be. `chunks` are all that came of it; each draw stands for as many bytes."""

    def __init__(self, sizes: Sizes, chunker: Chunker, text_search: str, *, few: bool, whole: int) -> None:
        lengths = sizes.document_lengths()
        self._chunker = chunker
        self._text_search = text_search
        self._bytes = sum(length for _, length in lengths)
        self.whole = not few and self._bytes <= whole
        self.chunks: list[Chunk] = []
        self._seconds = 0.0
        self._read = 0
        self._densities = [0.0, 0.0]
        """Chunks and tokens to a byte, summed over the draws."""
        draws = Counter(dict.fromkeys(range(len(lengths)), 1)) if self.whole else _drawn(lengths, few=few)
        self._draws = sum(draws.values())
        times = {lengths[place][0]: (number, lengths[place][1]) for place, number in draws.items()}
        wanted = list(times)
        most = max((length for _, length in lengths), default=0) + 1 if self.whole else _MOST_CHARACTERS
        for first in range(0, len(wanted), _TOGETHER):
            for document_id, document in sizes.documents(wanted[first : first + _TOGETHER], characters=most):
                self._add(document, *times[document_id])

    def _add(self, document: Document, times: int, length: int) -> None:
        started = time.perf_counter()
        chunks = chunked_as(document, self._chunker, self._text_search).chunks
        self._seconds += time.perf_counter() - started
        read = len(document.text.encode())
        self._read += read
        self.chunks.extend(chunks)
        if read < length and len(chunks) > 1:  # the last chunk was cut off with the text
            read, chunks = len(document.text[: chunks[-1].start].encode()), chunks[:-1]
        self._densities[0] += times * len(chunks) / max(read, 1)
        self._densities[1] += times * sum(chunk.tokens for chunk in chunks) / max(read, 1)

    @property
    def hashes(self) -> list[bytes]:
        return [chunk.text_hash for chunk in self.chunks]

    @property
    def seconds_for_all(self) -> float:
        return self._seconds * self._bytes / self._read if self._read else 0.0

    def amount(self, known: set[bytes], active: ChunkFigures) -> Amount:
        """All that there is to embed. How many chunks say the very same is as in the active generation."""
        if self.whole:
            tokens = {chunk.text_hash: chunk.tokens for chunk in self.chunks}
            there = [tokens[text_hash] for text_hash in known]
            return Amount(len(self.chunks), len(tokens), sum(tokens.values()), len(there), sum(there), exact=True)
        each = self._bytes / max(self._draws, 1)
        chunks, tokens_of_all = (density * each for density in self._densities)
        different = active.texts / active.chunks if active.chunks else 1.0
        reused = len(known) / len(set(self.hashes)) if self.chunks else 0.0
        texts, counted = round(chunks * different), round(tokens_of_all * different)
        return Amount(round(chunks), texts, counted, round(texts * reused), round(counted * reused), exact=False)


def _drawn(lengths: Sequence[tuple[Any, int]], *, few: bool) -> Counter[int]:
    """How often each document is drawn, by its place: at even steps through all text, laid end to end."""
    ends = list(accumulate(length for _, length in lengths))
    if not ends or not ends[-1]:
        return Counter()
    draws = _FEW_DRAWS if few else _DRAWS
    return Counter(bisect_left(ends, (number + 0.5) * ends[-1] / draws) for number in range(draws))


# --- time ------------------------------------------------------------------------------------------------------------


def _measured(embedder: Embedder, chunks: Sequence[Chunk]) -> Speed | None:
    """What the model embeds in a few seconds, once it is loaded; None where there is no text."""
    unique = list({chunk.text_hash: chunk for chunk in chunks}.values())
    if not unique:
        return None
    # Neighbours are of one document and of one kind: every part of the sample is to be as mixed as the whole.
    unique.sort(key=lambda chunk: chunk.text_hash)
    embedder.embed_documents([chunk.embed_text for chunk in unique[:_WARM]])
    spent, tokens, first, tried = 0.0, 0, 0, _LEAST_TRIED
    while first < len(unique) and spent < _MEASURED_SECONDS:
        batch = unique[first : first + tried]
        started = time.perf_counter()
        embedder.embed_documents([chunk.embed_text for chunk in batch])
        spent += time.perf_counter() - started
        tokens += sum(chunk.tokens for chunk in batch)
        first, tried = first + len(batch), min(2 * tried, 512)
    return Speed(tokens / spent, min(first, len(unique)))
