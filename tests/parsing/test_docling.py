"""docling as a parser, with the real library where it is installed: it is no dependency (docs/parsers.md)."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from hybridrag.parsing.docling_parser import docling
from hybridrag.parsing.parsed import Parsed, UnreadableError

FILES = Path(__file__).parent / "files"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PAGE = b"""<html><head><title>Fees</title></head><body><h1>Fees &amp; berths</h1><p>Ask harbour_office first.</p>
<table><tr><th>Harbour</th><th>Fee</th></tr><tr><td>Kiel</td><td>120</td></tr></table><ul><li>alpha</li></ul></body></html>"""

installed = pytest.mark.skipif(find_spec("docling") is None, reason="docling is not installed")


@pytest.mark.skipif(find_spec("docling") is not None, reason="docling is installed")
def test_without_docling_it_says_so() -> None:
    with pytest.raises(ModuleNotFoundError) as caught:
        docling()
    assert caught.value.name == "docling"


@installed
def test_it_serves_pdf_only_where_its_networks_are(tmp_path: Path) -> None:
    assert "application/pdf" not in docling().media_types
    with_networks = docling(str(tmp_path))
    assert "application/pdf" in with_networks.media_types
    before = with_networks.version
    assert "docling-slim/" in before
    (tmp_path / "docling-project--docling-layout-heron").mkdir()
    assert with_networks.version != before
    with pytest.raises(UnreadableError, match="networks for this kind of file are not in its folder"):
        docling(str(tmp_path / "..")).parse((FILES / "handbook.pdf").read_bytes(), "application/pdf")


@installed
@pytest.mark.parametrize(
    "made", [lambda: ((FILES / "handbook.docx").read_bytes(), DOCX), lambda: (PAGE, "text/html")], ids=["docx", "html"]
)
def test_structure_comes_out_whole(made: Callable[[], tuple[bytes, str]]) -> None:
    parsed: Parsed = docling().parse(*made())
    assert "harbour_" in parsed.text, "nothing is escaped"
    assert "&amp;" not in parsed.text
    (table,) = (block for block in parsed.blocks if block.kind == "table")
    assert parsed.text[table.start : table.head].startswith("| Harbour | Fee |")
    assert "| Kiel | 120 |" in parsed.text[table.head : table.end]
    assert any(block.kind == "list" and "alpha" in parsed.text[block.start : block.end] for block in parsed.blocks)
    assert parsed.title
    assert all(parsed.text[heading.start] == "#" for heading in parsed.headings)
    assert parsed.headings


@installed
@pytest.mark.parametrize("content", [b"", b"no file at all", b"PK\x03\x04 cut off"])
def test_what_it_cannot_read_is_told(content: bytes) -> None:
    with pytest.raises(UnreadableError) as caught:
        docling().parse(content, DOCX)
    assert caught.value.hint
