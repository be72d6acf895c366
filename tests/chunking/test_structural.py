"""What holds for every chunk of every document, under every kind of tokenizer."""

from __future__ import annotations

import base64
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hybridrag.chunking import StructuralChunker, embed_text
from hybridrag.errors import ModelError
from hybridrag.types import BlockKind, Chunk, Document, Heading, Page
from tests.chunking.documents import Writer, documents
from tests.chunking.tokenizers import KINDS, PROMPT, tokenizer

LONGEST_TOKEN = 16


def chunks_of(document: Document, *, kind: str = "word_piece", max_tokens: int = 64) -> tuple[Chunk, ...]:
    return StructuralChunker(tokenizer(kind), max_tokens=max_tokens).chunk(document)


def check(document: Document, chunks: tuple[Chunk, ...], *, kind: str, max_tokens: int) -> None:
    """Every promise of `Chunker` and `Chunk`."""
    end = 0
    for number, chunk in enumerate(chunks):
        assert chunk.ordinal == number
        assert chunk.start >= end
        assert not document.text[end : chunk.start].strip()
        assert document.text[chunk.start : chunk.end] == chunk.text
        assert chunk.text == chunk.text.strip() != ""
        assert chunk.embed_text.endswith(chunk.text)
        assert chunk.tokens <= max_tokens
        assert len(chunk.text) <= LONGEST_TOKEN * max_tokens
        assert not chunk.head or chunk.embed_text.endswith(f"{chunk.head}\n{chunk.text}")
        assert chunk.head in {"", *(document.text[table.start : table.head].strip() for table in document.blocks)}
        assert path_at(document, chunk.end - 1)[: len(chunk.headings)] == chunk.headings
        end = chunk.end
    assert not document.text[end:].strip()
    counted = tokenizer(kind).count([chunk.embed_text for chunk in chunks])
    assert [chunk.tokens for chunk in chunks] == counted
    assert len({chunk.id for chunk in chunks}) == len(chunks)


def path_at(document: Document, position: int) -> tuple[str, ...]:
    """The headings over one character."""
    path: list[Heading] = []
    for heading in document.headings:
        if heading.start <= position:
            path = [above for above in path if above.level < heading.level] + [heading]
    return tuple(heading.title for heading in path)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=100, deadline=None)
@given(document=documents(), max_tokens=st.sampled_from([32, 64, 256]))
def test_every_chunk_keeps_every_promise(kind: str, document: Document, max_tokens: int) -> None:
    chunks = chunks_of(document, kind=kind, max_tokens=max_tokens)
    check(document, chunks, kind=kind, max_tokens=max_tokens)
    assert chunks == chunks_of(document, kind=kind, max_tokens=max_tokens)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40, deadline=None)
@given(text=st.text(max_size=400))
def test_any_text_at_all(kind: str, text: str) -> None:
    document = Writer().add(text).document()
    check(document, chunks_of(document, kind=kind, max_tokens=40), kind=kind, max_tokens=40)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(random.Random(1).randbytes(150_000)).decode(),
        "検索は日本語の文書を探す" * 4000,
        "a" * 100_000,
        "\x01" * 100_000,
        "é" * 20_000,
        "x\n" * 10_000,
        "🙂" * 5_000,
        "https://example.com/" + "/".join(["path"] * 8_000),
    ],
    ids=["base64", "cjk", "word", "control", "accents", "lines", "emoji", "url"],
)
def test_solid_text_becomes_chunks_of_bounded_length(kind: str, text: str) -> None:
    document = Writer().add(text).document()
    chunks = chunks_of(document, kind=kind, max_tokens=256)
    check(document, chunks, kind=kind, max_tokens=256)
    assert len(chunks) > 1


def test_the_prompt_the_special_tokens_and_the_headings_count() -> None:
    document = Writer().heading(1, "Meals").add("travel allowance " * 200).document()
    chunks = chunks_of(document, max_tokens=64)
    bare = [*tokenizer("word_piece").offsets(PROMPT + chunks[1].embed_text)]
    assert chunks[1].embed_text.startswith("Travel policy > Meals\n")
    assert chunks[1].tokens == len(bare) + 2
    assert all(chunk.tokens > 48 for chunk in chunks[:-1])


def test_an_id_depends_on_document_span_and_text_only() -> None:
    def ids(text: str, *, path: str = "a.md", title: str = "Travel policy") -> list[str]:
        document = Writer().add(text).document(path=path, title=title)
        return [str(chunk.id) for chunk in chunks_of(document, max_tokens=40)]

    text = "The meal allowance is paid. " * 40
    assert ids(text) == ids(text, title="Another title")
    assert set(ids(text)).isdisjoint(ids(text, path="b.md"))
    longer = ids(text + "One more sentence at the end.")
    assert longer[0] == ids(text)[0]
    assert len(set(longer) - set(ids(text))) >= 1


def test_an_empty_document_has_no_chunks() -> None:
    assert chunks_of(Writer().document()) == ()
    assert chunks_of(Writer().add(" \n\t\n ").document()) == ()


def test_a_window_without_room_is_an_error() -> None:
    with pytest.raises(ModelError, match="no room for text"):
        chunks_of(Writer().add("text").document(), max_tokens=12)


# --- headings --------------------------------------------------------------------------------------------------------

LONG = "the travel allowance for a night at the hotel is paid by the finance team. " * 3


def test_each_chunk_carries_the_headings_it_stands_under() -> None:
    document = (
        Writer()
        .heading(1, "Handbook")
        .add(LONG)
        .heading(2, "Travel")
        .add(LONG)
        .heading(3, "Meals")
        .add(LONG)
        .heading(2, "Leave")
        .add(LONG)
        .document()
    )
    by_place = {chunk.text.split("\n")[0]: chunk.headings for chunk in chunks_of(document, max_tokens=80)}
    assert by_place["# Handbook"] == ("Handbook",)
    assert by_place["## Travel"] == ("Handbook", "Travel")
    assert by_place["### Meals"] == ("Handbook", "Travel", "Meals")
    assert by_place["## Leave"] == ("Handbook", "Leave")


def test_levels_may_jump() -> None:
    document = Writer().heading(4, "Deep").add(LONG).heading(2, "Up").add(LONG).heading(6, "Down").add(LONG).document()
    by_place = {chunk.text.split("\n")[0]: chunk.headings for chunk in chunks_of(document, max_tokens=80)}
    assert by_place["#### Deep"] == ("Deep",)
    assert by_place["## Up"] == ("Up",)
    assert by_place["###### Down"] == ("Up", "Down")


def test_a_chunk_over_two_sections_carries_what_they_share() -> None:
    document = (
        Writer()
        .heading(1, "Handbook")
        .heading(2, "Travel")
        .add(LONG)
        .heading(3, "Meals")
        .add("62 euros.\n\n")
        .heading(3, "Hotels")
        .add("90 euros.\n\n")
        .document()
    )
    assert [chunk.headings for chunk in chunks_of(document, max_tokens=96)][-1] == ("Handbook", "Travel")


def test_sections_of_their_own_are_not_joined_unless_small() -> None:
    large = Writer().heading(2, "Meals").add(LONG).heading(2, "Hotels").add(LONG).document()
    assert [c.headings for c in chunks_of(large, max_tokens=128)] == [("Meals",), ("Hotels",)]
    small = Writer()
    for number in range(40):
        small.heading(2, f"Section {number}").add("A word.\n\n")
    assert len(chunks_of(small.document(), max_tokens=256)) < 20


def test_a_title_is_not_repeated_where_the_text_begins_with_it() -> None:
    document = Writer().heading(1, "Travel policy").add("All of it.").document(title="Travel policy")
    (chunk,) = chunks_of(document)
    assert chunk.embed_text == chunk.text


def test_a_title_longer_than_its_share_is_left_out() -> None:
    document = Writer().add(LONG).document(title="x" * 500)
    for chunk in chunks_of(document, max_tokens=64):
        assert chunk.embed_text == chunk.text


def test_ten_thousand_headings() -> None:
    section = "## Section {:05}\n\n" + LONG
    length = len(section.format(0))
    document = Document(
        source="handbook",
        path="long.md",
        text="".join(section.format(number) for number in range(10_000)),
        title="Handbook",
        media_type="text/markdown",
        content_hash=b"",
        headings=tuple(Heading(number * length, 2, f"Section {number:05}") for number in range(10_000)),
    )
    chunks = chunks_of(document, max_tokens=128)
    assert [chunk.headings for chunk in chunks] == [(f"Section {number:05}",) for number in range(10_000)]


def test_a_heading_stays_with_what_it_heads() -> None:
    document = Writer().heading(1, "Handbook").heading(2, "Travel").add("the hotel and the meal " * 100).document()
    chunks = chunks_of(document, max_tokens=64)
    assert chunks[0].text.startswith("# Handbook\n\n## Travel\n\nthe hotel and")
    assert chunks[0].headings == ("Handbook", "Travel")


def test_an_underlined_heading_stays_too() -> None:
    writer = Writer()
    writer.headings.append(Heading(0, 1, "Handbook"))
    document = writer.add("Handbook\n========\n\n" + "the hotel and the meal " * 100).document()
    assert chunks_of(document, max_tokens=64)[0].text.startswith("Handbook\n========\n\nthe hotel and")


# --- pages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [LONG, "a scanned note"])
def test_a_chunk_is_on_one_page(text: str) -> None:
    writer = Writer().add(text)
    for _ in range(4):
        writer.page().add(text)
    document = writer.document()
    chunks = chunks_of(document, max_tokens=64)
    for chunk in chunks:
        (page,) = [page for page in document.pages if page.start <= chunk.start < page.end]
        assert chunk.page == page.number
        assert chunk.end <= page.end
    assert {chunk.page for chunk in chunks} == {1, 2, 3, 4, 5}


def test_outside_of_all_pages_there_is_none() -> None:
    document = Writer().add("cover\n\n" + LONG).document()
    chunks = chunks_of(replace(document, pages=(Page(7, 7, 20),)), max_tokens=64)
    assert chunks[0].page is None
    assert chunks[1].page == 7


# --- code ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_code_block_that_fits_is_not_cut_at_its_blank_lines(fence: str) -> None:
    code = f"{fence}python\ndef meal():\n    return 62\n\n\ndef hotel():\n    return 90\n{fence}"
    document = Writer().add(LONG + "\n\n" + code + "\n\n" + LONG).document()
    for max_tokens in range(80, 140, 4):
        assert any(code in chunk.text for chunk in chunks_of(document, max_tokens=max_tokens))


def test_code_within_a_line_opens_no_block() -> None:
    paragraphs = "the travel allowance\nfor a night\nat the hotel\n\n" * 20
    document = Writer().add("```meal``` is a word.\n\n" + paragraphs).document()
    chunks = chunks_of(document, max_tokens=48)
    assert len(chunks) > 3
    assert all(chunk.text.endswith("hotel") for chunk in chunks)


# --- blocks ----------------------------------------------------------------------------------------------------------


def around(kind: BlockKind, block: str, *, head: int = 0) -> Document:
    """A block between paragraphs."""
    return Writer().add(LONG + "\n\n").block(kind, block, head=head).add("\n\n" + LONG).document(title="-")


HEAD = "Table 3: allowances\n\n| place | euros |\n| --- | --- |\n"
ROWS = [f"| office {number} | {number} euros a night at the hotel |" for number in range(60)]


def test_rows_are_not_torn_and_go_on_with_their_head() -> None:
    document = around("table", HEAD + "\n".join(ROWS), head=len(HEAD))
    chunks = [chunk for chunk in chunks_of(document, kind="minilm", max_tokens=96) if "|" in chunk.text]
    assert [row for chunk in chunks for row in chunk.text.splitlines() if row.startswith("| office")] == ROWS
    assert chunks[0].text.startswith("Table 3") and chunks[0].head == ""
    assert len(chunks) > 2
    for chunk in chunks[1:]:
        assert chunk.head == HEAD.strip()
        assert chunk.embed_text == f"-\n{HEAD.strip()}\n{chunk.text}"
    sizes = [len(chunk.text.splitlines()) for chunk in chunks[1:]]
    assert max(sizes) <= 2 * min(sizes)


def test_a_row_that_alone_is_too_long_is_cut_and_keeps_the_head() -> None:
    long = "| office | " + "the travel allowance for a night " * 60 + "|"
    document = around("table", HEAD + "\n".join([ROWS[0], long, ROWS[1]]), head=len(HEAD))
    chunks = chunks_of(document, kind="minilm", max_tokens=96)
    check(document, chunks, kind="minilm", max_tokens=96)
    assert sum(chunk.head == HEAD.strip() for chunk in chunks) > 2


def test_a_head_over_its_share_is_not_repeated() -> None:
    head = "| " + " | ".join(["the travel allowance of the finance team"] * 12) + " |\n| --- |\n"
    document = around("table", head + "\n".join(ROWS), head=len(head))
    assert {chunk.head for chunk in chunks_of(document, max_tokens=96)} == {""}


def test_a_list_is_cut_between_its_outer_items() -> None:
    items = [f"- office {number} pays\n  - the meal\n  - the hotel for a night" for number in range(20)]
    document = around("list", "\n".join(items))
    chunks = [chunk for chunk in chunks_of(document, max_tokens=64) if chunk.text.startswith("- ")]
    assert "\n".join(chunk.text for chunk in chunks) == "\n".join(items)
    assert all(len(chunk.text.splitlines()) % 3 == 0 for chunk in chunks)


def test_an_item_too_long_is_cut_between_the_items_in_it() -> None:
    body = "- offices\n" + "\n".join(f"  - office {number} pays the meal and the hotel" for number in range(40))
    chunks = [chunk for chunk in chunks_of(around("list", body), max_tokens=64) if "- " in chunk.text]
    assert len(chunks) > 2
    assert all(chunk.text.startswith("- ") for chunk in chunks)


def test_code_is_cut_at_its_blank_lines_between_statements_first() -> None:
    function = "def office_{0}():\n    meal = {0}\n\n    hotel = {0}\n    return meal + hotel"
    body = "\n\n\n".join(function.format(number) for number in range(12))
    chunks = [chunk for chunk in chunks_of(around("code", body), max_tokens=96) if "office_" in chunk.text]
    assert len(chunks) > 2
    assert all(chunk.text.startswith("def ") for chunk in chunks)


def test_what_the_model_was_given_is_told_from_what_is_kept() -> None:
    document = around("table", HEAD + "\n".join(ROWS), head=len(HEAD))
    for title in ("Travel policy", "x" * 500):
        titled = replace(document, title=title)
        for chunk in chunks_of(titled, kind="minilm", max_tokens=96):
            found = embed_text(title, chunk.headings, chunk.text, chunk.text_hash, head=chunk.head)
            assert found == chunk.embed_text
            assert embed_text(title, chunk.headings, chunk.text + "!", chunk.text_hash, head=chunk.head) is None
