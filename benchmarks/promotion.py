"""Searches in a loop while generations are promoted and taken back: errors, empty results, mixed generations, latency.

    python promotion.py --queries 10000

The examples are indexed by a tiny static model and by another one, made here. Readers are processes of their own; each
result must be, hit by hit, what the generation that it names gives when nobody else is at work.
"""

from __future__ import annotations

import argparse
import io
import multiprocessing
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from hybridrag.config import load
from hybridrag.flows.ingest import IngestOptions
from hybridrag.flows.progress import Silent
from hybridrag.flows.selection import SourceOptions
from hybridrag.types import Query, SearchResult
from hybridrag.wiring import Wiring
from hybridrag.wiring.reindexing import Reindexing
from tests.models.tiny import write_static_model

QUESTIONS = ("Who approves travel?", "meal allowance", "retention of backups", "password rules", "remote work")
READERS = 2

Shown = list[tuple[str, float]]
Expected = dict[int, dict[str, Shown]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hybridrag-benchmark-") as folder:
        home = Path(folder)
        first = write_static_model(home / "first", dimensions=64, seed=1)
        second = write_static_model(home / "second", dimensions=32, seed=2)
        os.environ |= {"HYBRIDRAG_HOME": str(home / "state"), "HYBRIDRAG_EMBEDDER": str(first)}
        wiring = opened()
        try:
            run(wiring, second, options.queries)
        finally:
            wiring.store.close()
            assert wiring.server is not None
            wiring.server.stop()


def run(wiring: Wiring, second: Path, queries: int) -> None:
    wiring.ingesting.ingest(
        [str(Path(__file__).parent.parent / "examples" / "company")],
        source_options=SourceOptions(),
        options=IngestOptions(),
        progress=Silent(),
        stdin=io.BytesIO(),
        stdin_name=None,
    )
    os.environ["HYBRIDRAG_EMBEDDER"] = str(second)
    reindexing = Reindexing(opened(), wait=30)
    status = reindexing.start(reindexing.wanted())
    reindexing.work(status, progress=Silent())
    numbers = (reindexing.collection.generation.id, status.generation.id)
    expected: Expected = {
        number: {question: shown(wiring.search(Query(question, generation=number))) for question in QUESTIONS}
        for number in numbers
    }
    assert expected[numbers[0]] != expected[numbers[1]]
    for name, promotes, each in (
        ("nobody else at work", False, queries // 5 // READERS),
        ("while generations are promoted", True, queries // READERS),
    ):
        with multiprocessing.get_context("spawn").Pool(READERS) as pool:
            reading = pool.starmap_async(read, [(each, expected)] * READERS)
            turns, took = 0, []
            while not reading.ready():
                if not promotes:
                    reading.wait(0.2)
                    continue
                chosen = reindexing.candidate(numbers[(turns + 1) % 2])
                started = time.perf_counter()
                reindexing.promote(chosen, progress=Silent())
                took.append((time.perf_counter() - started) * 1000)
                turns += 1
            found = reading.get()
        seen = {number: sum(one[0].get(number, 0) for one in found) for number in numbers}
        times = np.concatenate([one[1] for one in found])
        print(f"{name}: {sum(seen.values()):,} searches, by generation {seen}, {turns:,} promotions")
        half, most = np.percentile(times, 50), np.percentile(times, 95)
        print(f"    search p50 {half:.1f} ms, p95 {most:.1f} ms, the slowest {max(times):.1f} ms")
        if took:
            print(f"    promotion p50 {np.percentile(took, 50):.1f} ms, p95 {np.percentile(took, 95):.1f}")
        print(
            f"    errors {sum(one[2] for one in found)}, empty {sum(one[3] for one in found)}, "
            f"mixed {sum(one[4] for one in found)}"
        )


def opened() -> Wiring:
    return Wiring(load(), notify=lambda _: None)


def read(queries: int, expected: Expected) -> tuple[dict[int, int], np.ndarray, int, int, int]:
    """Searches; how often which generation answered, the milliseconds, and what was an error, empty or mixed."""
    wiring = opened()
    seen: dict[int, int] = {}
    times, errors, empty, mixed = [], 0, 0, 0
    for number in range(queries):
        question = QUESTIONS[number % len(QUESTIONS)]
        started = time.perf_counter()
        try:
            found = wiring.search(Query(question))
        except Exception as exc:  # each is counted
            print(f"{type(exc).__name__}: {exc}")
            errors += 1
            continue
        times.append((time.perf_counter() - started) * 1000)
        seen[found.generation.id] = seen.get(found.generation.id, 0) + 1
        empty += not found.hits
        mixed += shown(found) != expected[found.generation.id][question]
    wiring.store.close()
    return seen, np.array(times), errors, empty, mixed


def shown(found: SearchResult) -> Shown:
    return [(str(hit.chunk.id), round(hit.score, 4)) for hit in found.hits]


if __name__ == "__main__":
    main()
