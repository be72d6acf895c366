"""Names of people in the names of files."""

from __future__ import annotations

import pytest

from hybridrag.privacy.finders.file_names import file_names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("hr/john_smith_cv.pdf", "john_smith"),
        ("from: hr/2024/schmidt-peter-vertrag.docx (Vertrag)", "schmidt-peter"),
        ("review.maria.rodriguez.final.xlsx", "maria.rodriguez"),
        ("see JOHN_SMITH.txt", "JOHN_SMITH"),
    ],
)
def test_found(text: str, name: str) -> None:
    assert [text[span.start : span.end] for span in file_names(text)] == [name]


@pytest.mark.parametrize(
    "text",
    ["docs/path_params.md", "user_guide.pdf", "max_tokens.json", "john_smith", "release-notes-2024.md", "a.b.txt", ""],
)
def test_left_alone(text: str) -> None:
    assert list(file_names(text)) == []
