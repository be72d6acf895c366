"""A document in chunks with their terms, and everything that decides them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hybridrag.chunking import BOILERPLATE_VERSION
from hybridrag.chunking import left_out as spans_left_out
from hybridrag.ports import Chunker
from hybridrag.retrieval import ANALYSIS, Frequencies, analyser_of, document_terms
from hybridrag.types import Chunked, Document

if TYPE_CHECKING:
    from hybridrag.store.work import Worker

_DOCUMENTS = 32
"""Documents chunked in one transaction."""


def chunked_as(document: Document, chunker: Chunker, text_search: str, *, left_out: tuple[int, ...] = ()) -> Chunked:
    """The document's chunks with their terms; `text_search` is how words are stemmed. It is not inspected.

    `left_out` are hashes of paragraphs that other documents are chunked with.
    """
    document = replace(document, left_out=spans_left_out(document, left_out))
    chunks = chunker.chunk(document)
    analyser = analyser_of(document.language, text_search)
    # Titles and headings are searched with the text: the terms come from what the model is given.
    terms = tuple(Frequencies(document_terms(chunk.embed_text, analyser)) for chunk in chunks)
    return Chunked(document, chunks, analyser, terms, left_out=left_out)


def chunk_waiting(worker: Worker, chunker: Chunker) -> int:
    """Chunks some of the documents whose text is in the index and waits for it; returns how many, 0 for no more."""
    text_search = worker.collection.generation.text_search

    def chunked(document: Document, left_out: tuple[int, ...]) -> Chunked:
        return chunked_as(document, chunker, text_search, left_out=left_out)

    return worker.chunk(_DOCUMENTS, chunked, processing=digest(chunking_parameters(chunker, text_search)))


def chunking_parameters(chunker: Chunker, text_search: str) -> dict[str, Any]:
    """Everything that decides the chunks of a text, and their terms."""
    return {
        **chunker.parameters,
        "text_search": text_search,
        "analysis": ANALYSIS,
        "boilerplate": BOILERPLATE_VERSION,
    }


def digest(parameters: Mapping[str, Any]) -> str:
    """SHA-256 (hex) over canonical JSON: parameters that make the same have the same."""
    canonical = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
