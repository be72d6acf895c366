"""Secrets in tables: the cells below or beside a heading that names one, in CSV, SQL and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hybridrag.privacy.finders.keywords import NAMES, matches
from hybridrag.privacy.finders.patterns import compiled, view
from hybridrag.privacy.finders.placeholders import is_phrase, mixed, stands_in
from hybridrag.privacy.finders.secret_names import KEY, PASSWORD, is_weak, names_itself
from hybridrag.types import Span

_HEAD = re.compile(rb"[ \t]*[\"'`]?[A-Za-z][\w .()/-]{0,40}[\"'`]?[ \t]*")
_NAME = re.compile(rb"(?i)[ \t\"'`*]*[\w .-]{0,40}?(?:(" + PASSWORD + rb")|(" + KEY + rb"))[ \t\"'`*]*")
_IN_HEAD = rb"[A-Za-z0-9_ .,;|/()\"'`*\t-]*"
_HEADING = rb"(?im)(?:^|[,;|\t])" + _IN_HEAD + rb"(?:" + PASSWORD + rb"|" + KEY + rb")" + _IN_HEAD + rb"\r?$"
_MARKS = (b",", b";", b"\t", b"|")
_LONGEST_HEAD, _LONGEST_ROW, _MOST_CELLS = 2000, 4000, 64
_INSERT = rb"(?i)\binsert[ ]+into[ ]+[^\s(\x00]{1,80}[ ]*\(([^()\x00]{3,600})\)\s*values\s*"
_TUPLE = re.compile(rb"\s{0,40}(?:,\s{0,40})?\(([^()\0]{1,2000})\)")


def columns(text: str) -> Iterator[Span]:
    """The cells, without quotes. Spans may overlap."""
    data = view(text)
    done = 0
    for match in matches(_HEADING, data, *NAMES):
        start = data.rfind(b"\n", max(done, match.start() - _LONGEST_HEAD), match.start() + 1) + 1
        stop = _line_end(data, match.end())
        if max(start, done) == start and stop - start < _LONGEST_HEAD:
            done = stop + 1
            line = data[start:stop]
            for mark in _MARKS:
                if mark in line and (mark == b"|" or _HEAD.fullmatch(line[: line.find(mark)][:64])):
                    found, below = _below(data, line, stop + 1, mark)
                    yield from found
                    # Rows of a table are no headings: each line is read once.
                    done = max(done, below)
    if b"nsert" in data or b"NSERT" in data:
        for match in compiled(_INSERT).finditer(data):
            yield from _inserted(data, match.group(1), match.end())


def _line_end(data: bytes, at: int) -> int:
    end = data.find(b"\n", at)
    return len(data) if end < 0 else end


def _below(data: bytes, head: bytes, at: int, mark: bytes) -> tuple[list[Span], int]:
    """The cells under the headings that name a secret, as far as rows have as many cells; and where the rows end."""
    cells = head.rstrip(b"\r").split(mark)
    edges = cells[1:-1] if mark == b"|" and not cells[0].strip() and not cells[-1].strip() else cells
    if not 2 <= len(cells) <= _MOST_CELLS or not all(len(cell) <= 64 and _HEAD.fullmatch(cell) for cell in edges):
        return [], at
    wanted = {number: password for number, cell in enumerate(cells) if (password := _names(cell)) is not None}
    found: list[Span] = []
    while wanted and at < len(data):
        stop = _line_end(data, at)
        row = data[at : min(stop, at + _LONGEST_ROW)].rstrip(b"\r").split(mark)
        if len(row) != len(cells):
            break
        found += _cells(at, row, wanted)
        at = stop + 1
    return found, at


def _inserted(data: bytes, names: bytes, at: int) -> Iterator[Span]:
    heads = names.split(b",")
    wanted = {number: password for number, head in enumerate(heads) if (password := _names(head)) is not None}
    while wanted:
        values = _TUPLE.match(data, at, at + _LONGEST_ROW)
        if values is None:
            return
        row = values.group(1).split(b",")
        if len(row) == len(heads):
            yield from _cells(values.start(1), row, wanted)
        at = values.end()


def _cells(at: int, row: list[bytes], wanted: dict[int, bool]) -> list[Span]:
    found = []
    for number, cell in enumerate(row):
        if number in wanted:
            value = cell.strip(b" \t\"'`*")
            start = at + cell.find(value)
            if len(value) >= 3 and not stands_in(value) and b" " not in value and _is_secret(value, wanted[number]):
                found.append(Span(start, start + len(value), "SECRET", "column"))
        at += len(cell) + 1
    return found


def _is_secret(value: bytes, password: bool) -> bool:
    word = password and value.isalpha() and len(value) >= 5
    return (mixed(value) or is_phrase(value) or word) and not names_itself(value)


def _names(cell: bytes) -> bool | None:
    """Whether a heading names a password (True) or another secret (False); None if it names none."""
    match = _NAME.fullmatch(cell) if len(cell) <= 64 else None
    if match is None or (match.group(2) and is_weak(match.group(2))):
        return None
    return match.group(1) is not None
