"""An API key that cannot be printed by accident."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NoReturn

from hybridrag.errors import ConfigError


class Secret:
    """A key. `str`, `repr`, formatting, `vars` and pickling never show it; `reveal()` does.

    `origin` says where it came from (the name of an environment variable) and may appear in messages. Raises
    ConfigError, without the value, for a key that no HTTP header can carry: blank, or with a space or anything but
    printable ASCII in it.
    """

    __slots__ = ("__value", "origin")

    def __init__(self, value: str, *, origin: str) -> None:
        flaw = _flaw(value)
        if flaw:
            raise ConfigError(
                f"The key in {origin} {flaw}.",
                hint=f"Set {origin} again to the key alone, as the provider shows it, without quotes or line breaks.",
            )
        self.__value = value
        self.origin = origin

    def reveal(self) -> str:
        """The key itself, for the one header that carries it."""
        return self.__value

    def mask(self, text: str) -> str:
        """`text` with every occurrence of the key, in any letter case, replaced by `***`."""
        return re.sub(re.escape(self.__value), "***", text, flags=re.IGNORECASE)

    def __repr__(self) -> str:
        return f"Secret(origin={self.origin!r})"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled or copied")


def key_from_environment(variable: str, environ: Mapping[str, str] = os.environ) -> Secret:
    """The key in an environment variable. Raises ConfigError where it is missing, blank, or cannot be a key."""
    value = environ.get(variable, "")
    if not value.strip():
        state = "is empty" if variable in environ else "is not set"
        raise ConfigError(
            f"The provider needs a key, and {variable} {state}.",
            hint=f"Set it in the environment: export {variable}=...",
        )
    return Secret(value, origin=variable)


def _flaw(value: str) -> str:
    if not value.strip():
        return "is empty"
    if "\n" in value or "\r" in value:
        return "contains a line break"
    if any(character.isspace() for character in value):
        return "contains a space"
    if not value.isascii():
        return "contains a character outside ASCII"
    if not value.isprintable():
        return "contains a control character"
    return ""
