"""Known providers: where they are, which variable holds their key, and a model to begin with.

Facts have a date and a source, because providers move addresses and retire models with as little as two weeks' notice.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from hybridrag.errors import UsageError


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
        ),
        Preset(
            name="fireworks",
            base_url="https://api.fireworks.ai/inference/v1",
            key_variable="FIREWORKS_API_KEY",
            model="accounts/fireworks/models/gpt-oss-120b",
            source="https://docs.fireworks.ai/tools-sdks/openai-compatibility",
            checked="2026-11-20",
        ),
        Preset(
            name="baseten",
            base_url="https://inference.baseten.co/v1",
            key_variable="BASETEN_API_KEY",
            model="openai/gpt-oss-120b",
            source="https://docs.baseten.co/inference/model-apis/overview",
            checked="2026-11-20",
        ),
        Preset(
            name="ollama",
            base_url="http://127.0.0.1:11434/v1",
            key_variable=None,
            model=None,
            source="https://docs.ollama.com/api/openai-compatibility",
            checked="2026-11-20",
        ),
        Preset(
            name="llamacpp",
            base_url="http://127.0.0.1:8080/v1",
            key_variable=None,
            model=None,
            source="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
            checked="2026-11-20",
        ),
        Preset(
            name="lmstudio",
            base_url="http://127.0.0.1:1234/v1",
            key_variable=None,
            model=None,
            source="https://lmstudio.ai/docs/api/openai-api",
            checked="2026-11-20",
        ),
    )
}
