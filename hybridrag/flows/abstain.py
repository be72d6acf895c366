"""Abstain: whether the documents answer a question at all, by a threshold that each collection is measured for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING
from uuid import UUID

from hybridrag.answering.abstention import (
    Answerability,
    Asked,
    Calibration,
    Evidence,
    Forms,
    answerability,
    asked,
    calibrated,
)
from hybridrag.answering.sentences import sentence_spans
from hybridrag.answering.wording import COMMON
from hybridrag.chunking import headed, prefix
from hybridrag.errors import DatabaseError
from hybridrag.flows.arms import Arms
from hybridrag.flows.clock import Clock
from hybridrag.models.probes import PROBES
from hybridrag.ports import Embedder
from hybridrag.retrieval import terms_in_order
from hybridrag.store.abstention import KeptCalibration, find_calibration, keep_calibration
from hybridrag.store.sampling import SampledChunk, sample_chunks
from hybridrag.types import Label, Query, SearchResult, StoredChunk

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore
    from hybridrag.store.snapshot import SearchSnapshot
    from hybridrag.types import Collection, Vector, Vectors

_SENTENCES = 100
"""Asked for to measure a collection: some 2 s of work, and the threshold is right within .05."""
_SAMPLE = 300
"""Chunks that sentences are taken from: not every one has a sentence."""
_WORDS = range(6, 26)
"""Words of such a sentence: about as many as a question has."""
_CHANGED = 0.25
"""A collection that has grown or shrunk by more than this share is measured again."""
_COMPARED = 6
"""Chunks whose evidence is looked at: the strongest is among the first four that a search finds, in every set tried."""
_LOOKED_AT = (12, 100)
"""Candidates among which chunks of other documents are sought: few, and all where a long document fills these."""


def judged(found: SearchResult, *, store: PostgresStore, calibration: Calibration) -> Answerability:
    """Whether what was found answers what was searched for. Opens no model.

    A search without the dense arm is not judged: nothing is too weak then. One without a hit has a score of 0.
    """
    near = [(hit.chunk, hit.arms["dense"].score) for hit in found.hits if "dense" in hit.arms][:_COMPARED]
    if found.hits and not near:
        return Answerability(calibration.threshold, calibration.threshold)
    with store.snapshot(found.collection, generation=found.generation.id) as snapshot:
        return _Judge(snapshot, calibration).of(found.query.text, [(_best(chunk), cosine) for chunk, cosine in near])


def calibration_of(
    store: PostgresStore,
    collection: str,
    *,
    generation: int | None = None,
    open_embedder: Callable[[Collection], Embedder],
    texts_leave: bool = False,
    measure: bool = True,
    notify: Callable[[str], None] = lambda _: None,
) -> Calibration:
    """What was measured of the collection, in its active generation or the one that is named; it is measured now where
    that is missing, or the collection has changed.

    That takes a second or more, so `notify` gets a line about it, and without `measure` whatever there is has to do.
    `texts_leave` says that the embedding model is remote: it gets no sentence of what is labelled local-only. Raises
    UsageError where there is no such collection or generation, and what the embedder raises.
    """
    with store.snapshot(collection, generation=generation) as snapshot:
        chunks = snapshot.lexical_index.chunks
        kept = find_calibration(snapshot)
        if kept is not None and (not measure or abs(kept.chunks - chunks) <= _CHANGED * max(kept.chunks, chunks)):
            return Calibration(kept.threshold, kept.floor, kept.sentences)
        if not measure:
            return Calibration()
        sample = [
            row
            for row in sample_chunks(snapshot, most=_SAMPLE, seed=0)
            if not (texts_leave and row.chunk.document.label is Label.LOCAL_ONLY)
        ]
        measured = snapshot.collection
        missing = list(islice(_missing(sample, snapshot.lexical_index.analysers), _SENTENCES))
    notify("measuring how strong evidence must be in this collection (once)")
    embedder = open_embedder(measured)
    floor = _floor(embedder.embed_documents(PROBES))
    scores: list[float] = []
    if missing:
        vectors = embedder.embed_documents([sentence.text for sentence in missing])
        with store.snapshot(collection, generation=measured.generation.id) as snapshot:
            judge = _Judge(snapshot, Calibration(floor=floor))
            scores = [*filter(None, map(judge.without, missing, vectors))]
    calibration = calibrated(scores, floor=floor)
    measurement = KeptCalibration(calibration.threshold, calibration.floor, calibration.sentences, chunks)
    with suppress(DatabaseError):  # whoever may only read can ask too, and measures again next time
        keep_calibration(store.open(), measured.generation, measurement)
    return calibration


@dataclass(frozen=True, slots=True)
class _Missing:
    """A sentence in plain text and as it is written, and the document that says it."""

    text: str
    written: str
    document: UUID


class _Judge:
    """Judges evidence in one snapshot."""

    def __init__(self, snapshot: SearchSnapshot, calibration: Calibration) -> None:
        self._snapshot = snapshot
        self._calibration = calibration
        self._index = snapshot.lexical_index

    def of(self, question: str, near: Sequence[tuple[StoredChunk, float]]) -> Answerability:
        """The answerability of a question by chunks, each with its cosine."""
        return answerability(
            self._asked(question),
            [Evidence(cosine, self._words(_whole(chunk))) for chunk, cosine in near],
            mean_length=self._index.terms / max(self._index.chunks, 1),
            calibration=self._calibration,
        )

    def without(self, missing: _Missing, vector: Vector) -> float | None:
        """The score of a sentence as a question, as if the documents that say it were not there.

        None where no other document has anything to do with it.
        """
        candidates = Arms(self._snapshot, Query(missing.text), vector, Clock()).candidates(_LOOKED_AT[-1])
        numbers = [*candidates.fused]
        near: list[tuple[StoredChunk, float]] = []
        for first, last in zip((0, *_LOOKED_AT), _LOOKED_AT, strict=False):
            chunks = self._snapshot.chunks(numbers[first:last])
            near += (
                (chunks[number], candidates.scores["dense"][number])
                for number in numbers[first:last]
                if number in chunks and not _says(chunks[number], missing)
            )
            if len(near) >= _COMPARED:
                break
        return self.of(missing.text, near[:_COMPARED]).score if near else None

    def _asked(self, question: str) -> Asked:
        words = self._words(question)
        holding = self._snapshot.frequencies(sorted({form for word in words for form in word}))
        return asked(words, holding, chunks=self._index.chunks, common=self._common)

    @cached_property
    def _common(self) -> frozenset[Forms]:
        return frozenset(self._words(" ".join(COMMON)))

    def _words(self, text: str) -> list[tuple[str, ...]]:
        return terms_in_order(text, self._index.analysers)


def _missing(sample: Sequence[SampledChunk], analysers: Sequence[str]) -> Iterator[_Missing]:
    """One sentence of each chunk that has a good one, of about a question's length, and that no other chunk says."""
    from hybridrag.evaluation.pseudo_questions import is_prose, plain

    sentences = [[row.chunk.text[start:end] for start, end in sentence_spans(row.chunk.text)] for row in sample]
    said = Counter(sentence for found in sentences for sentence in set(found))
    for row, found in zip(sample, sentences, strict=True):
        own = [sentence for sentence in found if said[sentence] == 1]
        # From the middle of a chunk on: at its ends, sentences may be cut.
        for sentence in (*own[len(own) // 2 :], *own[: len(own) // 2]):
            text = plain(sentence)
            if is_prose(text) and len(terms_in_order(text, analysers[:1])) in _WORDS:
                yield _Missing(text, sentence, row.chunk.document.id)
                break


def _says(chunk: StoredChunk, missing: _Missing) -> bool:
    return chunk.document.id == missing.document or missing.written in chunk.text


def _floor(vectors: Vectors) -> float:
    """The median cosine of texts that have nothing to do with each other."""
    import numpy as np

    places = np.triu_indices(len(vectors), 1)
    return round(float(np.median((vectors @ vectors.T)[places])), 4)


def _best(chunk: StoredChunk) -> StoredChunk:
    """Of a passage the chunk that was found."""
    return next((part for part in chunk.parts if part.id == chunk.id), chunk)


def _whole(chunk: StoredChunk) -> str:
    """All that a chunk is found by."""
    return prefix(chunk.document.title, chunk.headings, chunk.text) + headed(chunk.head) + chunk.text
