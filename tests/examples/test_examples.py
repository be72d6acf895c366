"""The example company, its questions and its list of invented values agree with each other."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import pathspec
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
COMPANY = EXAMPLES / "company"
FILES = sorted(p for p in COMPANY.rglob("*") if p.is_file() and p.name != ".ragignore")
BINARY = {".pdf", ".docx"}

QUESTIONS: list[dict[str, Any]] = [
    json.loads(line) for line in (EXAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
]
PERSONAL: dict[str, list[str]] = json.loads((EXAMPLES / "personal-data.json").read_text(encoding="utf-8"))

# Written more loosely than the values are, so that a value added to a document without being listed is noticed.
SHAPES = {
    "EMAIL": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{3,}\b",
    "PHONE": r"\(\d{3}\) \d{3}-\d{4}|\+\d{1,2} \d{2,3} \d{3,5}[ -]\d{3,4}(?: \d{4})?"
    r"|(?<![\d+-])(?<!\d )0\d{2,4} (?:\d{6,7}|\d{3,5} \d{3,4})(?!\d)",
    "CARD": r"(?<![\w ])[3-6]\d{15}(?!\d)|(?<![A-Z0-9] )\b[3-6]\d{3}(?:[ -]\d{4}){3}\b|\b3[47]\d\d \d{6} \d{5}\b",
    "IBAN": r"\b[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){3,7} [A-Z0-9]{1,4}\b|\b(?:AT|DE|FR|GB|NL)\d{2}[A-Z0-9]{11,24}\b",
    "IP": r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9a-f]{4}:[0-9a-f:]+[0-9a-f]\b",
    "SSN": r"\b\d{3}-\d{2}-\d{4}\b",
    "SECRET": r"\b[\w./-]*EXAMPLE[\w/-]*|https://hooks\S+?(?=,)|\beyJ[\w.-]+",
}


def test_the_company_is_small_and_varied() -> None:
    assert len(FILES) == 22
    assert {p.suffix for p in FILES} == {".md", ".html", ".pdf", ".docx", ".csv", ".txt", ".eml", ".py", ".ts"}
    assert all(p.stat().st_size < 60_000 for p in FILES)


@pytest.mark.parametrize("kind", PERSONAL)
def test_every_listed_value_occurs_as_written(kind: str) -> None:
    assert PERSONAL[kind] == sorted(set(PERSONAL[kind]))
    assert PERSONAL[kind], "a type without a value tests nothing"
    missing = [value for value in PERSONAL[kind] if not any(value in text_of(path) for path in FILES)]
    assert not missing


@pytest.mark.parametrize("kind", SHAPES)
def test_every_value_in_the_documents_is_listed(kind: str) -> None:
    found = {match.group() for path in FILES for match in re.finditer(SHAPES[kind], text_of(path))}
    assert found, "the pattern finds nothing, so it would not find a new value either"
    assert sorted(found - set(PERSONAL[kind])) == []


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["question"][:60])
def test_every_question_is_answered_by_its_sources(question: dict[str, Any]) -> None:
    assert question.keys() <= {"question", "sources", "answer", "answer_contains", "page", "label"}
    paths = [EXAMPLES / uri for uri in question["sources"]]
    assert all(path in FILES for path in paths)
    assert not any(is_ignored(path) for path in paths)
    assert bool(question["sources"]) == bool(question["answer"]) == bool(question["answer_contains"])
    texts = [squeeze(text_of(path)) for path in paths]
    if "page" in question:
        texts = [squeeze(pages_of(path)[question["page"] - 1]) for path in paths]
    for words in question["answer_contains"]:
        assert any(squeeze(words) in text for text in texts), words


def test_questions_are_many_distinct_and_partly_unanswerable() -> None:
    assert len(QUESTIONS) == len({q["question"] for q in QUESTIONS}) == 40
    assert sum(not q["sources"] for q in QUESTIONS) == 4
    asked = {uri for q in QUESTIONS for uri in q["sources"]}
    indexed = {f"company/{path.relative_to(COMPANY).as_posix()}" for path in FILES if not is_ignored(path)}
    assert indexed - asked == {"company/about.md"}


def test_pages_are_asked_for_in_every_pdf() -> None:
    asked = {uri for q in QUESTIONS if "page" in q for uri in q["sources"]}
    assert asked == {f"company/{p.relative_to(COMPANY).as_posix()}" for p in FILES if p.suffix == ".pdf"}
    assert all(len(pages_of(path)) == 3 for path in FILES if path.suffix == ".pdf")


def test_labels_of_questions_are_those_of_the_front_matter() -> None:
    labels = {path: label for path in FILES if path.suffix == ".md" and (label := front_matter_label(text_of(path)))}
    assert {p.relative_to(COMPANY).as_posix(): label for p, label in labels.items()} == {
        "hr/salaries-2026.md": "local-only",
        "engineering/security-review-2026.md": "confidential",
    }
    for question in QUESTIONS:
        expected = {labels[EXAMPLES / uri] for uri in question["sources"] if EXAMPLES / uri in labels}
        assert {question["label"]} == expected if "label" in question else not expected


def test_drafts_are_left_out_and_hold_something_to_leave_out() -> None:
    ignored = [path for path in FILES if is_ignored(path)]
    assert [path.relative_to(COMPANY).as_posix() for path in ignored] == ["drafts/office-move.md"]
    assert all("Gannet House" not in text_of(path) for path in FILES if path not in ignored)
    assert "Gannet House" in text_of(ignored[0])


def test_word_files_have_headings_and_html_sources_match() -> None:
    for built, source in {
        "hr/leave-policy.docx": "leave-policy.html",
        "legal/nda-template.docx": "nda-template.html",
        "finance/expenses-2026.pdf": "expenses-2026.html",
        "legal/data-retention.pdf": "data-retention.html",
    }.items():
        html = (EXAMPLES / "sources" / source).read_text(encoding="utf-8")
        headings = [squeeze(title) for title in re.findall(r"<h[123][^>]*>(.*?)</h[123]>", html, re.DOTALL)]
        text = squeeze(text_of(COMPANY / built))
        assert len(headings) >= 5
        assert [title for title in headings if title not in text] == []


@functools.cache
def text_of(path: Path) -> str:
    if path.suffix not in BINARY:
        return path.read_text(encoding="utf-8")
    from kreuzberg import extract_file_sync

    return extract_file_sync(path).content


@functools.cache
def pages_of(path: Path) -> list[str]:
    from kreuzberg import ExtractionConfig, PageConfig, extract_file_sync

    result = extract_file_sync(path, config=ExtractionConfig(pages=PageConfig(extract_pages=True)))
    return [page["content"] for page in result.pages or []]


def is_ignored(path: Path) -> bool:
    rules = pathspec.GitIgnoreSpec.from_lines((COMPANY / ".ragignore").read_text(encoding="utf-8").splitlines())
    return rules.match_file(path.relative_to(COMPANY).as_posix())


def front_matter_label(text: str) -> str | None:
    head = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    label = re.search(r"^label: (\S+)$", head.group(1), re.MULTILINE) if head else None
    return label.group(1) if label else None


def squeeze(text: str) -> str:
    return " ".join(text.split())
