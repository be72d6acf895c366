"""Forgetting documents, from settings: which are meant, and everywhere that something of them is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hybridrag.flows.forget import Beside, Forgotten, Options
    from hybridrag.privacy.conversations import Conversations
    from hybridrag.store.forgetting import Forgettable
    from hybridrag.types import Collection, Filter
    from hybridrag.wiring import Wiring


@dataclass(frozen=True, slots=True)
class Meant:
    """Source and path of documents, and of files that were named as such and hold them: archives and their like."""

    documents: list[tuple[str, str]]
    holders: list[tuple[str, str]]


class ForgetDocuments:
    """Forgets documents of the chosen collection."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring
        self._collection: Collection = wiring.collection()

    def meant(self, given: Sequence[str], wanted: Filter | None) -> Meant:
        """Every document that is named, by its URI, a file or a glob of URIs, or passes a filter.

        Raises UsageError for what can be no document.
        """
        from hybridrag.flows.naming import named

        store = self._wiring.store
        sources = [row["source"] for row in store.list_sources(self._collection)]
        rows = store.list_documents(self._collection) if given else []
        every = {(row["document"].source, row["document"].path): row["document"].uri for row in rows}
        containers = {(row["document"].source, row["container"]) for row in rows if row["container"]}
        found = [named(name, sources, every, containers) for name in given]
        documents = dict.fromkeys(name for each in found for name in each.documents)
        if wanted is not None:
            rows = store.list_documents(self._collection, wanted)
            documents |= dict.fromkeys((row["document"].source, row["document"].path) for row in rows)
        return Meant(list(documents), list(dict.fromkeys(each.holder for each in found if each.holder)))

    def forget(self, meant: Meant, options: Options) -> Forgotten:
        """Forgets them. Raises CollectionBusy where another run holds the collection or a conversation is open."""
        from hybridrag.flows.forget import forget
        from hybridrag.store.forgetting import Forgetting
        from hybridrag.store.rewriting import Rewriting

        wiring, collection = self._wiring, self._collection
        with ExitStack() as held:
            run = held.enter_context(wiring.store.ingest_run(collection))
            tables = held.enter_context(Forgetting.open(wiring.store.url, collection))
            rewriting = held.enter_context(Rewriting.open(wiring.store.url, collection, wiring.notify))
            return forget(
                tables.known([*meant.holders, *meant.documents]),
                run=run,
                tables=tables,
                beside=list(self._beside()),
                rewriting=rewriting,
                own_server=wiring.server is not None,
                options=options,
                notify=wiring.notify,
            )

    def _beside(self) -> Iterator[Beside]:
        yield _Chats(self._wiring.privacy.conversations, self._collection.name)
        yield _Requests(self._wiring)


@dataclass(frozen=True)
class _Chats:
    """Saved conversations about a collection."""

    conversations: Conversations
    collection: str

    def forget(self, documents: Sequence[Forgettable], *, rehearsal: bool) -> Mapping[str, int]:
        ids = frozenset(each.id for each in documents)
        removed = self.conversations.forget_documents(self.collection, ids, rehearsal=rehearsal)
        return {"conversations": removed.conversations, "turns": removed.turns}


@dataclass(frozen=True)
class _Requests:
    """Requests that were kept beside the ledger. Without the key there are none."""

    wiring: Wiring

    def forget(self, documents: Sequence[Forgettable], *, rehearsal: bool) -> Mapping[str, int]:
        from hybridrag.flows.ledger import Book

        book = Book(self.wiring.settings.paths.data)
        return {"payloads": book.forget([each.uri for each in documents], rehearsal=rehearsal)}
