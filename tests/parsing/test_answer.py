"""What the child says is checked before it becomes a document."""

from __future__ import annotations

from typing import Any

import pytest

from hybridrag.parsing.answer import BadAnswerError, read_answer
from hybridrag.parsing.parsed import UnreadableError

TEXT = "one\n\ntwo"
GOOD: dict[str, Any] = {
    "title": "T",
    "pages": [[1, 0, 3], [2, 5, 8]],
    "headings": [[0, 1, "one"]],
    "blocks": [["list", 0, 3, 0], ["table", 5, 8, 6]],
    "metadata": {"k": "v"},
    "date": "2026-01-02T03:04:05+00:00",
    "language": "en",
    "notes": ["n"],
    "ocr": False,
    "needs_ocr": False,
}


def test_a_sound_answer() -> None:
    parsed = read_answer(GOOD, TEXT.encode())
    assert [parsed.text[page.start : page.end] for page in parsed.pages] == ["one", "two"]
    assert parsed.date is not None


@pytest.mark.parametrize(
    "change",
    [
        {"pages": [[1, 0, 99]]},
        {"blocks": [["table", 5, 99, 6]]},
        {"blocks": [["table", 5, 8, 4]]},
        {"blocks": [["list", 0, 6, 0], ["list", 5, 8, 5]]},
        {"blocks": [["picture", 0, 3, 0]]},
        {"blocks": [["list", 3, 3, 3]]},
        {"pages": [[1, 3, 0]]},
        {"pages": [[2, 0, 3]]},
        {"pages": [[1, 0, 6], [2, 5, 8]]},
        {"pages": [[1, 0]]},
        {"pages": [[1, 0, 1e999]]},
        {"headings": [[8, 1, "x"]]},
        {"headings": [[-1, 1, "x"]]},
        {"headings": [[0, 7, "x"]]},
        {"headings": [[0, 1, " "]]},
        {"headings": [[3, 1, "x"], [0, 1, "y"]]},
        {"metadata": 3},
        {"language": "klingon"},
        {"language": ["en"]},
        {"notes": None},
    ],
)
def test_an_unsound_answer(change: dict[str, Any]) -> None:
    with pytest.raises(BadAnswerError):
        read_answer(GOOD | change, TEXT.encode())


@pytest.mark.parametrize("text", [b"  ", b"a\0b", b"a\xed\xa0\x80", b"\xff" * 10])
def test_an_unsound_text(text: bytes) -> None:
    with pytest.raises(BadAnswerError):
        read_answer(GOOD | {"pages": [], "headings": [], "blocks": []}, text)


def test_reasons_are_made_harmless() -> None:
    with pytest.raises(UnreadableError) as caught:
        read_answer(
            {"reason": "a\x1b[31m\nb" + "x" * 500, "hint": "", "failed": True, "ocr": False, "needs_ocr": False}, b""
        )
    assert caught.value.reason.startswith("a [31m b")
    assert len(caught.value.reason) <= 200
