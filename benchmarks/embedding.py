"""Tokens a second on real text: sentence-transformers as users call it, our torch loop, and OpenVINO, in one run.

    python benchmarks/embedding.py FOLDER [--embedder NAME] [--chunks N] [--runs N]

FOLDER holds Markdown or text; it is chunked as ingest does. Also tells how near the vectors are to each other.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hybridrag.chunking import StructuralChunker
from hybridrag.models import FastTokenizer, ModelSpec, find_model
from hybridrag.models.openvino_runtime import OpenVinoEmbedder
from hybridrag.models.torch_runtime import TorchEmbedder
from hybridrag.types import Chunk, Document


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--chunks", type=int, default=600)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    spec = find_model(options.embedder, offline=True)
    texts, tokens = chunks_of(options.folder, spec, options.chunks)
    with tempfile.TemporaryDirectory() as cache:
        openvino, torch = (
            OpenVinoEmbedder(spec, cache=Path(cache)),
            TorchEmbedder(spec, cache=Path(cache), device="cpu"),
        )
        ways: dict[str, Callable[[], Any]] = {
            "sentence-transformers, default": sentence_transformers(spec, texts, "float32"),
            "sentence-transformers, bfloat16": sentence_transformers(spec, texts, "bfloat16"),
            "ours, torch": lambda: torch.embed_documents(texts),
            "ours, openvino": lambda: openvino.embed_documents(texts),
        }
        vectors = {name: way() for name, way in ways.items()}  # the first call loads, and is not counted
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.runs):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                rates[name].append(tokens / (time.perf_counter() - started))
    reference = vectors["sentence-transformers, default"]
    result = {
        "chunks": len(texts),
        "tokens": tokens,
        "tokens_per_second": {
            name: {"median": round(statistics.median(r)), "min": round(min(r)), "max": round(max(r))}
            for name, r in rates.items()
        },
        "least_cosine_to_default": {
            name: round(float(np.min(np.sum(reference * v, axis=1))), 5) for name, v in vectors.items()
        },
    }
    print(json.dumps(result, indent=2))


def chunks_of(folder: Path, spec: ModelSpec, most: int) -> tuple[list[str], int]:
    """The first chunks of a folder's texts as the model is given them, and their tokens together."""
    chunker = StructuralChunker(FastTokenizer(spec), max_tokens=min(spec.window, 256))
    chunks: list[Chunk] = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix in {".md", ".txt"}):
        text = path.read_text(encoding="utf-8", errors="replace")
        document = Document("bench", path.name, text, path.stem, "text/plain", b"")
        chunks.extend(chunker.chunk(document))
        if len(chunks) >= most:
            break
    return [chunk.embed_text for chunk in chunks[:most]], sum(chunk.tokens for chunk in chunks[:most])


def sentence_transformers(spec: ModelSpec, texts: list[str], dtype: str) -> Callable[[], Any]:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(spec.path), device="cpu", local_files_only=True, model_kwargs={"dtype": dtype} if dtype != "float32" else {}
    )
    return lambda: np.asarray(model.encode(texts, normalize_embeddings=True, show_progress_bar=False))


if __name__ == "__main__":
    main()
