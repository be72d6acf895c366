"""What a reader of JSON sees."""

from __future__ import annotations

from typing import Any


def texts(value: Any) -> list[str]:
    """Every string of a decoded JSON value, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else []
