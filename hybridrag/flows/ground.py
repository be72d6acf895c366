"""What models are measured on: texts and questions that the user named, or what is at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.config import Settings, names_endpoint
from hybridrag.errors import ModelError, UsageError
from hybridrag.evaluation import Dataset
from hybridrag.flows.sample import (
    Asked,
    Library,
    collection_library,
    dataset_library,
    packages_library,
    path_library,
    questions_of,
)
from hybridrag.models import ModelSpec, find_model
from hybridrag.models.locate import HubModel, resolve
from hybridrag.models.own_code import lists_some_revision
from hybridrag.parsing import GuardedParser
from hybridrag.ports import Chunker

if TYPE_CHECKING:
    from hybridrag.store import PostgresStore
    from hybridrag.types import Collection


@dataclass
class Ground:
    """`open_store` is None where no database was ever made here: none is made for a measurement.

    `text` and `questions` are what the user named, None for what is at hand.
    """

    settings: Settings
    open_store: Callable[[], PostgresStore] | None
    chunker_for: Callable[[ModelSpec], Chunker]
    text: str | None = None
    questions: Path | None = None

    @cached_property
    def collection(self) -> Collection | None:
        """The chosen collection, None where there is none. Raises UsageError for a missing one that the user named."""
        from hybridrag.store import unknown_collection

        name = self.settings.collection
        found = self.open_store().find_collection(name) if self.open_store is not None else None
        if found is None and self.settings.origins["collection"] == "--collection":
            raise unknown_collection(name)
        return found

    def current(self) -> ModelSpec:
        """The model of the collection, or else of the settings. Raises ModelError where it is not on this machine."""
        collection, settings = self.collection, self.settings
        if collection is None or settings.origins["embedder"] in {"--embedder", "HYBRIDRAG_EMBEDDER"}:
            spec = self.spec(settings.embedder)
            return spec.cut_to(settings.dims) if settings.dims else spec
        spec = self.spec(collection.embedder)
        return replace(spec, dimensions=min(spec.full_dimensions, collection.generation.dimensions))

    def spec(self, name: str) -> ModelSpec:
        """A model by name or folder. Raises ModelError where it is not on this machine; nothing is fetched."""
        if names_endpoint(name):
            raise UsageError(
                f"{name} is a model behind an address, and only what runs on this machine is measured",
                hint="name a model of the catalogue or a folder",
            )
        trusted = self.settings.trusted_code
        place = resolve(name)
        code = lists_some_revision(trusted, name)
        if isinstance(place, HubModel) and place.cached.find(place.revision, code=code) is None:
            raise ModelError(f"the model {name} is not on this machine", hint=f"hybridrag models pull {name}")
        return find_model(name, offline=True, trusted=trusted)

    @contextmanager
    def library(self, spec: ModelSpec) -> Iterator[Library]:
        """The texts, cut for a model where they are not those of a collection; to be read inside the block."""
        chunker = self.chunker_for(spec)
        if self.text is not None:
            parser = GuardedParser()
            try:
                limit = self.settings.max_file_bytes
                yield path_library(self.text, limit=limit, chunker=chunker, parser=parser)
            finally:
                parser.close()
        elif self.collection is not None and self.open_store is not None:
            yield collection_library(self.open_store(), self.collection)
        else:
            yield packages_library(chunker=chunker)

    def sample(self, spec: ModelSpec, *, most: int) -> tuple[str, list[str]]:
        """Whose texts they are, and at most so many chunks. Raises UsageError where there are none."""
        with self.library(spec) as library:
            texts = library.sample(most)
            if not texts:
                raise UsageError(f"there is no text in {library.origin}", hint="name a folder with --text FOLDER")
            return library.origin, texts

    def asked(self, spec: ModelSpec, *, most: int) -> Asked | None:
        """The questions that the user named with what they are asked of, at most so many chunks; None for none.

        Raises UsageError where none of them is about the texts.
        """
        if self.questions is None:
            return None
        found = questions_of(self.questions)
        if isinstance(found, Dataset):
            library = dataset_library(found, chunker=self.chunker_for(spec))
            return library.asked(found.questions, most=most)
        with self.library(spec) as library:
            return library.asked(found, most=most)
