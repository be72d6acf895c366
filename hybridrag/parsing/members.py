"""Deprecated before it was used: `Member` is in `hybridrag.types` (the coordinator will delete this module)."""

from hybridrag.types import Member

__all__ = ["Member"]
