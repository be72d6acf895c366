"""The child process, from inside: answers one request after the other, as long as there are any.

A request is one document to parse, a file to open for the files inside it, or the word that the next of those are
wanted. An answer has the bytes of a text, or of files, beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

from hybridrag.isolated.inside import Parent
from hybridrag.parsing import formats, refusals
from hybridrag.parsing.parsed import Parsed, UnreadableError, bounded
from hybridrag.parsing.pictures import ocr
from hybridrag.parsing.plugins import Chosen, Loaded, NotLoadedError
from hybridrag.parsing.unpacking import Allowance, Withheld, members_of
from hybridrag.types import Member

_MOST_PARTS = 200_000
_SMALL_TEXT, _SWOLLEN = 1_000_000, 100
"""A text with more characters, and so many times as long as its file in bytes, repeats what the file holds once."""
_MEMBERS, _MEMBERS_BYTES, _MEMBERS_S = 64, 64 * 1024, 0.1
"""Files inside another that are told together, at most, with their bytes; one that is larger comes alone. After so many
seconds no more are waited for: what a crash loses is little, and many slow ones are not one that takes too long."""
Answer = tuple[dict[str, Any], bytes]


def serve(parent: Parent, settings: dict[str, Any]) -> None:
    """Serves until nothing more is asked. `settings` are the fields of `child.Means`."""
    ocr.use(ocr.given(settings["pictures"]), parent.sign_of_life)
    serving = _Serving(settings)
    while (message := parent.request()) is not None:
        answer = serving.answer(*message)
        del message
        parent.tell(*answer)


class _Serving:
    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._members: Iterator[Member | Withheld] | None = None
        self._waiting: Answer | None = None
        self._allowance = Allowance(0, 0)
        self._chosen = [Chosen(**each) for each in settings["parsers"]]

    @cached_property
    def _parsers(self) -> Loaded:
        return Loaded(self._chosen)

    def answer(self, header: dict[str, Any], content: bytes) -> Answer:
        asked: dict[str, Callable[[], Answer]] = {
            "parse": lambda: self._parsed(content, header["media_type"]),
            "open": lambda: self._opened(content, header["media_type"], header["name"], header["most"]),
            "next": self._next,
            "parsers": lambda: ({"parsers": self._parsers.told}, b""),
        }
        return _answered(asked[header["ask"]])

    def _parsed(self, content: bytes, media_type: str) -> Answer:
        parsed = self._parsers.parse(content, media_type) or formats.parse(content, media_type)
        most = self._settings["max_text"]
        if len(parsed.text) > most:
            raise refusals.too_long(most)
        if len(parsed.text) > max(_SMALL_TEXT, _SWOLLEN * len(content)):
            raise UnreadableError(
                f"gives over {_SWOLLEN} times as much text as it is long: a bomb, or a mistake", hint=refusals.LEAVE_OUT
            )
        if len(parsed.headings) + len(parsed.blocks) > _MOST_PARTS:
            raise UnreadableError(f"has more than {_MOST_PARTS:,} headings, tables and lists", hint="Split it.")
        return _fields(parsed), parsed.text.encode()

    def _opened(self, content: bytes, media_type: str, name: str, most: int) -> Answer:
        self._allowance = Allowance(self._settings["largest_member"], most)
        self._members = members_of(content, media_type, name=name, allowance=self._allowance)
        self._waiting = None
        return {}, b""

    def _next(self) -> Answer:
        """Some members in one answer: a list of what is told of each, and their bytes one after the other. The last of
        all is the end, or why there are no more; what fails otherwise is an answer of its own, after those before it.
        """
        told: list[dict[str, Any]] = []
        content: list[bytes] = []
        most, until = min(_MEMBERS_BYTES, self._settings["largest_member"]), time.monotonic() + _MEMBERS_S
        while len(told) < _MEMBERS and (not told or time.monotonic() < until):
            header, own = self._waiting or _answered(self._member)
            self._waiting = None
            if told and ("fault" in header or sum(map(len, content)) + len(own) > most):
                self._waiting = header, own
                break
            if "fault" in header:
                return header, own
            told.append({**header, "size": len(own)})
            content.append(own)
            if "end" in header or "name" not in header:
                break
        return {"members": told}, b"".join(content)  # the one that comes alone is not copied

    def _member(self) -> Answer:
        if self._members is None:
            raise RuntimeError("nothing is open")  # in this child: the one that had opened it is gone
        before = self._allowance.left
        try:
            item = next(self._members, None)
        except UnreadableError as error:
            return {**_refusal(error)[0], "spent": before - self._allowance.left}, b""
        spent = {"spent": before - self._allowance.left}
        if item is None:
            self._members = None
            return {"end": True, **spent}, b""
        if isinstance(item, Withheld):
            return {"name": item.name, "reason": item.reason, "hint": item.hint, "failed": item.failed, **spent}, b""
        modified = item.modified.isoformat() if item.modified else None
        return {"name": item.name, "modified": modified, **spent}, item.content


def _answered(ask: Callable[[], Answer]) -> Answer:
    """The answer, or what came in its place."""
    try:
        return ask()
    except UnreadableError as error:
        return _refusal(error)
    except NotLoadedError as error:
        return {"parser": error.name, "trouble": error.trouble}, b""
    except MemoryError:
        return {"fault": "memory"}, b""
    except RecursionError:
        return _refusal(refusals.nested())
    except Exception as error:  # whatever a parser throws costs this file only, and its words may quote the file
        return {"fault": type(error).__name__[:60]}, b""


def _refusal(error: UnreadableError) -> Answer:
    names = ("reason", "hint", "failed", "ocr", "needs_ocr")
    return {name: getattr(error, name) for name in names}, b""


def _fields(parsed: Parsed) -> dict[str, Any]:
    metadata, notes = bounded(parsed.metadata)
    return {
        "title": parsed.title,
        "pages": [[page.number, page.start, page.end] for page in parsed.pages],
        "headings": [[heading.start, heading.level, heading.title] for heading in parsed.headings],
        "blocks": [[block.kind, block.start, block.end, block.head] for block in parsed.blocks],
        "metadata": metadata,
        "date": parsed.date.isoformat() if parsed.date else None,
        "language": parsed.language,
        "notes": [*parsed.notes, *notes],
        "ocr": parsed.ocr,
        "needs_ocr": parsed.needs_ocr,
    }
