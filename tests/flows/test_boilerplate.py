"""Text that many documents repeat: one of them is chunked with it, whatever happened before."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from hybridrag.config import Settings
from hybridrag.flows import repeating
from hybridrag.types import Query
from tests.faults.digest import assert_same, digest
from tests.flows.library import Library

HEADER = "Meal allowance portal of the finance department | Travel | Leave | Hotel | Expenses"
FOOTER = "This page is confidential and for the team of the manager alone; do not distribute it."
WORDS = ["meal", "travel", "hotel", "leave", "manager", "team", "days", "expenses", "allowance", "finance"]


def page(number: int) -> str:
    own = f"The {WORDS[number % 10]} rule of office {number} allows {WORDS[number % 7]} for {number + 3} days."
    return f"{HEADER}\n\n# Office {number}\n\n{own}\n\n{FOOTER}\n"


@pytest.fixture
def library(tmp_path: Path, database_url: str, tiny_model: Path) -> Iterator[Library]:
    opened = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    yield opened
    opened.wiring.close()


def chunks(library: Library) -> dict[str, list[str]]:
    """The texts of the chunks, by document."""
    with psycopg.connect(library.environ["HYBRIDRAG_DATABASE_URL"]) as connection:
        rows = connection.execute(
            "select d.path, c.text, substr(d.text, c.start_offset + 1, c.end_offset - c.start_offset)"
            " from hybridrag.chunk c join hybridrag.document d on d.id = c.document_id order by d.path, c.ordinal"
        ).fetchall()
    found: dict[str, list[str]] = {}
    for path, text, stands in rows:
        assert text == stands
        found.setdefault(path, []).append(text)
    return found


def holding(library: Library, text: str) -> list[str]:
    return [path for path, texts in chunks(library).items() if any(text in one for one in texts)]


def test_one_document_keeps_what_many_repeat(library: Library) -> None:
    for number in range(12):
        library.write(f"page-{number:02}.md", page(number))
    report = library.ingest()
    assert (report.boilerplate.paragraphs, report.boilerplate.documents) == (2, 11)
    assert holding(library, HEADER) == holding(library, FOOTER) == ["page-00.md"]
    assert len(chunks(library)) == 12
    assert library.found("do not distribute")[0] == "page-00.md"
    shown = library.wiring.store.show_document(library.wiring.collection(), "docs", "page-07.md")
    assert shown is not None
    assert shown["text"] == page(7)
    again = library.ingest()
    assert (again.chunks_added, again.chunks_removed, again.unchanged) == (0, 0, 12)
    assert again.boilerplate.documents == 11


def test_who_keeps_a_clause_is_not_counted(library: Library) -> None:
    for number in range(12):
        library.write(f"page-{number:02}.md", page(number).replace(HEADER + "\n\n", "").replace(FOOTER, f"7. {FOOTER}"))
        library.write(
            f"note-{number:02}.md", page(number + 20).replace(HEADER, "# Rules").replace(FOOTER, f"## So\n\n{FOOTER}")
        )
    report = library.ingest()
    assert (report.boilerplate.paragraphs, report.boilerplate.documents) == (1, 0)
    assert len(holding(library, FOOTER)) == 24


def test_what_few_documents_share_stays_in_each(library: Library) -> None:
    for number in range(9):
        library.write(f"page-{number:02}.md", page(number))
    library.ingest()
    assert len(holding(library, HEADER)) == len(holding(library, FOOTER)) == 9


def test_copies_do_not_make_boilerplate(library: Library) -> None:
    """Neither the same text in many places, nor versions of one document."""
    text = "\n\n".join(f"Paragraph {number} of the manager's rules about {WORDS[number % 10]}." for number in range(40))
    for number in range(12):
        library.write(f"v{number}/rules.md", text)
        library.write(f"edition-{number}.md", text + f"\n\nEdition {number} of the rules for the team of the manager.")
    library.ingest()
    assert len(holding(library, "Paragraph 0 ")) == 24


def test_the_way_does_not_matter(library: Library, tmp_path: Path) -> None:
    """Whatever came first, went, or came back: the chunks follow from what the collection holds."""
    for number in range(3, 14):
        library.write(f"page-{number:02}.md", page(number))
    library.ingest()
    library.write("page-01.md", page(1))
    library.ingest()
    assert holding(library, HEADER) == ["page-01.md"]
    (library.folder / "page-01.md").unlink()
    library.write("page-02.md", page(2))
    library.write("page-05.md", page(5).replace("allows", "forbids"))
    library.ingest()
    assert holding(library, HEADER) == ["page-02.md"]
    one = digest(library.environ["HYBRIDRAG_DATABASE_URL"])
    other = Library(library.folder, library.wiring.under(_named(library, "afresh")), library.environ)
    other.ingest()
    assert_same(one, digest(library.environ["HYBRIDRAG_DATABASE_URL"], "afresh"))
    for number in range(6, 14):
        (library.folder / f"page-{number:02}.md").unlink()
    library.ingest()
    assert len(holding(library, HEADER)) == 4  # too few now to be boilerplate


def test_what_is_repeated_is_guessed_before_the_end(library: Library) -> None:
    """Only documents that came before it could be told are chunked twice."""
    for number in range(60):
        library.write(f"page-{number:02}.md", page(number))
    report = library.ingest()
    assert (report.boilerplate.paragraphs, report.boilerplate.documents) == (2, 59)
    assert holding(library, HEADER) == holding(library, FOOTER) == ["page-00.md"]
    assert report.chunks_removed == 8  # the others of the first nine


@pytest.mark.parametrize("places", [1 << 20, 4])
def test_no_guess_is_seen_in_the_end(library: Library, monkeypatch: pytest.MonkeyPatch, places: int) -> None:
    """In whatever order documents come, the chunks are those of runs that saw too few to guess anything; also where
    most guesses are wrong, since all paragraphs share four counters.
    """
    chance = random.Random(places)
    often = [f"{word.capitalize()} portal of the finance department: all about the {word}." for word in WORDS]
    texts = [page(number) for number in range(12)] + [page(0)] * 10
    for number in range(32):
        furniture = [text for text in often[:3] if chance.random() < 0.3] + often[3 : 4 + (number < 11)]
        chance.shuffle(furniture)
        texts.append("\n\n".join([*furniture, page(number + 20).split("\n\n")[2], *furniture[::-1]]))
    chance.shuffle(texts)
    labels = ["---\nlabel: confidential\n---\n" if chance.random() < 0.2 else "" for _ in texts]
    pages = [
        (f"page-{number:02}.md", label + text) for number, (label, text) in enumerate(zip(labels, texts, strict=True))
    ]
    few_at_a_time = Library(library.folder, library.wiring.under(_named(library, "few")), library.environ)
    for first in range(0, len(pages), 9):
        for path, text in pages[first : first + 9]:
            library.write(path, text)
        few_at_a_time.ingest()
    monkeypatch.setattr(repeating, "_PLACES", places)
    report = library.ingest()
    assert report.boilerplate.paragraphs >= 3
    url = library.environ["HYBRIDRAG_DATABASE_URL"]
    assert_same(digest(url), digest(url, "few"))


def test_a_generation_beside_follows(library: Library) -> None:
    from hybridrag.flows.progress import Silent
    from hybridrag.wiring.reindexing import Reindexing

    for number in range(12):
        library.write(f"page-{number:02}.md", page(number))
    library.ingest()
    reindexing = Reindexing(library.wiring)
    started = reindexing.start(reindexing.wanted(chunk_tokens=64))
    reindexing.work(started, progress=Silent())
    library.write("page-.md", page(99))  # the first of them from now on
    library.ingest()
    reindexing.promote(reindexing.candidate(), progress=Silent())
    found = library.wiring.search(Query("confidential, do not distribute", mode="lexical"))
    holders = {hit.chunk.document.path for hit in found.hits if "do not distribute" in hit.chunk.text}
    assert holders == {"page-.md"}


def test_it_can_be_switched_off(library: Library) -> None:
    for number in range(12):
        library.write(f"page-{number:02}.md", page(number))
    library.ingest()
    off = Library(library.folder, library.wiring.under(_everywhere(library)), library.environ)
    off.ingest()
    assert len(holding(library, HEADER)) == 12


def _named(library: Library, collection: str) -> Settings:
    return replace(library.wiring.settings, collection=collection)


def _everywhere(library: Library) -> Settings:
    return replace(library.wiring.settings, boilerplate="everywhere")
