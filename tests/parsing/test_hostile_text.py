"""Text of some hundred kilobytes on which a careless scanner takes minutes: its time grows with its length only."""

from __future__ import annotations

import json
import time

import pytest

from hybridrag.parsing.formats import parse
from hybridrag.parsing.parsed import UnreadableError

MOST_S = 5.0
"""Of processor time. Each takes less than one second, and took 15 and more."""


def notebook(text: str) -> str:
    return json.dumps({"cells": [{"cell_type": "markdown", "source": f"Words. {text}"}]})


@pytest.mark.parametrize(
    ("media_type", "text"),
    [
        ("text/x-asciidoc", "".join(f"```a{number}\n" for number in range(30_000))),
        ("application/xml", f"<r><p>running text{'<b/>' * 600_000}</p></r>"),
        ("application/xml", "<r>" + "<head><title>x</title>" * 25_000),
        ("application/json", "[" + "/* " * 80_000),
        ("application/json", '"' + '\\"' * 160_000),
        ("application/x-ipynb+json", notebook("![" * 200_000)),
        ("application/x-ipynb+json", notebook("![](data:" * 100_000)),
        ("text/markdown", f"# a{' ' * 100_000}b\n"),
        ("text/html", "<blockquote>a" * 15_000),
        ("text/html", "<ul><li>a" * 15_000),
    ],
)
def test_time_grows_with_the_text_only(media_type: str, text: str) -> None:
    began = time.process_time()
    try:
        assert parse(text.encode(), media_type).text
    except UnreadableError as error:
        assert error.reason
    assert time.process_time() - began < MOST_S
