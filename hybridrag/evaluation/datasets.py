"""Test collections in BEIR form: `corpus.jsonl`, `queries.jsonl`, and `qrels.tsv` or `qrels/SPLIT.tsv`."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hybridrag.errors import UsageError
from hybridrag.evaluation.questions import Questions, expected_answer, plain

_FILES = ("corpus.jsonl", "queries*.jsonl", "qrels*.tsv", "qrels/*.tsv")
_FORM = "a BEIR folder holds corpus.jsonl, queries.jsonl, and qrels.tsv or qrels/test.tsv"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Queries by id, and for each its judged documents with their grades. Both have the same keys.

    `notes` tell what was left out of the files, in sentences. `answers` are expected ones, where a query has one.
    """

    name: str
    corpus: Path
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    notes: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)

    @property
    def questions(self) -> Questions:
        """The judged queries."""
        return Questions(self.queries, {query: self.qrels[query] for query in self.queries}, self.answers)

    def documents(self) -> Iterator[tuple[str, str, str]]:
        """`(id, title, text)` of each document, in the file's order."""
        for _, row in _rows(self.corpus):
            yield _id(row["_id"]), str(row.get("title") or ""), str(row.get("text") or "")

    def whole(self) -> tuple[list[str], list[str]]:
        """The documents' ids, and title and text of each in one string, as published figures are made."""
        rows = [(key, f"{title} {text}".strip()) for key, title, text in self.documents()]
        return [key for key, _ in rows], [text for _, text in rows]


def load_beir(folder: Path, *, split: str | None = None) -> Dataset:
    """The dataset in a folder, with its judged queries only; `split` names one of several judgements (test, dev).

    Raises UsageError naming the file that is missing, or the line that is broken.
    """
    for name in ("corpus.jsonl", "queries.jsonl"):
        if not is_file(folder / name):
            raise UsageError(f"{folder} is no BEIR folder: it has no {name}", hint=_inner(folder))
    judgements = _judgements(folder, split)
    questions = folder / "queries.jsonl"
    if split is not None and is_file(folder / f"queries.{split}.jsonl"):
        questions = folder / f"queries.{split}.jsonl"
    qrels = _qrels(judgements)
    texts, answers = _queries(questions, judged=qrels)
    kept = {query: text for query, text in texts.items() if query in qrels}
    if not kept:
        raise UsageError(
            f"{judgements} judges none of the queries of {questions.name}", hint="do both files belong together?"
        )
    unknown = [query for query in qrels if query not in texts]
    notes = [f"{len(unknown)} judged queries are not in {questions.name} (the first: {unknown[0]})"] if unknown else []
    if unjudged := len(texts) - len(kept):
        notes.append(f"{unjudged} queries without judgements are left out")
    if useless := sum(all(grade < 1 for grade in qrels[query].values()) for query in kept):
        notes.append(f"{useless} queries have no relevant document; they count 0, as in trec_eval")
    return Dataset(
        name=_shown(folder),
        corpus=folder / "corpus.jsonl",
        queries=kept,
        qrels={query: qrels[query] for query in kept},
        notes=tuple(notes),
        answers={query: answer for query, answer in answers.items() if query in kept},
    )


_GRADE = re.compile(r"-?[0-9]{1,6}")
_GRADE_TITLES = {"score", "grade", "relevance", "relevancy", "rel", "label", "judgment", "judgement"}
"""What the column of grades is called where the first line names the columns."""
_VAGUE = re.compile(r"[a-z]{1,3}([-_][A-Za-z]{2,4})?|train|test|beir|data|dataset|corpus", re.IGNORECASE)
"""Names of folders that are languages, splits or kinds."""


def is_beir(folder: Path) -> bool:
    """Whether a folder holds the files of a dataset, whatever is in them."""
    return is_file(folder / "corpus.jsonl") and is_file(folder / "queries.jsonl")


def files_of(folder: Path) -> list[Path]:
    """The files of a dataset, of all its splits; none where the folder cannot be looked at."""
    try:
        return [found for form in _FILES for found in folder.glob(form)]
    except (OSError, ValueError):
        return []


def missing(path: Path) -> UsageError:
    """What to say of a path where there is nothing: perhaps it is a near name's misspelling."""
    try:
        near = difflib.get_close_matches(path.name, [entry.name for entry in path.parent.iterdir()], n=1)
    except OSError:
        near = []
    hint = f"did you mean {path.parent / near[0]}?" if near else f"give a question file (*.jsonl), or a folder: {_FORM}"
    return UsageError(f"there is no file or folder {path}", hint=hint)


def _inner(folder: Path) -> str:
    """What may have been meant instead of this folder."""
    try:
        found = sorted(str(entry) for entry in folder.iterdir() if entry.is_dir() and is_beir(entry))
    except OSError:
        found = []
    if not found:
        return _FORM
    more = f" and {len(found) - 8} more" if len(found) > 8 else ""
    return f"these inside it are: {', '.join(found[:8])}{more}"


def _shown(folder: Path) -> str:
    """The folder's name, with its parent's where the name alone says little: `xquad/en`, `fiqa/beir`."""
    resolved = folder.resolve()
    vague = _VAGUE.fullmatch(resolved.name) is not None
    return plain(f"{resolved.parent.name}/{resolved.name}" if vague and resolved.parent.name else resolved.name)


def _judgements(folder: Path, split: str | None) -> Path:
    inside = {file.stem: file for file in sorted((folder / "qrels").glob("*.tsv")) if is_file(file)}
    beside = {file.name[6:-4]: file for file in sorted(folder.glob("qrels.*.tsv")) if is_file(file)}
    known = beside | inside
    if split is not None:
        if split in known:
            return known[split]
        raise UsageError(
            f"{folder} has no judgements for the split {split!r}",
            hint=f"it has: {', '.join(sorted(known))}" if known else "leave --split out: its qrels.tsv is the only one",
        )
    if is_file(folder / "qrels.tsv"):
        return folder / "qrels.tsv"
    if "test" in known or len(known) == 1:
        return known.get("test") or next(iter(known.values()))
    if known:
        raise UsageError(
            f"{folder} has several splits: {', '.join(sorted(known))}", hint="choose one with --split NAME"
        )
    raise UsageError(f"{folder} is no BEIR folder: it has no qrels.tsv", hint=_FORM)


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {}
    for number, line in _lines(path):
        row = [_id(cell) for cell in line.split("\t")]
        if number == 1 and row[-1].casefold() in _GRADE_TITLES:
            continue
        if not 3 <= len(row) <= 4 or not row[0] or not row[-2] or not _GRADE.fullmatch(row[-1]):
            raise UsageError(f"{path}: line {number} is no judgement", hint="query-id, document-id, grade, with tabs")
        query, document, grade = row[0], row[-2], int(row[-1])
        if qrels.setdefault(query, {}).setdefault(document, grade) != grade:
            raise UsageError(
                f"{path}: line {number} judges the document {document} for {query} another time, and otherwise",
                hint="keep one of the lines",
            )
    if not qrels:
        raise UsageError(f"{path} holds no judgement", hint="query-id, document-id, grade, with tabs")
    return qrels


def _queries(path: Path, *, judged: Mapping[str, object]) -> tuple[dict[str, str], dict[str, str]]:
    """The texts by id, and the expected answers of those that have one."""
    texts: dict[str, str] = {}
    answers: dict[str, str] = {}
    for number, row in _rows(path):
        key, text = _id(row["_id"]), row.get("text")
        if not isinstance(text, str) or (not text.strip() and key in judged):
            raise UsageError(f"{path}: line {number} has no text", hint='{"_id": "1", "text": "the question"}')
        if texts.setdefault(key, plain(text)) != plain(text):
            raise UsageError(f"{path}: line {number} has the id {key} of an earlier line", hint="keep one of them")
        if (answer := expected_answer(row)) is not None:
            answers[key] = answer
    return texts, answers


def _id(value: str | int) -> str:
    """An id, the same in whichever of the files it stands."""
    return plain(str(value)).strip()


def is_file(path: Path) -> bool:
    """Whether a file is there; none is where the path cannot be looked at, or has no valid name."""
    try:
        return path.is_file()
    except OSError:
        return False


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in _lines(path):
        try:
            row = json.loads(line)
            known = isinstance(row["_id"], str | int) and bool(_id(row["_id"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            known = False
        if not known:
            raise UsageError(f"{path}: line {number} is no record with an _id", hint="one JSON object a line")
        yield number, row


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1. Not `splitlines`, which also cuts at U+2028."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError:
                    raise UsageError(f"{path}: line {number} is not UTF-8", hint="save the file as UTF-8") from None
                if text.strip():
                    yield number, text.rstrip("\r\n")
    except OSError as exc:
        raise UsageError(f"{path} cannot be read: {exc.strerror}", hint="check its permissions") from None
