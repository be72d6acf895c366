"""docling as a parser: `parsers = ["docling"]` for DOCX, PPTX and HTML, `["docling:FOLDER"]` for PDF and images too.

PDF and images need networks, which lie in FOLDER, as `docling-tools models download -o FOLDER` leaves them. Nothing is
fetched here: the child has no network, and docling is told so. docling and torch take seconds to import and the better
part of a gigabyte of memory, so that nothing of them is imported before the first document.
"""

from __future__ import annotations

import io
import os
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hybridrag.parsing.markup.blocks import parsed_markdown
from hybridrag.parsing.parsed import Parsed, UnreadableError
from hybridrag.parsing.text import clean
from hybridrag.types import Page

_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_DIRECT = {
    f"{_OPEN_XML}.wordprocessingml.document": "docx",
    f"{_OPEN_XML}.presentationml.presentation": "pptx",
    "text/html": "html",
    "application/xhtml+xml": "html",
}
"""What needs no networks, and the ending by which docling knows it."""
_BY_NETWORKS = {
    "application/pdf": "pdf",
    **{f"image/{name}": name for name in ("png", "jpeg", "tiff", "bmp", "webp")},
}
_VERSION = "1"
"""Raised by hand whenever the same bytes may parse differently, docling aside."""


def docling(folder: str = "") -> DoclingParser:
    """The parser; `folder` holds docling's networks. Raises ModuleNotFoundError where docling is not installed."""
    if find_spec("docling") is None:
        raise ModuleNotFoundError("No module named 'docling'", name="docling")
    return DoclingParser(folder)


class DoclingParser:
    """Implements `plugins.FileParser`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._endings = {**_DIRECT, **(_BY_NETWORKS if folder else {})}
        self.media_types = frozenset(self._endings)

    @property
    def version(self) -> str:
        networks = sorted(path.name for path in Path(self._folder).iterdir()) if self._folder else []
        libraries = [f"{name}/{version(name)}" for name in ("docling-slim", "docling-core", "markdown-it-py")]
        return " ".join([_VERSION, *libraries, *networks])

    def parse(self, content: bytes, media_type: str) -> Parsed:
        from docling.datamodel.base_models import ConversionStatus, DocumentStream

        stream = DocumentStream(name=f"document.{self._endings[media_type]}", stream=io.BytesIO(content))
        try:
            converted = self._converter.convert(stream, raises_on_error=False)
        except FileNotFoundError:  # of its networks: the document is in memory
            raise UnreadableError(
                "docling's networks for this kind of file are not in its folder",
                hint="Fetch them: docling-tools models download -o FOLDER.",
            ) from None
        if converted.status not in {ConversionStatus.SUCCESS, ConversionStatus.PARTIAL_SUCCESS}:
            raise UnreadableError(
                "docling cannot read it", hint="Leave docling out of parsers, or the file with --exclude."
            )
        partial = converted.status is ConversionStatus.PARTIAL_SUCCESS
        text, pages = _paged(converted.document)
        return parsed_markdown(text, pages=pages, notes=("docling read only a part of it",) if partial else ())

    @cached_property
    def _converter(self) -> Any:
        os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1")
        from docling.datamodel.base_models import InputFormat
        from docling.datamodel.pipeline_options import PdfPipelineOptions
        from docling.document_converter import DocumentConverter, ImageFormatOption, PdfFormatOption

        served = [InputFormat.DOCX, InputFormat.PPTX, InputFormat.HTML]
        if not self._folder:
            return DocumentConverter(allowed_formats=served)
        options = PdfPipelineOptions(artifacts_path=Path(self._folder))
        return DocumentConverter(
            allowed_formats=[*served, InputFormat.PDF, InputFormat.IMAGE],
            format_options={
                InputFormat.PDF: PdfFormatOption(pipeline_options=options),
                InputFormat.IMAGE: ImageFormatOption(pipeline_options=options),
            },
        )


def _paged(document: Any) -> tuple[str, tuple[Page, ...]]:
    """The document as Markdown; page by page where it has pages, which docling counts from 1."""
    last = max(document.pages, default=0)
    if not last:
        return _markdown(document), ()
    text, pages = "", []
    for number in range(1, last + 1):
        start = len(text)
        text += _markdown(document, page_no=number) if number in document.pages else ""
        pages.append(Page(number, start, len(text)))
    return text, tuple(pages)


def _markdown(document: Any, **options: Any) -> str:
    # As a person reads it: nothing escaped that no Markdown parser stumbles over, no tables padded with blanks.
    written = document.export_to_markdown(
        escape_html=False, escape_underscores=False, compact_tables=True, image_placeholder="", **options
    )
    text = clean(written)[0].strip()
    return f"{text}\n\n" if text else ""
