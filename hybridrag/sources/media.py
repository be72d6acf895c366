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
    if sniffed is not None and (named is None or _is_text(named) or _packing(named) != _packing(sniffed)):
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
    return f".{_ENDINGS.get(kind, 'txt').partition(' ')[0]}"


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


def _packing(kind: str) -> str:
    """What the bytes of a kind are at first sight: office files and books are all zip archives."""
    return "zip" if kind.endswith(("/zip", "+zip")) or kind.startswith(_ZIPPED) or ".macroenabled" in kind else kind


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

_ZIPPED = (_OPEN_XML, "application/vnd.oasis.opendocument")

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

_ENDINGS = {
    "application/zip": "zip",
    "application/x-tar": "tar",
    "application/gzip": "gz tgz",
    "application/x-bzip2": "bz2 tbz tbz2",
    "application/x-xz": "xz txz",
    "text/markdown": "md markdown mdx",
    "text/plain": "txt text log",
    "text/x-rst": "rst rest",
    "text/x-asciidoc": "adoc asciidoc",
    "text/x-org": "org",
    "text/x-tex": "tex latex ltx",
    "text/html": "html htm",
    "application/xhtml+xml": "xhtml",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv tab",
    "message/rfc822": "eml",
    "application/mbox": "mbox",
    "application/pdf": "pdf",
    "image/png": "png",
    "image/jpeg": "jpg jpeg",
    "image/tiff": "tif tiff",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "image/gif": "gif",
    _DOCX: "docx",
    "application/vnd.ms-word.document.macroenabled.12": "docm",
    f"{_OPEN_XML}.wordprocessingml.template": "dotx",
    "application/vnd.ms-word.template.macroenabled.12": "dotm",
    "application/msword": "doc dot",
    _XLSX: "xlsx",
    "application/vnd.ms-excel.sheet.macroenabled.12": "xlsm",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12": "xlsb",
    f"{_OPEN_XML}.spreadsheetml.template": "xltx",
    "application/vnd.ms-excel.template.macroenabled.12": "xltm",
    "application/vnd.ms-excel": "xls",
    _PPTX: "pptx",
    "application/vnd.ms-powerpoint.presentation.macroenabled.12": "pptm",
    f"{_OPEN_XML}.presentationml.template": "potx",
    "application/vnd.ms-powerpoint.template.macroenabled.12": "potm",
    f"{_OPEN_XML}.presentationml.slideshow": "ppsx",
    "application/vnd.ms-powerpoint.slideshow.macroenabled.12": "ppsm",
    "application/vnd.ms-powerpoint": "ppt pps",
    _ODT: "odt",
    f"{_ODT}-template": "ott",
    _ODS: "ods",
    f"{_ODS}-template": "ots",
    _ODP: "odp",
    f"{_ODP}-template": "otp",
    "application/vnd.oasis.opendocument.graphics": "odg",
    "application/rtf": "rtf",
    "application/epub+zip": "epub",
    "application/json": "json jsonc geojson webmanifest",
    "application/x-ndjson": "jsonl ndjson",
    "application/yaml": "yaml yml",
    "application/toml": "toml",
    "application/xml": "xml xsd xsl xslt wsdl rss atom opml fb2 dbk docbook jats tei xlf xliff resx csproj vbproj "
    "plist pom",
    "text/x-ini": "ini cfg",
    "text/x-python": "py pyi",
    "text/javascript": "js mjs jsx cjs",
    "text/x-typescript": "ts mts cts",
    "text/x-tsx": "tsx",
    "text/css": "css",
    "text/x-java": "java",
    "text/x-kotlin": "kt kts",
    "text/x-scala": "scala sc",
    "text/x-go": "go",
    "text/x-rust": "rs",
    "text/x-c": "c h",
    "text/x-c++": "cc cpp hpp cxx hh hxx ipp",
    "text/x-csharp": "cs",
    "text/x-swift": "swift",
    "text/x-ruby": "rb rake gemspec",
    "text/x-php": "php",
    "text/x-perl": "pl pm",
    "text/x-lua": "lua",
    "text/x-r": "r",
    "text/x-julia": "jl",
    "text/x-sql": "sql",
    "text/x-shellscript": "sh bash zsh ksh",
    "text/x-powershell": "ps1 psm1",
    "text/x-terraform": "tf hcl",
    "text/x-protobuf": "proto",
    "application/x-ipynb+json": "ipynb",
    "text/x-cython": "pyx",
    "text/x-properties": "properties",
    "text/x-bibtex": "bib",
    "text/x-dart": "dart",
    "text/x-elixir": "ex exs",
    "text/x-erlang": "erl hrl",
    "text/x-haskell": "hs",
    "text/x-clojure": "clj cljs edn",
    "text/x-vue": "vue",
    "text/x-svelte": "svelte",
    "text/x-groovy": "gradle groovy",
    "text/x-cmake": "cmake",
    "text/x-scss": "scss sass",
    "text/x-less": "less",
    "text/x-objective-c": "m mm",
    "text/x-fortran": "f90 f",
    "text/x-pascal": "pas",
    "text/x-vb": "vb",
    "text/x-fsharp": "fs fsx",
    "text/x-ocaml": "ml mli",
    "text/x-nim": "nim",
    "text/x-zig": "zig",
    "text/x-verilog": "v sv",
    "text/x-vhdl": "vhd",
    "text/x-asm": "asm s",
    "text/x-lisp": "lisp el",
    "text/x-scheme": "scm rkt",
    "text/x-tcl": "tcl",
    "text/x-awk": "awk",
    "text/x-fish": "fish",
    "text/x-batch": "bat cmd",
    "text/x-graphql": "graphql gql",
    "text/x-thrift": "thrift",
    "text/x-solidity": "sol",
    "text/x-cuda": "cu",
    "text/x-glsl": "glsl",
    "text/x-twig": "twig",
    "text/x-erb": "erb",
    "text/x-jinja": "jinja j2",
    "text/x-cobol": "cob cbl",
    "text/x-abap": "abap",
    "text/x-diff": "diff patch",
    "text/x-typst": "typ",
}
"""The endings of each kind's files, the usual one first."""
_BY_EXTENSION = {f".{ending}": kind for kind, endings in _ENDINGS.items() for ending in endings.split()}

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
