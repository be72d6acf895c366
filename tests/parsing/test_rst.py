"""reStructuredText, AsciiDoc, Org and LaTeX, as pandoc writes them: text as written, with its structure."""

from __future__ import annotations

from pathlib import Path

import pytest

from hybridrag.parsing.formats import parse
from hybridrag.parsing.parsed import Parsed

MARKUP = {
    "rst": "text/x-rst",
    "adoc": "text/x-asciidoc",
    "org": "text/x-org",
    "tex": "text/x-tex",
}


def _kinds(parsed: Parsed) -> set[str]:
    return {block.kind for block in parsed.blocks}


@pytest.mark.parametrize("ending", MARKUP)
def test_a_file_by_pandoc(files: Path, ending: str) -> None:
    content = (files / "text" / f"rules.{ending}").read_bytes()
    parsed = parse(content, MARKUP[ending])
    assert parsed.text == content.decode()
    assert parsed.title == "Travel & Expense Rules"
    assert "Ada Lovelace" in parsed.metadata["author"]
    assert "Bob Roe" in parsed.metadata["author"]
    assert parsed.date is not None
    assert parsed.date.date().isoformat() == "2024-03-05"
    levels = {heading.title: heading.level for heading in parsed.headings}
    assert levels["Trains"] == levels["Booking"] + 1
    assert levels["Refunds"] == levels["Booking"]
    assert _kinds(parsed) == {"table", "code", "list"}
    table = next(block for block in parsed.blocks if block.kind == "table")
    head = parsed.text[table.start : table.head]
    assert "City" in head
    assert "Paris" not in head
    assert "Paris" in parsed.text[table.head : table.end]
    code = next(block for block in parsed.blocks if block.kind == "code")
    assert "return x < 1" in parsed.text[code.start : code.end].replace("\\textless{}", "<")


def test_titles_of_rst() -> None:
    text = (
        ".. _top:\n\n=====\nTitle\n=====\n\n:Version: 2.1\n:Date: $Date: 2021-04-05 $\n\n"
        "One :ref:`two <x>`\n==================\n\n"
        "Text\n\nDeeper ``code``\n~~~~~~~~~~~~~~~\n\nA::\n\n  Not a title\n  -----------\n\nOne again\n=========\n\n"
        "----\n\n国際\n====\n\n>>> 1 + 1\n2\n"
    )
    parsed = parse(text.encode(), "text/x-rst")
    assert [(heading.level, heading.title) for heading in parsed.headings] == [
        (1, "Title"),
        (2, "One two"),
        (3, "Deeper code"),
        (2, "One again"),
        (2, "国際"),
    ]
    assert parsed.metadata == {"version": "2.1", "date": "2021-04-05"}
    assert [parsed.text[it.start : it.end] for it in parsed.blocks if it.kind == "code"] == [
        "  Not a title\n  -----------",
        ">>> 1 + 1\n2",
    ]


def test_nothing_is_included_and_nothing_lost() -> None:
    text = (
        "Rules\n=====\n\n.. include:: /etc/passwd\n.. raw:: html\n   :file: /etc/passwd\n\n"
        ".. unheard-of:: x\n\n   Inside.\n\n"
        "A :sphinx-only:`role` stays.\n"
    )
    parsed = parse(text.encode(), "text/x-rst")
    assert parsed.text == text
    assert "root:" not in parsed.text


def test_tables_of_rst_have_heads() -> None:
    text = (
        "+------+-----+\n| Name | Fee |\n+======+=====+\n| a    | 1   |\n+------+-----+\n\n"
        ".. csv-table:: Fees\n   :header-rows: 1\n\n   Name,Fee\n   b,2\n\n"
        ".. list-table:: More\n   :header-rows: 1\n\n   * - Name\n     - Fee\n   * - c\n     - 3\n\nEnd.\n"
    )
    parsed = parse(text.encode(), "text/x-rst")
    heads = [parsed.text[block.start : block.head] for block in parsed.blocks]
    assert [block.kind for block in parsed.blocks] == ["table"] * 3
    assert heads[0].endswith("+======+=====+\n")
    assert heads[1].endswith("   Name,Fee\n")
    assert heads[2].endswith("   * - Name\n     - Fee\n")


def test_a_fence_with_a_language_ends_at_the_bare_one() -> None:
    parsed = parse(b"Text.\n\n```ruby\n== puts 1\n```\n\n== Next\n\n```\nplain\n```\n", "text/x-asciidoc")
    assert [parsed.text[block.start : block.end] for block in parsed.blocks] == [
        "```ruby\n== puts 1\n```",
        "```\nplain\n```",
    ]
    assert [heading.title for heading in parsed.headings] == ["Next"]


def test_underlined_titles_of_asciidoc() -> None:
    text = (
        "git-add(1)\n==========\nAda Roe <a@x.org>\nv1.2, 2026-03-04\n\nNAME\n----\nText of it\n\n"
        "[[opt]]\nThe find_by _it_\n~~~~~~~~~~~~~~~~\n\n----\nNo title\n--------\n----\n\n-q::\n----\nx\n----\n"
    )
    parsed = parse(text.encode(), "text/x-asciidoc")
    assert [(heading.level, heading.title) for heading in parsed.headings] == [
        (1, "git-add(1)"),
        (2, "NAME"),
        (3, "The find_by it"),
    ]
    assert [block.kind for block in parsed.blocks] == ["code", "code"]
    assert parsed.metadata == {"author": "Ada Roe", "version": "1.2", "date": "2026-03-04"}


def test_the_topmost_section_of_an_article_is_of_level_1(files: Path) -> None:
    """pandoc writes sections, LaTeX's third level, where there are no parts and no chapters."""
    parsed = parse((files / "text" / "rules.tex").read_bytes(), "text/x-tex")
    assert {heading.level for heading in parsed.headings} == {1, 2}
