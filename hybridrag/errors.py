"""Everything that can go wrong, as one tree.

A `HybridragError` is a failure that a user can cause or meet. It says what happened and to what (`message`), what to do
(`hint`), whether the same command may succeed later (`retryable`), and how the process ends (`exit_code`). Any other
exception that reaches the command line is a bug and ends with exit code 70.

    HybridragError
    ├── UsageError              2   the command line is wrong
    ├── ConfigError             3   a settings file or variable is wrong
    ├── DatabaseError           4   PostgreSQL is missing, refuses, or lacks something
    ├── ModelError              5   an embedding model cannot be found, loaded or trusted
    ├── ProviderError           5   a chat provider refuses, fails or breaks off
    ├── DocumentsFailed         6   no given document could be read, or any failed under --strict
    ├── BlockedByPolicy         7   the privacy gateway refused; nothing was sent
    ├── RefusedForSafety        8   the run would delete too much
    ├── BelowBaseline          10   an evaluation fell below its baseline
    ├── DoctorUnhappy          11   a doctor check failed
    ├── NotGrounded            12   the answer is not grounded, under --require-grounded
    └── CollectionBusy         75   another run holds the collection

Messages never hold document text, keys or passwords.
"""

from __future__ import annotations

from typing import ClassVar


class HybridragError(Exception):
    """A failure with a message for people, a hint, and an exit code.

    `shown` are lines to print under the message as they stand, such as what was typed with a caret under the place.
    """

    exit_code: ClassVar[int] = 70
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "", shown: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.shown = shown


class UsageError(HybridragError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class ConfigError(HybridragError):
    """A settings file or an environment variable holds something that cannot be used."""

    exit_code = 3


class DatabaseError(HybridragError):
    """PostgreSQL cannot be reached or used."""

    exit_code = 4


class DatabaseUnavailable(DatabaseError):
    """The server does not answer now; it may later."""

    retryable = True


class ModelError(HybridragError):
    """An embedding model cannot be found, loaded, or gave vectors that must not be stored."""

    exit_code = 5


class HubUnavailable(ModelError):
    """The hub that models come from does not answer now, or breaks off; it may answer later."""

    retryable = True


class ProviderError(HybridragError):
    """A chat provider or an embedding server refused the request or answered something unusable."""

    exit_code = 5


class ProviderUnavailable(ProviderError):
    """A provider or an embedding server could not be reached, was overloaded, or broke off; it may answer later."""

    retryable = True


class DocumentsFailed(HybridragError):
    """Documents could not be read: all of them, or any under `--strict`."""

    exit_code = 6


class BlockedByPolicy(HybridragError):
    """The privacy gateway refused. Nothing was sent."""

    exit_code = 7


class RefusedForSafety(HybridragError):
    """The run would remove more than a careful user expects. Nothing was removed."""

    exit_code = 8


class BudgetSpent(HybridragError):
    """What may leave of a document, or in a day, has left. Nothing was sent."""

    exit_code = 9


class BelowBaseline(HybridragError):
    """A run is worse than what it was held against."""

    exit_code = 10


class DoctorUnhappy(HybridragError):
    """At least one doctor check failed."""

    exit_code = 11


class NotGrounded(HybridragError):
    """The answer, or a sentence of it, cites nothing, and the user asked for grounded answers only."""

    exit_code = 12


class CollectionBusy(HybridragError):
    """Another run holds this collection."""

    exit_code = 75
    retryable = True
