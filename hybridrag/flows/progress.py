"""What a long flow tells while it works."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where a flow reports. May be called from several threads."""

    def begin(self, documents: int) -> None:
        """So many documents are to be looked at."""

    def advance(self, documents: int, tokens: int) -> None:
        """So many more documents are done, with so many tokens embedded for them."""

    def note(self, text: str) -> None:
        """Something worth a line."""


class Silent:
    """A `Progress` that says nothing."""

    def begin(self, documents: int) -> None: ...

    def advance(self, documents: int, tokens: int) -> None: ...

    def note(self, text: str) -> None: ...
