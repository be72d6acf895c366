"""The parser: untrusted bytes in, a checked Document or a Skipped out, whatever the bytes do."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from functools import cached_property
from types import TracebackType
from typing import Self

from hybridrag.parsing import formats
from hybridrag.parsing.answer import BadAnswerError, read_answer
from hybridrag.parsing.child import Child, ChildDiedError, ChildTimeoutError
from hybridrag.parsing.dates import read_date
from hybridrag.parsing.language import declared_language
from hybridrag.parsing.parsed import Parsed, UnreadableError, bounded, one_line, readable_name
from hybridrag.types import Document, RawDocument, Skipped

_GIB = 1024**3


class GuardedParser:
    """Implements `ports.Parser`. One child process serves file after file; it starts with the first that needs it.

    A file that crashes it, hangs or eats memory costs that file: the child is replaced. Text that is already UTF-8 and
    needs no parsing (plain text, source code, CSV, JSONL records) is taken as it is, without the child.
    """

    def __init__(self, *, timeout_s: float = 60.0, memory: int = 2 * _GIB, max_text: int = 20_000_000) -> None:
        """Limits for one document: seconds, bytes of the child's address space, characters of text."""
        self._timeout_s = timeout_s
        self._memory = memory
        self._max_text = max_text
        self._child: Child | None = None
        self._lock = threading.Lock()
        self._closing = False

    @cached_property
    def version(self) -> str:
        return formats.parser_version()

    @property
    def child_pid(self) -> int | None:
        """The process id of the running child, or None."""
        return self._child.pid if self._child is not None and self._child.alive else None

    def start(self) -> None:
        """Starts the child now, so that the first document does not wait for it."""
        with self._lock, suppress(UnreadableError):  # told with the first document that needs it
            self._running()

    def parse(self, raw: RawDocument) -> Document | Skipped:
        """The document, or why there is none. Raises for no content, however broken."""
        try:
            return _document(raw, self._parsed(raw))
        except UnreadableError as error:
            return Skipped(raw.uri, error.reason, error.hint, error.failed)

    def close(self) -> None:
        """Ends the child; a document that another thread is parsing is given up, not waited for."""
        self._closing = True
        if child := self._child:
            child.kill()
        with self._lock:
            self._drop()
            self._closing = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _parsed(self, raw: RawDocument) -> Parsed:
        if formats.is_plain(raw.media_type) and _is_utf8(raw.content):
            parsed = formats.parse(raw.content, raw.media_type)
            if len(parsed.text) > self._max_text:
                raise UnreadableError(f"holds more than {self._max_text:,} characters of text", hint="Split it.")
            return parsed
        with self._lock:
            return self._guarded(raw)

    def _guarded(self, raw: RawDocument) -> Parsed:
        deaths = 0
        while True:
            child = self._running()
            fresh = child.answered == 0
            try:
                answer = child.ask({"media_type": raw.media_type}, raw.content, timeout_s=self._timeout_s)
                if "fault" not in answer:
                    return read_answer(answer)
                trouble = self._fault(answer["fault"])
            except ChildTimeoutError:
                self._drop()
                raise UnreadableError(f"took longer than {self._timeout_s:g} s to parse", hint=_HINT) from None
            except UnreadableError:
                raise
            except ChildDiedError as error:
                trouble = self._crash(error.signal)
                # Somebody else may have ended it, the kernel for want of memory say: what a file does, it does twice.
                deaths += fresh
                fresh = deaths > 1
            except BadAnswerError:
                trouble = self._fault("answer")
            except BaseException:
                # Interrupted half-way: what the child answers next would belong to this file.
                if self._child is not None:
                    self._drop()
                raise
            self._drop()
            if self._closing:
                raise UnreadableError("was given up: the run ended")
            if fresh:
                raise trouble
            # The child had served other files, and what they left behind must not be blamed on this one: once more.

    def _running(self) -> Child:
        if self._child is not None and not self._child.alive:
            self._drop()
        if self._child is None:
            try:
                self._child = Child(memory=self._memory, max_text=self._max_text)
            except OSError:
                raise UnreadableError("the parser process could not be started") from None
        return self._child

    def _drop(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None

    def _fault(self, kind: object) -> UnreadableError:
        if kind == "memory":
            return UnreadableError(f"needs more than {self._memory / _GIB:.1f} GiB of memory to parse", hint=_HINT)
        return UnreadableError("cannot be parsed: the parser failed on it", hint=_HINT)

    def _crash(self, number: int) -> UnreadableError:
        name = signal.Signals(number).name if number in set(signal.Signals) else "no signal"
        limit = f"{self._memory / _GIB:.1f} GiB"
        return UnreadableError(f"crashed the parser ({name}), perhaps for want of memory (limit {limit})", hint=_HINT)


def _document(raw: RawDocument, parsed: Parsed) -> Document:
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


_HINT = "Leave it out with --exclude, or convert it with the program that made it."
