"""Passwords in database addresses: seen, masked, and refused in files."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from hybridrag.errors import ConfigError

_GUARDED = r"(?:(?:ssl)?password|oauth_client_secret|scram_\w+_key)"
_VALUE = r"('(?:[^'\\]|\\.)*(?:'|$)|(?:[^\s\\]|\\.)+)"
_ANY = re.IGNORECASE | re.DOTALL


def mask_password(url: str) -> str:
    """A database address without its passwords, in URL and in `key=value` form."""
    if not re.match(r"\s*\w+://", url):
        return re.sub(rf"(\b{_GUARDED}\s*=\s*){_VALUE}", r"\1***", url, flags=_ANY)

    def parameter(match: re.Match[str]) -> str:
        # libpq takes escapes in a keyword as well.
        return f"{match[1]}***" if re.fullmatch(_GUARDED, unquote(match[2]), flags=_ANY) else match[0]

    url = re.sub(r"([?&]([^=&]+)=)[^&]+", parameter, url)
    # A password may hold an unescaped @, / or ?; a port is followed by a path, a query or nothing.
    return re.sub(r"(://[^/@:?\[]*):(?!\d*(?:,[^/@?]*)?(?:/[^@?]*)?(?:\?|$)).*@", r"\1:***@", url, flags=_ANY)


def has_password(url: str) -> bool:
    return mask_password(url) != url


def no_password(name: str, value: object, file: Path) -> None:
    """A settings file holds no password. Raises ConfigError for an address with one."""
    if has_password(str(value)):
        raise ConfigError(
            f"{file}: {name} holds a password",
            hint="leave it out and use PGPASSFILE, PGPASSWORD, or HYBRIDRAG_DATABASE_URL in the environment",
        )
