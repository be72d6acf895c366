"""SQL lives in `sql/*.sql`, in blocks that begin with `-- name: NAME`; this reads them."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, LiteralString, cast

if TYPE_CHECKING:
    from psycopg import sql

    from hybridrag.store.connection import Connection


@cache
def statement(name: str) -> LiteralString:
    """The SQL block of that name. Raises KeyError where there is none."""
    return _blocks()[name]


def one(tx: Connection, name: str, **values: Any) -> dict[str, Any]:
    """The row of a block that always gives exactly one: an aggregate, or `returning`."""
    row = tx.execute(statement(name), values).fetchone()
    assert row is not None
    return row


def on_vectors(name: str, generation: int, *, other: int = 0, **parts: int) -> sql.Composed:
    """A block that names a generation's vector table, or a part of it, with numbers for its other `{parts}`.

    `other` is a second generation, whose table the block calls `{other_vectors}`.
    """
    from psycopg import sql

    literals = {key: sql.Literal(value) for key, value in parts.items()}
    table = f"vectors_{generation}"
    names = {
        "vectors": table,
        "scanned_vectors": f"{table}_scanned",
        "indexed_vectors": f"{table}_indexed",
        "vector_index": f"{table}_hnsw",
        "other_vectors": f"vectors_{other}",
    }
    return sql.SQL(statement(name)).format(**{key: sql.Identifier(name) for key, name in names.items()}, **literals)


@cache
def _blocks() -> dict[str, LiteralString]:
    blocks: dict[str, LiteralString] = {}
    for file in sorted(resources.files("hybridrag.store").joinpath("sql").iterdir(), key=lambda f: f.name):
        if not file.name.endswith(".sql"):
            continue
        parts = re.split(r"(?m)^-- name: (\w+)\n", file.read_text(encoding="utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            # Our own files, shipped with the package: as literal as a string in the source.
            blocks[name] = cast(LiteralString, text.strip().rstrip(";"))
    return blocks
