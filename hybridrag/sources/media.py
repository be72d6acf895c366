"""Which media type a document has: by its name first, by its first bytes where the name says nothing or is wrong."""

from __future__ import annotations

import codecs
import re
from posixpath import basename, splitext

NEVER_DOCUMENTS = frozenset({".git", ".hg", ".svn", ".bzr", "_darcs", "CVS", "__pycache__", "node_modules", "__MACOSX"})
"""Folders that never hold a user's documents."""

SNIFF_BYTES = 8192
"""How much of a file's beginning is looked at."""


def type_by_name(path: str) -> str | None:
    """The media type that the name promises, or None where it promises nothing."""
    # Asked of every file of a folder: a tenth of the time that a `PurePosixPath` takes.
    return _BY_EXTENSION.get(splitext(path)[1].lower()) or _BY_NAME.get(basename(path).lower())


def holds_no_text(path: str) -> bool:
    """Whether the name belongs to a kind of file that holds no text to index: films, archives, programs, ..."""
    return splitext(path)[1].lower() in _NOT_DOCUMENTS or _left_behind(path) is not None


def no_parser(path: str) -> str:
    """The reason why a file under such a name is no document."""
    if (left := _left_behind(path)) is not None:
        return left
    ending = splitext(path)[1]
    return (
        f"no parser for {ending}"
        if 0 < len(ending) <= 16 and ending.isprintable()
        else "no parser for this kind of file"
    )


def _left_behind(path: str) -> str | None:
    """What a program left beside the documents, if it did."""
    name = basename(path)
    if name.startswith("~$"):
        return "the mark of a document that was open in an office program"
    return "settings of a folder" if name.lower() == "desktop.ini" else None


def media_type(path: str, content: bytes) -> str | None:
    """The media type of a document, or None for bytes that no name explains and that are not text."""
    named = type_by_name(path)
    sniffed = _magic(content)
    if sniffed is not None and (named is None or _is_text(named)):
        return sniffed
    if named in {None, "text/plain"} and (written := _written_as(content)) is not None:
        return written
    if named is not None:
        return named
    return (_script(content) or "text/plain") if looks_like_text(content) else None


def sniff(content: bytes) -> str | None:
    """The media type of bytes without a name, or None for bytes that are not text and of no known kind."""
    magic = _magic(content)
    if magic is not None:
        return magic
    return _written_as(content) or ("text/plain" if looks_like_text(content) else None)


def extension(kind: str) -> str:
    """A file extension for a media type, dot included; `.txt` where none is known."""
    if kind == "text/plain":
        return ".txt"
    return next((ending for ending, known in _BY_EXTENSION.items() if known == kind), ".txt")


def looks_like_text(content: bytes) -> bool:
    """Whether the beginning reads as text: UTF-16 or UTF-32 by its mark, else no NUL and hardly a control character."""
    head = content[:SNIFF_BYTES]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        return True
    if b"\0" in head:
        return False
    controls = sum(byte < 32 and byte not in _BLANKS for byte in head)
    return controls <= len(head) // 100


def _script(content: bytes) -> str | None:
    """The language of a script without an extension, by its first line."""
    line = content[:200].partition(b"\n")[0]
    if not line.startswith(b"#!"):
        return None
    return next((kind for name, kind in _INTERPRETERS if name in line), None)


def _is_text(kind: str) -> bool:
    return kind.startswith("text/") or kind in {"application/json", "application/xml", "message/rfc822"}


def _magic(content: bytes) -> str | None:
    if content.startswith(b"%PDF-"):
        return "application/pdf"
    if content.startswith(b"{\\rtf"):
        return "application/rtf"
    for mark, kind in _PICTURES:
        if content.startswith(mark):
            return kind
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    if content.startswith(b"PK\x03\x04"):
        head = content[:SNIFF_BYTES]
        return next((kind for mark, kind in _INSIDE_ZIP if mark in head), "application/zip")
    return next((kind for mark, kind in _PACKED if content.startswith(mark)), None)


def _written_as(content: bytes) -> str | None:
    """The kind of text that begins like no other: a page, a mailbox, a message as mail servers store them."""
    head = content[:SNIFF_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:64].lower().startswith((b"<!doctype html", b"<html")):
        return "text/html"
    if _MAILBOX.match(head):
        return "application/mbox"
    return "message/rfc822" if _MESSAGE.match(head) or _is_message(head) else None


def _is_message(head: bytes) -> bool:
    """Whether it begins with the headers of a message, in whatever order: who wrote it, and two that programs add."""
    headers = _HEADERS.match(head)
    names = {name.lower() for name in _HEADER.findall(headers[0])} if headers else set()
    return b"from" in names and len(names & _OF_MESSAGES) > 1


_MAILBOX = re.compile(rb"From [^\n]{1,300}\d\d:\d\d[^\n]{0,100}\r?\n>?[A-Za-z][A-Za-z0-9-]{1,60}:")
_MESSAGE = re.compile(rb"(?:Return-Path|Delivered-To|X-Original-To|Received): [^\n]{1,500}\n(?:[ \t]|[A-Za-z-]{2,60}:)")
_HEADERS = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]{1,60}:[^\n]{0,1000}\n(?:[ \t][^\n]{0,1000}\n){0,100}+){3,}+")
_HEADER = re.compile(rb"^([A-Za-z][A-Za-z0-9-]+):", re.MULTILINE)
_OF_MESSAGES = frozenset({b"message-id", b"date", b"mime-version", b"received", b"newsgroups", b"path"})
_BLANKS = frozenset(b"\t\n\r\f\x1b")

_OPEN_XML = "application/vnd.openxmlformats-officedocument"
_DOCX = f"{_OPEN_XML}.wordprocessingml.document"
_XLSX = f"{_OPEN_XML}.spreadsheetml.sheet"
_PPTX = f"{_OPEN_XML}.presentationml.presentation"
_ODT = "application/vnd.oasis.opendocument.text"
_ODS = "application/vnd.oasis.opendocument.spreadsheet"
_ODP = "application/vnd.oasis.opendocument.presentation"

_INSIDE_ZIP = (
    (b"mimetypeapplication/epub+zip", "application/epub+zip"),
    (b"mimetype" + _ODS.encode(), _ODS),
    (b"mimetype" + _ODP.encode(), _ODP),
    (b"mimetype" + _ODT.encode(), _ODT),
    (b"word/", _DOCX),
    (b"xl/", _XLSX),
    (b"ppt/", _PPTX),
)

_PACKED = (
    (b"PK\x05\x06", "application/zip"),  # an empty one
    (b"\x1f\x8b\x08", "application/gzip"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
)

_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)

_INTERPRETERS = (
    (b"python", "text/x-python"),
    (b"node", "text/javascript"),
    (b"ruby", "text/x-ruby"),
    (b"php", "text/x-php"),
    (b"perl", "text/x-perl"),
    (b"lua", "text/x-lua"),
    (b"sh", "text/x-shellscript"),
)

_BY_EXTENSION: dict[str, str] = {
    ".zip": "application/zip",
    ".tar": "application/x-tar",
    ".gz": "application/gzip",
    ".tgz": "application/gzip",
    ".bz2": "application/x-bzip2",
    ".tbz": "application/x-bzip2",
    ".tbz2": "application/x-bzip2",
    ".xz": "application/x-xz",
    ".txz": "application/x-xz",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".mdx": "text/markdown",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".log": "text/plain",
    ".rst": "text/x-rst",
    ".adoc": "text/x-asciidoc",
    ".org": "text/x-org",
    ".tex": "text/x-tex",
    ".html": "text/html",
    ".htm": "text/html",
    ".xhtml": "application/xhtml+xml",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".eml": "message/rfc822",
    ".mbox": "application/mbox",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".docx": _DOCX,
    ".docm": "application/vnd.ms-word.document.macroenabled.12",
    ".dotx": f"{_OPEN_XML}.wordprocessingml.template",
    ".dotm": "application/vnd.ms-word.template.macroenabled.12",
    ".doc": "application/msword",
    ".dot": "application/msword",
    ".xlsx": _XLSX,
    ".xlsm": "application/vnd.ms-excel.sheet.macroenabled.12",
    ".xlsb": "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    ".xltx": f"{_OPEN_XML}.spreadsheetml.template",
    ".xltm": "application/vnd.ms-excel.template.macroenabled.12",
    ".xls": "application/vnd.ms-excel",
    ".pptx": _PPTX,
    ".pptm": "application/vnd.ms-powerpoint.presentation.macroenabled.12",
    ".potx": f"{_OPEN_XML}.presentationml.template",
    ".potm": "application/vnd.ms-powerpoint.template.macroenabled.12",
    ".ppsx": f"{_OPEN_XML}.presentationml.slideshow",
    ".ppsm": "application/vnd.ms-powerpoint.slideshow.macroenabled.12",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pps": "application/vnd.ms-powerpoint",
    ".odt": _ODT,
    ".ott": f"{_ODT}-template",
    ".ods": _ODS,
    ".ots": f"{_ODS}-template",
    ".odp": _ODP,
    ".otp": f"{_ODP}-template",
    ".odg": "application/vnd.oasis.opendocument.graphics",
    ".rtf": "application/rtf",
    ".epub": "application/epub+zip",
    ".json": "application/json",
    ".jsonl": "application/x-ndjson",
    ".ndjson": "application/x-ndjson",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
    ".toml": "application/toml",
    ".xml": "application/xml",
    ".ini": "text/x-ini",
    ".cfg": "text/x-ini",
    ".py": "text/x-python",
    ".pyi": "text/x-python",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".jsx": "text/javascript",
    ".ts": "text/x-typescript",
    ".tsx": "text/x-tsx",
    ".mts": "text/x-typescript",
    ".cts": "text/x-typescript",
    ".cjs": "text/javascript",
    ".css": "text/css",
    ".java": "text/x-java",
    ".kt": "text/x-kotlin",
    ".scala": "text/x-scala",
    ".go": "text/x-go",
    ".rs": "text/x-rust",
    ".c": "text/x-c",
    ".h": "text/x-c",
    ".cc": "text/x-c++",
    ".cpp": "text/x-c++",
    ".hpp": "text/x-c++",
    ".cs": "text/x-csharp",
    ".swift": "text/x-swift",
    ".rb": "text/x-ruby",
    ".php": "text/x-php",
    ".pl": "text/x-perl",
    ".lua": "text/x-lua",
    ".r": "text/x-r",
    ".jl": "text/x-julia",
    ".sql": "text/x-sql",
    ".sh": "text/x-shellscript",
    ".bash": "text/x-shellscript",
    ".zsh": "text/x-shellscript",
    ".ps1": "text/x-powershell",
    ".tf": "text/x-terraform",
    ".proto": "text/x-protobuf",
    ".rest": "text/x-rst",
    ".asciidoc": "text/x-asciidoc",
    ".latex": "text/x-tex",
    ".ltx": "text/x-tex",
    ".tab": "text/tab-separated-values",
    ".ipynb": "application/x-ipynb+json",
    ".jsonc": "application/json",
    ".geojson": "application/json",
    ".webmanifest": "application/json",
    ".xsd": "application/xml",
    ".xsl": "application/xml",
    ".xslt": "application/xml",
    ".wsdl": "application/xml",
    ".rss": "application/xml",
    ".atom": "application/xml",
    ".opml": "application/xml",
    ".fb2": "application/xml",
    ".dbk": "application/xml",
    ".docbook": "application/xml",
    ".jats": "application/xml",
    ".tei": "application/xml",
    ".xlf": "application/xml",
    ".xliff": "application/xml",
    ".resx": "application/xml",
    ".csproj": "application/xml",
    ".vbproj": "application/xml",
    ".plist": "application/xml",
    ".pom": "application/xml",
    ".cxx": "text/x-c++",
    ".hh": "text/x-c++",
    ".hxx": "text/x-c++",
    ".ipp": "text/x-c++",
    ".kts": "text/x-kotlin",
    ".sc": "text/x-scala",
    ".pyx": "text/x-cython",
    ".rake": "text/x-ruby",
    ".gemspec": "text/x-ruby",
    ".ksh": "text/x-shellscript",
    ".psm1": "text/x-powershell",
    ".properties": "text/x-properties",
    ".bib": "text/x-bibtex",
    ".hcl": "text/x-terraform",
    ".dart": "text/x-dart",
    ".ex": "text/x-elixir",
    ".exs": "text/x-elixir",
    ".erl": "text/x-erlang",
    ".hrl": "text/x-erlang",
    ".hs": "text/x-haskell",
    ".clj": "text/x-clojure",
    ".cljs": "text/x-clojure",
    ".edn": "text/x-clojure",
    ".vue": "text/x-vue",
    ".svelte": "text/x-svelte",
    ".gradle": "text/x-groovy",
    ".groovy": "text/x-groovy",
    ".cmake": "text/x-cmake",
    ".scss": "text/x-scss",
    ".sass": "text/x-scss",
    ".less": "text/x-less",
    ".m": "text/x-objective-c",
    ".mm": "text/x-objective-c",
    ".f90": "text/x-fortran",
    ".f": "text/x-fortran",
    ".pas": "text/x-pascal",
    ".vb": "text/x-vb",
    ".fs": "text/x-fsharp",
    ".fsx": "text/x-fsharp",
    ".ml": "text/x-ocaml",
    ".mli": "text/x-ocaml",
    ".nim": "text/x-nim",
    ".zig": "text/x-zig",
    ".v": "text/x-verilog",
    ".vhd": "text/x-vhdl",
    ".sv": "text/x-verilog",
    ".asm": "text/x-asm",
    ".s": "text/x-asm",
    ".lisp": "text/x-lisp",
    ".el": "text/x-lisp",
    ".scm": "text/x-scheme",
    ".rkt": "text/x-scheme",
    ".pm": "text/x-perl",
    ".tcl": "text/x-tcl",
    ".awk": "text/x-awk",
    ".fish": "text/x-fish",
    ".bat": "text/x-batch",
    ".cmd": "text/x-batch",
    ".graphql": "text/x-graphql",
    ".gql": "text/x-graphql",
    ".thrift": "text/x-thrift",
    ".sol": "text/x-solidity",
    ".cu": "text/x-cuda",
    ".glsl": "text/x-glsl",
    ".twig": "text/x-twig",
    ".erb": "text/x-erb",
    ".jinja": "text/x-jinja",
    ".j2": "text/x-jinja",
    ".cob": "text/x-cobol",
    ".cbl": "text/x-cobol",
    ".abap": "text/x-abap",
    ".diff": "text/x-diff",
    ".patch": "text/x-diff",
    ".typ": "text/x-typst",
}

_BY_NAME: dict[str, str] = {
    "dockerfile": "text/x-dockerfile",
    "makefile": "text/x-makefile",
    "gemfile": "text/x-ruby",
    "rakefile": "text/x-ruby",
    "vagrantfile": "text/x-ruby",
    "jenkinsfile": "text/x-groovy",
}

_NOT_DOCUMENTS_BY_KIND = {
    "drawings, sound, film, fonts": "ico svg heic avif psd mp3 wav flac ogg m4a mp4 "
    "mkv mov avi webm ttf otf woff woff2 eot",
    "archives without a parser, packages and disk images": "zst 7z rar jar war ear apk whl egg deb rpm dmg iso img",
    "programs and what builds leave": "exe dll so dylib a o obj class pyc pyo wasm bin",
    "stored data, weights, key stores": "db sqlite sqlite3 parquet feather npy npz pkl pickle h5 safetensors onnx pt "
    "pth gguf p12 pfx jks",
    "no parser yet, and mostly noise as text": "pst msg",
}
_NOT_DOCUMENTS = frozenset(f".{ending}" for endings in _NOT_DOCUMENTS_BY_KIND.values() for ending in endings.split())
