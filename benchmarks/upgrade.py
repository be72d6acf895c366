"""A model upgrade behind its gate, in both directions, and how near its plan came.

    python benchmarks/upgrade.py BEIR_FOLDER --small MODEL [--large MODEL]
    python benchmarks/upgrade.py FOLDER --small MODEL --plan-only

The corpus is ingested with the small model; `reindex plan` and `reindex run --gate` change to the large one, which
must be promoted; then back to the small one, which must fail with exit 10 and change nothing. With `--plan-only`
documents are ingested with the small model, and plans of other chunk sizes and of the large model are held against
what was then done.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a BEIR folder, or with --plan-only documents")
    parser.add_argument("--small", required=True)
    parser.add_argument("--large", default="all-MiniLM-L6-v2")
    parser.add_argument("--minimum", type=float, default=0.6)
    parser.add_argument("--max-regression", type=float, default=0.01)
    parser.add_argument("--plan-only", action="store_true")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="hybridrag-upgrade-"))
    program = Program(home)
    try:
        found = plans(program, options) if options.plan_only else upgrade(program, options)
        print(json.dumps(found, indent=2))
    finally:
        program("db", "stop")
        shutil.rmtree(home, ignore_errors=True)


class Program:
    """`hybridrag` with a home of its own."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def __call__(self, *arguments: str, expected: int = 0) -> dict[str, Any]:
        environment = {**os.environ, "HYBRIDRAG_HOME": str(self._home)}
        command = [sys.executable, "-m", "hybridrag", *arguments, "--json"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != expected:
            sys.exit(f"{' '.join(arguments)}: exit {done.returncode}, not {expected}\n{done.stderr}")
        value: dict[str, Any] = json.loads(done.stdout or "{}")
        return value


def upgrade(run: Program, options: argparse.Namespace) -> dict[str, Any]:
    """Up, which must pass, and down, which must fail and leave what serves as it was."""
    gate = Path(tempfile.mkdtemp(prefix="hybridrag-gate-")) / "gate.toml"
    gate.write_text(
        f"questions = {json.dumps(str(options.folder.resolve()))}\n"
        f"minimum = {options.minimum}\nmax_regression = {options.max_regression}\nminimum_questions = 50\n"
    )
    run("ingest", str(options.folder / "corpus.jsonl"), "--embedder", options.small)
    planned = run("reindex", "plan", "--embedder", options.large)
    up = run("reindex", "run", "--embedder", options.large, "--gate", str(gate))
    before = run("search", "what is measured", "--mode", "dense")
    down = run("reindex", "run", "--embedder", options.small, "--gate", str(gate), expected=10)
    after = run("search", "what is measured", "--mode", "dense")
    shutil.rmtree(gate.parent)
    return {
        "up": told(up),
        "down": told(down),
        "served the same after the failure": {**before, "timings_ms": 0} == {**after, "timings_ms": 0},
        "plan": held(planned, up),
    }


def plans(run: Program, options: argparse.Namespace) -> dict[str, Any]:
    """Plans of other chunks and another model against what was done."""
    run("ingest", str(options.folder), "--embedder", options.small)
    found = {}
    for name, flags in (
        ("chunks of 128 tokens", ("--chunk-tokens", "128")),
        ("chunks of 64 tokens", ("--chunk-tokens", "64")),
        (options.large, ("--embedder", options.large)),
    ):
        started = time.perf_counter()
        planned = run("reindex", "plan", *flags)
        seconds = time.perf_counter() - started
        found[name] = {"plan took s": round(seconds, 1), **held(planned, run("reindex", "run", "--no-promote", *flags))}
    return found


def told(done: dict[str, Any]) -> dict[str, Any]:
    gate = done["gate"]
    return {
        "promoted": done["promoted"],
        "passed": gate["passed"],
        "reasons": gate["reasons"],
        "ndcg@10": [gate["active"]["ndcg@10"], gate["candidate"]["ndcg@10"]],
        "difference": gate["differences"]["ndcg@10"],
        "overlap": gate["overlap"],
        "p95_ms": [gate["active"]["p95_ms"], gate["candidate"]["p95_ms"]],
        "bytes": [gate["active"]["size"]["bytes"], gate["candidate"]["size"]["bytes"]],
    }


def held(planned: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
    """Each figure of a plan beside what came of it."""
    worked, generation = done["worked"], done["generation"]
    pairs = {
        "tokens": (planned["tokens"]["to_embed"], worked["tokens"]),
        "texts": (planned["texts"]["to_embed"], worked["embedded"]),
        "chunks": (planned["chunks"], generation["chunks"]),
        "vector bytes": (planned["disk"]["vectors"] + planned["disk"]["vector_index"], generation["bytes"]),
        "seconds": (planned["seconds"]["total"], worked["seconds"]),
    }
    return {
        "exact": planned["exact"],
        **{name: {"planned": a, "done": b, "off": f"{(a - b) / b:+.1%}"} for name, (a, b) in pairs.items() if b},
    }


if __name__ == "__main__":
    main()
