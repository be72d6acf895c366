"""Embedding models behind an address: how they are named, where they are, and what is known of them.

    ollama:MODEL  vllm:MODEL  tei:MODEL  openai:MODEL     a preset's address
    URL#MODEL                                             any OpenAI-compatible address
    NAME:MODEL                                            [endpoints.NAME] of the user's own settings

None of these servers adds a model's prompts by itself, so they come from the catalogue where it knows the model.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hybridrag.config import CUSTOM_ENDPOINT_KEY, EndpointSettings
from hybridrag.errors import UsageError
from hybridrag.models.catalogue import Entry, entry_for

UNKNOWN_WINDOW = 512
"""Tokens. Every embedding model of note has at least this, but for the smallest, which the catalogue knows."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A kind of server. `key_variable` is empty where no key is needed; `checked` is the day on which `source` said so.

    `unreachable` and `unknown_model` say what to do; `{model}` in them is the model's name. `window` is that of all its
    models, which take no prompts, and 0 where anything may be served.
    """

    base_url: str
    key_variable: str
    unreachable: str
    unknown_model: str
    source: str
    checked: str
    window: int = 0


PRESETS: Mapping[str, Preset] = {
    "ollama": Preset(
        base_url="http://127.0.0.1:11434/v1",
        key_variable="",
        unreachable="start it with: ollama serve, and fetch the model with: ollama pull {model}",
        unknown_model="fetch it with: ollama pull {model}",
        source="https://docs.ollama.com/api/openai-compatibility",
        checked="2026-11-20",
    ),
    "vllm": Preset(
        base_url="http://127.0.0.1:8000/v1",
        key_variable="",
        unreachable="start it with: vllm serve {model}",
        unknown_model="name the model as the server does: its --served-model-name, or what it was started with",
        source="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        checked="2026-11-20",
    ),
    "tei": Preset(
        base_url="http://127.0.0.1:8080/v1",
        key_variable="",
        unreachable="start it with: text-embeddings-router --model-id {model} --port 8080",
        unknown_model="name the model that the server was started with",
        source="https://huggingface.co/docs/text-embeddings-inference/cli_arguments",
        checked="2026-11-20",
    ),
    "openai": Preset(
        base_url="https://api.openai.com/v1",
        key_variable="OPENAI_API_KEY",
        unreachable="check the network",
        unknown_model="its embedding models are text-embedding-3-small and text-embedding-3-large",
        source="https://platform.openai.com/docs/api-reference/embeddings",
        checked="2026-11-20",
        window=8191,
    ),
}


@dataclass(frozen=True, slots=True)
class EndpointModel:
    """A model behind an address, understood. `name` is what the user called it, `served` what the server calls it.

    `endpoint` is the preset's or the table's name, or `custom`. `dimensions` is how much of each vector is kept, None
    where that is all that the server gives; `requested` is asked of the server, 0 for nothing. `entry` is what the
    catalogue knows. `known` says whether prompts and window are more than a guess.
    """

    name: str
    endpoint: str
    base_url: str
    key_variable: str
    served: str
    window: int
    query_prompt: str
    document_prompt: str
    requested: int = 0
    dimensions: int | None = None
    entry: Entry | None = None
    known: bool = True

    def cut_to(self, dimensions: int) -> EndpointModel:
        """This model with the first `dimensions` numbers of each vector kept (Matryoshka, arXiv:2205.13147).

        Raises UsageError where the catalogue knows that the model was not trained for that.
        """
        if self.entry is not None:
            self.entry.check_cut(self.name, dimensions)
        return self.kept_to(dimensions)

    def kept_to(self, dimensions: int) -> EndpointModel:
        """The same without a question: what an index was made with."""
        return replace(self, dimensions=dimensions)

    @property
    def unreachable(self) -> str:
        """What to do where nothing answers."""
        return self._advice.unreachable.format(model=self.served) if self._advice else ""

    @property
    def unknown_model(self) -> str:
        """What to do where the server does not know the model."""
        return self._advice.unknown_model.format(model=self.served) if self._advice else ""

    @property
    def _advice(self) -> Preset | None:
        return PRESETS.get(self.endpoint)


def endpoint_model(name: str, endpoints: Mapping[str, EndpointSettings]) -> EndpointModel:
    """The model that an endpoint's name means (`names_endpoint` says whether it is one).

    `endpoints` are the tables of the user's settings. Raises UsageError for an unknown endpoint, with the nearest name,
    and where no model is named.
    """
    known = {preset: (it.base_url, it.key_variable) for preset, it in PRESETS.items()}
    place = named_place(
        name, endpoints, presets=known, custom_key=CUSTOM_ENDPOINT_KEY, kind="embedding", example="ollama:bge-m3"
    )
    endpoint, own, served = place.endpoint, place.own, place.served
    entry = _entry(served)
    of_all = PRESETS[endpoint].window if endpoint in PRESETS else 0
    window = own.window or (entry.window if entry else of_all)
    told = own.query_prompt is not None or own.document_prompt is not None
    return EndpointModel(
        name=name,
        endpoint=endpoint,
        base_url=place.base_url,
        key_variable=place.key_variable,
        served=served,
        window=window or UNKNOWN_WINDOW,
        query_prompt=_first(own.query_prompt, entry.query_prompt if entry else ""),
        document_prompt=_first(own.document_prompt, entry.document_prompt if entry else ""),
        requested=own.dimensions,
        entry=entry,
        known=told or window > 0,
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a model behind an address is, and what the server calls it.

    `endpoint` is the preset's or the table's name, or `custom`; `own` is what the user's settings say of it.
    """

    endpoint: str
    own: EndpointSettings
    base_url: str
    key_variable: str
    served: str


def named_place(
    name: str,
    endpoints: Mapping[str, EndpointSettings],
    *,
    presets: Mapping[str, tuple[str, str]],
    custom_key: str,
    kind: str,
    example: str,
) -> Place:
    """What `NAME:MODEL` or `URL#MODEL` means. `presets` hold a base address and a key variable for each name.

    `custom_key` is the key variable of an address; `kind` and `example` are for messages. Raises UsageError for an
    unknown endpoint, with the nearest name, and where no model is named.
    """
    if "://" in name:
        base_url, _, served = name.partition("#")
        place = Place("custom", EndpointSettings(), base_url, custom_key, served)
    else:
        given, _, served = name.partition(":")
        endpoint, own = _own_settings(given, endpoints, presets)
        base_url, key_variable = _address(endpoint, own, presets, given=given, kind=kind)
        place = Place(endpoint, own, base_url, key_variable, served)
    if not served.strip():
        raise UsageError(f"{name!r} names no model", hint=f"write URL#MODEL, or NAME:MODEL such as {example}")
    return place


def _own_settings(
    given: str, endpoints: Mapping[str, EndpointSettings], presets: Mapping[str, tuple[str, str]]
) -> tuple[str, EndpointSettings]:
    """The endpoint's name as it is written where it is defined, and what the user's settings say of it."""
    wanted = given.lower()
    for name, own in endpoints.items():
        if name.lower() == wanted:
            return (wanted if wanted in presets else name), own
    return wanted, EndpointSettings()


def _address(
    endpoint: str, own: EndpointSettings, presets: Mapping[str, tuple[str, str]], *, given: str, kind: str
) -> tuple[str, str]:
    """Base address and key variable."""
    if own.base_url:
        # A preset's key belongs to the preset's address: it is not sent elsewhere because the address changed.
        return own.base_url, own.key_variable
    if endpoint not in presets:
        close = difflib.get_close_matches(given.lower(), presets, n=1)
        meant = f"did you mean {close[0]}? " if close else ""
        raise UsageError(
            f"there is no {kind} endpoint {given!r}",
            hint=f"{meant}known: {', '.join(presets)}, the [endpoints.NAME] tables of your own settings that have a "
            "base_url, and URL#MODEL",
        )
    base_url, key_variable = presets[endpoint]
    return base_url, own.key_variable or key_variable


def _entry(served: str) -> Entry | None:
    """What the catalogue knows of a model, with or without the tag that Ollama puts after its name."""
    return entry_for(served) or entry_for(served.partition(":")[0])


def _first(told: str | None, otherwise: str) -> str:
    return otherwise if told is None else told
