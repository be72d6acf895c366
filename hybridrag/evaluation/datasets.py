"""Test collections in BEIR form: `corpus.jsonl`, `queries.jsonl`, `qrels.tsv`."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hybridrag.errors import UsageError
from hybridrag.evaluation.questions import Questions


@dataclass(frozen=True, slots=True)
class Dataset:
    """Queries by id, and for each its judged documents with their grades. Every judged query is among the queries."""

    name: str
    corpus: Path
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]

    @property
    def questions(self) -> Questions:
        """The judged queries."""
        return Questions(self.queries, {query: self.qrels[query] for query in self.queries})

    def documents(self) -> Iterator[tuple[str, str, str]]:
        """`(id, title, text)` of each document, in the file's order."""
        for row in _rows(self.corpus):
            yield str(row["_id"]), str(row.get("title") or ""), str(row.get("text") or "")

    def whole(self) -> tuple[list[str], list[str]]:
        """The documents' ids, and title and text of each in one string, as published figures are made."""
        rows = [(key, f"{title} {text}".strip()) for key, title, text in self.documents()]
        return [key for key, _ in rows], [text for _, text in rows]


def load_beir(folder: Path) -> Dataset:
    """The dataset in a folder. Only judged queries are kept. Raises UsageError where a file is missing or broken."""
    for name in ("corpus.jsonl", "queries.jsonl", "qrels.tsv"):
        if not (folder / name).is_file():
            raise UsageError(f"{folder} is no BEIR folder: it has no {name}", hint="name a folder that holds all three")
    qrels: dict[str, dict[str, int]] = {}
    with (folder / "qrels.tsv").open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file, delimiter="\t"), start=1):
            if number == 1 and row and not row[-1].lstrip("-").isdigit():
                continue
            try:
                query, document, grade = row[0], row[-2], int(row[-1])
            except (IndexError, ValueError):
                raise UsageError(
                    f"{folder / 'qrels.tsv'}: line {number} is no judgement", hint="query-id, document-id, grade"
                ) from None
            qrels.setdefault(query, {})[document] = grade
    queries = {str(row["_id"]): str(row["text"]) for row in _rows(folder / "queries.jsonl")}
    return Dataset(
        name=folder.name,
        corpus=folder / "corpus.jsonl",
        queries={query: text for query, text in queries.items() if query in qrels},
        qrels={query: grades for query, grades in qrels.items() if query in queries},
    )


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                row["_id"]
            except (ValueError, KeyError, TypeError):
                raise UsageError(
                    f"{path}: line {number} is no record with an _id", hint="one JSON object a line"
                ) from None
            yield row
