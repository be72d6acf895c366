"""Syncing a folder of which nothing has changed, as a whole process, beside what else could tell that nothing has.

    python benchmarks/sync.py [--files 10000] [--runs 5]

Makes a folder of Markdown files, ingests it, and lets it grow older than the coarsest clock. Then, in turn: `hybridrag
sync`; the same with `--verify`, which reads and hashes every file; `hybridrag db status`, which is the start of the
program and a question to the database; a walk that stats every file, as `git status` does; and one that reads and
hashes them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

_IN_A_FOLDER = 100
_GRACE = 2.5
"""Seconds after which a file's stamp is relied on, and some more."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
    environment = {**os.environ, "HYBRIDRAG_HOME": str(work / "home")}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "hybridrag", *arguments]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, cwd=work).stdout

    try:
        docs = _folder(work / "docs", options.files)
        time.sleep(_GRACE)
        run("ingest", str(docs), "--quiet")
        unchanged = json.loads(run("sync", "--json"))
        assert unchanged["documents"]["unchanged"] == options.files and unchanged["bytes_read"] == 0, unchanged
        ways: dict[str, Callable[[], object]] = {
            "hybridrag sync": lambda: run("sync", "--quiet"),
            "hybridrag sync --verify": lambda: run("sync", "--quiet", "--verify"),
            "hybridrag db status": lambda: run("db", "status"),
            "walk, stat": lambda: _walk(docs, lambda file: file.stat()),
            "walk, read, hash": lambda: _walk(docs, lambda file: hashlib.sha256(file.read_bytes())),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(options.runs):
            for name, way in ways.items():
                started = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - started)
    finally:
        run("db", "stop")
        shutil.rmtree(work, ignore_errors=True)
    figures = {
        name: {"median": round(statistics.median(s), 2), "min": round(min(s), 2), "max": round(max(s), 2)}
        for name, s in seconds.items()
    }
    print(json.dumps({"files": options.files, "seconds": figures}, indent=2))


def _folder(root: Path, files: int) -> Path:
    random.seed(7)
    words = [f"word{number}" for number in range(3000)]
    for number in range(files):
        folder = root / f"{number // _IN_A_FOLDER:04}"
        folder.mkdir(parents=True, exist_ok=True)
        text = " ".join(random.choices(words, k=random.randint(30, 120)))
        (folder / f"{number:06}.md").write_text(f"# Note {number}\n\n{text}.\n")
    return root


def _walk(root: Path, look: Callable[[Path], object]) -> None:
    for folder, _, files in os.walk(root):
        for file in files:
            look(Path(folder, file))


if __name__ == "__main__":
    main()
