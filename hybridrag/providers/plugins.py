"""Chat providers that other packages bring: found by name, opened, and held to what they promised.

An entry of the group is a callable. It is given the keywords `name`, `base_url`, `model`, `key`, `local`,
`zero_retention`, `retention`, `chat_model` and `on_retry`, and returns a `ChatProvider`. Its duty: it sends the bytes
of a sealed `Outbound` and nothing else, to the destination that they were sealed for. `on_retry` is called before each
further attempt, which is how that gets into the ledger. `tests/contract/test_chat_provider.py` is what to run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from hybridrag.entries import entries_of, installed
from hybridrag.errors import ConfigError, HybridragError, ProviderError
from hybridrag.providers.addresses import check_url, origin
from hybridrag.types import ChatModel, Completion, Destination, Outbound, Prompt

if TYPE_CHECKING:
    from hybridrag.ports import ChatProvider

GROUP = "hybridrag.providers"


def plugin_names() -> tuple[str, ...]:
    """The names that installed packages bring. Nothing of them is imported."""
    return installed(GROUP)


def open_plugin(kind: str, **given: Any) -> ChatProvider:
    """The provider that the entry point `kind` opens, as `given` describes it. Raises ConfigError where it cannot be
    opened, or is not what was asked for."""
    made = _attempt(kind, "cannot be opened", lambda: _entry(kind).load()(**given))
    return _Held(kind, made, given)


class _Held:
    """A provider of another package under the destination that it began with, its output checked."""

    def __init__(self, kind: str, made: Any, given: dict[str, Any]) -> None:
        self._kind = kind
        self._made = made
        self._destination: Destination = _attempt(kind, "has no destination", lambda: made.destination)
        self._chat_model: ChatModel = _attempt(kind, "has no chat_model", lambda: made.chat_model)
        if not isinstance(self._destination, Destination) or not isinstance(self._chat_model, ChatModel):
            raise _unfit(kind, "has a destination or a chat_model of another type")
        for promise, name in _PROMISED.items():
            if getattr(self._destination, promise) != given[name]:
                raise _unfit(kind, f"gives itself another {name} than it was given")
        check_url(self._destination.url, listed_local=given["local"])
        if given["base_url"] and origin(self._destination.url) != origin(given["base_url"]):
            raise _unfit(kind, "sends to another host than its base_url")
        if not callable(getattr(made, "encode", None)) or not callable(getattr(made, "send", None)):
            raise _unfit(kind, "has no encode or no send")

    @property
    def destination(self) -> Destination:
        return self._destination

    @property
    def chat_model(self) -> ChatModel:
        return self._chat_model

    def encode(self, prompt: Prompt) -> bytes:
        body = _attempt(self._kind, "cannot encode a request", lambda: self._made.encode(prompt))
        if not isinstance(body, bytes):
            raise _unfit(self._kind, "encodes a request as something else than bytes")
        return body

    def send(self, outbound: Outbound) -> Iterator[str | Completion]:
        """What it streams, once it was sealed for this destination. An answer without a `Completion` broke off."""
        if outbound.destination != self._destination:
            raise _unfit(self._kind, "was handed a request that was sealed for another destination")
        events = iter(_attempt(self._kind, "failed to send", lambda: self._made.send(outbound), ProviderError))
        ended = False
        while (event := _attempt(self._kind, "failed", lambda: next(events, None), ProviderError)) is not None:
            if ended or not isinstance(event, str | Completion):
                raise ProviderError(_said(self._kind, "answered with something that is no text"), hint=_HINT)
            ended = isinstance(event, Completion)
            if event != "":
                yield event
        if not ended:
            raise ProviderError(_said(self._kind, "stopped before its answer was complete"), hint=_HINT)


def _entry(kind: str) -> EntryPoint:
    found = entries_of(GROUP, kind)
    if not found:
        known = ", ".join(plugin_names()) or "none"
        raise ConfigError(
            f"There is no provider format {kind!r}.",
            hint=f"openai, anthropic, or what a package brings (installed: {known}).",
        )
    if len(found) > 1:
        raise ConfigError(
            f"Several packages bring a provider {kind!r}.",
            hint=f"Uninstall all but one of: {', '.join(entry.value for entry in found)}.",
        )
    return found[0]


def _attempt(
    kind: str, what: str, call: Callable[[], Any], error: type[ConfigError] | type[ProviderError] = ConfigError
) -> Any:
    """What a call into the package returns. Other errors than ours are told by type: their text may hold the key."""
    try:
        return call()
    except HybridragError:
        raise
    except Exception as exc:
        failure = type(exc).__name__
    raise error(_said(kind, f"{what} ({failure})"), hint=_HINT)


def _unfit(kind: str, what: str) -> ConfigError:
    return ConfigError(_said(kind, what), hint=_HINT)


def _said(kind: str, what: str) -> str:
    return f"The installed provider {kind!r} {what}."


_HINT = "Update or uninstall the package that brings it, or choose another provider."
_PROMISED = {
    "provider": "name",
    "model": "model",
    "local": "local",
    "zero_retention": "zero_retention",
    "retention": "retention",
}
"""What a destination must say, by the keyword that told it so."""
