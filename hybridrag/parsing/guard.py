"""The parser: untrusted bytes in, a checked Document or a Skipped out, whatever the bytes do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from types import TracebackType
from typing import Any, Self

from hybridrag.parsing import formats, refusals, unpacking
from hybridrag.parsing.answer import BadAnswerError, read_answer, read_member, read_members, read_spent, refuse
from hybridrag.parsing.child import Means
from hybridrag.parsing.children import Children, Place
from hybridrag.parsing.dates import read_date
from hybridrag.parsing.language import declared_language
from hybridrag.parsing.parsed import Parsed, UnreadableError, bounded, one_line, readable_name
from hybridrag.parsing.pictures.ocr import Ocr
from hybridrag.parsing.plugins import Claims, choose
from hybridrag.types import Document, Member, RawDocument, Skipped

_GIB = 1024**3
_SMALL = 1024**2
"""Bytes of plain text that are not worth a child: it is read in some hundredths of a second."""
_EACH_MEMBER, _EACH_WITHHELD = 4096, 32_768
"""Bytes that a file inside another counts beside its own, and one that cannot be had: so a million are too many."""


class GuardedParser:
    """Implements `ports.Parser`. A few child processes serve file after file; each starts with the first that needs it.

    A file that crashes one, hangs or eats memory costs that file: the child is replaced. Text that is already UTF-8 and
    needs no parsing (plain text, records of JSONL) is taken as it is, without a child.
    """

    def __init__(
        self,
        *,
        workers: int = 1,
        timeout_s: float = 60.0,
        memory: int = 2 * _GIB,
        max_text: int = 20_000_000,
        largest_member: int = 100 * 1024**2,
        most_unpacked: int = _GIB,
        pictures: Ocr | None = None,
        parsers: Sequence[str] = (),
    ) -> None:
        """Limits for one document: seconds, bytes of a child's address space, characters of text; bytes of one file,
        and of all, that are unpacked of another. `workers` is how many documents are parsed at once. `parsers` are
        those of other packages, as the settings name them. Raises ConfigError for one that is not installed.
        """
        self.workers = workers
        self._means = Means(memory, max_text, largest_member, most_unpacked, pictures or Ocr(), choose(parsers))
        self._children = Children(self._means, workers=workers, timeout_s=timeout_s)
        self._left: dict[tuple[str, str], int] = {}

    @property
    def unpacker(self) -> str:
        return unpacking.VERSION

    @property
    def versions(self) -> frozenset[str]:
        """Raises ConfigError where a parser of another package cannot be loaded."""
        claims = self._claims
        others = {claim.made_by for claim in claims.claims}
        return formats.versions(self._pictures, claims.beside) | others | {unpacking.VERSION}

    @property
    def taken(self) -> dict[str, tuple[str, ...]]:
        """What parsers of other packages read: the media types by parser and version. Raises as `versions` does."""
        return {claim.made_by: tuple(sorted(claim.media_types)) for claim in self._claims.claims}

    @property
    def child_pid(self) -> int | None:
        """The process id of a running child, or None."""
        return self._children.pid

    @property
    def children(self) -> int:
        """How many processes there are."""
        return len(self._children)

    def start(self) -> None:
        """Starts a child now, so that the first document does not wait for it."""
        with self._children.lent() as place, suppress(UnreadableError):  # told with the first document that needs it
            place.running()

    def holds_text(self, media_type: str) -> bool:
        return unpacking.holds_text(media_type) or self._claims.of(media_type) is not None

    def holds_files(self, media_type: str) -> bool:
        return unpacking.holds_files(media_type)

    def parse(self, raw: RawDocument) -> Document | Skipped:
        """The document, or why there is none. Raises for no content, however broken."""
        try:
            parsed = self._parsed(raw)
        except UnreadableError as error:
            return self._unread(raw, error)
        unread = self._unread(raw, self._means.pictures.refusal(failed=True)) if parsed.needs_ocr else None
        return _document(raw, parsed, self._made_by(raw.media_type, ocr=parsed.ocr), unread)

    def members(self, raw: RawDocument) -> Iterator[Member | Skipped]:
        try:
            with self._children.lent_beside() as place:
                yield from self._members(raw, place)
        except BadAnswerError:
            yield self._told(raw, refusals.fault())
        except UnreadableError as error:
            yield self._told(raw, error)

    def _members(self, raw: RawDocument, place: Place) -> Iterator[Member | Skipped]:
        """What a child finds in the file. What may come out is bounded for an outermost file and all inside of it."""
        outermost = (raw.source, raw.container or raw.path)
        first = outermost not in self._left
        left = self._left.setdefault(outermost, self._means.most_unpacked)
        try:
            opening = {"ask": "open", "media_type": raw.media_type, "name": raw.path.rpartition("/")[2], "most": left}
            refuse(self._children.answer(place, opening, raw.content)[0])
            empty = True
            for answer, content in self._told_of_members(place):
                self._left[outermost] -= max(len(content), read_spent(answer))
                if answer.get("end") is True:
                    break
                empty = False
                self._left[outermost] -= _EACH_WITHHELD if "reason" in answer else _EACH_MEMBER
                if self._left[outermost] < 0:
                    raise refusals.unpacks_to_too_much()
                yield read_member(answer, content, uri=raw.uri)
            if empty and not unpacking.holds_text(raw.media_type):
                raise UnreadableError("holds no files", failed=False)
        finally:
            if first:
                del self._left[outermost]

    def _told_of_members(self, place: Place) -> Iterator[tuple[dict[str, Any], bytes]]:
        """What a child tells of each member, and its bytes; several come with one answer."""
        while True:
            yield from read_members(*self._children.answer(place, {"ask": "next"}, b"", again=False))

    def close(self) -> None:
        """Ends the children; a document that another thread is parsing is given up, not waited for."""
        self._children.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _unread(self, raw: RawDocument, error: UnreadableError) -> Skipped:
        made_by = self._made_by(raw.media_type, ocr=error.ocr)
        return Skipped(raw.uri, error.reason, error.hint, error.failed, made_by, error.needs_ocr)

    def _made_by(self, media_type: str, *, ocr: bool) -> str:
        if claim := self._claims.of(media_type):
            return claim.made_by
        if (reading := formats.format_of(media_type)) is None:
            return ""
        made_by = formats.made_by(reading, self._pictures) if ocr else reading.made_by
        return made_by + self._claims.beside(reading)

    @cached_property
    def _claims(self) -> Claims:
        """What the parsers of other packages read. Raises ConfigError where one cannot be loaded."""
        if not self._means.parsers:
            return Claims()
        with self._children.lent() as place:
            try:
                answer, _ = self._children.answer(place, {"ask": "parsers"}, b"")
            except UnreadableError:  # it ended, or took too long
                answer = {}
        return Claims.told(answer)

    @property
    def _pictures(self) -> str:
        return self._means.pictures.identity

    def _parsed(self, raw: RawDocument) -> Parsed:
        plain = formats.is_plain(raw.media_type) and self._claims.of(raw.media_type) is None
        # What takes time or memory is for a child, which has only so much of either.
        if plain and len(raw.content) <= min(_SMALL, self._means.max_text) and _is_utf8(raw.content):
            return formats.parse(raw.content, raw.media_type)
        with self._children.lent() as place:
            answer, body = self._children.answer(place, {"ask": "parse", "media_type": raw.media_type}, raw.content)
            try:
                return read_answer(answer, body)
            except BadAnswerError:
                place.drop()
                raise refusals.fault() from None

    def _told(self, raw: RawDocument, error: UnreadableError) -> Skipped:
        return Skipped(raw.uri, error.reason, error.hint, error.failed, unpacking.VERSION)


def _document(raw: RawDocument, parsed: Parsed, made_by: str, unread: Skipped | None) -> Document:
    metadata, notes = bounded({**parsed.metadata, **raw.metadata})
    return Document(
        source=raw.source,
        path=raw.path,
        text=parsed.text,
        title=one_line(raw.title or "") or one_line(parsed.title or "") or readable_name(raw.path),
        media_type=raw.media_type,
        content_hash=raw.content_hash,
        pages=parsed.pages,
        headings=parsed.headings,
        blocks=parsed.blocks,
        parser=made_by,
        metadata=metadata,
        external_id=raw.external_id,
        modified=raw.modified,
        date=parsed.date or read_date(metadata.get("date")),
        language=declared_language(metadata) or parsed.language,
        notes=parsed.notes + notes,
        unread=unread,
    )


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
