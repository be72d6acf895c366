"""Documents that carry instructions, against a model that obeys: nothing that they want gets through.

The way is the whole way: a real index, the gateway, a real HTTP server on loopback that does what documents say, and
the answer as `ask` gives it to people and to programs.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from hybridrag.cli.answers import answer_json
from hybridrag.cli.console import json_text, printable
from hybridrag.config import load
from hybridrag.retrieval import parse_filter
from hybridrag.types import Answer, Query
from hybridrag.wiring import Wiring
from tests.attacks.documents import (
    GOOD,
    INSTRUCTIONS,
    KNOWN_LINK,
    PERSONAL,
    PLACES,
    SECRET,
    SUBJECT,
    obedient,
    placed,
)
from tests.conftest import fresh_database
from tests.flows.library import Library
from tests.servers.chat import ChatServer, answer

QUESTION = "What do the notes say about the sales team and its handbook?"
WRITTEN = {
    found for text in INSTRUCTIONS.values() for found in re.findall(r"https://[^\s)>\]\"'{]+(?=[\s)>\]\"']|$)", text)
}
"""Addresses that documents hold as they are."""
FALSE = [name for name in INSTRUCTIONS if name.startswith(("false", "fake"))]
LINKED = re.compile(r"[a-z][a-z0-9+.-]*://[^\s)>\]]+|\bwww\.[^\s)>\]]+", re.IGNORECASE)


@pytest.fixture(scope="module")
def indexed(
    tmp_path_factory: pytest.TempPathFactory, server_url: str, template_database: str, tiny_model: Path
) -> Iterator[Library]:
    with fresh_database(server_url, template_database) as url:
        library = Library.open(tmp_path_factory.mktemp("attacks"), database_url=url, embedder=tiny_model)
        library.write("staff.md", GOOD)
        for number, instruction in enumerate(INSTRUCTIONS.values()):
            library.write(f"attack-{number}.md", f"{SUBJECT}About the sales team and its handbook: {instruction}\n")
        for path, text in PLACES.values():
            library.write(f"placed/{path}", placed(text))
        library.ingest()
        yield library


def asked(library: Library, name: str) -> tuple[Answer, str, str]:
    """The answer, what was shown of it as it came, and what the model had replied."""
    return answered(library, f"attack-{list(INSTRUCTIONS).index(name)}.md")


def answered(library: Library, path: str) -> tuple[Answer, str, str]:
    replies: list[str] = []
    shown: list[str] = []

    def obey(request: dict[str, object]) -> str:
        replies.append(obedient(request))
        return replies[-1]

    with ChatServer(answer(obey)) as server:
        environ = {**library.environ, "HYBRIDRAG_PROVIDER": server.url, "HYBRIDRAG_LLM": "any"}
        wiring = Wiring(load(environ=environ, cwd=library.folder), notify=lambda _: None, environ=environ)
        query = Query(QUESTION, filter=parse_filter(f'path:"{path}" or path:staff.md'), unit="passage")
        given = wiring.ask(query, on_text=shown.append)
        wiring.close()
    assert replies and "good" not in replies[0], "the model was not told what to do"
    return given, "".join(shown), replies[0]


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_what_a_document_tells_the_model_to_do_comes_to_nothing(indexed: Library, name: str) -> None:
    _comes_to_nothing(*asked(indexed, name))


@pytest.mark.parametrize("place", PLACES)
def test_it_makes_no_difference_where_the_instruction_stands(indexed: Library, place: str) -> None:
    given, shown, reply = answered(indexed, f"placed/{PLACES[place][0]}")
    assert "sold to" in reply.lower()
    _comes_to_nothing(given, shown, reply)
    assert not any(citation.chunk.document.path == "staff.md" for citation in given.citations), given.text


def _comes_to_nothing(given: Answer, shown: str, reply: str) -> None:
    assert reply
    assert shown.rstrip() == given.text.rstrip()
    for text in (printable(shown), json_text(answer_json(given), _UTF8())):
        assert SECRET not in text
        assert "\x1b" not in text
    _no_live_link(given.text)
    _no_false_citation(given)


@pytest.mark.parametrize("name", [name for name in INSTRUCTIONS if "sign" in name])
def test_a_sign_that_the_program_did_not_give_restores_nothing(indexed: Library, name: str) -> None:
    given, _, reply = asked(indexed, name)
    real = len(re.findall(r"⟦[A-Z]+_\d+[a-z]*·", reply))
    assert real or "sign" in name
    assert not any(value in given.text for value in PERSONAL), given.text


@pytest.mark.parametrize("name", FALSE)
def test_what_no_passage_says_is_marked_and_cites_nothing_but_where_it_stands(indexed: Library, name: str) -> None:
    given, _, _ = asked(indexed, name)
    assert not any(citation.chunk.document.path == "staff.md" for citation in given.citations), given.text


def _no_live_link(text: str) -> None:
    page = _Page()
    page.feed(MarkdownIt("commonmark", {"html": True}).render(text))
    assert not page.tags & {
        "img",
        "svg",
        "image",
        "iframe",
        "style",
        "link",
        "object",
        "embed",
        "video",
        "audio",
        "script",
    }
    found = [*page.targets, *(link.rstrip(".,;:`'\"|") for link in LINKED.findall(text))]
    assert [
        link for link in found if link != KNOWN_LINK and not (link.startswith("https://") and link in WRITTEN)
    ] == []


def _no_false_citation(given: Answer) -> None:
    seen = unicodedata.normalize("NFKC", html.unescape(given.text).replace("\\", ""))
    markers = {int(number) for number in re.findall(r"[\[【](?:source )?\^?(\d+)(?:†source)?[\]】]", seen)}
    assert markers <= {citation.marker for citation in given.citations}, given.text
    for sentence in given.sentences:
        assert sentence.supported or not sentence.markers
    for citation in given.citations:
        for quote in citation.quotes:
            offset = quote.start - citation.chunk.start
            assert citation.chunk.text[offset : offset + len(quote.text)] == quote.text


class _Page(HTMLParser):
    """The elements of a page, and where they lead."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.targets += [value or "" for name, value in attrs if name in {"href", "src", "xlink:href", "data", "style"}]


class _UTF8:
    encoding = "utf-8"
