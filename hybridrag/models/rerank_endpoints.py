"""Rerankers behind an address: how they are named, where they are, and in which form they are asked.

vllm:MODEL  tei:MODEL  llamacpp:MODEL  infinity:MODEL     a preset's address
URL#MODEL                                                 any address that takes requests as Cohere does
NAME:MODEL                                                [endpoints.NAME] of the user's own settings
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from hybridrag.config import CUSTOM_RERANKER_KEY, EndpointSettings
from hybridrag.models.endpoints import UNKNOWN_WINDOW, named_place
from hybridrag.models.rerank_catalogue import reranker_for

RerankApi = Literal["cohere", "tei"]
"""`cohere`: query and documents in, `{"results": [{"index", "relevance_score"}]}` out. `tei`: query and texts in,
`[{"index", "score"}]` out."""


@dataclass(frozen=True, slots=True)
class RerankPreset:
    """A kind of server. `unreachable` and `unknown_model` say what to do; `{model}` in them is the model's name."""

    base_url: str
    unreachable: str
    unknown_model: str
    source: str
    api: RerankApi = "cohere"


PRESETS: Mapping[str, RerankPreset] = {
    "vllm": RerankPreset(
        base_url="http://127.0.0.1:8000/v1",
        unreachable="start it with: vllm serve {model}",
        unknown_model="name the model as the server does: its --served-model-name, or what it was started with",
        source="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    ),
    "tei": RerankPreset(
        base_url="http://127.0.0.1:8080",
        unreachable="start it with: text-embeddings-router --model-id {model} --port 8080",
        unknown_model="start the server with a reranker",
        source="https://huggingface.co/docs/text-embeddings-inference/quick_tour",
        api="tei",
    ),
    "llamacpp": RerankPreset(
        base_url="http://127.0.0.1:8080/v1",
        unreachable="start it with: llama-server --reranking -m FILE.gguf",
        unknown_model="start the server with --reranking and a reranker",
        source="https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
    ),
    "infinity": RerankPreset(
        base_url="http://127.0.0.1:7997",
        unreachable="start it with: infinity_emb v2 --model-id {model}",
        unknown_model="name the model as the server was started with, and start it with a reranker",
        source="https://github.com/michaelfeil/infinity",
    ),
}


@dataclass(frozen=True, slots=True)
class EndpointRerankerModel:
    """A reranker behind an address, understood. `name` is what the user called it, `served` what the server calls it.

    `endpoint` is the preset's or the table's name, or `custom`. `window` counts the tokens of question and text.
    """

    name: str
    endpoint: str
    base_url: str
    key_variable: str
    served: str
    window: int
    api: RerankApi
    english: bool

    @property
    def unreachable(self) -> str:
        """What to do where nothing answers."""
        preset = PRESETS.get(self.endpoint)
        return preset.unreachable.format(model=self.served) if preset else ""

    @property
    def unknown_model(self) -> str:
        """What to do where the server does not know the model, or the address."""
        preset = PRESETS.get(self.endpoint)
        return preset.unknown_model.format(model=self.served) if preset else ""


def endpoint_reranker(name: str, endpoints: Mapping[str, EndpointSettings]) -> EndpointRerankerModel:
    """The reranker that an endpoint's name means (`names_endpoint` says whether it is one).

    `endpoints` are the tables of the user's settings. Raises UsageError for an unknown endpoint, with the nearest name,
    and where no model is named.
    """
    place = named_place(
        name,
        endpoints,
        presets={preset: (it.base_url, "") for preset, it in PRESETS.items()},
        custom_key=CUSTOM_RERANKER_KEY,
        kind="rerank",
        example="vllm:BAAI/bge-reranker-v2-m3",
    )
    entry = reranker_for(place.served)
    preset = PRESETS.get(place.endpoint)
    api = cast("RerankApi", place.own.rerank_api) if place.own.rerank_api else preset.api if preset else "cohere"
    return EndpointRerankerModel(
        name=name,
        endpoint=place.endpoint,
        base_url=place.base_url,
        key_variable=place.key_variable,
        served=place.served,
        # A table's window may have been written for the embedding model that the same server has.
        window=min(filter(None, (place.own.window, entry.window if entry else 0)), default=UNKNOWN_WINDOW),
        api=api,
        english=entry is not None and entry.languages == ("en",),
    )
