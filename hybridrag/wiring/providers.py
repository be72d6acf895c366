"""The live objects of `providers list|show|test`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING

from hybridrag.config import CUSTOM_PROVIDER_KEY, ProviderSettings, Settings
from hybridrag.errors import ConfigError
from hybridrag.types import ChatModel
from hybridrag.wiring.provider import ChosenProvider, no_retry

if TYPE_CHECKING:
    from hybridrag.flows.providers import Shown, Tried
    from hybridrag.ports import ChatProvider
    from hybridrag.providers import Preset
    from hybridrag.store.spending import Spent
    from hybridrag.wiring import Wiring

_ANY = "any"
"""Stands for a key or a model that is not there, where a provider is only looked at."""


@dataclass(frozen=True)
class Providers:
    """Providers to look at and to try. Nothing is opened before it is needed."""

    wiring: Wiring
    _environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def all(self) -> list[Shown]:
        """Every preset, the providers of the user's own file and those that installed packages bring, each once."""
        from hybridrag.providers import plugin_names, preset_names

        names = {name.lower(): name for name in (*preset_names(), *self.wiring.settings.providers, *plugin_names())}
        return [self._shown(name, llm="") for name in names.values()]

    def one(self, name: str) -> Shown:
        """What is known of a provider, with the model that the command line names. Raises UsageError for an unknown
        one."""
        settings = self.wiring.settings
        return self._shown(name, llm=settings.llm if settings.origins["llm"] == "--llm" else "")

    def tried(self) -> Tried:
        """Asks the chosen provider for a few words."""
        from hybridrag.flows.providers import try_provider

        return try_provider(
            gateway=self.wiring.gateway,
            open_provider=self.wiring.provider.open,
            spending=self.wiring.spending,
            plain=self.wiring.provider.plain,
            notify=self.wiring.notify,
        )

    def spent(self) -> Spent | None:
        """What today has cost; None where the embedded database does not run, which is not started for this."""
        server = self.wiring.server
        return None if server is not None and not server.status().running else self.wiring.spending.today()

    def _shown(self, name: str, *, llm: str) -> Shown:
        from hybridrag.flows.providers import Shown, kept_in_short
        from hybridrag.providers import preset, preset_names

        settings = replace(self.wiring.settings, provider=name, llm=llm, offline=False)
        _, found, model = ChosenProvider(settings, environ=self._environ).settings()
        known = preset(name) if name.lower() in preset_names() else None
        opened, problem = self._looked_at(replace(settings, llm=model or _ANY), found)
        variable = found.key_variable or (CUSTOM_PROVIDER_KEY if "://" in name else "")
        there = opened.destination if opened else None
        return Shown(
            name=name,
            base_url=found.base_url,
            format=found.format or "openai",
            key_variable=variable,
            key_set=bool(self._environ.get(variable, "").strip()),
            model=model,
            chat_model=opened.chat_model if opened and model else ChatModel(),
            local=there.local if there else False,
            keeps_nothing=there.zero_retention if there else False,
            retention=there.retention if there else "nothing is known of it",
            kept=kept_in_short(there, known, own=found.zdr),
            facts=known.facts(found.base_url, model) if known else None,
            source=known.source if known else "",
            checked=known.checked if known else "",
            origins=self._origins(name, known, llm=llm),
            problem=problem,
        )

    def _looked_at(self, settings: Settings, found: ProviderSettings) -> tuple[ChatProvider | None, str]:
        """The provider as a request would find it, with a stand-in for its key, and why it could not be used.

        What a package brings is not run, only to be looked at.
        """
        if found.format not in {"", "openai", "anthropic"}:
            return None, ""
        keys = {found.key_variable: _ANY} if found.key_variable else {}
        try:
            return ChosenProvider(settings, environ=keys).open(no_retry), ""
        except ConfigError as exc:
            return None, exc.message

    def _origins(self, name: str, known: Preset | None, *, llm: str) -> dict[str, str]:
        """Where each fact is from, by its name: the user's file, the command line, or the program's presets."""
        settings = self.wiring.settings
        own = next((table for key, table in settings.providers.items() if key.lower() == name.lower()), None)
        said = {f.name for f in fields(own) if getattr(own, f.name) not in {"", None}} if own else set()
        file, others = settings.origins["providers"], {} if known is None else dict.fromkeys(_FACTS, "preset")
        facts = {**others, **{fact: file for fact, setting in _FACTS.items() if setting in said}}
        return {**facts, "model": settings.origins["llm"]} if llm else facts


_FACTS = {
    "base_url": "base_url",
    "key_variable": "key_variable",
    "model": "model",
    "context": "context",
    "price": "prompt_price",
}
"""The facts whose origin is told, and the setting that says each."""
