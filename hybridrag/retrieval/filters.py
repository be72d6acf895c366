"""The filter language: `path:docs/** type:pdf label:internal source:handbook meta.author="Ada Lovelace"`.

Conditions are separated by spaces and must all hold. Values may be globs; quotes keep spaces.
"""

from __future__ import annotations

import difflib
import re

from hybridrag.errors import UsageError
from hybridrag.types import Clause, Label

FIELDS = ("path", "type", "label", "source")
_CLAUSE = re.compile(r'\s*([A-Za-z][\w.-]*)\s*[:=]\s*("(?:[^"\\]|\\.)*"|[^\s"]+)(?=\s|$)')


def parse_filter(text: str) -> tuple[Clause, ...]:
    """The conditions of a filter. Raises UsageError that points at the place it does not understand."""
    clauses: list[Clause] = []
    position = 0
    while text[position:].strip():
        match = _CLAUSE.match(text, position)
        if match is None:
            start = position + len(text[position:]) - len(text[position:].lstrip())
            raise _error(text, start, "expected FIELD:VALUE here", "for example: path:docs/** type:pdf meta.author=Ada")
        field, value = match[1], _unquoted(match[2])
        _check(text, match.start(1), match.start(2), field, value)
        clauses.append(Clause(field=field, value=value))
        position = match.end()
    return tuple(clauses)


def _check(text: str, field_at: int, value_at: int, field: str, value: str) -> None:
    if field not in FIELDS and not re.fullmatch(r"meta\..+", field):
        close = difflib.get_close_matches(field, [*FIELDS, "meta."], n=1)
        hint = f"did you mean {close[0]}?" if close else "fields: path, type, label, source, meta.KEY"
        raise _error(text, field_at, f"unknown field {field!r}", hint)
    if not value:
        raise _error(text, value_at, "an empty value matches nothing", "give a value or a glob")
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in field + value):
        raise _error(text, value_at, "this is no text", "values are UTF-8, without NUL characters")
    if field == "label":
        try:
            Label.parse(value)
        except ValueError:
            raise _error(text, value_at, f"unknown label {value!r}", "labels: " + ", ".join(Label)) from None


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _error(text: str, position: int, message: str, hint: str) -> UsageError:
    shown = re.sub(r"[\x00-\x1f\x7f]", " ", text)
    return UsageError(f"--filter: {message}\n  {shown}\n  {' ' * position}^", hint=hint)
