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
from hybridrag.retrieval.frequencies import Frequencies
from hybridrag.retrieval.fusion import fuse, reciprocal_ranks
from hybridrag.retrieval.passages import by_document, merged_passages
from hybridrag.retrieval.sketches import LEAST as LEAST_LIKENESS
from hybridrag.retrieval.sketches import VERSION as SKETCH_VERSION
from hybridrag.retrieval.sketches import NearTexts, Sketch, sketch, stacked

__all__ = [
    "ANALYSERS",
    "ANALYSIS",
    "LEAST_LIKENESS",
    "SKETCH_VERSION",
    "Background",
    "Frequencies",
    "NearTexts",
    "Ranking",
    "Sketch",
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
    "sketch",
    "stacked",
    "terms_in_order",
    "unmatched_share",
    "unpack",
]
