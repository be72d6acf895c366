"""What every runtime is: a model's identity, its prompts, and texts to vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hybridrag.models.fingerprint import fingerprint
from hybridrag.models.spec import ModelSpec
from hybridrag.models.tokenizer import FastTokenizer

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors


class Runtime(ABC):
    """An `Embedder` that lacks only the computing. Its fingerprint and its dimensions are known without loading it.

    `cache` is the folder for what is worth keeping between runs: hashes of weights, converted models.
    """

    def __init__(self, spec: ModelSpec, *, cache: Path) -> None:
        self.spec = spec
        self.name = spec.name
        self._cache = cache

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
    def embed(self, texts: list[str]) -> Vectors:
        """Vectors of texts as they are, no prompt added: shape `(len(texts), dimensions)`, in order."""

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self.embed([self.spec.document_prompt + text for text in texts])

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self.embed([self.spec.query_prompt + text])[0]
        return vector

    @cached_property
    def _tokenizer(self) -> FastTokenizer:
        return FastTokenizer(self.spec)
