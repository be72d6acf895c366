"""Peak memory of an ingest by the amount of text: it should not grow with it.

    python benchmarks/memory.py FOLDER [--embedder NAME] [--megabytes 10 100]

FOLDER holds Markdown or text, whose paragraphs are shuffled into as many new files as are needed. Counted is the
command with its children, every 20 ms, as the memory it has for itself and its share of what it has in common (PSS);
PostgreSQL is not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_FILE_BYTES = 20_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--embedder", default="all-MiniLM-L6-v2")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[10, 100])
    options = parser.parse_args()
    results = []
    for megabytes in options.megabytes:
        home = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
        environment = {**os.environ, "HYBRIDRAG_HOME": str(home / "home")}
        try:
            write_text(options.folder, home / "text", megabytes * 1_000_000)
            command = [sys.executable, "-m", "hybridrag", "ingest", str(home / "text"), "--json"]
            results.append(
                {"megabytes": megabytes, **measured([*command, "--embedder", options.embedder], environment)}
            )
        finally:
            stop = [sys.executable, "-m", "hybridrag", "db", "stop"]
            subprocess.run(stop, env=environment, capture_output=True, check=False)
            shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(results, indent=2))


def write_text(source: Path, target: Path, size: int) -> None:
    """Files of 20 KB made of shuffled paragraphs, `size` bytes in all; each file has a heading of its own."""
    shuffle = random.Random(0)
    paragraphs = [
        paragraph
        for path in sorted(source.rglob("*.md"))
        for paragraph in path.read_text(encoding="utf-8").split("\n\n")
        if paragraph.strip()
    ]
    target.mkdir()
    for number in range(size // _FILE_BYTES):
        text = f"# Part {number}\n\n"
        while len(text) < _FILE_BYTES:
            # Words change too: the same text is embedded only once.
            text += " ".join(shuffle.sample(words := shuffle.choice(paragraphs).split(" "), len(words))) + "\n\n"
        (target / f"{number:05}.md").write_text(text[:_FILE_BYTES], encoding="utf-8")


def measured(command: list[str], environment: dict[str, str]) -> dict[str, object]:
    """Seconds, peak memory in MB, and what the command told of itself."""
    started, peak = time.perf_counter(), 0
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, sum(memory(pid) for pid in family(process.pid)))
            time.sleep(0.02)
        assert process.stdout
        report = json.loads(process.stdout.read())
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "peak_mb": round(peak / 1e6),
        "tokens": report["tokens_embedded"],
        "tokens_per_second": round(report["tokens_embedded"] / report["seconds"]),
        "stages": report["stages"],
    }


def family(pid: int) -> list[int]:
    """A process with all that descend from it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(descendant for child in children for descendant in family(int(child)))]


def memory(pid: int) -> int:
    """Bytes."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


if __name__ == "__main__":
    main()
