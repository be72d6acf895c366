"""HTML pages."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from hybridrag.parsing.html.reading import html_to_markdown, parse_html, to_markdown
from hybridrag.types import Document, Skipped
from tests.parsing.html_pages import sample_pages

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
    assert [block.kind for block in document.blocks] == ["table", "code"]
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


def words(text: str) -> str:
    """The letters and digits of a text, word by word."""
    return " ".join(re.findall(r"[^\W_]+", text))


@pytest.mark.parametrize("name", sorted(sample_pages()))
def test_content_stays_in_order_and_boilerplate_goes(name: str) -> None:
    page = sample_pages()[name]
    text = words(parse_html(page.html).text)
    here = 0
    for piece in page.content:
        found = text.find(words(piece), here)
        assert found >= 0, piece
        here = found
    for piece in page.boilerplate:
        assert words(piece) not in text, piece


def test_code_keeps_its_language_and_lines() -> None:
    for name, fence in (
        ("sphinx", "```python\ndef free_berths(day):\n    return"),
        ("docusaurus", "```bash\nquay start"),
    ):
        assert fence in parse_html(sample_pages()[name].html).text
    for name in ("pandoc", "material", "furo"):
        assert (
            "def free_berths(day):\n    return [b for b in berths if b < 3 and not b & 1]\n```"
            in parse_html(sample_pages()[name].html).text
        )


def test_tables_have_one_header_row_and_every_row_its_own_label() -> None:
    parsed = parse_html(sample_pages()["tables only"].html)
    assert parsed.text == (
        "*Table 1. Rates per ton*\n\n| Cargo | Quay / North | Quay / South |\n| --- | --- | --- |\n"
        "| Grain | 1.20 | 1.35 |\n| Scrap \\| mixed | 0.90 | 0.95 |\n\n"
        "|  |  |\n| --- | --- |\n| Opened | 1893 |\n| Depth | 11.5 m |\n"
    )
    first = parsed.blocks[0]
    assert parsed.text[first.start : first.head].startswith("*Table 1.") and first.kind == "table"
    confluence = parse_html(sample_pages()["confluence"].html).text
    assert "| P2 | office hours: 1 h night: next morning |\n| P2 | weekends: Monday |" in confluence


def test_what_a_page_says_of_itself() -> None:
    parsed = parse_html(sample_pages()["wordpress"].html)
    assert parsed.title == "Eisgang im Hafen – Hafenblog"
    assert parsed.metadata == {"author": "Jule Harms", "language": "de", "url": "https://hafenblog.example/eisgang/"}
    assert parsed.date is not None and parsed.date.isoformat() == "2025-02-03T07:00:00+00:00"
    assert parse_html(b'<meta property="og:title" content="Shared"><p>x').title == "Shared"
    assert parse_html(sample_pages()["pandoc"].html).metadata["author"] == "Mara Lindqvist"


@pytest.mark.parametrize(
    "hidden",
    [
        "<p hidden>ORDER</p>",
        "<div style='display: none'><p>ORDER</p></div>",
        "<p style='font-size:0'>ORDER</p>",
        "<p style='color:#fff;background:#fff'>ORDER</p>",
        "<p style='position:absolute;left:-9999px'>ORDER</p>",
        "<p style='opacity:0 !important'>ORDER</p>",
        "<span aria-hidden='true'>ORDER</span>",
        "<style>.x, h9 > b {display:none}</style><p class='y x'>ORDER</p>",
        "<!-- ORDER --><script>ORDER</script><template>ORDER</template><noscript>ORDER</noscript>",
        "<p title='ORDER'></p><input type=hidden value=ORDER>",
    ],
)
def test_what_nobody_sees_is_not_indexed(hidden: str) -> None:
    assert parse_html(f"<p>Seen.</p>{hidden}<p>Seen too.</p>".encode()).text == "Seen.\n\nSeen too.\n"
    assert html_to_markdown(f"<p>Seen.</p>{hidden}") == "Seen.\n"


def test_what_a_click_or_a_script_shows_stays() -> None:
    sheet = "<style>.tab{display:none}.tab.open{display:block}@media print{p{display:none}}</style>"
    assert "Second tab" in parse_html(f"{sheet}<body style='opacity:0'><div class='tab'><p>Second tab".encode()).text


def test_hidden_text_is_told() -> None:
    parsed = parse_html(f"<p>Seen.</p><p hidden>{'order ' * 100}</p>".encode())
    assert parsed.notes == ("500 characters that a browser does not show were left out",)


@pytest.mark.parametrize(
    ("html", "markdown"),
    [
        ("<p>AT&amp;T&nbsp;a&shy;b <b>bold </b>x<br>next</p>", "AT&T ab **bold** x\nnext\n"),
        ("<ol start=3><li>a<ul><li>b</ul><li><p>c<p>d</ol>", "3. a\n   - b\n4. c\n\n   d\n"),
        ("<dl><dt>Term<dd>One.<dd>Two.</dl>", "Term\n: One.\n\n: Two.\n"),
        ("<figure><img alt='A quay'><figcaption>Fig. 1</figcaption></figure>", "![A quay]()\n\n*Fig. 1*\n"),
        ("<p>10<sup>6</sup> H<sub>2</sub>O 1<sup>st</sup> x<sup><a href='#f'>1</a></sup>", "10^6 H2O 1st x[1]\n"),
        ("<p># no heading<p>===<p>```", "\\# no heading\n\n\\===\n\n\\```\n"),
        ("<a href='https://a.example/x_(y)'>out</a> <a href='/in'>in</a>", "[out](https://a.example/x_%28y%29) in\n"),
        ("<pre>a\n```\nb</pre>", "````\na\n```\nb\n````\n"),
        ("<blockquote><p>a<p>b</blockquote>", "> a\n>\n> b\n"),
    ],
)
def test_markdown(html: str, markdown: str) -> None:
    assert to_markdown(html) == markdown


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("<meta charset=gb2312><p>港口泊位".encode("gb18030"), "港口泊位"),
        ("<meta charset=Shift_JIS><p>港の表①".encode("cp932"), "港の表①"),
        ("<?xml version='1.0' encoding='koi8-r'?><p>причал".encode("koi8-r"), "причал"),
        ("<p>Größe".encode("utf-16-le"), "Größe"),
        ("<p>Größe".encode("utf-16-be"), "Größe"),
        ("<meta charset=utf-16><p>Größe".encode(), "Größe"),
        ("<meta charset=iso-2022-jp><p>日本語".encode("iso2022_jp"), "日本語"),
    ],
)
def test_declared_encodings(content: bytes, text: str) -> None:
    assert parse_html(content).text.strip() == text


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p>see <a href='#x'>skip to the end</a> now", "see skip to the end now"),
        (
            "<div class='market-share'><p>Our share of the market grew by a third, and theirs by none.</p></div>",
            "a third",
        ),
        ("<h2><button>How do I pay?</button></h2><p>By card.", "How do I pay?"),
        ("<main><p>one</main><main><p>two</main>", "two"),
        ("<article><p>first</article><article><p>second</article>", "first"),
        ("<aside class='admonition note'><p>Mind this.</aside><p>The rest of the page is here.", "Mind this."),
        ("<header><h1>The only title</h1></header><p>The rest of the page is here.", "# The only title"),
    ],
)
def test_what_only_looks_like_boilerplate_stays(html: str, kept: str) -> None:
    assert kept in parse_html(html.encode()).text


def test_deep_nesting_loses_nothing() -> None:
    for tag in ("div", "b", "ul><li", "table", "table><tr><td", "blockquote"):
        assert "down here" in parse_html(f"<{tag}>".encode() * 2_000 + b"down here").text


@pytest.mark.parametrize(
    ("html", "titles"),
    [
        ('<h2><a class="toc-backref" role="doc-backlink" href="#i">Booking it</a></h2><p>x', ["Booking it"]),
        ("<h1>Struct Vec <button>Copy item path</button></h1><p>x", ["Struct Vec"]),
        ("<h3>pub fn get&lt;I&gt;(i: I) -&gt; Vec&lt;T&gt;</h3><p>x", ["pub fn get<I>(i: I) -> Vec<T>"]),
        (
            "<ul><li><section><h2>Methods</h2><ul><li>a<li>b</ul></section><li><h2>Fields</h2></ul>",
            ["Methods", "Fields"],
        ),
    ],
)
def test_headings_as_documentation_tools_write_them(html: str, titles: list[str]) -> None:
    assert [heading.title for heading in parse_html(html.encode()).headings] == titles


def test_a_menu_longer_than_the_text_goes() -> None:
    menu = "".join(f"<li><a href='/{number}'>Menu entry {number}</a>" for number in range(50))
    page = f"<aside class='sidebar'><ul>{menu}</ul></aside><article role='main'><h1>T</h1><p>Short.</p></article>"
    assert parse_html(page.encode()).text == "# T\n\nShort.\n"


def test_each_author_has_a_meta_element() -> None:
    """pandoc writes one for each; the same name said twice is one author."""
    head = "".join(f'<meta name="author" content="{name}">' for name in ("Ada Wrobel", "Jürgen Straße", "Ada Wrobel"))
    assert parse_html(f"<head>{head}</head><p>Lamps.</p>".encode()).metadata["author"] == "Ada Wrobel, Jürgen Straße"


def test_the_number_of_a_note_stands_apart_from_its_words() -> None:
    """As LibreOffice writes footnotes, in a page and in a book."""
    page = '<p class="sdfootnote"><a class="sdfootnotesym" name="s" href="#a">1</a>First note.</p>'
    book = '<aside><p><sup><a href="#called">i</a></sup>Last note.</p></aside>'
    assert to_markdown(page + book) == "[1] First note.\n\n[i] Last note.\n"


def test_rows_stay_rows_where_one_cell_holds_a_table() -> None:
    rows = "<tr><th>Field</th><th>Spring</th></tr>" + "<tr><td>Mill</td><td>11</td></tr>" * 3
    inner = "<tr><td>Weir</td><td><table><tr><td>wet</td><td>dry</td></tr></table></td></tr>"
    written = "| Field | Spring |\n| --- | --- |\n" + "| Mill | 11 |\n" * 3 + "| Weir | wet dry |\n"
    assert to_markdown(f"<table>{rows}{inner}</table>") == written
    assert "|" not in to_markdown(f"<table>{inner}{rows}{inner}</table>")


def test_an_item_may_hide_its_number() -> None:
    assert to_markdown('<ol><li type="none">(a) one<li value="7">two</ol>') == "- (a) one\n7. two\n"
