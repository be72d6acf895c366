"""Chunkers beside each other: recall, precision, precision-omega and IoU of excerpts, and retrieval on BEIR folders.

    python -m benchmarks.chunking --chroma FOLDER [--beir FOLDER...] [--budgets 128,176,256] [--ways ours,semchunk]
    python -m benchmarks.chunking --search FOLDER [--budgets 176]
    python -m benchmarks.chunking --speed FOLDER
    python -m benchmarks.chunking --spans FOLDER

`--chroma` takes the questions and corpora of the published evaluation (Chroma, "Evaluating Chunking Strategies for
Retrieval", github.com/brandonstarxel/chunking_evaluation), and counts as that does: the five nearest chunks among those
of all corpora, characters for tokens. `folded` are the five nearest with different texts, as `search` gives them.
`--search` asks the same of `ingest` and `search` as users run them, and how much of the excerpts the passages hold that
`ask` reads. `--spans` chunks every file of a folder through its parser and counts the chunks whose text is not the
document's at their offsets.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.chunkers import Way, ours, ways
from hybridrag import wiring as composition
from hybridrag.config import load
from hybridrag.evaluation import load_beir, mean_ndcg
from hybridrag.flows.ingest import IngestOptions
from hybridrag.flows.progress import Silent
from hybridrag.flows.selection import SourceOptions, select
from hybridrag.models import FastTokenizer, find_model, open_embedder
from hybridrag.parsing import GuardedParser
from hybridrag.ports import Embedder
from hybridrag.sources import open_source
from hybridrag.types import Document, Mode, Query, Skipped

TOP = 5
PASSAGES = 8
"""As many as `ask` retrieves."""
MODES: tuple[Mode, ...] = ("dense", "hybrid")
Spans = Sequence[tuple[int, int]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chroma", type=Path)
    parser.add_argument("--beir", type=Path, nargs="*", default=[])
    parser.add_argument("--search", type=Path)
    parser.add_argument("--speed", type=Path)
    parser.add_argument("--spans", type=Path)
    parser.add_argument("--budgets", default=str(composition.models.MOST_CHUNK_TOKENS))
    parser.add_argument("--ways", default="")
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    options = parser.parse_args()
    spec = find_model(options.embedder, offline=True)
    tokenizer = FastTokenizer(spec)
    if options.spans:
        print(json.dumps(spans(options.spans, ours(tokenizer, composition.models.MOST_CHUNK_TOKENS))))
    if options.search:
        for budget in map(int, options.budgets.split(",")):
            print(json.dumps({"budget": budget, **searched(options.search, budget, options.embedder)}), flush=True)
    if options.speed:
        documents = [*read(options.speed)]
        for name, way in chosen(ways(tokenizer, int(options.budgets.split(",")[0])), options.ways):
            print(json.dumps({"way": name, **speed(documents, way)}), flush=True)
    if options.chroma or options.beir:
        home = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
        try:
            embedder = open_embedder(spec, cache=home)
            for budget in map(int, options.budgets.split(",")):
                for name, way in chosen(ways(tokenizer, budget), options.ways):
                    row: dict[str, object] = {"way": name, "budget": budget}
                    if options.chroma:
                        row["chroma"] = excerpts(options.chroma, way, embedder)
                    row |= {folder.name: documents_found(folder, way, embedder) for folder in options.beir}
                    print(json.dumps(row), flush=True)
        finally:
            shutil.rmtree(home, ignore_errors=True)


def chosen(found: dict[str, Way | None], names: str) -> Iterable[tuple[str, Way]]:
    """The ways that were asked for, all unless named; stderr tells which are not installed."""
    for name, way in found.items():
        if names and name not in names.split(","):
            continue
        if way is None:
            print(f"{name} is not installed, and left out", file=sys.stderr)
        else:
            yield name, way


def read(folder: Path) -> Iterable[Document]:
    """Every document under a folder, as ingest reads it."""
    with GuardedParser() as parser:
        for selection in select([str(folder)], [], SourceOptions())[:1]:
            reader = open_source(selection.source)
            for entry in reader.list().entries:
                raw = reader.read(entry)
                document = raw if isinstance(raw, Skipped) else parser.parse(raw)
                if isinstance(document, Document):
                    yield document


# --- excerpts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    corpus: str
    excerpts: Spans


def questions(folder: Path) -> list[Question]:
    rows = [json.loads(line) for line in (folder / "questions.jsonl").read_text("utf-8").splitlines()]
    return [
        Question(row["question"], row["corpus_id"], [(r["start_index"], r["end_index"]) for r in row["references"]])
        for row in rows
    ]


def excerpts(folder: Path, way: Way, embedder: Embedder) -> dict[str, object]:
    """The published figures in percent, mean over all questions."""
    asked = questions(folder)
    chunks = [(Path(document.path).stem, *cut) for document in read(folder / "corpora") for cut in way(document)]
    texts = [text for *_, text in chunks]
    vectors = embedder.embed_documents(texts)
    plain, folded, omega = [], [], []
    for question in asked:
        order = np.argsort(-(vectors @ embedder.embed_query(question.text)), kind="stable")[:100]
        different = list({texts[i]: i for i in reversed(order)}.values())[::-1]
        plain.append(scores(question, [chunks[i][:3] for i in order[:TOP]]))
        folded.append(scores(question, [chunks[i][:3] for i in different[:TOP]]))
        omega.append(precision_omega(question, [(s, e) for corpus, s, e, _ in chunks if corpus == question.corpus]))
    return {
        **percent(plain),
        "precision_omega": round(100 * float(np.mean(omega)), 1),
        "folded": percent(folded),
        "chunks": len(chunks),
        "characters": round(float(np.mean([end - start for _, start, end, _ in chunks]))),
    }


def scores(question: Question, found: Sequence[tuple[str, int, int]]) -> tuple[float, float, float]:
    """Recall, precision and IoU of what was found. What is found twice counts twice as found, once as right."""
    spans = [(start, end) for corpus, start, end in found if corpus == question.corpus]
    right = length(common(spans, question.excerpts))
    taken = sum(end - start for _, start, end in found)
    wanted = length(question.excerpts)
    return right / wanted, right / max(1, taken), right / (taken + wanted - right)


def precision_omega(question: Question, spans: Spans) -> float:
    """IoU of all chunks that hold a part of an excerpt: what perfect retrieval could reach."""
    touching = [span for span in spans if common([span], question.excerpts)]
    right = length(common(touching, question.excerpts))
    return right / (length(touching) + length(question.excerpts) - right)


def common(one: Spans, other: Spans) -> Spans:
    return [(max(a, c), min(b, d)) for a, b in one for c, d in other if max(a, c) < min(b, d)]


def length(spans: Spans) -> int:
    """Characters that the spans cover."""
    covered, last = 0, 0
    for start, end in sorted(spans):
        covered += max(0, end - max(start, last))
        last = max(last, end)
    return covered


def percent(rows: Sequence[tuple[float, float, float]]) -> dict[str, float]:
    means = 100 * np.array(rows).mean(axis=0)
    return dict(zip(("recall", "precision", "iou"), np.round(means, 1).tolist(), strict=True))


# --- documents, search, speed, spans ---------------------------------------------------------------------------------


def documents_found(folder: Path, way: Way, embedder: Embedder) -> dict[str, float]:
    """nDCG@10 and recall@10 of dense search; a document ranks by its best chunk."""
    dataset = load_beir(folder)
    owners, texts = [], []
    for key, title, text in dataset.documents():
        for *_, given in way(Document("benchmark", key, text, title or key, "text/plain", b"")) if text.strip() else ():
            owners.append(key)
            texts.append(given)
    vectors = embedder.embed_documents(texts)
    rankings, recalls = {}, []
    for query, text in dataset.queries.items():
        order = np.argsort(-(vectors @ embedder.embed_query(text)), kind="stable")[:1000]
        rankings[query] = list(dict.fromkeys(owners[i] for i in order))[:10]
        relevant = {key for key, grade in dataset.qrels[query].items() if grade > 0}
        recalls.append(len(relevant & {*rankings[query]}) / max(1, len(relevant)))
    ndcg = mean_ndcg(rankings, dataset.qrels)
    return {"ndcg@10": round(ndcg, 4), "recall@10": round(float(np.mean(recalls)), 4), "chunks": len(texts)}


def searched(folder: Path, budget: int, embedder: str) -> dict[str, object]:
    """The published figures of `ingest` and `search`, in both modes, in a collection of its own."""
    composition.models.MOST_CHUNK_TOKENS = budget
    home = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
    flags = {"embedder": embedder, "collection": "benchmark"}
    wiring = composition.Wiring(
        load(flags=flags, environ={"HYBRIDRAG_HOME": str(home)}, cwd=home),
        notify=lambda text: print(text, file=sys.stderr),
    )
    try:
        wiring.ingesting.ingest(
            [str(folder / "corpora")],
            source_options=SourceOptions(),
            options=IngestOptions(),
            progress=Silent(),
            stdin=io.BytesIO(),
            stdin_name=None,
        )
        found: dict[str, object] = {}
        for mode in MODES:
            rows = []
            for question in questions(folder):
                hits = wiring.search(Query(question.text, k=TOP, mode=mode)).hits
                spans = [(Path(hit.chunk.document.path).stem, hit.chunk.start, hit.chunk.end) for hit in hits]
                rows.append(scores(question, spans))
            found[mode] = percent(rows)
        found["passages"] = evidence_read(wiring, questions(folder))
        return found
    finally:
        wiring.store.close()
        if wiring.server is not None:
            wiring.server.stop()
        shutil.rmtree(home, ignore_errors=True)


def evidence_read(wiring: composition.Wiring, asked: Sequence[Question]) -> dict[str, float]:
    """The share of the excerpts, in percent, that stands in the passages `ask` reads, and their characters."""
    recalls, characters = [], []
    for question in asked:
        chunks = [hit.chunk for hit in wiring.search(Query(question.text, k=PASSAGES, unit="passage")).hits]
        recalls.append(scores(question, [(Path(c.document.path).stem, c.start, c.end) for c in chunks])[0])
        characters.append(sum(len(chunk.text) for chunk in chunks))
    return {"recall": round(100 * float(np.mean(recalls)), 1), "characters": round(float(np.mean(characters)))}


def speed(documents: Sequence[Document], way: Way) -> dict[str, float]:
    """Characters a second, the best of three runs."""
    characters, seconds = sum(len(document.text) for document in documents), []
    for _ in range(3):
        started = time.perf_counter()
        for document in documents:
            way(document)
        seconds.append(time.perf_counter() - started)
    return {"characters": characters, "characters/s": round(characters / min(seconds))}


def spans(folder: Path, way: Way) -> dict[str, int]:
    """How many files were read, their chunks, and those whose text is not the document's there, or is lost between."""
    files = chunks = violations = 0
    for document in read(folder):
        files += 1
        end = 0
        for start, stop, given in way(document):
            chunks += 1
            text = document.text[start:stop]
            violations += not (text.strip() and given.endswith(text) and start >= end)
            violations += bool(document.text[end:start].strip())
            end = stop
        violations += bool(document.text[end:].strip())
    return {"files": files, "chunks": chunks, "violations": violations}


if __name__ == "__main__":
    main()
