"""The only room that speaks SQL."""

from hybridrag.store.postgres import GenerationGone, PostgresStore, unknown_collection

__all__ = ["GenerationGone", "PostgresStore", "unknown_collection"]
