"""The only room that speaks SQL."""

from hybridrag.store.postgres import PostgresStore, unknown_collection

__all__ = ["PostgresStore", "unknown_collection"]
