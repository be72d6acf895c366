"""HTML pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hybridrag.types import Document, Skipped

Parse = Callable[[str, bytes, str], Document]

PAGE = """<!DOCTYPE html><html lang="en"><head><title>Travel &amp; Expenses</title>
<meta name="author" content="Ada"><meta property="article:published_time" content="2024-05-06T07:08:09+02:00">
<style>p{color:red}</style><script>var secret = "<h1>script</h1>"</script></head>
<body><nav><a href="/">Home link</a></nav><svg><title>icon</title></svg><main><h1>Travel rules</h1>
<p>Book <b>early</b>, mind snake_case. Rules of the harbour, at some length, so that this is the main part.</p>
<h2>Hotels</h2><table><tr><th>City</th><th>Limit</th></tr><tr><td>Berlin</td><td>120 €</td></tr></table>
<pre><code># not a heading</code></pre><img src="data:image/png;base64,AAAA" alt="A chart"></main>
<footer>Imprint</footer></body></html>"""


def page(parsed: Parse, content: str | bytes, path: str = "a.html") -> Document:
    return parsed(path, content.encode() if isinstance(content, str) else content, "text/html")


def test_a_page(parsed: Parse) -> None:
    document = page(parsed, PAGE)
    assert document.title == "Travel & Expenses"
    assert [(heading.level, heading.title) for heading in document.headings] == [(1, "Travel rules"), (2, "Hotels")]
    for heading in document.headings:
        assert document.text[heading.start :].lstrip("# ").startswith(heading.title)
    assert "| Berlin | 120 €" in document.text
    assert "snake_case" in document.text and "A chart" in document.text
    for absent in ("script", "Home link", "color", "icon", "Imprint", "base64", "meta-author", "Travel & Expenses"):
        assert absent not in document.text
    assert document.metadata == {"author": "Ada", "language": "en"}
    assert document.date is not None
    assert document.date.isoformat() == "2024-05-06T05:08:09+00:00"


def test_a_small_main_part_does_not_hide_the_page(parsed: Parse) -> None:
    text = page(parsed, f"<main>tiny</main><div>{'Everything is said out here. ' * 5}</div>").text
    assert "Everything" in text and "tiny" in text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Just a fragment", "Just a fragment"),
        ("<title>T</title><p>No head, no body", "No head, no body"),
        ("<html><body><p>Never closed", "Never closed"),
        ("plain words & signs < 3", "plain words & signs < 3"),
        ("<body>in<svg><p>never closed", "in"),
    ],
)
def test_sloppy_pages(parsed: Parse, html: str, text: str) -> None:
    assert page(parsed, html).text.startswith(text)


def test_titles_fall_back_to_the_heading_and_the_name(parsed: Parse) -> None:
    assert page(parsed, "<h2>Heading</h2><p>x").title == "Heading"
    assert page(parsed, "<title> </title><p>x", "my-page.html").title == "My page"


@pytest.mark.parametrize(
    "content",
    [
        '<meta charset="iso-8859-1"><p>Größe'.encode("latin-1"),
        "<meta charset='windows-1252'><p>Größe".encode("cp1252"),
        "<p>Größe".encode(),
        "<p>Größe".encode("utf-16"),
        '<meta http-equiv="Content-Type" content="text/html; charset=nonsense"><p>Größe'.encode("cp1252"),
    ],
)
def test_encodings(parsed: Parse, content: bytes) -> None:
    assert page(parsed, content).text.strip() == "Größe"


def test_a_page_without_text(skipped: Callable[[str, bytes, str], Skipped]) -> None:
    empty = skipped(
        "a.html", b"<html><head><title>Only a title</title></head><body><script>x</script></body></html>", "text/html"
    )
    assert (empty.reason, empty.failed) == ("holds no text", False)


def test_text_that_the_library_loses_is_a_failure(skipped: Callable[[str, bytes, str], Skipped]) -> None:
    deep = skipped("a.html", b"<div>" * 20_000 + b"lost" + b"</div>" * 20_000, "text/html")
    assert deep.failed
