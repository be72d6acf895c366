"""Query to hits: the analyser, the two arms and their fusion, filters, and what becomes of the best candidates."""

from hybridrag.retrieval.analysis import (
    ANALYSERS,
    ANALYSIS,
    analyser_of,
    document_terms,
    question_terms,
    terms_in_order,
)
from hybridrag.retrieval.bm25 import Ranking, bm25
from hybridrag.retrieval.calibration import Background, background, pack, query_weight, sampled, unmatched_share, unpack
from hybridrag.retrieval.diversity import collapsed, diversified
from hybridrag.retrieval.filters import parse_filter
from hybridrag.retrieval.fusion import fuse, reciprocal_ranks
from hybridrag.retrieval.passages import by_document, merged_passages

__all__ = [
    "ANALYSERS",
    "ANALYSIS",
    "Background",
    "Ranking",
    "analyser_of",
    "background",
    "bm25",
    "by_document",
    "collapsed",
    "diversified",
    "document_terms",
    "fuse",
    "merged_passages",
    "pack",
    "parse_filter",
    "query_weight",
    "question_terms",
    "reciprocal_ranks",
    "sampled",
    "terms_in_order",
    "unmatched_share",
    "unpack",
]
