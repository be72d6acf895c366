"""Whole commands as a user runs them, process start included: ingest, ingest again, search cold, --help.

    python benchmarks/commands.py FOLDER [--runs N]

Each run has a home of its own, so the first ingest makes the database and converts the model; a second figure is taken
with the converted model kept, as on any later day.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    seconds: dict[str, list[float]] = {}

    for _ in range(options.runs):
        home = Path(tempfile.mkdtemp(prefix="hybridrag-benchmark-"))
        try:

            def run(name: str, *arguments: str, home: Path = home) -> None:
                started = time.perf_counter()
                command = [sys.executable, "-m", "hybridrag", *arguments]
                environment = {**os.environ, "HYBRIDRAG_HOME": str(home)}
                subprocess.run(command, env=environment, check=True, capture_output=True)
                seconds.setdefault(name, []).append(time.perf_counter() - started)

            run("ingest, empty home", "ingest", str(options.folder))
            run("ingest, nothing changed", "ingest", str(options.folder))
            run("search, cold process", "search", "how do I return a response directly")
            run("search --mode lexical, cold process", "search", "--mode", "lexical", "response directly")
            run("ask without a provider, cold process", "ask", "how do I return a response directly?")
            run("--help", "--help")
            run("db stop", "db", "stop")
            shutil.rmtree(home / "data")
            run("ingest, empty database, model converted before", "ingest", str(options.folder))
            run("db stop", "db", "stop")
        finally:
            shutil.rmtree(home, ignore_errors=True)
    print(
        json.dumps(
            {
                name: {"median": round(statistics.median(s), 2), "min": round(min(s), 2), "max": round(max(s), 2)}
                for name, s in seconds.items()
                if name != "db stop"
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
