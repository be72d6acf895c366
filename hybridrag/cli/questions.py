"""A question as it was typed, or from stdin."""

from __future__ import annotations

import sys

from hybridrag.errors import UsageError

MOST_CHARACTERS = 20_000


def question_of(given: str) -> str:
    """The question; `-` reads it from stdin. Raises UsageError where it is empty, far too long, or no text."""
    text = given
    if given == "-":
        text = sys.stdin.buffer.read(MOST_CHARACTERS * 4 + 1).decode("utf-8", "replace")
    # Arguments that are not UTF-8 arrive with surrogates in their place.
    text = text.encode("utf-8", "replace").decode().replace("\0", " ").strip()
    if not text:
        raise UsageError("the question is empty", hint="for example: hybridrag ask 'Who approves travel?'")
    if len(text) > MOST_CHARACTERS:
        raise UsageError(
            f"the question has {len(text)} characters; {MOST_CHARACTERS} is the most", hint="ingest long texts instead"
        )
    return text
