"""Text of some hundred kilobytes on which a careless scanner takes minutes: its time grows with its length only."""

from __future__ import annotations

import json
import time
from email.message import EmailMessage

import pytest

from hybridrag.parsing.formats import parse
from hybridrag.parsing.parsed import UnreadableError

MOST_S = 5.0
"""Of processor time. Each takes less than one second, and took 15 and more."""


def notebook(text: str) -> str:
    return json.dumps({"cells": [{"cell_type": "markdown", "source": f"Words. {text}"}]})


def alternatives(html: str, levels: int) -> str:
    """A message with the HTML below so many levels, at each of which there is a plain text to choose too."""
    message = EmailMessage()
    message.set_content(html, subtype="html")
    for _ in range(levels):
        around = EmailMessage()
        around.set_content("a")
        around.make_alternative()
        around.attach(message)
        message = around
    message["Subject"] = "x"
    return message.as_string()


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
        ("text/html", '<a href="#x">a' * 8_000),
        ("text/html", "<title>a" * 5_000 + "</title><p>words"),
        ("text/html", "<p>words" + "<select><option>a" * 5_000),
        ("text/x-rst", "".join(f"{' ' * min(depth, 500)}.. note:: x\n" for depth in range(8_000))),
        ("message/rfc822", "Subject: x\nContent-Type: text/plain; format=flowed\n\n" + f"{'a' * 60} \n" * 100_000),
        ("message/rfc822", alternatives("<p>a <b>word</b>\n" * 2_000, levels=40)),
    ],
)
def test_time_grows_with_the_text_only(media_type: str, text: str) -> None:
    began = time.process_time()
    try:
        assert parse(text.encode(), media_type).text
    except UnreadableError as error:
        assert error.reason
    assert time.process_time() - began < MOST_S
