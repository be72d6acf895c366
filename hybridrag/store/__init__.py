"""The only room that speaks SQL."""

from hybridrag.store.missing import GenerationGone, unknown_collection
from hybridrag.store.postgres import PostgresStore

__all__ = ["GenerationGone", "PostgresStore", "unknown_collection"]
