"""Known providers: where they are, which variable holds their key, a model to begin with, and what they keep.

Facts have a date and a source, because providers move addresses and retire models with as little as two weeks' notice.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal
from urllib.parse import urlsplit

from hybridrag.errors import UsageError


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
class Preset:
    """A provider that speaks OpenAI's chat format.

    `key_variable` is None where no key is needed, `model` where the user must choose. `checked` is the day (ISO 8601)
    on which `source` said so.
    """

    name: str
    base_url: str
    key_variable: str | None
    model: str | None
    source: str
    checked: str
    retention: Retention


def preset(name: str) -> Preset:
    """The preset of this name, in any letter case. Raises UsageError, with the nearest names, for an unknown one."""
    wanted = name.strip().lower()
    if wanted in _PRESETS:
        return _PRESETS[wanted]
    close = difflib.get_close_matches(wanted, _PRESETS, n=2, cutoff=0.5)
    meant = f"Did you mean {' or '.join(close)}? " if close else ""
    raise UsageError(
        f"There is no provider named {name!r}.",
        hint=f"{meant}Known: {', '.join(_PRESETS)}; any OpenAI-compatible address (https://...) works too.",
    )


def preset_names() -> tuple[str, ...]:
    """Every known name, hosted providers first."""
    return tuple(_PRESETS)


def zero_retention(name: str, base_url: str, model: str, *, local: bool, own: bool | None) -> tuple[bool, str]:
    """Whether a provider keeps nothing of a request, and what that rests on, as the end of a sentence.

    `own` is what the user's file says of it (`[providers.NAME] zdr`), which counts before everything. A preset's
    facts hold at its own address only, and for a local server of its name; other addresses state nothing.
    """
    if own is not None:
        return own, f"your settings say zdr = {str(own).lower()} for it"
    known = _PRESETS.get(name.strip().lower())
    if known is not None and not local and _host(known.base_url) != _host(base_url):
        known = None
    if known is not None and any(fnmatchcase(model.lower(), glob) for glob in known.retention.except_models):
        return False, f"{model} is not among the models for which {_told(known.retention)}"
    if local:
        return True, "it is local"
    if known is None:
        return False, "nothing is known of this address; your own file may say [providers.NAME] zdr = true"
    return known.retention.zero == "yes", _told(known.retention)


def runs_elsewhere(model: str) -> bool:
    """Whether a server on this machine forwards requests for this model to a cloud, as Ollama does by its name."""
    return any(fnmatchcase(model.lower(), glob) for glob in _FORWARDED)


def _told(facts: Retention) -> str:
    return f"{facts.said} ({facts.source}, as of {facts.checked})"


def _host(url: str) -> tuple[str, str]:
    parts = urlsplit(url.strip())
    return parts.scheme.lower(), parts.netloc.lower()


_FORWARDED = ("*:cloud", "*-cloud")
"""Models that Ollama does not run itself: https://docs.ollama.com/cloud."""
_PRESETS = {
    known.name: known
    for known in (
        Preset(
            name="together",
            base_url="https://api.together.ai/v1",  # api.together.xyz until April 2026
            key_variable="TOGETHER_API_KEY",
            model="openai/gpt-oss-120b",
            source="https://docs.together.ai/docs/inference/openai-compatibility",
            checked="2026-11-20",
            retention=Retention(
                zero="optional",
                said="it keeps requests until the organization's privacy settings switch on zero data retention",
                source="https://docs.together.ai/docs/zero-data-retention",
                checked="2026-11-21",
            ),
        ),
        Preset(
            name="fireworks",
            base_url="https://api.fireworks.ai/inference/v1",
            key_variable="FIREWORKS_API_KEY",
            model="accounts/fireworks/models/gpt-oss-120b",
            source="https://docs.fireworks.ai/tools-sdks/openai-compatibility",
            checked="2026-11-20",
            retention=Retention(
                zero="yes",
                said="it keeps no prompt and no answer of open models without an explicit opt-in",
                source="https://docs.fireworks.ai/guides/security_compliance/data_handling",
                checked="2026-11-21",
                except_models=("*firerouter*", "*/routers/*", "*/f1-*", "*firefunction*"),
            ),
        ),
        Preset(
            name="baseten",
            base_url="https://inference.baseten.co/v1",
            key_variable="BASETEN_API_KEY",
            model="openai/gpt-oss-120b",
            source="https://docs.baseten.co/inference/model-apis/overview",
            checked="2026-11-20",
            retention=Retention(
                zero="yes",
                said="it keeps no input and no output of synchronous requests by default",
                source="https://docs.baseten.co/observability/security",
                checked="2026-11-21",
            ),
        ),
        Preset(
            name="ollama",
            base_url="http://127.0.0.1:11434/v1",
            key_variable=None,
            model=None,
            source="https://docs.ollama.com/api/openai-compatibility",
            checked="2026-11-20",
            retention=Retention(
                zero="yes",
                said="the server is your own, and only models named cloud run at ollama.com",
                source="https://docs.ollama.com/cloud",
                checked="2026-11-21",
                except_models=_FORWARDED,
            ),
        ),
        Preset(
            name="llamacpp",
            base_url="http://127.0.0.1:8080/v1",
            key_variable=None,
            model=None,
            source="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
            checked="2026-11-20",
            retention=Retention(
                zero="yes",
                said="the server is your own",
                source="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
                checked="2026-11-21",
            ),
        ),
        Preset(
            name="lmstudio",
            base_url="http://127.0.0.1:1234/v1",
            key_variable=None,
            model=None,
            source="https://lmstudio.ai/docs/api/openai-api",
            checked="2026-11-20",
            retention=Retention(
                zero="yes",
                said="the server is your own",
                source="https://lmstudio.ai/docs/app/offline",
                checked="2026-11-21",
            ),
        ),
    )
}
