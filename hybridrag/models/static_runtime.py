"""Static embeddings (model2vec, potion): a table of token vectors and their mean. No torch, no network to run.

Encoding as in model2vec (github.com/MinishLab/model2vec, `StaticModel.encode`): no special tokens, unknown tokens left
out, mean of the rows, L2 norm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.checks import checked
from hybridrag.models.fingerprint import fingerprint
from hybridrag.models.spec import ModelSpec
from hybridrag.models.tokenizer import FastTokenizer

if TYPE_CHECKING:
    from hybridrag.types import Vector, Vectors


class StaticEmbedder:
    """An `Embedder` on a table of token vectors."""

    device = "cpu"
    runtime = "static"

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

    def load(self) -> None:
        """Loads the table now rather than at the first text."""
        _ = self._table

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        return self._embed([self.spec.document_prompt + text for text in texts])

    def embed_query(self, text: str) -> Vector:
        vector: Vector = self._embed([self.spec.query_prompt + text])[0]
        return vector

    def _embed(self, texts: list[str]) -> Vectors:
        import numpy as np

        vectors: Vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        unknown = self._tokenizer.unknown_id
        for row, ids in enumerate(self._tokenizer.plain_ids(texts)):
            known = [token for token in ids[: self.spec.window] if token != unknown]
            # A text of unknown tokens only has no direction; the table's mean is the least wrong one.
            vectors[row] = self._table[known].mean(axis=0) if known else self._centre
        normalised: Vectors = checked(vectors, self.name) / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised

    @cached_property
    def _tokenizer(self) -> FastTokenizer:
        return FastTokenizer(self.spec)

    @cached_property
    def _centre(self) -> Any:
        return self._table.mean(axis=0)

    @cached_property
    def _table(self) -> Any:
        import numpy as np
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        files = sorted(self.spec.path.rglob("*.safetensors"))
        try:
            tensors = load_file(files[0])
        except (SafetensorError, OSError, KeyError) as exc:
            raise ModelError(f"{files[0]} cannot be loaded", hint="fetch the model again") from exc
        for name in ("embeddings", "embedding.weight"):
            if name in tensors and tensors[name].ndim == 2:
                table = tensors[name].astype(np.float32)
                # Tables of clustered rows: the row of each token, and the token's own weight.
                if "mapping" in tensors:
                    table = table[tensors["mapping"]]
                return table * tensors["weights"].astype(np.float32)[:, None] if "weights" in tensors else table
        raise ModelError(f"{files[0]} holds no table of token vectors", hint="this is no static model")
