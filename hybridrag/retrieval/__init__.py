"""Query to hits: filters, the two arms, and their fusion."""

from hybridrag.retrieval.filters import parse_filter
from hybridrag.retrieval.fusion import fuse

__all__ = ["fuse", "parse_filter"]
