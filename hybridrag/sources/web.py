"""Single pages of one web site, fetched when they are listed. Nothing is followed but redirects.

A page that the server says is what it was (304) is not fetched again; one that it says is not there (404, 410) is gone
like a file that vanished; any other failure leaves the version that was indexed before.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from typing import IO

from hybridrag.sources import media
from hybridrag.sources.listing import Entry, Listing
from hybridrag.sources.members import hides
from hybridrag.sources.patterns import patterns
from hybridrag.sources.reading import ReadError, content_hash, read_error
from hybridrag.sources.stamp import Stamp, Validator
from hybridrag.sources.web_fetch import Access, GoneError, Page, fetch
from hybridrag.sources.web_url import PageUrl, page_at
from hybridrag.types import RawDocument, Skipped, Source


class WebReader:
    """Reads a source of kind `web`: the pages of its site that were given one by one.

    What is fetched is kept in one file without a name, which goes with this object: pages may be many and large.
    """

    def __init__(self, source: Source, *, limit: int, access: Access, seen: Mapping[str, str]) -> None:
        """`seen` are the stamps of documents that need not be fetched as long as they have them."""
        self._source = source
        self._limit = limit
        self._access = access
        self._seen = seen
        self._exclude = patterns(source.exclude, "--exclude")
        self._kept: IO[bytes] | None = None
        self._pages: dict[str, Page] = {}

    def list(self) -> Listing:
        entries: list[Entry] = []
        problems: list[Skipped] = []
        unlisted: set[str] = set()
        missing: list[str] = []
        for path in self._source.only:
            try:
                entries.append(self._listed(path))
            except GoneError as error:
                missing.append(path)
                problems.append(self._problem(path, error))
            except ReadError as error:
                unlisted.add(path)
                problems.append(self._problem(path, error))
            except OSError as error:  # of the file that pages are kept in
                unlisted.add(path)
                problems.append(self._problem(path, read_error(error)))
        return Listing(tuple(entries), tuple(problems), frozenset(unlisted), tuple(missing))

    def stamp(self) -> Stamp | None:
        return None

    def read(self, entry: Entry) -> RawDocument | Skipped:
        """The page as it was listed. One that was not fetched then, as it had not changed, is fetched now."""
        try:
            if entry.path not in self._pages:
                entry = self._fetched(entry.path, seen=None)
            page, content = self._pages[entry.path], self._content(entry)
            if not content:
                raise ReadError("empty page", failed=False)
            kind = media_type_of(self._url(entry.path), content, page.media_type)
            if kind is None:
                raise ReadError("no parser for this kind of page", hint="Convert it to text, PDF or DOCX.")
        except ReadError as error:
            return self._problem(entry.path, error)
        except OSError as error:
            return self._problem(entry.path, read_error(error))
        metadata = {"url": str(self._url(entry.path))}
        return RawDocument(
            source=self._source.name,
            path=entry.path,
            content=_in_utf8(content, page.charset) if kind.startswith("text/") else content,
            media_type=kind,
            content_hash=content_hash(content, metadata=metadata),
            modified=page.modified,
            metadata=metadata,
        )

    def wants(self, path: str) -> bool:
        return not hides(path) and (self._exclude is None or not self._exclude.match_file(path))

    def _listed(self, path: str) -> Entry:
        return self._fetched(path, seen=Validator.parse(self._seen.get(path, "")))

    def _fetched(self, path: str, *, seen: Validator | None) -> Entry:
        self._kept = self._kept or tempfile.TemporaryFile(prefix="hybridrag-pages-")  # noqa: SIM115 - kept open
        start = self._kept.seek(0, 2)
        try:
            page = fetch(self._url(path), self._access, into=self._kept, limit=self._limit, seen=seen)
        except BaseException:
            self._kept.truncate(start)
            raise
        if page is None:
            return Entry(path, None, named=True, stamp=seen)
        self._pages[path] = page
        return Entry(path, page.size, named=True, offset=start, stamp=page.stamp)

    def _content(self, entry: Entry) -> bytes:
        assert self._kept is not None
        self._kept.seek(entry.offset)
        return self._kept.read(self._pages[entry.path].size)

    def _url(self, path: str) -> PageUrl:
        url = page_at(self._source.root, path)
        if url is None:
            raise ReadError("this is no address of a web page", hint="Remove the source, and ingest the page again.")
        return url

    def _problem(self, path: str, error: ReadError) -> Skipped:
        return Skipped(self._source.uri(path), error.reason, error.hint, error.failed)

    def __del__(self) -> None:
        if self._kept is not None:
            self._kept.close()


def media_type_of(url: PageUrl, content: bytes, said: str) -> str | None:
    """The media type of a page: what the server says, where that is a kind of its own; else what its first bytes and
    the end of its address tell."""
    kind = _ALSO_CALLED.get(said, said)
    name = f"page{media.extension(kind)}"
    if kind != "text/plain" and media.type_by_name(name) == kind:
        return media.media_type(name, content)
    sniffed = media.sniff(content)
    # A server calls plain text what it does not know better: Markdown, source code.
    return media.media_type(url.target.partition("?")[0], content) if sniffed == "text/plain" else sniffed


def _in_utf8(content: bytes, charset: str) -> bytes:
    """Text that the server says is in `charset`, in UTF-8 with its mark: what the page says itself counts less."""
    try:
        content.decode()
        return content
    except UnicodeDecodeError:
        pass
    try:
        return b"\xef\xbb\xbf" + content.decode(charset).encode() if charset else content
    except (LookupError, ValueError):  # no such encoding, or not in it
        return content


_ALSO_CALLED = {
    "text/xml": "application/xml",
    "text/json": "application/json",
    "application/ld+json": "application/json",
    "text/yaml": "application/yaml",
    "application/x-yaml": "application/yaml",
    "text/x-markdown": "text/markdown",
}
