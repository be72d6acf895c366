"""JSON and JSON Lines: text that people can read, with the keys as headings, so that a chunk knows its key path.

A file that is laid out in lines stays as written. One that is not (all on one line, or with words hidden in escapes
such as `\\u00e9` and `\\n`) is laid out in indented lines, its strings as they read. Nothing is built from the values:
no number is converted, no key is lost, no depth is too deep.
"""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Callable
from contextlib import suppress

from hybridrag.parsing.data.keys import Keys
from hybridrag.parsing.parsed import Parsed, counted
from hybridrag.parsing.text import clean, decode, mostly_in_long_lines


def parse_json(content: bytes) -> Parsed:
    """The document; records under one another are read as JSON Lines, other text that is no JSON stays as written."""
    text, notes = decode(content)
    if len(text) > _LONGEST:
        return Parsed(text=text, notes=notes)  # no text of this length is kept: the limit is the parser's
    tokens = _Tokens(text)
    if tokens.too_many:
        return Parsed(text=text, notes=(*notes, "too long for its structure to be read: taken as it is written"))
    if not tokens.valid and _begins_with_records(text):
        return _records(text, notes)
    if not tokens.valid:
        return Parsed(text=text, notes=(*notes, "not valid JSON: taken as it is written"))
    keys = Keys()
    if tokens.commented or not (_HIDING.search(text) or mostly_in_long_lines(text, over=_LONGEST_LINE)):
        _walk(tokens, keys, lambda at: tokens.starts[at])
        return Parsed(text=text, headings=keys.headings(), notes=notes)
    laid_out = _laid_out(tokens, keys)
    return Parsed(text=laid_out, headings=keys.headings(), notes=notes)


def parse_json_lines(content: bytes) -> Parsed:
    """The records one after the other, each under the number of its line; a line that is no JSON stays as written."""
    text, notes = decode(content)
    return Parsed(text=text, notes=notes) if len(text) > _LONGEST else _records(text, notes)


def _records(text: str, notes: tuple[str, ...]) -> Parsed:
    keys = Keys()
    written: list[str] = []
    length = broken = 0
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        tokens = _Tokens(line)
        keys.add(length, 1, str(number))
        if tokens.valid and len(tokens.starts):
            record = _laid_out(tokens, keys, shift=length, level=1)
        else:
            record = line + "\n"
            broken += 1
        written.append(record + "\n")
        length += len(record) + 1
    if broken:
        notes += (f"{counted(broken, 'line')} not valid JSON: taken as written",)
    return Parsed(text="".join(written), headings=keys.headings(), notes=notes)


def _begins_with_records(text: str) -> bool:
    """Whether its first two lines are objects, each complete: databases export records so, under any name."""
    first = text.split("\n", 2)[:2]
    return len(first) == 2 and all(line.startswith("{") and _Tokens(line).valid for line in first)


class _Tokens:
    """A text's tokens as offsets, few bytes each, and whether they make JSON. Comments are tolerated, as editors do."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = array("q")
        self.ends = array("q")
        self.closing: dict[int, int] = {}
        self.commented = self.too_many = False
        self.valid = self._read()

    def _read(self) -> bool:
        text, reached = self.text, 0
        opened: list[int] = []
        for token in _TOKEN.finditer(text):
            if token.start() != reached and text[reached : token.start()].strip():
                return False
            if token.lastgroup is not None:  # it goes on to the end, and is not closed there
                return False
            reached = token.end()
            first = text[token.start()]
            if first == "/":
                self.commented = True
                continue
            at = len(self.starts)
            self.starts.append(token.start())
            self.ends.append(reached)
            if at > _MOST_TOKENS:
                self.too_many = True
                return False
            if first in "{[":
                opened.append(at)
            elif first in "}]":
                if not opened or text[self.starts[opened[-1]]] != ("{" if first == "}" else "["):
                    return False
                self.closing[opened.pop()] = at
        return not opened and not text[reached:].strip() and self._one_value_only()

    def _one_value_only(self) -> bool:
        """Whether nothing follows the first value: a log whose lines begin with a bracket is no JSON."""
        return not len(self.starts) or self.closing.get(0, 0) == len(self.starts) - 1


def _walk(tokens: _Tokens, keys: Keys, place: Callable[[int], int]) -> None:
    """Tells `keys` of every key and index whose value is an object or a list."""
    text, starts, ends = tokens.text, tokens.starts, tokens.ends
    indexes: list[int] = []
    for at, start in enumerate(starts):
        first = text[start]
        if first in "{[":
            if at and len(indexes) <= keys.deepest:
                keyed = text[starts[at - 1]] == ":"
                name = _spoken(text[starts[at - 2] : ends[at - 2]]) if keyed and at > 1 else str(indexes[-1])
                keys.add(place(at - 2 if keyed else at), len(indexes), name)
            indexes.append(0)
        elif first in "}]":
            indexes.pop()
        elif first == "," and indexes:
            indexes[-1] += 1


def _laid_out(tokens: _Tokens, keys: Keys, *, shift: int = 0, level: int = 0) -> str:
    """The tokens in indented lines: what is short stays on one line."""
    text, starts, ends = tokens.text, tokens.starts, tokens.ends
    written: list[str] = []
    places = array("q", bytes(8 * len(starts)))
    length = shift
    flat_until, depth = -1, 0
    for at, start in enumerate(starts):
        first = text[start]
        token = _spoken(text[start : ends[at]], quoted=True) if first == '"' else text[start : ends[at]]
        before = ""
        if at > flat_until:
            closing = tokens.closing.get(at)
            if closing is not None and starts[closing] - start <= _ON_ONE_LINE:
                flat_until = closing
            elif closing is not None:
                depth += 1
            if first in "}]" and at != flat_until:
                depth -= 1
                before = "\n" + "  " * min(depth, _DEEPEST_INDENT)
            elif at and text[starts[at - 1]] in "{[,":
                level_now = depth - (closing is not None and flat_until != closing)
                before = "\n" + "  " * min(level_now, _DEEPEST_INDENT)
        elif at and text[starts[at - 1]] == ",":
            before = " "
        if at and text[starts[at - 1]] == ":":
            before = " "
        places[at] = length + len(before)
        written.append(before + token)
        length += len(before) + len(token)
    _walk(tokens, keys if level == 0 else keys.below(level), lambda at: places[at])
    return "".join(written) + "\n"


def _spoken(string: str, *, quoted: bool = False) -> str:
    """A string of JSON as it reads."""
    if "\\" in string:
        with suppress(ValueError):  # an escape that JSON does not know stays as written
            string = f'"{clean(json.loads(string, strict=False))[0]}"'
    return string if quoted else string[1:-1]


_TOKEN = re.compile(
    r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|(?P<open_string>\\?\Z))|[{}\[\]:,]|-?(?:\d[\d.eE+-]*+|Infinity)|true|false|null|NaN'
    r"|//[^\n]*|/\*(?:.*?\*/|(?P<open_comment>.*))",
    re.DOTALL,
)
_HIDING = re.compile(r"\\[untrbf/]")
_LONGEST = 20_000_000
_MOST_TOKENS = 2_500_000
_LONGEST_LINE = 400
_ON_ONE_LINE = 100
_DEEPEST_INDENT = 20
