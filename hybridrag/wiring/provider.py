"""Settings to a chat provider: which one, at which address, with which key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hybridrag.config import CUSTOM_PROVIDER_KEY, ProviderSettings, Settings
from hybridrag.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from hybridrag.ports import ChatProvider
    from hybridrag.providers import Retry


class ChosenProvider:
    """The chat provider of the settings, opened when it is needed."""

    def __init__(self, settings: Settings, *, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self._environ = environ

    def advice(self) -> str:
        """One line for people without a provider."""
        from hybridrag.providers import preset, preset_names

        variables = [v for v in (preset(name).key_variable for name in preset_names()) if v and self._environ.get(v)]
        seen = f" ({', '.join(variables)} is set)" if variables else ""
        return (
            f"no provider chosen{seen}: answering with sentences of your documents. "
            "To have an answer written: hybridrag ask --provider together|fireworks|baseten|URL"
        )

    def open(self, on_retry: Callable[[Retry], None]) -> ChatProvider:
        """The chosen provider. Raises where it is unknown, lacks its key, or is remote under --offline."""
        from hybridrag.providers import OpenAICompatible, is_local, key_from_environment
        from hybridrag.providers.presets import runs_elsewhere, zero_retention

        name, chosen, model = self._settings()
        local = is_local(chosen.base_url, self.settings.local_addresses) and not runs_elsewhere(model)
        if self.settings.offline and not local:
            raise UsageError(
                f"--offline forbids the provider {name}", hint="choose one on this machine, or leave --offline out"
            )
        if not model:
            raise UsageError(f"no model is chosen for the provider {name}", hint="name one with --llm MODEL")
        keeps_nothing, stated = zero_retention(name, chosen.base_url, model, local=local, own=chosen.zdr)
        return OpenAICompatible(
            name=name,
            base_url=chosen.base_url,
            model=model,
            key=key_from_environment(chosen.key_variable, self._environ) if chosen.key_variable else None,
            local=local,
            zero_retention=keeps_nothing,
            retention=stated,
            on_retry=on_retry,
        )

    @property
    def plain(self) -> bool:
        """Whether the provider may have text as it is: only where the user listed its address.

        Being on loopback is not enough: a proxy that forwards to a cloud listens there too.
        """
        from hybridrag.providers import is_listed
        from hybridrag.providers.presets import runs_elsewhere

        _, chosen, model = self._settings()
        return is_listed(chosen.base_url, self.settings.local_addresses) and not runs_elsewhere(model)

    def _settings(self) -> tuple[str, ProviderSettings, str]:
        """Name, address and key variable of the chosen provider, and the model: empty where none is chosen."""
        name, settings, model = self._preset()
        return name, settings, self.settings.llm or settings.model or model

    def _preset(self) -> tuple[str, ProviderSettings, str]:
        from hybridrag.providers import preset, preset_names

        name = self.settings.provider
        if "://" in name:
            key = CUSTOM_PROVIDER_KEY
            return "custom", ProviderSettings(base_url=name, key_variable=key if self._environ.get(key) else ""), ""
        # In any letter case, as presets are: a user's own address must not be lost to a capital letter.
        own = next((p for n, p in self.settings.providers.items() if n.lower() == name.lower()), ProviderSettings())
        if own.base_url and name.lower() not in preset_names():
            return name, own, ""
        known = preset(name)
        if own.base_url and not own.key_variable:
            # A preset's key belongs to the preset's address: it is not sent elsewhere because the address changed.
            return name, own, known.model or ""
        settings = replace(
            own, base_url=own.base_url or known.base_url, key_variable=own.key_variable or known.key_variable or ""
        )
        return name, settings, known.model or ""


def no_retry(retry: Retry) -> None:
    """For a provider that is opened without sending anything."""
    raise ConfigError(f"a request was retried outside the ledger: {retry.reason}")
