"""Which paragraphs of a text are counted, and what is left out of its chunks."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hybridrag.chunking import StructuralChunker, edges, left_out
from hybridrag.chunking.boilerplate import kept
from hybridrag.parsing.markup.blocks import find_structure
from hybridrag.types import Document
from tests.chunking.tokenizers import tokenizer

HEADER = "Example Corporation | Products | Support | Contact"
MENU = "- [Handbook](/handbook)\n- [Rules of travel](/travel)\n- [Rules of leave](/leave)"
FOOTER = "All that stands here is confidential and must not be distributed."
OWN = "Receipts for meals are kept for six years, and hotels are booked by the office."
LICENCE = "# Licensed under the Example License, version 2.\n# You may obtain a copy from the office of the author."


def document(text: str, kind: str = "text/markdown") -> Document:
    markdown = kind == "text/markdown"
    return Document(
        source="s",
        path="p",
        text=text,
        title="Title",
        media_type=kind,
        content_hash=b"",
        headings=find_structure(text).headings if markdown else (),
        blocks=find_structure(text).blocks if markdown else (),
    )


def hashes(*paragraphs: str, kind: str = "text/markdown") -> set[int]:
    """Those of paragraphs, each as a document of its own has it."""
    return {number for text in paragraphs for number in edges(document(text, kind))}


def rest(text: str, repeated: Collection[int], kind: str = "text/markdown") -> str:
    """What is left of a text."""
    found = document(text, kind)
    spans = left_out(found, repeated)
    assert all(start < end for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    places = {place for start, end in spans for place in range(start, end)}
    return "".join(character for place, character in enumerate(text) if place not in places).strip()


def test_what_stands_at_the_edges_is_left_out() -> None:
    text = f"{HEADER}\n\n{MENU}\n\n# Meals\n\n{OWN}\n\n---\n\n{FOOTER}\n"
    assert rest(text, hashes(HEADER, MENU, FOOTER)) == f"# Meals\n\n{OWN}\n\n---"
    assert rest(text, hashes(FOOTER)) == f"{HEADER}\n\n{MENU}\n\n# Meals\n\n{OWN}\n\n---"
    assert rest(text, ()) == text.strip()


def test_case_and_line_breaks_do_not_count() -> None:
    assert hashes(HEADER.upper().replace(" | ", "  |\n")) == hashes(HEADER)
    assert hashes(HEADER.replace("Contact", "Contacts")) != hashes(HEADER)


def test_a_line_of_its_own_is_passed_over_and_no_more() -> None:
    crumbs, repeated = "Handbook > Travel > Meals and hotels", hashes(HEADER, MENU, FOOTER)
    assert rest(f"{HEADER}\n\n{crumbs}\n\n{MENU}\n\n{OWN}", repeated) == f"{crumbs}\n\n\n\n{OWN}"
    assert rest(f"{OWN}\n\n{OWN}\n\n{FOOTER}\n\nChanged on 3 May 2024 by Ann", repeated).startswith(f"{OWN}\n\n{OWN}")
    contract = f"{OWN} It is so.\n\n{FOOTER}\n\n{OWN} Signed by both sides in the office, in the presence of a witness."
    assert rest(contract, repeated) == contract


def test_headings_go_with_what_stands_under_them_only() -> None:
    heading = "## Information for all of our readers"
    repeated = hashes(heading, FOOTER)
    assert rest(f"# Meals\n\n{OWN}\n\n{heading}\n\n{FOOTER}", repeated) == f"# Meals\n\n{OWN}"
    assert rest(f"{FOOTER}\n\n{heading}\n\n{OWN}", repeated) == f"{heading}\n\n{OWN}"


def test_tables_code_and_short_marks_are_no_boilerplate() -> None:
    table = "| the name of a product | the price of it |\n| --- | --- |\n| a kettle for the office | twenty euros |"
    code = "```\npip install example-of-a-package\n```"
    assert hashes(table, code, "---", "Yes, 3 of 4.", "x" * 5_000) == set()


def test_a_copy_keeps_all_of_its_text() -> None:
    assert rest(f"{HEADER}\n\n{FOOTER}", hashes(HEADER, FOOTER)) == f"{HEADER}\n\n{FOOTER}"
    many = [f"Paragraph {number} of what there are many versions of." for number in range(30)]
    text = "\n\n".join([*many[:29], OWN])
    assert rest(text, hashes(*many)) == text


def test_of_code_the_comment_it_begins_with() -> None:
    about = "# What this module does, said in a few words."
    code = "import os\n\n\ndef licensed_under_the_example_license():\n    return os.name\n"
    text = f"#!/usr/bin/env python\n# Copyright 2024 the authors of the example\n#\n{LICENCE}\n#\n{about}\n{code}"
    repeated = hashes(LICENCE, code, kind="text/x-python")
    found = rest(text, repeated, "text/x-python")
    assert "Licensed under" not in found
    assert about in found
    assert found.endswith(code.strip())
    block = f"/*\n * {' '.join(LICENCE.split())}\n */\npackage main\n\n/* the same again */\nfunc main() {{}}\n"
    number = edges(document(block, "text/x-go"))
    assert len(number) == 1
    assert rest(block, number, "text/x-go").startswith("package main")
    assert edges(document("/* never closed, and so no comment\nint main() {}\n", "text/x-c")) == ()


def test_chunks_hold_all_but_what_is_left_out() -> None:
    text = f"{HEADER}\n\n{MENU}\n\n# Meals\n\n" + f"{OWN}\n\n" * 9 + FOOTER
    found = document(text)
    found = replace(found, left_out=left_out(found, hashes(HEADER, MENU, FOOTER)))
    chunks = StructuralChunker(tokenizer("word_piece"), 40).chunk(found)
    assert "".join("".join(chunk.text for chunk in chunks).split()) == "".join(("# Meals" + OWN * 9).split())
    for chunk in chunks:
        assert text[chunk.start : chunk.end] == chunk.text


PIECES = st.sampled_from(
    [HEADER, MENU, FOOTER, OWN, LICENCE, "# Meals", "---", "a", "", "```", "| a | b |", "/*", "*/"]
)


@given(st.lists(PIECES, max_size=40).map("\n\n".join), st.sampled_from(["text/markdown", "text/x-c", "text/plain"]))
def test_spans_are_in_order_and_something_is_left(text: str, kind: str) -> None:
    found = document(text, kind)
    spans = left_out(found, hashes(HEADER, MENU, FOOTER, LICENCE) | hashes(LICENCE, kind="text/x-c"))
    places = [place for span in spans for place in span]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)
    if spans:
        assert any(character.isalnum() for start, end in kept(document(text, kind)) for character in text[start:end])
        assert rest(text, hashes(HEADER, MENU, FOOTER, LICENCE) | hashes(LICENCE, kind="text/x-c"), kind)


@given(st.text(st.sampled_from(" \n\t#*/-ab|`>"), max_size=200), st.sampled_from(["text/markdown", "text/x-c"]))
def test_any_text_has_edges(text: str, kind: str) -> None:
    found = document(text, kind)
    assert left_out(found, set(edges(found))) == () or rest(text, edges(found), kind)


LAW = "This agreement is under the law of the state of Delaware, and its courts in Wilmington decide alone."


def test_a_clause_stays_in_every_document_that_has_it() -> None:
    signed, repeated = "Signed for Alder: Ann Example, 3 March", hashes(LAW, MENU, f"7. {LAW}", FOOTER)
    for clause in (f"## Governing law\n\n{LAW}", f"7. Governing law. {LAW}", f"7. {LAW}"):
        for text in (f"# Supply\n\n{OWN}\n\n{clause}", f"# Supply\n\n{OWN}\n\n{clause}\n\n{signed}"):
            assert rest(text, repeated) == text
            assert rest(f"{MENU}\n\n{text}", repeated) == text
    assert rest(f"# Supply\n\n{OWN}\n\n7. {LAW}\n\n{FOOTER}", repeated) == f"# Supply\n\n{OWN}\n\n7. {LAW}"
    # Without either it is a footer, and so are links under a heading, which goes with them however short it is.
    assert rest(f"# Supply\n\n{OWN}\n\n{LAW}", repeated) == f"# Supply\n\n{OWN}"
    assert rest(f"# Supply\n\n{OWN}\n\n## Next steps\n\n{MENU}", repeated) == f"# Supply\n\n{OWN}"
    one_more = f"# Supply\n\n{OWN}\n\n## Next steps\n\nAsk Ann.\n\n{MENU}"
    assert rest(one_more, repeated) == one_more.removesuffix(f"\n\n{MENU}")
