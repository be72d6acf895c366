"""Tables, code and lists of Markdown text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.parsing.markup.blocks import find_structure


def blocks(text: str) -> list[tuple[str, str, str]]:
    """Kind, head and the rest of each block."""
    return [
        (block.kind, text[block.start : block.head], text[block.head : block.end])
        for block in find_structure(text).blocks
    ]


def test_tables_code_and_lists() -> None:
    text = (
        "# Fees\n\nSee the table.\n\n| Port | Fee |\n|------|----:|\n| Kiel | 120 |\n| Bergen \\| old | 95 |\n\n"
        "```python\n| no | table |\n|---|---|\n```\nText.\n\n    indented code\n\n    more of it\n\n"
        "1. one\n   - inner\n\n     | a |\n2. two\n\nEnd. *a* | b\n"
    )
    assert blocks(text) == [
        ("table", "| Port | Fee |\n|------|----:|\n", "| Kiel | 120 |\n| Bergen \\| old | 95 |"),
        ("code", "", "```python\n| no | table |\n|---|---|\n```"),
        ("code", "", "    indented code\n\n    more of it"),
        ("list", "", "1. one\n   - inner\n\n     | a |\n2. two"),
    ]


@pytest.mark.parametrize(
    "caption",
    [
        "Table 3: Harbour fees",
        "**Fees 2026**",
        "*All fees*",
        "Tabelle 2 – Gebühren",
        "Table: Fees",
        "**Table A.1**: Fees",
    ],
)
@pytest.mark.parametrize("between", ["\n", "\n\n"])
def test_a_caption_belongs_to_the_head(caption: str, between: str) -> None:
    head = f"{caption}{between}Port | Fee\n---|---\n"
    assert blocks(f"Before.\n\n{head}Kiel | 120\n") == [("table", head, "Kiel | 120")]


@pytest.mark.parametrize("above", ["Prices are in euros.", "Two lines\nTable 1: fees", "Tables: see below.", "# Fees"])
def test_other_lines_above_a_table_do_not(above: str) -> None:
    assert blocks(f"{above}\n\n| a |\n|---|\n| 1 |") == [("table", "| a |\n|---|\n", "| 1 |")]


def test_a_table_without_rows_is_all_head() -> None:
    assert blocks("| a | b |\n|---|---|") == [("table", "| a | b |\n|---|---|", "")]


def test_a_table_in_a_list_keeps_its_header() -> None:
    text = "1. Look:\n\n   | a | b |\n   |---|---|\n   | 1 | 2 |\n\n2. Go.\n\n> | c |\n> |---|\n> | 3 |\n"
    assert blocks(text) == [
        ("table", "   | a | b |\n   |---|---|\n", "   | 1 | 2 |"),
        ("table", "> | c |\n> |---|\n", "> | 3 |"),
    ]


@pytest.mark.parametrize(
    "text", ["a | b\n--- | --- | ---\n", "| a |\n\n|---|", "a\n---\n", "text | more\ntext | more\n"]
)
def test_what_is_no_table(text: str) -> None:
    assert blocks(text) == []


def test_huge_texts_are_scanned_with_the_same_result() -> None:
    part = "Table 1: x\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\ntext\n\n```\n| c |\n|---|\n```\n\n# One\n\na\n---\n\n"
    few, many = blocks(part), find_structure(part * 25_000).blocks
    assert [kind for kind, _, _ in few] == ["table", "code"]
    assert len(many) == 50_000
    assert [(block.start, block.end, block.head) for block in many[2:4]] == [
        (block.start + len(part), block.end + len(part), block.head + len(part) * 1)
        for block in find_structure(part).blocks
    ]


@given(st.text(alphabet=st.sampled_from("|-:`~>*_1. \n\tab#\\é\u2028\x0b"), max_size=300))
def test_blocks_are_in_order_and_apart(text: str) -> None:
    end = 0
    for block in find_structure(text).blocks:
        assert end <= block.start <= block.head <= block.end <= len(text)
        assert text[block.start : block.end].strip()
        assert block.start == 0 or text[block.start - 1] == "\n"
        end = block.end
