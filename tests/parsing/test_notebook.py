"""Notebooks, as nbformat and nbconvert write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hybridrag.parsing.formats import parse
from hybridrag.parsing.parsed import UnreadableError

KIND = "application/x-ipynb+json"


@pytest.mark.parametrize("name", ["fees.ipynb", "fees-format-3.ipynb"])
def test_an_executed_notebook(files: Path, name: str) -> None:
    parsed = parse((files / "text" / name).read_bytes(), KIND)
    assert parsed.title == "Harbour fees by berth"
    assert parsed.metadata["author"] == "Ada Lovelace, Bob Roe"
    assert parsed.metadata["kernel"].startswith("Python 3")
    assert [(heading.level, heading.title) for heading in parsed.headings] == [(1, "Harbour fees"), (2, "Totals")]
    assert "```python\nfees = {'North': 120, 'South': 95}" in parsed.text
    assert "```text\nberths: 2\n```" in parsed.text
    assert "Berth  Fee\nNorth  120" in parsed.text
    assert "ZeroDivisionError: division by zero" in parsed.text
    assert "\x1b" not in parsed.text
    assert "Image object" not in parsed.text
    assert "line 399" not in parsed.text
    assert "[...]" in parsed.text
    table = next(block for block in parsed.blocks if block.kind == "table")
    assert parsed.text[table.start : table.head] == "| Berth | Fee |\n|---|---|\n"


def test_embedded_pictures_and_fences() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["![plan](data:image/png;base64,AAAA)\n", "End."]},
        {"cell_type": "code", "source": "print('```')", "outputs": [{"output_type": "stream", "text": 7}, 3]},
        {"cell_type": "raw", "source": None},
        "no cell",
    ]
    parsed = parse(json.dumps({"cells": cells, "metadata": []}).encode(), KIND)
    assert parsed.text == "plan\nEnd.\n\n````python\nprint('```')\n````\n"


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"cells": 1}', b"null"])
def test_what_is_no_notebook(content: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse(content, KIND)
