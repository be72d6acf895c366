"""Questions with the documents that answer them: a BEIR folder, or a file of questions.

A file holds a JSON object a line: `question`, and `sources`, the paths of the documents that answer it, none where no
document does; `answer` may tell what is expected.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hybridrag.errors import UsageError
from hybridrag.evaluation.files import read_text

_FORM = 'a JSON object a line: {"question": "...", "sources": ["folder/file.md"]}'


@dataclass(frozen=True, slots=True)
class Questions:
    """Texts by question, and for each the grades of the documents that answer it. Both have the same keys.

    `answers` are the expected answers of those that have one.
    """

    texts: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    answers: Mapping[str, str] = field(default_factory=dict)

    def about(self, names: Mapping[str, str]) -> Questions:
        """The questions that documents with these names answer, judged under the names' values (their ids)."""
        judged = {
            question: {names[name]: grade for name, grade in grades.items() if name in names}
            for question, grades in self.qrels.items()
        }
        kept = {question: grades for question, grades in judged.items() if any(g > 0 for g in grades.values())}
        return replace(self.of(kept), qrels=kept)

    def of(self, kept: Iterable[str]) -> Questions:
        """The questions of these ids, in their order."""
        ids = list(kept)
        return Questions(
            {q: self.texts[q] for q in ids},
            {q: self.qrels[q] for q in ids},
            {q: self.answers[q] for q in ids if q in self.answers},
        )

    def first(self, most: int) -> Questions:
        """At most so many of the questions, in order."""
        return self.of(list(self.texts)[:most])

    @property
    def answerable(self) -> Questions:
        """Those that some document answers."""
        return self.of(question for question, grades in self.qrels.items() if grades)

    @property
    def repeated(self) -> int:
        """How many questions stand there once more."""
        return len(self.texts) - len(set(self.texts.values()))

    @property
    def documents(self) -> Collection[str]:
        """Every document that answers some question."""
        return {name for grades in self.qrels.values() for name, grade in grades.items() if grade > 0}


def load_questions(file: Path) -> Questions:
    """The questions of a file. Raises UsageError naming the line that is none.

    A question's id is made of its text, so that it stays what it is when lines come, go or change places.
    """
    texts: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    answers: dict[str, str] = {}
    times: Counter[str] = Counter()
    for number, line in enumerate(read_text(file).split("\n"), start=1):  # `splitlines` also cuts at U+2028
        if not line.strip():
            continue
        text, sources, answer = _parsed(line, file, number)
        digest = hashlib.sha256(text.encode()).hexdigest()[:12]
        times[digest] += 1
        key = digest if times[digest] == 1 else f"{digest}-{times[digest]}"
        texts[key], qrels[key] = text, dict.fromkeys(sources, 1)
        if answer is not None:
            answers[key] = answer
    if not texts:
        raise UsageError(f"{file} holds no question", hint=_FORM)
    return Questions(texts, qrels, answers)


def expected_answer(row: Mapping[str, Any]) -> str | None:
    """The answer that a record expects, None where it tells none: it is missing, blank, or no text."""
    answer = row.get("answer")
    return plain(answer) if isinstance(answer, str) and answer.strip() else None


def _parsed(line: str, file: Path, number: int) -> tuple[str, Iterable[str], str | None]:
    row: Any = None
    try:
        row = json.loads(line)
        question, sources = row["question"], row["sources"]
    except (ValueError, KeyError, TypeError, RecursionError):
        question, sources = None, None
    named = isinstance(sources, list) and all(isinstance(source, str) for source in sources)
    if not isinstance(question, str) or not question.strip() or not named:
        raise UsageError(f"{file}: line {number} is no question with its sources", hint=_FORM)
    return plain(question), [plain(source) for source in sources], expected_answer(row)


def plain(text: str) -> str:
    """The text without what JSON can spell but UTF-8 and PostgreSQL cannot hold: NUL and lone surrogates."""
    return text if text.isprintable() else text.replace("\0", " ").encode("utf-8", "replace").decode()
