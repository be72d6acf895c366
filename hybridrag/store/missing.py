"""What was asked for and is not there."""

from __future__ import annotations

from hybridrag.errors import UsageError


def unknown_collection(name: str) -> UsageError:
    """The error for a collection that does not exist."""
    return UsageError(f"there is no collection {name!r}", hint=f"make it with: hybridrag ingest -c {name} PATH")


class GenerationGone(UsageError):
    """A generation that was asked for by its number is not there, or not there any more."""

    def __init__(self, collection: str, generation: int) -> None:
        super().__init__(
            f"the collection {collection!r} has no generation {generation}", hint="hybridrag reindex status shows them"
        )
