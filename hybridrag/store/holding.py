"""A collection held by one run at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from hybridrag.errors import CollectionBusy, HybridragError
from hybridrag.store import runs
from hybridrag.store.connection import Connection, connect, transaction
from hybridrag.store.missing import GenerationGone
from hybridrag.store.queries import statement
from hybridrag.types import Collection


class Superseded(CollectionBusy):
    """Another generation was promoted between a run's first look at a collection and its hold on it."""

    def __init__(self, collection: Collection) -> None:
        super().__init__(
            f"generation {collection.generation.id} of {collection.name!r} serves no more: another was just promoted",
            hint="try again; nothing was changed",
        )


@contextmanager
def held(url: str, collection: Collection) -> Iterator[Connection]:
    """Holds the collection for the `with` block, by the connection that it gives. Raises CollectionBusy where another
    run holds it.

    The lock lives in a transaction of its own that stays open: it ends with this process, however that ends, and a
    pooler in transaction mode keeps it on one server process.
    """
    holder = connect(url)
    try:
        with transaction(holder):
            holder.execute("set local idle_in_transaction_session_timeout = 0")
            row = holder.execute(statement("lock_run"), {"collection": collection.id}).fetchone()
            if not row or not row["held"]:
                raise busy(collection, _holder(holder, collection))
            # The portal of a statement with parameters stays open, and with it a snapshot that keeps every row that
            # is deleted from now on; one without parameters closes it.
            holder.execute("select 1")
            yield holder
    finally:
        holder.close()


def busy(collection: Collection, holder: runs.Holder | None = None) -> CollectionBusy:
    """The refusal to work on a collection that another run holds, with what is known of that run."""
    told = ""
    if holder and holder.since:
        minutes = round(holder.seconds / 60)
        doing = f"hybridrag {holder.verb}".strip()
        told = f": {doing}, since {holder.since.astimezone():%Y-%m-%d %H:%M} ({minutes} min)"
        told += f", {holder.who}" if holder.who else ""
    return CollectionBusy(
        f"another run holds the collection {collection.name!r}{told}",
        hint="try again when it has ended; nothing was changed",
    )


def _holder(connection: Connection, collection: Collection) -> runs.Holder | None:
    """Who holds the collection, if that can be told; a message is not worth another error."""
    with suppress(HybridragError), transaction(connection) as tx:
        return runs.holder_of(tx, collection)
    return None


def check_generation(tx: Connection, collection: Collection) -> None:
    """What was true when the collection was looked at may not be so any more, now that nobody else can change it.

    Raises Superseded where its generation served and does no more, GenerationGone where it was dropped.
    """
    row = tx.execute(statement("generation_state"), {"generation": collection.generation.id}).fetchone()
    if row is None:
        raise GenerationGone(collection.name, collection.generation.id)
    if collection.generation.state == "active" and row["state"] != "active":
        raise Superseded(collection)
