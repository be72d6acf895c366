"""Which function reads which media type, and the version of each format's reading.

Each format has a version of its own, so that a change of one has only its own documents parsed again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from types import MappingProxyType

from hybridrag.parsing import refusals
from hybridrag.parsing.code.grammars import GRAMMARS
from hybridrag.parsing.language import guessed_language
from hybridrag.parsing.parsed import Parsed, UnreadableError

_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_OPEN_DOCUMENT = "application/vnd.oasis.opendocument"
_GUESSING = ("cld3-py",)
_WORD = frozenset(
    {
        *(f"{_OPEN_XML}.wordprocessingml.{kind}" for kind in ("document", "template")),
        *(f"application/vnd.ms-word.{kind}.macroenabled.12" for kind in ("document", "template")),
        "application/msword",
    }
)
_OFFICE = frozenset(
    {
        *(f"{_OPEN_XML}.presentationml.{kind}" for kind in ("presentation", "template", "slideshow")),
        *(
            f"application/vnd.ms-powerpoint.{kind}.macroenabled.12"
            for kind in ("presentation", "template", "slideshow")
        ),
        "application/vnd.ms-powerpoint",
        *(f"{_OPEN_DOCUMENT}.{kind}" for kind in ("text", "text-template", "presentation", "presentation-template")),
        f"{_OPEN_DOCUMENT}.graphics",
        "application/rtf",
    }
)
_SHEETS = frozenset(
    {
        *(f"{_OPEN_XML}.spreadsheetml.{kind}" for kind in ("sheet", "template")),
        *(f"application/vnd.ms-excel.{kind}.macroenabled.12" for kind in ("sheet", "template", "sheet.binary")),
        *(f"{_OPEN_DOCUMENT}.{kind}" for kind in ("spreadsheet", "spreadsheet-template")),
    }
)


@dataclass(frozen=True, slots=True)
class Format:
    """One way to read files. `reader` is `module:function`; the function takes the bytes, and `by_type` the media type.

    `version` is raised by hand whenever the same bytes may parse differently, the `libraries` aside. `prose` says that
    people write it for people to read, so that it has a language; `pictures` that it may hold pictures of text.
    charset-normalizer is in no `libraries`: few files have their encoding guessed by it, and all of text would be
    parsed again with each of its releases (docs/decisions/0052).
    """

    name: str
    version: int
    reader: str
    media_types: frozenset[str]
    libraries: tuple[str, ...] = ()
    prose: bool = True
    pictures: bool = False
    by_type: bool = False

    def parse(self, content: bytes, media_type: str) -> Parsed:
        module, function = self.reader.split(":")
        reader = getattr(import_module(f"hybridrag.parsing.{module}"), function)
        parsed: Parsed = reader(content, media_type) if self.by_type else reader(content)
        return parsed

    @property
    def made_by(self) -> str:
        """What tells one reading of this format from another; pictures aside."""
        return _made_by(self)


@cache
def _version(library: str) -> str:
    """Cached, as many formats share one: each look reads and parses its whole metadata."""
    from importlib.metadata import version

    return version(library)


@cache
def _made_by(reading: Format) -> str:
    libraries = (*reading.libraries, *(_GUESSING if reading.prose else ()))
    return " ".join([f"{reading.name}/{reading.version}", *(f"{name}/{_version(name)}" for name in libraries)])


_TEXT = Format("text", 1, "text:parse_text", frozenset({"text/plain"}))
_OTHER_TEXT = Format("other-text", 1, _TEXT.reader, frozenset(), prose=False)
"""Text of any kind that no other format claims."""


def _office(name: str, media_types: frozenset[str], *libraries: str, prose: bool = True) -> Format:
    return Format(name, 4, "office.reading:parse_office", media_types, libraries, prose=prose, by_type=True)


FORMATS: tuple[Format, ...] = (
    _TEXT,
    Format("rst", 1, "markup.rst:parse_rst", frozenset({"text/x-rst"})),
    Format("asciidoc", 1, "markup.asciidoc:parse_asciidoc", frozenset({"text/x-asciidoc"})),
    Format("org", 1, "markup.org:parse_org", frozenset({"text/x-org"})),
    Format("latex", 2, "markup.latex:parse_latex", frozenset({"text/x-tex"})),
    Format("notebook", 1, "data.notebook:parse_notebook", frozenset({"application/x-ipynb+json"}), ("markdown-it-py",)),
    Format("markdown", 1, "markup.markdown:parse_markdown", frozenset({"text/markdown"}), ("markdown-it-py", "PyYAML")),
    Format(
        "html", 3, "html.reading:parse_html", frozenset({"text/html", "application/xhtml+xml"}), ("markdown-it-py",)
    ),
    Format("mail", 3, "mail.message:parse_mail", frozenset({"message/rfc822"}), ("markdown-it-py",)),
    Format("pdf", 2, "pdf.reading:parse_pdf", frozenset({"application/pdf"}), ("pypdfium2",), pictures=True),
    Format(
        "image",
        1,
        "pictures.images:parse_image",
        frozenset(f"image/{name}" for name in ("png", "jpeg", "tiff", "webp", "bmp", "gif")),
        ("pillow",),
        pictures=True,
    ),
    # What an office file is, is told by its content; the libraries are those for what its name says.
    _office("word", _WORD, "mammoth", "markdown-it-py"),
    _office("book", frozenset({"application/epub+zip"}), "markdown-it-py"),
    _office("office", _OFFICE),
    _office("sheets", _SHEETS, prose=False),
    _office("old-sheets", frozenset({"application/vnd.ms-excel"}), "kreuzberg", prose=False),
    Format(
        "table",
        2,
        "data.tables:parse_table",
        frozenset({"text/csv", "text/tab-separated-values"}),
        prose=False,
        by_type=True,
    ),
    Format("json", 1, "data.json_text:parse_json", frozenset({"application/json"}), prose=False),
    Format("json-lines", 1, "data.json_text:parse_json_lines", frozenset({"application/x-ndjson"}), prose=False),
    Format("yaml", 1, "data.yaml_text:parse_yaml", frozenset({"application/yaml"}), ("PyYAML",), prose=False),
    Format("sections", 1, "data.sections:parse_sections", frozenset({"application/toml", "text/x-ini"}), prose=False),
    Format("xml", 1, "data.xml_text:parse_xml", frozenset({"application/xml"}), prose=False),
    Format("sql", 1, "code.sql:parse_sql", frozenset({"text/x-sql"}), prose=False),
    *(
        Format(
            grammar.name, 1, "code.reading:parse_code", frozenset({kind}), grammar.libraries, prose=False, by_type=True
        )
        for kind, grammar in GRAMMARS.items()
    ),
)

_PICTURES = " pictures:"
_BY_TYPE: Mapping[str, Format] = MappingProxyType(
    {media_type: found for found in FORMATS for media_type in found.media_types}
)


def format_of(media_type: str) -> Format | None:
    """What reads a media type; None where nothing does."""
    return _BY_TYPE.get(media_type) or (_OTHER_TEXT if media_type.startswith("text/") else None)


def is_plain(media_type: str) -> bool:
    """Whether the text is taken as written, so that nothing has to be parsed."""
    found = format_of(media_type)
    return found is not None and found.reader == _TEXT.reader


def versions(pictures: str, beside: Callable[[Format], str]) -> frozenset[str]:
    """All that documents may be made by now; `pictures` is what reads the text of pictures, and `beside` marks what
    other parsers have taken media types from."""
    plain = {found.made_by + beside(found) for found in (*FORMATS, _OTHER_TEXT)}
    return frozenset(plain | {made_by(found, pictures) + beside(found) for found in FORMATS if found.pictures})


def made_by(reading: Format, pictures: str) -> str:
    """What made the text of a document that holds pictures of text."""
    return f"{reading.made_by}{_PICTURES}{pictures}"


def read_pictures(made_by: str) -> bool:
    """Whether what made the text of a document read the pictures in it."""
    _, pictures, by = made_by.partition(_PICTURES)
    return bool(pictures) and not by.startswith("none")


def parse(content: bytes, media_type: str) -> Parsed:
    """The document in the bytes. Raises UnreadableError; any other exception is a fault of a parser."""
    found = format_of(media_type)
    if found is None:
        raise UnreadableError("no parser for this kind of file", hint="Convert it to text, PDF or DOCX.")
    return finished(found.parse(content, media_type), prose=found.prose)


def finished(parsed: Parsed, *, prose: bool = True) -> Parsed:
    """The document, with its language where it is `prose` and names none. Raises UnreadableError where it is blank."""
    if not parsed.text.strip():
        raise refusals.empty(ocr=parsed.ocr)
    return replace(parsed, language=guessed_language(parsed.text)) if prose and not parsed.language else parsed
