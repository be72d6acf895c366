"""What a filter means, said once more in plain Python: slow, and with nothing in common with the SQL."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from hybridrag.types import And, Clause, Filter, Label, Not

ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBER = re.compile(r"\s*[-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?\s*", re.ASCII)


def holds(tree: Filter, document: dict[str, Any]) -> bool:
    """Whether a document (a row, with `source`) passes the filter."""
    if isinstance(tree, Clause):
        return _clause(tree.field, tree.comparison, tree.value, document)
    if isinstance(tree, Not):
        return not holds(tree.part, document)
    every = [holds(part, document) for part in tree.parts]
    return all(every) if isinstance(tree, And) else any(every)


def _clause(field: str, comparison: str, value: str, document: dict[str, Any]) -> bool:
    if comparison == "!=":
        return _has(field, document) and not _clause(field, "=", value, document)
    if field == "path":
        path, uri = document["path"], f"{document['source']}/{document['path']}"
        if comparison == "=":
            return value in (path, uri)
        return any(fits(value, text) for text in ([path, uri] if "/" in value else _endings(path)))
    if field == "type":
        return _type(comparison, value.lower(), document)
    if field == "label":
        own, bound = Label(document["label"]), Label.parse(value)
        order: Callable[[Any, Any], bool] = ORDER.get(comparison, operator.eq)
        return order(own.strictness, bound.strictness)
    if field == "date":
        moment = document["dated_at"] or document["modified_at"]
        return moment is not None and _in_order(comparison, moment, *span(value))
    if field == "language":
        return bool(document["language"] == value.lower())
    if field in {"source", "title"}:
        return bool(document[field] == value) if comparison == "=" else fits(value, document[field])
    return any(_scalar(comparison, value, held) for held in _values(field, document["metadata"]))


def _has(field: str, document: dict[str, Any]) -> bool:
    if field.startswith("meta."):
        return any(True for _ in _values(field, document["metadata"]))
    if field == "date":
        return bool(document["dated_at"] or document["modified_at"])
    return field != "language" or document["language"] is not None


def _type(comparison: str, value: str, document: dict[str, Any]) -> bool:
    if "/" in value:
        held = document["media_type"].lower()
    else:
        value = value.removeprefix(".")
        name = document["path"].lower().split("/")[-1]
        if comparison == "=" or not re.search(r"[*?]", value):
            return bool(name.endswith(f".{value}"))
        if "." not in name or name.endswith("."):
            return False
        held = name.split(".")[-1]
    return bool(held == value) if comparison == "=" else fits(value, held)


def _endings(path: str) -> Iterator[str]:
    """The path from each of its folders on, and its name: what a glob without a slash may match whole."""
    parts = path.split("/")
    return ("/".join(parts[first:]) for first in range(len(parts)))


def _values(field: str, metadata: dict[str, Any]) -> Iterator[Any]:
    """Strings, numbers and booleans under the key as it stands and under its parts, singly or in a list."""
    key = field.removeprefix("meta.")
    parts = key.split(".")
    ways = [[key], parts] if 1 < len(parts) <= 10 and all(parts) else [[key]]
    for way in ways:
        found: list[Any] = [metadata]
        for name in way:
            opened = [item for held in found for item in (held if isinstance(held, list) else [held])]
            found = [held[name] for held in opened if isinstance(held, dict) and name in held]
        for held in found:
            items = held if isinstance(held, list) else [held]
            yield from (item for item in items if isinstance(item, str | bool | int | float))


def _scalar(comparison: str, value: str, held: Any) -> bool:
    text = held if isinstance(held, str) else str(held).lower() if isinstance(held, bool) else repr(held)
    number = re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", value)
    is_number = isinstance(held, int | float) and not isinstance(held, bool)
    if comparison in {":", "="}:
        if comparison == ":" and re.search(r"[*?]", value):
            return fits(value, text)
        return text == value or bool(number and is_number and Decimal(text) == Decimal(value))
    day = re.fullmatch(r"([0-9]{4})(-[0-9]{2}(-[0-9]{2})?)?", value)
    if number and is_number:
        return ORDER[comparison](Decimal(text), Decimal(value))
    if not isinstance(held, str):
        return False
    if number and _NUMBER.fullmatch(held) and ORDER[comparison](Decimal(held.strip()), Decimal(value)):
        return True
    if day:
        written = re.fullmatch(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2})(?:[T ].*)?)?", held, re.DOTALL)
        if not written:
            return False
        start, end = (_day(moment) for moment in span(value))
        return _in_order(comparison, tuple(int(part or 1) for part in written.groups()), start, end)
    return not number and ORDER[comparison](held, value)


def _day(moment: datetime) -> tuple[int, int, int]:
    beyond = moment.date() == date.max
    return (10_000, 1, 1) if beyond else (moment.year, moment.month, moment.day)


def _in_order(comparison: str, moment: Any, start: Any, end: Any) -> bool:
    """After a period means after its end."""
    holds_for = {"<": moment < start, "<=": moment < end, ">": moment >= end, ">=": moment >= start}
    return bool(holds_for.get(comparison, start <= moment < end))


def span(value: str) -> tuple[datetime, datetime]:
    """The period of a date or a time."""
    parts = value[:10].split("-")
    start = datetime.fromisoformat("-".join([*parts, "01", "01"][:3]) + value[10:])
    start = start if start.tzinfo else start.replace(tzinfo=UTC)
    last = datetime.max.replace(tzinfo=UTC)
    if len(value) > 10:
        clock = re.sub(r"(Z|[-+][0-9:]+)$", "", value.split("T")[1])
        return start, start + timedelta(**{{5: "minutes", 8: "seconds"}.get(len(clock), "microseconds"): 1})
    end = start
    while end.isoformat()[: len(value)] == start.isoformat()[: len(value)]:
        try:
            end += timedelta(days=1)
        except OverflowError:
            return start, last
    return start, end


def fits(glob: str, text: str) -> bool:
    """Whether a text matches a glob, letter by letter."""

    @cache
    def from_here(g: int, t: int) -> bool:
        if g == len(glob):
            return t == len(text)
        if glob.startswith("**/", g):
            return from_here(g + 3, t) or any(
                text[end] == "/" and from_here(g + 3, end + 1) for end in range(t, len(text))
            )
        if glob.startswith("**", g):
            return any(from_here(g + 2, end) for end in range(t, len(text) + 1))
        if glob[g] == "*":
            return any(from_here(g + 1, end) for end in range(t, len(text) + 1) if "/" not in text[t:end])
        return t < len(text) and (text[t] == glob[g] or (glob[g] == "?" and text[t] != "/")) and from_here(g + 1, t + 1)

    return from_here(0, 0)
