"""The filter language: `path:docs/** type:(pdf md) date>=2025-01-01 not label:confidential meta.author="Ada Lovelace"`.

    filter    = all { "or" all }
    all       = one { [ "and" ] one }
    one       = "not" one | "(" filter ")" | condition
    condition = FIELD (":" | "=" | "!=" | "<" | "<=" | ">" | ">=") (value | "(" value { [ "or" ] value } ")")

Written by hand (docs/decisions/0014): every error points at its place.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from hybridrag.errors import UsageError
from hybridrag.retrieval.conditions import Unfit, check, is_glob
from hybridrag.types import And, Clause, Comparison, Filter, Not, Or

CHARACTERS = 10_000
NESTING = 50
CONDITIONS = 200
GLOBS = 28
"""PostgreSQL keeps 32 compiled patterns; with more in one filter it would compile each anew for every document."""

_SPACE = re.compile(r"\s*")
_KEYWORD = re.compile(r"(and|or|not)(?=[\s()]|$)", re.IGNORECASE)
_FIELD = re.compile(r'meta\."(?P<key>(?:[^"\\]|\\.)*)"|[^\s:=<>!"()]+', re.DOTALL)
_COMPARISON = re.compile(r"\s*(!=|<=|>=|[:=<>])\s*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_AFTER_QUOTE = re.compile(r"[\s)]|$")
_SLIPS = {"==": "=", "=>": ">=", "=<": "<=", "<>": "!=", ":=": "=", "!==": "!=", ":!": "!="}
_EXAMPLE = 'for example: path:docs/** type:pdf meta.author="Ada Lovelace"'
_AROUND = 60
"""Characters of a long expression that an error shows before and after the place."""


def parse_filter(text: str) -> Filter | None:
    """The tree of a filter, None for a blank one. Raises UsageError that points at what it does not understand."""
    parser = _Parser(text)
    parser.check_text()
    parser.skip()
    if parser.ended():
        return None
    tree = parser.any_of()
    if not parser.ended():
        raise parser.error(parser.at, "this parenthesis closes nothing", "take it away, or put the value in quotes")
    return tree


@dataclass(slots=True)
class _Parser:
    """Reads `text` from `at` on. Each method leaves `at` behind the blanks that follow what it read."""

    text: str
    at: int = 0
    depth: int = 0
    conditions: int = 0
    globs: int = 0

    def check_text(self) -> None:
        if len(self.text) > CHARACTERS:
            message = f"a filter of {len(self.text):,} characters"
            raise self.error(CHARACTERS, message, f"at most {CHARACTERS:,}")
        if bad := re.search("[\0\ud800-\udfff]", self.text):
            raise self.error(bad.start(), "this is no text", "values are UTF-8, without NUL characters")

    def ended(self) -> bool:
        return self.at == len(self.text)

    def skip(self, pattern: re.Pattern[str] = _SPACE) -> None:
        if match := pattern.match(self.text, self.at):
            self.at = match.end()

    def next_is(self, character: str) -> bool:
        return self.text.startswith(character, self.at)

    def keyword(self) -> str:
        """The keyword that comes next, in small letters, or nothing."""
        match = _KEYWORD.match(self.text, self.at)
        return match[1].lower() if match else ""

    def take(self, length: int) -> None:
        self.at += length
        self.skip()

    def any_of(self) -> Filter:
        parts = [self.all_of()]
        while self.keyword() == "or":
            self.take(2)
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def all_of(self) -> Filter:
        parts = [self.one()]
        while not (self.ended() or self.next_is(")") or self.keyword() == "or"):
            if self.keyword() == "and":
                self.take(3)
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self) -> Filter:
        start = self.at
        if self.ended() or self.next_is(")") or self.keyword() in {"and", "or"}:
            raise self.error(start, "a condition is missing here", _EXAMPLE)
        if self.keyword() == "not":
            with self.deeper(start):
                self.take(3)
                return Not(self.one())
        if self.next_is("("):
            with self.deeper(start):
                self.take(1)
                tree = self.any_of()
            self.close(start)
            return tree
        return self.condition()

    @contextmanager
    def deeper(self, start: int) -> Iterator[None]:
        self.depth += 1
        if self.depth > NESTING:
            raise self.error(start, "nested too deeply", f"at most {NESTING} levels of parentheses and not")
        yield
        self.depth -= 1

    def close(self, opened: int) -> None:
        if not self.next_is(")"):
            raise self.error(opened, "this parenthesis is never closed", "close it, or put the value in quotes")
        self.take(1)

    def condition(self) -> Filter:
        start = self.at
        name = _FIELD.match(self.text, start)
        operator = _COMPARISON.match(self.text, name.end()) if name else None
        if name is None or operator is None:
            raise self.error(start, "expected FIELD:VALUE here", _EXAMPLE)
        field = name[0] if name["key"] is None else "meta." + _unescaped(name["key"])
        comparison = cast(Comparison, operator[1])
        self.at = operator.end()
        places = {"field": start, "comparison": operator.start(1)}
        if not self.next_is("("):
            return self.clause(field, comparison, places)
        if comparison not in {":", "=", "!="}:
            raise self.error(operator.start(1), "a list has no order", "compare with one value")
        return self.list_of(field, comparison, places)

    def list_of(self, field: str, comparison: Comparison, places: dict[str, int]) -> Filter:
        """`type:(pdf md)`: some value holds; `type!=(pdf md)`: all of them hold."""
        opened = self.at
        self.take(1)
        parts: list[Filter] = [self.item(field, comparison, places)]
        while not (self.ended() or self.next_is(")")):
            if self.keyword() == "or":
                self.take(2)
            parts.append(self.item(field, comparison, places))
        self.close(opened)
        if len(parts) == 1:
            return parts[0]
        return And(tuple(parts)) if comparison == "!=" else Or(tuple(parts))

    def item(self, field: str, comparison: Comparison, places: dict[str, int]) -> Clause:
        if self.keyword():
            raise self.error(
                self.at, "a list holds values, and one of them must fit", 'put a word like "and" in quotes'
            )
        return self.clause(field, comparison, places)

    def clause(self, field: str, comparison: Comparison, places: dict[str, int]) -> Clause:
        start = self.at
        quoted = self.next_is('"')
        clause = Clause(field, comparison, self.quoted() if quoted else self.bare())
        if not quoted and clause.value[0] in ":=<>!":
            slip = re.match("[:=<>!]*", comparison + clause.value)
            meant = _SLIPS.get(slip[0]) if slip else None
            hint = f"did you mean {meant}?" if meant else "put the value in quotes"
            raise self.error(places["comparison"], "unknown comparison", hint)
        try:
            check(clause, quoted=quoted)
        except Unfit as exc:
            raise self.error({**places, "value": start}[exc.part], exc.message, exc.hint) from None
        self.conditions += 1
        self.globs += is_glob(clause)
        if self.conditions > CONDITIONS:
            raise self.error(start, "too many conditions", f"at most {CONDITIONS}")
        if self.globs > GLOBS:
            raise self.error(start, "too many values with wildcards", f"at most {GLOBS}; others may be without")
        return clause

    def quoted(self) -> str:
        match = _QUOTED.match(self.text, self.at)
        if match is None:
            raise self.error(self.at, "this quote is never closed", 'close it; a quote inside a value is written \\"')
        if not _AFTER_QUOTE.match(self.text, match.end()):
            raise self.error(match.end(), "expected a blank after the closing quote", "put all of the value in quotes")
        self.take(len(match[0]))
        return _unescaped(match[1])

    def bare(self) -> str:
        """A value without quotes: up to a blank, or to a parenthesis that it has not opened itself."""
        start, end, opened = self.at, self.at, 0
        while end < len(self.text) and not self.text[end].isspace():
            if self.text[end] == '"':
                raise self.error(end, "a quote inside a value", "put all of the value in quotes")
            opened += (self.text[end] == "(") - (self.text[end] == ")")
            if opened < 0:
                break
            end += 1
        # `type: and ...` has forgotten its value; `type:and` means the word.
        if end == start or (self.keyword() and self.text[start - 1].isspace()):
            raise self.error(start, "a value is missing here", _EXAMPLE)
        self.take(end - start)
        return self.text[start:end]

    def error(self, position: int, message: str, hint: str) -> UsageError:
        """The error with the expression under it, and a caret under the place."""
        first, last = max(0, position - _AROUND), position + _AROUND
        before = ("…" if first else "") + _visible(self.text[first:position])
        after = _visible(self.text[position:last]) + ("…" if last < len(self.text) else "")
        caret = " " * _columns(before) + "^"
        return UsageError(f"--filter: {message}", hint=hint, shown=(before + after, caret))


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _visible(text: str) -> str:
    """`text` on one line, with nothing that a terminal would obey."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _columns(text: str) -> int:
    """How many columns a terminal gives a text: two to East Asian letters and emoji, none to combining marks."""
    return sum(
        0 if unicodedata.category(c) in {"Mn", "Me"} else 2 if unicodedata.east_asian_width(c) in {"W", "F"} else 1
        for c in text
    )
