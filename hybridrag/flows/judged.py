"""Judged: the questions of a run, told by the names that documents of the collection go by."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hybridrag.errors import UsageError
from hybridrag.evaluation import Questions
from hybridrag.retrieval import parse_filter
from hybridrag.types import Collection, Filter

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore
    from hybridrag.types import DocumentRef


@dataclass(frozen=True, slots=True)
class Judged:
    """Questions whose judgements name documents as `name` does. `documents` counts those of the collection.

    `notes` tell which judged documents were not found, and what was left out.
    """

    questions: Questions
    documents: int
    name: Callable[[DocumentRef], str]
    filter: Filter | None
    notes: tuple[str, ...]

    def first(self, limit: int | None) -> Judged:
        """The first questions only, where there are more than `limit`."""
        number = len(self.questions.texts)
        if limit is None or limit >= number:
            return self
        note = f"the first {limit} of {number} questions are asked"
        return replace(self, questions=self.questions.first(limit), notes=(*self.notes, note))


def judged(
    store: PostgresStore, collection: Collection, questions: Questions, *, own_ids: bool, expression: str
) -> Judged:
    """The questions for a collection, with a filter as a person wrote it.

    `own_ids` says that documents are called by the ids that a dataset gave. A judged document that the collection lacks
    counts as not found. With a filter, documents of the collection that do not pass it do not count, and questions that
    no other answers are left out. Questions that no document answers stay. Raises UsageError where nothing is left.
    """
    parsed = parse_filter(expression) if expression.strip() else None
    rows = store.list_documents(collection)
    known = _Names.of([row["document"] for row in rows], own_ids=own_ids)
    found, notes = known.judge(questions, collection)
    if parsed is not None:
        failing = {known.name(row["document"]) for row in rows}
        failing -= {known.name(row["document"]) for row in store.list_documents(collection, parsed)}
        found, more = _within(found, failing, expression)
        notes += more
    return Judged(found, len(rows), known.name, parsed, tuple(notes))


@dataclass(frozen=True, slots=True)
class _Names:
    """The documents of a collection by every name that a question may call them by.

    `names` leads to the name that rankings hold: the id that a dataset gave, else the URI. `ambiguous` are paths and
    ids that several documents have.
    """

    names: Mapping[str, str]
    ambiguous: frozenset[str]
    name: Callable[[DocumentRef], str]

    @staticmethod
    def of(documents: Sequence[DocumentRef], *, own_ids: bool) -> _Names:
        name = _own_id if own_ids else _uri
        certain = {alias: name(document) for document in documents for alias in (document.uri, name(document))}
        owners: dict[str, set[str]] = {}
        for document in documents:
            for alias in (document.path, document.external_id or document.path):
                if alias not in certain:
                    owners.setdefault(alias, set()).add(name(document))
        single = {alias: next(iter(found)) for alias, found in owners.items() if len(found) == 1}
        return _Names(single | certain, frozenset(owners.keys() - single.keys()), name)

    def judge(self, questions: Questions, collection: Collection) -> tuple[Questions, list[str]]:
        """The questions, judged by the names that rankings hold, and what is to be told of those not found."""
        qrels = {
            question: {self.names.get(name, name): grade for name, grade in grades.items()}
            for question, grades in questions.qrels.items()
        }
        wanted = questions.documents
        lacking = sorted(name for name in wanted if name not in self.names and name not in self.ambiguous)
        doubtful = sorted(name for name in wanted if name in self.ambiguous)
        if wanted and len(lacking) + len(doubtful) == len(set(wanted)):
            raise UsageError(
                f"the collection {collection.name} holds none of the documents that answer the questions "
                f"(the first: {[*lacking, *doubtful][0]})",
                hint="name another one with -c NAME; sources are written as `hybridrag documents list` shows them",
            )
        notes = []
        if lacking:
            touched = sum(any(name in grades for name in lacking) for grades in questions.qrels.values())
            notes.append(
                f"{len(lacking)} judged documents of {touched} questions are not in the collection {collection.name} "
                f"(the first: {lacking[0]}); they count as not found"
            )
        if doubtful:
            notes.append(
                f"{len(doubtful)} sources are paths of several documents (the first: {doubtful[0]}); they count as not "
                "found: write SOURCE/PATH, as `hybridrag documents list` shows it"
            )
        return replace(questions, qrels=qrels), notes


def _own_id(document: DocumentRef) -> str:
    return document.external_id or document.uri


def _uri(document: DocumentRef) -> str:
    return document.uri


def _within(questions: Questions, failing: set[str], expression: str) -> tuple[Questions, list[str]]:
    """What is left of questions where some documents do not count. One that is not in the collection does: not found.

    Otherwise what falls out of the index would make the figures better.
    """
    qrels = {
        question: {name: grade for name, grade in grades.items() if name not in failing}
        for question, grades in questions.qrels.items()
    }
    kept = {
        question: grades
        for question, grades in qrels.items()
        if not questions.qrels[question] or any(grade > 0 for grade in grades.values())
    }
    if not kept:
        raise UsageError(
            f"no question is answered by a document that passes --filter {expression}", hint="widen the filter"
        )
    notes = []
    if lost := len(qrels) - len(kept):
        notes.append(f"{lost} questions are left out: no document that passes the filter answers them")
    return replace(questions.of(kept), qrels=kept), notes
