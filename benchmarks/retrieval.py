"""nDCG@10 on a BEIR folder: whole documents cut at the window, our three modes through ingest and search, and bm25s.

    python benchmarks/retrieval.py FOLDER [--embedder NAME] [--modes dense,lexical,hybrid] [--whole] [--bm25s]

Everything runs in a collection of its own in a temporary home, which is removed afterwards.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from hybridrag.config import load
from hybridrag.evaluation import Dataset, load_beir, mean_ndcg
from hybridrag.flows.ingest import IngestOptions
from hybridrag.flows.progress import Silent
from hybridrag.flows.selection import SourceOptions
from hybridrag.models import find_model, open_embedder
from hybridrag.parsing.language import guessed_language
from hybridrag.retrieval import analyser_of, document_terms
from hybridrag.types import Document, Query
from hybridrag.wiring import Wiring


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--modes", default="dense,lexical,hybrid")
    parser.add_argument("--whole", action="store_true", help="also embed whole documents, cut at the window")
    parser.add_argument("--bm25s", action="store_true", help="also rank the same chunks by the library bm25s")
    options = parser.parse_args()
    dataset = load_beir(options.folder)
    home = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
    try:
        result = {"dataset": dataset.name, "embedder": options.embedder, "queries": len(dataset.qrels)}
        if options.whole:
            result["whole documents"] = whole_documents(dataset, options.embedder, home)
        if options.bm25s:
            result["bm25s"] = by_bm25s(dataset, options.embedder, home)
        result |= through_the_index(dataset, options.embedder, options.modes.split(","), home)
        print(json.dumps(result, indent=2))
    finally:
        shutil.rmtree(home, ignore_errors=True)


def whole_documents(dataset: Dataset, embedder_name: str, home: Path) -> dict[str, float]:
    """Each document one vector: title and text in one string, cut at the window, as published figures are made."""
    embedder = open_embedder(find_model(embedder_name, offline=True), cache=home / "cache")
    ids, texts = dataset.whole()
    started = time.perf_counter()
    vectors = embedder.embed_documents(texts)
    seconds = time.perf_counter() - started
    rankings = {}
    for query, text in dataset.queries.items():
        scores = vectors @ embedder.embed_query(text)
        rankings[query] = [ids[i] for i in np.argsort(-scores, kind="stable")[:10]]
    return {"ndcg@10": round(mean_ndcg(rankings, dataset.qrels), 4), "seconds": round(seconds, 1)}


def by_bm25s(dataset: Dataset, embedder_name: str, home: Path) -> dict[str, float]:
    """The reference for the lexical arm: the same chunks, and the same terms by the commonest analyser."""
    import bm25s

    wiring = the_wiring(embedder_name, home)
    chunker = wiring.models.chunker(wiring.models.chosen())
    owners, terms, analysers = [], [], Counter[str]()
    for key, title, text in dataset.documents():
        document = Document("benchmark", key, text, title or key, "text/plain", b"", language=guessed_language(text))
        analyser = analyser_of(document.language, "auto")
        for chunk in chunker.chunk(document) if text.strip() else ():
            owners.append(key)
            terms.append(list(document_terms(chunk.embed_text, analyser).elements()))
            analysers[analyser] += 1
    reference = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
    reference.index(terms, show_progress=False)
    rankings = {}
    for query, text in dataset.queries.items():
        scores = np.zeros(len(owners))
        for term, asked in document_terms(text, analysers.most_common(1)[0][0]).items():
            if term in reference.vocab_dict:
                scores += asked * reference.get_scores([term])
        order = [i for i in np.argsort(-scores, kind="stable")[:1000] if scores[i] > 0]
        rankings[query] = list(dict.fromkeys(owners[i] for i in order))
    return {"ndcg@10": round(mean_ndcg(rankings, dataset.qrels), 4)}


def the_wiring(embedder_name: str, home: Path) -> Wiring:
    settings = load(
        flags={"embedder": embedder_name, "collection": "benchmark"}, environ={"HYBRIDRAG_HOME": str(home)}, cwd=home
    )
    return Wiring(settings, notify=lambda text: print(text, file=sys.stderr))


def through_the_index(dataset: Dataset, embedder_name: str, modes: list[str], home: Path) -> dict[str, object]:
    """`ingest` of the corpus, then `search` in each mode; documents rank by their best chunk."""
    wiring = the_wiring(embedder_name, home)
    report = wiring.ingesting.ingest(
        [str(dataset.corpus)],
        source_options=SourceOptions(),
        options=IngestOptions(),
        progress=Silent(),
        stdin=io.BytesIO(),
        stdin_name=None,
    )
    result: dict[str, object] = {
        "ingest": {
            "documents": report.added,
            "chunks": report.chunks_added,
            "tokens": report.tokens_embedded,
            "seconds": round(report.seconds, 1),
        }
    }
    for mode in modes:
        rankings: dict[str, list[str]] = {}
        times = []
        for query, text in dataset.queries.items():
            found = wiring.search(Query(text, mode=mode, unit="document"))  # type: ignore[arg-type]
            times.append(found.timings_ms["total"])
            rankings[query] = [hit.chunk.document.external_id or "" for hit in found.hits]
        result[mode] = {
            "ndcg@10": round(mean_ndcg(rankings, dataset.qrels), 4),
            "p50_ms": round(float(np.percentile(times, 50)), 1),
            "p95_ms": round(float(np.percentile(times, 95)), 1),
        }
    wiring.store.close()
    if wiring.server is not None:
        wiring.server.stop()
    return result


if __name__ == "__main__":
    main()
