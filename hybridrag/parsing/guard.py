"""The parser: untrusted bytes in, a checked Document or a Skipped out, whatever the bytes do."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from queue import LifoQueue
from types import TracebackType
from typing import Any, Self

from hybridrag.parsing import formats, refusals, unpacking
from hybridrag.parsing.answer import BadAnswerError, read_answer, read_member, read_spent, refuse
from hybridrag.parsing.child import Child, ChildDiedError, ChildTimeoutError, Means
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
        self._timeout_s = timeout_s
        self._means = Means(memory, max_text, largest_member, most_unpacked, pictures or Ocr(), choose(parsers))
        self._places = [_Place(self._means) for _ in range(workers)]
        self._idle: LifoQueue[_Place] = LifoQueue()
        for place in reversed(self._places):
            self._idle.put(place)
        self._unpacking: list[_Place] = []
        self._opened: set[_Place] = set()
        self._left: dict[tuple[str, str], int] = {}
        self._closing = threading.Event()

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
        return next((place.child.pid for place in self._places if place.child and place.child.alive), None)

    @property
    def children(self) -> int:
        """How many processes there are."""
        places = (*self._places, *self._unpacking, *self._opened)
        return sum(place.child is not None and place.child.alive for place in places)

    def start(self) -> None:
        """Starts a child now, so that the first document does not wait for it."""
        with self._lent() as place, suppress(UnreadableError):  # told with the first document that needs it
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
            made_by = self._made_by(raw.media_type, ocr=error.ocr)
            return Skipped(raw.uri, error.reason, error.hint, error.failed, made_by)
        return _document(raw, parsed, self._made_by(raw.media_type, ocr=parsed.ocr))

    def members(self, raw: RawDocument) -> Iterator[Member | Skipped]:
        # A child beside those that parse: what comes out is parsed meanwhile, and may have to be opened itself.
        place = self._unpacking.pop() if self._unpacking else _Place(self._means)
        self._opened.add(place)
        outermost = (raw.source, raw.container or raw.path)
        first = outermost not in self._left
        left = self._left.setdefault(outermost, self._means.most_unpacked)
        try:
            opening = {"ask": "open", "media_type": raw.media_type, "name": raw.path.rpartition("/")[2]}
            refuse(self._answered(place, opening | {"most": left}, raw.content)[0])
            empty = True
            while True:
                answer, content = self._answered(place, {"ask": "next"}, b"", again=False)
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
        except BadAnswerError:
            yield self._told(raw, self._fault("answer"))
        except UnreadableError as error:
            yield self._told(raw, error)
        finally:
            if first:
                del self._left[outermost]
            self._opened.discard(place)
            if self._closing.is_set():
                place.drop()
            else:
                self._unpacking.append(place)

    def close(self) -> None:
        """Ends the children; a document that another thread is parsing is given up, not waited for."""
        self._closing.set()
        for place in (*self._places, *self._opened):
            place.kill()
        while self._unpacking:
            self._unpacking.pop().drop()
        taken = [self._idle.get() for _ in self._places]
        for place in taken:
            place.drop()
            self._idle.put(place)
        self._closing.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        with self._lent() as place:
            try:
                answer, _ = self._answered(place, {"ask": "parsers"}, b"")
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
        with self._lent() as place:
            answer, _ = self._answered(place, {"ask": "parse", "media_type": raw.media_type}, raw.content)
            try:
                return read_answer(answer)
            except BadAnswerError:
                place.drop()
                raise self._fault("answer") from None

    @contextmanager
    def _lent(self) -> Iterator[_Place]:
        place = self._idle.get()
        try:
            yield place
        finally:
            self._idle.put(place)

    def _answered(
        self, place: _Place, header: dict[str, Any], content: bytes, *, again: bool = True
    ) -> tuple[dict[str, Any], bytes]:
        """A child's answer. `again` says that it may be asked of another child, where the first had served others.

        Raises UnreadableError where there is none, or it tells why.
        """
        deaths = 0
        reading = formats.format_of(header["media_type"]) if header["ask"] == "parse" else None
        pictures = reading is not None and reading.pictures
        while True:
            child = place.running()
            fresh = child.answered == 0 or not again
            try:
                answer, body = child.ask(header, content, timeout_s=self._timeout_s, pictures=pictures)
                if "fault" not in answer:
                    return answer, body
                trouble = self._fault(answer["fault"])
            except ChildTimeoutError:
                place.drop()
                raise UnreadableError(
                    f"took longer than {self._timeout_s:g} s to parse", hint=refusals.LEAVE_OUT
                ) from None
            except ChildDiedError as error:
                trouble = self._crash(error.signal)
                # Somebody else may have ended it, the kernel for want of memory say: what a file does, it does twice.
                deaths += fresh
                fresh = deaths > 1 or not again
            except BaseException:
                # Interrupted half-way: what the child answers next would belong to this file.
                place.drop()
                raise
            place.drop()
            if self._closing.is_set():
                raise UnreadableError("was given up: the run ended")
            if fresh:
                raise trouble
            # The child had served other files, and what they left behind must not be blamed on this one: once more.

    def _fault(self, kind: object) -> UnreadableError:
        if kind == "memory":
            return UnreadableError(f"needs more than {self._memory_limit} of memory to parse", hint=refusals.LEAVE_OUT)
        return refusals.fault()

    def _crash(self, number: int) -> UnreadableError:
        name = signal.Signals(number).name if number in set(signal.Signals) else "no signal"
        reason = f"crashed the parser ({name}), perhaps for want of memory (limit {self._memory_limit})"
        return UnreadableError(reason, hint=refusals.LEAVE_OUT)

    @property
    def _memory_limit(self) -> str:
        return f"{self._means.memory / _GIB:.1f} GiB"

    def _told(self, raw: RawDocument, error: UnreadableError) -> Skipped:
        return Skipped(raw.uri, error.reason, error.hint, error.failed, unpacking.VERSION)


class _Place:
    """Where one child at a time stands."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.child: Child | None = None

    def running(self) -> Child:
        """The child that stands here, or a new one. Raises UnreadableError where none can be started."""
        if self.child is not None and not self.child.alive:
            self.drop()
        if self.child is None:
            try:
                self.child = Child(self._means)
            except OSError:
                raise UnreadableError("the parser process could not be started") from None
        return self.child

    def kill(self) -> None:
        if child := self.child:
            child.kill()

    def drop(self) -> None:
        if self.child is not None:
            self.child.end()
            self.child = None


def _document(raw: RawDocument, parsed: Parsed, made_by: str) -> Document:
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
    )


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
