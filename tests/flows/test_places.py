"""From citations to files, lines and the state they are in now: a real folder, and a real index of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.flows.freshness import Freshness, freshness
from hybridrag.flows.places import Place, local_file, places
from hybridrag.store.origins import Origin, origins
from hybridrag.types import Citation, Query, Quote, Source
from tests.answering.hits import chunk
from tests.flows.library import Library

PARAGRAPHS = "\n\n".join(
    f"Rule {number} says that form {number * 7} is due on day {number}." for number in range(1, 40)
)
FRONT = "---\nowner: travel\nlabel: internal\n---\n\n"


@pytest.fixture
def library(tmp_path: Path, database_url: str, tiny_model: Path) -> Iterator[Library]:
    opened = Library.open(tmp_path, database_url=database_url, embedder=tiny_model)
    yield opened
    opened.wiring.store.close()


def cited(library: Library, quote: str, marker: int = 1) -> Citation:
    """A citation of words that stand in some document."""
    for hit in library.wiring.search(Query(quote, k=50)).hits:
        at = hit.chunk.text.find(quote)
        if at >= 0:
            return Citation(marker, hit.chunk, (Quote(hit.chunk.start + at, quote),))
    raise AssertionError(quote)


def known(library: Library, *citations: Citation) -> dict[str, Origin]:
    found = origins(library.wiring.store.open(), library.wiring.collection(), [c.chunk.document.id for c in citations])
    return {origin.path: origin for origin in found.values()}


def place(library: Library, citation: Citation) -> Place | None:
    found = origins(library.wiring.store.open(), library.wiring.collection(), [citation.chunk.document.id])
    return places([citation], found).get(citation.marker)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("rules.md", f"# Rules\n\n{PARAGRAPHS}\n"),
        ("front.md", f"{FRONT}# Rules\n\n{PARAGRAPHS}\n"),
        ("rules.txt", PARAGRAPHS.replace("\n", "\r\n")),
        ("latin.txt", f"Überschrift\n\n{PARAGRAPHS}".encode("cp1252")),
        (
            "page.html",
            f"<html><body>\n<p>{PARAGRAPHS.replace(chr(10) * 2, '</p>' + chr(10) + '<p>')}</p></body></html>",
        ),
        ("ein größerer name: #1%.md", PARAGRAPHS),
    ],
)
def test_a_citation_leads_to_the_line_where_its_quote_begins(library: Library, name: str, written: str | bytes) -> None:
    file = library.write(name, written)
    library.ingest()
    quote = "Rule 23 says that form 161 is due on day 23."
    found = place(library, cited(library, quote))
    assert found is not None and found.line is not None
    assert found.path == str(file)
    assert quote.encode() in file.read_bytes().splitlines()[found.line - 1]


def test_of_equal_lines_the_cited_one_is_meant(library: Library) -> None:
    library.write("same.md", FRONT + "\n\n".join(f"## Part {n}\n\nThe fee is ten euros a day." for n in range(1, 30)))
    library.ingest()
    document = library.rows()[0]["document"]
    shown = library.wiring.store.show_document(library.wiring.collection(), document.source, document.path)
    assert shown is not None
    quote = "The fee is ten euros a day."
    found_chunk = cited(library, quote).chunk
    lines = []
    at = shown["text"].find(quote)
    while at >= 0:
        found = place(library, Citation(1, found_chunk, (Quote(at, quote),)))
        assert found is not None
        lines.append(found.line)
        at = shown["text"].find(quote, at + 1)
    assert lines == [8 + 4 * n for n in range(29)]


def test_a_quote_that_no_longer_stands_there_has_a_file_and_no_line(library: Library) -> None:
    library.write("rules.md", PARAGRAPHS)
    library.ingest()
    citation = cited(library, "Rule 23 says that form 161 is due on day 23.")
    library.write("rules.md", "Everything is different now.")
    assert place(library, citation) == Place(str(library.folder / "rules.md"), None)


def test_what_leads_out_of_the_source_or_is_no_file_has_no_place(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside.md"
    root.mkdir()
    outside.write_text("secret")
    (root / "link.md").symlink_to(outside)
    (root / "inner.md").write_text("inner")
    (root / "good.md").symlink_to(root / "inner.md")
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")

    def found(path: str, *, kind: str = "folder") -> str | None:
        source = Source("root", kind, str(root))  # type: ignore[arg-type]
        return local_file(Origin(source, path, "text/markdown", b"", None, None, None))

    assert found("inner.md") == str(root / "inner.md")
    assert found("good.md") == str(root / "good.md")
    for path in ("link.md", "../outside.md", str(outside), "folder", "pipe", "", ".", "absent", "a\0b", "x" * 5_000):
        assert found(path) is None
    assert found("inner.md", kind="jsonl") is None


def test_fresh_documents_raise_no_warning(library: Library) -> None:
    file = library.write("rules.md", PARAGRAPHS)
    library.ingest()
    citation = cited(library, "Rule 3 says that form 21 is due on day 3.")
    os.utime(file, (1, 1))  # copied or checked out again: another time, the same words
    now = freshness(known(library, citation).values())
    assert now.warnings == []
    assert now.age_seconds is not None
    assert 0 <= now.age_seconds < 600
    assert now.age.startswith("index of ")


def test_cited_files_that_are_gone_or_changed_are_told_and_no_others(library: Library) -> None:
    for name in ("gone.md", "changed.md", "kept.md", "uncited.md"):
        library.write(name, f"{name} says hello to the reader of {name}.")
    library.ingest()
    citations = [
        cited(library, f"{name} says hello to the reader of {name}.") for name in ("gone.md", "changed.md", "kept.md")
    ]
    for name in ("gone.md", "uncited.md"):
        (library.folder / name).unlink()
    library.write("changed.md", "changed.md says goodbye.")
    os.utime(library.folder / "changed.md", (2, 2))
    now = freshness(known(library, *citations).values())
    assert now.missing == ("docs/gone.md",)
    assert now.changed == ("docs/changed.md",)
    assert len(now.warnings) == 2


def test_a_source_that_is_not_on_this_machine_is_told_once(library: Library) -> None:
    for name in ("a.md", "b.md"):
        library.write(name, f"{name} says hello to the reader of {name}.")
    library.ingest()
    citations = [cited(library, f"{name} says hello to the reader of {name}.") for name in ("a.md", "b.md")]
    library.folder.rename(library.folder.with_name("elsewhere"))
    now = freshness(known(library, *citations).values())
    assert (now.absent, now.missing, now.changed) == (("docs",), (), ())


def test_a_dataset_that_was_written_again_is_told_by_its_name(library: Library, tmp_path: Path) -> None:
    dataset = tmp_path / "notes.jsonl"
    dataset.write_text('{"id": "1", "text": "The harbour opens at six."}\n{"id": "2", "text": "The bridge is shut."}\n')
    library.ingest(dataset)
    citation = cited(library, "The harbour opens at six.")
    assert not freshness(known(library, citation).values()).changed
    os.utime(dataset, (2**32, 2**32))
    assert freshness(known(library, citation).values()).changed == ("notes",)


def test_what_came_from_a_pipe_has_neither_file_nor_warning(library: Library) -> None:
    library.ingest(Path("-"), stdin=b"The harbour opens at six.", stdin_name="note.md")
    citation = cited(library, "The harbour opens at six.")
    assert place(library, citation) is None
    assert freshness(known(library, citation).values()).warnings == []


def test_documents_that_left_the_index_have_no_origin(library: Library) -> None:
    library.write("a.md", "The harbour opens at six.")
    library.write("b.md", "The bridge is shut.")
    library.ingest()
    citation = cited(library, "The harbour opens at six.")
    (library.folder / "a.md").unlink()
    library.ingest()
    assert known(library, citation) == {}
    assert places([citation], {}) == {}
    assert freshness([]) == Freshness()


def test_the_oldest_of_the_cited_sources_gives_the_age() -> None:
    def origin(age: float | None) -> Origin:
        at = None if age is None else datetime(2026, 11, 20, 12, tzinfo=UTC)
        return Origin(Source("pipe", "stdin", ""), "x", "text/plain", b"", None, at, age)

    assert freshness([origin(60), origin(3 * 3600), origin(None)]).age.endswith(", 3 h old")
    assert freshness([origin(40 * 60)]).age == "index of 2026-11-20, 40 min old"
    assert freshness([origin(1000 * 86_400)]).age.endswith(", 1,000 days old")
    assert freshness([origin(None)]).age == ""


@given(quote=st.text(min_size=1, max_size=400), start=st.integers(0, 10**9))
def test_no_quote_breaks_the_search_for_its_line(
    tmp_path_factory: pytest.TempPathFactory, quote: str, start: int
) -> None:
    root = tmp_path_factory.getbasetemp() / "quotes"
    root.mkdir(exist_ok=True)
    (root / "a.md").write_text("a (b) [c] * a a a a\n" * 50)
    origin = Origin(Source("q", "folder", str(root)), "a.md", "text/markdown", b"", None, None, None)
    cited_chunk = chunk("some text")
    found = places([Citation(1, cited_chunk, (Quote(start, quote),))], {cited_chunk.document.id: origin})
    line = found[1].line
    assert line is None or 1 <= line <= 50
