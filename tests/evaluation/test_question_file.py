"""A file of questions is read by what reads question files, is written whole, and replaces nothing by accident."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybridrag.errors import UsageError
from hybridrag.evaluation.generated import MOST_ANSWER, GeneratedQuestion, shortened
from hybridrag.evaluation.question_file import check_target, write_questions
from hybridrag.evaluation.questions import load_questions

QUESTIONS = [
    GeneratedQuestion("Wie hoch ist die Pauschale?", "62 Euro", ("docs/a\u2028b.md", "docs/c.md"), "id-1", "keywords"),
    GeneratedQuestion('say "no"', "no", ("docs/d\x85.md",), "id-2", "heading"),
]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    check_target(file, force=False)
    write_questions(file, QUESTIONS, force=False)
    loaded = load_questions(file)
    assert list(loaded.texts.values()) == [question.question for question in QUESTIONS]
    assert [set(grades) for grades in loaded.qrels.values()] == [set(question.sources) for question in QUESTIONS]
    first = json.loads(file.read_text(encoding="utf-8").splitlines()[0])
    assert first["answer"] == "62 Euro"
    assert first["origin"] == {"chunk": "id-1", "method": "keywords"}


def test_nothing_else_is_left_and_the_permissions_are_those_of_a_new_file(tmp_path: Path) -> None:
    file, other = tmp_path / "questions.jsonl", tmp_path / "other"
    write_questions(file, QUESTIONS, force=False)
    other.touch()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "questions.jsonl"]
    assert file.stat().st_mode == other.stat().st_mode


def test_a_file_that_is_there_is_kept_without_force(tmp_path: Path) -> None:
    file = tmp_path / "questions.jsonl"
    file.write_text("mine")
    with pytest.raises(UsageError, match="there already") as refused:
        check_target(file, force=False)
    assert "--force" in refused.value.hint
    with pytest.raises(UsageError, match="there already"):  # it came to be while the questions were made
        write_questions(file, QUESTIONS, force=False)
    assert file.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["questions.jsonl"]


def test_force_overwrites_also_behind_a_link(tmp_path: Path) -> None:
    file, link = tmp_path / "questions.jsonl", tmp_path / "link.jsonl"
    file.write_text("mine")
    link.symlink_to(file)
    check_target(link, force=True)
    write_questions(link, QUESTIONS, force=True)
    assert link.is_symlink()
    assert len(file.read_text().splitlines()) == 2


def test_what_is_no_file_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no regular file"):
        check_target(tmp_path, force=True)
    with pytest.raises(UsageError, match="no regular file"):
        check_target(Path("/dev/null"), force=True)
    with pytest.raises(UsageError, match="no folder"):
        check_target(tmp_path / "missing" / "questions.jsonl", force=False)
    with pytest.raises(UsageError, match="cannot be written"):
        check_target(tmp_path / ("x" * 300), force=False)


def test_a_write_that_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write_questions(tmp_path / "gone" / "questions.jsonl", QUESTIONS, force=False)


def test_long_answers_are_cut_at_a_word() -> None:
    cut = shortened("word " * 1000)
    assert len(cut) <= MOST_ANSWER + 2
    assert cut.endswith("word …")
