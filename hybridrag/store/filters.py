"""Filter clauses to SQL conditions with bound parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hybridrag.globs import glob_to_regex, path_to_regex
from hybridrag.types import Clause, Label

if TYPE_CHECKING:
    from psycopg import sql

_METADATA = """exists (
    select from jsonb_array_elements_text(
        case jsonb_typeof(d.metadata -> {key}) when 'array' then d.metadata -> {key}
        else jsonb_build_array(d.metadata -> {key}) end
    ) as held where held ~ {value}
)"""
"""A key that holds a list matches where one of its items does."""


def documents_matching(clauses: Sequence[Clause], collection: int) -> tuple[sql.Composed, dict[str, Any]]:
    """A query for the ids of the documents for which every clause holds, and its parameters."""
    from psycopg import sql

    conditions: list[sql.Composable] = [sql.SQL("d.collection_id = %(collection)s")]
    parameters: dict[str, Any] = {"collection": collection}
    for number, clause in enumerate(clauses):
        name = f"value{number}"
        bound = sql.Placeholder(name)
        if clause.field == "path":
            parameters[name] = path_to_regex(clause.value)
            conditions.append(sql.SQL("(d.path ~ {0} or s.name || '/' || d.path ~ {0})").format(bound))
        elif clause.field == "source":
            parameters[name] = glob_to_regex(clause.value)
            conditions.append(sql.SQL("s.name ~ {}").format(bound))
        elif clause.field == "type":
            parameters[name] = clause.value.lower().removeprefix(".")
            conditions.append(
                sql.SQL("(lower(d.media_type) = {0} or lower(substring(d.path from '\\.([^./]+)$')) = {0})").format(
                    bound
                )
            )
        elif clause.field == "label":
            parameters[name] = Label.parse(clause.value).value
            conditions.append(sql.SQL("d.label = {}").format(bound))
        else:
            key = f"key{number}"
            parameters[key] = clause.field.removeprefix("meta.")
            parameters[name] = glob_to_regex(clause.value)
            conditions.append(sql.SQL(_METADATA).format(key=sql.Placeholder(key), value=bound))
    query = sql.SQL("select d.id from document d join source s on s.id = d.source_id where {}")
    return query.format(sql.SQL(" and ").join(conditions)), parameters
