"""What an index can be made with: vectors it can hold, an analyser that there is, a model by a name that lasts; and
the collection that is made with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.config import MOST_DIMENSIONS
from hybridrag.errors import ConfigError, ModelError, UsageError
from hybridrag.types import Collection, Generation
from hybridrag.wiring.models import is_here

if TYPE_CHECKING:
    from hybridrag.models import EndpointModel, ModelSpec
    from hybridrag.ports import Embedder
    from hybridrag.wiring import Wiring


def model_for_new(wiring: Wiring) -> ModelSpec | EndpointModel:
    """The chosen model, for a collection that is to be made.

    Raises ConfigError where the settings name an analyser that there is not, ModelError for a model that cannot be had.
    """
    check_text_search(wiring.settings.text_search)
    return wiring.models.chosen()


def new_collection(wiring: Wiring, *, only_imagined: bool = False) -> tuple[Collection, ModelSpec | EndpointModel]:
    """The chosen collection, made now with the chosen model; `only_imagined` makes nothing, for a dry run."""
    from hybridrag.flows.chunked import chunking_parameters

    settings, models = wiring.settings, wiring.models
    name, spec = lasting_name(settings.embedder), model_for_new(wiring)
    if not is_here(spec) and not spec.known:
        wiring.notify(
            f"nothing is known of the model {spec.served}: no prompts are added, and texts are cut at "
            f"{spec.window} tokens; an [endpoints.NAME] table in your own settings can tell better"
        )
    embedder = models.embedder(spec)
    check_dimensions(spec.name, embedder)
    if only_imagined:
        generation = Generation(0, name, embedder.fingerprint, embedder.dimensions, 0, settings.text_search)
        return Collection(0, settings.collection, generation), spec
    collection = wiring.store.create_collection(
        settings.collection,
        embedder=name,
        fingerprint=embedder.fingerprint,
        dimensions=embedder.dimensions,
        text_search=settings.text_search,
        parameters=chunking_parameters(models.chunker(spec), settings.text_search),
    )
    if collection.generation.fingerprint != embedder.fingerprint:
        return collection, models.for_ingest(collection)  # another process made it a moment ago
    return collection, spec


def check_dimensions(model: str, embedder: Embedder) -> None:
    """Raises ModelError where a model's vectors are longer than an index can hold."""
    if embedder.dimensions > MOST_DIMENSIONS:
        raise ModelError(
            f"the model {model} gives {embedder.dimensions:,} dimensions; an index holds at most {MOST_DIMENSIONS:,}",
            hint="keep fewer with --dims N, if the model was trained for that",
        )


def check_text_search(name: str, *, said_by: str = "text_search") -> None:
    """Raises ConfigError where a setting names no analyser, UsageError where it is `said_by` an option."""
    from hybridrag.retrieval import ANALYSERS

    if name not in ("auto", *ANALYSERS):
        kind = UsageError if said_by.startswith("-") else ConfigError
        raise kind(
            f"{said_by} is {name!r}, which is no analyser",
            hint=f"auto (by each document's language), or one of {', '.join(ANALYSERS)}",
        )


def lasting_name(model: str) -> str:
    """The name under which an index keeps a model: of a folder the absolute path, else the name as it was given."""
    return str(Path(model).resolve()) if Path(model).is_dir() else model
