"""What a long flow tells while it works."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Where a flow reports. May be called from several threads."""

    def begin(self, documents: int, *, doing: str = "", unit: str = "") -> None:
        """So many documents are to be looked at, or so much of another `unit`; `doing` says what is done with them.

        Called again, it begins anew with another part of the work.
        """

    def advance(self, documents: int, tokens: int) -> None:
        """So many more documents are done, with so many tokens embedded for them."""

    def note(self, text: str) -> None:
        """Something worth a line."""


class Silent:
    """A `Progress` that says nothing."""

    def begin(self, documents: int, *, doing: str = "", unit: str = "") -> None: ...

    def advance(self, documents: int, tokens: int) -> None: ...

    def note(self, text: str) -> None: ...
