"""What the model is given for a chunk: title and headings on a line, the head of its table, and its text."""

from __future__ import annotations

import hashlib


def prefix(title: str, headings: tuple[str, ...], text: str) -> str:
    """Title and headings as one line, but for those that stand at the beginning of `text` itself."""
    opening = text[:300]
    parts = [part for part in dict.fromkeys((title, *headings)) if part not in opening]
    return " > ".join(parts) + "\n" if parts else ""


def headed(head: str) -> str:
    """The head of a table as it stands before its rows."""
    return head + "\n" if head else ""


def embed_text(title: str, headings: tuple[str, ...], text: str, text_hash: bytes, *, head: str = "") -> str | None:
    """What the model was given for a chunk, told by its hash: prefix and head stand there unless they were too long.

    None where no way of it has that hash: a chunk that another version made.
    """
    line = prefix(title, headings, text)
    candidates = (before + text for before in dict.fromkeys((line + headed(head), line, headed(head), "")))
    return next((it for it in candidates if hashlib.sha256(it.encode()).digest() == text_hash), None)
