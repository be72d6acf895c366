"""What every runtime is: a model's identity, its prompts, and texts to vectors that are checked."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hybridrag.errors import ModelError
from hybridrag.models.checks import unit_vectors
from hybridrag.models.fingerprint import fingerprint
from hybridrag.models.spec import ModelSpec
from hybridrag.models.tokenizer import FastTokenizer

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors

Precision = Literal["auto", "float32", "bfloat16", "float16"]
"""The number format a network computes in; `auto` is the fastest that the machine has and the model tolerates."""


class Runtime(ABC):
    """An `Embedder` that lacks only the computing. Its fingerprint and its dimensions are known without loading it.

    `cache` is the folder for what is worth keeping between runs: hashes of weights, converted models. May be used by
    several threads at once.
    """

    def __init__(self, spec: ModelSpec, *, cache: Path, precision: Precision = "auto") -> None:
        self.spec = spec
        self.name = spec.name
        self.precision = precision
        self._cache = cache
        self._cancelled = threading.Event()

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.spec, cache=self._cache)

    @property
    def dimensions(self) -> int:
        return self.spec.dimensions

    @property
    @abstractmethod
    def runtime(self) -> str:
        """`static`, `openvino` or `torch`."""

    @property
    @abstractmethod
    def device(self) -> str:
        """`cpu`, `cuda` or `mps`."""

    @abstractmethod
    def load(self) -> None:
        """Makes everything ready for the first text, which otherwise does it. Raises ModelError where that fails."""

    @abstractmethod
    def compute(self, texts: list[str]) -> Vectors:
        """What the network gives for texts as they are: shape `(len(texts), full_dimensions)`, in order, unchecked."""

    def embed(self, texts: list[str]) -> Vectors:
        """Unit vectors of texts as they are, no prompt added: shape `(len(texts), dimensions)`, in order.

        Raises ModelError where the network gives something else than its files say, or no direction at all.
        """
        return unit_vectors(self.compute(texts), self.spec)

    def cancel(self) -> None:
        self._cancelled.set()

    def go_on(self) -> None:
        """Called by `compute` before each batch. Raises ModelError where the user interrupted."""
        if self._cancelled.is_set():
            raise ModelError("embedding was interrupted", hint="run again to go on")

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self.embed([self.spec.document_prompt + text for text in texts])

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self.embed([self.spec.query_prompt + text])[0]
        return vector

    @cached_property
    def _tokenizer(self) -> FastTokenizer:
        return FastTokenizer(self.spec)
