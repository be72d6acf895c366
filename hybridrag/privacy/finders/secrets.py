"""Credentials: vendors' tokens, private keys, what URLs, headers, commands and files carry, what sentences tell."""

from __future__ import annotations

from collections.abc import Iterator

from hybridrag.privacy.finders.arguments import arguments
from hybridrag.privacy.finders.carriers import carried
from hybridrag.privacy.finders.columns import columns
from hybridrag.privacy.finders.commands import commands
from hybridrag.privacy.finders.entropy import random_strings
from hybridrag.privacy.finders.mentions import mentions
from hybridrag.privacy.finders.pem import private_keys
from hybridrag.privacy.finders.tokens import tokens
from hybridrag.types import Span


def credentials(text: str) -> Iterator[Span]:
    """The credentials in `text`: the value alone where a name stands before it. Spans may overlap."""
    yield from tokens(text)
    yield from private_keys(text)
    yield from carried(text)
    yield from commands(text)
    yield from arguments(text)
    yield from columns(text)
    yield from mentions(text)
    yield from random_strings(text)
