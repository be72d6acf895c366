"""A label as a flag names it."""

from __future__ import annotations

from hybridrag.errors import UsageError
from hybridrag.types import Label


def label_named(text: str) -> Label:
    """The label of `--label`. Raises UsageError for a word that is none."""
    try:
        return Label.parse(text)
    except ValueError:
        raise UsageError(f"--label: {text!r} is none of {', '.join(Label)}") from None
