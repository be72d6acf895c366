"""Static embeddings (model2vec, potion): a table of token vectors and their mean. No torch, no network to run.

Encoding as in model2vec (github.com/MinishLab/model2vec, `StaticModel.encode`): no special tokens, unknown tokens left
out, mean of the rows, L2 norm 1.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from hybridrag.errors import ModelError
from hybridrag.models.checks import checked
from hybridrag.models.runtime import Runtime

if TYPE_CHECKING:
    from hybridrag.types import Vectors


class StaticEmbedder(Runtime):
    """An `Embedder` on a table of token vectors."""

    device = "cpu"
    runtime = "static"

    def load(self) -> None:
        """Loads the table now rather than at the first text."""
        _ = self._table

    def embed(self, texts: list[str]) -> Vectors:
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
