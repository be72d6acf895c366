"""nDCG@10 of the ways to fuse two arms, on BEIR folders, with paired intervals against the better arm.

    python benchmarks/fusion.py FOLDER... [--embedder NAME] [--tokens 176,256] [--cache FOLDER]
        [--questions N] [--json FILE]

Documents are cut by the real chunker and embedded by the real model; both arms are computed in memory, without an
index: cosine over all vectors, BM25 over all postings. A document ranks by its best chunk. `!` marks a way that loses
to the better arm: the upper end of the 95% interval of the difference lies below -.005. With several
`--tokens`, the most that a chunk may have, the others are told beside the first: the mean difference of a question's
nDCG@10 and its 95% interval.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hybridrag.chunking import StructuralChunker
from hybridrag.evaluation import Dataset, load_beir, mean_interval, ndcg
from hybridrag.models import FastTokenizer, find_model, open_embedder
from hybridrag.parsing.language import guessed_language
from hybridrag.parsing.parsed import one_line, readable_name
from hybridrag.retrieval.analysis import analyser_of, document_terms, question_terms
from hybridrag.retrieval.bm25 import bm25
from hybridrag.retrieval.calibration import Background, background, query_weight, sampled, unmatched_share
from hybridrag.retrieval.fusion import fuse, reciprocal_ranks
from hybridrag.types import Document, LexicalIndex, Postings
from hybridrag.wiring.models import MOST_CHUNK_TOKENS

if TYPE_CHECKING:
    from hybridrag.types import Vectors

_CANDIDATES = 100
_LOSES = -0.005


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--tokens", default=str(MOST_CHUNK_TOKENS), help="of a chunk, at most")
    parser.add_argument("--cache", type=Path, help="keeps vectors and converted models between runs")
    parser.add_argument("--questions", type=int, default=10_000, help="of each collection, evenly spread")
    parser.add_argument("--json", type=Path, help="also write the figures to a file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hybridrag-benchmark-") as passing:
        cache = options.cache or Path(passing)
        run(options, [Embedding(options.embedder, cache, int(most)) for most in options.tokens.split(",")])


def run(options: argparse.Namespace, embeddings: Sequence[Embedding]) -> None:
    results: dict[str, Measured] = {}
    print(f"{'':24}{'tokens':>7}{'chunks':>7} {'asked':>5}" + "".join(f"{name:>15}" for name in METHODS))
    for folder in options.folders:
        dataset = load_beir(folder)
        first: Measured | None = None
        for embedding in embeddings:
            measured = measure(Collection(dataset, embedding), options.questions)
            print(row(dataset.name, embedding.most_tokens, measured), flush=True)
            if first is not None:
                print(f"{'':31}beside the first: {gains(measured, first)}", flush=True)
            first = first or measured
            results[f"{dataset.name}, {embedding.most_tokens} tokens"] = measured
    print(f"{'mean':44}" + "".join(f"{_mean_of(results, name):>8.4f}{_losses(results, name):>7}" for name in METHODS))
    if options.json:
        written = {name: measured.written() for name, measured in results.items()}
        options.json.write_text(json.dumps(written, indent=2), encoding="utf-8")


# --- a collection in memory ------------------------------------------------------------------------------------------


class Embedding:
    """A model with its chunker. Vectors are kept by the texts they are of."""

    def __init__(self, name: str, cache: Path, most_tokens: int) -> None:
        spec = find_model(name, offline=True)
        self._embedder = open_embedder(spec, cache=cache)
        self._cache = cache
        self.most_tokens = min(spec.window, most_tokens)
        self.chunker = StructuralChunker(FastTokenizer(spec), max_tokens=self.most_tokens)

    def documents(self, texts: Sequence[str]) -> Vectors:
        return self._kept("documents", texts, lambda: self._embedder.embed_documents(texts))

    def questions(self, texts: Sequence[str]) -> Vectors:
        return self._kept("questions", texts, lambda: np.stack([self._embedder.embed_query(text) for text in texts]))

    def _kept(self, kind: str, texts: Sequence[str], compute: Callable[[], Vectors]) -> Vectors:
        digest = hashlib.sha256("\0".join((kind, self._embedder.fingerprint, *texts)).encode()).hexdigest()
        file = self._cache / f"vectors-{digest[:24]}.npy"
        if not file.exists():
            self._cache.mkdir(parents=True, exist_ok=True)
            np.save(file, compute())
        vectors: Vectors = np.load(file)
        return vectors


class Collection:
    """The chunks of a dataset, their vectors, and the postings of their terms. Chunks are numbered from 0."""

    def __init__(self, dataset: Dataset, embedding: Embedding) -> None:
        self.dataset = dataset
        self.owners: list[str] = []
        texts: list[str] = []
        analysers: list[str] = []
        for key, title, text in dataset.documents():
            if not text.strip():
                continue
            name = one_line(title) or readable_name(key)
            document = Document("benchmark", key, text, name, "text/plain", b"", language=guessed_language(text))
            for chunk in embedding.chunker.chunk(document):
                texts.append(chunk.embed_text)
                self.owners.append(key)
                analysers.append(analyser_of(document.language, "auto"))
        self.vectors = embedding.documents(texts)
        self.sample = self.vectors[sampled(len(texts))]
        self.questions = embedding.questions(list(dataset.queries.values()))
        self.postings, terms = _postings(texts, analysers)
        unburied = np.empty(0, dtype=np.int32)
        self.index = LexicalIndex(len(texts), terms, len(texts) - 1, tuple(sorted(set(analysers))), unburied)


def _postings(texts: Sequence[str], analysers: Sequence[str]) -> tuple[dict[str, Postings], int]:
    found: dict[str, tuple[list[int], list[int]]] = {}
    lengths = np.zeros(len(texts), dtype=np.float32)
    for number, (text, analyser) in enumerate(zip(texts, analysers, strict=True)):
        terms = document_terms(text, analyser)
        lengths[number] = terms.total()
        for term, frequency in terms.items():
            numbers, frequencies = found.setdefault(term, ([], []))
            numbers.append(number)
            frequencies.append(frequency)
    postings = {
        term: Postings(np.array(numbers, dtype=np.int32), np.array(frequencies, dtype=np.float32), lengths[numbers])
        for term, (numbers, frequencies) in found.items()
    }
    return postings, int(lengths.sum())


# --- the ways to rank ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """One question's candidates: what each arm ranked, best first, and every candidate with both its scores."""

    dense: Mapping[int, float]
    lexical: Mapping[int, float]
    cosines: Mapping[int, float]
    bm25: Mapping[int, float]
    background: Background | None
    unmatched: float
    chunks: int


def ask(collection: Collection, number: int, text: str) -> Asked:
    index = collection.index
    terms = question_terms(text, index.analysers)
    ranking = bm25(terms, collection.postings, index)
    lexical = ranking.best(_CANDIDATES)
    cosines: NDArray[np.float32] = collection.vectors @ collection.questions[number]
    dense = {int(i): float(cosines[i]) for i in np.argsort(-cosines, kind="stable")[:_CANDIDATES]}
    holding = (
        (
            asked,
            max((len(collection.postings[form].numbers) for form in forms if form in collection.postings), default=0),
        )
        for forms, asked in terms.items()
    )
    return Asked(
        dense=dense,
        lexical=lexical,
        cosines=dense | {i: float(cosines[i]) for i in lexical},
        bm25=lexical | ranking.of([i for i in dense if i not in lexical]),
        background=background(collection.questions[number], collection.sample),
        unmatched=unmatched_share(holding, chunks=index.chunks),
        chunks=index.chunks,
    )


def _constant(weight: float) -> Callable[[Asked], Mapping[int, float]]:
    return lambda asked: fuse(asked.cosines, asked.bm25, dense_weight=weight)


def _min_max(asked: Asked) -> Mapping[int, float]:
    """.7 dense, .3 lexical, each from 0 to 1 over the candidates."""
    candidates = sorted(asked.cosines)
    parts = []
    for scores in (asked.cosines, asked.bm25):
        values = np.array([scores.get(candidate, 0.0) for candidate in candidates])
        parts.append((values - values.min()) / max(float(np.ptp(values)), 1e-12))
    fused = 0.7 * parts[0] + 0.3 * parts[1]
    return {candidates[i]: float(fused[i]) for i in np.argsort(-fused, kind="stable")}


def _weight(asked: Asked) -> float:
    return query_weight(
        asked.cosines, asked.bm25, background=asked.background, searched=asked.chunks, unmatched=asked.unmatched
    )


METHODS: Mapping[str, Callable[[Asked], Mapping[int, float]]] = {
    "dense": lambda asked: asked.dense,
    "lexical": lambda asked: asked.lexical,
    "rrf": lambda asked: reciprocal_ranks(asked.dense, asked.lexical),
    "min-max .7": _min_max,
    "z .5": _constant(0.5),
    "z .6": _constant(0.6),
    "z .65": _constant(0.65),
    "z .7": _constant(0.7),
    "adaptive": lambda asked: fuse(asked.cosines, asked.bm25, dense_weight=_weight(asked)),
}


# --- figures ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """nDCG@10 of each question by each way, the better arm, and the weights that the dense arm was given."""

    chunks: int
    scores: Mapping[str, Sequence[float]]
    weights: Sequence[float]

    @property
    def ndcg(self) -> dict[str, float]:
        return {name: statistics.fmean(values) for name, values in self.scores.items()}

    @property
    def better(self) -> str:
        means = self.ndcg
        return max(("dense", "lexical"), key=means.__getitem__)

    @cached_property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Of each way's difference to the better arm."""
        return {
            name: mean_interval(_differences(values, self.scores[self.better])) for name, values in self.scores.items()
        }

    def written(self) -> dict[str, object]:
        return {
            "chunks": self.chunks,
            "questions": len(self.weights),
            "better": self.better,
            "ndcg": self.ndcg,
            "interval": self.intervals,
            "weight": [float(w) for w in np.percentile(self.weights, [10, 50, 90])],
        }


def measure(collection: Collection, most: int) -> Measured:
    dataset = collection.dataset
    scores: dict[str, list[float]] = {name: [] for name in METHODS}
    weights = []
    keys = list(dataset.queries)
    for number in range(0, len(keys), -(-len(keys) // most)):
        asked = ask(collection, number, dataset.queries[keys[number]])
        weights.append(_weight(asked))
        for name, method in METHODS.items():
            ranking = list(dict.fromkeys(collection.owners[chunk] for chunk in method(asked)))
            scores[name].append(ndcg(ranking, dataset.qrels[keys[number]]))
    return Measured(len(collection.owners), scores, weights)


def row(name: str, tokens: int, measured: Measured) -> str:
    ndcgs = measured.ndcg
    text = f"{name[:24]:24}{tokens:>7}{measured.chunks:>7} {len(measured.weights):>5}"
    for method, value in ndcgs.items():
        if method in {"dense", "lexical"}:
            text += f"{value:>15.4f}"
        else:
            difference = value - ndcgs[measured.better]
            text += f"{value:>8.4f}{difference:>+6.3f}" + ("!" if _loses(measured, method) else " ")
    low, high = measured.intervals["adaptive"]
    return f"{text}  [{low:+.3f}, {high:+.3f}]"


def gains(measured: Measured, first: Measured) -> str:
    """By how much other chunks are better than the first ones: both arms, and what `search` does."""
    told = []
    for method in ("dense", "lexical", "adaptive"):
        differences = _differences(measured.scores[method], first.scores[method])
        low, high = mean_interval(differences)
        told.append(f"{method} {statistics.fmean(differences):+.4f} [{low:+.3f}, {high:+.3f}]")
    return ", ".join(told)


def _differences(scores: Sequence[float], others: Sequence[float]) -> list[float]:
    return [score - other for score, other in zip(scores, others, strict=True)]


def _mean_of(results: Mapping[str, Measured], method: str) -> float:
    return statistics.fmean(measured.ndcg[method] for measured in results.values())


def _losses(results: Mapping[str, Measured], method: str) -> str:
    if method in {"dense", "lexical"}:
        return ""
    return f"{sum(_loses(measured, method) for measured in results.values())}!"


def _loses(measured: Measured, method: str) -> bool:
    return measured.intervals[method][1] < _LOSES


if __name__ == "__main__":
    main()
