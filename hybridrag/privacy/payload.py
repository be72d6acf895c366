"""A request body as a reader of it would see it: every string that JSON decoding yields."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hybridrag.errors import BlockedByPolicy


def decoded_strings(body: bytes) -> Iterator[tuple[str, str]]:
    """(where, text) for every string, key and number in `body`, repeated keys included.

    `where` is a path such as `messages[1].content`. Raises BlockedByPolicy if `body` is not JSON in UTF-8.
    """
    try:
        tree = json.loads(
            body.decode("utf-8"), object_pairs_hook=_Pairs, parse_int=str, parse_float=str, parse_constant=_refuse
        )
        yield from _walk(tree, "")
    except (ValueError, RecursionError) as exc:
        raise BlockedByPolicy(
            f"The request body is not JSON that could be checked ({type(exc).__name__}); nothing was sent.",
            hint="Only bodies that decode completely can leave. This is a fault of the provider's encoder.",
        ) from exc


class _Pairs(list[tuple[str, object]]):
    """A JSON object with every pair it was written with; a dict would hide repeated keys."""


def _walk(node: object, where: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield where or "body", node
    elif isinstance(node, _Pairs):
        for key, value in node:
            yield f"a key in {where or 'body'}", key
            # A key is part of the payload too, and may be what must not be shown.
            step = key if key.isascii() and key.isidentifier() and len(key) <= 24 and not _numbered(key) else "*"
            yield from _walk(value, f"{where}.{step}" if where else step)
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _walk(value, f"{where}[{index}]")


def _numbered(key: str) -> bool:
    return any(char.isdigit() for char in key)


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
