"""What `ask` adds to the search before the request leaves, and to the reply before it is seen.

    python benchmarks/asking.py FOLDER... --work DIR [--chunks 200000] [--questions 20] [--only warm,cold,stream]

The collection is that of scale.py, with 4,000 chunks of 2 KB more: each question of `warm` finds ten of them among all.
It is made in DIR where it is not there yet, from the texts of the folders, which takes half an hour on two cores, most
of it for the vectors; later runs take minutes. A server on this machine stamps when a request arrives and when it
writes each piece of its reply; all stamps are of one clock, in this process. `warm` is one process, each question asked
before, so that what was found in its documents is stored, as an ingest does; `cold` is whole processes, over all
chunks; `stream` is from the server's writing to the other end of the command's stdout, beside a plain httpx client that
redacts nothing. Every request is seen to hold a pseudonym.

The figures are printed as JSON, and as a table on stderr, with the target beside each median that has one. The exit
status is 1 where one is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from scale import CHUNKS_A_DOCUMENT, NAME, asked, batched, embedded, loaded, recombined  # type: ignore[import-not-found]

from hybridrag.config import load
from hybridrag.models import find_model, open_embedder
from hybridrag.retrieval import document_terms, parse_filter
from hybridrag.types import Chunk, Chunked, Document, Embedded, Query, chunk_id
from hybridrag.wiring import Wiring

PASSAGES, PIECES, LONG = 10, 5, 4_000
"""Passages a question, pieces of some 420 characters a long chunk, long chunks."""
REPEATS = 5
PAUSE = 0.03
"""Seconds between the pieces of a reply."""
MODEL = "all-MiniLM-L6-v2"
TARGETS = {"beyond search, ms": 300, "to the request, ms": 1200, "first piece, ms": 20, "restored value, ms": 20}
"""For the medians."""
MARK = re.compile(r"⟦EMAIL_[^⟧]*⟧")
PLAIN_CLIENT = """
import httpx, json, sys
with httpx.stream("POST", sys.argv[1] + "/chat/completions", json={"stream": True, "messages": []}) as reply:
    for line in reply.iter_lines():
        if line.startswith("data: {"):
            sys.stdout.write(json.loads(line[6:])["choices"][0]["delta"].get("content", ""))
            sys.stdout.flush()
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--chunks", type=int, default=200_000)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=20)
    parser.add_argument("--only", default="warm,cold,stream")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    with Server() as server:
        home = options.work / "home"
        flags = {"collection": NAME, "provider": server.url, "llm": "any"}
        wiring = Wiring(load(flags=flags, environ={"HYBRIDRAG_HOME": str(home)}, cwd=options.work), notify=told)
        try:
            texts = prepared(wiring, options.folders, options.chunks, options.work)
            questions = [
                f"What is said about {words}? Tell ann.miller@example.org."
                for words in asked(texts[:LONG], options.questions, words=6)
            ]
            parts = {
                "warm": lambda: warm(wiring, server, questions),
                "cold": lambda: cold(server, home, questions[: REPEATS + 1]),
                "stream": lambda: streamed(server, home, questions[: REPEATS + 1]),
            }
            figures = {}
            for name in options.only.split(","):
                told(f"{name} ...")
                figures[name] = parts[name]()
        finally:
            wiring.store.close()
            if wiring.server is not None:
                wiring.server.stop()
    print(json.dumps(figures, indent=2))
    return shown(figures)


def told(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def shown(figures: dict[str, dict[str, Any]]) -> int:
    """Shows the table. Returns the exit status."""
    missed = 0
    told(f"{'part':<8}{'what':<40}{'p50':>9}{'least':>9}{'most':>9}{'target':>9}")
    for part, measured in figures.items():
        for what, value in measured.items():
            if not isinstance(value, dict):
                told(f"{part:<8}{what:<40}{value:>9,}")
                continue
            target = TARGETS.get(what)
            missed += target is not None and value["p50"] > target
            numbers = "".join(f"{value[name]:>9,.1f}" for name in ("p50", "least", "most"))
            told(f"{part:<8}{what:<40}{numbers}{f'<= {target:,}' if target else '':>9}")
    return 1 if missed else 0


# --- the collection --------------------------------------------------------------------------------------------------


def prepared(wiring: Wiring, folders: Sequence[Path], chunks: int, work: Path) -> list[str]:
    """The texts of the collection, which is made where it is not there. Ends the program where it is another one."""
    embedder = open_embedder(find_model(MODEL, offline=True), cache=work / "cache")
    texts: list[str] = recombined(folders, chunks, work / "texts.jsonl")
    if len(texts) != chunks:
        sys.exit(f"{work} holds {len(texts):,} texts, not {chunks:,}: give another --work")
    if not (work / "vectors.npy").exists():
        told(f"computing {chunks:,} vectors, some 100 a second on two cores ...")
    vectors = embedded(texts, embedder, work / "vectors.npy")
    store = wiring.store
    collection = store.find_collection(NAME)
    if collection is None:
        told("writing the collection ...")
        collection = loaded(store, embedder, texts, vectors)[0]
    source, documents = next(
        (row["id"], row["documents"]) for row in store.list_sources(collection) if row["source"].name == "texts"
    )
    if documents < len(texts) // CHUNKS_A_DOCUMENT:
        sys.exit(f"the collection in {work} was made in part only: remove {work / 'home'}")
    with store.ingest_run(collection) as run:
        for batch in batched(range(LONG), 64):
            texts_of = [long_text(number, texts) for number in batch]
            hashes = [hashlib.sha256(text.encode()).digest() for text in texts_of]
            if len(run.known_hashes(hashes)) == len(set(hashes)):
                continue  # made by an earlier run
            means = [vectors[number : number + PIECES].astype(np.float32).mean(axis=0) for number in batch]
            new = {key: Embedded(key, mean / np.linalg.norm(mean)) for key, mean in zip(hashes, means, strict=True)}
            items = [long_document(number, text) for number, text in zip(batch, texts_of, strict=True)]
            run.write(source, items, list(new.values()), chunking="")
        run.settle(told)
    return texts


def long_text(number: int, texts: Sequence[str]) -> str:
    return "\n".join(texts[number : number + PIECES])[:2_048]


def long_document(number: int, text: str) -> Chunked:
    path = f"long/{number}.md"
    digest = hashlib.sha256(text.encode()).digest()
    described = Document("texts", path, text, path, "text/markdown", digest, language="en")
    chunk = Chunk(chunk_id(described.id, 0, len(text), text), 0, 0, len(text), text, text, len(text) // 4)
    return Chunked(described, (chunk,), "en", (document_terms(text, "en"),))


# --- measurements ----------------------------------------------------------------------------------------------------


def warm(wiring: Wiring, server: Server, questions: Sequence[str]) -> dict[str, Any]:
    """Milliseconds beyond the search until the request arrived: of each question the median and the least."""
    medians, least, cpu, sizes = [], [], [], []
    for question in questions:
        query = Query(question, k=PASSAGES, unit="passage", filter=parse_filter("path:long/*"))
        wiring.ask(query, on_text=lambda _: None)
        over = []
        for _ in range(REPEATS):
            started, used = time.perf_counter(), time.process_time()
            answer = wiring.ask(query, on_text=lambda _: None)
            over.append((server.stamped() - started) * 1000 - answer.timings_ms["retrieve"])
            cpu.append((time.process_time() - used) * 1000)
        medians.append(statistics.median(over))
        least.append(min(over))
        found = wiring.search(query)
        sizes.append(sum(len(hit.chunk.text) for hit in found.hits))
    return {
        "beyond search, ms": spread(medians),
        "beyond search, least of repeats, ms": spread(least),
        "processor time of the whole ask, ms": spread(cpu),
        "characters retrieved": round(statistics.median(sizes)),
        "bytes sent": len(server.body),
    }


def cold(server: Server, home: Path, questions: Sequence[str]) -> dict[str, Any]:
    """Milliseconds from the start of a process until the request arrived; the first one warms the disk's cache."""
    taken = []
    for question in questions:
        started = time.perf_counter()
        subprocess.run(command(server, question), env=environment(home), check=True, capture_output=True)
        taken.append((server.stamped() - started) * 1000)
    return {"to the request, ms": spread(taken[1:])}


def streamed(server: Server, home: Path, questions: Sequence[str]) -> dict[str, Any]:
    """Milliseconds from the writing of a piece to its showing: of the first one, and of one that ends a pseudonym."""
    seen: dict[str, list[float]] = {
        "first piece, ms": [],
        "restored value, ms": [],
        "plain client, first piece, ms": [],
    }
    for question in questions:
        shown = reading(command(server, question), environment(home))
        server.stamped()
        seen["first piece, ms"].append(after(shown, server.wrote[0]))
        seen["restored value, ms"].append(after(shown, server.wrote[server.closing]))
        shown = reading([sys.executable, "-c", PLAIN_CLIENT, server.url], dict(os.environ))
        seen["plain client, first piece, ms"].append(after(shown, server.wrote[0]))
    return {name: spread(values) for name, values in seen.items()}


def reading(arguments: Sequence[str], environ: dict[str, str]) -> list[float]:
    """When each piece of a process's stdout came."""
    times = []
    with subprocess.Popen(arguments, env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        while os.read(process.stdout.fileno(), 65_536):
            times.append(time.perf_counter())
    assert process.returncode == 0, arguments
    return times


def after(times: Sequence[float], wrote: float) -> float:
    return (next(moment for moment in times if moment >= wrote) - wrote) * 1000


def command(server: Server, question: str) -> list[str]:
    program = str(Path(sys.executable).with_name("hybridrag"))
    return [program, "ask", "-c", NAME, "--provider", server.url, "--llm", "any", "-k", str(PASSAGES), question]


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "HYBRIDRAG_HOME": str(home)}


def spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "p50": round(statistics.median(values), 1),
        "least": round(min(values), 1),
        "most": round(max(values), 1),
    }


class Server:
    """Answers every request with a few pieces, one of which ends a pseudonym of the request where it holds any."""

    def __init__(self) -> None:
        self.arrived = 0.0
        self.body = b""
        self.wrote: list[float] = []
        self.marked = False
        self.closing = 0
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def __enter__(self) -> Server:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def stamped(self) -> float:
        """When the last request arrived, which must have been a redacted one."""
        assert self.marked, "the request held no pseudonym"
        self.marked = False
        return self.arrived

    def pieces(self) -> list[str]:
        mark = MARK.search(json.dumps(json.loads(self.body), ensure_ascii=False))
        self.marked = mark is not None
        name = mark[0] if mark else "nobody"
        self.closing = 3
        return ["Tell", " it to", f" {name[:-3]}", f"{name[-3:]}", " to", "day."]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                server.body = self.rfile.read(int(self.headers["Content-Length"]))
                server.arrived = time.perf_counter()
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                server.wrote = []
                for piece in server.pieces():
                    time.sleep(PAUSE)
                    data = json.dumps({"choices": [{"index": 0, "delta": {"content": piece}}]}).encode()
                    server.wrote.append(time.perf_counter())
                    self.wfile.write(b"data: " + data + b"\n\n")
                end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
                self.wfile.write(b"data: " + json.dumps(end).encode() + b"\n\ndata: [DONE]\n\n")

            def log_message(self, format: str, *args: Any) -> None:
                """Silence."""

        return Handler


if __name__ == "__main__":
    sys.exit(main())
