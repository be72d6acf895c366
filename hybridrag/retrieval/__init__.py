"""Query to hits: the analyser, the two arms and their fusion, filters, and what becomes of the best candidates."""

from hybridrag.retrieval.analysis import ANALYSERS, ANALYSIS, analyser_of, document_terms, question_terms
from hybridrag.retrieval.bm25 import bm25
from hybridrag.retrieval.filters import parse_filter
from hybridrag.retrieval.fusion import fuse

__all__ = [
    "ANALYSERS",
    "ANALYSIS",
    "analyser_of",
    "bm25",
    "document_terms",
    "fuse",
    "parse_filter",
    "question_terms",
]
