"""The HTML report: whole in one file, whatever hostile text stands in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from hybridrag.errors import UsageError
from hybridrag.evaluation import compare_runs
from hybridrag.evaluation.drawing import bars, histogram
from hybridrag.evaluation.plots import Bar, Panel
from hybridrag.evaluation.report import check_report, html_report
from tests.evaluation.made import run_of_rankings

HOSTILE = '"><script>alert(1)</script><img src=https://example.org/x onerror=alert(1)>\u202e&amp;\x1b[31m'


class Page(HTMLParser):
    """What a browser sees: elements with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "rect", "path"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page() -> str:
    rankings = {
        "hybrid": [[HOSTILE, "a"], ["a", HOSTILE]],
        "dense": [["a"], ["a"]],
        "lexical": [["a", HOSTILE], [HOSTILE]],
    }
    told = {"model": HOSTILE, "filter": HOSTILE}
    run = run_of_rankings(rankings, texts=[HOSTILE, "plain?"], relevant=HOSTILE, notes=(HOSTILE,), configuration=told)
    return html_report(run, [compare_runs(run, "hybrid", run, "dense", names=(HOSTILE, HOSTILE))])


def test_hostile_text_is_shown_and_never_obeyed() -> None:
    html = page()
    found = Page(html)
    assert found.open == []
    allowed = {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "ul", "li", "strong", "small", "br"),
        *("table", "thead", "tbody", "tr", "th", "td", "svg", "rect", "path", "text"),
    }
    assert {tag for tag, _ in found.elements} <= allowed
    assert not [
        name for _, attributes in found.elements for name in attributes if name.startswith(("on", "src", "href"))
    ]
    assert found.text.count("<script>alert(1)</script>") >= 5
    assert "\u202e" not in html
    assert "\x1b" not in html


def test_nothing_is_fetched_from_elsewhere() -> None:
    html = re.sub(r"https://example\.org/x", "", page())
    assert not re.search(r"https?:|//|@import|url\(|<script|<link|<iframe", html)
    policy = next(a["content"] for tag, a in Page(html).elements if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_the_page_shows_every_mode_and_question() -> None:
    run = run_of_rankings({"hybrid": [["good"], ["a"]], "dense": [["a", "good"], ["a"]], "lexical": [["a"], ["good"]]})
    text = Page(html_report(run)).text
    for expected in ("hybrid", "dense", "lexical", "question 0", "question 1", "ndcg@10", "p95", "hybrid - lexical"):
        assert expected in text
    alone = Page(html_report(run_of_rankings({"lexical": [["good"]]}))).text
    assert "question by question" not in alone


def test_bars_are_as_long_as_their_values() -> None:
    drawn = bars(Panel("p", [Bar("half", 0.5, 0.4, 0.6), Bar("whole", 1.0)], shown="{:.2f}"))
    widths = [float(width) for width in re.findall(r'<rect x="150" y="\d+" width="([\d.]+)"', drawn)]
    assert widths[0] * 2 == pytest.approx(widths[1], abs=0.2)
    assert drawn.count("<path") == 1
    assert "<rect" not in bars(Panel("none", []))
    assert 'width="0.0"' in bars(Panel("zero", [Bar("0", 0.0)]))


def test_every_difference_falls_into_a_step() -> None:
    drawn = histogram([-1.0, -0.05, 0.0, 0.01, 0.02, 1.0], title="t")
    counts = [int(count) for count in re.findall(r">(\d+)</text>", drawn)]
    assert sorted(counts) == [0, 1, 1, 1, 2], "and 0 on the axis"
    assert "<rect" not in histogram([], title="t")


def test_a_place_where_no_report_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "folder.html").mkdir()
    for place in (tmp_path / "r.pdf", tmp_path / "nowhere" / "r.html", tmp_path / "folder.html"):
        with pytest.raises(UsageError):
            check_report(place)
    check_report(tmp_path / "r.HTML")
