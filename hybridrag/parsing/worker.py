"""The child process, from inside: reads a document from stdin, writes what was parsed to stdout, until stdin ends.

A request is a header (JSON) and the content, an answer is JSON, each after its length. The answer is no pickle, because
a parser that was taken over could make a pickle do anything in the parent.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, BinaryIO

from hybridrag.parsing import formats, sandbox
from hybridrag.parsing.parsed import Parsed, UnreadableError, bounded
from hybridrag.parsing.wire import LENGTH


def main() -> None:
    """Serves until stdin ends. The one argument is JSON: `memory`, `parent`, `max_text`."""
    settings = json.loads(sys.argv[1])
    requests, answers = _private_pipes()
    sandbox.enter(memory=settings["memory"], parent=settings["parent"])
    while (header := _frame(requests)) is not None:
        content = _frame(requests)
        if content is None:
            return
        answer = json.dumps(_answer(json.loads(header), content, settings["max_text"])).encode()
        del content
        answers.write(LENGTH.pack(len(answer)) + answer)
        answers.flush()


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The two pipes, moved away from where a chatty library would read or write."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1):
        os.dup2(nothing, descriptor)
    return requests, answers


def _frame(pipe: BinaryIO) -> bytes | None:
    length = pipe.read(LENGTH.size)
    if len(length) < LENGTH.size:
        return None
    size = LENGTH.unpack(length)[0]
    body = pipe.read(size)
    return body if len(body) == size else None


def _answer(header: dict[str, Any], content: bytes, max_text: int) -> dict[str, Any]:
    try:
        parsed = formats.parse(content, header["media_type"])
        if len(parsed.text) > max_text:
            raise UnreadableError(f"holds more than {max_text:,} characters of text", hint="Split it.")
        return _fields(parsed)
    except UnreadableError as error:
        return {"reason": error.reason, "hint": error.hint, "failed": error.failed}
    except MemoryError:
        return {"fault": "memory"}
    except RecursionError:
        return {"reason": "nested too deeply to be parsed", "hint": "", "failed": True}
    except Exception as error:  # whatever a parser throws costs this file only, and its words may quote the file
        return {"fault": type(error).__name__[:60]}


def _fields(parsed: Parsed) -> dict[str, Any]:
    metadata, notes = bounded(parsed.metadata)
    return {
        "text": parsed.text,
        "title": parsed.title,
        "pages": [[page.number, page.start, page.end] for page in parsed.pages],
        "headings": [[heading.start, heading.level, heading.title] for heading in parsed.headings],
        "metadata": metadata,
        "date": parsed.date.isoformat() if parsed.date else None,
        "language": parsed.language,
        "notes": [*parsed.notes, *notes],
    }
