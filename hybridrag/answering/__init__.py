"""Hits to an answer: evidence, prompt, citations, and the extractive answer that needs no provider."""

from hybridrag.answering.extractive import best_sentences, candidate_sentences
from hybridrag.answering.parts import chunk_around, chunk_at, chunks_of
from hybridrag.answering.prompt import build_prompt, passages_of
from hybridrag.answering.reduction import Reduced, reduced

__all__ = [
    "Reduced",
    "best_sentences",
    "build_prompt",
    "candidate_sentences",
    "chunk_around",
    "chunk_at",
    "chunks_of",
    "passages_of",
    "reduced",
]
