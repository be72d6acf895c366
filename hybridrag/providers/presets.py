"""Known providers: where they are, which variable holds their key, a model to begin with, its price, what they keep.

The facts are in `presets.toml`, each with a date and a source. They hold at the provider's own address only.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib import resources
from typing import Any, Literal
from urllib.parse import urlsplit

from hybridrag.errors import UsageError
from hybridrag.providers.addresses import check_url
from hybridrag.providers.wire import LENGTH_FIELDS, OPTIONAL_FIELDS, Fields
from hybridrag.types import ChatModel, Price


@dataclass(frozen=True, slots=True)
class Retention:
    """What a provider states about keeping requests and replies, by `source`, as it read on the day `checked`.

    `zero` is whether it states that it keeps none: `yes` for everybody, `optional` where the customer must switch that
    on, `no`, or `not stated`. `except_models` are globs of models for which the statement does not hold.
    """

    zero: Literal["yes", "optional", "no", "not stated"]
    said: str
    source: str
    checked: str
    except_models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model's price (US dollars for a million tokens) and the tokens that it takes at it. `model` is a glob."""

    model: str
    source: str
    checked: str
    context: int | None = None
    prompt: float | None = None
    completion: float | None = None
    note: str = ""

    @property
    def chat_model(self) -> ChatModel:
        known = self.prompt is not None and self.completion is not None
        return ChatModel(self.context, Price(self.prompt or 0.0, self.completion or 0.0) if known else None)


@dataclass(frozen=True, slots=True)
class Preset:
    """A provider that is known by name.

    `key_variable` is None where no key is needed, `model` where the user must choose. `checked` is the day (ISO 8601)
    on which `source` said so. `hosts` are globs of further hosts that are the provider's.
    """

    name: str
    base_url: str
    source: str
    checked: str
    retention: Retention
    key_variable: str | None = None
    model: str | None = None
    format: str = "openai"
    fields: Fields = field(default_factory=Fields)
    hosts: tuple[str, ...] = ()
    models: tuple[ModelFacts, ...] = ()

    def owns(self, base_url: str) -> bool:
        """Whether an address is this provider's own, dedicated deployments included: its key may go there."""
        return _host(base_url) == _host(self.base_url) or any(_matches(base_url, glob) for glob in self.hosts)

    def facts(self, base_url: str, model: str) -> ModelFacts | None:
        """What is known of a model there. Nothing of a dedicated deployment, which is paid by its time."""
        if _host(base_url) != _host(self.base_url):
            return None
        return next((each for each in self.models if fnmatchcase(model.lower(), each.model.lower())), None)


def preset(name: str) -> Preset:
    """The preset of this name, in any letter case. Raises UsageError, with the nearest names, for an unknown one."""
    wanted = name.strip().lower()
    if wanted in _presets():
        return _presets()[wanted]
    close = difflib.get_close_matches(wanted, _presets(), n=2, cutoff=0.5)
    meant = f"Did you mean {' or '.join(close)}? " if close else ""
    raise UsageError(
        f"There is no provider named {name!r}.",
        hint=f"{meant}Known: {', '.join(_presets())}; any OpenAI-compatible address (https://...) works too.",
    )


def preset_names() -> tuple[str, ...]:
    """Every known name, hosted providers first."""
    return tuple(_presets())


def zero_retention(name: str, base_url: str, model: str, *, local: bool, own: bool | None) -> tuple[bool, str]:
    """Whether a provider keeps nothing of a request, and what that rests on, as the end of a sentence.

    `own` is what the user's file says of it (`[providers.NAME] zdr`), which counts before everything. A preset's
    facts hold at its own address only, and for a local server of its name; other addresses state nothing.
    """
    if own is not None:
        return own, f"your settings say zdr = {str(own).lower()} for it"
    known = _presets().get(name.strip().lower())
    if known is not None and not local and not known.owns(base_url):
        known = None
    if known is not None and any(fnmatchcase(model.lower(), glob) for glob in known.retention.except_models):
        return False, f"{model} is not among the models for which {_told(known.retention)}"
    if local:
        return True, "it is local"
    if known is None:
        return False, "nothing is known of this address; your own file may say [providers.NAME] zdr = true"
    return known.retention.zero == "yes", _told(known.retention)


def chat_model(
    name: str, base_url: str, model: str, *, local: bool, context: int | None, price: Price | None
) -> ChatModel:
    """What is known of a model: by the user's file (`context`, `price`), else by the preset. A local one is free."""
    known = _presets().get(name.strip().lower())
    facts = known.facts(base_url, model) if known else None
    told = facts.chat_model if facts else ChatModel()
    return ChatModel(context or told.context, price or (Price(0.0, 0.0) if local else told.price))


def runs_elsewhere(model: str) -> bool:
    """Whether a server on this machine forwards requests for this model to a cloud, as Ollama does by its name."""
    return any(fnmatchcase(model.lower(), glob) for glob in preset("ollama").retention.except_models)


def _told(facts: Retention) -> str:
    return f"{facts.said} ({facts.source}, as of {facts.checked})"


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url.strip())
    return parts.scheme.lower(), parts.netloc.lower()


def _matches(url: str, glob: str) -> bool:
    """Whether a URL's host is one of a glob's, part by part: `*` never stands for a dot."""
    scheme, host = _host(url)
    parts, globs = host.split("."), glob.split(".")
    return scheme == "https" and len(parts) == len(globs) and all(map(fnmatchcase, parts, globs))


@cache
def _presets() -> Mapping[str, Preset]:
    text = resources.files("hybridrag.providers").joinpath("presets.toml").read_text(encoding="utf-8")
    return {name: _preset(name, table) for name, table in tomllib.loads(text).items()}


def _preset(name: str, table: dict[str, Any]) -> Preset:
    """A preset as the file has it. Raises ValueError or TypeError for one that makes no sense."""
    retention = Retention(**_tuples(table.pop("retention")))
    models = tuple(ModelFacts(**each) for each in table.pop("models", []))
    omit, length = frozenset(table.pop("omit", [])), table.pop("max_tokens_field", "max_tokens")
    fields = Fields(omit=omit, length=length, also=table.pop("also", {}))
    made = Preset(name=name, retention=retention, models=models, fields=fields, **_tuples(table))
    dated: tuple[Preset | Retention | ModelFacts, ...] = (made, retention, *models)
    for facts in dated:
        date.fromisoformat(facts.checked)
        check_url(facts.source)
    check_url(made.base_url)
    sensible = (
        retention.zero in {"yes", "optional", "no", "not stated"}
        and omit <= set(OPTIONAL_FIELDS)
        and length in LENGTH_FIELDS
        and all((each.context or 1) > 0 <= min(each.prompt or 0, each.completion or 0) for each in models)
        and all((each.prompt is None) == (each.completion is None) for each in models)
    )
    if not sensible:
        raise ValueError(f"the preset {name} makes no sense")
    return made


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in table.items()}
