"""Extract: an answer made of the documents' own sentences. No provider is needed, and nothing leaves this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from uuid import UUID

from hybridrag.answering import best_sentences, candidate_sentences, chunk_around, chunk_at, passages_of
from hybridrag.answering.abstention import Answerability
from hybridrag.answering.extractive import Candidate
from hybridrag.flows.evidence import NOTHING_FOUND, timings, usable
from hybridrag.ports import Embedder
from hybridrag.types import Answer, Citation, Quote, SearchResult, Sentence


def extract(
    question: str,
    found: SearchResult,
    *,
    judged: Answerability,
    open_embedder: Callable[[], Embedder],
    texts_leave: bool = False,
) -> Answer:
    """An answer made of the documents' own sentences, each with its citation. Needs no provider.

    Nothing is answered where what was found was `judged` too weak. `texts_leave` says that the embedding model is
    remote: it gets no sentence of what is labelled `local-only`. Otherwise nothing leaves.
    """
    started = time.perf_counter()
    passages, warnings = usable(passages_of(found.hits), local=not texts_leave)
    candidates = candidate_sentences(passages) if not judged.weak else []
    chosen = []
    if candidates:
        embedder = open_embedder()
        chosen = best_sentences(
            candidates,
            question,
            query=embedder.embed_query(question),
            vectors=embedder.embed_documents([candidate.context for candidate in candidates]),
        )
    cited: dict[UUID, list[Candidate]] = {}
    for candidate in chosen:
        cited.setdefault(chunk_at(candidate.passage, candidate.start, candidate.end).id, []).append(candidate)
    citations = tuple(
        Citation(
            marker=marker,
            chunk=chunk_around(candidates[0].passage, [(c.start, c.end) for c in candidates]),
            quotes=tuple(Quote(c.passage.chunk.start + c.start, c.text) for c in candidates),
        )
        for marker, candidates in enumerate(cited.values(), start=1)
    )
    sentences = tuple(
        Sentence(text=c.readable, markers=(marker,), supported=True)
        for marker, candidates in enumerate(cited.values(), start=1)
        for c in candidates
    )
    return Answer(
        question=question,
        text="\n".join(f"{s.text} [{s.markers[0]}]" for s in sentences) or NOTHING_FOUND,
        mode="extractive",
        sentences=sentences,
        citations=citations,
        abstained=not sentences,
        complete=True,
        warnings=warnings,
        provider=None,
        model=None,
        usage=None,
        redactions={},
        ledger_id=None,
        timings_ms=timings(found, started=started),
    )
