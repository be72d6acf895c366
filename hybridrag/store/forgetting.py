"""Forgetting documents: everything that the tables hold of them goes, in one transaction; the lexical index after it.

See `docs/decisions/0041-forget.md`.
"""

from __future__ import annotations

from collections.abc import Collection as Collection_
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from hybridrag.globs import pattern_of
from hybridrag.store import lexical
from hybridrag.store.connection import Connection, connect, transaction
from hybridrag.store.evaluations import FORGOTTEN, forget_document
from hybridrag.store.queries import on_vectors, statement
from hybridrag.store.restoring import drop_aside
from hybridrag.types import Collection, document_id


@dataclass(frozen=True, slots=True)
class Forgettable:
    """A document as its source and path name it, and what is known of both; None where the index has neither.

    `only` and `exclude` are those of its source, `kind` is empty where there is no such source.
    """

    source: str
    path: str
    source_id: int | None
    kind: str
    root: str
    only: tuple[str, ...]
    exclude: tuple[str, ...]
    indexed: bool
    external_id: str | None

    @property
    def id(self) -> UUID:
        return document_id(self.source, self.path)

    @property
    def uri(self) -> str:
        return f"{self.source}/{self.path}"


class Forgetting:
    """Forgets documents of a collection that a run of the caller holds."""

    def __init__(self, connection: Connection, collection: Collection) -> None:
        self._connection = connection
        self._collection = collection

    @classmethod
    @contextmanager
    def open(cls, url: str, collection: Collection) -> Iterator[Forgetting]:
        with closing(connect(url)) as connection:
            yield cls(connection, collection)

    def known(self, named: Sequence[tuple[str, str]]) -> list[Forgettable]:
        """What is known of documents by source and path, in that order."""
        key = self._key(sources=[source for source, _ in named], paths=[path for _, path in named])
        with transaction(self._connection, read_only=True) as tx:
            rows = tx.execute(statement("forgettable"), key).fetchall()
        found = {(row["source"], row["path"]): _forgettable(row) for row in rows}
        return [found[each] for each in dict.fromkeys(named)]

    def forget(
        self,
        documents: Sequence[Forgettable],
        *,
        left_out: Collection_[Forgettable],
        gone: Collection_[Forgettable] = (),
        rehearsal: bool,
    ) -> dict[str, int]:
        """Removes documents from every table, all at once, and returns how many rows went of what.

        The sources of those that are `left_out` do not take them in again, those of the others may; of those that are
        `gone` from it, a source forgets the label as well. What no document needs any more goes too, whoever left it.
        A rehearsal does the same and takes it back. An index that a restore replaced, and was killed before it could
        remove it, may hold them too: it goes after that.
        """
        import psycopg

        removed: dict[str, int] = {}
        with transaction(self._connection) as tx:
            removed |= self._rows(tx, documents)
            removed |= self._derived(tx, any_gone=bool(removed["documents"]))
            for source in {each.source_id for each in documents if each.source_id is not None}:
                of_source = [each for each in documents if each.source_id == source]
                self._change_source(tx, of_source, left_out, gone)
            if rehearsal:
                raise psycopg.Rollback
        if not rehearsal:
            drop_aside(self._connection, done="the documents are deleted")
        return removed

    def _change_source(
        self,
        tx: Connection,
        documents: Sequence[Forgettable],
        left_out: Collection_[Forgettable],
        gone: Collection_[Forgettable],
    ) -> None:
        """Has a source take documents in no more, or again. One that lists its files one by one lists them no more; if
        none is left, it goes, since without a list it would be all of its folder."""
        source = documents[0]
        away = {each.path for each in documents if each in left_out}
        # With a file that holds others, they stay away too, and what will be in it.
        outermost = {path for path in away if not away.intersection(map(str, PurePosixPath(path).parents))}
        patterns = {pattern_of(each.path) for each in documents}
        only = [path for path in source.only if path not in away]
        exclude = [pattern for pattern in source.exclude if pattern not in patterns]
        if source.kind in {"folder", "web"}:
            exclude += [pattern_of(path) for path in sorted(outermost - {*source.only})]
        unlabelled = [name for each in documents if each in gone for name in (each.uri, f"{each.uri}/**")]
        key = {"source": source.source_id, "only": only, "exclude": exclude, "unlabelled": unlabelled}
        tx.execute(statement("drop_source" if source.only and not only else "change_source"), key)

    def _rows(self, tx: Connection, documents: Sequence[Forgettable]) -> dict[str, int]:
        key = self._key(
            documents=[each.id for each in documents],
            sources=[each.source for each in documents],
            paths=[each.path for each in documents],
            names=[name for each in documents for name in (each.uri, f"{each.root}/{each.path}")],
            called=[name for each in documents for name in (each.uri, each.path, each.external_id) if name],
            forgotten=FORGOTTEN,
        )
        runs = sum(
            forget_document(tx, self._collection.id, [each.uri, each.path, each.external_id or ""])
            for each in documents
        )
        counted = tx.execute(statement("count_of_documents"), key).fetchone()
        assert counted is not None  # it has no table to be empty
        tx.execute(statement("forget_containers"), key)
        tx.execute(statement("forget_repeated_state"), key)
        tx.execute(statement("forget_documents"), key)
        return {
            **counted,
            "problems": tx.execute(statement("forget_problems"), key).rowcount,
            "messages": tx.execute(statement("forget_in_runs"), key).rowcount,
            "gates": tx.execute(statement("forget_in_gates"), key).rowcount,
            "evaluations": runs,
        }

    def _derived(self, tx: Connection, *, any_gone: bool) -> dict[str, int]:
        """Removes what was made of texts that no chunk has any more."""
        for row in tx.execute(statement("chunk_sets_of"), self._key()).fetchall():
            # Whoever adds chunks meanwhile may add one of the very texts that look unneeded.
            tx.execute(statement("lock_chunk_set"), row)
        waiting = tx.execute(statement("forget_waiting_texts"), self._key()).rowcount
        vectors = 0
        for row in tx.execute(statement("generations_with_texts"), self._key()).fetchall():
            vectors += tx.execute(on_vectors("delete_orphan_vectors", row["id"]), row).rowcount
        removed = {"waiting_texts": waiting, "vectors": vectors, "samples": 0, "gate_questions": 0}
        if any_gone or vectors:
            removed["samples"] = tx.execute(statement("forget_samples"), self._key()).rowcount
            removed["gate_questions"] = tx.execute(statement("forget_gate_questions"), self._key()).rowcount
        return removed

    def compact(self) -> int:
        """Writes lexical indexes anew that hold words of what is gone; returns how many."""
        with transaction(self._connection, read_only=True) as tx:
            chunk_sets = tx.execute(statement("chunk_sets_of"), self._key()).fetchall()
        return sum(self._compacted(row) for row in chunk_sets)

    def _compacted(self, chunk_set: dict[str, Any]) -> bool:
        with transaction(self._connection) as tx:
            tx.execute(statement("lock_chunk_set"), chunk_set)
            buried = tx.execute(statement("buried_in"), chunk_set).fetchone()
            if buried is None or not buried["any"]:
                return False
            lexical.compact(tx, chunk_set["chunk_set"])
            return True

    def _key(self, **values: Any) -> dict[str, Any]:
        return {"collection": self._collection.id, **values}


def _forgettable(row: dict[str, Any]) -> Forgettable:
    return Forgettable(
        source=row["source"],
        path=row["path"],
        source_id=row["source_id"],
        kind=row["kind"] or "",
        root=row["root"] or "",
        only=tuple(row["only_paths"] or ()),
        exclude=tuple(row["exclude"] or ()),
        indexed=row["id"] is not None,
        external_id=row["external_id"],
    )
