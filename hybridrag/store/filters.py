"""A filter to SQL: conditions over `document d join source s`, with every value as a bound parameter.

Conditions on metadata are jsonpath, itself a parameter: it compares what it can, raises for nothing, and an index can
serve it. In its lax mode, a predicate on a list is one on each of the list's items.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from hybridrag.globs import glob_to_regex, path_to_regex, wildcards
from hybridrag.periods import LAST, is_calendar_date, period
from hybridrag.types import And, Clause, Comparison, Filter, Label, Not

if TYPE_CHECKING:
    from psycopg import sql

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
_SCALAR = '@.type() == "string" || @.type() == "number" || @.type() == "boolean"'
_DATED = '@.type() == "string" && @ like_regex "^[0-9]{4}-[0-9]{2}(-[0-9]{2}([T ].*)?)?$"'
_DEEPEST = 10
"""Keys with more dots are only looked up as they stand."""


def documents_matching(filter: Filter, collection: int) -> tuple[sql.Composed, dict[str, Any]]:
    """A query for the ids of the documents for which the filter holds, and its parameters."""
    from psycopg import sql

    translation = _Translation({"collection": collection})
    condition = translation.of(filter)
    query = sql.SQL(
        "select d.id from document d join source s on s.id = d.source_id where d.collection_id = %(collection)s and {}"
    )
    return query.format(condition), translation.parameters


@dataclass(slots=True)
class _Translation:
    """Conditions that may be null, which counts as false: only `not` has to know."""

    parameters: dict[str, Any] = field(default_factory=dict)

    def of(self, filter: Filter) -> sql.Composable:
        if isinstance(filter, Clause):
            return self._clause(filter)
        if isinstance(filter, Not):
            return self._sql("({} is not true)", self.of(filter.part))
        return self._joined(" and " if isinstance(filter, And) else " or ", [self.of(part) for part in filter.parts])

    def _clause(self, clause: Clause) -> sql.Composable:
        if clause.comparison == "!=":
            equal = self._clause(replace(clause, comparison="="))
            return self._sql("({} and {} is not true)", self._present(clause.field), equal)
        own = {
            "path": self._path,
            "type": self._type,
            "label": self._label,
            "language": self._language,
            "date": self._date,
        }
        if clause.field in own:
            return own[clause.field](clause)
        if clause.field.startswith("meta."):
            return self._metadata(clause)
        return self._text({"source": "s.name", "title": "d.title"}[clause.field], clause)

    def _present(self, field: str) -> sql.Composable:
        """Whether a document has the field: the columns that may be null, and metadata."""
        if field.startswith("meta."):
            return self._some(field, _SCALAR)
        nullable = {"language": "d.language", "date": "coalesce(d.dated_at, d.modified_at)"}
        return self._sql(f"{nullable[field]} is not null" if field in nullable else "true")

    def _text(self, column: LiteralString, clause: Clause) -> sql.Composable:
        if clause.comparison == ":" and wildcards(clause.value):
            return self._sql(f"{column} ~ {{}}", self._bound(glob_to_regex(clause.value)))
        return self._sql(f"{column} = {{}}", self._bound(clause.value))

    def _path(self, clause: Clause) -> sql.Composable:
        """The place inside the source, or with the source's name; a glob without a slash is a name in any folder."""
        value, glob = clause.value, clause.comparison == ":"
        if glob and "/" not in value:
            if wildcards(value):
                return self._sql("d.path ~ {}", self._bound(path_to_regex(value)))
            return self._sql("right('/' || d.path, {}) = {}", self._bound(len(value) + 1), self._bound(f"/{value}"))
        if glob and wildcards(value):
            return self._sql("(d.path ~ {0} or s.name || '/' || d.path ~ {0})", self._bound(path_to_regex(value)))
        return self._sql("(d.path = {0} or s.name || '/' || d.path = {0})", self._bound(value))

    def _type(self, clause: Clause) -> sql.Composable:
        """A media type (with a slash), or the ending of the file's name."""
        value = clause.value.lower()
        if "/" in value:
            return self._text("lower(d.media_type)", replace(clause, value=value))
        value = value.removeprefix(".")
        if clause.comparison == ":" and wildcards(value):
            return self._text("lower(substring(d.path from '\\.([^./]+)$'))", replace(clause, value=value))
        return self._sql("right(lower(d.path), {}) = {}", self._bound(len(value) + 1), self._bound(f".{value}"))

    def _label(self, clause: Clause) -> sql.Composable:
        return self._sql("d.label = any({})", self._bound(_labels(clause)))

    def _language(self, clause: Clause) -> sql.Composable:
        return self._text("d.language", replace(clause, value=clause.value.lower()))

    def _date(self, clause: Clause) -> sql.Composable:
        start, end = period(clause.value)
        when = "coalesce(d.dated_at, d.modified_at)"
        if clause.comparison in {":", "="}:
            return self._sql(f"({when} >= {{}} and {when} < {{}})", self._bound(start), self._bound(end))
        operator, bound = _against(clause.comparison, start, end)
        return self._sql(f"{when} {operator} {{}}", self._bound(bound))

    def _metadata(self, clause: Clause) -> sql.Composable:
        if clause.comparison == ":" and wildcards(clause.value):
            text = self._some(clause.field, _fitting(clause.value))
            return self._joined(" or ", [text, *self._fitting_numbers(clause)])
        if clause.comparison in {":", "="}:
            return self._some(clause.field, _equal(clause.value))
        return self._some(clause.field, _ordered(clause.comparison, clause.value))

    def _some(self, field: str, predicate: str) -> sql.Composable:
        """Whether the predicate, in jsonpath, holds for the value under a key or for an item of the list there."""
        paths = [self._bound(f"{path} ? ({predicate})") for path in _paths(field)]
        return self._joined(" or ", [self._sql("d.metadata @? {}::jsonpath", path) for path in paths])

    def _fitting_numbers(self, clause: Clause) -> list[sql.Composable]:
        """Jsonpath fits no pattern to a number, so its text is taken out: slow, and only where there are numbers."""
        if re.search(r"[^-0-9.*?]", clause.value):
            return []
        some = "(d.metadata @? {0}::jsonpath and exists ({1}))"
        each = "select from jsonb_path_query(d.metadata, {0}::jsonpath) as item where item #>> '{{}}' ~ {1}"
        regex = self._bound(glob_to_regex(clause.value))
        paths = [self._bound(f'{path} ? (@.type() == "number")') for path in _paths(clause.field)]
        return [self._sql(some, path, self._sql(each, path, regex)) for path in paths]

    def _bound(self, value: Any) -> sql.Placeholder:
        from psycopg import sql

        name = f"value{len(self.parameters)}"
        self.parameters[name] = value
        return sql.Placeholder(name)

    @staticmethod
    def _sql(template: LiteralString, *parts: sql.Composable) -> sql.Composable:
        from psycopg import sql

        return sql.SQL(template).format(*parts)

    @staticmethod
    def _joined(word: LiteralString, parts: list[sql.Composable]) -> sql.Composable:
        from psycopg import sql

        return sql.SQL("({})").format(sql.SQL(word).join(parts))


def _labels(clause: Clause) -> list[str]:
    """The labels that a condition allows, by strictness."""
    bound = Label.parse(clause.value).strictness
    holds = {
        ":": bound.__eq__,
        "=": bound.__eq__,
        "<": bound.__gt__,
        "<=": bound.__ge__,
        ">": bound.__lt__,
        ">=": bound.__le__,
    }
    return [label.value for label in Label if holds[clause.comparison](label.strictness)]


def _against(comparison: Comparison, start: Any, end: Any) -> tuple[LiteralString, Any]:
    """An order to a period as one to a moment: after January means from the first of February on."""
    return {"<": ("<", start), "<=": ("<", end), ">": (">=", end), ">=": (">=", start)}[comparison]


def _paths(field: str) -> list[str]:
    """Where the values of `meta.a.b` may lie: under the key "a.b", and under "b" of the object under "a"."""
    key = field.removeprefix("meta.")
    parts = key.split(".")
    ways = [[key], parts] if 1 < len(parts) <= _DEEPEST and all(parts) else [[key]]
    return ["$" + "".join(f".{_quoted(name)}" for name in way) for way in ways]


def _fitting(glob: str) -> str:
    """Text and truth values that fit a glob. The flag lets `.` match the end of a line, as everywhere else."""
    regex = glob_to_regex(glob)
    words = [word for word in ("true", "false") if re.fullmatch(regex, word)]
    text = f'@.type() == "string" && @ like_regex {_quoted(regex)} flag "s"'
    return " || ".join([text, *(f'@.type() == "boolean" && @ == {word}' for word in words)])


def _equal(value: str) -> str:
    also = _NUMBER.fullmatch(value) or value in {"true", "false"}
    either = f"@ == {_quoted(value)}" + (f" || @ == {value}" if also else "")
    return f'@.type() != "array" && ({either})'


def _ordered(comparison: Comparison, value: str) -> str:
    """Numbers with numbers and with text that reads as one, dates with text that begins with one, else text."""
    ways = []
    if _NUMBER.fullmatch(value):
        ways.append(f'@.type() == "number" && @ {comparison} {value}')
        ways.append(f'@.type() == "string" && @.double() {comparison} {value}')
    if is_calendar_date(value):
        start, end = map(_as_written, period(value))
        operator, bound = _against(comparison, start, end)
        ways.append(f"@ {operator} {_quoted(bound)} && {_DATED}")
    return " || ".join(ways or [f'@.type() == "string" && @ {comparison} {_quoted(value)}'])


def _as_written(moment: datetime) -> str:
    """The least text of a date from `moment` on: January stands before its first day, and the year before January."""
    return ":" if moment == LAST else re.sub("(-01)+$", "", moment.date().isoformat())


def _quoted(text: str) -> str:
    """A string of jsonpath, which has JSON's escapes."""
    return json.dumps(text, ensure_ascii=False)
