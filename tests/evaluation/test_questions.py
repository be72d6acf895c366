"""Files of questions: what is read, and what is told of a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridrag.errors import UsageError
from hybridrag.evaluation import Questions, load_questions


def test_the_questions_of_the_examples_are_read() -> None:
    questions = load_questions(Path(__file__).parents[2] / "examples" / "questions.jsonl")
    assert len(questions.texts) > 30
    assert questions.texts.keys() == questions.qrels.keys()
    assert "company/handbook/travel-policy.md" in questions.documents
    assert any(not grades for grades in questions.qrels.values()), "some have no answer"


@pytest.mark.parametrize(
    "line",
    [
        *("no json", "[]", '"text"', "{}", '{"question": "a?"}', '{"question": " ", "sources": ["a"]}'),
        *(
            '{"question": 1, "sources": ["a"]}',
            '{"question": "a?", "sources": "a"}',
            '{"question": "a?", "sources": [1]}',
        ),
    ],
)
def test_a_broken_line_is_told_with_file_and_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "q.jsonl"
    file.write_text('{"question": "a?", "sources": ["a.md"]}\n\n' + line + "\n")
    with pytest.raises(UsageError, match=r"q\.jsonl: line 3"):
        load_questions(file)


def test_an_empty_or_unreadable_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(UsageError, match="holds no question"):
        load_questions(tmp_path / "empty.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b"\xff\xfe\x00")
    for name in ("bytes.jsonl", "missing.jsonl"):
        with pytest.raises(UsageError, match="cannot be read"):
            load_questions(tmp_path / name)


def test_an_id_stays_when_lines_come_and_go(tmp_path: Path) -> None:
    def load(*texts: str) -> dict[str, str]:
        file = tmp_path / "q.jsonl"
        file.write_text("".join(f'{{"question": "{text}", "sources": ["a.md"]}}\n' for text in texts))
        return dict(load_questions(file).texts)

    before, after = load("one", "two"), load("new", "one", "two", "two")
    assert before.items() <= after.items()
    assert sorted(after.values()) == ["new", "one", "two", "two"], "a repeated question is kept"


def test_questions_about_some_documents_are_judged_by_their_ids() -> None:
    questions = Questions(
        {"1": "one", "2": "two", "3": "three"}, {"1": {"a.md": 1, "gone.md": 1}, "2": {"gone.md": 1}, "3": {"b.md": 0}}
    )
    known = questions.about({"a.md": "docs/a.md", "b.md": "docs/b.md"})
    assert known == Questions({"1": "one"}, {"1": {"docs/a.md": 1}})
    assert [*questions.first(2).texts] == ["1", "2"]
    assert {*questions.documents} == {"a.md", "gone.md"}
