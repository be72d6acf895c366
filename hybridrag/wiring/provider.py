"""Settings to a chat provider: which one, at which address, with which key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hybridrag.config import CUSTOM_PROVIDER_KEY, ProviderSettings, Settings
from hybridrag.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from hybridrag.ports import ChatProvider
    from hybridrag.providers import Fields, Preset, Retry
    from hybridrag.types import ChatModel, Destination


class ChosenProvider:
    """The chat provider of the settings, opened when it is needed."""

    def __init__(self, settings: Settings, *, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ

    def order(self) -> tuple[str, ...]:
        """The names of the providers to try, the chosen one first; empty where none is: a fallback chooses nothing."""
        chosen = self._settings.provider
        names = (chosen, *self._settings.fallback) if chosen else ()
        return tuple(name for at, name in enumerate(names) if name.lower() not in map(str.lower, names[:at]))

    def named(self, name: str) -> ChosenProvider:
        """One of `order`. The model of the settings (`llm`) is the chosen provider's; the others have their own."""
        if name.lower() == self._settings.provider.lower():
            return self
        return ChosenProvider(replace(self._settings, provider=name, llm=""), environ=self._environ)

    def advice(self) -> str:
        """One line for people without a provider."""
        from hybridrag.providers import preset, preset_names

        variables = [v for v in (preset(name).key_variable for name in preset_names()) if v and self._environ.get(v)]
        seen = f" ({', '.join(variables)} is set)" if variables else ""
        return (
            f"no provider chosen{seen}: answering with sentences of your documents. "
            "To have an answer written: --provider NAME (`hybridrag providers list` shows them)"
        )

    def open(self, on_retry: Callable[[Retry], None]) -> ChatProvider:
        """The chosen provider. Raises where it is unknown, lacks its key, or is remote under --offline."""
        from hybridrag.providers import is_local, key_from_environment, runs_elsewhere, zero_retention

        name, chosen, model = self.settings()
        local = is_local(chosen.base_url, self._settings.local_addresses) and not runs_elsewhere(model)
        if self._settings.offline and not local:
            raise UsageError(
                f"--offline forbids the provider {name}", hint="choose one on this machine, or leave --offline out"
            )
        if not model:
            raise UsageError(
                f"no model is chosen for the provider {name}",
                hint="name one with --llm MODEL, or as `model` under [providers.NAME] in your settings",
            )
        keeps_nothing, stated = zero_retention(name, chosen.base_url, model, local=local, own=chosen.zdr)
        return _opened(
            chosen,
            name=name,
            base_url=chosen.base_url,
            model=model,
            key=key_from_environment(chosen.key_variable, self._environ) if chosen.key_variable else None,
            local=local,
            zero_retention=keeps_nothing,
            retention=stated,
            chat_model=_chat_model(name, chosen, model, local=local),
            on_retry=on_retry,
            silence=chosen.timeout or self._settings.provider_timeout,
        )

    def destination(self) -> Destination:
        """Where the chosen provider is. Raises as `open`."""
        return self.open(no_retry).destination

    @property
    def plain(self) -> bool:
        """Whether the provider may have text as it is: only where the user listed its address.

        Being on loopback is not enough: a proxy that forwards to a cloud listens there too.
        """
        from hybridrag.providers import is_listed, runs_elsewhere

        _, chosen, model = self.settings()
        return is_listed(chosen.base_url, self._settings.local_addresses) and not runs_elsewhere(model)

    def settings(self) -> tuple[str, ProviderSettings, str]:
        """The name, all that is set for it with the preset's facts filled in, and the model: empty where none is
        chosen. Raises UsageError for a name that is not known."""
        name, settings, model = self._found()
        return name, settings, self._settings.llm or settings.model or model

    def _found(self) -> tuple[str, ProviderSettings, str]:
        from hybridrag.providers import plugin_names, preset, preset_names

        name = self._settings.provider
        if "://" in name:
            key = CUSTOM_PROVIDER_KEY
            return "custom", ProviderSettings(base_url=name, key_variable=key if self._environ.get(key) else ""), ""
        # In any letter case, as presets are: a user's own address must not be lost to a capital letter.
        own = next((p for n, p in self._settings.providers.items() if n.lower() == name.lower()), ProviderSettings())
        if name.lower() not in preset_names():
            if own.base_url:
                return name, own, ""
            if own.format or name in plugin_names():
                return name, replace(own, format=own.format or name), ""
        return name, _completed(own, preset(name)), preset(name).model or ""


def no_retry(retry: Retry) -> None:
    """For a provider that is opened without sending anything."""
    raise ConfigError(f"a request was retried outside the ledger: {retry.reason}")


def _completed(own: ProviderSettings, known: Preset) -> ProviderSettings:
    """What the user set, with the preset's facts for the rest."""
    base_url = own.base_url or known.base_url
    # A preset's key belongs to the preset's addresses: it is not sent elsewhere because the address changed.
    key = known.key_variable if known.owns(base_url) else None
    return replace(
        own,
        base_url=base_url,
        key_variable=own.key_variable or key or "",
        format=own.format or known.format,
        omit=tuple(sorted(known.fields.omit)) if own.omit is None else own.omit,
        max_tokens_field=own.max_tokens_field or known.fields.length,
    )


def _opened(chosen: ProviderSettings, *, silence: float, **given: Any) -> ChatProvider:
    """The provider in its wire format, or the one that an installed package brings for it."""
    from hybridrag.providers import AnthropicMessages, OpenAICompatible, Timeouts, open_plugin

    if chosen.format not in {"", "openai", "anthropic"}:
        return open_plugin(chosen.format, **given)
    kind = AnthropicMessages if chosen.format == "anthropic" else OpenAICompatible
    return kind(fields=_fields(chosen, given["name"]), timeouts=Timeouts.of(silence), **given)


def _fields(chosen: ProviderSettings, name: str) -> Fields:
    from hybridrag.providers import Fields, preset, preset_names

    known = preset(name) if name.lower() in preset_names() else None
    return Fields(
        omit=frozenset(chosen.omit or ()),
        length="max_completion_tokens" if chosen.max_tokens_field == "max_completion_tokens" else "max_tokens",
        also=known.fields.also if known and known.owns(chosen.base_url) else {},
    )


def _chat_model(name: str, chosen: ProviderSettings, model: str, *, local: bool) -> ChatModel:
    from hybridrag.providers import chat_model
    from hybridrag.types import Price

    price = None
    if chosen.prompt_price is not None and chosen.completion_price is not None:
        price = Price(chosen.prompt_price, chosen.completion_price)
    return chat_model(name, chosen.base_url, model, local=local, context=chosen.context, price=price)
