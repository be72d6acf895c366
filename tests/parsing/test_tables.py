"""CSV and TSV: which row is the head, and that a record is a line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hybridrag.parsing.data.tables import parse_table
from hybridrag.parsing.formats import parse


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("name,fee\nNorth,1\nSouth,2\n", "name,fee\n"),
        ("name;fee\nNorth;1,5\nSouth;2,5\n", "name;fee\n"),
        ("name\tfee\nNorth\t1\n", "name\tfee\n"),
        ("name|fee\nNorth|1\nSouth|2\n", "name|fee\n"),
        ("name,city\nAnn,Paris\nBob,Rome\n", "name,city\n"),
        ("Report 2024\n\nName;City;Sum\nx;y;1,5\nz;w;2,5\n", "Report 2024\n\nName;City;Sum\n"),
        ("Title,,\n,,\nName,City,Sum\na,b,1\nc,d,2\n", "Title,,\n,,\nName,City,Sum\n"),
        ("sep=;\nname;fee\nNorth;1\n", "name;fee\n"),
        ("name,2021,2022\nNorth,5,6\n", "name,2021,2022\n"),
        ("1,2,3\n4,5,6\n7,8,9\n", ""),
        ('note\nThe porter has the keys\n"Trams, not taxis"\n', "note\n"),
        ("Ann,Paris,yes\nBob,Rome,no\nAnn,Rome,yes\nCy,Paris,no\n", ""),
        ("2024-01-02,open\n2024-01-03,shut\n", ""),
    ],
)
def test_the_head_of_a_table(text: str, head: str) -> None:
    parsed = parse_table(text.encode(), "text/csv")
    assert parsed.text == text
    (block,) = parsed.blocks
    assert (block.kind, parsed.text[block.start : block.head]) == ("table", head)
    assert block.end == len(text.rstrip())


@pytest.mark.parametrize(
    "text",
    [
        "Just prose, with a comma.\nAnd more of it\nand, more, here\n",
        "A text of lines without a mark\nand more of it\nand more\n",
        "One line.\nAnother\nA third\n",
        "name\nAnn\n",
    ],
)
def test_prose_is_no_table(text: str) -> None:
    assert parse_table(text.encode(), "text/csv").blocks == ()


def test_a_file_by_libreoffice(files: Path) -> None:
    parsed = parse((files / "text" / "fees.csv").read_bytes(), "text/csv")
    (block,) = parsed.blocks
    assert parsed.text[block.start : block.head] == "Port;Fee;Date;Share;Price;Total;When;Flag;;\n"
    assert '"Größe ""quoted"" | 港口 🚢";1000000' in parsed.text
    assert "\"O'Brien " in parsed.text  # the cell went on in the next line


def test_other_encodings() -> None:
    text = "Größe;Preis\nübergroß;1,50\n"
    for encoding in ("utf-16", "utf-8-sig", "cp1252"):
        parsed = parse_table(text.encode(encoding), "text/csv")
        assert parsed.text == text
        assert parsed.text[: parsed.blocks[0].head] == "Größe;Preis\n"


@given(st.lists(st.lists(st.text('ab\n", ;', max_size=6), min_size=2, max_size=2), min_size=1, max_size=6))
def test_a_record_is_a_line(rows: list[list[str]]) -> None:
    import csv
    import io

    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["name", "words"], *rows])
    parsed = parse_table(written.getvalue().encode(), "text/csv")
    assert list(csv.reader(parsed.text.splitlines()))[1:] == [[cell.replace("\n", " ") for cell in row] for row in rows]
