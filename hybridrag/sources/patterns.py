"""Include and exclude patterns of a source, written as in a `.gitignore`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hybridrag.errors import UsageError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


def patterns(written: tuple[str, ...], flag: str) -> GitIgnoreSpec | None:
    """What matches the paths that are meant; None where nothing is `written`.

    Raises UsageError, which names the `flag`, for a pattern that cannot be read.
    """
    if not written:
        return None
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines([pattern.removeprefix("./") for pattern in written], backend="simple")
    except ValueError as error:
        raise UsageError(
            f"{flag} holds a pattern that cannot be read", hint="Write it as in .gitignore: docs/**, *.md."
        ) from error
