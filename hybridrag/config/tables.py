"""Settings that are tables: providers, endpoints, labels, dictionaries, policy. Each raises ValueError as `values` do.

`ProviderSettings` and `EndpointSettings` are tables of entries themselves: a new key is an entry there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hybridrag.config import values
from hybridrag.config.entry import entries_of, said
from hybridrag.types import Label

_omitted = values.one_of("max_tokens", "stream_options", "temperature")


def providers(value: object) -> Mapping[str, ProviderSettings]:
    if not isinstance(value, Mapping):
        raise ValueError("must be tables such as [providers.together]")
    return MappingProxyType({str(name): _provider(str(name), table) for name, table in value.items()})


def _provider(name: str, table: object) -> ProviderSettings:
    made = ProviderSettings(**_keys_of(ProviderSettings, table, f"providers.{name}"))
    if (made.prompt_price is None) != (made.completion_price is None):
        raise ValueError(f"providers.{name} needs both prices: prompt_price and completion_price")
    return made


def endpoints(value: object) -> Mapping[str, EndpointSettings]:
    if not isinstance(value, Mapping):
        raise ValueError("must be tables such as [endpoints.gpu]")
    return MappingProxyType({values.endpoint_name(name): _endpoint(str(name), table) for name, table in value.items()})


def _endpoint(name: str, table: object) -> EndpointSettings:
    return EndpointSettings(**_keys_of(EndpointSettings, table, f"endpoints.{name}"))


def labels(value: object) -> tuple[tuple[str, Label], ...]:
    if not isinstance(value, Mapping):
        raise ValueError('must be a table of globs to labels, such as "hr/**" = "confidential"')
    return tuple((values.text(glob), _label(level)) for glob, level in value.items())


def _label(value: object) -> Label:
    try:
        return Label.parse(values.text(value))
    except ValueError:
        raise ValueError(f"{value!r} is none of {', '.join(Label)}") from None


def dictionaries(value: object) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, Mapping):
        raise ValueError('must be a table of types to files, such as CUSTOMER = "customers.txt"')
    for name in value:
        if not re.fullmatch(r"[A-Z]{1,10}", str(name)):
            raise ValueError(f"{name!r} is no type: 1 to 10 capital letters")
    return MappingProxyType({str(name): values.entries(files) for name, files in value.items()})


def policy(value: object) -> Mapping[str, Any]:
    """The table as it stands: what it says is read where policy is known."""
    if not isinstance(value, Mapping):
        raise ValueError("must be a table, such as [policy.actions]")
    return MappingProxyType(dict(value))


def _keys_of(made: type[Any], table: object, where: str) -> dict[str, Any]:
    """The values of a table whose keys are the entries of `made`."""
    if not isinstance(table, Mapping):
        raise ValueError(f"{where} must be a table")
    known = entries_of(made)
    found = {}
    for key, value in table.items():
        if key not in known:
            raise ValueError(f"unknown key {key} in {where}; known: {', '.join(sorted(known))}")
        try:
            found[key] = known[key].parse(value)
        except ValueError as exc:
            raise ValueError(f"{where}.{key}: {exc}") from None
    return found


def _true_or_false(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def _price(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise ValueError("must be US dollars for a million tokens, 0 or above")
    return float(value)


def _optional_fields(value: object) -> tuple[str, ...]:
    return tuple(_omitted(name) for name in values.entries(value))


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """What the user's file says about one chat provider; empty fields keep the preset's value."""

    base_url: str = field(default="", metadata=said(values.text))
    model: str = field(default="", metadata=said(values.text))
    key_variable: str = field(default="", metadata=said(values.text))
    zdr: bool | None = field(default=None, metadata=said(_true_or_false))
    """Whether it keeps nothing of a request (zero data retention); None leaves that to the preset's facts."""
    format: str = field(default="", metadata=said(values.text))
    """Its wire format: `openai`, `anthropic`, or what an installed package brings."""
    context: int | None = field(default=None, metadata=said(values.tokens))
    """Tokens."""
    prompt_price: float | None = field(default=None, metadata=said(_price))
    """US dollars for a million tokens."""
    completion_price: float | None = field(default=None, metadata=said(_price))
    omit: tuple[str, ...] | None = field(default=None, metadata=said(_optional_fields))
    """Optional fields of a request that it refuses."""
    max_tokens_field: str = field(default="", metadata=said(values.one_of("max_tokens", "max_completion_tokens")))
    """What it calls the bound of a reply."""
    timeout: float | None = field(default=None, metadata=said(values.seconds))
    """As `provider_timeout`."""


@dataclass(frozen=True, slots=True)
class EndpointSettings:
    """What the user's file says about one embedding or rerank endpoint. Empty fields keep what its name and its model
    say."""

    base_url: str = field(default="", metadata=said(values.embedder))
    key_variable: str = field(default="", metadata=said(values.text))
    query_prompt: str | None = field(default=None, metadata=said(values.verbatim))
    document_prompt: str | None = field(default=None, metadata=said(values.verbatim))
    window: int = field(default=0, metadata=said(values.tokens))
    """Tokens; 0 means not given."""
    dimensions: int = field(default=0, metadata=said(values.dimensions))
    """What the server is asked for; 0 means not given."""
    rerank_api: str = field(default="", metadata=said(values.one_of("cohere", "tei")))
    """The form of rerank requests: `cohere`, as most servers have it, or `tei`."""
