"""Search in many chunks: time, recall of the dense arm, filters, and what one more document costs.

    python benchmarks/scale.py FOLDER... [--chunks 200000] [--work DIR] [--embedder NAME]

The chunks are sentences of real texts (BEIR folders, or folders of Markdown), recombined, with the real model's
vectors.
Texts and vectors are kept in DIR, and made there once; the database lives there too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hybridrag.config import load
from hybridrag.evaluation import load_beir
from hybridrag.flows.search import search
from hybridrag.models import find_model, open_embedder
from hybridrag.ports import Embedder
from hybridrag.retrieval import document_terms, parse_filter
from hybridrag.store import PostgresStore
from hybridrag.store.snapshot import SearchSnapshot
from hybridrag.types import Chunk, Chunked, Collection, Document, Embedded, Query, Source, chunk_id
from hybridrag.wiring import Wiring

NAME = "scale"
CHUNKS_A_DOCUMENT = 4
SHARES = {"10%": 0.1, "1%": 0.01, "0.1%": 0.001}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--chunks", type=int, default=200_000)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--questions", type=int, default=100)
    options = parser.parse_args()
    options.work.mkdir(exist_ok=True)
    embedder = open_embedder(find_model(options.embedder, offline=True), cache=options.work / "cache")
    texts = recombined(options.folders, options.chunks, options.work / "texts.jsonl")
    vectors = embedded(texts, embedder, options.work / "vectors.npy")
    settings = load(
        flags={"collection": NAME}, environ={"HYBRIDRAG_HOME": str(options.work / "home")}, cwd=options.work
    )
    wiring = Wiring(settings, notify=print)
    try:
        result = {"chunks": len(texts), **measured(wiring.store, embedder, texts, vectors, options.questions)}
        print(json.dumps(result, indent=2))
    finally:
        wiring.store.close()
        if wiring.server is not None:
            wiring.server.stop()


def measured(
    store: PostgresStore, embedder: Embedder, texts: Sequence[str], vectors: NDArray[Any], questions: int
) -> dict[str, Any]:
    collection = store.find_collection(NAME)
    result: dict[str, Any] = {}
    if collection is None:
        collection, result["load"] = loaded(store, embedder, texts, vectors)
    short, long = asked(texts, questions, words=2), asked(texts, questions, words=10)
    result["search ms"] = {
        f"{mode}, {name}": times(store, collection, embedder, some, mode)
        for mode in ("hybrid", "lexical", "dense")
        for name, some in (("2 words", short), ("10 words", long))
    }
    result["dense recall@10"] = recall(store, collection, embedder, [*short, *long], vectors)
    result["filters"] = filtered(store, collection, embedder, [*short, *long], vectors)
    result["one more document ms"] = added(store, collection, embedder, texts)
    return result


# --- the collection --------------------------------------------------------------------------------------------------


def recombined(folders: Sequence[Path], count: int, kept: Path) -> list[str]:
    """Chunks of three sentences: two neighbours of one text and one of another."""
    if not kept.exists():
        chance = random.Random(7)
        texts = [list(sentences(text)) for folder in folders for text in whole_texts(folder)]
        texts = [text for text in texts if text]
        with kept.open("w", encoding="utf-8") as file:
            for _ in range(count):
                one, other = chance.choice(texts), chance.choice(texts)
                start = chance.randrange(len(one))
                file.write(json.dumps(" ".join([*one[start : start + 2], chance.choice(other)])) + "\n")
    with kept.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def whole_texts(folder: Path) -> Iterator[str]:
    if (folder / "corpus.jsonl").exists():
        yield from load_beir(folder).whole()[1]
    else:
        for file in sorted(folder.rglob("*.md")):
            yield file.read_text(encoding="utf-8")


def sentences(text: str) -> Iterator[str]:
    for sentence in re.split(r"(?<=[.!?])\s+|\n\n+", text):
        if len(sentence.strip()) > 25:
            yield sentence.strip()[:400]


def embedded(texts: Sequence[str], embedder: Embedder, kept: Path) -> NDArray[Any]:
    if not kept.exists():
        np.save(kept, embedder.embed_documents(texts).astype(np.float16))
    vectors: NDArray[Any] = np.load(kept, mmap_mode="r")
    return vectors


def loaded(
    store: PostgresStore, embedder: Embedder, texts: Sequence[str], vectors: NDArray[Any]
) -> tuple[Collection, dict[str, float]]:
    """Written as an ingest writes, but with vectors that are there already."""
    collection = store.create_collection(
        NAME,
        embedder=embedder.name,
        fingerprint=embedder.fingerprint,
        dimensions=embedder.dimensions,
        text_search="auto",
        parameters={},
    )
    source = store.save_source(collection, Source("texts", "folder", "/texts"))
    started = time.perf_counter()
    seen: set[bytes] = set()
    with store.ingest_run(collection) as run:
        for batch in batched(range(0, len(texts), CHUNKS_A_DOCUMENT), 64):
            documents = [document(first, texts) for first in batch]
            new = {}
            for first, item in zip(batch, documents, strict=True):
                for offset, chunk in enumerate(item.chunks):
                    if chunk.text_hash not in seen:
                        new[chunk.text_hash] = vectors[first + offset].astype(np.float32)
            seen.update(new)
            embedded = [Embedded(key, vector) for key, vector in new.items()]
            run.write(source, documents, embedded, chunking="")
        written = time.perf_counter() - started
        run.settle(print)
    total = time.perf_counter() - started
    return collection, {"write s": round(written, 1), "settle s": round(total - written, 1)}


def batched(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for first in range(0, len(items), size):
        yield items[first : first + size]


def document(first: int, texts: Sequence[str], *, path: str = "") -> Chunked:
    parts = texts[first : first + CHUNKS_A_DOCUMENT]
    text = "\n".join(parts)
    chance = random.Random(first)
    path = path or f"{first // 10_000}/{first}.md"
    # `share` is independent of the text; `topic` is a property of it, as folders and authors are.
    metadata = {"share": [name for name, share in SHARES.items() if chance.random() < share], "topic": topic(text)}
    described = Document(
        source="texts",
        path=path,
        text=text,
        title=path,
        media_type="text/markdown",
        content_hash=hashlib.sha256(text.encode()).digest(),
        metadata=metadata,
        language="en",
    )
    chunks, start = [], 0
    for ordinal, part in enumerate(parts):
        end = start + len(part)
        identity = chunk_id(described.id, start, end, part)
        chunks.append(Chunk(identity, ordinal, start, end, part, part, len(part) // 4))
        start = end + 1
    return Chunked(described, tuple(chunks), "en", tuple(document_terms(part, "en") for part in parts))


TOPICS = {"10%": ("protein",), "1%": ("insulin", "pydantic"), "0.1%": ("websocket", "arthritis")}
"""Words whose documents are roughly such a share of the sets this is run with; the true share is in the result."""


def topic(text: str) -> list[str]:
    lowered = text.lower()
    return [name for name, words in TOPICS.items() if any(word in lowered for word in words)]


# --- measurements ----------------------------------------------------------------------------------------------------


def asked(texts: Sequence[str], count: int, *, words: int) -> list[str]:
    """Runs of words as they stand in the texts, common ones included."""
    chance = random.Random(words)
    found: list[str] = []
    while len(found) < count:
        parts = re.findall(r"\w+", chance.choice(texts))
        if len(parts) >= words:
            start = chance.randrange(len(parts) - words + 1)
            found.append(" ".join(parts[start : start + words]))
    return found


def times(
    store: PostgresStore, collection: Collection, embedder: Embedder, questions: Sequence[str], mode: str
) -> dict[str, float]:
    def once(question: str) -> dict[str, float]:
        started = time.perf_counter()
        found = search(store, collection.name, Query(question, mode=mode), open_embedder=lambda _: embedder)  # type: ignore[arg-type]
        return {**found.timings_ms, "total": (time.perf_counter() - started) * 1000}

    for _ in range(2):  # what was just started, or just written, is not yet in memory
        for question in questions:
            once(question)
    steps = [once(question) for question in questions]
    totals = [step["total"] for step in steps]
    return {
        "p50": round(float(np.percentile(totals, 50)), 1),
        "p95": round(float(np.percentile(totals, 95)), 1),
        **{name: round(statistics.median(step[name] for step in steps), 1) for name in ("embed", "dense", "lexical")},
    }


def recall(
    store: PostgresStore, collection: Collection, embedder: Embedder, questions: Sequence[str], vectors: NDArray[Any]
) -> float:
    """The share of the ten nearest vectors, by an exact scan, whose similarity the index reaches (ties count)."""
    return round(statistics.mean(shares(store, collection, embedder, questions, lambda *_: (None, vectors))), 4)


def shares(
    store: PostgresStore,
    collection: Collection,
    embedder: Embedder,
    questions: Sequence[str],
    choose: Callable[[SearchSnapshot, Any], tuple[Any, NDArray[Any]]],
) -> list[float]:
    found = []
    with store.snapshot(collection.name) as snapshot:
        for question in questions:
            vector = embedder.embed_query(question)
            among, considered = choose(snapshot, vector)
            exact = np.sort(considered.astype(np.float32) @ vector)[::-1][:10]
            got = np.array(list(snapshot.dense(vector, limit=100, among=among).values())[:10])
            wanted = min(10, len(exact))
            found.append(float(np.sum(got[:wanted] >= exact[wanted - 1] - 1e-3)) / wanted if wanted else 1.0)
    return found


def filtered(
    store: PostgresStore, collection: Collection, embedder: Embedder, questions: Sequence[str], vectors: NDArray[Any]
) -> dict[str, Any]:
    result = {}
    for field in ("share", "topic"):
        for name in SHARES:
            wanted = parse_filter(f'meta.{field}="{name}"')
            assert wanted is not None
            with store.snapshot(collection.name) as snapshot:
                among = snapshot.numbers_of(wanted)
            considered = vectors[among - 1]

            def choose(_: SearchSnapshot, __: Any, among: Any = among, considered: Any = considered) -> Any:
                return among, considered

            milliseconds, full = [], []
            for question in questions[:: max(len(questions) // 20, 1)]:
                started = time.perf_counter()
                found = search(store, collection.name, Query(question, filter=wanted), open_embedder=lambda _: embedder)
                milliseconds.append((time.perf_counter() - started) * 1000)
                full.append(len(found.hits))
            result[f"{'independent' if field == 'share' else 'by topic'}, {name}"] = {
                "chunks": len(among),
                "recall@10": round(statistics.mean(shares(store, collection, embedder, questions, choose)), 4),
                "fewest hits": min(full),
                "p50 ms": round(statistics.median(milliseconds), 1),
                "p95 ms": round(float(np.percentile(milliseconds, 95)), 1),
            }
    return result


def added(store: PostgresStore, collection: Collection, embedder: Embedder, texts: Sequence[str]) -> dict[str, float]:
    """From handing over a document with its vectors to its being found in both arms, ten times."""
    source = {row["source"].name: row["id"] for row in store.list_sources(collection)}["texts"]
    milliseconds = []
    for number in range(10):
        word = f"zyxw{chr(97 + number)}quux"
        item = document(
            0, [f"{word} {text}" for text in texts[number : number + CHUNKS_A_DOCUMENT]], path=f"new/{word}.md"
        )
        new = embedder.embed_documents([chunk.embed_text for chunk in item.chunks])
        with store.ingest_run(collection) as run:
            known = run.known_hashes([chunk.text_hash for chunk in item.chunks])
            fresh = [
                Embedded(chunk.text_hash, vector)
                for chunk, vector in zip(item.chunks, new, strict=True)
                if chunk.text_hash not in known
            ]
            started = time.perf_counter()
            run.write(source, [item], fresh, chunking="")
            milliseconds.append((time.perf_counter() - started) * 1000)
        for mode in ("dense", "lexical"):
            question = item.chunks[0].text if mode == "dense" else word
            found = search(store, collection.name, Query(question, mode=mode), open_embedder=lambda _: embedder)
            assert found.hits[0].chunk.document.path == f"new/{word}.md", mode
    with store.ingest_run(collection) as run:
        run.remove(source, [f"new/zyxw{chr(97 + number)}quux.md" for number in range(10)])
    return {"p50": round(statistics.median(milliseconds), 1), "most": round(max(milliseconds), 1)}


if __name__ == "__main__":
    main()
